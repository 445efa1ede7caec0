"""A raster brought onto a part of another grid, by exact transforms; one of degrees goes on across 180 degrees."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.readers.grid_windows import TURN, Window, columns_of_a_turn, inverse, part_of, place, read_window
from geoml_cli.readers.interpolation import Middles, at_middles
from geoml_cli.readers.locating import is_geographic
from geoml_cli.readers.place_means import Corners, corners_of, lean, means_between, means_of_places, torn
from geoml_cli.readers.raster_files import same_crs
from geoml_cli.readers.rasters import Raster
from geoml_cli.samples.input import Grid

Resampling = Literal["nearest", "bilinear", "average"]
# Of the transform between two CRSs [pixels of the raster]: GDAL interpolates it where that errs by less.
_EXACT = 1e-9
_MARGIN = 4
"""Pixels of the raster about what a part covers."""
_WIDE, _HIGH, _ROUND = 80.0, 80.0, 300.0
"""Degrees of longitude that a part has where a pole lies in it or at its corner, at least, its highest latitude, and
degrees of a part that goes about the Earth."""
_FEW, _MOST = 8, 1 << 24
"""Pixels along a side of a part about a pole that are averaged by places, and of a raster that are read at once."""
Box = tuple[float, float, float, float]


def warped(raster: Raster, part: Grid, method: Resampling) -> NDArray[np.float32]:
    """Resample a raster onto a part of the grid; missing pixels take no part in a mean.

    Raises:
        DataError: The raster cannot be read.
    """
    if method == "average":
        return _means(raster, part)
    middles = Middles(raster, part)
    if (window := middles.window) is None:
        return np.full((part.height, part.width), np.nan, dtype=np.float32)
    if window.size > _MOST and part.height * part.width > 1:
        return _by_quarters(raster, part, method)
    return at_middles(raster, middles, window, method)


def _means(raster: Raster, part: Grid) -> NDArray[np.float32]:
    in_degrees, corners = is_geographic(raster.grid.crs), corners_of(raster, part)
    if not np.isfinite(corners.x + corners.y).all():
        return _off_the_map(raster, part, corners)
    onto_degrees = in_degrees and is_geographic(part.crs)
    boxes = _boxes(corners, in_degrees=in_degrees and not same_crs(raster.grid.crs, part.crs))
    if in_degrees and not onto_degrees and _is_about_a_pole(boxes):
        # GDAL takes a mean over all columns and rows between a pixel's corners, which about a pole are far apart.
        is_small = max(part.height, part.width) <= _FEW
        return means_of_places(raster, part) if is_small else _by_quarters(raster, part, "average")
    windows = _windows(raster, boxes)
    if sum(window.size for window in windows) > _MOST and part.height * part.width > 1:
        return _by_quarters(raster, part, "average")
    is_torn = torn(raster, part, corners)
    if is_torn.any() or (len(boxes) > 1 and not onto_degrees) or lean(raster, corners):
        return _by_places(raster, part, corners, is_torn)
    values = _from_windows(raster, windows, part)
    if np.isnan(values).any() and (len(boxes) > 1 or _has_an_edge(raster, windows)):
        # GDAL leaves out pixels that lie beyond what it was given by more than a part of it.
        values = np.where(np.isnan(values), _by_places(raster, part, corners, is_torn), values)
    return values


def _windows(raster: Raster, boxes: Sequence[Box]) -> list[Window]:
    within = _turned if is_geographic(raster.grid.crs) else _overlap
    return [window for box in boxes for window in within(raster.grid, box)]


def _from_windows(raster: Raster, windows: Sequence[Window], part: Grid) -> NDArray[np.float32]:
    values = np.full((part.height, part.width), np.nan, dtype=np.float32)
    for window in windows:
        found = _averaged(read_window(raster, window), window.grid, part)
        values = np.where(np.isnan(values), found, values)
    return values


def _has_an_edge(raster: Raster, windows: Sequence[Window]) -> bool:
    """Return whether windows reach beyond a raster."""
    height, width = raster.grid.height, raster.grid.width
    return any(
        window.rows.start < 0
        or window.rows.stop > height
        or (not window.turn and (window.columns.start < 0 or window.columns.stop > width))
        for window in windows
    )


def _by_places(raster: Raster, part: Grid, corners: Corners, is_torn: NDArray[np.bool_]) -> NDArray[np.float32]:
    values = np.full(is_torn.shape, np.nan, dtype=np.float32)
    if not is_torn.all():
        values = means_between(raster, corners, ~is_torn)
    for row, column in np.argwhere(is_torn).tolist():
        values[row, column] = means_of_places(raster, part_of(part, row, column, (1, 1)))[0, 0]
    return values


def _off_the_map(raster: Raster, part: Grid, corners: Corners) -> NDArray[np.float32]:
    """Return the means of a part that is off the raster's CRS or its own, wholly or partly, as corners of maps."""
    if part.height * part.width == 1:
        return means_of_places(raster, part)
    if np.isfinite(corners.x + corners.y).any():
        return _by_quarters(raster, part, "average")
    return np.full((part.height, part.width), np.nan, dtype=np.float32)


