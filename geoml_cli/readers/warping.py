"""A raster brought onto a part of another grid, by exact transforms; one of degrees goes on across 180 degrees."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError, located
from geoml_cli.readers.locating import is_geographic
from geoml_cli.readers.rasters import Raster
from geoml_cli.samples.input import Grid

Resampling = Literal["nearest", "bilinear", "average"]
# Of the transform between two CRSs [pixels of the raster]: GDAL interpolates it where that errs by less.
_EXACT = 1e-9
_MARGIN = 4
"""Pixels of the raster about what a part covers."""
_TURN = 360.0
_WHOLE = 0.01
"""Part of a pixel by which the width of a raster of all longitudes may differ from 360 degrees."""
NO_WAY = "cannot be brought onto the reference's CRS"
CHECK = "Check the CRS that both rasters have, or name another raster with --reference."


class _Window(NamedTuple):
    """Rows and columns of a raster, and the grid that they are taken to be."""

    rows: slice
    columns: slice
    grid: Grid


def place(grid: Grid, row: float, column: float) -> tuple[float, float]:
    """Return the coordinates (x, y) of a place in a grid, given in pixels from its corner."""
    a, b, c, d, e, f = grid.transform
    return a * column + b * row + c, d * column + e * row + f


def part_of(grid: Grid, top: int, left: int, size: tuple[int, int]) -> Grid:
    """Cut a part out of a grid, or a grid next to it."""
    a, b, _, d, e, _ = grid.transform
    x, y = place(grid, top, left)
    return Grid(grid.crs, (a, b, x, d, e, y), *size)


def warped(raster: Raster, part: Grid, method: Resampling) -> NDArray[np.float32]:
    """Resample a raster onto a part of the grid; missing pixels take no part in a mean.

    Raises:
        DataError: The part has no place in the raster's CRS, or the raster cannot be read.
    """
    values = np.full((part.height, part.width), np.nan, dtype=np.float32)
    with located(str(raster.band.path)):
        windows = list(_windows(raster.grid, part))
    for window in windows:
        found = _resampled(_read(raster, window), window.grid, part, method)
        values = np.where(np.isnan(values), found, values)
    return values


def _windows(grid: Grid, part: Grid) -> Iterator[_Window]:
    """Yield the windows of a grid that a part covers, with a margin; of degrees where GDAL looks for them, -180 to 180.

    There are two boxes where 180 degrees lie between. A grid of all longitudes goes on at its other end; of another the
    same place may be 360 degrees on.
    """
    left, bottom, right, top = _box(grid.crs, part)
    if not is_geographic(grid.crs):
        yield from _overlap(grid, (left, bottom, right, top))
        return
    half = _TURN / 2
    for west, east in [(left, half), (-half, right)] if right < left else [(left, right)]:
        if _has_all_longitudes(grid):
            yield from _round(grid, (west, bottom, east, top))
            continue
        a, b, c, d, e, f = grid.transform
        for turn in (0.0, -_TURN, _TURN):
            yield from _overlap(replace(grid, transform=(a, b, c + turn, d, e, f)), (west, bottom, east, top))


def _overlap(grid: Grid, box: tuple[float, float, float, float]) -> Iterator[_Window]:
    rows, columns = _pixels(grid, box)
    yield from _window(grid, _within(rows, grid.height), _within(columns, grid.width))


def _round(grid: Grid, box: tuple[float, float, float, float]) -> Iterator[_Window]:
    """Yield the window of a grid of all longitudes; its columns may lie beyond the grid's ends."""
    rows, columns = _pixels(grid, box)
    yield from _window(grid, _within(rows, grid.height), columns)


def _window(grid: Grid, rows: slice, columns: slice) -> Iterator[_Window]:
    if rows.start < rows.stop and columns.start < columns.stop:
        size = (rows.stop - rows.start, columns.stop - columns.start)
        yield _Window(rows, columns, part_of(grid, rows.start, columns.start, size))


def _has_all_longitudes(grid: Grid) -> bool:
    a, b, _, d, _, _ = grid.transform
    return b == d == 0 and abs(abs(a) * grid.width - _TURN) < _WHOLE * abs(a)


def _box(crs: str, part: Grid) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top of a part in a CRS; of degrees left is the larger where 180 lies between."""
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError
    from rasterio.warp import transform_bounds

    corners = np.array([place(part, row, col) for row in (0, part.height) for col in (0, part.width)])
    box = (*corners.min(axis=0), *corners.max(axis=0))
    try:
        found = transform_bounds(part.crs, crs, *box)
    except (RasterioError, CPLE_BaseError, ValueError) as error:
        raise DataError(NO_WAY, fix=CHECK) from error
    if not np.isfinite(found).all():
        raise DataError(NO_WAY, fix=CHECK)
    left, bottom, right, top = map(float, found)
    return left, bottom, right, top


def _pixels(grid: Grid, box: tuple[float, float, float, float]) -> tuple[slice, slice]:
    """Return the rows and columns of a grid that a box covers, and a margin."""
    from affine import Affine

    left, bottom, right, top = box
    pixels = replace(grid, transform=(~Affine(*grid.transform))[:6])  # leads from coordinates to (column, row)
    found = np.array([place(pixels, y, x) for x in (left, right) for y in (bottom, top)])
    (col0, row0), (col1, row1) = found.min(axis=0), found.max(axis=0)
    return (
        slice(math.floor(row0) - _MARGIN, math.ceil(row1) + _MARGIN),
        slice(math.floor(col0) - _MARGIN, math.ceil(col1) + _MARGIN),
    )


def _within(span: slice, size: int) -> slice:
    return slice(max(span.start, 0), min(span.stop, size))


def _read(raster: Raster, window: _Window) -> NDArray[np.float32]:
    """Read a window; columns beyond the ends of all longitudes are those of the other end."""
    width, pieces, start = raster.grid.width, [], window.columns.start
    while start < window.columns.stop:
        first = start % width
        stop = min(window.columns.stop, start - first + width)
        pieces.append(raster.read(window.rows, slice(first, first + stop - start)))
        start = stop
    return np.concatenate(pieces, axis=1) if len(pieces) > 1 else pieces[0]


def _resampled(values: NDArray[np.float32], grid: Grid, part: Grid, method: Resampling) -> NDArray[np.float32]:
    from affine import Affine
    from rasterio.enums import Resampling as Method
    from rasterio.io import MemoryFile
    from rasterio.vrt import WarpedVRT

    profile = {"count": 1, "dtype": "float32", "height": grid.height, "width": grid.width, "nodata": np.nan}
    profile |= {"crs": grid.crs, "transform": Affine(*grid.transform)}
    onto = {"crs": part.crs, "transform": Affine(*part.transform), "height": part.height, "width": part.width}
    # GDAL guesses which pixels it needs from some places at the part's edge: here they are the window.
    onto |= {"SOURCE_EXTRA": max(grid.height, grid.width)}
    onto |= {} if method == "average" else {"XSCALE": 1, "YSCALE": 1}
    with MemoryFile() as memory:
        with memory.open(driver="GTiff", BIGTIFF="IF_SAFER", **profile) as file:
            file.write(values, 1)
        # rasterio.warp.reproject errs by up to an eighth of a pixel, differently in each block: before rasterio 1.5 it
        # takes no tolerance, and of WarpedVRT a tolerance of 0 fails.
        with (
            memory.open() as file,
            WarpedVRT(file, resampling=Method[method], tolerance=_EXACT, nodata=np.nan, **onto) as moved,
        ):
            return np.asarray(moved.read(1))
