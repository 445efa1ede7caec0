"""Scores by group: by class of a quantity, station or novelty, of the network and its baselines.

Legend: P pooled rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from geoml_cli.dataset.variables import PLAUSIBLE_MAXIMUM
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.member_rows import MemberRows, PooledRows
from geoml_cli.metrics.metric import Metric, Values
from geoml_cli.metrics.sums import GroupedRows
from geoml_cli.samples.labels import Labels, labelled, names_in_use
from geoml_cli.samples.scaling import TargetScaling
from geoml_cli.splits.artificial_gaps import gap_called, gap_length, tested_gaps
from geoml_cli.splits.members import UNSEEN, novelty

NOVELTY = "novelty"
GAPS = "length of the gap"


class GroupScores(NamedTuple):
    """Scores of the rows of one group; NaN where these do not define a score.

    Attributes:
        quantity: What rows are grouped by.
        name: Of the group.
        model: The network, or a baseline.
    """

    quantity: str
    name: str
    model: str
    rows: int
    scores: dict[str, float]


def groupwise_scores(
    observed_P: Values, predictions: Mapping[str, Values], labels: Mapping[str, Labels], metrics: tuple[Metric, ...]
) -> list[GroupScores]:
    """Score predictions by name, each [P], by every quantity and group of it."""
    found = []
    for quantity, label_P in labels.items():
        names, number_P, counts = names_in_use(label_P)
        rows = GroupedRows(observed_P, number_P)
        values = {
            model: [rows.by_group(metric, predicted) for metric in metrics] for model, predicted in predictions.items()
        }
        for place in in_order(names):
            name = names[place]
            for model, by_metric in values.items():
                scores = {metric.name: float(value[place]) for metric, value in zip(metrics, by_metric, strict=True)}
                found.append(GroupScores(quantity, name, model, int(counts[place]), scores))
    return found


def in_order(names: Sequence[object]) -> list[int]:
    """Return the places of sorted names in the order of a table: lengths of gaps by length, others as they are."""
    return sorted(range(len(names)), key=lambda place: gap_length(str(names[place])))


def labels_of(inputs: EvaluationInputs, members: list[MemberRows], pooled: PooledRows) -> dict[str, Labels]:
    """Return each quantity with the group of every pooled row; empty where the model names none."""
    label = inputs.network.groups
    named = label(inputs.samples, inputs.dataset) if label else {}
    found = {quantity: label_N[pooled.rows_P] for quantity, label_N in named.items()}
    if inputs.settings.shared.split.kind == "gaps":
        found[GAPS] = _gap_lengths(inputs, pooled)
    novelty_P = novelty_of_rows(inputs, members, pooled)
    return found if novelty_P is None else {**found, NOVELTY: novelty_P}


def novelty_of_rows(inputs: EvaluationInputs, members: list[MemberRows], pooled: PooledRows) -> Labels | None:
    """Return what is unseen about every pooled row, [P]; None where rows are held out in one way only."""
    novel = list(_novelty(inputs, members, pooled))
    if not novel:
        return None
    import pandas as pd

    return pd.api.types.union_categoricals(novel)


def plausibility(inputs: EvaluationInputs, pooled: PooledRows) -> dict[str, Labels]:
    """Tell observed values that the data set itself calls impossible from the others; empty where there are none."""
    record = inputs.dataset.manifest.variables.get(inputs.task.target.name)
    text = "" if record is None else record.attributes.get(PLAUSIBLE_MAXIMUM, "")
    is_beyond_P = pooled.observed_P > float(text) if text else np.zeros(1, dtype=np.bool_)
    if not is_beyond_P.any():
        return {}
    unit = inputs.task.unit
    return {"plausibility": labelled(is_beyond_P.astype(np.int64), [f"{text} {unit} or less", f"above {text} {unit}"])}


def transformed_scores(
    inputs: EvaluationInputs, pooled: PooledRows, predictions: Mapping[str, Values]
) -> list[GroupScores]:
    """Score all rows under the target's transform, in which the network was trained; empty where it has none."""
    transform = inputs.settings.shared.target.transform
    changed = _transformed(inputs, predictions)
    if not changed:
        return []
    known = {name: values for name, values in changed.items() if np.isfinite(values).all()}
    label = labelled(np.zeros(len(pooled.observed_P), np.int64), [f"{transform} of {inputs.task.target.name}"])
    seen_P = TargetScaling(transform=transform).forward(pooled.observed_P)
    return groupwise_scores(seen_P, known, {"transform": label}, inputs.task.metrics)


def without_transform(inputs: EvaluationInputs, predictions: Mapping[str, Values]) -> list[str]:
    """Say which baselines have no scores under the target's transform, and why."""
    transform = inputs.settings.shared.target.transform
    counts = {name: int((~np.isfinite(v)).sum()) for name, v in _transformed(inputs, predictions).items()}
    return [
        f"Scores of the {transform} leave out {name}: it is not defined for {count} of its predictions."
        for name, count in counts.items()
        if count
    ]


def _transformed(inputs: EvaluationInputs, predictions: Mapping[str, Values]) -> dict[str, Values]:
    """Return predictions under the target's transform; empty where it has none."""
    transform = inputs.settings.shared.target.transform
    if transform == "none" or not inputs.task.scales_target:
        return {}
    forward = TargetScaling(transform=transform).forward
    with np.errstate(invalid="ignore", divide="ignore"):  # a baseline may predict what has no logarithm
        return {name: forward(predicted_P) for name, predicted_P in predictions.items()}


def _gap_lengths(inputs: EvaluationInputs, pooled: PooledRows) -> Labels:
    """Name the length of the artificial gap that each row lies in."""
    hours_N = tested_gaps(inputs.dataset, inputs.settings.shared.split, len(inputs.samples)).hours_N
    lengths, place_P = np.unique(hours_N[pooled.rows_P], return_inverse=True)
    return labelled(place_P.reshape(-1), [gap_called(hours) if hours else "no gap" for hours in lengths])


def _novelty(inputs: EvaluationInputs, members: list[MemberRows], pooled: PooledRows) -> Iterator[Labels]:
    """Yield for each fold what is unseen about its rows."""
    folds = {member.fold: member for member in reversed(members)}
    for fold in pooled.folds:
        if (words := novelty_of(inputs, folds[fold])) is not None:
            yield words


def novelty_of(inputs: EvaluationInputs, member: MemberRows) -> Labels | None:
    """Return what is unseen about the rows of a member: their station, their year, or both; None where not known."""
    split = inputs.run.split(member.name)
    unseen = novelty(inputs.dataset, inputs.settings.shared.split, split, len(inputs.samples))
    if inputs.subset != "test" or not unseen:
        return None
    scored = np.isin(split.test, member.rows_N)
    words = [f"{UNSEEN} {name.removesuffix('_index')}" for name in unseen]
    each = ["", *words] if len(words) == 1 else ["", words[0], words[1], " and ".join(words)]
    place = sum(flags.astype(np.int64) << k for k, flags in enumerate(unseen.values()))
    return labelled(np.asarray(place)[scored], each)
