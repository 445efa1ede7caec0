"""What a run that holds out two kinds of groups shows: skill at unseen stations, in unseen years, and at both at once.

Rows of each are scored by themselves, and resampled by what the claim is about: one about unseen stations by station,
one about unseen years of known stations by station and year. A number over all rows mixes them.

Legend: P pooled rows, N samples of the data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from geoml_cli.evaluation.comparison import BaselineComparison, compare_all
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.member_rows import PooledRows
from geoml_cli.evaluation.scores import ModelScores, rows_of, score
from geoml_cli.metrics.metric import Values
from geoml_cli.samples.labels import Labels, names_in_use
from geoml_cli.splits.grouping import groups, paired_groups
from geoml_cli.splits.members import UNSEEN
from geoml_cli.splits.split import Rows


@dataclass(frozen=True)
class Claim:
    """Scores of the rows that are unseen in one way.

    Attributes:
        name: What is unseen, such as `unseen station`.
        resampled: What intervals and tests resample.
        network: Scores of the network.
        baselines: Compared with it, the best first.
    """

    name: str
    resampled: str
    network: ModelScores
    baselines: list[BaselineComparison]


def claims(
    inputs: EvaluationInputs, pooled: PooledRows, labels: Labels | None, predictions: Mapping[str, Values],
    descriptions: Mapping[str, str],
) -> list[Claim]:  # fmt: skip
    """Score the rows of each kind of novelty; empty where rows are held out in one way only.

    Args:
        inputs: The network.
        pooled: Rows of all folds.
        labels: What is unseen about each row, [P]; None where that is the same for all.
        predictions: Of the network and of baselines, each [P].
        descriptions: Of the baselines.
    """
    if labels is None:
        return []
    found = []
    for name in names_in_use(labels)[0]:
        own = labels == name
        group_N, resampled = resampled_groups(inputs, name)
        rows = rows_of(pooled.observed_P[own], group_N[pooled.rows_P[own]])
        chosen = {model: predicted_P[own] for model, predicted_P in predictions.items()}
        network, *others = score(inputs.task, rows, chosen, inputs.bootstrap)
        found.append(Claim(name, resampled, network, compare_all(network, others, descriptions, chosen)))
    return found


def resampled_groups(inputs: EvaluationInputs, name: str) -> tuple[Rows, str]:
    """Return what a claim about rows that are unseen in one way is resampled by, [N], and its name."""
    split, samples = inputs.settings.shared.split, len(inputs.samples)
    first = (split.group_by or "block").removesuffix("_index")
    if name == f"{UNSEEN} {split.second_group}":
        return paired_groups(inputs.dataset, split, samples), f"{first} in one {split.second_group}"
    return groups(inputs.dataset, split, samples), first
