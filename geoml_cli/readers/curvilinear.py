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
    _, place, count = np.unique(np.where(missing, 0, lat + 1j * lon), return_inverse=True, return_counts=True)
    shared = count[place.reshape(lat.shape)]
    zero = (lat == 0) & (lon == 0) & (shared > 1)
    odd = (shared >= _OFTEN * np.median(count)) & (np.abs(lat) < _POLE)
    return np.asarray(missing | zero | odd)


def filled(lat: Degrees, lon: Degrees, missing: Mask) -> tuple[Degrees, Degrees]:
    """Return positions with those that are missing put where the nearest cell is that has one, [Y, X]."""
    found_lat, found_lon = (np.asarray(nearest(values, ~missing), dtype=np.float64) for values in (lat, lon))
    return found_lat, found_lon
