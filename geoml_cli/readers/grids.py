"""Variables of NetCDF files on a regular grid of latitudes and longitudes, one time step in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError

SUFFIXES = (".nc", ".nc4")
_LATITUDE, _LONGITUDE, _TIME = ("lat", "latitude"), ("lon", "longitude"), "time"
_FILL, _HUGE = -9998.0, 1e19  # fills that some files do not declare: -9999, -99999 and 1e20
_WITHIN = 0.5 + 1e-4  # of a source's spacing: a cell's centre lies in the nearest cell, or outside the grid
_ONE_ROW = 0.5
"""Spacing taken for a grid of a single row or column [degrees]."""

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Months = NDArray[np.datetime64]


@dataclass(frozen=True)
class GridVariable:
    """A variable of a file, opened for a moment at a time.

    Attributes:
        path: The file.
        name: The variable.
        unit: Its unit; empty where the file has none.
        latitude: Degrees north of rows, in the file's order.
        longitude: Degrees east of columns, as the file counts them.
        months: Month of each step, `datetime64[M]`; None where the variable has no time.
    """

    path: Path
    name: str
    unit: str
    latitude: Floats
    longitude: Floats
    months: Months | None

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
            top, bottom = int(rows[down].min()), int(rows[down].max()) + 1
            read = self._slab(step, slice(top, bottom))
            values[np.ix_(down, across)] = read[np.ix_(rows[down] - top, columns[across])]
        return values

    def _slab(self, step: int, rows: slice) -> Floats:
        with opened(self.path) as file:
            variable = file.variables[self.name]
            where: tuple[Any, ...] = (rows,) if self.months is None else (step, rows)
            masked = np.ma.asarray(_read(variable, where, self.path), dtype=np.float64)
            values = np.asarray(masked.filled(np.nan))
        values[(values <= _FILL) | (np.abs(values) >= _HUGE)] = np.nan
        return values

    def place(self, latitude: Floats, longitude: Floats) -> tuple[Index, Index]:
        """Find the row and column whose cell holds each latitude and longitude; -1 outside."""
        return nearest(self.latitude, latitude, 0), nearest(self.longitude, longitude, 360)


def nearest(axis: Floats, wanted: Floats, turn: float) -> Index:
    """Find the nearest value of an axis, no further than half its spacing; -1 where there is none.

    Args:
        axis: Of a grid, shape [A].
        wanted: Shape [W].
        turn: After how much the axis begins anew; 0 for never.
    """
    gap = np.abs(wanted[:, None] - axis[None, :])
    if turn:
        gap = np.minimum(gap % turn, turn - gap % turn)
    found = gap.argmin(axis=1)
    spacing = float(np.median(np.abs(np.diff(axis)))) if len(axis) > 1 else _ONE_ROW
    return np.where(gap.min(axis=1) <= _WITHIN * spacing, found, -1)


def variables(path: Path) -> dict[str, GridVariable]:
    """Find the variables of a file that lie on a grid of latitudes and longitudes.

    Raises:
        DataError: The file is damaged, or its time cannot be understood.
    """
    found = {}
    with opened(path) as file:
        for name, variable in file.variables.items():
            dims = [dim.lower() for dim in variable.dimensions]
            if _is_grid(dims):
                latitude, longitude = (_axis(file, dim, path) for dim in variable.dimensions[-2:])
                months = _months(file, path) if len(dims) == 3 else None
                unit = str(getattr(variable, "units", ""))
                found[name] = GridVariable(path, name, unit, latitude, longitude, months)
    return found


def _is_grid(dims: list[str]) -> bool:
    if len(dims) not in (2, 3) or dims[-2] not in _LATITUDE or dims[-1] not in _LONGITUDE:
        return False
    return len(dims) == 2 or dims[0] == _TIME


def _axis(file: Any, dim: str, path: Path) -> Floats:  # noqa: ANN401  netCDF4 is untyped
    if dim not in file.variables:
        raise DataError(
            f"there is no variable {dim} with the places of rows or columns",
            where=str(path),
            fix="Get the file again from its provider.",
        )
    values = np.ma.asarray(_read(file.variables[dim], (slice(None),), path), dtype=np.float64).filled(np.nan)
    if not len(values) or not np.isfinite(values).all() or np.abs(values).max() > 360:
        raise DataError(f"{dim} holds values that are no degrees", where=str(path), fix="Give a grid in degrees.")
    return np.asarray(values)


def _months(file: Any, path: Path) -> Months:  # noqa: ANN401
    import netCDF4

    variable = file.variables.get(_TIME)
    unit = str(getattr(variable, "units", ""))
    if variable is None or not unit:
        raise DataError("its time has no unit", where=f"{path}, variable time", fix="Get the file again.")
    stamps = np.ma.asarray(_read(variable, (slice(None),), path), dtype=np.float64).filled(np.nan)
    calendar = str(getattr(variable, "calendar", "standard"))
    try:
        if not np.isfinite(stamps).all():
            raise ValueError("a time is missing")
        moments: Any = netCDF4.num2date(stamps, unit, calendar)
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"its time cannot be understood ({error})",
            where=f"{path}, variable time",
            fix="Times must be such as `days since 2002-01-01`.",
        ) from error
    return np.array([f"{moment.year:04d}-{moment.month:02d}" for moment in moments], dtype="datetime64[M]")


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a NetCDF file for reading.

    Raises:
        DataError: It is missing, damaged or something else.
    """
    import netCDF4

    try:
        file = netCDF4.Dataset(path)
    except (OSError, RuntimeError) as error:
        raise _damaged(path, error) from error
    with file:
        yield file


def _read(variable: Any, where: tuple[Any, ...], path: Path) -> Any:  # noqa: ANN401
    try:
        return variable[where]
    except (OSError, RuntimeError, IndexError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"cannot be read as NetCDF ({error})", where=str(path), fix="Get the file again.")
