"""Stored numbers of gridded files to physical values: fills, packing, valid ranges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.nodata import VALID, Declared, written
from geoml_cli.readers.undeclared_fills import UNREAL, candidates_of

_SPIKE = 10
"""How much more frequent than the numbers next to it a fill is, at least."""

Raw = NDArray[Any]
Mask = NDArray[np.bool_]

_ALL = (-np.inf, np.inf)
_USUAL = (-999.0, -9999.0, -99999.0, -999.9, -9999.9, -32768.0, -32767.0)
"""Fills that are asked for even where they do not lie apart from the values."""

_OF_BYTES = (127.0, 255.0, -127.0, -128.0)
"""Fills of bytes: in a map of longer numbers that holds nothing else, such as one of few coarse cells, they are values.
"""

_ROUNDED = 1e-2
"""Part of a step of packed numbers by which a fill in single precision may be off."""

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
        name: Of the variable, as `--nodata` calls it.
        found: How often undeclared fills were met, counted while reading.
    """

    fills: tuple[float, ...] = ()
    scale: float = 1.0
    offset: float = 0.0
    valid: tuple[float, float] = _ALL
    guess: bool = True
    unsigned: bool = False
    name: str = ""
    found: Counter[float] = field(default_factory=Counter, compare=False)

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
        if self.guess and low <= high:
            low, high = self._without_undeclared(stored, low, high)
        if np.isinf([low, high]).any() and low <= high:
            raise DataError("an infinite value", fix="The file may be damaged: fetch it again.")
        if (self.scale, self.offset) != (1.0, 0.0):
            stored = stored * np.float64(self.scale) + self.offset
        return stored

    def _without_undeclared(self, stored: Raw, low: float, high: float) -> tuple[float, float]:
        """Set undeclared fills to NaN, in place, and return the limits of the other values."""
        before = self.found.total()
        if low <= -UNREAL or high >= UNREAL:  # an infinite number is no fill: it is named by the caller
            self._fill(stored, np.isfinite(stored) & (np.abs(stored) >= UNREAL), is_certain=True)
            low, high = _limits(stored)
        certain = candidates_of(stored)
        for candidate in dict.fromkeys([*certain, *(value for value in _USUAL if low <= value <= high)]):
            found = stored == np.asarray(candidate).astype(stored.dtype)
            if candidate not in _OF_BYTES or int(found.sum()) < int(np.isfinite(stored).sum()):
                self._fill(stored, found, is_certain=candidate in certain)
        return (low, high) if self.found.total() == before else _limits(stored)

    def _fill(self, stored: Raw, mask: Mask, *, is_certain: bool) -> None:
        self._count(stored[mask], stored[~mask], is_certain=is_certain)
        stored[mask] = np.nan

    def _integers(self, raw: Raw) -> NDArray[Any]:
        missing = np.isin(raw, np.array(self.fills, dtype=raw.dtype)) if self.fills else np.zeros(raw.shape, np.bool_)
        if self.valid != _ALL:
            missing |= (raw < self.valid[0]) | (raw > self.valid[1])
        if self.guess:
            self._add_undeclared(raw, missing)
        values = raw * np.float64(self.scale) + self.offset
        values[missing] = np.nan
        return values

    def _add_undeclared(self, raw: Raw, missing: Mask) -> None:
        """Mark undeclared fills of integers as missing, in place."""
        is_packed = (self.scale, self.offset) != (1.0, 0.0)
        # Packed numbers pass through -999 as through any other; where a fill is declared, no other is expected.
        is_expected = not (is_packed and self.fills)
        certain = candidates_of(raw[~missing] if missing.any() else raw) if is_expected else {}
        limits = _integer_limits(raw) if is_expected or raw.dtype.itemsize > 1 else ()
        for candidate in dict.fromkeys([*certain, *(_USUAL if is_expected else ()), *limits]):
            found = ~missing & (raw == candidate)
            is_only = candidate in _OF_BYTES and raw.dtype.itemsize > 1 and not (~missing & ~found).any()
            if not found.any() or is_only or (is_packed and _is_ordinary(raw, candidate)):
                continue
            is_frequent = int(found.sum()) >= _FILLED_SHARE * raw.size
            is_certain = is_frequent if candidate in limits else candidate in certain
            self._count(raw[found], raw[~missing & ~found], is_certain=is_certain)
            missing |= found

    def _count(self, filled: Raw, others: Raw, *, is_certain: bool) -> None:
        """Count numbers that are taken as missing; refuse them where they may be values."""
        low, high = _limits(others)
        span = high - low
        for value, count in zip(*np.unique(filled, return_counts=True), strict=True):
            number = float(str(value))  # -99.9, not -99.9000015
            is_apart = not low <= high or number < low - span or number > high + span
            if not (is_certain or is_apart):
                raise DataError(
                    f"{number:g} occurs {count} times and may be a fill value or a value (others: {low:g} to {high:g})",
                    fix=f"Say that it is missing with --nodata {self.name}={written(number)}, or that it is a value "
                    f"with --nodata {self.name}={VALID}.",
                )
            self.found[number] += int(count)


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
    """Tell a packed value, as frequent as the numbers next to it, from a fill, which is far more frequent."""
    neighbours = int(((raw == candidate - 1) | (raw == candidate + 1)).sum())
    return int((raw == candidate).sum()) <= _SPIKE * neighbours


