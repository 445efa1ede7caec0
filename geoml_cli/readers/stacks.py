"""Several raster bands on one grid; those that lie otherwise are aligned block by block."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.grid_windows import part_of, place
from geoml_cli.readers.locating import transform
from geoml_cli.readers.raster_files import same_crs
from geoml_cli.readers.rasters import Band, Raster
from geoml_cli.readers.warping import Resampling, warped
from geoml_cli.samples.input import Grid

# A corner may be off by this share of a pixel: files carry coordinates rounded in different ways.
_TOLERANCE = 0.01
# From here on a pixel of the grid covers several of the raster, and their mean stands for it.
_MUCH_FINER = 1.5
_ABOUT = 1.5
"""How far sides may be from that limit for a raster to be aligned as before: those of degrees change northwards."""
_MESH = 5
"""Pixels along each side of a grid at which sides are measured."""
# Resampling always runs on the same tiles of the grid, so that a pixel has the same value in every block.
_TILE = 64
_NAME_ONE = "Name the one that all are aligned to: --reference {0}."


class Stack:
    """Bands on one grid, read together.

    Args:
        rasters: Open bands.
        classes: Names of the bands whose values are classes; they are never averaged.
        reference: Name of the band whose grid is used; needed where grids differ.
        fix: What to do where grids differ and none is named; `{0}` stands for a band on the grid that most have.
        before: How bands were aligned that a network was trained on: another part of a grid, of which means are just
            due or just not, is aligned as they were.

    Attributes:
        grid: The common grid.
        resampling: How each band that lies otherwise is brought onto it.

    Raises:
        DataError: Grids differ and no reference is named, or there is no band of that name.
    """

    def __init__(
        self,
        rasters: Sequence[Raster],
        classes: frozenset[str],
        reference: str | None,
        fix: str = _NAME_ONE,
        before: Mapping[str, str | None] | None = None,
    ) -> None:
        self.rasters = list(rasters)
        self.grid = _reference(self.rasters, reference, fix)
        self.resampling: dict[str, Resampling] = {
            raster.band.name: _method(
                raster, self.grid, raster.band.name in classes, (before or {}).get(raster.band.name)
            )
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
                tile = warped(raster, part_of(self.grid, top, left, (height, width)), method)
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


def _method(raster: Raster, grid: Grid, is_class: bool, before: str | None) -> Resampling:
    """Return how a raster is brought onto a grid: by means where a pixel of the grid covers several of its own.

    The sides of pixels all over the grid count, in pixels of the raster, and of these the median; how the edges of both
    lie to each other does not matter.
    """
    rows, columns = (np.linspace(0, size - 1, _MESH).round().astype(int) for size in (grid.height, grid.width))
    row, column = (part.ravel() for part in np.meshgrid(rows, columns))
    corners = np.array([place(grid, row + down, column + on) for down, on in ((0, 0), (0, 1), (1, 0))])
    try:
        x, y = transform((corners[:, 0].ravel(), corners[:, 1].ravel()), grid.crs, raster.grid.crs)
    except DataError as error:  # none of them has a place in the raster's CRS
        raise DataError(
            "cannot be brought onto the reference's CRS",
            where=str(raster.band.path),
            fix="Check the CRS that both rasters have, or name another raster with --reference.",
        ) from error
    if is_class:
        return "nearest"
    a, b, _, d, e, _ = raster.grid.transform
    places = np.array([x, y]).reshape(2, 3, -1)
    steps = places[:, 1:] - places[:, :1]
    sides = np.tensordot(np.linalg.inv([[a, b], [d, e]]), steps, axes=1)
    longest = np.hypot(*sides).max(axis=0)
    finer = float(np.nanmedian(longest))
    limit = _MUCH_FINER * {"average": 1 / _ABOUT, "bilinear": _ABOUT}.get(before or "", 1.0)
    return "average" if finer > limit else "bilinear"


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
