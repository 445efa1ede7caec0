"""A run of which a baseline predicts, in the place of every network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from geoml_cli import registry
from geoml_cli.baselines.tabular import BASELINES, names_giving
from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import SettingsError
from geoml_cli.inference.fitted_baseline import OPTION, BaselinePredictor, FittedBaseline
from geoml_cli.inference.intervals import Intervals
from geoml_cli.inference.load import TrainedRun
from geoml_cli.metrics.applicability import Applicability
from geoml_cli.runs.calibration import Calibration


class BaselineLimits(NamedTuple):
    """How far the predictions of a baseline of one network hold.

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
        limits: Of its predictions, by network (see `evaluation.baseline_limits`).
    """

    baseline: str
    dataset: Dataset
    limits: Mapping[str, BaselineLimits] = field(default_factory=dict)

    @property
    def predicts(self) -> str:
        """Name what predicts."""
        return f"{self.baseline}, baseline of {self.run.model}"

    @property
    def undefined(self) -> str:
        """Say why a sample has no prediction."""
        return "an input is missing, a class that the baseline was not fitted on, or no finite number"

    @cached_property
    def fitted(self) -> Mapping[str, FittedBaseline]:
        """Return the baseline in the place of each network."""
        return {name: FittedBaseline(self, name, self.baseline, self.dataset) for name in self.networks}

    @cached_property
    def intervals(self) -> Mapping[str, Intervals]:
        """Return the intervals of the baseline, from its own errors at held-out rows."""
        coverage, found = self.settings.shared.predict.coverage, {}
        for name, (calibration, _, _) in self.limits.items() if coverage else ():
            if calibration is not None and np.isfinite(calibration.quantiles(coverage)).all():
                folds = tuple(self.run.split(one.member).fold for one in self.fitted[name].folds)
                found[name] = Intervals(calibration, coverage, self.task(name), folds)
        return found

    @property
    def without_intervals(self) -> str:
        """Say why there are none."""
        coverage = self.settings.shared.predict.coverage
        for name in self.networks if coverage else ():
            if name not in self.intervals:
                calibration, _, reason = self.limits.get(name, BaselineLimits())
                few = f"{calibration.rows} held-out rows are too few for {coverage * 100:g} %" if calibration else ""
                return f"No prediction intervals: {few or reason}."
        return ""

    @cached_property
    def applicability(self) -> Applicability | None:
        """Return the area in which the baseline was tested, its variables weighted by their importance for it."""
        areas = [limits.area for limits in self.limits.values()]
        return areas[0] if len(areas) == 1 else None

    def estimates(self) -> tuple[Variable, ...]:
        """Describe what folds give together, and with several of a quantity their standard deviation."""
        one, *_ = self.fitted.values()
        count = len(one.folds)
        first, *others = self.pipeline.task.outputs(1) if self.pipeline else one.task.outputs(count)
        meaning = first.long_name if first.classes or self.pipeline else first.name
        fits = f"{self.baseline} fitted on the training samples of {count} fold(s), mean of them"
        return replace(first, long_name=f"{meaning}, {fits}"), *others

    def _predictor_of(self, network: str, device: torch.device | None) -> BaselinePredictor:
        return BaselinePredictor(self.fitted[network])


def with_baseline(trained: TrainedRun, name: str, dataset: Dataset) -> BaselineRun:
    """Put a baseline in the place of the networks of a run.

    Args:
        trained: The run.
        name: Of the baseline.
        dataset: That which the run was trained on.

    Raises:
        SettingsError: There is no such baseline, or none can be put there.
    """
    if any(trained.task(one).maps is not None for one in trained.networks):
        raise SettingsError(
            "forecasts of maps are the network's; `evaluate` scores those of its baselines.",
            where=OPTION,
            fix="Leave it out.",
        )
    if not (each := list(_names(trained, dataset))):
        raise SettingsError(
            f"{trained.run.model} gives baselines no table of features.", where=OPTION, fix="Leave it out."
        )
    registry.require_choice("baseline that can predict here", name, sorted(set.intersection(*each)))
    if any(not len(trained.run.split(member).train) for member in trained.members):
        raise SettingsError(
            f"the training rows of run {trained.run.id} are unknown.", where=OPTION, fix="Use a run trained here."
        )
    return BaselineRun(trained.run, trained.members, trained.settings, name, dataset)


def _names(trained: TrainedRun, dataset: Dataset) -> Iterator[set[str]]:
    """Name the baselines of each network that has some; without stations there are no records to be filled."""
    for name, network in trained.networks.items():
        # Groups of places are numbered anew in every data set, so that a mean of one would be given to another.
        tabular = [one for one in names_giving(trained.task(name).baseline) if not BASELINES[one].of_groups]
        if network.table or network.baselines:
            own = [one for one, baseline in network.baselines.items() if not baseline.fills or _has_records(dataset)]
            yield {*(tabular if network.table else ()), *own}


def _has_records(dataset: Dataset) -> bool:
    return dataset.has("station_index") and dataset.has("index")
