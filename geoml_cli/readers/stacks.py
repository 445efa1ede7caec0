"""Several raster bands on one grid; those that lie otherwise are aligned block by block."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError, located
from geoml_cli.readers.locating import is_geographic, transform
from geoml_cli.readers.raster_files import same_crs
from geoml_cli.readers.rasters import Band, Raster
from geoml_cli.samples.input import Grid

Resampling = Literal["nearest", "bilinear", "average"]
# A corner may be off by this share of a pixel: files carry coordinates rounded in different ways.
_TOLERANCE = 0.01
# From here on a pixel of the grid covers several of the raster, and their mean stands for it.
_MUCH_FINER = 1.5
# Resampling always runs on the same tiles of the grid, so that a pixel has the same value in every block.
_TILE = 64
# Of the transform between two CRSs [pixels of the raster]: GDAL interpolates it where that errs by less.
_EXACT = 1e-9
_NO_WAY = "cannot be brought onto the reference's CRS"
_NAME_ONE = "Name the one that all are aligned to: --reference {0}."
_CHECK = "Check the CRS that both rasters have, or name another raster with --reference."


class Stack:
    """Bands on one grid, read together.

    Args:
        rasters: Open bands.
        classes: Names of the bands whose values are classes; they are never averaged.
        reference: Name of the band whose grid is used; needed where grids differ.
        fix: What to do where grids differ and none is named; `{0}` stands for a band on the grid that most have.

    Attributes:
        grid: The common grid.
        resampling: How each band that lies otherwise is brought onto it.

    Raises:
        DataError: Grids differ and no reference is named, or there is no band of that name.
    """

    def __init__(
        self, rasters: Sequence[Raster], classes: frozenset[str], reference: str | None, fix: str = _NAME_ONE
    ) -> None:
        self.rasters = list(rasters)
        self.grid = _reference(self.rasters, reference, fix)
        self.resampling: dict[str, Resampling] = {
            raster.band.name: _method(raster, self.grid, raster.band.name in classes)
            for raster in self.rasters
            if not same_grid(raster.grid, self.grid)
        }

    def read(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Read a window of the grid; it may reach beyond it, and is NaN there.

        Returns:
            Physical values, shape [bands, rows, columns], NaN where there is no data.
        """
        shape = (len(self.rasters), rows.stop - rows.start, columns.stop - columns.start)
        values = np.empty(shape, dtype=np.float32)
        for band, raster in enumerate(self.rasters):
            method = self.resampling.get(raster.band.name)
            if method is None:
                values[band] = raster.read(rows, columns)
            else:
                values[band] = self._aligned(raster, method, rows, columns)
        return values

    def _aligned(self, raster: Raster, method: Resampling, rows: slice, columns: slice) -> NDArray[np.float32]:
        values = np.full((rows.stop - rows.start, columns.stop - columns.start), np.nan, dtype=np.float32)
        for top in range(max(rows.start, 0) // _TILE * _TILE, min(rows.stop, self.grid.height), _TILE):
            for left in range(max(columns.start, 0) // _TILE * _TILE, min(columns.stop, self.grid.width), _TILE):
                height, width = min(_TILE, self.grid.height - top), min(_TILE, self.grid.width - left)
                tile = _warped(raster, _moved(self.grid, top, left, (height, width)), method)
                _paste(tile, (top - rows.start, left - columns.start), values)
        return values

    def close(self) -> None:
        """Close the files."""
        for raster in self.rasters:
            raster.close()


def same_grid(one: Grid, other: Grid) -> bool:
    """Return whether two grids have the same pixels, to a hundredth of one."""
    if (one.height, one.width) != (other.height, other.width):
        return False
    if not same_crs(one.crs, other.crs):
        return False
    pixel = math.sqrt(abs(one.transform[0] * one.transform[4] - one.transform[1] * one.transform[3]))
    corners = [(0, 0), (0, one.width), (one.height, 0), (one.height, one.width)]
    gaps = (np.subtract(place(one, *corner), place(other, *corner)) for corner in corners)
    return all(float(np.abs(gap).max()) < _TOLERANCE * pixel for gap in gaps)


def place(grid: Grid, row: float, column: float) -> tuple[float, float]:
    """Return the coordinates (x, y) of a place in a grid, given in pixels from its corner."""
    a, b, c, d, e, f = grid.transform
    return a * column + b * row + c, d * column + e * row + f


def pixel_size(grid: Grid) -> tuple[float, float]:
    """Return the sides (x, y) of a pixel [units of the CRS]."""
    a, b, _, d, e, _ = grid.transform
    return math.hypot(a, d), math.hypot(b, e)


def rotation(grid: Grid) -> float:
    """Return the angle from the columns' direction to the east [degrees, clockwise]."""
    a, _, _, d, _, _ = grid.transform
    return -math.degrees(math.atan2(d, a))


def describe(grid: Grid) -> str:
    """Tell a grid in a few words."""
    from rasterio.crs import CRS

    crs = CRS.from_wkt(grid.crs)
    code = crs.to_epsg()
    x, y = pixel_size(grid)
    name = f"EPSG:{code}" if code else "its own CRS"
    left, top = place(grid, 0, 0)
    return f"{grid.height} x {grid.width} pixels of {x:.6g} x {y:.6g}, corner {left:.6g}, {top:.6g}, {name}"


def _reference(rasters: Sequence[Raster], reference: str | None, fix: str) -> Grid:
    if reference is not None:
        for raster in rasters:
            if raster.band.name == reference:
                return raster.grid
        names = ", ".join(raster.band.name for raster in rasters)
        raise DataError(f"there is no raster {reference!r} to align to", fix=f"Give --reference one of: {names}.")
    groups: list[list[Raster]] = []
    for raster in rasters:
        group = next((group_rasters for group_rasters in groups if same_grid(group_rasters[0].grid, raster.grid)), None)
        if group is None:
            groups.append([raster])
        else:
            group.append(raster)
    if len(groups) > 1:
        listed = "; ".join(f"{_names(group)}: {describe(group[0].grid)}" for group in groups)
        raise DataError(
            f"the rasters lie on {len(groups)} grids ({listed})",
            where=str(groups[0][0].band.path.parent),
            fix=fix.format(max(groups, key=len)[0].band.name),
        )
    return rasters[0].grid


def _names(group: list[Raster]) -> str:
    names = [raster.band.name for raster in group]
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _method(raster: Raster, grid: Grid, is_class: bool) -> Resampling:
    if is_class:
        return "nearest"
    # The sides of the middle pixel, in pixels of the raster: how these lie to each other's edges does not matter.
    row, column = grid.height // 2, grid.width // 2
    corners = [place(grid, row, column), place(grid, row, column + 1), place(grid, row + 1, column)]
    x, y = np.array(corners).T
    try:
        x, y = transform((x, y), grid.crs, raster.grid.crs)
    except DataError:  # the middle has no place in the raster's CRS
        return "bilinear"
    a, b, _, d, e, _ = raster.grid.transform
    steps = np.array([[x[1] - x[0], x[2] - x[0]], [y[1] - y[0], y[2] - y[0]]])
    sides = np.linalg.solve([[a, b], [d, e]], steps)
    return "average" if float(np.hypot(*sides).max()) > _MUCH_FINER else "bilinear"


def _moved(grid: Grid, top: int, left: int, size: tuple[int, int]) -> Grid:
    """Cut a part out of a grid."""
    a, b, _, d, e, _ = grid.transform
    x, y = place(grid, top, left)
    return Grid(grid.crs, (a, b, x, d, e, y), *size)


def _footprint(source: Grid, part: Grid, margin: int) -> tuple[slice, slice]:
    """Return the rows and columns of `source` that `part` covers, and a margin."""
    from affine import Affine
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError
    from rasterio.warp import transform_bounds

    corners = np.array([place(part, row, col) for row in (0, part.height) for col in (0, part.width)])
    box = (*corners.min(axis=0), *corners.max(axis=0))
    try:
        left, bottom, right, top = transform_bounds(part.crs, source.crs, *box)
    except (RasterioError, CPLE_BaseError, ValueError) as error:
        raise DataError(_NO_WAY, fix=_CHECK) from error
    inverse = ~Affine(*source.transform)
    pixels = Grid("", inverse[:6], 0, 0)  # the inverse leads from coordinates to (column, row)
    found = np.array([place(pixels, y, x) for x in (left, right) for y in (bottom, top)])
    if not np.isfinite(found).all():
        raise DataError(_NO_WAY, fix=_CHECK)
    (col0, row0), (col1, row1) = np.floor(found.min(axis=0)), np.ceil(found.max(axis=0))
    return slice(int(row0) - margin, int(row1) + margin), slice(int(col0) - margin, int(col1) + margin)


def _warped(raster: Raster, part: Grid, method: Resampling) -> NDArray[np.float32]:
    """Resample a raster onto a part of the grid; missing pixels take no part in a mean.

    A raster of degrees is looked for at 190 degrees east and at 170 west.
    """
    values = _warped_once(raster, raster.grid, part, method)
    if np.isnan(values).any() and is_geographic(raster.grid.crs):
        for turn in (-360.0, 360.0):
            a, b, c, d, e, f = raster.grid.transform
            turned = replace(raster.grid, transform=(a, b, c + turn, d, e, f))
            values = np.where(np.isnan(values), _warped_once(raster, turned, part, method), values)
    return values


def _warped_once(raster: Raster, grid: Grid, part: Grid, method: Resampling) -> NDArray[np.float32]:
    from affine import Affine
    from rasterio.enums import Resampling as Method
    from rasterio.io import MemoryFile
    from rasterio.vrt import WarpedVRT

    with located(str(raster.band.path)):
        rows, columns = _footprint(grid, part, margin=4)
    rows, columns = _within(rows, grid.height), _within(columns, grid.width)
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return np.full((part.height, part.width), np.nan, dtype=np.float32)
    source = _moved(grid, rows.start, columns.start, (rows.stop - rows.start, columns.stop - columns.start))
    values = raster.read(rows, columns)
    profile = {"count": 1, "dtype": "float32", "height": source.height, "width": source.width, "nodata": np.nan}
    profile |= {"crs": source.crs, "transform": Affine(*source.transform)}
    warped = {"crs": part.crs, "transform": Affine(*part.transform), "height": part.height, "width": part.width}
    warped |= {} if method == "average" else {"XSCALE": 1, "YSCALE": 1}
    with MemoryFile() as memory:
        with memory.open(driver="GTiff", BIGTIFF="IF_SAFER", **profile) as file:
            file.write(values, 1)
        # rasterio.warp.reproject errs by up to an eighth of a pixel, differently in each block: before rasterio 1.5 it
        # takes no tolerance, and of WarpedVRT a tolerance of 0 fails.
        with (
            memory.open() as file,
            WarpedVRT(file, resampling=Method[method], tolerance=_EXACT, nodata=np.nan, **warped) as moved,
        ):
            return np.asarray(moved.read(1))


def _within(span: slice, size: int) -> slice:
    return slice(max(span.start, 0), min(span.stop, size))


def _paste(tile: NDArray[np.float32], corner: tuple[int, int], values: NDArray[np.float32]) -> None:
    """Copy the part of a tile that falls into `values`, where `corner` is the tile's place in it."""
    (row, col), (height, width) = corner, tile.shape
    to = (
        slice(max(row, 0), min(row + height, values.shape[0])),
        slice(max(col, 0), min(col + width, values.shape[1])),
    )
    values[to] = tile[to[0].start - row : to[0].stop - row, to[1].start - col : to[1].stop - col]


def open_bands(bands: Sequence[Band]) -> list[Raster]:
    """Open bands, all or none."""
    rasters: list[Raster] = []
    try:
        rasters.extend(Raster(band) for band in bands)
    except DataError:
        for raster in rasters:
            raster.close()
        raise
    return rasters
