"""Which variables of an open gridded file are maps."""

from __future__ import annotations

from typing import Any

from geoml_cli.errors import DataError
from geoml_cli.readers.grid_axes import find_layout

_POSITIONS = ("degrees_north", "degrees_east", "degree_north", "degree_east")


def is_field(file: Any, variable: Any, *, regular: bool = False) -> bool:  # noqa: ANN401  xarray is untyped here
    """Return whether a variable of an open file lies on a grid, or on one with an axis for each degree."""
    if not may_be_map(file, variable):
        return False
    try:
        axes = find_layout(file, variable.name, "").axes
    except DataError:
        return False
    return axes.lat.ndim == 1 or not regular


def may_be_map(file: Any, variable: Any) -> bool:  # noqa: ANN401
    """Return whether a variable holds numbers over two dimensions or more, and is no coordinate."""
    named = {str(file[name].attrs.get("bounds", "")) for name in file.variables}
    # Positions of a curvilinear grid lie on it too, whether or not xarray has taken them for coordinates.
    for other in file.variables.values():
        named |= set(str({**other.attrs, **other.encoding}.get("coordinates", "")).split())
    if str(variable.attrs.get("units", "")).lower().startswith(_POSITIONS):
        return False
    is_numbers = variable.ndim >= 2 and variable.dtype.kind in "fiu" and str(variable.name) not in named
    return is_numbers and str(variable.attrs.get("standard_name", "")) not in ("latitude", "longitude")
