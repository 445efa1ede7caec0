"""A baseline in the place of one network: fitted on the same training rows, predicting the same inputs.

Legend: F folds, N rows, C columns of the table (of probabilities: classes), O outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from geoml_cli.baselines.table_rows import TableRows
from geoml_cli.baselines.tabular import FeatureTable, fit, fit_probabilities
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import SettingsError
from geoml_cli.inference.baseline_features import BaselineFeatures, Rows, Table
from geoml_cli.inference.intervals import Intervals
from geoml_cli.inference.load import TrainedRun
from geoml_cli.inference.predictor import pooled
from geoml_cli.inference.trained_ranges import InputRanges
from geoml_cli.models.spec import Network
from geoml_cli.samples.batches import gathered
from geoml_cli.samples.samples import Samples
from geoml_cli.tasks.task import Task

Values = NDArray[np.float64]
OPTION = "--with"
_BATCH = 4096
_LEAST = 1e-300
"""Probability of a class in place of 0, which has no logarithm."""
_LEAST_OF_TWO = 1e-16
"""Likewise of presence and absence, of which one is 1 minus the other."""


class FittedFold(NamedTuple):
    """A baseline that was fitted on the training rows of a fold.

    Attributes:
        member: Whose training rows.
        predict: Samples and rows to what a network puts out: values in the target's unit or logits, [N], or logarithms
            of the probability of every class, [N, C]; NaN where there is none.
        smearing: Factor that values hold, as of a network.
    """

    member: str
    predict: Callable[[Samples, Rows], Values]
    smearing: float = 1.0


@dataclass(frozen=True)
class FittedBaseline:
    """A baseline of one network of a run, fitted when it is first asked.

    Attributes:
        run: With the network.
        network_name: In the run.
        baseline: Its name.
        dataset: That which the run was trained on.
    """

    run: TrainedRun
    network_name: str
    baseline: str
    dataset: Dataset

    @property
    def network(self) -> Network:
        """Return the network, whose table of features the baseline sees."""
        return self.run.networks[self.network_name]

    @property
    def is_own(self) -> bool:
        """Return whether it is a baseline of the network itself, which needs no table of features."""
        return self.baseline in self.network.baselines

    @property
    def _seed(self) -> int:
        return self.run.settings.shared.evaluate.seed

    @cached_property
    def task(self) -> Task:
        """Return what is predicted."""
        return self.run.task(self.network_name)

    @cached_property
    def samples(self) -> Samples:
        """Return the run's own samples."""
        return self.run.network_samples(self.network_name, self.dataset)

    @cached_property
    def features(self) -> BaselineFeatures:
        """Return what makes features, in the order of those of the run's own data."""
        assert self.network.table is not None, "checked by with_baseline"
        return BaselineFeatures(self.network.table, self.samples)

    @cached_property
    def folds(self) -> list[FittedFold]:
        """Fit the baseline on the training rows of every fold, as `evaluate` does."""
        truth_N = np.asarray(self.samples.target.rows, dtype=np.float64)
        if self.samples.complete is not None:
            truth_N = np.where(self.samples.complete, truth_N, np.nan)
        members: dict[str, str] = {}
        for member in self.run.members_of(self.network_name):  # those of a fold differ by seed only
            members.setdefault(self.run.run.split(member).fold, member)
        fit_fold = self._fit_own if self.is_own else self._fit_table
        return [fit_fold(member, truth_N) for member in members.values()]

    def _fit_own(self, member: str, truth_N: Values) -> FittedFold:
        own, train = self.network.baselines[self.baseline], _known(self.run.run.split(member).train, truth_N)
        predict = own.fit(self.samples, train, self._seed)
        return FittedFold(member, self._own_rows(predict) if own.fills else predict)

    def _own_rows(self, predict: Callable[[Samples, Rows], Values]) -> Callable[[Samples, Rows], Values]:
        """Refuse samples that are not those of the run, whose gaps alone are filled."""

        def predicted(samples: Samples, rows: Rows) -> Values:
            same, own = samples.records, self.samples.records
            if same is None or own is None or not np.array_equal(same.minute_N, own.minute_N):
                raise SettingsError(
                    f"{self.baseline} fills records of the data set that the run was trained on, and no others.",
                    where=OPTION,
                    fix="Leave it out.",
                )
            return predict(samples, rows)

        return predicted

    def _fit_table(self, member: str, truth_N: Values) -> FittedFold:
        split, features = self.run.run.split(member), self.features
        train, validation = (_known(rows, truth_N) for rows in (split.train, split.validation))
        plain = self.run.run.scaling(member).target.model_copy(update={"smearing": 1.0})  # the factor is the network's
        table_NC = features.own_NC
        known, others = TableRows(table_NC, train), TableRows(table_NC, validation)
        seen = FeatureTable(known, plain.forward(truth_N[train]), others, features.names)
        if self.task.baseline == "class":
            probability = fit_probabilities(self.baseline, seen, len(self.task.codes), self._seed)
            return FittedFold(member, features.predictor(lambda table: np.log(np.fmax(probability(table), _LEAST))))
        if self.task.baseline == "probability":
            presence = fit(self.baseline, seen, "probability", self._seed)
            return FittedFold(member, features.predictor(lambda table: _logit(presence(table))))
        predict = fit(self.baseline, seen, "regression", self._seed)
        if plain.transform != "none" and self.run.settings.shared.target.smearing:
            plain = plain.smeared(plain.forward(truth_N[validation]) - predict(others))

        def values(table: Table) -> Values:
            return plain.inverse(predict(table))

        return FittedFold(member, features.predictor(values), plain.smearing)


