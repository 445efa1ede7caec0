"""Land masks of gridded files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import GridAxes
from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError
from geoml_cli.readers.grid_axes import find_layout
from geoml_cli.readers.grid_files import open_file
from geoml_cli.readers.grid_values import decoding
from geoml_cli.readers.gridded import same_axes
from geoml_cli.readers.nodata import Declared

_HALF = 0.5
_ROUNDING = 1e-4
"""Of shares that were regridded: 100.00002 %."""
_TURNS = ((1, 1), (-1, 1), (1, -1), (-1, -1))


def land_of(path: Path, name: str, axes: GridAxes) -> NDArray[np.bool_]:
    """Read a land mask or fraction of land on the whole grid, [Y, X]; land is above one half.

    Raises:
        DataError: There is none, it is of another grid, or it is not a mask.
    """
    with open_file(path) as file:
        if name not in file.variables:
            raise DataError(f"has no variable {name}", where=str(path), fix="Correct --land.")
        mask, own = file[name].squeeze(), None
        if mask.ndim >= 2:
            layout = find_layout(file, name, str(path))
            mask, own = _the_only_map(mask, (layout.y_dim, layout.x_dim), f"{path}, variable {name}"), layout.axes
        # By what the file declares alone: other numbers than 0 to 1 are refused below.
        stored = replace(decoding(mask.attrs, mask.dtype, name, Declared()), guess=False)
        values, unit = stored.decode(np.array(mask.values), np.float64), str(mask.attrs.get("units", ""))
    where = f"{path}, variable {name}"
    if own is not None and own.shape == axes.shape:
        values = _turned(values, own, axes, where)
    if values.shape != axes.shape:
        raise DataError(
            f"has shape {list(values.shape)}, the grid {list(axes.shape)}", where=where, fix="Correct --land."
        )
    if same_unit(unit, "%"):  # as CMIP's sftlf is
        if set(np.unique(values[np.isfinite(values)])) == {0, 1}:
            raise DataError(
                "is in %, and holds 0 and 1 alone", where=where, fix="Give a mask without a unit, or 0 to 100."
            )
        values = values / 100
    if not ((values >= -_ROUNDING) & (values <= 1 + _ROUNDING) | np.isnan(values)).all():
        raise DataError(
            "holds other values than 0 to 1",
            where=where,
            fix="Give a mask that is 1 on land, or a share of land whose unit is %.",
        )
    return np.asarray(values > _HALF)


def _the_only_map(mask: Any, dims: tuple[str, str], where: str) -> Any:  # noqa: ANN401  xarray.DataArray
    """Return a mask as rows and columns; one that has further dimensions must be the same all along them.

    Raises:
        DataError: It changes.
    """
    further = [name for name in mask.dims if name not in dims]
    mask = mask.transpose(*further, *dims)
    first = mask[(0,) * len(further)]
    known = np.array(first.values)
    for place in np.ndindex(mask.shape[: len(further)]):
        if not np.array_equal(np.array(mask[place].values), known, equal_nan=known.dtype.kind == "f"):
            raise DataError(
                f"changes along {', '.join(map(str, further))}",
                where=where,
                fix="Add a mask of one map to the file, and name it: --land one. In xarray: "
                f"file['one'] = file['{mask.name}'].isel({further[0]}=0, drop=True)",
            )
    return first


def _turned(values: NDArray[np.float64], own: GridAxes, axes: GridAxes, where: str) -> NDArray[np.float64]:
    """Turn a mask whose rows or columns run the other way; it may lie on axes of its own.

    Raises:
        DataError: Its cells lie elsewhere.
    """
    for rows, columns in _TURNS if own.regular else _TURNS[:1]:
        turned = GridAxes(own.lat[::rows], own.lon[::columns]) if own.regular else own
        if same_axes(turned, axes):
            return values[::rows, ::columns]
    raise DataError("lies on other latitudes or longitudes than the grid", where=where, fix="Correct --land.")
