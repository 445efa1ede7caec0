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

from geoml_cli.readers.grid_windows import TURN, Window, columns_of_a_turn, inverse, read_window
from geoml_cli.readers.locating import is_geographic, transform
from geoml_cli.readers.rasters import Raster
from geoml_cli.samples.input import Grid

Values = NDArray[np.float64]
_MOST, _FEWEST, _A_PIXEL, _BLOCKS = 64, 12, 2.0, 32
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
    """Return the corners of a part's pixels in the raster's CRS; infinite where it has no such place."""
    rows, columns = np.mgrid[: part.height + 1, : part.width + 1]
    x, y = _places(part, rows.ravel(), columns.ravel(), raster.grid.crs)
    if is_geographic(raster.grid.crs) and np.isfinite(x).any():
        x = _near(x, x[np.isfinite(x)][0])
    return Corners(x.reshape(rows.shape), y.reshape(rows.shape))


def _near(longitude: Values, first: float) -> Values:
    """Return longitudes counted on from one, within half a turn of it."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(longitude), (longitude - first + TURN / 2) % TURN + first - TURN / 2, longitude)


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
    middle = _places(part, rows.ravel(), columns.ravel(), raster.grid.crs)
    x, y = (each.reshape(rows.shape) for each in middle)
    if is_geographic(raster.grid.crs) and np.isfinite(corners.x).any():
        x = _near(x, float(corners.x[np.isfinite(corners.x)][0]))
    each = [(side[:-1, :-1], side[:-1, 1:], side[1:, :-1], side[1:, 1:]) for side in corners]
    with np.errstate(invalid="ignore"):
        apart = np.hypot(x - sum(each[0]) / 4, y - sum(each[1]) / 4)
        widest = np.hypot(*(np.ptp(np.stack(side), axis=0) for side in each))
        is_whole = apart <= _AMID * widest
    is_known = np.isfinite(np.stack([*map(np.stack, each)])).all(axis=0).any(axis=0) | np.isfinite(x + y)
    return np.asarray(~is_whole & is_known)


def means_between(raster: Raster, corners: Corners, is_whole: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the means over the four-sided pixels between corners, [H, W], of those that are whole; one is at least.

    Sides are straight in the raster's CRS: a kilometre of a map departs from that by centimetres.
    """
    sides = np.hypot(*np.array(_sides(raster, corners)).reshape(2, 2, *np.shape(corners.x[1:, 1:])).swapaxes(0, 1))
    longest = float(np.nanmax(sides[:, is_whole], initial=0.0))
    block = max(int(longest) // _BLOCKS, 1)
    count = min(max(math.ceil(_A_PIXEL * longest), _FEWEST), _MOST)
    share = (np.arange(count) + 0.5) / count
    lookup = _Lookup(raster, corners.x, corners.y, block)
    total, known = np.zeros(sides.shape[1:]), np.zeros(sides.shape[1:])
    for down in share.tolist():
        x, y = (
            (1 - share) * left[:, :-1, None] + share * left[:, 1:, None]
            for left in (each[:-1] * (1 - down) + each[1:] * down for each in corners)
        )
        found, weight = lookup.sums(x, y)
        total += found.sum(axis=-1)
        known += weight.sum(axis=-1)
    return _divided(total, known)


def means_of_places(raster: Raster, part: Grid) -> NDArray[np.float32]:
    """Return the means at places each of which is transformed, [H, W]: about a pole pixels have no straight sides."""
    row, column = ((np.arange(size * _TRANSFORMED) + 0.5) / _TRANSFORMED for size in (part.height, part.width))
    column, row = (each.ravel() for each in np.meshgrid(column, row))
    x, y = _places(part, row, column, raster.grid.crs)
    shape = (part.height, _TRANSFORMED, part.width, _TRANSFORMED)
    total, known = (each.reshape(shape).sum(axis=(1, 3)) for each in _Lookup(raster, x, y).sums(x, y))
    return _divided(total, known)


def _divided(total: Values, known: Values) -> NDArray[np.float32]:
    return np.where(known > 0, total / np.maximum(known, 1), np.nan).astype(np.float32)


def _places(part: Grid, row: Values, column: Values, crs: str) -> tuple[Values, Values]:
    a, b, c, d, e, f = part.transform
    return transform((a * column + b * row + c, d * column + e * row + f), part.crs, crs)


def _sides(raster: Raster, corners: Corners) -> tuple[Values, Values, Values, Values]:
    """Return how far each pixel goes on and down, in the raster's columns and rows; NaN where there is no place."""
    a, b, _, d, e, _ = inverse(raster.grid)
    x, y = (np.where(np.isfinite(each), each, np.nan) for each in corners)
    on, down = (
        (each[:-1, 1:] - each[:-1, :-1] for each in (x, y)),
        (each[1:, :-1] - each[:-1, :-1] for each in (x, y)),
    )
    (x_on, y_on), (x_down, y_down) = on, down
    return a * x_on + b * y_on, d * x_on + e * y_on, a * x_down + b * y_down, d * x_down + e * y_down


class _Lookup:
    """Values of a raster at places, of the pixel that each lies in, or of a block of pixels.

    Args:
        raster: Read where `x` and `y` lie, once.
        x: Of places in the raster's CRS, any shape; not finite where there is none.
        y: Likewise.
        block: Pixels along a side of a block.
    """

    def __init__(self, raster: Raster, x: Values, y: Values, block: int = 1) -> None:
        self._grid, self._turn, self._block = raster.grid, columns_of_a_turn(raster.grid), block
        self._first = 0.0
        row, column = self._pixels(x, y)
        self._first = float(column[np.isfinite(column)][0]) if np.isfinite(column).any() else 0.0
        row, column = self._pixels(x, y)
        row, column = row[np.isfinite(row + column)], column[np.isfinite(row + column)]
        rows = _span(row, self._grid.height, block)
        columns = _span(column, None if self._turn else self._grid.width, block)
        self._top, self._left = rows.start, columns.start
        values = read_window(raster, Window(rows, columns, raster.grid, self._turn))
        known = np.isfinite(values)
        self._known = _in_blocks(known.astype(np.float32), block)
        self._total = _in_blocks(np.where(known, values, np.float32(0)), block)

    def sums(self, x: Values, y: Values) -> tuple[Values, Values]:
        """Return the sum of the known pixels of the block at each place, and how many they are."""
        row, column = self._pixels(x, y)
        row, column = (row - self._top) // self._block, (column - self._left) // self._block
        height, width = self._total.shape
        inside = np.isfinite(row + column) & _is_in(row, height) & _is_in(column, width)
        at = row[inside].astype(np.int64), column[inside].astype(np.int64)
        total, known = np.zeros(np.shape(row)), np.zeros(np.shape(row))
        total[inside], known[inside] = self._total[at], self._known[at]
        return total, known

    def _pixels(self, x: Values, y: Values) -> tuple[Values, Values]:
        """Return rows and columns, in a grid of all longitudes counted on from about the first."""
        a, b, c, d, e, f = inverse(self._grid)
        with np.errstate(invalid="ignore"):
            column, row = a * x + b * y + c, np.floor(d * x + e * y + f)
            if self._turn:
                on = (np.floor(column) - self._first + self._turn // 2) % self._turn
                return row, on + self._first - self._turn // 2
            if is_geographic(self._grid.crs):  # the same place may be 360 degrees on
                for columns in (TURN / self._grid.transform[0], -TURN / self._grid.transform[0]):
                    column = np.where(_is_in(column + columns, self._grid.width), column + columns, column)
            return row, np.floor(column)


def _span(places: Values, size: int | None, block: int) -> slice:
    """Return the rows or columns that places lie in, in whole blocks, as far as there are any."""
    low, high = (int(places.min()), int(places.max()) + 1) if len(places) else (0, 0)
    if size is not None:
        low = min(max(low, 0), size)
        high = max(low, min(high, size))
    return slice(low // block * block, -(-high // block) * block)


def _in_blocks(values: NDArray[np.float32], block: int) -> NDArray[np.float64]:
    """Sum up blocks."""
    height, width = (size // block for size in values.shape)
    return np.asarray(values.reshape(height, block, width, block).sum(axis=(1, 3), dtype=np.float64))


def _is_in(place: Values, size: int) -> NDArray[np.bool_]:
    return np.asarray((place >= 0) & (place < size))
