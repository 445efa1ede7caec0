"""Cells and pixels distinguished by where they lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Degrees = NDArray[np.float64]
Keys = NDArray[np.int64]
_PARTS = 1_000_000
"""Places are distinguished to a millionth of a degree, 0.1 m: files carry them rounded in different ways."""


def degrees_east(longitude: Degrees) -> Degrees:
    """Bring longitudes to -180 or more and less than 180, so that both ways to count give the same cell."""
    return np.where(longitude >= 180, longitude - 360, longitude)


def cell_keys(latitude: Degrees, longitude: Degrees) -> Keys:
    """Name cells by their place; ascending with latitude, then longitude. What is no place gets any key.

    Args:
        latitude: Degrees north, shape [N].
        longitude: Degrees east.
    """
    parts = []
    for values, offset in ((latitude, 90), (degrees_east(longitude), 180)):
        known = np.where(np.isfinite(values) & (np.abs(values) <= 360), values, 0.0)
        parts.append(np.rint((known + offset) * _PARTS).astype(np.int64))
    return np.asarray(parts[0] * (361 * _PARTS) + parts[1])