def _boxes(corners: Corners, *, in_degrees: bool) -> list[Box]:
    """Return what corners span, or its two sides of 180 degrees where that lies in it: GDAL's end there."""
    left, bottom, right, top = (float(each) for of in (np.min, np.max) for each in map(of, corners))
    if in_degrees and left < -TURN / 2:
        left, right = left + TURN, right + TURN
    if not in_degrees or right <= TURN / 2:
        return [(left, bottom, right, top)]
    if left >= TURN / 2:
        return [(left - TURN, bottom, right - TURN, top)]
    return [(left, bottom, TURN / 2, top), (-TURN / 2, bottom, right - TURN, top)]


def _is_about_a_pole(boxes: Sequence[Box]) -> bool:
    width = sum(right - left for left, _, right, _ in boxes)
    _, bottom, _, top = boxes[0]
    return width > _WIDE and (max(-bottom, top) > _HIGH or width > _ROUND)


def _by_quarters(raster: Raster, part: Grid, method: Resampling) -> NDArray[np.float32]:
    values = np.full((part.height, part.width), np.nan, dtype=np.float32)
    for rows in _halves(part.height):
        for columns in _halves(part.width):
            size = (rows.stop - rows.start, columns.stop - columns.start)
            values[rows, columns] = warped(raster, part_of(part, rows.start, columns.start, size), method)
    return values


def _halves(size: int) -> list[slice]:
    return [slice(0, size)] if size == 1 else [slice(0, size // 2), slice(size // 2, size)]


def _turned(grid: Grid, box: Box) -> Iterator[Window]:
    """Yield the windows of a grid of degrees that a box covers, with a margin.

    A grid of all longitudes goes on at its other end; of another the same place may be 360 degrees on.
    """
    if turn := columns_of_a_turn(grid):
        rows, columns = _pixels(grid, box)
        yield from _window(grid, _within(rows, grid.height), columns, turn)
        return
    a, b, c, d, e, f = grid.transform
    for degrees in (0.0, -TURN, TURN):
        yield from _overlap(replace(grid, transform=(a, b, c + degrees, d, e, f)), box)


def _overlap(grid: Grid, box: Box) -> Iterator[Window]:
    rows, columns = _pixels(grid, box)
    if rows.stop > 0 and columns.stop > 0 and rows.start < grid.height and columns.start < grid.width:
        yield from _window(grid, _within(rows, grid.height), _within(columns, grid.width))


def _window(grid: Grid, rows: slice, columns: slice, turn: int = 0) -> Iterator[Window]:
    if rows.start < rows.stop and columns.start < columns.stop:
        size = (rows.stop - rows.start, columns.stop - columns.start)
        yield Window(rows, columns, part_of(grid, rows.start, columns.start, size), turn)


def _pixels(grid: Grid, box: Box) -> tuple[slice, slice]:
    """Return the rows and columns of a grid that a box covers, with a margin."""
    left, bottom, right, top = box
    pixels = replace(grid, transform=inverse(grid))
    found = np.array([place(pixels, y, x) for x in (left, right) for y in (bottom, top)])
    (col0, row0), (col1, row1) = found.min(axis=0), found.max(axis=0)
    rows, columns = (
        slice(math.floor(low) - _MARGIN, math.ceil(high) + _MARGIN) for low, high in ((row0, row1), (col0, col1))
    )
    return rows, columns


def _within(span: slice, size: int) -> slice:
    """Cut a span to a raster with a margin of missing pixels: without, GDAL counts those at its edge twice."""
    return slice(max(span.start, -_MARGIN), min(span.stop, size + _MARGIN))


def _averaged(values: NDArray[np.float32], grid: Grid, part: Grid) -> NDArray[np.float32]:
    from affine import Affine
    from rasterio.enums import Resampling as Method
    from rasterio.io import MemoryFile
    from rasterio.vrt import WarpedVRT

    profile = {"count": 1, "dtype": "float32", "height": grid.height, "width": grid.width, "nodata": np.nan}
    profile |= {"transform": Affine(*grid.transform)}
    # The CRS as the raster has it: a GeoTIFF does not keep every one.
    onto = {
        "src_crs": grid.crs,
        "crs": part.crs,
        "transform": Affine(*part.transform),
        "height": part.height,
        "width": part.width,
    }
    # GDAL guesses which pixels it needs from some places at the part's edge: here they are the window.
    onto |= {"SOURCE_EXTRA": max(grid.height, grid.width)}
    with MemoryFile() as memory:
        with memory.open(driver="GTiff", BIGTIFF="IF_SAFER", **profile) as file:
            file.write(values, 1)
        # rasterio.warp.reproject errs by up to an eighth of a pixel, differently in each block: before rasterio 1.5 it
        # takes no tolerance, and of WarpedVRT a tolerance of 0 fails.
        with (
            memory.open() as file,
            WarpedVRT(file, resampling=Method.average, tolerance=_EXACT, nodata=np.nan, **onto) as moved,
        ):
            return np.asarray(moved.read(1))
