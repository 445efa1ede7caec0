"""Means of a raster over pixels of another grid, by places spread evenly in each of them.

GDAL takes a mean over the columns and rows between two corners of a pixel, which is another area where the two grids
are rotated to each other: at 45 degrees a line.

Legend: H x W pixels of a part of the grid, P places.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.readers.grid_windows import (
    TURN,
    Values,
    Window,
    columns_and_rows,
    columns_of_a_turn,
    inside,
    inverse,
    near,
    places,
    read_window,
)
from geoml_cli.readers.locating import is_geographic
from geoml_cli.readers.rasters import Raster
from geoml_cli.samples.input import Grid

_MOST, _FEWEST, _A_PIXEL, _BLOCKS = 128, 24, 4.0, 32
"""Places along a side of a pixel, at most and at least, and how many there are for each pixel of the raster; blocks of
these along a side at least, where there would be more places."""
_TRANSFORMED = 32
"""Places along a side, where each is transformed."""
_AMID = 0.1
"""Part of its width by which a pixel's middle lies off the middle of its corners at most."""
_STRAIGHT = 0.02
"""Part of its side that a pixel may lean by, so that what lies between two corners is its area."""


class Corners(NamedTuple):
    """Corners of a part's pixels in a raster's CRS, each of shape [H + 1, W + 1]; longitudes go on across 180."""

    x: Values
    y: Values


def corners_of(raster: Raster, part: Grid) -> Corners:
    """Return the corners of a part's pixels in the raster's CRS; NaN where it has no such place."""
    rows, columns = np.mgrid[: part.height + 1, : part.width + 1]
    x, y = places(part, rows.ravel(), columns.ravel(), raster.grid.crs)
    if is_geographic(raster.grid.crs):
        x = near(x, TURN)
    return Corners(x.reshape(rows.shape), y.reshape(rows.shape))


def lean(raster: Raster, corners: Corners) -> bool:
    """Return whether a pixel leans to the raster's rows and columns, so that two corners do not tell its area."""
    column_on, row_on, column_down, row_down = (np.abs(side) for side in _sides(raster, corners))
    with np.errstate(divide="ignore", invalid="ignore"):
        upright = np.maximum(row_on / column_on, column_down / row_down)
        turned = np.maximum(column_on / row_on, row_down / column_down)  # by a quarter
    return bool((np.fmin(upright, turned) > _STRAIGHT).any())


def torn(raster: Raster, part: Grid, corners: Corners) -> NDArray[np.bool_]:
    """Return which pixels an edge of the raster's CRS runs through, [H, W]: their middle is not amid their corners.

    A map of the world has its edge at 180 degrees, with places on both ends of it.
    """
    rows, columns = np.mgrid[: part.height, : part.width] + 0.5
    middle = places(part, rows.ravel(), columns.ravel(), raster.grid.crs)
    x, y = (each.reshape(rows.shape) for each in middle)
    if is_geographic(raster.grid.crs):
        x = near(np.append(corners.x.ravel(), x.ravel()), TURN)[corners.x.size :].reshape(x.shape)
    four_x, four_y = (np.stack([each[:-1, :-1], each[:-1, 1:], each[1:, :-1], each[1:, 1:]]) for each in corners)
    with np.errstate(invalid="ignore"):
        apart = np.hypot(x - four_x.mean(axis=0), y - four_y.mean(axis=0))
        is_whole = apart <= _AMID * np.hypot(np.ptp(four_x, axis=0), np.ptp(four_y, axis=0))
    is_known = np.isfinite(four_x + four_y).any(axis=0) | np.isfinite(x + y)
    return np.asarray(~is_whole & is_known)


