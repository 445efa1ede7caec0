"""Axes and grid mapping of a map's grid, as CF describes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import SettingsError
from geoml_cli.samples.input import Grid

Axis = tuple[str, NDArray[np.float64], dict[str, str]]
"""Name, centres of the pixels, and attributes."""
_UNITS = {"metre": "m", "kilometre": "km", "US survey foot": "US_survey_foot", "foot": "international_foot"}
"""Of projected axes, as UDUNITS spells them."""


def axes_of(grid: Grid) -> tuple[Axis, Axis]:
    """Return the axes, rows first.

    Raises:
        SettingsError: The grid is rotated.
    """
    a, b, c, d, e, f = grid.transform
    if b or d:
        raise SettingsError("the grid is rotated, NetCDF axes are not.", fix="Write a GeoTIFF (--out NAME.tif).")
    rows = np.asarray(f + e * (np.arange(grid.height) + 0.5), dtype=np.float64)
    columns = np.asarray(c + a * (np.arange(grid.width) + 0.5), dtype=np.float64)
    crs = _crs(grid)
    if crs.is_geographic:
        return (
            ("lat", rows, {"units": "degrees_north", "standard_name": "latitude", "axis": "Y"}),
            ("lon", columns, {"units": "degrees_east", "standard_name": "longitude", "axis": "X"}),
        )
    name = crs.axis_info[0].unit_name if crs.axis_info else "metre"  # a bound CRS may list none
    unit = _UNITS.get(name, name.replace(" ", "_"))
    return (
        ("y", rows, {"units": unit, "standard_name": "projection_y_coordinate", "axis": "Y"}),
        ("x", columns, {"units": unit, "standard_name": "projection_x_coordinate", "axis": "X"}),
    )


def grid_mapping(grid: Grid) -> dict[str, Any]:
    """Return the attributes of the variable that describes the CRS."""
    a, b, c, d, e, f = grid.transform
    described: dict[str, Any] = dict(_crs(grid).to_cf())
    described = {key: value for key, value in described.items() if value is not None}
    # GDAL's own key in addition to CF's, so that QGIS places the map to the last digit.
    return {**described, "spatial_ref": grid.crs, "GeoTransform": f"{c!r} {a!r} {b!r} {f!r} {d!r} {e!r}"}


def _crs(grid: Grid) -> Any:  # noqa: ANN401  pyproj.CRS
    import pyproj

    return pyproj.CRS.from_user_input(grid.crs)
