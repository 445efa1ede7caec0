"""Values that look like "no data" though nothing declares them: limits of types, -9999 and its kin.

A listed value is a candidate if it occurs twice at least and lies farther from its neighbour than the range from the
1st to the 99th percentile of the other values; limits of the file's own integer type always are, or where the file
declares another fill, only apart from the other values. -99 among heights up
to 1000 m is not that far: a negative one is a candidate also where it lies below all other values and they are not
negative, or leaves a gap and is frequent.

Legend: L listed values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.nodata import VALID, Declared, written

HUGE = 3.3e38
"""No quantity is that large: fills near the limit of float32, which come rounded in many ways."""
UNREAL = 9e18
"""Floats of tables and grids from here on are fills: 1e20, 1e30, 9.97e36 (NetCDF's own), -9.22e18 (a date's NaT)."""
HUGEST = 3.4028235e38
"""The limit of float32, which stands for all fills near it."""
_TYPE_LIMITS = (
    127, 255, 32767, 65535, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615,
    -128, -32768, -2147483648, -9223372036854775808,
)  # fmt: skip
_NETCDF_DEFAULTS = (-127, -32767, -2147483647, -9223372036854775806, 18446744073709551614, 9.969209968386869e36)
_SHORT_NINES = (9.9, 9.99)
"""Of columns of three or four characters, such as wind speeds; negative ones only."""
_LARGEST_SHORT = 10
_NINES = (99, 999, 9999, 99999, 999999, 9999999, 99.9, 999.9, 9999.9, 99.99, 999.99, 9999.99, 99999.9, 99999.99)
_POSITIVE_NINES = _NINES[1:]  # 99 alone is too plain a number
_PROVIDERS = (-6999, -7999, -8888, -88888, -7777, -9998, -3000, -28672, -1111)
_POWERS = (15, 19, 20, 25, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38)  # 1e15 MERRA-2, 1e20 CMIP, -1e31 CDF, -1e34 Ferret
_SURFER = 1.70141e38, 1.701410009187828e38
_LONG, _DIGITS = 1e15, range(5, 10)
"""Numbers beyond it are written rounded, to some of these digits."""
_GAP = 0.05
"""Part of the range of the other values that separates a frequent value from them."""
_SHARE = 0.001
"""Part of all values that is frequent."""
_SAMPLE = 1 << 16


class Undeclared(NamedTuple):
    """Candidates of one raster, variable or column.

    Attributes:
        name: As `--nodata` calls it.
        where: File, and band or column where there are several.
        counts: How often each candidate occurs.
    """

    name: str
    where: str
    counts: Mapping[float, int]


class FillCensus:
    """Counts candidates over a stream of blocks; memory does not grow with their number.

    Args:
        kind: Type of the numbers as the file stores them.
        has_fill: Whether the file declares what is missing: a type's limit is then a fill only apart from the values,
            and else the largest of them, as of 8-bit numbers scaled to 1..255.
    """

    def __init__(self, kind: np.dtype[Any], *, has_fill: bool = False) -> None:
        self._has_fill = has_fill
        self._listed_L, self._limit_L = _listed(kind)
        self._count_L = np.zeros(len(self._listed_L), dtype=np.int64)
        self._below_L = np.full(len(self._listed_L), -np.inf)
        self._above_L = np.full(len(self._listed_L), np.inf)
        self._huge = {-HUGEST: 0, HUGEST: 0}
        self._others = _Quantiles()

    def add(self, values: NDArray[Any]) -> None:
        """Count a block.

        Args:
            values: Stored numbers of any shape, without those that are declared missing; NaN and infinity are ignored.
        """
        wide = values.astype(np.float32) if values.dtype == np.float16 else values  # holds no limit of float32
        ordered = np.sort(wide, axis=None, kind="stable" if wide.dtype.itemsize == 1 else None)  # bytes: a radix sort
        if np.issubdtype(ordered.dtype, np.floating):
            ordered = self._without_huge(ordered[np.isfinite(ordered)])
        first, last = (np.searchsorted(ordered, self._listed_L, side) for side in ("left", "right"))
        self._count_L += last - first
        other = np.ones(len(ordered), dtype=np.bool_)
        for place in np.flatnonzero(last > first):
            other[first[place] : last[place]] = False
        self._place(ordered[other])

    def _without_huge(self, ordered: NDArray[Any]) -> NDArray[Any]:
        low, high = np.searchsorted(ordered, -HUGE, "right"), np.searchsorted(ordered, HUGE, "left")
        self._huge[-HUGEST] += int(low)
        self._huge[HUGEST] += len(ordered) - int(high)
        return ordered[low:high]

    def _place(self, others: NDArray[Any]) -> None:
        """Note the nearest of the other values to each listed one, and their distribution."""
        if not len(others):
            return
        above = np.searchsorted(others, self._listed_L)
        padded = np.concatenate([[-np.inf], others.astype(np.float64), [np.inf]])
        self._below_L = np.maximum(self._below_L, padded[above])
        self._above_L = np.minimum(self._above_L, padded[above + 1])
        self._others.add(others)

    def _below_all(self, values_L: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which negative values lie apart below all others."""
        total = self._others.count + int(self._count_L.sum())
        apart_L = (self._above_L - values_L > _GAP * self._others.range()) & (self._count_L >= _SHARE * total)
        lowest_L = (values_L < 0) & np.isneginf(self._below_L) & np.isfinite(self._above_L)
        return np.asarray(lowest_L & (apart_L | (self._above_L >= 0)))

    def candidates(self) -> dict[float, int]:
        """Return how often each candidate occurs, in the order of their size."""
        values_L = self._listed_L.astype(np.float64)
        gap_L = np.minimum(values_L - self._below_L, self._above_L - values_L)
        is_far_L = (gap_L > self._others.range()) | self._below_all(values_L)
        # Temperatures and fluxes go down to -9.9: next to negative values no distance makes a fill of it.
        is_short_L = (values_L > -_LARGEST_SHORT) & (values_L < 0)
        is_among_negative_L = (self._above_L < 0) | np.isfinite(self._below_L)
        is_far_L = (self._count_L >= 2) & is_far_L & ~(is_short_L & is_among_negative_L)
        limit_L = self._limit_L & (gap_L > _GAP * self._others.range()) if self._has_fill else self._limit_L
        chosen = np.flatnonzero((is_far_L | limit_L) & (self._count_L > 0))
        counts = {_shortest(self._listed_L[place]): int(self._count_L[place]) for place in chosen}
        counts |= {value: count for value, count in self._huge.items() if count}
        return dict(sorted(counts.items()))


