"""Stored numbers of gridded files to physical values: fills, packing, valid ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError

Raw = NDArray[Any]
Floats = NDArray[np.float32]

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
    valid: tuple[float, float] = (-np.inf, np.inf)
    guess: bool = True
    unsigned: bool = False
    found: set[float] = field(default_factory=set, compare=False)

    def decode(self, raw: Raw) -> Floats:
        """Return physical values, NaN where missing.

        Raises:
            DataError: There are infinite numbers, or numbers that may be fills or values.
        """
        raw = raw.view(f"u{raw.dtype.itemsize}") if self.unsigned else raw
        missing = np.zeros(raw.shape, dtype=np.bool_)
        for fill in self.fills:
            missing |= raw == np.asarray(fill).astype(raw.dtype)
        if raw.dtype.kind == "f":
            missing |= np.isnan(raw)
        if self.valid != (-np.inf, np.inf):
            with np.errstate(invalid="ignore"):
                missing |= (raw < self.valid[0]) | (raw > self.valid[1])
        if self.guess:
            self._guess(raw, missing)
        return self._scaled(raw, missing)

    def _scaled(self, raw: Raw, missing: NDArray[np.bool_]) -> Floats:
        if (self.scale, self.offset) == (1.0, 0.0):
            values = raw.astype(np.float32)
        else:
            values = (raw * np.float64(self.scale) + self.offset).astype(np.float32)
        values[missing] = np.nan
        if np.isinf(values).any():
            raise DataError("an infinite value", fix="The file may be damaged: fetch it again.")
        return values

    def _guess(self, raw: Raw, missing: NDArray[np.bool_]) -> None:
        """Mark undeclared fills as missing."""
        kept = ~missing
        low, high = _limits(raw, kept)
        if low > max(_USUAL) and high < min(_HUGE, _type_limit(raw)):
            return  # most blocks end here
        if raw.dtype.kind == "f":
            self._mark(raw, missing, kept & (np.abs(raw) >= _HUGE), certain=True)
        limits = () if raw.dtype.kind == "f" or raw.dtype.itemsize == 1 else _integer_limits(raw)
        for candidate in (*_USUAL, *limits):
            if low <= candidate <= high:
                self._mark(
                    raw, missing, ~missing & (raw == np.asarray(candidate, dtype=np.float64)), candidate in limits
                )

    def _mark(self, raw: Raw, missing: NDArray[np.bool_], where: NDArray[np.bool_], certain: bool) -> None:
        count = int(where.sum())
        if not count:
            return
        value = float(raw[where][0])
        low, high = _limits(raw, ~missing & ~where)
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


def _limits(raw: Raw, kept: NDArray[np.bool_]) -> tuple[float, float]:
    if not kept.any():
        return np.inf, -np.inf
    chosen = raw if kept.all() else raw[kept]
    return float(chosen.min()), float(chosen.max())


def _integer_limits(raw: Raw) -> tuple[float, ...]:
    info = np.iinfo(raw.dtype)
    return (float(info.max), float(info.min), float(info.min + 1)) if info.min < 0 else (float(info.max),)


def _type_limit(raw: Raw) -> float:
    return _HUGE if raw.dtype.kind == "f" or raw.dtype.itemsize == 1 else float(np.iinfo(raw.dtype).max)


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
    valid = (low, high) if np.isfinite([low, high]).any() else (-np.inf, np.inf)
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
