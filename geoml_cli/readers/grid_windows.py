"""Windows of a grid, which may lie beyond it or go about the Earth, their values, and places of one in another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.locating import is_geographic, transform
from geoml_cli.readers.rasters import Raster
from geoml_cli.samples.input import Grid

TURN = 360.0
Values = NDArray[np.float64]
_WHOLE = 0.01
"""Part of a pixel by which columns may differ from a whole number in 360 degrees."""


class Window(NamedTuple):
    """Rows and columns of a raster, which may lie beyond it, and the grid that they are taken to be.

    Attributes:
        turn: After how many columns they are the same again; 0 where they end.
    """

    rows: slice
    columns: slice
    grid: Grid
    turn: int = 0

    @property
    def size(self) -> int:
        """Return how many pixels it has."""
        return len(range(self.rows.start, self.rows.stop)) * len(range(self.columns.start, self.columns.stop))


def place(grid: Grid, row: float, column: float) -> tuple[float, float]:
    """Return the coordinates (x, y) of a place in a grid, given in pixels from its corner."""
    a, b, c, d, e, f = grid.transform
    return a * column + b * row + c, d * column + e * row + f


def part_of(grid: Grid, top: int, left: int, size: tuple[int, int]) -> Grid:
    """Cut a part out of a grid, or a grid next to it."""
    a, b, _, d, e, _ = grid.transform
    x, y = place(grid, top, left)
    return Grid(grid.crs, (a, b, x, d, e, y), *size)


def columns_of_a_turn(grid: Grid) -> int:
    """Return how many columns a grid has in 360 degrees; 0 where it is not in degrees or does not go about the Earth.

    Some have the meridian at both ends.
    """
    a, b, _, d, _, _ = grid.transform
    if not is_geographic(grid.crs) or not a or b or d:
        return 0
    columns = TURN / abs(a)
    is_whole = abs(columns - round(columns)) < _WHOLE and round(columns) <= grid.width
    return round(columns) if is_whole else 0


def inverse(grid: Grid) -> tuple[float, float, float, float, float, float]:
    """Return the transform that leads from coordinates (y, x) to (column, row)."""
    from affine import Affine

    a, b, c, d, e, f = (~Affine(*grid.transform))[:6]
    return a, b, c, d, e, f


def read_window(raster: Raster, window: Window) -> NDArray[np.float32]:
    """Read a window; columns beyond the ends of all longitudes are those of the other end."""
    if not window.turn:
        return raster.read(window.rows, window.columns)
    width, pieces, start = window.turn, [], window.columns.start
    while start < window.columns.stop:
        first = start % width
        stop = min(window.columns.stop, start - first + width)
        pieces.append(raster.read(window.rows, slice(first, first + stop - start)))
        start = stop
    return np.concatenate(pieces, axis=1) if len(pieces) > 1 else pieces[0]


def places(part: Grid, row: Values, column: Values, crs: str) -> tuple[Values, Values]:
    """Return places of a part in a CRS; NaN where it has none."""
    a, b, c, d, e, f = part.transform
    x, y = a * column + b * row + c, d * column + e * row + f
    try:
        return transform((x, y), part.crs, crs)
    except DataError:  # there is none for all of them
        return np.full(x.shape, np.nan), np.full(x.shape, np.nan)


def columns_and_rows(grid: Grid, x: Values, y: Values) -> tuple[Values, Values]:
    """Return where places lie in a grid, in pixels from its corner."""
    a, b, c, d, e, f = inverse(grid)
    return a * x + b * y + c, d * x + e * y + f


def inside(grid: Grid, column: Values) -> Values:
    """Return columns of places that lie in a grid of degrees when counted a turn on, and all others as they are."""
    if not is_geographic(grid.crs) or columns_of_a_turn(grid) or not grid.transform[0]:
        return column
    turn = abs(TURN / grid.transform[0])
    for on in (turn, -turn):
        column = np.where((column + on >= 0) & (column + on < grid.width), column + on, column)
    return column


def near(column: Values, turn: float) -> Values:
    """Return columns, or longitudes, of places that go about the Earth, counted on within half a turn of the first."""
    known = np.isfinite(column)
    first = column[known][0] if known.any() else 0.0
    with np.errstate(invalid="ignore"):
        return np.where(known, (column - first + turn / 2) % turn + first - turn / 2, column)