def _known(rows: Rows, truth_N: Values) -> Rows:
    return rows[np.isfinite(truth_N[rows])]


def _logit(probability_N: Values) -> Values:
    return np.log(np.fmax(probability_N, _LEAST_OF_TWO)) - np.log(np.fmax(1 - probability_N, _LEAST_OF_TWO))


class BaselinePredictor:
    """The folds of a baseline in the form of the members of a network.

    Attributes:
        ranges: Counts inputs outside the ranges of the training rows, where they are counted.
        intervals: What follows the task's outputs, where there are intervals.
    """

    def __init__(self, fitted: FittedBaseline) -> None:
        self._fitted = fitted
        self.ranges: InputRanges | None = None
        self.intervals: Intervals | None = None

    def outputs(self, samples: Samples, rows: Rows, steps: int | None = None) -> Values:
        """Return what folds give together, then intervals, [O, N], NaN where there is no prediction."""
        known = np.ones(len(rows), dtype=np.bool_) if samples.complete is None else samples.complete[rows]
        self._count(samples, rows[known])
        found = np.full((self._width, len(rows)), np.nan)
        if not known.any():  # as in a block of a map over the sea: estimators refuse tables without rows
            return found
        each_FN = np.stack([fold.predict(samples, rows[known]) for fold in self._fitted.folds])
        defined = np.isfinite(each_FN.reshape(*each_FN.shape[:2], -1)).all(axis=(0, 2))
        known[known] = defined
        if known.any():
            found[:, known] = self._outputs(torch.from_numpy(each_FN[:, defined]))
        return found

    @property
    def _width(self) -> int:
        own = self._fitted.task.outputs(len(self._fitted.folds))
        return len(own) + len(self.intervals.outputs() if self.intervals else ())

    def _outputs(self, each_FN: torch.Tensor) -> Values:
        task = self._fitted.task
        found = pooled(task, each_FN)
        if self.intervals is None:
            return found
        return np.concatenate([found, self.intervals.of(each_FN, found[task.scored])])

    def _count(self, samples: Samples, rows: Rows) -> None:
        """Count values of inputs that lie outside the ranges of the training rows."""
        if self.ranges is None:
            return
        for start in range(0, len(rows), _BATCH):
            batch = gathered(samples, rows[start : start + _BATCH], torch.device("cpu"))
            self.ranges.count(dict(zip(samples.inputs, batch, strict=True)))
