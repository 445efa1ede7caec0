"""How pixels change class from one year's raster to the next: codes that are exchanged, maps that are turned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

import numpy as np

from geoml_cli.readers.rasters import Band, Raster
from geoml_cli.readers.stacks import open_bands
from geoml_cli.sources.clcd.stratified import codes_of, cover
from geoml_cli.work.numbers import format_share

_WINDOWS = 8
"""Parts of the maps that are compared, evenly over them."""
_FEWEST = 25
"""Pixels of a class in the parts that are compared, at least."""
_SAME = 0.4
"""Share of pixels that keep their class, below which maps are asked about: over decades most land does."""
_PASSED_ON = 0.25
"""Share of a map that changes class on balance, from which on maps of different grids are asked about."""
_NAMED = 3
"""Classes that a message names."""
_Counts = Mapping[int, Counter[int]]
"""Pixels by year and code."""


def odd_changes(bands: Mapping[int, Band], counts: _Counts, named: Mapping[int, str]) -> list[str]:
    """Tell of years whose classes differ from those of the year before in a way that land does not change.

    Args:
        bands: Of the class rasters by year, with what is declared of no data.
        counts: Of all of their pixels.
        named: Class names by code.
    """
    found = []
    for before, year in pairwise(sorted(counts)):
        rasters = open_bands([bands[before], bands[year]])
        try:
            moved = _moved(*rasters)
        finally:
            for raster in rasters:
                raster.close()
        years = (before, year)
        shares = [{code: own[code] / own.total() for code in own} for own in (counts[before], counts[year])]
        found += _of_shares(years, shares, named) if moved is None else _of_pixels(years, moved, named)
    return found


def _moved(one: Raster, other: Raster) -> Counter[tuple[int, int]] | None:
    """Count pixels by the code in both rasters, over some of their windows; None where their grids differ."""
    if one.grid != other.grid:
        return None
    found: Counter[tuple[int, int]] = Counter()
    windows = list(cover(one))
    for rows, columns in windows[:: -(-len(windows) // _WINDOWS)]:
        first, second = (codes_of(raster.physical(*raster.stored(rows, columns)))[0] for raster in (one, other))
        known = (first >= 0) & (second >= 0)
        pairs, times = np.unique(np.stack([first[known], second[known]]), axis=1, return_counts=True)
        found.update({(int(a), int(b)): int(count) for a, b, count in zip(*pairs, times, strict=True)})
    return found


def _of_pixels(years: tuple[int, int], moved: Counter[tuple[int, int]], named: Mapping[int, str]) -> list[str]:
    total: Counter[int] = Counter()
    for (code, _), count in moved.items():
        total[code] += count
    exchanged = [
        f"most pixels of {one} {named[one]} in {years[0]} are {other} {named[other]} in {years[1]}, and the other way "
        "round: are codes of both years those of one legend?"
        for one, other in combinations(sorted(total), 2)
        if min(total[one], total[other]) >= _FEWEST
        and moved[one, other] > total[one] / 2
        and moved[other, one] > total[other] / 2
    ]
    same = sum(count for (one, other), count in moved.items() if one == other) / max(moved.total(), 1)
    if exchanged or not moved or same >= _SAME:
        return exchanged
    return [
        f"{format_share(same)} of the pixels are of one class in {years[0]} and {years[1]}: are both maps in one "
        "legend, and is neither turned?"
    ]


def _of_shares(years: tuple[int, int], shares: Sequence[Mapping[int, float]], named: Mapping[int, str]) -> list[str]:
    change = {code: shares[1].get(code, 0.0) - shares[0].get(code, 0.0) for code in {*shares[0], *shares[1]}}
    moved = sum(map(abs, change.values())) / 2
    if moved <= _PASSED_ON:
        return []
    largest = sorted(change, key=lambda code: -abs(change[code]))[:_NAMED]
    listed = ", ".join(
        f"{code} {named[code]} {format_share(shares[0].get(code, 0.0))} and {format_share(shares[1].get(code, 0.0))}"
        for code in largest
    )
    return [
        f"{format_share(moved)} of the map are of another class in {years[1]} than in {years[0]}, at least ({listed}): "
        "are both in one legend, and of one area?"
    ]
