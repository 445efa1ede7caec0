"""A baseline in the place of a run's network: fitted on the same training rows, predicting the same inputs.

Legend: F folds, N rows, C columns of the table, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.baselines.tabular import BASELINES, FeatureTable, fit, names_giving
from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.intervals import Intervals
from geoml_cli.inference.load import RunPredictor, TrainedRun
from geoml_cli.inference.predictor import pooled
from geoml_cli.inference.ranges import Floats, InputRanges, TrainedRange
from geoml_cli.models.spec import Network
from geoml_cli.samples.batches import gathered
from geoml_cli.samples.samples import Samples

Rows = NDArray[np.int64]
Values = NDArray[np.float64]
Fitted = Callable[[NDArray[np.float32]], Values]
"""Features [N, C] to values in the target's unit, [N]."""
_OPTION = "--with"
_BATCH = 4096


@dataclass(frozen=True)
class BaselineRun(TrainedRun):
    """A run of which a baseline predicts.

    Attributes:
        baseline: Its name.
        dataset: That which the run was trained on.
    """

    baseline: str
    dataset: Dataset

    @property
    def predicts(self) -> str:
        """Name what predicts."""
        return f"{self.baseline}, baseline of {self.run.model}"

    @cached_property
    def intervals(self) -> Mapping[str, Intervals]:
        """Return none: distances to held-out rows are those of the network."""
        return {}

    @property
    def without_intervals(self) -> str:
        """Say why there are none."""
        asked = self.settings.shared.predict.coverage
        return "No prediction intervals, and no area of applicability: they are the network's." if asked else ""

    @cached_property
    def applicability(self) -> None:
        """Return none: variables are weighted by their importance for the network."""
        return None

    def estimates(self) -> tuple[Variable, ...]:
        """Describe the mean over folds, and with several their standard deviation."""
        count = len(self.fitted)
        first, *others = self.task(self.name).outputs(count)
        told = f"{first.name}, {self.baseline} fitted on the training samples of {count} fold(s), mean of them"
        return replace(first, long_name=told), *others

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

    @cached_property
    def features(self) -> tuple[NDArray[np.float32], list[str]]:
        """Return the features of the run's own data, and their names."""
        assert self.network.table is not None, "checked by with_baseline"
        return self.network.table(self.network_samples(self.name, self.dataset))

    @cached_property
    def fitted(self) -> list[Fitted]:
        """Fit the baseline on the training rows of every fold, as `evaluate` does."""
        samples, (table_NC, names) = self.network_samples(self.name, self.dataset), self.features
        truth_N = np.asarray(samples.target.rows, dtype=np.float64)
        if samples.complete is not None:
            truth_N = np.where(samples.complete, truth_N, np.nan)
        members: dict[str, str] = {}
        for member in self.members:  # those of a fold differ by seed only
            members.setdefault(self.run.split(member).fold, member)
        return [self._fit_fold(member, (table_NC, names), truth_N) for member in members.values()]

    def _fit_fold(self, member: str, features: tuple[NDArray[np.float32], list[str]], truth_N: Values) -> Fitted:
        (table_NC, names), split = features, self.run.split(member)
        scaling = self.run.scaling(member).target
        train, validation = (rows[np.isfinite(truth_N[rows])] for rows in (split.train, split.validation))
        plain = scaling.model_copy(update={"smearing": 1.0})  # the network's factor is not the baseline's
        seen = FeatureTable(table_NC[train], plain.forward(truth_N[train]), table_NC[validation], names)
        predict = fit(self.baseline, seen, "regression", self.settings.shared.evaluate.seed)
        if scaling.transform != "none" and self.settings.shared.target.smearing:
            plain = plain.smeared(plain.forward(truth_N[validation]) - predict(table_NC[validation]))
        return lambda table: plain.inverse(predict(table))


