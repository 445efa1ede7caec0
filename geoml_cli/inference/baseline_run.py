"""A baseline in the place of a run's network: fitted on the same training rows, predicting the same inputs.

Legend: F folds, N rows, C columns of the table (of probabilities: classes), O outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.baselines.tabular import BASELINES, FeatureTable, fit, fit_probabilities, names_giving
from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import SettingsError
from geoml_cli.inference.area import in_area
from geoml_cli.inference.baseline_features import BaselineFeatures, Rows, Table
from geoml_cli.inference.intervals import Intervals
from geoml_cli.inference.load import RunPredictor, TrainedRun
from geoml_cli.inference.predictor import pooled
from geoml_cli.inference.ranges import Floats, InputRanges, TrainedRange
from geoml_cli.metrics.applicability import Applicability
from geoml_cli.models.spec import Network
from geoml_cli.runs.calibration import Calibration
from geoml_cli.samples.batches import gathered
from geoml_cli.samples.samples import Samples
from geoml_cli.tasks.task import Task

Values = NDArray[np.float64]
_OPTION = "--with"
_BATCH = 4096
_LEAST = 1e-300
"""Probability in place of 0, which has no logarithm."""


class FittedFold(NamedTuple):
    """A baseline that was fitted on the training rows of a fold.

    Attributes:
        member: Whose training rows.
        predict: Samples and rows to what a network puts out: values in the target's unit, [N], or logarithms of the
            probability of every class, [N, C]; NaN where there is none.
        smearing: Factor that values hold, as of a network.
    """

    member: str
    predict: Callable[[Samples, Rows], Values]
    smearing: float = 1.0


class BaselineLimits(NamedTuple):
    """How far the predictions of a baseline hold.

    Attributes:
        calibration: Of intervals or sets; None where there is none.
        area: Of applicability; None where there is none.
        reason: Why there are no intervals; empty where there are some.
    """

    calibration: Calibration | None = None
    area: Applicability | None = None
    reason: str = ""


@dataclass(frozen=True)
class BaselineRun(TrainedRun):
    """A run of which a baseline predicts.

    Attributes:
        baseline: Its name.
        dataset: That which the run was trained on.
        limits: Of its predictions (see `evaluation.baseline_limits`).
    """

    baseline: str
    dataset: Dataset
    limits: BaselineLimits = field(default_factory=BaselineLimits)

    @property
    def predicts(self) -> str:
        """Name what predicts."""
        return f"{self.baseline}, baseline of {self.run.model}"

    @property
    def undefined(self) -> str:
        """Say why a sample has no prediction."""
        return "an input is missing, or a class that the baseline was not fitted on"

    @cached_property
    def intervals(self) -> Mapping[str, Intervals]:
        """Return the intervals of the baseline, from its own errors at held-out rows."""
        calibration, coverage = self.limits.calibration, self.settings.shared.predict.coverage
        if not coverage or calibration is None or not np.isfinite(calibration.quantiles(coverage)).all():
            return {}
        folds = tuple(self.run.split(one.member).fold for one in self.fitted)
        return {self.name: Intervals(calibration, coverage, self.task(self.name), folds)}

    @property
    def without_intervals(self) -> str:
        """Say why there are none."""
        coverage, calibration = self.settings.shared.predict.coverage, self.limits.calibration
        if not coverage or self.name in self.intervals:
            return ""
        few = f"{calibration.rows} held-out rows are too few for {coverage * 100:g} %" if calibration else ""
        return f"No prediction intervals: {few or self.limits.reason}."

    @cached_property
    def applicability(self) -> Applicability | None:
        """Return the area in which the baseline was tested, its variables weighted by their importance for it."""
        return self.limits.area

    def estimates(self) -> tuple[Variable, ...]:
        """Describe what folds give together, and with several of a quantity their standard deviation."""
        count = len(self.fitted)
        first, *others = self.task(self.name).outputs(count)
        told = f"{first.long_name if first.classes else first.name}, {self.baseline} fitted on the training samples of "
        return replace(first, long_name=f"{told}{count} fold(s), mean of them"), *others

    def predictor(self, device: torch.device | None = None) -> RunPredictor:
        """Return the fitted baseline in the form of networks."""
        return _BaselinePredictor(self)

    @property
    def name(self) -> str:
        """Return the name of the only network."""
        return next(iter(self.networks))

    @property
    def network(self) -> Network:
        """Return the only network, whose table of features the baseline sees."""
        return self.networks[self.name]

    @property
    def is_own(self) -> bool:
        """Return whether it is a baseline of the network itself, which needs no table of features."""
        return self.baseline in self.network.baselines

    @cached_property
    def samples_of_run(self) -> Samples:
        """Return the run's own samples."""
        return self.network_samples(self.name, self.dataset)

    @cached_property
    def features(self) -> BaselineFeatures:
        """Return what makes features, in the order of those of the run's own data."""
        assert self.network.table is not None, "checked by with_baseline"
        return BaselineFeatures(self.network.table, self.samples_of_run)

    @cached_property
    def fitted(self) -> list[FittedFold]:
        """Fit the baseline on the training rows of every fold, as `evaluate` does."""
        samples = self.samples_of_run
        truth_N = np.asarray(samples.target.rows, dtype=np.float64)
        if samples.complete is not None:
            truth_N = np.where(samples.complete, truth_N, np.nan)
        members: dict[str, str] = {}
        for member in self.members:  # those of a fold differ by seed only
            members.setdefault(self.run.split(member).fold, member)
        fit_fold = self._fit_own if self.is_own else self._fit_table
        return [fit_fold(member, truth_N) for member in members.values()]

    def _fit_own(self, member: str, truth_N: Values) -> FittedFold:
        train = self._known(self.run.split(member).train, truth_N)
        own, seed = self.network.baselines[self.baseline], self.settings.shared.evaluate.seed
        predict = own.fit(self.samples_of_run, train, seed)
        return FittedFold(member, self._own_rows(predict) if own.fills else predict)

    def _own_rows(self, predict: Callable[[Samples, Rows], Values]) -> Callable[[Samples, Rows], Values]:
        """Refuse samples that are not those of the run, whose gaps alone are filled."""

        def predicted(samples: Samples, rows: Rows) -> Values:
            same, own = samples.records, self.samples_of_run.records
            if same is None or own is None or not np.array_equal(same.minute_N, own.minute_N):
                raise SettingsError(
                    f"{self.baseline} fills records of the data set that the run was trained on, and no others.",
                    where=_OPTION,
                    fix="Leave it out.",
                )
            return predict(samples, rows)

        return predicted

    def _fit_table(self, member: str, truth_N: Values) -> FittedFold:
        split, features, seed = self.run.split(member), self.features, self.settings.shared.evaluate.seed
        train, validation = (self._known(rows, truth_N) for rows in (split.train, split.validation))
        task: Task = self.task(self.name)
        plain = self.run.scaling(member).target.model_copy(update={"smearing": 1.0})  # the factor is the network's
        table_NC = features.own_NC
        seen = FeatureTable(table_NC[train], plain.forward(truth_N[train]), table_NC[validation], features.names)
        if task.baseline == "class":
            probability = fit_probabilities(self.baseline, seen, len(task.codes), seed)
            return FittedFold(member, features.predictor(lambda table: np.log(np.fmax(probability(table), _LEAST))))
        predict = fit(self.baseline, seen, "regression", seed)
        if plain.transform != "none" and self.settings.shared.target.smearing:
            plain = plain.smeared(plain.forward(truth_N[validation]) - predict(table_NC[validation]))

        def values(table: Table) -> Values:
            return plain.inverse(predict(table))

        return FittedFold(member, features.predictor(values), plain.smearing)

    def _known(self, rows: Rows, truth_N: Values) -> Rows:
        return rows[np.isfinite(truth_N[rows])]


