"""Which dimensions and coordinates of a file are time, latitude and longitude.

Names, units and attributes are weighed against each other, because files err in each of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import GridAxes, continuous
from geoml_cli.errors import DataError
from geoml_cli.readers import curvilinear, grid_bounds

_UNITS = {
    "latitude": {"degrees_north", "degree_north", "degree_n", "degrees_n", "degreen", "degreesn"},
    "longitude": {"degrees_east", "degree_east", "degree_e", "degrees_e", "degreee", "degreese"},
}
Degrees = NDArray[np.float64]
_AXIS = {"latitude": "Y", "longitude": "X"}
_SINCE = " since "
_MOST_LON = 720.0
NO_POSITION = "Put whole coordinates in their place, such as those of the model's mesh file."


@dataclass(frozen=True)
class Layout:
    """Dimensions and coordinates of one variable of one file.

    Attributes:
        time_dim: Dimension of time; None where the file holds one time.
        y_dim: Dimension of rows.
        x_dim: Dimension of columns.
        time: Name of the variable of times; None where there is none.
        axes: Positions of the cells.
        dropped: Further dimensions, of size one.
        notes: Attributes that were overruled.
    """

    time_dim: str | None
    y_dim: str
    x_dim: str
    time: str | None
    axes: GridAxes
    dropped: tuple[str, ...]
    notes: tuple[str, ...]


def find_layout(file: Any, name: str, location: str) -> Layout:  # noqa: ANN401  xarray.Dataset, decoded by nobody
    """Find the dimensions and coordinates of a variable.

    Args:
        file: An `xarray.Dataset` as stored.
        name: The variable; of further dimensions, only those of size one may be left.
        location: The file's name, for messages.

    Raises:
        DataError: There is no latitude or longitude, or several that could be; or their values cannot be degrees.
    """
    variable = file[name]
    lat_name, lon_name = (_best(file, variable.dims, kind, f"{location}, variable {name}") for kind in _UNITS)
    axes, notes = _axes(file[lat_name], file[lon_name], location)
    if axes.regular and axes.lon.ndim == 1:
        axes, said = grid_bounds.with_bounds(file, axes, (lat_name, lon_name))
        notes += said
    dims = _grid_dims(file, (lat_name, lon_name), location)
    if set(dims) - set(variable.dims):
        raise DataError(
            f"dimensions ({', '.join(variable.dims)}) are not time and a grid of {', '.join(dims)}",
            where=f"{location}, variable {name}",
            fix="Choose another variable.",
        )
    time_dim, dropped = _time_dim(
        file, [dim for dim in variable.dims if dim not in dims], f"{location}, variable {name}"
    )
    notes += [f"{dim}, of size 1, is left out" for dim in dropped]
    notes += _contradictions(file, {"latitude": lat_name, "longitude": lon_name})
    time = _time_name(file, time_dim, location)
    if time_dim is not None and time != time_dim and time_dim in file.variables:
        notes.append(f"times are those of {time}: {time_dim} has no unit that counts from a date")
    return Layout(time_dim, *dims, time, axes, tuple(dropped), tuple(notes))


def _first_value(file: Any, dim: Any) -> float:  # noqa: ANN401
    """Return the first value of a dimension, by which `--select` names its place; 0 where it has no numbers."""
    if dim not in file.variables or file[dim].dtype.kind not in "fiu":
        return 0.0
    return float(grid_bounds.unpacked(file[dim], np.atleast_1d(np.asarray(file[dim].values, dtype=np.float64))[:1])[0])


def _time_dim(file: Any, rest: list[Any], location: str) -> tuple[str | None, list[str]]:  # noqa: ANN401
    """Tell the dimension of time from others, which must be of size one."""
    timed = [dim for dim in rest if _is_time(file, dim)]
    time_dim = timed[0] if timed else next((dim for dim in rest if file.sizes[dim] > 1), None)
    dropped = [str(dim) for dim in rest if dim != time_dim]
    if long := [dim for dim in dropped if file.sizes[dim] > 1]:
        raise DataError(
            f"has the further dimension {long[0]} of {file.sizes[long[0]]} places",
            where=location,
            fix=_ONE_TIME
            if long[0] == "month"
            else f"Take one of them out of the file (ncks -d {long[0]},0); prepare grid has --select "
            f"{long[0]}={_first_value(file, long[0]):g}.",
        )
    return (None if time_dim is None else str(time_dim)), dropped


_ONE_TIME = "Put years and months into one dimension of time, with units such as `days since 2000-01-01`."


def _is_time(file: Any, dim: str) -> bool:  # noqa: ANN401
    return "time" in str(dim).lower() or (dim in file.variables and _counts(file[dim]))


def _counts(variable: Any) -> bool:  # noqa: ANN401
    return _SINCE in str(variable.attrs.get("units", "")).lower()


def _best(file: Any, dims: Sequence[str], kind: str, location: str) -> str:  # noqa: ANN401
    """Name the coordinate with the most signs of being latitude, or longitude."""
    scores = {
        str(name): _score(variable, str(name), kind)
        for name, variable in file.variables.items()
        if variable.dims
        and len(variable.dims) <= 2
        and set(variable.dims) <= set(dims)
        and variable.dtype.kind in "fiu"
    }
    top = max(scores.values(), default=0)
    best = [name for name, score in scores.items() if score == top]
    if top <= 0:
        units = {name: str(file[name].attrs.get("units", "")) for name in scores}
        there = ", ".join(f"{name} is in {unit!r}" for name, unit in units.items() if unit and _SINCE not in unit)
        raise DataError(
            f"has no {kind}: dimensions ({', '.join(map(str, dims))}) have no coordinates{' of degrees' * bool(there)}"
            f"{there and f' ({there})'}",
            where=location,
            fix="Add coordinates with the units degrees_north and degrees_east, or give files that hold them.",
        )
    if len(best) > 1:
        raise DataError(
            f"has several variables that may be the {kind}: {', '.join(best)}",
            where=location,
            fix="Keep one of them, or give one of them the right units.",
        )
    return best[0]


def _score(variable: Any, name: str, kind: str) -> int:  # noqa: ANN401
    """Weigh the signs: units above names, names above standard_name and axis; units of the other kind rule it out."""
    from cf_xarray.criteria import regex

    unit = str(variable.attrs.get("units", "")).strip().lower()
    other = _UNITS["longitude" if kind == "latitude" else "latitude"]
    if unit in other:
        return 0
    if unit and unit not in _UNITS[kind] and not unit.startswith("degree"):
        return 0
    pattern = re.compile(rf"(?:{regex[kind].pattern})$", re.IGNORECASE)
    signs = 4 * (unit in _UNITS[kind]) + 2 * bool(pattern.match(name))
    signs += variable.attrs.get("standard_name") == kind
    return int(signs + (signs > 0 and variable.attrs.get("axis") == _AXIS[kind]))


def _contradictions(file: Any, names: dict[str, str]) -> list[str]:  # noqa: ANN401
    found = []
    for kind, name in names.items():
        stated = str(file[name].attrs.get("standard_name", ""))
        if stated and stated != kind:
            found.append(f"{name} is taken for the {kind}, although its standard_name is {stated}")
    return found


def _axes(lat: Any, lon: Any, location: str) -> tuple[GridAxes, list[str]]:  # noqa: ANN401
    """Return the positions, and a note where some of a curvilinear grid's are missing."""
    north, east = _degrees(lat, location), _degrees(lon, location)
    if north.ndim != 2 or north.shape != east.shape:
        return GridAxes(north, east), []
    missing = curvilinear.without_position(north, east)
    if not missing.any():
        return GridAxes(north, east), []
    if missing.all():
        raise DataError(
            f"{int(missing.sum())} of {missing.size} cells have no position",
            where=f"{location}, variables {lat.name} and {lon.name}",
            fix=NO_POSITION,
        )
    note = f"{int(missing.sum())} cells have no position ({lat.name}, {lon.name}); they hold no value either"
    return GridAxes(*curvilinear.filled(north, east, missing), unplaced=missing), [note]


