"""Cells of SMAP's grid: EASE-Grid 2.0, global, 9 km (Brodzik et al. 2012, doi:10.3390/ijgi1010032)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COLUMNS, ROWS = 3856, 1624
_SIDE = 9008.055210146
"""Side of a cell [m]."""
_RADIUS, _ECCENTRICITY = 6378137.0, 0.0818191908426215
"""Of the ellipsoid WGS 84 [m], [1]."""
_PARALLEL = np.radians(30.0)
"""Of true scale, of the cylindrical equal-area projection EPSG:6933."""


def cell(latitude: Floats, longitude: Floats) -> NDArray[np.int64]:
    """Return the number of the cell of points [degrees], row * 3856 + column, north-west first; -1 off the grid."""
    e = _ECCENTRICITY
    sine = np.sin(np.radians(latitude))
    scale = np.cos(_PARALLEL) / np.sqrt(1 - (e * np.sin(_PARALLEL)) ** 2)
    q = (1 - e**2) * (sine / (1 - (e * sine) ** 2) - np.log((1 - e * sine) / (1 + e * sine)) / (2 * e))
    x, y = _RADIUS * scale * np.radians(longitude), _RADIUS * q / (2 * scale)
    column = np.floor(x / _SIDE + COLUMNS / 2).astype(np.int64)
    row = np.floor(ROWS / 2 - y / _SIDE).astype(np.int64)
    inside = (row >= 0) & (row < ROWS) & (column >= 0) & (column < COLUMNS)
    return np.where(inside, row * COLUMNS + column, -1)
