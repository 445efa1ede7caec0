"""Files of gridded data to one lazy variable: NetCDF, HDF5 and Zarr by xarray, GeoTIFF and HDF4 by rasterio."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError, located
from geoml_cli.readers import grid_hdf4, grid_rasters
from geoml_cli.readers.grid_axes import Layout, find_layout
from geoml_cli.readers.grid_bounds import unpacked
from geoml_cli.readers.grid_crop import Box, cells_within
from geoml_cli.readers.grid_fields import is_field, may_be_map
from geoml_cli.readers.grid_files import Format, check_chunks, damage_named, format_of, names_in_groups, open_file
from geoml_cli.readers.grid_names import date_in_name
from geoml_cli.readers.grid_values import decoding
from geoml_cli.readers.gridded import MOVED, FilePart, Gridded, joined
from geoml_cli.readers.hdf5_structure import check_found
from geoml_cli.readers.nodata import Declared, refuse_unknown
from geoml_cli.readers.time_numbers import decode
from geoml_cli.readers.time_steps import Times, begun
from geoml_cli.work.reasons import FaultError

_BY_GDAL: dict[Format, str] = {"geotiff": "GeoTIFF", "hdf4": "HDF4"}
_SAME_LEVEL = 1e-3
"""Relative difference to which a level is the one asked for: 0.506 m is the 0.50576 m of a file."""
_LEVELS_SHOWN = 12
_INSTANT = re.compile(r"\btime\s*:(?:\s*\w+\s*:)*\s*point\b", re.IGNORECASE)
_EXPVER = "expver"
"""Dimension along which ERA5 lays final values (1) and preliminary ones (5): each value is in one of them."""
_DESCRIBED = ("units", "long_name", "standard_name")


@dataclass(frozen=True)
class GridRequest:
    """What is read of gridded files.

    Attributes:
        variable: Its name, with its group where it has one (`group/name`); None takes the only one on a grid.
        select: Value to take of each further dimension, or its place from 0 where it has no values.
        nodata: What `--nodata` says of variables, by name.
        box: Part of the globe; None takes all.
        date_pattern: Regular expression of dates in file names; empty takes the usual ones.
        undated: Whether a file without times is one without time, whatever its name says.
    """

    variable: str | None = None
    select: dict[str, float] = field(default_factory=dict)
    nodata: Mapping[str, Declared] = field(default_factory=dict)
    box: Box | None = None
    date_pattern: str = ""
    undated: bool = False


@contextmanager
def open_gridded(paths: Sequence[Path], wanted: GridRequest) -> Iterator[tuple[str, Gridded]]:
    """Open files as one variable, lazily, and give its name as well; files are closed at the end.

    Raises:
        DataError: A file is damaged, has no such variable, no coordinates or no times; or files do not fit together.
    """
    kind = _one_format(paths)
    name = wanted.variable or _default_name(paths[0], kind, wanted)
    refuse_unknown(wanted.nodata, [name.rpartition("/")[2]])
    with ExitStack() as files:
        if kind in _BY_GDAL:
            parts = [_open_raster(path, kind, name, wanted) for path in paths]
        else:
            parts = [open_part(path, name, wanted, files) for path in paths]
        yield name.rpartition("/")[2], joined(parts, partial(cells_within, box=wanted.box))


def _one_format(paths: Sequence[Path]) -> Format:
    """Return the format of the first file; those that GDAL reads are not mixed with others."""
    formats = {path: format_of(path) for path in paths}
    first = formats[paths[0]]
    for path, kind in formats.items():
        if kind != first and {kind, first} & _BY_GDAL.keys():
            named, odd = (paths[0], path) if first in _BY_GDAL else (path, paths[0])
            raise DataError(
                f"{named.name} is {_BY_GDAL[formats[named]]}, {odd.name} is not",
                where=str(odd.parent),
                fix="Choose with --pattern.",
            )
    return first


def _default_name(path: Path, kind: Format, wanted: GridRequest) -> str:
    if kind == "geotiff":
        return "value"
    return grid_hdf4.the_only_array(path) if kind == "hdf4" else the_only_variable(path, wanted.select)


def _open_raster(path: Path, kind: Format, name: str, wanted: GridRequest) -> FilePart:
    if kind == "hdf4":
        grid_hdf4.require_driver(path)
    opened = grid_hdf4.open_hdf4 if kind == "hdf4" else grid_rasters.open_raster
    time = partial(date_in_name, path, wanted.date_pattern)
    return opened(path, time, name=name, declared=wanted.nodata.get(name, Declared()))


def the_only_variable(path: Path, select: Mapping[str, float]) -> str:
    """Name the variable of a file that lies on a grid, once a place of its further dimensions is chosen.

    Raises:
        DataError: There is none, or several.
    """
    with open_file(path) as stored:
        file = stored.isel({dim: 0 for dim in (*select, _EXPVER) if dim in stored.sizes})
        found = [str(name) for name, variable in file.data_vars.items() if is_field(file, variable)]
        names = [*map(str, file.data_vars), *(inner := names_in_groups(path))]
        maps = [str(name) for name, variable in file.data_vars.items() if may_be_map(file, variable)]
        most = max((file[name].ndim for name in maps), default=0)  # bounds of times have two
        if not found and len(largest := [name for name in maps if file[name].ndim == most]) == 1:
            find_layout(file, largest[0], str(path))  # says what keeps it from being one
    if len(found) == 1:
        return found[0]
    if found:
        several = f"has several variables on a grid: {', '.join(found)}"
        raise DataError(several, where=str(path), fix="Name one with --var.")
    raise DataError(
        f"has no variable on a grid of latitudes and longitudes; it holds {', '.join(names) or 'none'}",
        where=str(path),
        fix=f"Name one of a group: --var {inner[0]}." if inner else "Give maps.",
    )


def open_part(path: Path, named: str, wanted: GridRequest, files: ExitStack) -> FilePart:
    """Open one file's part of a variable, named with its group where it has one; `files` closes it.

    Raises:
        DataError: As for `open_gridded`.
    """
    return part_of(files.enter_context(open_file(path, named.rpartition("/")[0])), path, named, wanted)


def part_of(file: Any, path: Path, named: str, wanted: GridRequest) -> FilePart:  # noqa: ANN401
    """Describe an open file's part of a variable; errors as for `open_part`."""
    name = named.rpartition("/")[2]
    if name not in file.variables:
        maps = [str(one) for one, variable in file.data_vars.items() if may_be_map(file, variable)]
        found = ", ".join([*(maps or map(str, file.data_vars)), *names_in_groups(path)]) or "none"
        raise DataError(
            f"has no variable {name}; it has {found}",
            where=str(path),
            fix=f"Every file must hold it: name it with --var, and the files with --pattern, such as '{name}*'.",
        )
    if file[name].dtype.kind not in "fiu":
        raise DataError(f"is of type {file[name].dtype}", where=f"{path}, variable {name}", fix="Choose numbers.")
    versions = _EXPVER if _EXPVER in file[name].dims and _EXPVER not in wanted.select else None
    stored_dims = file[name].dims if file[name].encoding.get("chunksizes") else ()
    for dim, value in wanted.select.items():
        file = file.isel({dim: _place(file, dim, value, path)})
    with damage_named(path):
        layout = find_layout(file.isel({_EXPVER: 0}) if versions else file, name, str(path))
        is_instant = _INSTANT.search(str(file[name].attrs.get("cell_methods", ""))) is not None
        times, moved = _times(file, layout, path, wanted, is_instant=is_instant)
        with located(f"{path}, variable {name}"):
            stored = decoding(file[name].attrs, file[name].dtype, name, wanted.nodata.get(name, Declared()))
        look_up = _look_up(path, named, stored_dims, layout.time_dim)
        read = partial(_read, file[name], layout, look_up)
        if versions:
            each = [
                partial(_read, file[name].isel({versions: k}), layout, look_up) for k in range(file.sizes[versions])
            ]
            read = partial(_first_known, each, stored.fills)
        if path.is_dir():
            check_chunks(path, named, stored.fills)
    described = {key: str(file[name].attrs[key]).strip() for key in _DESCRIBED if key in file[name].attrs}
    return FilePart(path, times, layout.axes, described, read, stored, (*layout.notes, *moved))


