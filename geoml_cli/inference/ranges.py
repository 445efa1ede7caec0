"""How much of the inputs lies outside the ranges that a run was trained on: extrapolation, or another unit.

Legend: V variables of all inputs of a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.inference.trained_ranges import Floats, TrainedRange
from geoml_cli.work.numbers import format_share
from geoml_cli.work.reporting import Reporter

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
        name, low, high, classes = self.trained
        if classes:
            numbers = ", ".join(map(str, classes))
            return f"{name} {format_share(self.share)} (of classes that no training row has; these have {numbers})"
        return f"{name} {format_share(self.share)} (from {self.low:g} to {self.high:g}, trained on {low:g} to {high:g})"

    def explanation(self) -> str:
        """Name the conversion of units that brings the values nearest to the range; empty where none does."""
        name, low, high, classes = self.trained
        if classes:
            return ""
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
        celsius, kelvin = (self.trained[1:3], (self.low, self.high))[:: 1 if offset < 0 else -1]
        return (
            _COLDEST <= celsius[0]
            and celsius[1] <= _HOTTEST
            and _COLDEST <= kelvin[0] - _ICE <= kelvin[1] - _ICE <= _HOTTEST
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
        if known < _MANY or outside or one.classes or one.name in _PLACE_OR_TIME or not one.low < one.high:
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
        if all(one.trained.classes for one in wrong):
            advice = "Check that classes are numbered as those of the training data"
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
