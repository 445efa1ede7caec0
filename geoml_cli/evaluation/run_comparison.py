"""Several runs on the test rows that they have in common: scores, differences, and both by group.

Legend: P rows that all runs test, R runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.evaluation.claims import resampled_groups
from geoml_cli.evaluation.comparison import compare_with
from geoml_cli.evaluation.groupwise import NOVELTY, novelty_of_rows
from geoml_cli.evaluation.inputs import EvaluationInputs, groups_of_samples
from geoml_cli.evaluation.member_rows import MemberRows, PooledRows, pool_folds, predict_members
from geoml_cli.evaluation.notes import beside_intervals
from geoml_cli.evaluation.run_notes import of_groups, of_rows
from geoml_cli.evaluation.scores import ModelScores, rows_of, score
from geoml_cli.metrics.compare import Comparison, fewest_groups, holm
from geoml_cli.metrics.metric import Values
from geoml_cli.samples.labels import Labels, names_in_use
from geoml_cli.splits.grouping import group_called
from geoml_cli.splits.split import Rows
from geoml_cli.tasks.task import Task
from geoml_cli.work.distinct import common, distinct
from geoml_cli.work.reporting import Reporter

MOST_RUNS = 12
_MOST_GROUPS = 200
"""Groups of a quantity that are scored one by one; more are no table."""


@dataclass(frozen=True)
class Pair:
    """Two runs on the same rows; differences are first minus second, of a score of which lower is better."""

    first: str
    second: str
    comparison: Comparison


@dataclass(frozen=True)
class GroupPair:
    """Runs on the rows of one group.

    Attributes:
        quantity: What is grouped, such as station.
        name: Of the group.
        rows: Rows of it.
        groups: Groups that they are of, which intervals resample.
        scores: Ranking score by run.
        pairs: Every other run compared with the first.
    """

    quantity: str
    name: str
    rows: int
    groups: int
    scores: Mapping[str, float]
    pairs: Sequence[Pair]


@dataclass(frozen=True)
class _CommonRows:
    """Rows that all runs test.

    Attributes:
        rows_P: Samples of the data set.
        observed_P: Their target.
        predictions: Of each run, [P].
        of_folds: All runs have the same folds: a row counts once for each that tests it, as in an evaluation. Else
            it counts once, with the mean of their predictions.
    """

    rows_P: Rows
    observed_P: Values
    predictions: Mapping[str, Values]
    of_folds: bool


@dataclass(frozen=True)
class RunComparison:
    """Runs compared.

    Attributes:
        task: Of the network; the same for all runs.
        group: What intervals resample, such as station.
        runs: Scores by run, in the order asked for.
        pairs: All pairs over all rows; p-values are Holm's for their number.
        groups: By group.
        tested: Rows that each run tests, by run.
        notes: What must be known before a number is quoted.
    """

    task: Task
    group: str
    runs: Sequence[ModelScores]
    pairs: Sequence[Pair]
    groups: Sequence[GroupPair]
    tested: Mapping[str, int]
    notes: Sequence[str]


def compare_runs(runs: Mapping[str, EvaluationInputs], reporter: Reporter) -> RunComparison:
    """Predict the test rows of every run and compare the runs on those that all test.

    Args:
        runs: A network of each run by the run's name, on the same data set.
        reporter: Receives progress.

    Raises:
        SettingsError: The networks forecast maps, or predict unlike quantities.
        DataError: The runs have no test row in common.
    """
    first = next(iter(runs.values()))
    _refuse_unlike(runs)
    members = {name: predict_members(inputs, reporter) for name, inputs in runs.items()}
    pooled = {name: pool_folds(inputs, members[name]) for name, inputs in runs.items()}
    rows = _common_rows(pooled, first.task)
    coarsest = min(runs, key=lambda name: (len(distinct(groups_of_samples(runs[name])[rows.rows_P])), name))
    groups_P = groups_of_samples(runs[coarsest])[rows.rows_P]
    scored = score(first.task, rows_of(rows.observed_P, groups_P), rows.predictions, first.bootstrap)
    label = first.network.groups
    named = label(first.samples, first.dataset) if label else {}
    labels = {quantity: label_N[rows.rows_P] for quantity, label_N in named.items()}
    labels |= _novelty(runs, members, pooled) if rows.of_folds else {}
    by_group = [
        group
        for quantity, label_P in labels.items()
        for group in _by_group(runs[coarsest], quantity, label_P, rows, groups_P)
    ]
    tested = {name: len(one.rows_P) if rows.of_folds else len(distinct(one.rows_P)) for name, one in pooled.items()}
    return RunComparison(
        task=first.task,
        group=group_called(runs[coarsest].dataset, runs[coarsest].settings.shared.split),
        runs=scored,
        pairs=_adjusted([Pair(a.name, b.name, compare_with(a, b)) for a, b in combinations(scored, 2)]),
        groups=by_group,
        tested=tested,
        notes=[
            *of_rows(runs, tested, len(rows.rows_P)),
            *_notes_of_rows(runs, pooled, rows, coarsest),
            *of_groups(runs[coarsest], scored[0].groups, by_group),
            *beside_intervals({one.name: one for one in scored}),
        ],
    )


def _refuse_unlike(runs: Mapping[str, EvaluationInputs]) -> None:
    described = {
        name: (one.task.target.name, one.task.target.unit, tuple(one.task.class_names)) for name, one in runs.items()
    }
    (first, wanted), *others = described.items()
    if any(one.task.maps is not None for one in runs.values()):
        raise SettingsError(
            "forecasts of maps are compared within an evaluation.",
            where=first,
            fix="Name the other runs with `geoml evaluate RUN --set evaluate.runs=['RUN']`.",
        )
    for name, found in others:
        if found != wanted:
            raise SettingsError(
                f"predicts {found[0]} [{found[1]}], {first} predicts {wanted[0]} [{wanted[1]}].",
                where=name,
                fix="Compare runs of one quantity.",
            )


def _novelty(
    runs: Mapping[str, EvaluationInputs], members: Mapping[str, list[MemberRows]], pooled: Mapping[str, PooledRows]
) -> dict[str, Labels]:
    """Return what is unseen about every row where that is the same for all runs; it depends on what they train on."""
    first, *others = [novelty_of_rows(inputs, members[name], pooled[name]) for name, inputs in runs.items()]
    same = first is not None and all(other is not None and np.array_equal(first, other) for other in others)
    return {NOVELTY: first} if first is not None and same else {}


def _common_rows(pooled: Mapping[str, PooledRows], task: Task) -> _CommonRows:
    """Return the rows that all runs test, with what each predicts of them."""
    first = next(iter(pooled.values()))
    if all(np.array_equal(one.rows_P, first.rows_P) for one in pooled.values()):
        predictions = {name: one.predicted_P for name, one in pooled.items()}
        return _CommonRows(first.rows_P, first.observed_P, predictions, of_folds=True)
    rows_P = _common({name: one.rows_P for name, one in pooled.items()})
    predictions = {name: _of_rows(one, rows_P, task) for name, one in pooled.items()}
    return _CommonRows(rows_P, _of_samples(first, rows_P), predictions, of_folds=False)


def _common(rows: Mapping[str, Rows]) -> Rows:
    """Return the rows that all runs test, ascending."""
    found = None
    for rows_P in rows.values():
        found = distinct(rows_P) if found is None else common(found, rows_P)
    if found is None or not len(found):
        raise DataError(
            f"{' and '.join(rows)} have no test row in common: they split the data otherwise.",
            where="compare",
            fix="Train them with the same [split].",
        )
    return found


def _of_rows(pooled: PooledRows, rows_P: Rows, task: Task) -> Values:
    """Return the predictions of some rows: of a row that several folds test their mean, of classes the first."""
    row_U, first_U, place_P = np.unique(pooled.rows_P, return_index=True, return_inverse=True)
    if task.class_names:
        found_U = pooled.predicted_P[first_U]
    else:
        place_P = place_P.reshape(-1)
        found_U = np.bincount(place_P, weights=pooled.predicted_P) / np.bincount(place_P)
    return np.asarray(found_U[np.searchsorted(row_U, rows_P)])


def _of_samples(pooled: PooledRows, rows_P: Rows) -> Values:
    row_U, first_U = np.unique(pooled.rows_P, return_index=True)
    return pooled.observed_P[first_U][np.searchsorted(row_U, rows_P)]


def _adjusted(pairs: Sequence[Pair]) -> list[Pair]:
    """Adjust p-values for the number of pairs."""
    p_values = holm([pair.comparison.p_value for pair in pairs])
    fewest = fewest_groups(max(len(pairs), 1))
    return [
        replace(pair, comparison=replace(pair.comparison, p_value=p_value, fewest=fewest))
        for pair, p_value in zip(pairs, p_values, strict=True)
    ]


def _by_group(
    inputs: EvaluationInputs, quantity: str, label_P: Labels, common: _CommonRows, groups_P: Rows
) -> list[GroupPair]:
    """Compare the runs with the first on the rows of each group; their p-values are Holm's over groups and runs."""
    names, _, _ = names_in_use(label_P)
    if not 1 < len(names) <= _MOST_GROUPS:
        return []
    found, pairs = [], []
    for name in names:
        own = label_P == name
        # By what a claim about these rows is about, as in an evaluation.
        group_P = resampled_groups(inputs, name)[0][common.rows_P] if quantity == NOVELTY else groups_P
        rows = rows_of(common.observed_P[own], group_P[own])
        predictions = {run: each[own] for run, each in common.predictions.items()}
        scored = score(inputs.task, rows, predictions, inputs.bootstrap)
        found.append((name, int(own.sum()), scored))
        pairs += [Pair(scored[0].name, other.name, compare_with(scored[0], other)) for other in scored[1:]]
    adjusted, others = _adjusted(pairs), len(common.predictions) - 1
    return [
        GroupPair(
            quantity,
            name,
            rows,
            scored[0].groups,
            {one.name: one.ranking for one in scored},
            adjusted[place * others : (place + 1) * others],
        )
        for place, (name, rows, scored) in enumerate(found)
    ]


def _notes_of_rows(
    runs: Mapping[str, EvaluationInputs], pooled: Mapping[str, PooledRows], rows: _CommonRows, coarsest: str
) -> list[str]:
    """Say where numbers are not those of an evaluation: of rows that several folds test, and of other groups."""
    notes = []
    several = [name for name, one in pooled.items() if len(distinct(one.rows_P)) < len(one.rows_P)]
    if several and not rows.of_folds:
        notes.append(
            f"Rows that several folds of {' and '.join(several)} test count once, with the mean of their predictions: "
            "scores are not those of `geoml evaluate`."
        )
    called = {name: group_called(one.dataset, one.settings.shared.split) for name, one in runs.items()}
    if len(set(called.values())) > 1:
        notes.append(
            f"Intervals and tests of all runs resample each {called[coarsest]}, as the split of {coarsest} does: of "
            "the runs' groups those are the fewest."
        )
    return notes
