"""Years in another scale than the others, such as one year of a series in mm where the others are in cm.

A year's size is the mean of its magnitudes, over the same places or months of the year as that of the others. Years are
of two scales where their sizes fall into two groups, far apart for how much they differ within each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError

_APART, _USUALLY = 5.0, 8.0
"""How far the groups lie apart at least, and their medians: mm for cm is 10 times, MJ m-2 d-1 for W m-2 11.6."""
_CLEAR = 1.5
"""How many times larger the gap is than what sizes of one group differ by, as logarithms."""


@dataclass(frozen=True)
class OtherYears:
    """Years of another scale.

    Attributes:
        years: Which they are; the fewer of the two groups.
        factor: Their size over that of the others.
    """

    years: tuple[int, ...]
    factor: float


def other_years(sizes: Mapping[int, float], usually: float = _USUALLY) -> OtherYears | None:
    """Find years of another scale; None where there are none or it is not clear.

    Args:
        sizes: By year; those of 0 or NaN tell nothing.
        usually: How many times the medians of the groups lie apart at least.
    """
    known = {year: float(np.log(size)) for year, size in sizes.items() if size > 0}
    if len(known) < 2:
        return None
    ordered = sorted(known, key=lambda year: known[year])
    logs = np.array([known[year] for year in ordered])
    gaps = np.diff(logs)
    place = int(gaps.argmax()) + 1
    low, high = logs[:place], logs[place:]
    spread = max(float(np.ptp(low)), float(np.ptp(high)))
    distance = float(np.median(high) - np.median(low))
    if gaps[place - 1] < max(np.log(min(_APART, usually)), _CLEAR * spread) or distance < np.log(usually):
        return None
    # Of two halves it is the later one.
    halves = len(low) == len(high)
    are_high = len(high) < len(low) or (halves and min(ordered[place:]) > min(ordered[:place]))
    years = ordered[place:] if are_high else ordered[:place]
    return OtherYears(tuple(sorted(years)), float(np.exp(distance if are_high else -distance)))


def seasonless(values_N: NDArray[np.float64], year_N: NDArray[np.int64], month_N: NDArray[np.int64],
               least: int) -> dict[int, float]:  # fmt: skip
    """Return the size of each year over that of its months in most years; months that one year has tell nothing.

    Args:
        values_N: NaN is missing.
        year_N: Of each value.
        month_N: Of the year, 1 to 12.
        least: Values of a month from which on it has a size.
    """
    known = np.isfinite(values_N)
    first = int(year_N.min(initial=0))
    shape = (int(year_N.max(initial=0)) - first + 1, 12)
    cell = (year_N[known] - first) * 12 + month_N[known] - 1
    count = np.bincount(cell, minlength=shape[0] * 12).reshape(shape)
    total = np.bincount(cell, np.abs(values_N[known]), minlength=shape[0] * 12).reshape(shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.where(count >= max(least, 1), total / count, np.nan))
    logs[np.isinf(logs)] = np.nan
    found = {}
    shared = np.isfinite(logs).sum(axis=0) > 1
    usual = np.array([np.nanmedian(column) if both else np.nan for column, both in zip(logs.T, shared, strict=True)])
    for place, relative in enumerate(logs - usual):
        if np.isfinite(relative).any():
            found[first + place] = float(np.exp(np.nanmedian(relative)))
    return found


def refuse_other_years(sizes: Mapping[int, float], name: str, where: str, fix: str, usually: float = _USUALLY) -> None:
    """Refuse years of another scale.

    Raises:
        DataError: There are some.
    """
    found = other_years(sizes, usually)
    if found is None:
        return
    factor = f"{found.factor:.3g} times larger" if found.factor > 1 else f"{1 / found.factor:.3g} times smaller"
    raise DataError(f"{name} of {listed(found.years)} is about {factor} than in other years", where=where, fix=fix)


def listed(years: Sequence[int]) -> str:
    """Name years, a span of them by its ends."""
    if len(years) > 2 and years[-1] - years[0] == len(years) - 1:
        return f"{years[0]} to {years[-1]}"
    return ", ".join(map(str, years[:6])) + (f" and {len(years) - 6} more" if len(years) > 6 else "")
