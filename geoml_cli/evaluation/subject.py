"""What is evaluated: a run's networks, the rows they are judged on, and how the rows are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.config.settings import Settings
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.metrics.compare import ERROR_RATE, RMSE, Measure
from geoml_cli.models.spec import Spec
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import Samples
from geoml_cli.splits.split import Rows, Split, groups
from geoml_cli.work.reporting import Reporter

Part = Literal["test", "validation", "train"]
Values = NDArray[np.float64]
Predictor = Callable[[Samples, Rows], Values]
"""A restored member: samples and rows to predictions [N] in physical units."""


@dataclass(frozen=True)
class Subject:
    """A run, opened for evaluation.

    Attributes:
        run: On disk.
        dataset: The data set it was trained on.
        settings: The run's own, with `[evaluate]` as asked for.
        spec: The model's record of functions.
        samples: The data set as the model sees it.
        predictors: The trained members, restored, by name.
        part: Which rows are judged.
        network: The part of the model; empty where it has one.
    """

    run: Run
    dataset: Dataset
    settings: Settings
    spec: Spec[Any]
    samples: Samples
    predictors: Mapping[str, Predictor]
    part: Part
    network: str = ""

    @property
    def name(self) -> str:
        """Name the network: by its part, or the model."""
        return self.network or self.run.model

    @property
    def folder(self) -> Path:
        """Return where the evaluation goes."""
        return self.run.evaluation(self.part) / self.network

    @property
    def planned(self) -> list[str]:
        """Name the members of this part, trained or not."""
        return [name for name in self.run.planned() if self.run.part(name) == self.network]

    @property
    def measure(self) -> Measure:
        """Return what the network and its baselines are ranked by."""
        return ERROR_RATE if self.spec.judged == "classes" else RMSE

    @property
    def error_unit(self) -> str:
        """Return what the measure is counted in."""
        if self.spec.judged == "classes":
            return "of the rows"
        return "of the probability" if self.spec.judged == "probabilities" else self.samples.unit

    @property
    def quantity(self) -> tuple[str, str]:
        """Return the target's name and unit."""
        return self.samples.target_name, self.samples.unit


@dataclass(frozen=True)
class MemberRows:
    """A member's predictions of the rows it is judged on; each row has an observation.

    Attributes:
        left_out: Rows of its split without an observation.
    """

    name: str
    fold: str
    seed: int
    rows_N: Rows
    predicted_N: Values
    left_out: int


@dataclass(frozen=True)
class Pool:
    """Rows of all folds, one after another; a row that several folds test stands there several times.

    Attributes:
        rows_P: Which sample of the data set.
        observed_P: Its observed value.
        predicted_P: What the fold's members, which differ by seed only, give together: their mean, or of classes the
            one most of them name.
        groups_P: Its spatial block, or the sample itself.
        folds: Name and length of each fold, in order.
    """

    rows_P: Rows
    observed_P: Values
    predicted_P: Values
    groups_P: Rows
    folds: Mapping[str, int]


def observed(subject: Subject) -> Values:
    """Return the target of every sample, NaN where it is unknown or the inputs are not whole.

    Raises:
        DataError: No sample has one.
    """
    name = subject.samples.target_name
    if subject.samples.target is None or not len(subject.samples.usable()):
        source = subject.dataset.manifest.source
        raise DataError(
            f"the data set has no observed values of `{name}`, so there is nothing to evaluate against.",
            where=str(subject.dataset.folder),
            fix=f"Prepare data that hold them; `geoml prepare {source} --help` says in which file or column.",
        )
    values = np.asarray(subject.samples.observed(), dtype=np.float64)
    return values if subject.samples.whole is None else np.where(subject.samples.whole, values, np.nan)


def predicted(subject: Subject, reporter: Reporter) -> list[MemberRows]:
    """Let every trained member predict its rows that have an observation.

    Raises:
        DataError: No member is trained, there are no such rows, or a prediction is not finite.
    """
    truth = observed(subject)
    if not subject.predictors:
        raise DataError(
            "no member of the run is trained.",
            where=str(subject.run.folder),
            fix=f"Go on with `geoml train {subject.run.model} --preset {subject.run.preset} --resume`.",
        )
    found = []
    with reporter.task("predict", len(subject.predictors)) as advance:
        for name in subject.predictors:
            found.append(_member(subject, name, truth))
            advance(1)
    return found


def pool(subject: Subject, members: list[MemberRows]) -> Pool:
    """Average members of the same fold, then put the folds together."""
    truth = observed(subject)
    folds: dict[str, list[MemberRows]] = {}
    for member in members:
        folds.setdefault(member.fold, []).append(member)
    for alike in folds.values():
        assert all(np.array_equal(member.rows_N, alike[0].rows_N) for member in alike), "a fold shares its rows"
    rows_P = np.concatenate([alike[0].rows_N for alike in folds.values()])
    means = [_together(subject, [member.predicted_N for member in alike]) for alike in folds.values()]
    return Pool(
        rows_P=rows_P,
        observed_P=truth[rows_P],
        predicted_P=np.concatenate(means),
        groups_P=groups_of_samples(subject)[rows_P],
        folds={name: len(alike[0].rows_N) for name, alike in folds.items()},
    )


def _together(subject: Subject, each: list[Values]) -> Values:
    """Put members of a fold together: the mean, or of classes the one most members name (of a tie the first)."""
    if subject.spec.judged != "classes":
        return np.asarray(np.mean(each, axis=0), dtype=np.float64)
    from scipy.stats import mode

    return np.asarray(mode(np.stack(each), axis=0).mode, dtype=np.float64)


def groups_of_samples(subject: Subject) -> Rows:
    """Number every sample's group: samples of one are resampled together."""
    return groups(subject.dataset, subject.settings.shared.split, len(subject.samples))


def judged_rows(split: Split, part: Part, samples: int) -> Rows:
    """Return the rows a member is judged on: all, where it has no split, as after an import."""
    if not any(len(split.rows(name)) for name in ("train", "validation", "test")):
        return np.arange(samples, dtype=np.int64)
    return split.rows(part)


def _member(subject: Subject, name: str, truth: Values) -> MemberRows:
    split = subject.run.split(name)
    rows = judged_rows(split, subject.part, len(subject.samples))
    known = rows[np.isfinite(truth[rows])]
    if not len(known):
        raise DataError(
            f"member {name} has no {subject.part} row with an observed value ({len(rows)} without).",
            where=str(subject.run.folder),
            fix="Evaluate on other rows with --split, or train with another [split].",
        )
    values = subject.predictors[name](subject.samples, known)
    if wrong := int((~np.isfinite(values)).sum()):
        raise DataError(
            f"member {name} predicts no finite value for {wrong} of {len(known)} rows (the first is row "
            f"{known[~np.isfinite(values)][0]}).",
            where=str(subject.dataset.folder),
            fix="Look for missing or extreme covariates there, or prepare the data set again.",
        )
    return MemberRows(name, split.fold, split.seed, known, values, len(rows) - len(known))
