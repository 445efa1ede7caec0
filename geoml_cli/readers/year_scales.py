"""Years in another scale than the others, such as one year of a series in mm where the others are in cm.

Half a year's size is the mean of its magnitudes over that of the same places and months in most years. Years are of two
scales where these sizes fall into two groups, far apart for how much they differ within each.

Legend: N values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError

Values = NDArray[np.float64]
Integers = NDArray[np.int64]
_APART, _USUALLY = 5.0, 8.0
"""How far the groups lie apart at least, and their medians: mm for cm is 10 times, MJ m-2 d-1 for W m-2 11.6."""
_CLEAR = 1.5
"""How many times larger the gap is than what sizes of one group differ by, as logarithms."""
_YEARS, _SHOWN = 2, 6
_PLACES = 1 << 32
"""More than there are numbers of places."""


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


def other_halves(sizes: Mapping[int, float]) -> OtherHalves | None:
    """Find halves of another scale; None where there are none or it is not clear.

    First halves are compared with first halves, and second ones with second: months of one are none of the other.

    Args:
        sizes: By half; those of 0 or NaN tell nothing.
    """
    found = [_groups({half: size for half, size in sizes.items() if half % 2 == part}) for part in (0, 1)]
    parts = [one for one in found if one is not None]
    if not parts:
        return None
    low = sorted(half for one in parts for half in one[0])
    high = sorted(half for one in parts for half in one[1])
    # Of two equal groups it is the later one.
    are_high = (len(high), -min(high)) < (len(low), -min(low))
    distance = max(parts, key=lambda one: len(one[0]) + len(one[1]))[2]
    yearly = not any(half % 2 for half in sizes)
    return OtherHalves(tuple(high if are_high else low), float(np.exp(distance if are_high else -distance)), yearly)


def _groups(sizes: Mapping[int, float]) -> tuple[list[int], list[int], float] | None:
    """Divide halves into those of low and of high sizes; return how far these lie apart, as logarithms, as well."""
    known = {half: float(np.log(size)) for half, size in sizes.items() if size > 0}
    if len(known) < _YEARS:
        return None
    ordered = sorted(known, key=lambda half: known[half])
    logs = np.array([known[half] for half in ordered])
    gaps = np.diff(logs)
    place = int(gaps.argmax()) + 1
    low, high = logs[:place], logs[place:]
    spread = max(float(np.ptp(low)), float(np.ptp(high)))
    distance = float(np.median(high) - np.median(low))
    if gaps[place - 1] < max(np.log(_APART), _CLEAR * spread) or distance < np.log(_USUALLY):
        return None
    return ordered[:place], ordered[place:], distance


def relative_sizes(
    values_N: Values, time_N: NDArray[np.datetime64], place_N: Integers, least: int = 1
) -> dict[int, float]:
    """Return the size of each half over that of its places and months in most years.

    Places and months of the year that one year has tell nothing.

    Args:
        values_N: NaN is missing.
        time_N: Of any unit; yearly values have one month of the year.
        place_N: Number of the place, such as a station, from 0.
        least: Values of a place and month from which on it has a size.
    """
    known = np.isfinite(values_N)
    month_N = time_N.astype("datetime64[M]").astype(np.int64)
    keys, cell, count = np.unique(month_N[known] * _PLACES + place_N[known], return_inverse=True, return_counts=True)
    total = np.bincount(cell, np.abs(values_N[known]), len(keys))
    some = (count >= least) & (total > 0)
    (month, place), logs = np.divmod(keys[some], _PLACES), np.log(total[some] / count[some])
    _, season = np.unique(place * 12 + month % 12, return_inverse=True)
    usual, several = _medians(logs, season)
    shared = several[season] > 1
    halves = half_of(month[shared])
    names, number = np.unique(halves, return_inverse=True)
    middle, _ = _medians((logs - usual[season])[shared], number)
    return {int(half): float(np.exp(size)) for half, size in zip(names, middle, strict=True)}


def half_of(month: Integers) -> Integers:
    """Return the halves in which months since January 1970 lie."""
    return np.asarray(month // 6 + 2 * 1970)


def _medians(values: Values, group: Integers) -> tuple[Values, Integers]:
    """Return the median of each group, numbered from 0, and how many values it has."""
    order = np.lexsort((values, group))
    counts = np.bincount(group)
    begin = np.cumsum(counts) - counts
    ranked = values[order]
    return (ranked[begin + (counts - 1) // 2] + ranked[begin + counts // 2]) / 2, counts


def refuse_other_years(sizes: Mapping[int, float], name: str, where: str, fix: str) -> None:
    """Refuse years, or halves of them, of another scale.

    Raises:
        DataError: There are some.
    """
    if found := other_halves(sizes):
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