def _degrees(variable: Any, location: str) -> Degrees:  # noqa: ANN401
    """Return a coordinate [degrees]; of two dimensions, NaN where it is missing."""
    stored = np.asarray(variable.values, dtype=np.float64)
    fills = _fills(variable) if stored.ndim == 2 else []
    values = grid_bounds.unpacked(variable, np.where(np.isin(stored, fills), np.nan, stored))
    most = 90.0 + 1e-3 if _score(variable, str(variable.name), "latitude") else _MOST_LON
    place = f"{location}, variable {variable.name}"
    beyond = np.abs(values) > most
    if values.ndim == 2 and len(np.unique(values[beyond])) == 1:  # one number that is no place, such as 1e20 or -999
        values[beyond] = np.nan
    known = values[np.isfinite(values)]
    if values.ndim != 2 and (count := values.size - len(known)):
        raise DataError(f"is missing at {count} of {values.size} places", where=place, fix="Get the file again.")
    if not len(known) or np.abs(known).max() > most:
        least, highest = (known.min(), known.max()) if len(known) else (np.nan, np.nan)
        raise DataError(f"{least:g} to {highest:g} cannot be degrees", where=place, fix="Give a grid in degrees.")
    if values.ndim == 1 and len(values) > 1:
        values = values if most < _MOST_LON else np.asarray(continuous(values), dtype=np.float64)
        gaps = np.diff(values)
        if not ((gaps > 0).all() or (gaps < 0).all()):
            raise DataError("values do not rise or fall throughout", where=place, fix="Get the file again.")
    return values


