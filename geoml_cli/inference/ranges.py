"""How much of the inputs lies outside the ranges that a run was trained on: extrapolation, or another unit.

Legend: V variables of all inputs of a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geoml_cli.errors import DataError
from geoml_cli.samples.samples import Signature
from geoml_cli.samples.scaling import Scaling
from geoml_cli.work.numbers import format_share
from geoml_cli.work.reporting import Reporter

Floats = NDArray[np.float64]
Counts = NDArray[np.float64]
"""Of variables, [V, 4]: known values, those outside, the least and the largest."""
_MARGIN = 0.1
"""Of a range: what lies beyond its ends by no more still counts as inside."""
_ROUNDING = 1e-6
"""Relative: what float32 makes of a range's ends does not lie outside."""
_PLACE_OR_TIME = {
    *("lat", "lon", "latitude", "longitude"),
    *("time", "year", "month", "day", "day-of-year", "DoY_normalized", "hour", "minute"),
}
"""Variables in which a run is meant to be applied elsewhere or later; a warning names them, none is refused."""
_NEAR = 1.0
"""Of a range: how far beyond it values may lie that a conversion of units explains."""
_WORTH_A_WARNING = 0.01
_SMALLER = {10.0: "a tenth", 180 / np.pi: "a 57th (radians in place of degrees)", 100.0: "a hundredth"} | {
    1e3: "a thousandth",
    1e4: "a ten-thousandth",
}
"""What makes values so much smaller that all of them lie inside, by the factor that brings them back."""
_ENDS, _MANY = 0.1, 100
"""Of a range: how near its ends the least and the largest of so many values come then."""
_ICE, _COLDEST, _HOTTEST = 273.15, -100.0, 90.0
"""Zero degrees Celsius [K]; temperatures of air, soil and surfaces [degC]."""


def _other_scale(factor: float) -> str:
    """Say how far values are off; the factor is not theirs, of which some lie near each power of ten."""
    size = f"{max(factor, 1 / factor):g} times too {'small' if factor > 1 else 'large'}"
    near = (
        ", such as 3.2808 of feet and metres, 10 of cm and mm, 11.574 of W m-2 and MJ m-2 d-1, 12 of months and years"
    )
    near = near if factor in (0.1, 10.0) else ""
    return f"another unit or scale, about {size}: convert it by the exact factor of the two{near}"


_CONVERSIONS: tuple[tuple[str, float, float], ...] = (
    ("kelvin in place of degrees Celsius: subtract 273.15", 1.0, -273.15),
    ("degrees Celsius in place of kelvin: add 273.15", 1.0, 273.15),
    *((_other_scale(factor), factor, 0.0) for factor in (1e-2, 1e2, 1e-1, 10.0, 1e-3, 1e3, 1e-4, 1e4)),
)
"""What may turn the values into the run's unit: factor, then offset."""


class TrainedRange(NamedTuple):
    """Range of a variable over the training rows of the members that are used."""

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class OutsideShare:
    """How much of a variable lies outside.

    Attributes:
        trained: The range it was trained on.
        share: Of its values, 0 to 1.
        low: Least value that was seen.
        high: Largest.
    """

    trained: TrainedRange
    share: float
    low: float
    high: float

    def __str__(self) -> str:
        name, low, high = self.trained
        return f"{name} {format_share(self.share)} (from {self.low:g} to {self.high:g}, trained on {low:g} to {high:g})"

    def explanation(self) -> str:
        """Name the conversion of units that brings the values nearest to the range; empty where none does."""
        name, low, high = self.trained
        near, found = _NEAR * (high - low), list[tuple[float, str]]()
        as_they_are = abs(self.low - low) + abs(self.high - high)
        for text, factor, offset in _CONVERSIONS:
            if offset and not self._are_temperatures(offset):
                continue
            least, most = self.low * factor + offset, self.high * factor + offset
            apart = abs(least - low) + abs(most - high)
            if low - near <= least and most <= high + near and apart < as_they_are / 2:
                found.append((apart, text))
        return f"{name} may be {min(found)[1]}." if found else ""

    def _are_temperatures(self, offset: float) -> bool:
        """Return whether range and values can be temperatures on Earth that lie so far apart."""
        celsius, kelvin = (self.trained[1:], (self.low, self.high))[:: 1 if offset < 0 else -1]
        return (
            _COLDEST <= celsius[0]
            and celsius[1] <= _HOTTEST
            and _COLDEST <= kelvin[0] - _ICE <= kelvin[1] - _ICE <= _HOTTEST
        )