class _Quantiles:
    """Every k-th of the values of a stream, in the order of size within a block."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.float64]] = []
        self._stride, self._phase, self._size = 1, 0, 0
        self.count = 0
        self._ends = np.inf, -np.inf

    def add(self, ordered: NDArray[Any]) -> None:
        """Sample a block that is in order."""
        self.count += len(ordered)
        self._ends = min(self._ends[0], float(ordered[0])), max(self._ends[1], float(ordered[-1]))
        part = ordered[self._phase :: self._stride].astype(np.float64)
        self._phase = (self._phase - len(ordered)) % self._stride
        self._parts.append(part)
        self._size += len(part)
        if self._size > _SAMPLE:
            kept = np.sort(np.concatenate(self._parts))[1::3]
            self._parts, self._size, self._stride = [kept], len(kept), 3 * self._stride
            self._phase = self._stride // 2

    def range(self) -> float:
        """Return the range from the 1st to the 99th percentile; the whole one where nearly all values are one."""
        if not self._parts:
            return 0.0
        low, high = np.percentile(np.concatenate(self._parts), [1, 99])
        return float(high - low) or self._ends[1] - self._ends[0]


def _listed(kind: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the listed values as numbers of a type, ascending, and which are limits of it."""
    numbers: list[float] = [
        *_TYPE_LIMITS,
        *_NETCDF_DEFAULTS,
        *(-nine for nine in (*_SHORT_NINES, *_NINES)),
        *_POSITIVE_NINES,
    ]
    numbers += [*_PROVIDERS, *_SURFER, *(sign * 10.0**power for power in _POWERS for sign in (1, -1))]
    if np.issubdtype(kind, np.floating):
        with np.errstate(over="ignore"):
            # In text 9.969209968386869e36 is 9.96921e+36 as well.
            short = [float(f"{number:.{digits}g}") for number in numbers if abs(number) > _LONG for digits in _DIGITS]
            rounded = np.array([*numbers, *np.array(numbers, dtype=np.float32), *short], dtype=kind)
        listed = np.unique(rounded[np.isfinite(rounded) & (np.abs(rounded.astype(np.float64)) < HUGE)])
        return listed, np.zeros(len(listed), dtype=np.bool_)
    if not np.issubdtype(kind, np.integer):
        return np.array([], dtype=kind), np.array([], dtype=np.bool_)
    ends = np.iinfo(kind)
    whole = sorted({int(number) for number in numbers if float(number).is_integer() and ends.min <= number <= ends.max})
    return np.array(whole, dtype=kind), np.array([number in (ends.min, ends.max) and number != 0 for number in whole])


