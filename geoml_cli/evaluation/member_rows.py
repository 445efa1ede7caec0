"""Members of a network on the rows they are scored on, each and pooled over folds.

Legend: N rows of a member, P pooled rows of all folds, M members of a fold, C quantities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.evaluation.inputs import EvaluationInputs, Subset, groups_of_samples, observed
from geoml_cli.evaluation.kept import member_predictions
from geoml_cli.metrics.metric import Values
from geoml_cli.splits.split import Rows, Split
from geoml_cli.work.distinct import distinct
from geoml_cli.work.reporting import Reporter


@dataclass(frozen=True)
class ScoredRows:
    """The rows that a member is scored on; each has an observation.

    Attributes:
        without_observation: Rows of its split without one.
    """

    name: str
    fold: str
    seed: int
    rows_N: Rows
    without_observation: int


@dataclass(frozen=True)
class MemberRows(ScoredRows):
    """A member's predictions of the rows it is scored on.

    Attributes:
        raw_N: Predictions before pooling, [N, ...].
        predicted_N: As they are scored.
    """

    raw_N: Values
    predicted_N: Values


@dataclass(frozen=True)
class PooledRows:
    """Rows of all folds, one after another; a row that several folds test is there several times.

    Attributes:
        rows_P: Which sample of the data set.
        observed_P: Its observed value.
        predicted_P: Output of the fold's members, which differ by seed only, pooled as the task says.
        groups_P: Its group: a spatial block, or the sample itself.
        folds: Name and length of each fold, in order.
    """

    rows_P: Rows
    observed_P: Values
    predicted_P: Values
    groups_P: Rows
    folds: Mapping[str, int]

    @property
    def samples(self) -> int:
        """Return how many different samples there are."""
        return len(distinct(self.rows_P))


def predict_members(inputs: EvaluationInputs, reporter: Reporter) -> list[MemberRows]:
    """Predict the rows of every trained member that have an observation.

    Raises:
        DataError: No member is trained, there are no such rows, or a prediction is not finite.
    """
    scored, found = scored_rows(inputs), []
    with reporter.task("predict", len(scored)) as advance:
        for member in scored:
            found.append(_predicted(inputs, member))
            advance(1)
    return found


def scored_rows(inputs: EvaluationInputs) -> list[ScoredRows]:
    """Return the rows of every trained member that have an observation.

    Raises:
        DataError: No member is trained, or there are no such rows.
    """
    truth = observed(inputs)
    if not inputs.predictors:
        raise DataError(
            "no member of the run is trained.",
            where=str(inputs.run.folder),
            fix=f"Resume with `geoml train {inputs.run.quoted}`.",
        )
    return [_scored_rows(inputs, name, truth) for name in inputs.predictors]


def pool_folds(inputs: EvaluationInputs, members: list[MemberRows]) -> PooledRows:
    """Pool the members of each fold, then put the folds together."""
    folds: dict[str, list[MemberRows]] = {}
    for member in members:
        folds.setdefault(member.fold, []).append(member)
    for same in folds.values():
        assert all(np.array_equal(member.rows_N, same[0].rows_N) for member in same), "a fold shares its rows"
    rows_P = np.concatenate([same[0].rows_N for same in folds.values()])
    return PooledRows(
        rows_P=rows_P,
        observed_P=observed(inputs)[rows_P],
        predicted_P=np.concatenate([inputs.scored([member.raw_N for member in same]) for same in folds.values()]),
        groups_P=groups_of_samples(inputs)[rows_P],
        folds={name: len(same[0].rows_N) for name, same in folds.items()},
    )


def folds_of(inputs: EvaluationInputs) -> list[str]:
    """Name the folds of the trained members, in order."""
    return list(dict.fromkeys(inputs.run.split(name).fold for name in inputs.predictors))


def members_of(inputs: EvaluationInputs, fold: str) -> list[str]:
    """Name the trained members of a fold, which differ by seed only."""
    return [name for name in inputs.predictors if inputs.run.split(name).fold == fold]


def rows_of_fold(inputs: EvaluationInputs, fold: str) -> Rows:
    """Return the rows of a fold that are scored and have an observation."""
    split = inputs.run.split(members_of(inputs, fold)[0])
    rows = evaluated_rows(split, inputs.subset, len(inputs.samples))
    known: Rows = rows[np.isfinite(observed(inputs)[rows])]
    return known


def evaluated_rows(split: Split, subset: Subset, samples: int) -> Rows:
    """Return the rows a member is scored on: all, where it has no split, as after an import."""
    if not any(len(split.rows(name)) for name in ("train", "validation", "test")):
        return np.arange(samples, dtype=np.int64)
    return split.rows(subset)


def _scored_rows(inputs: EvaluationInputs, name: str, truth: Values) -> ScoredRows:
    split = inputs.run.split(name)
    rows = evaluated_rows(split, inputs.subset, len(inputs.samples))
    known = rows[np.isfinite(truth[rows])]
    if not len(known):
        raise DataError(
            f"member {name} has no {inputs.subset} row with an observed value ({len(rows)} without).",
            where=str(inputs.run.folder),
            fix="Evaluate on other rows with --split, or train with another [split].",
        )
    return ScoredRows(name, split.fold, split.seed, known, len(rows) - len(known))


def _predicted(inputs: EvaluationInputs, member: ScoredRows) -> MemberRows:
    raw = member_predictions(inputs, member.name, member.rows_N)
    finite = np.isfinite(raw.reshape(len(raw), -1)).all(axis=1)
    if wrong := int((~finite).sum()):
        raise DataError(
            f"member {member.name} predicts no finite value for {wrong} of {len(raw)} rows (the first is row "
            f"{member.rows_N[~finite][0]}).",
            where=str(inputs.dataset.folder),
            fix="Look for missing or extreme covariates there, or prepare the data set again.",
        )
    return MemberRows(**vars(member), raw_N=raw, predicted_N=inputs.scored([raw]))
