"""Values of a raster at the middles of another grid's pixels, of the pixel that each lies in or interpolated.

GDAL takes a window of the raster by a guess of what a part of the grid covers. Where the guess is too small, at an edge
of a map, pixels are missing; and where it finds none, memory is given as it was.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.readers.grid_windows import (
    Values,
    Window,
    columns_and_rows,
    columns_of_a_turn,
    inside,
    near,
    places,
    read_window,
)
from geoml_cli.readers.rasters import Raster
from geoml_cli.samples.input import Grid

_ON_BORDER = 1e-6
"""Pixels: a middle on the border of two lies in the lower or right one, however its place is rounded."""


class Middles:
    """Where the middles of a part's pixels lie in a raster.

    Args:
        raster: With its grid.
        part: Of another grid.

    Attributes:
        column: In pixels from the raster's corner, [H, W]; in one of all longitudes they may go on beyond its ends.
        row: Likewise.
        is_inside: Which lie in the raster.
        window: What of the raster they need, with the pixels next to them; None where none lies in it.
    """

    def __init__(self, raster: Raster, part: Grid) -> None:
        grid, turn = raster.grid, columns_of_a_turn(raster.grid)
        rows, columns = np.mgrid[: part.height, : part.width] + 0.5
        column, row = columns_and_rows(grid, *places(part, rows.ravel(), columns.ravel(), grid.crs))
        column = near(column, turn) if turn else inside(grid, column)
        self.column, self.row = column.reshape(rows.shape), row.reshape(rows.shape)
        with np.errstate(invalid="ignore"):
            is_inside = (self.row + _ON_BORDER >= 0) & (self.row + _ON_BORDER < grid.height) & np.isfinite(self.column)
            if not turn:
                is_inside &= (self.column + _ON_BORDER >= 0) & (self.column + _ON_BORDER < grid.width)
        self.is_inside, self.window = is_inside, None
        if is_inside.any():
            self.window = Window(_about(self.row[is_inside]), _about(self.column[is_inside]), grid, turn)


def at_middles(
    raster: Raster, middles: Middles, window: Window, method: Literal["nearest", "bilinear"]
) -> NDArray[np.float32]:
    """Return a raster's values at middles, [H, W]; NaN where the pixel that one lies in is missing.

    Args:
        raster: Read once.
        middles: Where.
        window: Of the middles.
        method: Bilinear weights are of the pixels that are not missing.

    Raises:
        DataError: The raster cannot be read.
    """
    values = read_window(raster, window)
    found = np.full(middles.is_inside.shape, np.nan, dtype=np.float32)
    row = middles.row[middles.is_inside] - window.rows.start
    column = middles.column[middles.is_inside] - window.columns.start
    own = values[_whole(row + _ON_BORDER), _whole(column + _ON_BORDER)]
    found[middles.is_inside] = own if method == "nearest" else _interpolated(values, row, column, own)
    return found


def _interpolated(
    values: NDArray[np.float32], row: Values, column: Values, own: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Weight the four pixels about each place by how near their middles are."""
    # From the middle of the pixel to the upper left of each place.
    top, left = _whole(row - 0.5), _whole(column - 0.5)
    down, on = row - 0.5 - top, column - 0.5 - left
    total, known = np.zeros(row.shape), np.zeros(row.shape)
    for below, beyond in ((0, 0), (0, 1), (1, 0), (1, 1)):
        value = values[top + below, left + beyond]
        weight = (down if below else 1 - down) * (on if beyond else 1 - on) * np.isfinite(value)
        total += weight * np.where(np.isfinite(value), value, 0)
        known += weight
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(own), total / known, np.nan).astype(np.float32)


def _whole(place: Values) -> NDArray[np.int64]:
    return np.floor(place).astype(np.int64)


def _about(place: Values) -> slice:
    """Return the pixels that places lie in and next to."""
    return slice(int(np.floor(place.min())) - 1, int(np.floor(place.max() + _ON_BORDER)) + 2)
