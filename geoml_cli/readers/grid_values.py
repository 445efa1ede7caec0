"""Stored numbers of gridded files to physical values: fills, packing, valid ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from geoml_cli.errors import DataError

_SPIKE = 10
"""How much more frequent than the numbers beside it a fill is, at least."""

Raw = NDArray[Any]
Mask = NDArray[np.bool_]

_ALL = (-np.inf, np.inf)
_HUGE = 9e18
"""Floats from here on are fills that nobody declared: 1e20, 9.97e36 (NetCDF's own), -9.22e18 (a date's NaT)."""

_USUAL = (-999.0, -9999.0, -99999.0, -999.9, -9999.9, -32768.0, -32767.0)
"""Fills that files carry without saying so."""

_FILLED_SHARE = 0.01
"""Share of a block's values from which on a type's own limit is its fill, and not the largest value that was packed."""


@dataclass(frozen=True)
class Decoding:
    """How one file stores a variable.

    Attributes:
        fills: Stored numbers that stand for missing values, as declared.
        scale: Factor of packed numbers.
        offset: Added after scaling.
        valid: Least and largest stored number that is valid, as declared.
        guess: Whether undeclared fills are looked for.
        unsigned: Whether stored integers are meant without a sign (NetCDF-3's `_Unsigned`).
        found: Undeclared fills that were met, filled while reading.
    """

    fills: tuple[float, ...] = ()
    scale: float = 1.0
    offset: float = 0.0
    valid: tuple[float, float] = _ALL
    guess: bool = True
    unsigned: bool = False
    found: set[float] = field(default_factory=set, compare=False)

    def decode(self, raw: Raw, kind: DTypeLike = np.float32) -> NDArray[Any]:
        """Return physical values of a floating type, NaN where missing.

        Raises:
            DataError: There are infinite numbers, or numbers that may be fills or values.
        """
        raw = raw.view(f"u{raw.dtype.itemsize}") if self.unsigned else raw
        with np.errstate(invalid="ignore", over="ignore"):  # signalling NaN; and what is too large becomes infinite
            values = self._floats(raw) if raw.dtype.kind == "f" else self._integers(raw)
            return values.astype(kind, copy=False)

    def _floats(self, raw: Raw) -> NDArray[Any]:
        # In place where it can be, and no mask is made: maps are large, and most are of this kind.
        stored = raw if raw.flags.writeable else raw.copy()
        for fill in self.fills:
            stored[stored == np.asarray(fill).astype(stored.dtype)] = np.nan
        if self.valid != _ALL:
            stored[(stored < self.valid[0]) | (stored > self.valid[1])] = np.nan
        low, high = _limits(stored)
        if self.guess and (low <= max(_USUAL) or high >= _HUGE):
            missing = np.isnan(stored)
            # An infinite number is no fill: it is named below.
            self._mark(stored, missing, np.isfinite(stored) & (np.abs(stored) >= _HUGE), certain=True)
            for candidate in (value for value in _USUAL if low <= value <= high):
                self._mark(stored, missing, ~missing & (stored == np.asarray(candidate).astype(stored.dtype)))
            stored[missing] = np.nan
            low, high = _limits(stored)
        if np.isinf([low, high]).any() and low <= high:
            raise DataError("an infinite value", fix="The file may be damaged: fetch it again.")
        if (self.scale, self.offset) != (1.0, 0.0):
            stored = stored * np.float64(self.scale) + self.offset
        return stored

    def _integers(self, raw: Raw) -> NDArray[Any]:
        missing = np.isin(raw, np.array(self.fills, dtype=raw.dtype)) if self.fills else np.zeros(raw.shape, np.bool_)
        if self.valid != _ALL:
            missing |= (raw < self.valid[0]) | (raw > self.valid[1])
        is_packed = (self.scale, self.offset) != (1.0, 0.0)
        if self.guess:
            # Packed numbers pass through -999 as through any other; where a fill is declared, no other is expected.
            usual = () if is_packed and self.fills else _USUAL
            limits = _integer_limits(raw) if raw.dtype.itemsize > 1 else ()
            for candidate in (*usual, *limits):
                found = ~missing & (raw == candidate)
                if found.any() and not (is_packed and _is_ordinary(raw, candidate)):
                    self._mark(raw, missing, found, candidate in limits)
        values = raw * np.float64(self.scale) + self.offset
        values[missing] = np.nan
        return values

    def _mark(self, raw: Raw, missing: Mask, where: Mask, certain: bool = False) -> None:
        """Mark an undeclared fill as missing, unless it may be a value."""
        count = int(where.sum())
        if not count:
            return
        value = float(raw[where][0])
        low, high = _limits(raw[~missing & ~where])
        span = high - low
        apart = not low <= high or value < low - span or value > high + span
        frequent = count >= _FILLED_SHARE * raw.size
        if not apart and not (certain and (frequent or abs(value) >= _HUGE)):
            raise DataError(
                f"{value:g} occurs {count} times and may be a fill value or a value (others: {low:g} to {high:g})",
                fix=f"Say that it is missing with --fill {value:g}, or that it is not with --declared-fills-only.",
            )
        missing |= where
        self.found.add(value)


def _limits(raw: Raw) -> tuple[float, float]:
    """Return least and largest value, NaN apart; the other way round where there is none."""
    if not raw.size:
        return np.inf, -np.inf
    low, high = float(np.fmin.reduce(raw, axis=None)), float(np.fmax.reduce(raw, axis=None))
    return (np.inf, -np.inf) if np.isnan(low) else (low, high)


def _integer_limits(raw: Raw) -> tuple[float, ...]:
    info = np.iinfo(raw.dtype)
    return (float(info.max), float(info.min), float(info.min + 1)) if info.min < 0 else (float(info.max),)


def _is_ordinary(raw: Raw, candidate: float) -> bool:
    """Tell a packed value, as frequent as the numbers beside it, from a fill, which is far more frequent."""
    beside = int(((raw == candidate - 1) | (raw == candidate + 1)).sum())
    return int((raw == candidate).sum()) <= _SPIKE * beside


def decoding(attributes: Mapping[str, Any], kind: np.dtype[Any], fills: tuple[float, ...], guess: bool) -> Decoding:
    """Read a variable's attributes.

    Args:
        attributes: As stored.
        kind: Type of the stored numbers.
        fills: Further fills, in stored numbers.
        guess: Whether undeclared fills are looked for.

    Raises:
        DataError: An attribute is not a number.
    """
    unsigned = kind.kind == "i" and str(attributes.get("_Unsigned", "")).lower() == "true"
    kind = np.dtype(f"u{kind.itemsize}") if unsigned else kind
    numbers = {
        name: _numbers(name, attributes[name])
        for name in (
            "_FillValue",
            "missing_value",
            "scale_factor",
            "add_offset",
            "valid_min",
            "valid_max",
            "valid_range",
        )
        if name in attributes
    }
    declared = (*numbers.get("_FillValue", ()), *numbers.get("missing_value", ()), *fills)
    scale, offset = numbers.get("scale_factor", (1.0,))[0], numbers.get("add_offset", (0.0,))[0]
    if scale == 0 or not np.isfinite([scale, offset]).all():
        raise DataError(f"scale_factor {scale:g} and add_offset {offset:g} cannot be", fix="Get the file again.")
    low, high = numbers.get("valid_min", (-np.inf,))[0], numbers.get("valid_max", (np.inf,))[0]
    low, high = numbers.get("valid_range", (low, high))[:2]
    valid = (low, high) if np.isfinite([low, high]).any() else _ALL
    if kind.kind in "iu" and (scale, offset) != (1.0, 0.0) and _is_float(attributes, valid):
        valid = ((valid[0] - offset) / scale, (valid[1] - offset) / scale)  # given for unpacked values
    positive = [value % 2 ** (8 * kind.itemsize) if unsigned else value for value in declared if np.isfinite(value)]
    finite = tuple(dict.fromkeys(value for value in positive if _fits(value, kind)))
    return Decoding(finite, scale, offset, (min(valid), max(valid)), guess, unsigned)


def _numbers(name: str, value: Any) -> tuple[float, ...]:  # noqa: ANN401  what files hold
    try:
        numbers = np.atleast_1d(np.asarray(value, dtype=np.float64)).ravel()
    except (TypeError, ValueError) as error:
        raise DataError(f"its attribute {name} is {value!r}, not a number", fix="Get the file again.") from error
    if not len(numbers):
        raise DataError(f"its attribute {name} is empty", fix="Get the file again.")
    return tuple(float(number) for number in numbers)


def _is_float(attributes: Mapping[str, Any], valid: tuple[float, float]) -> bool:
    named = [attributes[name] for name in ("valid_min", "valid_max", "valid_range") if name in attributes]
    return (
        bool(named) and bool(np.isfinite(valid).any()) and all(np.asarray(value).dtype.kind == "f" for value in named)
    )


def _fits(value: float, kind: np.dtype[Any]) -> bool:
    if kind.kind == "f":
        return True
    info = np.iinfo(kind)
    return info.min <= value <= info.max
