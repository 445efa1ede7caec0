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
_MOST, _FEWEST, _A_PIXEL = 32, 12, 2.0
"""Places along a side of a pixel, at most and at least, and how many there are for each pixel of the raster."""
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
        first = x[np.isfinite(x)][0]
        x = np.where(np.isfinite(x), (x - first + TURN / 2) % TURN + first - TURN / 2, x)
    return Corners(x.reshape(rows.shape), y.reshape(rows.shape))


def lean(raster: Raster, corners: Corners) -> bool:
    """Return whether a pixel leans to the raster's rows and columns, so that two corners do not tell its area."""
    column_on, row_on, column_down, row_down = (np.abs(side) for side in _sides(raster, corners))
    with np.errstate(divide="ignore", invalid="ignore"):
        upright = np.maximum(row_on / column_on, column_down / row_down)
        turned = np.maximum(column_on / row_on, row_down / column_down)  # by a quarter
    return bool((np.fmin(upright, turned) > _STRAIGHT).any())


def means_between(raster: Raster, corners: Corners) -> NDArray[np.float32]:
    """Return the means over the four-sided pixels between corners, [H, W].

    Sides are straight in the raster's CRS: a kilometre of a map departs from that by centimetres.
    """
    sides = np.hypot(*np.array(_sides(raster, corners)).reshape(2, 2, *np.shape(corners.x[1:, 1:])).swapaxes(0, 1))
    longest = float(sides[np.isfinite(sides)].max(initial=0.0))
    count = min(max(math.ceil(_A_PIXEL * longest), _FEWEST), _MOST)
    share = (np.arange(count) + 0.5) / count
    lookup = _Lookup(raster, corners.x, corners.y)
    total, known = np.zeros(sides.shape[1:]), np.zeros(sides.shape[1:], dtype=np.int64)
    for down in share.tolist():
        x, y = (
            (1 - share) * left[:, :-1, None] + share * left[:, 1:, None]
            for left in (each[:-1] * (1 - down) + each[1:] * down for each in corners)
        )
        found = lookup.values(x, y)
        total += np.nan_to_num(found).sum(axis=-1)
        known += np.isfinite(found).sum(axis=-1)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan).astype(np.float32)


def means_of_places(raster: Raster, part: Grid) -> NDArray[np.float32]:
    """Return the means at places each of which is transformed, [H, W]: about a pole pixels have no straight sides."""
    row, column = ((np.arange(size * _MOST) + 0.5) / _MOST for size in (part.height, part.width))
    column, row = (each.ravel() for each in np.meshgrid(column, row))
    x, y = _places(part, row, column, raster.grid.crs)
    found = _Lookup(raster, x, y).values(x, y).reshape(part.height, _MOST, part.width, _MOST)
    known = np.isfinite(found).sum(axis=(1, 3))
    total = np.nan_to_num(found).sum(axis=(1, 3))
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
    """Values of a raster at places, of the pixel that each lies in.

    Args:
        raster: Read where `x` and `y` lie, once.
        x: Of places in the raster's CRS, any shape; not finite where there is none.
        y: Likewise.
    """

    def __init__(self, raster: Raster, x: Values, y: Values) -> None:
        self._grid, self._turn = raster.grid, columns_of_a_turn(raster.grid)
        self._first = 0.0
        row, column = self._pixels(x, y)
        self._first = float(column[np.isfinite(column)][0]) if np.isfinite(column).any() else 0.0
        row, column = self._pixels(x, y)
        row, column = row[np.isfinite(row + column)], column[np.isfinite(row + column)]
        rows = _span(row, self._grid.height)
        columns = _span(column, None if self._turn else self._grid.width)
        self._top, self._left = rows.start, columns.start
        self._values = read_window(raster, Window(rows, columns, raster.grid, self._turn))

    def values(self, x: Values, y: Values) -> NDArray[np.float32]:
        """Return the values at places, NaN where there are none."""
        row, column = self._pixels(x, y)
        row, column = row - self._top, column - self._left
        known = np.isfinite(row + column) & _is_in(row, self._values.shape[0]) & _is_in(column, self._values.shape[1])
        found = np.full(np.shape(row), np.nan, dtype=np.float32)
        found[known] = self._values[row[known].astype(np.int64), column[known].astype(np.int64)]
        return found

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


def _span(places: Values, size: int | None) -> slice:
    """Return the rows or columns that places lie in, as far as there are any."""
    low, high = (int(places.min()), int(places.max()) + 1) if len(places) else (0, 0)
    if size is None:
        return slice(low, high)
    low = min(max(low, 0), size)
    return slice(low, max(low, min(high, size)))


def _is_in(place: Values, size: int) -> NDArray[np.bool_]:
    return np.asarray((place >= 0) & (place < size))
