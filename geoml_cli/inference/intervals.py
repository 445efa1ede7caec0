"""Intervals of predictions, and sets of classes, from the calibration of a run.

Legend: M members, N rows, L lead times, C classes; y, x a map's rows and columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from geoml_cli.dataset.variables import Variable
from geoml_cli.metrics.metric import Values
from geoml_cli.runs.calibration import Calibration
from geoml_cli.tasks.task import Task


@dataclass(frozen=True)
class Intervals:
    """What follows the outputs of a network: the bounds of an interval, or the classes of a set.

    Attributes:
        calibration: Of the network.
        coverage: Share of new rows that intervals are to hold.
        task: Of the network.
        folds: Fold of each member.
    """

    calibration: Calibration
    coverage: float
    task: Task
    folds: tuple[str, ...]

    @property
    def promise(self) -> str:
        """Say what is promised."""
        return f"{self.coverage * 100:g} % of {self.task.target.name}: {self.calibration.promise(self.coverage)}"

    @property
    def digest(self) -> str:
        """Return what tells these intervals from others."""
        return hashlib.sha256(f"{self.coverage} {self.calibration.model_dump_json()}".encode()).hexdigest()

    def outputs(self) -> tuple[Variable, ...]:
        """Describe the bounds, or size and members of the set."""
        target, percent = self.task.target, f"{self.coverage * 100:g} %"
        if self.task.probabilities is None:
            return self._bound("lower", percent), self._bound("upper", percent)
        meaning = f"set that holds {target.name} in {percent} of rows"
        size = f"number of classes in the {meaning}, {self.calibration.promise(self.coverage)}"
        names = self.task.class_names or tuple(map(str, self.task.codes))
        each = (
            Variable(
                f"{target.name}_set_{code}",
                "1",
                f"1 where {code} is in the {meaning}",
                title=f"{name} in {percent} set",
                classes={0: "not in the set", 1: "in the set"},
            )
            for code, name in zip(self.task.codes, names, strict=True)
        )
        return Variable(f"{target.name}_set_size", "1", size, title=f"classes in {percent} set"), *each

    def _bound(self, side: str, percent: str) -> Variable:
        name, unit, dims = self.task.target.name, self.task.target.unit, self.task.target.dims
        meaning = (
            f"{side} bound of the {percent} prediction interval of {name}, {self.calibration.promise(self.coverage)}"
        )
        return Variable(f"{name}_{side}", unit, meaning, dims, title=f"{name} {side} {percent}")

    def of(self, each_MN: Tensor, predicted_N: Values) -> Values:
        """Return the values of `outputs`, [O, N, ...].

        Args:
            each_MN: Predictions of the members before pooling, [M, N, ...].
            predicted_N: Pooled, as they are delivered, [N] or [N, L, y, x].
        """
        quantiles = self.calibration.quantiles(self.coverage)
        if self.task.probabilities is not None:
            return class_set(self.task.probabilities(each_MN).numpy(), quantiles)
        difference = self.calibration.difference
        assert difference is not None, "a quantity is calibrated by differences"
        if not self.task.target.dims:
            spread = difference.spread(each_MN.numpy(), self.folds)
            return _finite(difference.bounds(predicted_N, spread, quantiles))
        # Past the horizon there are no held-out rows, and so no interval.
        leads = predicted_N.shape[1]
        known = np.full(leads, np.nan)
        known[: len(quantiles)] = quantiles[:leads]
        return _finite(difference.bounds(predicted_N, None, known[:, None, None]))


def _finite(bounds: tuple[Values, Values]) -> Values:
    """Return both bounds, NaN where one is infinite: the exponential of a large logarithm."""
    found = np.stack(bounds)
    return np.where(np.isfinite(found), found, np.nan)


def class_set(probability_NC: Values, distance: float | Values) -> Values:
    """Return how many classes are in each set, then whether each class is, [1 + C, N].

    The likeliest class is always in it: an empty set says nothing, and a larger one covers no less.

    Args:
        probability_NC: Of every class.
        distance: From which 1 minus the probability is too far, of all rows or each, [N].
    """
    is_in_NC = 1 - probability_NC <= np.reshape(distance, (-1, 1))
    is_in_NC[np.arange(len(is_in_NC)), probability_NC.argmax(axis=1)] = True
    return np.concatenate([is_in_NC.sum(axis=1)[None], is_in_NC.T]).astype(np.float64)


def without(bounds: Values, calibrated: Sequence[Variable], outputs: Sequence[Variable], defined: Values) -> Values:
    """Leave out the bounds [B, N] of a quantity where the outputs [O, N] of several networks do not define it."""
    names = [output.name for output in outputs]
    target = calibrated[0].name.removesuffix("_lower")
    if target not in names:
        return bounds
    return np.where(np.isnan(defined[names.index(target)]), np.nan, bounds)