def _place(file: Any, dim: str, value: float, path: Path) -> int:  # noqa: ANN401
    """Return the place of a value on a dimension; of a dimension without coordinate values the value is the place."""
    fix = f"Correct --select {dim}={value:g}."
    if dim not in file.sizes:
        raise DataError(f"{dim} is not a dimension of this file", where=str(path), fix=fix)
    known = np.asarray(file[dim].values) if dim in file.variables else np.arange(file.sizes[dim])
    if known.dtype.kind not in "fiu":
        known = np.arange(file.sizes[dim])
    elif dim in file.variables:
        known = unpacked(file[dim], known.astype(np.float64))
    place = int(np.abs(known - value).argmin())
    if not np.isclose(known[place], value, rtol=_SAME_LEVEL, atol=0.0):
        shown = ", ".join(f"{number:g}" for number in known[:_LEVELS_SHOWN])
        shown += " ..." if len(known) > _LEVELS_SHOWN else ""
        raise DataError(f"{dim} has no value {value:g}; it has {shown}", where=str(path), fix=fix)
    return place


def _times(file: Any, layout: Layout, path: Path, wanted: GridRequest, *, is_instant: bool) -> tuple[Times, list[str]]:  # noqa: ANN401
    """Return the times of steps, and notes on them."""
    if layout.time is None:
        return [None] if wanted.undated else [date_in_name(path, wanted.date_pattern)], []
    variable = file[layout.time]
    unit, calendar = str(variable.attrs["units"]), str(variable.attrs.get("calendar", ""))
    stored = np.atleast_1d(np.asarray(variable.values, dtype=np.float64))
    fills = [value for key in ("_FillValue", "missing_value") if (value := variable.attrs.get(key)) is not None]
    for fill in fills:
        stored = np.where(stored == float(np.ravel(fill)[0]), np.nan, stored)
    try:
        times = decode(unpacked(variable, stored), unit, calendar)
        # An instant has no interval, whatever bounds a program wrote: of what the values are, only they themselves say.
        first = times if is_instant else begun(times, _ends(file, variable))
        return first, [] if first == times else [MOVED]
    except (ValueError, OverflowError, TypeError) as error:
        raise DataError(
            f"its time cannot be understood ({_time_fault(error, unit, calendar)})",
            where=f"{path}, variable {layout.time}",
            fix="Times must be such as `days since 2002-01-01` in a CF calendar, and lie within their bounds.",
        ) from error