class _BaselinePredictor(RunPredictor):
    """Fitted baselines in the form of a run's networks."""

    def __init__(self, run: BaselineRun) -> None:
        self._baseline = run
        self._inputs: InputRanges = run.ranges(run.name)
        self._last: tuple[Samples, NDArray[np.float32]] | None = None

    def outputs(self, samples: Samples, rows: Rows, steps: int | None = None) -> Values:
        """Return mean and standard deviation over folds, [O, N], NaN where inputs are missing."""
        known = np.ones(len(rows), dtype=np.bool_) if samples.complete is None else samples.complete[rows]
        whole = rows[known]
        for start in range(0, len(whole), _BATCH):
            batch = gathered(samples, whole[start : start + _BATCH], torch.device("cpu"))
            self._inputs.count(dict(zip(samples.inputs, batch, strict=True)))
        found = np.full((len(self._baseline.estimates()), len(rows)), np.nan)
        if len(whole):
            table_NC = self._table(samples)[whole]
            each_FN = np.stack([predict(table_NC) for predict in self._baseline.fitted])
            found[:, known] = pooled(self._baseline.task(self._baseline.name), torch.from_numpy(each_FN))
        return found

    def _table(self, samples: Samples) -> NDArray[np.float32]:
        """Return the features of all samples, once for all rows of them."""
        if self._last is None or self._last[0] is not samples:
            make = self._baseline.network.table
            assert make is not None, "checked by with_baseline"
            self._last = samples, _in_order(*make(samples), self._baseline.features[1])
        return self._last[1]

    @property
    def variables(self) -> list[TrainedRange]:
        """Return the variables of the inputs, with the ranges that they were trained on."""
        return self._inputs.variables

    def counts(self) -> Floats:
        """Return how many values lay outside since this was last asked, [V, 4]."""
        return self._inputs.taken()


def _in_order(table_NC: NDArray[np.float32], names: list[str], wanted: list[str]) -> NDArray[np.float32]:
    """Return the features in the order of those that the baseline was fitted on.

    A class of an input has a column where it occurs: one that occurs in the training data alone is 0 here.

    Raises:
        DataError: Another feature is missing, or a class occurs that the baseline has never seen.
    """
    odd = [name for name in {*names} ^ {*wanted} if "=" not in name or name in names]
    if odd:
        raise DataError(
            f"the features are not those that the baseline was fitted on ({', '.join(sorted(odd))}).",
            where=_OPTION,
            fix="Leave it out: the network may know what the baseline does not.",
        )
    place = {name: column for column, name in enumerate(names)}
    zero = np.zeros(len(table_NC), dtype=np.float32)
    return np.stack([table_NC[:, place[name]] if name in place else zero for name in wanted], axis=1)


def with_baseline(trained: TrainedRun, name: str, dataset: Dataset) -> BaselineRun:
    """Put a baseline in the place of the network of a run.

    Args:
        trained: The run.
        name: Of the baseline.
        dataset: That which the run was trained on.

    Raises:
        SettingsError: There is no such baseline, or none can be put there.
    """
    # Groups of places are numbered anew in every data set, so that a mean of one would be given to another.
    registry.known("baseline", name, [one for one in names_giving("regression") if not BASELINES[one].of_groups])
    networks = list(trained.networks.values())
    if len(networks) > 1 or networks[0].table is None or trained.task(next(iter(trained.networks))).maps is not None:
        raise SettingsError(
            f"{trained.run.model} gives baselines no table of features.", where=_OPTION, fix="Leave it out."
        )
    if trained.task(next(iter(trained.networks))).baseline != "regression":
        raise SettingsError("baselines predict quantities, not classes.", where=_OPTION, fix="Leave it out.")
    if any(not len(trained.run.split(member).train) for member in trained.members):
        raise SettingsError(
            f"the training rows of run {trained.run.id} are unknown.", where=_OPTION, fix="Use a run trained here."
        )
    return BaselineRun(trained.run, trained.members, trained.settings, name, dataset)