class _BaselinePredictor(RunPredictor):
    """Fitted baselines in the form of a run's networks."""

    def __init__(self, run: BaselineRun) -> None:
        self._baseline = run
        self._inputs: InputRanges = run.ranges(run.name)

    def outputs(self, samples: Samples, rows: Rows, steps: int | None = None) -> Values:
        """Return what folds give together, intervals and area, [O, N], NaN where there is no prediction."""
        known = np.ones(len(rows), dtype=np.bool_) if samples.complete is None else samples.complete[rows]
        self._count(samples, rows[known])
        found = np.full((len(self._baseline.outputs()), len(rows)), np.nan)
        if not known.any():
            return found
        each_FN = np.stack([fold.predict(samples, rows[known]) for fold in self._baseline.fitted])
        defined = np.isfinite(each_FN.reshape(len(each_FN), int(known.sum()), -1)).all(axis=(0, 2))
        known[known] = defined
        if known.any():
            found[:, known] = self._outputs(samples, rows[known], torch.from_numpy(each_FN[:, defined]))
        return found

    def _outputs(self, samples: Samples, rows: Rows, each_FN: torch.Tensor) -> Values:
        run = self._baseline
        task = run.task(run.name)
        parts = [pooled(task, each_FN)]
        parts += [intervals.of(each_FN, parts[0][task.scored]) for intervals in run.intervals.values()]
        parts += [in_area(run.applicability, samples, rows)] if run.applicability is not None else []
        return np.concatenate(parts)

    def _count(self, samples: Samples, rows: Rows) -> None:
        """Count values of inputs that lie outside the ranges of the training rows."""
        for start in range(0, len(rows), _BATCH):
            batch = gathered(samples, rows[start : start + _BATCH], torch.device("cpu"))
            self._inputs.count(dict(zip(samples.inputs, batch, strict=True)))

    @property
    def variables(self) -> list[TrainedRange]:
        """Return the variables of the inputs, with the ranges that they were trained on."""
        return self._inputs.variables

    def counts(self) -> Floats:
        """Return how many values lay outside since this was last asked, [V, 4]."""
        return self._inputs.taken()


def with_baseline(trained: TrainedRun, name: str, dataset: Dataset) -> BaselineRun:
    """Put a baseline in the place of the network of a run.

    Args:
        trained: The run.
        name: Of the baseline.
        dataset: That which the run was trained on.

    Raises:
        SettingsError: There is no such baseline, or none can be put there.
    """
    (first, network), *others = trained.networks.items()
    task = trained.task(first)
    if others or task.maps is not None or not (network.table or network.baselines):
        raise SettingsError(
            f"{trained.run.model} gives baselines no table of features.", where=_OPTION, fix="Leave it out."
        )
    if task.baseline not in ("regression", "class"):
        raise SettingsError(
            "baselines predict quantities and classes, not probabilities.", where=_OPTION, fix="Leave it out."
        )
    # Groups of places are numbered anew in every data set, so that a mean of one would be given to another.
    tabular = [one for one in names_giving(task.baseline) if not BASELINES[one].of_groups] if network.table else []
    registry.known("baseline that can predict here", name, sorted({*tabular, *network.baselines}))
    if any(not len(trained.run.split(member).train) for member in trained.members):
        raise SettingsError(
            f"the training rows of run {trained.run.id} are unknown.", where=_OPTION, fix="Use a run trained here."
        )
    return BaselineRun(trained.run, trained.members, trained.settings, name, dataset)