def _time_fault(error: BaseException, unit: str, calendar: str) -> str:
    if isinstance(error, FaultError):
        return str(error)
    return f"unit {unit!r}, calendar {calendar!r}" if calendar else f"unit {unit!r}"


def _ends(file: Any, time: Any) -> Times:  # noqa: ANN401
    """Return both ends of each time's interval, one after another; none where the file has none that can be used."""
    name = str(time.attrs.get("bounds", ""))
    if name not in file.variables or file[name].size != 2 * time.size or file[name].dtype.kind not in "fiu":
        return []
    own = {**time.attrs, **file[name].attrs}  # CF: bounds need not repeat unit and calendar
    try:
        stored = np.asarray(file[name].values, dtype=np.float64).ravel()
        is_packed_alike = (
            file[name].dtype == time.dtype and not {"scale_factor", "add_offset"} & file[name].attrs.keys()
        )
        values = unpacked(time if is_packed_alike else file[name], stored)
        return decode(values, str(own["units"]), str(own.get("calendar", "")))
    except (ValueError, OverflowError, TypeError):  # never filled in
        return []


def _first_known(
    each: Sequence[Callable[[slice], NDArray[Any]]], fills: tuple[float, ...], steps: slice
) -> NDArray[Any]:
    """Read the versions of the same maps, and take of each value the first that is known."""
    first, *others = (read(steps) for read in each)
    values = np.array(first)
    for other in others:
        unknown = np.isin(values, np.array(fills, dtype=values.dtype)) | (values != values)
        values[unknown] = other[unknown]
    return values


def _look_up(path: Path, named: str, dims: tuple[str, ...], time_dim: str | None) -> Callable[[slice], None] | None:
    """Return a function that looks up the chunks of some time steps; None where the file has no such chunks.

    Args:
        path: The file.
        named: The variable with its group.
        dims: As stored; empty where it is not stored in chunks.
        time_dim: That of time.
    """
    import h5py

    if not dims or path.is_dir():
        return None
    axis = None if time_dim is None else dims.index(time_dim)

    def look_up(steps: slice) -> None:
        with h5py.File(path) as file:
            check_found(file[named], axis, steps)

    return look_up


def _read(
    variable: Any,  # noqa: ANN401
    layout: Layout,
    look_up: Callable[[slice], None] | None,
    steps: slice,
) -> NDArray[Any]:
    """Read stored numbers, [t, Y, X], whatever the order of the file's dimensions."""
    if look_up is not None:
        look_up(steps)
    chosen = variable.isel({dim: 0 for dim in layout.dropped})
    if layout.time_dim is None:
        return np.asarray(chosen.transpose(layout.y_dim, layout.x_dim).values)[None]
    cut = chosen.isel({layout.time_dim: steps})
    return np.asarray(cut.transpose(layout.time_dim, layout.y_dim, layout.x_dim).values)
