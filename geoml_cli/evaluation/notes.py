"""What must be known before a number is quoted, and how rows were pooled."""

from __future__ import annotations

from collections.abc import Mapping

from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.member_rows import MemberRows
from geoml_cli.evaluation.scores import ModelScores
from geoml_cli.splits.grouping import group_called, unlabelled
from geoml_cli.training.fitting import other_options
from geoml_cli.training.start import described
from geoml_cli.work.numbers import format_number, format_share

_FALLEN = 0.2
"""Of the highest learning rate: above it a schedule has not come to its end."""
_FEW_GROUPS = 20
"""Fewer clusters give too narrow intervals: Cameron, Gelbach and Miller 2008, doi:10.1162/rest.90.3.414."""


def pooling(inputs: EvaluationInputs) -> str:
    """Say how rows were pooled, for those who compute the scores again."""
    split = inputs.settings.shared.split
    if inputs.task.maps is not None:
        return (
            "Members that differ by seed are pooled map by map, as in a forecast. Intervals and tests take blocks of "
            "start times as long as a window, input and target; without nine blocks there are none."
        )
    return (
        "Members of a fold that differ by seed are pooled row by row, as in a prediction; then the folds are put "
        "together. A sample that several folds score counts once for each. Intervals and tests take groups whole; "
        f"a group is a {group_called(inputs.dataset, split)}."
    )


def notes(inputs: EvaluationInputs, members: list[MemberRows], groups: int) -> list[str]:
    """Return what must be known before a number is quoted."""
    other = other_options(inputs.settings, inputs.dataset.manifest)
    found = [_untrained(inputs), _unknown_rows(inputs, members), _seen_rows(inputs), other, _smearing(inputs)]
    found += [_fine_tuned(inputs), _stopped_early(inputs), _unlabelled(inputs)]
    missing = sum(member.without_observation for member in members)
    if missing:
        found.append(f"{missing} rows (over all members) have no observed value and were excluded.")
    return [text for text in (*found, few_groups(groups)) if text]


def few_groups(groups: int) -> str:
    """Say that intervals are too narrow, or that there is none; empty where there are groups enough."""
    if groups == 1:
        return "All rows evaluated are of one group: there is no interval and no test."
    return f"Only {groups} groups were evaluated: the intervals are too narrow." if groups < _FEW_GROUPS else ""


def map_notes(inputs: EvaluationInputs, blocks: int, fewest: int) -> list[str]:
    """Return what must be known before a score of forecasts of maps is quoted."""
    found = [_untrained(inputs), _seen_rows(inputs), _fine_tuned(inputs), _stopped_early(inputs)]
    if blocks < fewest:
        found.append(
            f"The start times make {blocks} block(s) as long as a window: no interval or test is given below {fewest}, "
            "since neighbouring forecasts share most of their maps."
        )
    return [text for text in found if text]


def beside_intervals(models: Mapping[str, ModelScores]) -> list[str]:
    """Say which scores lie outside of their own intervals: draws of few unlike groups are biased.

    Args:
        models: Scores by what is unseen about their rows; empty for all rows.
    """
    return [
        f"{names}{f' ({rows_of})' if rows_of else ''}: outside of the interval, as resampling {found.groups} groups "
        "biases it. Use the score, not its interval."
        for rows_of, found in models.items()
        if (names := found.beside_intervals)
    ]


def _smearing(inputs: EvaluationInputs) -> str:
    """Say by which factor predictions of logarithms were multiplied."""
    factors = [inputs.run.scaling(name).target.smearing for name in inputs.predictors]
    if all(factor == 1 for factor in factors):
        return ""
    range_ = dict.fromkeys(map(format_number, (min(factors), max(factors))))
    plus = {inputs.run.scaling(name).target.transform for name in inputs.predictors} == {"log1p"}
    return (
        f"The target is trained in logarithms; {'1 + prediction is' if plus else 'predictions are'} multiplied by "
        f"{' to '.join(range_)}: the mean of the exponentials of each "
        "member's validation residuals about their mean (those of baselines by their own)."
    )


def _untrained(inputs: EvaluationInputs) -> str:
    missing = [name for name in inputs.planned if name not in inputs.predictors]
    if not missing:
        return ""
    names = ", ".join(missing)
    return f"{len(missing)} of {len(inputs.planned)} members are not trained and not in these scores: {names}."


def _fine_tuned(inputs: EvaluationInputs) -> str:
    return described(inputs.settings.shared.train, inputs.dataset)


def _stopped_early(inputs: EvaluationInputs) -> str:
    """Say which members stopped before their learning rate had fallen."""
    train = inputs.settings.shared.train
    if train.patience is None or train.schedule == "constant":
        return ""
    last = {name: inputs.run.history(name)[-1] for name in inputs.predictors if inputs.run.history(name)}
    early = {name: entry for name, entry in last.items() if entry["lr"] > _FALLEN * train.lr}
    if not early:
        return ""
    shares = [entry["lr"] / train.lr for entry in early.values()]
    longest = max(entry["step"] for entry in early.values())
    return (
        f"{len(early)} of {len(last)} members stopped early (train.patience = {train.patience}), with the learning "
        f"rate still at {format_share(min(shares))} to {format_share(max(shares))} of its highest: train anew with "
        f"train.steps={longest}, so that it falls to the end, or without patience."
    )


def _unknown_rows(inputs: EvaluationInputs, members: list[MemberRows]) -> str:
    if all(len(inputs.run.split(member.name).train) for member in members):
        return ""
    return (
        "The training rows of this run are unknown, as it was imported: the rows evaluated here may be among "
        "them, and the scores then say how well it remembers, not how well it predicts."
    )


def _unlabelled(inputs: EvaluationInputs) -> str:
    samples = inputs.samples
    return unlabelled(inputs.dataset, inputs.settings.shared.split, samples.usable(), len(samples))


def _seen_rows(inputs: EvaluationInputs) -> str:
    return {
        "train": "The networks (and baselines) were trained on these rows: scores say how well they fit, not predict.",
        "validation": "These rows chose the checkpoints, so scores on them are too good.",
        "test": "",
    }[inputs.subset]
