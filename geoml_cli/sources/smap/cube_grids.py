"""Grids of pixel stacks: evenly spaced axes, their CRS, and longitudes from -180 to 180."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError
from geoml_cli.samples.input import Grid

DEGREES, DEGREES_EPSG = "EPSG:4326", 4326
_HALF_TURN, _POLE, _EDGE = 180.0, 90.0, 0.5
_REGULAR = 0.01  # of a pixel, that a centre may be off its place
_METRES = {"m": 1.0, "km": 1000.0}
"""Of the units that CF has for projected axes."""


def grid_of(path: Path, data: Any, names: tuple[str, str]) -> Grid:  # noqa: ANN401  xarray.Dataset
    """Return the grid of two axes, y and x.

    Raises:
        DataError: They are not evenly spaced, lie off the Earth or about a rotated pole, have no CRS, or a unit that is
            none of length.
    """
    crs = DEGREES if names[0].startswith("lat") else _crs_of(path, data)
    sides, edges = [], []
    for name in names:
        values = np.asarray(data[name].values, dtype=np.float64) * _units_of(path, data[name], crs)
        if len(values) < 2:
            raise DataError(
                f"{name} has a single value, which does not tell how large a pixel is",
                where=str(path),
                fix="Give two rows and two columns of pixels or more.",
            )
        step = float(np.diff(values).mean())
        even = values[0] + step * np.arange(len(values))
        if np.abs(values - even).max() > _REGULAR * abs(step):
            raise DataError(
                f"the {len(values)} values of {name} are not evenly spaced", where=str(path), fix="Use a regular grid."
            )
        sides.append(step)
        edges.append(float(values[0]) - step / 2)
    transform = (sides[1], 0.0, edges[1], 0.0, sides[0], edges[0])
    return turned(path, Grid(crs, transform, len(data[names[0]]), len(data[names[1]])))


def _units_of(path: Path, axis: Any, crs: str) -> float:  # noqa: ANN401  xarray.DataArray
    """Return how many units of the CRS one of an axis is: CF has projected axes in km as well as in m."""
    unit = str(axis.attrs.get("units", "")).strip()
    if crs == DEGREES or unit in ("", "1"):
        return 1.0
    import pyproj

    known = pyproj.CRS.from_user_input(crs)
    own = known.axis_info[0].unit_conversion_factor if known.axis_info else 1.0  # a bound CRS may list none
    metres = next((size for name, size in _METRES.items() if same_unit(unit, name)), None)
    if known.is_geographic or (metres is None and own not in _METRES.values()):
        return 1.0  # degrees; or feet, of which the CRS knows which
    if metres is None:
        raise DataError(
            f"{axis.name} is in {unit!r}, and its CRS in metres",
            where=str(path),
            fix="Give projected axes in m or km, with this as their attribute units.",
        )
    return metres / own


def turned(path: Path, grid: Grid) -> Grid:
    """Return a grid whose longitudes are -180 to 180, where it has longitudes."""
    if grid.crs != DEGREES:
        import pyproj

        known = pyproj.CRS.from_user_input(grid.crs)
        if known.is_geographic and known.is_derived:
            raise DataError(
                "its degrees are those of a rotated pole",
                where=str(path),
                fix="Warp the stack to EPSG:4326, or to a projected CRS.",
            )
        if not known.is_geographic:
            return grid
    a, b, c, d, e, f = grid.transform
    west = _degrees(path, (f, e * grid.height), (c, a * grid.width))
    return Grid(grid.crs, (a, b, west, d, e, f), grid.height, grid.width)


def _degrees(path: Path, rows: tuple[float, float], columns: tuple[float, float]) -> float:
    """Return the western edge between -180 and 180 of a grid in degrees; edges come with the way across."""
    (north, down), (west, across) = rows, columns
    if west >= _HALF_TURN:
        west -= 2 * _HALF_TURN  # 0 to 360 degrees east
    inside = west >= -_HALF_TURN - _EDGE and west + across <= _HALF_TURN + _EDGE
    if not inside or max(abs(north), abs(north + down)) > _POLE + _EDGE:
        raise DataError(
            f"lies from {north + down:g} to {north:g} degrees north and {west:g} to {west + across:g} degrees east",
            where=str(path),
            fix="Latitudes are -90 to 90 and longitudes -180 to 180; name projected axes y and x, with their CRS.",
        )
    return west


def _crs_of(path: Path, data: Any) -> str:  # noqa: ANN401  xarray.Dataset
    for item in data.variables.values():
        for attribute in ("crs_wkt", "spatial_ref"):
            if attribute in item.attrs:
                return str(item.attrs[attribute])
    raise DataError(
        "has dimensions y and x, and no variable with the attribute crs_wkt", where=str(path), fix="Add its CRS."
    )