def means_between(raster: Raster, corners: Corners, is_whole: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the means over the four-sided pixels between corners, [H, W], of those that are whole; one is at least.

    Sides are straight in the raster's CRS: a kilometre of a map departs from that by centimetres.
    """
    column_on, row_on, column_down, row_down = (np.abs(side)[is_whole] for side in _sides(raster, corners))
    longest = float(np.nanmax(np.hypot([column_on, column_down], [row_on, row_down]), initial=0.0))
    count = min(max(math.ceil(_A_PIXEL * longest), _FEWEST), _MOST)
    # Blocks of the pixel that is the least high, and the least wide: about a pole some are long and thin.
    block = _block(row_on + row_down), _block(column_on + column_down)
    share = (np.arange(count) + 0.5) / count
    column, row = columns_and_rows(raster.grid, *corners)
    lookup = _Lookup(raster, column, row, block)
    total, known = np.zeros(is_whole.shape), np.zeros(is_whole.shape)
    for down in share.tolist():
        columns, rows = (
            (1 - share) * left[:, :-1, None] + share * left[:, 1:, None]
            for left in (each[:-1] * (1 - down) + each[1:] * down for each in (column, row))
        )
        found, weight = lookup.sums(columns, rows)
        total += found
        known += weight
    return _divided(total, known)


def _block(extents: Values) -> int:
    """Return the pixels of a block along an axis, of extents in pixels."""
    least = float(np.nanmin(extents, initial=np.inf))
    return max(int(least) // _BLOCKS, 1) if math.isfinite(least) else 1


def means_of_places(raster: Raster, part: Grid) -> NDArray[np.float32]:
    """Return the means at places each of which is transformed, [H, W]: about a pole pixels have no straight sides."""
    row, column = ((np.arange(size * _TRANSFORMED) + 0.5) / _TRANSFORMED for size in (part.height, part.width))
    column, row = (each.ravel() for each in np.meshgrid(column, row))
    x, y = places(part, row, column, raster.grid.crs)
    column, row = columns_and_rows(raster.grid, x, y)
    if turn := columns_of_a_turn(raster.grid):
        column = near(column, turn)
    shape = (part.height, _TRANSFORMED, part.width, _TRANSFORMED)
    column, row = (each.reshape(shape).transpose(0, 2, 1, 3).reshape(*shape[::2], -1) for each in (column, row))
    return _divided(*_Lookup(raster, column, row).sums(column, row))


def _divided(total: Values, known: Values) -> NDArray[np.float32]:
    return np.where(known > 0, total / np.maximum(known, 1), np.nan).astype(np.float32)


def _sides(raster: Raster, corners: Corners) -> tuple[Values, Values, Values, Values]:
    """Return how far each pixel goes on and down, in the raster's columns and rows; NaN where there is no place."""
    a, b, _, d, e, _ = inverse(raster.grid)
    x, y = (np.where(np.isfinite(each), each, np.nan) for each in corners)
    x_on, y_on = (each[:-1, 1:] - each[:-1, :-1] for each in (x, y))
    x_down, y_down = (each[1:, :-1] - each[:-1, :-1] for each in (x, y))
    return a * x_on + b * y_on, d * x_on + e * y_on, a * x_down + b * y_down, d * x_down + e * y_down


class _Lookup:
    """Values of a raster at places, of the pixel that each lies in, or of a block of pixels.

    Args:
        raster: Read where places lie, once.
        column: Of places, in pixels from the raster's corner, any shape; NaN where there is none. In a raster of all
            longitudes they may go on beyond its ends.
        row: Likewise.
        block: Rows and columns of a block.
    """

    def __init__(self, raster: Raster, column: Values, row: Values, block: tuple[int, int] = (1, 1)) -> None:
        grid, turn = raster.grid, columns_of_a_turn(raster.grid)
        self._block, self._grid = block, grid
        column, row = inside(grid, column[np.isfinite(column + row)]), row[np.isfinite(column + row)]
        rows, columns = _span(row, grid.height, block[0]), _span(column, None if turn else grid.width, block[1])
        self._top, self._left = rows.start, columns.start
        window = Window(rows, columns, grid, turn)
        values = read_window(raster, window) if window.size else np.empty((0, 0), dtype=np.float32)
        known = np.isfinite(values)
        self._known = _in_blocks(known.astype(np.float32), block)
        self._total = _in_blocks(np.where(known, values, np.float32(0)), block)

    def sums(self, column: Values, row: Values) -> tuple[Values, Values]:
        """Return the sums of known pixels of the blocks at places, over the last axis, and how many these are."""
        height, width = self._total.shape
        with np.errstate(invalid="ignore"):  # what is no number becomes the least, and lies outside
            down = np.floor((row - self._top) / self._block[0]).astype(np.int64)
            on = np.floor((inside(self._grid, column) - self._left) / self._block[1]).astype(np.int64)
        # All that lies outside has the border, which holds nothing.
        place = np.clip(down + 1, 0, height - 1) * width + np.clip(on + 1, 0, width - 1)
        total, known = (each.take(place).sum(axis=-1, dtype=np.float64) for each in (self._total, self._known))
        return total, known


def _span(places: Values, size: int | None, block: int) -> slice:
    """Return the rows or columns that places lie in, in whole blocks, as far as there are any."""
    low, high = (math.floor(places.min()), math.floor(places.max()) + 1) if len(places) else (0, 0)
    if size is not None:
        low = min(max(low, 0), size)
        high = max(low, min(high, size))
    return slice(low // block * block, -(-high // block) * block)


def _in_blocks(values: NDArray[np.float32], block: tuple[int, int]) -> NDArray[np.floating]:
    """Sum up blocks, with a border of zeros about them."""
    if block == (1, 1):
        return np.pad(values, 1)
    shape = (values.shape[0] // block[0], block[0], values.shape[1] // block[1], block[1])
    return np.pad(values.reshape(shape).sum(axis=(1, 3), dtype=np.float64), 1)
