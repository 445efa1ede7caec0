"""Rows and columns of a grid within a part of the globe."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import GridAxes
from geoml_cli.errors import DataError

Index = NDArray[np.int64]
_FEWEST = 4
"""Columns below which none repeats another."""
_SAME_COLUMN = 0.01
"""Share of a cell's width within which two columns are at one longitude."""
_BROKEN, _NEIGHBOURS = 2.5, 1.5
"""How many times as wide as the gaps next to it a hole is at least, and up to how many of the usual gaps the first and
the last column are neighbours."""
_TURN, _ROUNDING = 360.0, 1e-6


class Box(NamedTuple):
    """A part of the globe [degrees]; `east` may be less than `west` where it crosses the date line."""

    west: float
    south: float
    east: float
    north: float

    def __str__(self) -> str:
        return ",".join(f"{value:g}" for value in self)


def cells_within(axes: GridAxes, box: Box | None) -> tuple[Index, Index]:
    """Return rows and columns whose centres lie within a box, in the grid's own order.

    On a global grid, a box across the seam of the longitudes takes columns from both ends, from west to east. A part of
    the globe whose columns are stored in two pieces, such as 0 to 10 and 350 to 359, is put together likewise. On a
    curvilinear grid, rows and columns are those that hold any such cell.

    Raises:
        DataError: There is none.
    """
    rows, columns = (np.arange(size) for size in axes.shape)
    if repeats_first_column(axes):
        columns = columns[:-1]
    if box is None:
        _refuse_row_hole(rows, axes)
        return rows, _from_seam(columns, axes)
    inside_lat = (axes.lat >= box.south) & (axes.lat <= box.north)
    inside_lon = _eastward(axes.lon, box) <= _width(box)
    if axes.regular:
        rows, columns = rows[inside_lat], columns[inside_lon[columns]]
        columns = _from_seam(_unbroken(columns, _eastward(axes.lon, box)), axes)
        _refuse_row_hole(rows, axes)
    else:
        both = inside_lat & inside_lon
        rows, columns = _range(rows[both.any(axis=1)]), _range(columns[both.any(axis=0)])
    if not len(rows) or not len(columns):
        raise DataError(
            f"no cell lies within {box}",
            where=f"grid from {axes.lat.min():g} to {axes.lat.max():g} N, {axes.lon.min():g} to {axes.lon.max():g} E",
            fix="Give --crop as WEST,SOUTH,EAST,NORTH in degrees.",
        )
    return rows, columns


def repeats_first_column(axes: GridAxes) -> bool:
    """Return whether the last column lies once around the globe from the first, as in maps closed for drawing."""
    if not axes.regular or axes.shape[1] < _FEWEST:
        return False
    apart, usual = abs(float(axes.lon[-1] - axes.lon[0])), float(np.median(np.abs(np.diff(axes.lon))))
    return bool(abs(apart - 360.0) < _SAME_COLUMN * usual)


def _width(box: Box) -> float:
    width = box.east - box.west
    return width if 0 < width else width % 360.0


def _eastward(lon: NDArray[np.floating], box: Box) -> NDArray[np.float64]:
    """Return how far east of the box's western edge longitudes lie, 0 to 360."""
    return np.asarray((lon - box.west) % 360.0)


def _unbroken(columns: Index, eastward: NDArray[np.float64]) -> Index:
    """Begin at the box's western edge where the grid's seam lies inside of the box."""
    if len(columns) > 1 and (np.diff(columns) > 1).any():
        return columns[np.argsort(eastward[columns], kind="stable")]
    return columns


def _from_seam(columns: Index, axes: GridAxes) -> Index:
    """Begin behind a gap that is far wider than the others, where the first and the last column are neighbours.

    The two sides of such a gap are no neighbours: the cells next to it would be as wide as the gap.
    """
    if not axes.regular or len(columns) < 2:
        return columns
    lon = np.asarray(axes.lon[columns], dtype=np.float64)
    steps = np.diff(lon)
    # Eastward, or westward where they run so: from 359.5 to 0 it is half a degree.
    gaps = (steps * np.sign(np.median(steps)) + _ROUNDING) % _TURN - _ROUNDING
    place, between_ends = int(gaps.argmax()), float(_TURN - abs(lon[-1] - lon[0]))
    others = np.delete(gaps, place)
    usual = float(np.median(others)) if len(others) else between_ends
    if gaps[place] > _BROKEN * max(usual, between_ends) and 0 < between_ends < _NEIGHBOURS * usual + _ROUNDING:
        return np.roll(columns, -(place + 1))
    _refuse_hole(lon, gaps, "columns", "longitudes")
    return columns


def _refuse_row_hole(rows: Index, axes: GridAxes) -> None:
    if axes.regular and len(rows) > 1:
        lat = np.asarray(axes.lat[rows], dtype=np.float64)
        _refuse_hole(lat, np.abs(np.diff(lat)), "rows", "latitudes")


def _refuse_hole(places: NDArray[np.float64], gaps: NDArray[np.float64], lines: str, degrees: str) -> None:
    """Refuse rows or columns with a hole between them; grids may be stretched, from one gap to the next."""
    padded = np.pad(gaps, 1)
    near = np.maximum(padded[:-2], padded[2:])
    holes = gaps > _BROKEN * near
    if len(gaps) < 2 or not holes.any():
        return
    place = int(holes.argmax())
    raise DataError(
        f"{lines} are missing between {degrees} {places[place]:g} and {places[place + 1]:g}, which are "
        f"{gaps[place]:g} apart, {near[place]:g} next to it",
        where="grid",
        fix="Crop to one side with --crop WEST,SOUTH,EAST,NORTH, or give files without the hole.",
    )


def _range(index: Index) -> Index:
    return np.arange(index.min(), index.max() + 1) if len(index) else index