def _shortest(value: Any) -> float:  # noqa: ANN401  a number of any type
    """Return the shortest number that the stored one is the rounding of: -99.9, not -99.9000015."""
    return float(str(value))


def undeclared(
    kind: np.dtype[Any], blocks: Iterable[NDArray[Any]], declared: Declared | None = None, *, has_fill: bool = False
) -> dict[float, int]:
    """Return how often each candidate occurs in blocks without what is declared missing; none where all are valid."""
    if declared is not None and declared.valid:
        return {}
    census = FillCensus(kind, has_fill=has_fill)
    for block in blocks:
        census.add(block)
    return census.candidates()


def counted(name: str, counts: Mapping[float, int], unit: str = "pixels") -> str:
    """Say how often each candidate occurs."""
    return f"{name}: " + ", ".join(f"{count} {unit} are {written(value)}" for value, count in counts.items())


def candidates_of(values: NDArray[Any]) -> dict[float, int]:
    """Return how often each candidate occurs in one block, without sorting it where a sample shows that there is none.

    Args:
        values: Stored numbers of any shape, without those that are declared missing; NaN and infinity are ignored.
    """
    if not values.size:
        return {}
    listed, _ = _listed(values.dtype)
    low, high = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
    counts = {value: int((values == value).sum()) for value in listed[(listed >= low) & (listed <= high)]}
    present = {value: count for value, count in counts.items() if count}
    if not present and -HUGE < low and high < HUGE:
        return {}
    # The other values lie farther apart in a sample than in the block: what is no candidate there is none here.
    stride = -(-values.size // _SAMPLE)
    others = values.ravel()[::stride]
    repeated = [np.full(-(-count // stride) + 1, value) for value, count in present.items()]
    sample = np.concatenate([others[~np.isin(others, list(present))], *repeated])
    kind = values.dtype
    return undeclared(kind, [values]) if undeclared(kind, [sample.astype(kind, copy=False)]) else {}


def refuse_undeclared(candidates: Sequence[Undeclared], unit: str = "pixels") -> None:
    """Refuse candidates, all at once.

    Args:
        candidates: By raster, variable or column; without counts where there are none.
        unit: What is counted: pixels, cells.

    Raises:
        DataError: There are some. Names each, and both ways to declare them.
    """
    suspect = [one for one in candidates if one.counts]
    if not suspect:
        return
    listed = "; ".join(counted(one.name, one.counts, unit) for one in suspect)
    fills = " ".join(f"--nodata {one.name}={written(value)}" for one in suspect for value in one.counts)
    valid = " ".join(f"--nodata {one.name}={VALID}" for one in suspect)
    raise DataError(
        f"{listed}, which looks like no data and is not declared so",
        where=", ".join(dict.fromkeys(one.where for one in suspect)),
        fix=f"Say what it is: {fills} where it means no data, {valid} where it is a value.",
    )
