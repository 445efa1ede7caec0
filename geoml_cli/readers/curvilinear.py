"""Positions of cells on curvilinear grids: models leave them out on land, as fill values or as zeros.

Legend: Y rows, X columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import nearest

Degrees = NDArray[np.float64]
Mask = NDArray[np.bool_]
_OFTEN = 12
"""Cells that share a place, for each that shares a usual one: the corner of two seams has 4."""
_POLE = 89.9
"""Latitudes beyond belong to a pole, where a row of cells shares one position."""


def without_position(lat: Degrees, lon: Degrees) -> Mask:
    """Return which cells have no position, [Y, X]: NaN, zeros in both, or one place that far more share than others.

    Positions that are rounded, or repeated for finer cells, are shared by several as well, but by all alike.
    """
    missing = ~(np.isfinite(lat) & np.isfinite(lon))
    zero = (lat == 0) & (lon == 0)
    if zero.sum() > 1:
        missing |= zero
    # Land lies together: without two neighbours at one place there is nothing to count.
    repeated = np.zeros_like(missing)
    same = (lat[:, 1:] == lat[:, :-1]) & (lon[:, 1:] == lon[:, :-1])
    repeated[:, 1:] |= same
    repeated[:, :-1] |= same
    repeated &= ~missing & (np.abs(lat) < _POLE)
    if repeated.any():
        _, place, count = np.unique((lat + 1j * lon)[repeated], return_inverse=True, return_counts=True)
        alone = int((~repeated & ~missing).sum())
        usual = float(np.median(np.concatenate([count, np.ones(alone, dtype=count.dtype)])))
        missing[repeated] |= count[place.reshape(-1)] >= _OFTEN * usual
    return missing


def filled(lat: Degrees, lon: Degrees, missing: Mask) -> tuple[Degrees, Degrees]:
    """Return positions with those that are missing put where the nearest cell is that has one, [Y, X]."""
    found_lat, found_lon = (np.asarray(nearest(values, ~missing), dtype=np.float64) for values in (lat, lon))
    return found_lat, found_lon
