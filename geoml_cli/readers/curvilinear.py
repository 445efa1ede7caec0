"""Positions of cells on curvilinear grids: models leave them out on land, as fill values or as zeros.

Legend: Y rows, X columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Degrees = NDArray[np.float64]
Mask = NDArray[np.bool_]
_REPEATED = 8
"""Cells that share a position which therefore is none: a seam repeats one twice, the corner of two seams more often."""
_POLE = 89.9
"""Latitudes beyond belong to a pole, where a row of cells shares one position."""


def without_position(lat: Degrees, lon: Degrees) -> Mask:
    """Return which cells have no position, [Y, X]: NaN, zeros in both, or one place that many cells share."""
    missing = ~(np.isfinite(lat) & np.isfinite(lon))
    zero = (lat == 0) & (lon == 0)
    if zero.sum() > 1:
        missing |= zero
    pairs = lat + 1j * lon
    _, place, count = np.unique(np.where(missing, 0, pairs), return_inverse=True, return_counts=True)
    shared = (count[place.reshape(lat.shape)] >= _REPEATED) & (np.abs(lat) < _POLE)
    return np.asarray(missing | shared)


def filled(lat: Degrees, lon: Degrees, missing: Mask) -> tuple[Degrees, Degrees]:
    """Return positions with those that are missing put where their neighbours' steps lead, [Y, X]."""
    north, east = np.where(missing, np.nan, lat), np.where(missing, np.nan, lon)
    for rows in ((north, east), (north.T, east.T)):  # along the rows, then what is left along the columns
        for row_lat, row_lon in zip(*rows, strict=True):
            _fill(row_lat, row_lon)
    first = float(lon[~missing].min())
    return np.clip(north, -90.0, 90.0), np.where(missing, (east - first) % 360 + first, lon)


def _fill(lat: Degrees, lon: Degrees) -> None:
    """Fill a row or a column in place, where two of its cells or more have a position."""
    known = np.flatnonzero(np.isfinite(lat))
    gaps = np.flatnonzero(np.isnan(lat))
    if len(known) < 2 or not len(gaps):
        return
    lon[known] = np.unwrap(lon[known], period=360)
    for values in (lat, lon):
        values[gaps] = np.interp(gaps, known, values[known])
        for ends, near, next_to_it in ((gaps < known[0], known[0], known[1]), (gaps > known[-1], known[-1], known[-2])):
            step = (values[near] - values[next_to_it]) / (near - next_to_it)
            values[gaps[ends]] = values[near] + step * (gaps[ends] - near)