def assumed_fills(decodings: Iterable[Decoding]) -> list[str]:
    """Say which undeclared fills were taken as missing, and how often; empty where there were none."""
    found: Counter[float] = sum((decoding.found for decoding in decodings), Counter())
    return [f"{count} numbers {written(value)}" for value, count in sorted(found.items())]


def decoding(attributes: Mapping[str, Any], kind: np.dtype[Any], name: str, declared: Declared) -> Decoding:
    """Read a variable's attributes.

    Args:
        attributes: As stored.
        kind: Type of the stored numbers.
        name: As `--nodata` calls the variable.
        declared: What is said of fills, in stored numbers, besides the file's own.

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
    fills = (*numbers.get("_FillValue", ()), *numbers.get("missing_value", ()), *declared.fills)
    scale, offset = numbers.get("scale_factor", (1.0,))[0], numbers.get("add_offset", (0.0,))[0]
    if scale == 0 or not np.isfinite([scale, offset]).all():
        raise DataError(f"scale_factor {scale:g} and add_offset {offset:g} cannot be", fix="Get the file again.")
    valid = _valid_range(attributes, numbers, kind if unsigned else None)
    if kind.kind in "iu" and (scale, offset) != (1.0, 0.0) and _is_float(attributes, valid):
        valid = ((valid[0] - offset) / scale, (valid[1] - offset) / scale)  # given for unpacked values
    stored = [_as_stored(value, kind, scale, offset) for value in fills if np.isfinite(value)]
    for value in filter(np.isfinite, declared.fills):
        if np.isnan(_as_stored(value, kind, scale, offset)):
            raise DataError(
                f"its numbers are stored as integers, and {value:g} is none, nor a value of one",
                fix=f"Give --nodata {name}=NUMBER the number that is stored.",
            )
    positive = [value % 2 ** (8 * kind.itemsize) if unsigned else value for value in stored if np.isfinite(value)]
    finite = tuple(dict.fromkeys(value for value in positive if _fits(value, kind)))
    return Decoding(finite, scale, offset, (min(valid), max(valid)), not declared.valid, unsigned, name)


def _as_stored(fill: float, kind: np.dtype[Any], scale: float, offset: float) -> float:
    """Return a fill as a stored number: of integers one that is none is of unpacked values, or NaN where of neither."""
    if kind.kind not in "iu" or fill.is_integer():
        return fill
    packed = (fill - offset) / scale
    return float(round(packed)) if (scale, offset) != (1.0, 0.0) and abs(packed - round(packed)) < _ROUNDED else np.nan


def _valid_range(
    attributes: Mapping[str, Any], numbers: Mapping[str, tuple[float, ...]], unsigned: np.dtype[Any] | None
) -> tuple[float, float]:
    """Return the bounds of values as they are given; those of unsigned numbers may be written as signed ones."""

    def bound(name: str, place: int, otherwise: float) -> float:
        value = numbers[name][place] if len(numbers.get(name, ())) > place else otherwise
        is_signed = unsigned is not None and name in numbers and np.asarray(attributes[name]).dtype.kind == "i"
        return value % 2 ** (8 * unsigned.itemsize) if is_signed and unsigned is not None else value

    low, high = bound("valid_min", 0, -np.inf), bound("valid_max", 0, np.inf)
    low, high = bound("valid_range", 0, low), bound("valid_range", 1, high)
    return (low, high) if np.isfinite([low, high]).any() else _ALL


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
