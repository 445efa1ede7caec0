"""Covariates where pixels or points lie: their coordinates are brought to each raster, whatever its grid and CRS."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geoml_cli.readers.locating import Pair, pixels
from geoml_cli.readers.rasters import TILE, Raster

Index = NDArray[np.int64]
Values = NDArray[np.float32]


def sample_at_points(sheets: Sequence[Raster], points: Pair, crs: str) -> Values:
    """Read the pixel of each raster in which points lie.

    Args:
        sheets: Rasters, K of them, each on its own grid.
        points: x and y, shape [N]; NaN where a point has no place.
        crs: Of the points.

    Returns:
        Shape [K, N], NaN outside a raster and where it has no data.
    """
    known = np.isfinite(points[0]) & np.isfinite(points[1])
    inside = (points[0][known], points[1][known])
    values = np.full((len(sheets), len(known)), np.nan, dtype=np.float32)
    places: list[tuple[Raster, tuple[Index, Index]]] = []
    for number, sheet in enumerate(sheets):
        same = (place for other, place in places if other.grid == sheet.grid)
        place = next(same, None) or pixels(inside, crs, sheet.grid)
        places.append((sheet, place))
        values[number, known] = at_pixels(sheet, *place)
    return values


def at_pixels(sheet: Raster, rows: Index, columns: Index) -> Values:
    """Read single pixels, tile by tile, so that memory does not grow with the raster.

    Args:
        sheet: The raster.
        rows: Rows, shape [N]; -1 outside.
        columns: Columns.

    Returns:
        Shape [N], NaN outside and where there is no data.
    """
    values = np.full(len(rows), np.nan, dtype=np.float32)
    members = np.flatnonzero(rows >= 0)
    tile = rows[members] // TILE * (sheet.grid.width // TILE + 1) + columns[members] // TILE
    order = np.argsort(tile, kind="stable")
    members, tile = members[order], tile[order]
    for group in np.split(members, np.flatnonzero(np.diff(tile)) + 1):
        if len(group):
            top, left = int(rows[group].min()), int(columns[group].min())
            window = sheet.read(slice(top, int(rows[group].max()) + 1), slice(left, int(columns[group].max()) + 1))
            values[group] = window[rows[group] - top, columns[group] - left]
    return values
