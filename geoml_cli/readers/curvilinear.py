"""Positions of cells on curvilinear grids: models leave them out on land, as fill values or as zeros.

Legend: Y rows, X columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import nearest

Degrees = NDArray[np.float64]
Mask = NDArray[np.bool_]


def without_position(lat: Degrees, lon: Degrees) -> Mask:
    """Return which cells have no position, [Y, X]: NaN, or zeros in both where there are several."""
    zero = (lat == 0) & (lon == 0)
    missing = ~(np.isfinite(lat) & np.isfinite(lon))
    return np.asarray(missing | zero if zero.sum() > 1 else missing)


def filled(lat: Degrees, lon: Degrees, missing: Mask) -> tuple[Degrees, Degrees]:
    """Return positions with those that are missing put where the nearest cell is that has one, [Y, X]."""
    found_lat, found_lon = (np.asarray(nearest(values, ~missing), dtype=np.float64) for values in (lat, lon))
    return found_lat, found_lon
