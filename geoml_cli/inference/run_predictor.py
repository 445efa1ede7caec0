"""Predictions of a whole run: of its networks, or of what stands in their place.

Legend: O outputs, N rows, V variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from geoml_cli.inference.area import in_area
from geoml_cli.inference.intervals import Intervals, without
from geoml_cli.inference.trained_ranges import Floats, InputRanges, TrainedRange
from geoml_cli.models.spec import Pipeline
from geoml_cli.samples.samples import Samples

if TYPE_CHECKING:
    from geoml_cli.inference.load import TrainedRun

Rows = NDArray[np.int64]
Values = NDArray[np.float64]
_LARGEST = float(np.finfo(np.float32).max)


class NetworkPredictor(Protocol):
    """What stands for a network: its members, or what is put in their place; attributes as of `Predictor`."""

    ranges: InputRanges | None
    intervals: Intervals | None

    def outputs(self, samples: Samples, rows: Rows, steps: int | None = None) -> Values:
        """Return every output over the rows, then intervals, as `Predictor.outputs` does."""


class RunPredictor:
    """All networks of a run: their pooled outputs, and what they give together where there are several."""

    def __init__(self, run: TrainedRun, predictors: Mapping[str, NetworkPredictor]) -> None:
        self._run, self._predictors = run, predictors
        self._ranges = {name: run.ranges(name) for name in predictors}
        for name, predictor in predictors.items():
            predictor.ranges = self._ranges[name]
            predictor.intervals = run.intervals.get(name)

    def outputs(self, samples: Samples, rows: Rows, steps: int | None = None) -> Values:
        """Return every output over the rows, shape [O, N], NaN where a quantity is not defined or not finite.

        `steps` as of a member.
        """
        outputs_by_network = {
            name: predictor.outputs(self._seen(name, samples), rows, steps)
            for name, predictor in self._predictors.items()
        }
        together = (
            next(iter(outputs_by_network.values()))
            if self._run.pipeline is None
            else self._together(self._run.pipeline, outputs_by_network)
        )
        # Of inputs far outside of the trained range a logarithm may turn back to a number that no file can hold.
        together = np.where(np.abs(together) <= _LARGEST, together, np.nan)
        area = self._run.applicability
        if area is None:
            return together
        defined = np.isfinite(together).any(axis=0)
        inside = np.full((2, len(rows)), np.nan)
        inside[:, defined] = np.minimum(in_area(area, samples, rows[defined]), _LARGEST)
        for name, ranges in self._ranges.items():
            # Their weights are as they were drawn: no distance between inputs tells of that.
            inside[1, ranges.of_unseen_classes(self._seen(name, samples), rows) & defined] = 0.0
        return np.concatenate([together, inside])

    def _together(self, pipeline: Pipeline, outputs_by_network: Mapping[str, Values]) -> Values:
        """Return what networks give together, and the intervals that hold of it."""
        intervals = {
            name: self._run.intervals[name].outputs() for name in outputs_by_network if name in self._run.intervals
        }
        estimates, bounds = {}, {}
        for name, values in outputs_by_network.items():
            count = len(values) - len(intervals.get(name, ()))
            estimates[name], bounds[name] = values[:count], values[count:]
        together = pipeline.combine(estimates)
        outputs = self._run.estimates()
        kept = [without(bounds[name], described, outputs, together) for name, described in intervals.items()]
        return np.concatenate([together, *kept])

    @property
    def variables(self) -> list[TrainedRange]:
        """Return the variables of all networks' inputs, with the ranges that they were trained on."""
        return [variable for one in self._ranges.values() for variable in one.variables]

    def counts(self) -> Floats:
        """Return how many values lay outside since this was last asked, [V, 4], as `InputRanges.taken` does."""
        return np.concatenate([one.taken() for one in self._ranges.values()])

    def _seen(self, network: str, samples: Samples) -> Samples:
        names = self._run.signature(network).inputs
        if list(names) == list(samples.inputs):
            return samples
        return replace(samples, inputs={name: samples.inputs[name] for name in names})