def _fills(variable: Any) -> list[float]:  # noqa: ANN401
    """Return what a coordinate says of missing values; attributes that are no number say nothing."""
    said = [np.ravel(variable.attrs[name]) for name in ("_FillValue", "missing_value") if name in variable.attrs]
    return [float(values[0]) for values in said if values.size and values.dtype.kind in "fiu"]


def _grid_dims(file: Any, names: tuple[str, str], location: str) -> tuple[str, str]:  # noqa: ANN401
    lat, lon = (file[name] for name in names)
    if lat.ndim == 1 and lon.ndim == 1 and lat.dims != lon.dims:
        return str(lat.dims[0]), str(lon.dims[0])
    if lat.ndim == 2 and lat.dims == lon.dims:
        return str(lat.dims[0]), str(lat.dims[1])
    raise DataError(
        f"{names[0]} ({', '.join(lat.dims)}) and {names[1]} ({', '.join(lon.dims)}) are not the axes of a grid",
        where=location,
        fix="Points and unstructured meshes cannot be read; interpolate them to a grid first.",
    )


def _time_name(file: Any, time_dim: str | None, location: str) -> str | None:  # noqa: ANN401
    """Name the variable of times: that of the dimension, or another on it whose unit counts from a date."""
    dims = () if time_dim is None else (time_dim,)
    counted = [str(name) for name, variable in file.variables.items() if variable.dims == dims and _counts(variable)]
    if time_dim in counted:
        return time_dim
    times = [name for name in counted if file[name].attrs.get("standard_name", "time") == "time"]
    exact = [name for name in times if name.lower() == "time"]
    if len(exact or times) > 1:
        raise DataError(
            f"several variables may be the time: {', '.join(times)}", where=location, fix="Keep one of them."
        )
    found = next(iter(exact or times), None)
    if found is None and time_dim is not None:
        unit = "has no unit such as `days since 2000-01-01`" if time_dim in file.variables else "has no coordinate"
        raise DataError(f"its dimension {time_dim} {unit}", where=location, fix="Give files whose times are known.")
    return found
