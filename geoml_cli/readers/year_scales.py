"""Years in another scale than the others, such as one year of a series in mm where the others are in cm.

Half a year's size is the mean of its magnitudes over that of the same places and months in most years. Years are of two
scales where these sizes fall into two groups, far apart for how much they differ within each, and where nearly all
places and months say the same, of how far values lie from each other as of how large they are. A harvest, a wet year or
an anomaly near zero changes one of these, or some months alone.

Legend: N values, C cells: a place in a month of a year.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError

Values = NDArray[np.float64]
Integers = NDArray[np.int64]
_APART, _USUALLY = 5.0, 8.0
"""How far the groups lie apart at least, and their medians: mm for cm is 10 times, MJ m-2 d-1 for W m-2 11.6."""
_CLEAR = 1.5
"""How many times larger the gap is than what sizes of one group differ by, as logarithms."""
_EACH, _NEARLY_ALL = 4.0, 0.2
"""How far a cell is from its place and month in other years, but for this share of cells."""
_CELLS = 4
"""Of months that tell; a year of one value has as many as there are places."""
_YEARS, _SHOWN = 2, 6
_ROUNDING = 1e-12
"""Of a variance, relative to the square of the values."""
_PLACES = 1 << 32
"""More than there are numbers of places."""


class Cells(NamedTuple):
    """Places in months of single years.

    Attributes:
        month_C: Months since January 1970; yearly values have one month of the year.
        place_C: Number of the place, from 0.
        level_C: Logarithm of the mean magnitude.
        scatter_C: Logarithm of the standard deviation; NaN where all values are one.
        mean_C: Their mean.
    """

    month_C: Integers
    place_C: Integers
    level_C: Values
    scatter_C: Values
    mean_C: Values


@dataclass(frozen=True)
class OtherHalves:
    """Halves of years of another scale.

    Attributes:
        halves: Which they are, twice the year and one more for July to December; the fewer of the two groups.
        factor: Their size over that of the others.
        yearly: Whether years have a value each, so that none has halves.
    """

    halves: tuple[int, ...]
    factor: float
    yearly: bool = False

    @property
    def years(self) -> tuple[int, ...]:
        """Return the years that they are of."""
        return tuple(sorted({half // 2 for half in self.halves}))

    def __str__(self) -> str:
        found = [
            (year, len(both := list(halves)) == 1 and not self.yearly and ("-01 to 06", "-07 to 12")[both[0] % 2])
            for year, halves in groupby(self.halves, key=lambda half: half // 2)
        ]
        whole = [year for year, part in found if not part]
        parts = [f"{year}{part}" for year, part in found if part]
        return ", ".join([*([listed(whole)] if whole else []), *parts[:_SHOWN]])


def other_halves(cells: Cells) -> OtherHalves | None:
    """Find halves of another scale; None where there are none or it is not clear.

    First halves are compared with first halves, and second ones with second: months of one are none of the other.
    """
    sizes = _sizes(cells, cells.level_C)
    found = [two_groups({half: size for half, size in sizes.items() if half % 2 == part}) for part in (0, 1)]
    parts = [one for one in found if one is not None]
    if not parts:
        return None
    low = sorted(half for one in parts for half in one[0])
    high = sorted(half for one in parts for half in one[1])
    # Of two equal groups it is the later one.
    are_high = (len(high), -min(high)) < (len(low), -min(low))
    distance = max(parts, key=lambda one: len(one[0]) + len(one[1]))[2]
    yearly = len(np.unique(cells.month_C % 12)) == 1
    others = OtherHalves(tuple(high if are_high else low), float(np.exp(distance if are_high else -distance)), yearly)
    return others if _nearly_all(cells, others) else None


def two_groups(
    logs: Mapping[int, float], apart: float = _APART, usually: float = _USUALLY
) -> tuple[list[int], list[int], float] | None:
    """Divide sizes into low and high ones where these lie far apart for how much they differ within each.

    Args:
        logs: Logarithms of sizes, by the number of what has them.
        apart: How many times as large as the largest of the low ones the smallest of the high ones is at least.
        usually: The same of their medians.

    Returns:
        Numbers of the low ones, of the high ones, and how far their medians lie apart as a logarithm; None where they
        are of one group.
    """
    if len(logs) < _YEARS:
        return None
    ordered = sorted(logs, key=lambda number: logs[number])
    sizes = np.array([logs[number] for number in ordered])
    gaps = np.diff(sizes)
    place = int(gaps.argmax()) + 1
    low, high = sizes[:place], sizes[place:]
    spread = max(float(np.ptp(low)), float(np.ptp(high)))
    distance = float(np.median(high) - np.median(low))
    if gaps[place - 1] < max(np.log(apart), _CLEAR * spread) or distance < np.log(usually):
        return None
    return ordered[:place], ordered[place:], distance


def _sizes(cells: Cells, logs_C: Values) -> dict[int, float]:
    """Return the logarithm of each half's size over that of its places and months in most years.

    Places and months of the year that one year has tell nothing.
    """
    _, season = np.unique(cells.place_C * 12 + cells.month_C % 12, return_inverse=True)
    usual, several = _medians(logs_C, season)
    shared = several[season] > 1
    names, number = np.unique(half_of(cells.month_C[shared]), return_inverse=True)
    middle, _ = _medians((logs_C - usual[season])[shared], number)
    return {int(half): float(size) for half, size in zip(names, middle, strict=True)}


def _nearly_all(cells: Cells, found: OtherHalves) -> bool:
    """Return whether nearly all cells of the halves differ from those of other years, in level and in scatter."""
    levels, scatter = (_differences(cells, logs_C, found) for logs_C in (cells.level_C, cells.scatter_C))
    has_scatter = 2 * len(scatter) >= len(levels)
    if len(levels) < (1 if found.yearly and has_scatter else _CELLS):
        return False
    measures = [levels, scatter] if has_scatter else [levels]
    towards = 1.0 if found.factor > 1 else -1.0
    return all(float(np.quantile(towards * one, _NEARLY_ALL)) >= np.log(_EACH) for one in measures)


def _differences(cells: Cells, logs_C: Values, found: OtherHalves) -> Values:
    """Return what cells of the halves differ by from the same places and months of other years, as logarithms."""
    _, season_C = np.unique(cells.place_C * 12 + cells.month_C % 12, return_inverse=True)
    known, among = np.isfinite(logs_C), np.isin(half_of(cells.month_C), found.halves)
    others = known & ~among
    usual = np.full(int(season_C.max(initial=-1)) + 1, np.nan)
    middle, _ = _medians(logs_C[others], season_C[others])
    usual[: len(middle)] = middle
    differences: Values = (logs_C - usual[season_C])[known & among]
    return differences[np.isfinite(differences)]


def cells_of(values_N: Values, time_N: NDArray[np.datetime64], place_N: Integers, least: int = 1) -> Cells:
    """Make cells from single values.

    Args:
        values_N: NaN is missing.
        time_N: Of any unit.
        place_N: Number of the place, such as a station, from 0.
        least: Values of a place and month from which on it is a cell.
    """
    known = np.isfinite(values_N)
    month_N, values = time_N.astype("datetime64[M]").astype(np.int64)[known], values_N[known]
    keys, cell, count = np.unique(month_N * _PLACES + place_N[known], return_inverse=True, return_counts=True)
    sums = (np.bincount(cell, of_all, len(keys)) for of_all in (np.abs(values), values, values**2))
    month, place = np.divmod(keys, _PLACES)
    return cells_from_sums(month, place, (count, *sums), least)


def cells_from_sums(month_C: Integers, place_C: Integers, sums: Sequence[NDArray[Any]], least: int = 1) -> Cells:
    """Make cells from what was summed up; those of which all values are 0 tell nothing.

    Args:
        month_C: Months since January 1970.
        place_C: Number of the place, from 0.
        sums: How many values, their magnitudes, themselves, and their squares, each of shape [C].
        least: Values from which on there is a cell.
    """
    count, magnitudes, values, squares = (np.asarray(one, dtype=np.float64) for one in sums)
    some = (count >= max(least, 1)) & (magnitudes > 0)
    count, level = count[some], (magnitudes[some] / count[some])
    mean = values[some] / count
    # What rounding leaves of equal values is no scatter.
    variance = squares[some] / count - mean**2
    scatter = np.sqrt(np.where(variance > _ROUNDING * level**2, variance, np.nan))
    return Cells(month_C[some], place_C[some], np.log(level), np.log(scatter), mean)


def half_of(month: Integers) -> Integers:
    """Return the halves in which months since January 1970 lie."""
    return np.asarray(month // 6 + 2 * 1970)


def _medians(values: Values, group: Integers) -> tuple[Values, Integers]:
    """Return the median of each group, numbered from 0, and how many values it has; NaN where it has none."""
    order = np.lexsort((values, group))
    counts = np.bincount(group)
    begin, some = np.cumsum(counts) - counts, counts > 0
    ranked, medians = values[order], np.full(len(counts), np.nan)
    first, of_some = begin[some], counts[some]
    medians[some] = (ranked[first + (of_some - 1) // 2] + ranked[first + of_some // 2]) / 2
    return medians, counts


def refuse_other_years(cells: Cells, name: str, where: str, fix: str) -> None:
    """Refuse years, or halves of them, of another scale.

    Raises:
        DataError: There are some.
    """
    if found := other_halves(cells):
        raise DataError(said(found, name), where=where, fix=fix)


def said(found: OtherHalves, name: str) -> str:
    """Say which years have another scale, and by how much."""
    factor = f"{found.factor:.3g} times larger" if found.factor > 1 else f"{1 / found.factor:.3g} times smaller"
    return f"{name} of {found} is about {factor} than in other years"


def listed(years: Sequence[int]) -> str:
    """Name years, a span of them by its ends."""
    if len(years) > 2 and years[-1] - years[0] == len(years) - 1:
        return f"{years[0]} to {years[-1]}"
    more = f" and {len(years) - _SHOWN} more" if len(years) > _SHOWN else ""
    return ", ".join(map(str, years[:_SHOWN])) + more
