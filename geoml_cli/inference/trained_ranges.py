"""The ranges of inputs that a run was trained on, and how much of other inputs lies outside.

Legend: V variables of all inputs of a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geoml_cli.samples.samples import Samples, Signature
from geoml_cli.samples.scaling import Scaling

Floats = NDArray[np.float64]
Counts = NDArray[np.float64]
"""Of variables, [V, 4]: known values, those outside, the least and the largest."""
_MARGIN = 0.1
"""Of a range: what lies beyond its ends by no more still counts as inside."""
_ROUNDING = 1e-6
"""Relative: what float32 makes of a range's ends does not lie outside."""


class TrainedRange(NamedTuple):
    """Range of a variable over the training rows of the members that are used."""

    name: str
    low: float
    high: float
    classes: tuple[int, ...] = ()
    """Numbers of the classes that training rows have, where values are those of classes."""


class _Limits(NamedTuple):
    """Ends of the ranges of an input's variables, in the shape of its values.

    Attributes:
        low: Least values, the margin taken off.
        high: Largest values, the margin added.
    """

    low: Tensor
    high: Tensor

    @property
    def variables(self) -> int:
        """Return how many there are."""
        return self.low.shape[0]

    def outside(self, values: Tensor) -> Tensor:
        """Return which values lie beyond the ends."""
        return (values < self.low.to(values.device)) | (values > self.high.to(values.device))


class _Classes(NamedTuple):
    """Numbers of classes that training rows have.

    Attributes:
        numbers: Ascending, [K].
    """

    numbers: Tensor

    @property
    def variables(self) -> int:
        """Return how many there are: one."""
        return 1

    def outside(self, values: Tensor) -> Tensor:
        """Return which values are of other classes."""
        return torch.isfinite(values) & ~torch.isin(values, self.numbers.to(values.device, values.dtype))


class InputRanges:
    """Counts values outside the ranges of one network's inputs.

    Args:
        signature: Of the network.
        scalings: Of the members that are used.
    """

    def __init__(self, signature: Signature, scalings: Sequence[Scaling]) -> None:
        self.variables: list[TrainedRange] = []
        self._bounds: dict[str, _Limits | _Classes] = {}
        self._trailing = scalings[0].trailing
        for name, item in signature.inputs.items():
            ranges = [scaling.inputs[name] for scaling in scalings]
            if all(one.classes for one in ranges):
                numbers = sorted({number for one in ranges for number in one.classes})
                self.variables.append(TrainedRange(item.names[0], numbers[0], numbers[-1], tuple(numbers)))
                self._bounds[name] = _Classes(torch.tensor(numbers))
            if not all(one.low for one in ranges):
                continue
            low = np.min([one.low for one in ranges], axis=0)
            high = np.max([one.high for one in ranges], axis=0)
            self.variables += [TrainedRange(*one) for one in zip(item.names, low.tolist(), high.tolist(), strict=True)]
            spare = np.maximum(_MARGIN * (high - low), _ROUNDING * np.maximum(abs(low), abs(high)))
            shape = (-1, *(1,) * self._trailing[name])
            self._bounds[name] = _Limits(
                torch.from_numpy(low - spare).float().reshape(shape),
                torch.from_numpy(high + spare).float().reshape(shape),
            )
        self._counts = empty(len(self.variables))

    def count(self, inputs: Mapping[str, Tensor]) -> None:
        """Add the values of a batch, physical, each [B, ...]."""
        self.add(self.counts(inputs))

    def counts(self, inputs: Mapping[str, Tensor], repeats: Mapping[str, Tensor] | None = None) -> Floats:
        """Return the counts of a batch, [V, 4], as `taken` does; they are not added.

        Args:
            inputs: Physical, each [B, ...], or a block [C, Y, X] of which the samples are windows.
            repeats: By input that is a block: how many windows hold each pixel, [Y, X].
        """
        found = [self._of_input(inputs[name], bounds, name, repeats) for name, bounds in self._bounds.items()]
        return np.concatenate(found) if found else empty(0)

    def add(self, counts: Floats) -> None:
        """Add counts of a batch."""
        self._counts = merged(self._counts, counts)

    def _of_input(
        self, values: Tensor, bounds: _Limits | _Classes, name: str, repeats: Mapping[str, Tensor] | None
    ) -> Floats:
        axis = values.ndim - self._trailing[name] - 1
        over = [k for k in range(values.ndim) if bounds.variables == 1 or k != axis]
        if not values.numel():
            return empty(bounds.variables)
        known = torch.isfinite(values)
        times = (repeats or {}).get(name)
        outside = bounds.outside(values)
        if times is not None:
            known &= times > 0
            outside = outside * times
        columns = (
            (known if times is None else known * times).sum(over),
            outside.sum(over),
            torch.where(known, values, torch.inf).amin(over),
            torch.where(known, values, -torch.inf).amax(over),
        )
        return np.stack([column.cpu().double().reshape(-1).numpy() for column in columns], axis=1)

    def of_unseen_classes(self, samples: Samples, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which samples are of a class that no training row has, [N]."""
        found = np.zeros(len(rows), dtype=np.bool_)
        for name, bounds in self._bounds.items():
            if isinstance(bounds, _Classes):
                values = torch.from_numpy(np.asarray(samples.inputs[name].values[rows], dtype=np.float32))
                found |= bounds.outside(values).flatten(1).any(dim=1).numpy()  # also of no rows
        return found

    def taken(self) -> Floats:
        """Return the counts, [V, 4]: known values, those outside, the least and the largest; and start anew."""
        found, self._counts = self._counts, empty(len(self.variables))
        return found


def empty(variables: int) -> Floats:
    """Return counts of no values, [V, 4]."""
    return np.tile([0.0, 0.0, np.inf, -np.inf], (variables, 1))


def merged(first: Floats, second: Floats) -> Floats:
    """Return the counts of both, [V, 4]."""
    return np.concatenate(
        (
            first[:, :2] + second[:, :2],
            np.fmin(first[:, 2:3], second[:, 2:3]),
            np.fmax(first[:, 3:], second[:, 3:]),
        ),
        axis=1,
    )