class InputRanges:
    """Counts values outside the ranges of one network's inputs.

    Args:
        signature: Of the network.
        scalings: Of the members that are used.
    """

    def __init__(self, signature: Signature, scalings: Sequence[Scaling]) -> None:
        self.variables: list[TrainedRange] = []
        self._bounds: dict[str, tuple[Tensor, Tensor]] = {}
        self._trailing = scalings[0].trailing
        for name, item in signature.inputs.items():
            ranges = [scaling.inputs[name] for scaling in scalings]
            if not all(one.low for one in ranges):
                continue
            low = np.min([one.low for one in ranges], axis=0)
            high = np.max([one.high for one in ranges], axis=0)
            self.variables += [TrainedRange(*one) for one in zip(item.names, low.tolist(), high.tolist(), strict=True)]
            spare = np.maximum(_MARGIN * (high - low), _ROUNDING * np.maximum(abs(low), abs(high)))
            shape = (-1, *(1,) * self._trailing[name])
            self._bounds[name] = (
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
        found = [
            self._of_input(inputs[name], (low.to(inputs[name].device), high.to(inputs[name].device)), name, repeats)
            for name, (low, high) in self._bounds.items()
        ]
        return np.concatenate(found) if found else empty(0)

    def add(self, counts: Floats) -> None:
        """Add counts of a batch."""
        self._counts = merged(self._counts, counts)

    def _of_input(
        self, values: Tensor, bounds: tuple[Tensor, Tensor], name: str, repeats: Mapping[str, Tensor] | None
    ) -> Floats:
        (low, high), axis = bounds, values.ndim - self._trailing[name] - 1
        over = [k for k in range(values.ndim) if low.shape[0] == 1 or k != axis]
        if not values.numel():
            return empty(low.shape[0])
        known = torch.isfinite(values)
        times = (repeats or {}).get(name)
        outside = (values < low) | (values > high)
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


def shares(variables: Sequence[TrainedRange], counts: Floats) -> list[OutsideShare]:
    """Return the variables that lie outside somewhere, the farthest first.

    One that two networks see is given once, by the range of which less lies outside: a second stage is trained on some
    of the rows of the first.
    """
    found = [
        OutsideShare(trained, outside / known, low, high)
        for trained, (known, outside, low, high) in zip(variables, counts.tolist(), strict=True)
        if known
    ]
    least: dict[str, OutsideShare] = {}
    for one in sorted(found, key=lambda one: one.share):
        least.setdefault(one.trained.name, one)
    return sorted((one for one in least.values() if one.share), key=lambda one: -one.share)


def check_sizes(variables: Sequence[TrainedRange], counts: Floats, reporter: Reporter) -> None:
    """Warn of variables that fill a small part of their range as they would in another unit, ends included."""
    found: dict[str, str] = {}
    for one, (known, outside, low, high) in zip(variables, counts.tolist(), strict=True):
        if known < _MANY or outside or one.name in _PLACE_OR_TIME or not one.low < one.high:
            continue
        near = _ENDS * (one.high - one.low)
        for factor, size in _SMALLER.items():
            if abs(low * factor - one.low) <= near and abs(high * factor - one.high) <= near:
                found[one.name] = (
                    f"{one.name} is about {size} of what the run was trained on (from {low:g} to {high:g}, trained on "
                    f"{one.low:g} to {one.high:g})"
                )
    if found:
        listed = "; ".join(found.values())
        reporter.warn(f"{listed}: all of it lies inside of the range, but is it in another unit or scale?")


def by_name(outside: Sequence[OutsideShare]) -> dict[str, float]:
    """Return the share of each variable."""
    return {one.trained.name: one.share for one in outside}


def check_shares(outside: Sequence[OutsideShare], limit: float, reporter: Reporter) -> None:
    """Say how much lies outside the ranges of the training rows, and refuse inputs that mostly do.

    Raises:
        DataError: More than `limit` of a variable lies outside.
    """
    wrong = [one for one in outside if one.share > limit and one.trained.name not in _PLACE_OR_TIME]
    if wrong:
        listed = "; ".join(map(str, wrong[:4]))
        explained = " ".join(filter(None, (one.explanation() for one in wrong[:4])))
        # No conversion brings other values near: they may be right, and of another place.
        advice = f"{explained} Convert them" if explained else "Check their units and fill values"
        raise DataError(
            f"the inputs lie outside the range of the training rows: {listed}.",
            fix=f"{advice}, or accept the extrapolation with --set predict.out_of_range=1.",
        )
    much = [one for one in outside if one.share > _WORTH_A_WARNING]
    if much:
        reporter.warn(f"outside the range of the training rows: {'; '.join(map(str, much[:8]))}.")
    little = [one for one in outside if one.share <= _WORTH_A_WARNING]
    if little:
        reporter.info(f"Outside the range of the training rows: {'; '.join(map(str, little[:8]))}.")
