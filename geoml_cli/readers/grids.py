"""Variables of files on a regular grid of latitudes and longitudes, some rows of one time step in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError, located
from geoml_cli.readers.grid_fields import is_field
from geoml_cli.readers.grid_files import damage_named, open_file
from geoml_cli.readers.grid_open import GridRequest, part_of
from geoml_cli.readers.gridded import FilePart
from geoml_cli.readers.nodata import Declared

SUFFIXES = (".nc", ".nc4")
_WITHIN = 0.5 + 1e-4  # of a source's spacing: a cell's centre lies in the nearest cell, or outside the grid
_TIE, _MOST = 1e-3, 0.5
"""Share of a spacing by which two distances count as one, and share of places from which on a grid lies halfway."""
_ONE_ROW = 0.5
"""Spacing taken for a grid of a single row or column [degrees]."""

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Months = NDArray[np.datetime64]


@dataclass(frozen=True)
class GridVariable:
    """A variable of a file, read step by step.

    Attributes:
        path: The file.
        name: The variable.
        unit: Its unit; empty where the file has none.
        latitude: Degrees north of rows, in the file's order.
        longitude: Degrees east of columns, rising or falling throughout.
        months: Month of each step, `datetime64[M]`; None where the variable has no time.
        part: What the file holds of it.
    """

    path: Path
    name: str
    unit: str
    latitude: Floats
    longitude: Floats
    months: Months | None
    part: FilePart

    def read(self, step: int, rows: Index, columns: Index) -> Floats:
        """Read one step at rows and columns of the grid.

        Args:
            step: Number of the step; without meaning where there is no time.
            rows: Rows, shape [R]; -1 outside.
            columns: Columns, shape [C]; -1 outside.

        Returns:
            Shape [R, C], NaN where there is no data and outside.

        Raises:
            DataError: The file is damaged.
        """
        values = np.full((len(rows), len(columns)), np.nan)
        down, across = np.flatnonzero(rows >= 0), np.flatnonzero(columns >= 0)
        if len(down) and len(across):
            values[np.ix_(down, across)] = self._frame(step)[np.ix_(rows[down], columns[across])]
        return values

    def _frame(self, step: int) -> Floats:
        step = 0 if self.months is None else step
        with damage_named(self.path), located(f"{self.path}, variable {self.name}"):
            [values] = self.part.decoding.decode(self.part.read(slice(step, step + 1)), np.float64)
        return np.asarray(values)

    def place(self, latitude: Floats, longitude: Floats) -> tuple[Index, Index]:
        """Find the row and column whose cell holds each latitude and longitude; -1 outside."""
        return nearest(self.latitude, latitude, 0), nearest(self.longitude, longitude, 360)

    def lies_halfway(self, latitude: Floats, longitude: Floats) -> bool:
        """Return whether most places lie halfway between two rows, or two columns."""
        return halfway(self.latitude, latitude, 0) or halfway(self.longitude, longitude, 360)


def nearest(axis: Floats, wanted: Floats, turn: float) -> Index:
    """Find the nearest value of an axis, no further than half its spacing; -1 where there is none.

    Of two at the same distance it is the southern or western one, in whichever order the file has them.

    Args:
        axis: Of a grid, shape [A].
        wanted: Shape [W].
        turn: After how much the axis starts again; 0 for never.
    """
    apart, spacing = _apart(axis, wanted, turn), _spacing(axis)
    gap = np.abs(apart)
    least = gap.min(axis=1)
    found = np.where(gap <= least[:, None] + _TIE * spacing, apart, np.inf).argmin(axis=1)
    return np.where(least <= _WITHIN * spacing, found, -1)


def halfway(axis: Floats, wanted: Floats, turn: float) -> bool:
    """Return whether most of some places lie halfway between two values of an axis; arguments as of `nearest`."""
    gap = np.sort(np.abs(_apart(axis, wanted, turn)), axis=1)[:, :2]
    return gap.shape[1] > 1 and bool((gap[:, 1] - gap[:, 0] <= _TIE * _spacing(axis)).mean() > _MOST)


def _apart(axis: Floats, wanted: Floats, turn: float) -> Floats:
    """Return how far the values of an axis are to the north or east of places, [W, A]."""
    apart = axis[None, :] - wanted[:, None]
    return (apart + turn / 2) % turn - turn / 2 if turn else apart


def _spacing(axis: Floats) -> float:
    return float(np.median(np.abs(np.diff(axis)))) if len(axis) > 1 else _ONE_ROW


def names_of(path: Path) -> list[str]:
    """Name the variables of a file that have dimensions and hold numbers.

    Raises:
        DataError: The file is damaged.
    """
    with open_file(path) as file:
        return [str(name) for name, item in file.data_vars.items() if item.ndim and item.dtype.kind in "fiu"]


def fields_of(path: Path) -> list[str]:
    """Name the variables of a file that lie on a regular grid.

    Raises:
        DataError: The file is damaged.
    """
    with open_file(path) as file:
        return [str(name) for name, item in file.data_vars.items() if is_field(file, item, regular=True)]


def open_variables(
    path: Path, names: Sequence[str], files: ExitStack, nodata: Mapping[str, Declared] | None = None
) -> dict[str, GridVariable]:
    """Open variables of a file, which `files` closes; `nodata` says of fills by the variable's name.

    Raises:
        DataError: The file is damaged, its time cannot be understood, or one is not on a regular grid.
    """
    found = {}
    file = files.enter_context(open_file(path))
    for name in names:
        part = part_of(file, path, name, GridRequest(variable=name, undated=True, nodata=nodata or {}))
        if part.axes.lat.ndim != 1:
            raise DataError(
                f"lies on a grid whose latitudes are two-dimensional ({part.axes.shape[0]} x {part.axes.shape[1]})",
                where=f"{path}, variable {name}",
                fix="Interpolate it to a regular grid first.",
            )
        found[name] = GridVariable(
            path,
            name,
            part.described.get("units", ""),
            _plain(part.axes.lat),
            _plain(part.axes.lon),
            _months(part),
            part,
        )
    return found


def _plain(axis: NDArray[Any]) -> Floats:
    return np.asarray(axis, dtype=np.float64)


def _months(part: FilePart) -> Months | None:
    """Return the month of each step; None without time."""
    if any(time is None for time in part.times):
        return None
    return np.array([f"{time.year:04d}-{time.month:02d}" for time in part.times], dtype="datetime64[M]")
