"""Gridded files for tests, with the oddities of real ones asked for by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.sources.grid.options import GridOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

LAT, LON = np.array([10.0, 20.0, 30.0]), np.array([100.0, 110.0, 120.0, 130.0])
MONTHLY = {"units": "days since 2001-01-01", "calendar": "standard"}
FIRST_DAYS = (0.0, 31.0, 59.0, 90.0, 120.0, 151.0, 181.0, 212.0)
"""Of the months from January 2001 on."""


def field(times: int = 4, seed: int = 0) -> NDArray[np.float32]:
    """Return values around 15, [times, 3, 4]; one cell is never valid."""
    values = 15 + np.random.default_rng(seed).standard_normal((times, 3, 4)).astype(np.float32)
    values[:, 1, 2] = np.nan
    return values


def write(path: Path, values: NDArray[Any] | None = None, **odd: Any) -> Path:
    """Write a NetCDF file with the variable `sst`.

    Args:
        path: The file.
        values: Stored numbers on (time, lat, lon); NaN is stored as such.
        odd: `times`, `time_attrs`, `lat`, `lon`, `lat_attrs`, `lon_attrs`, `attrs` (of the variable), `dims` (their
            order), `names` (of the dimensions and coordinates), `format`, `options` (of the variable), `scalar_time`.
    """
    stored = field() if values is None else values
    names = {"time": "time", "lat": "lat", "lon": "lon"} | odd.get("names", {})
    dims = [names[dim] for dim in odd.get("dims", ("time", "lat", "lon"))]
    with netCDF4.Dataset(path, "w", format=odd.get("format", "NETCDF4")) as file:
        sizes = dict(zip((names[dim] for dim in ("time", "lat", "lon")), stored.shape, strict=True))
        for name in dims:
            file.createDimension(name, sizes[name])
        coordinate(file, names["lat"], odd.get("lat", LAT), {"units": "degrees_north", **odd.get("lat_attrs", {})})
        coordinate(file, names["lon"], odd.get("lon", LON), {"units": "degrees_east", **odd.get("lon_attrs", {})})
        times = odd.get("times", FIRST_DAYS[: len(stored)])
        coordinate(file, names["time"], times, odd.get("time_attrs", MONTHLY), () if odd.get("scalar_time") else None)
        attributes = {"units": "degC", **odd.get("attrs", {})}
        options = {"fill_value": attributes.pop("_FillValue", False), **odd.get("options", {})}
        variable = file.createVariable("sst", stored.dtype, dims, **options)
        variable.set_auto_maskandscale(False)
        variable.setncatts(attributes)
        order = [("time", "lat", "lon").index(dim) for dim in odd.get("dims", ("time", "lat", "lon"))]
        variable[:] = stored.transpose(order) if len(dims) == 3 else stored[0]
    return path


def coordinate(
    file: Any, name: str, values: Any, attributes: dict[str, Any], dims: Sequence[str] | None = None
) -> None:
    """Write a coordinate; attributes that are None are left out, and so is one whose values are None."""
    if values is None:
        return
    array = np.asarray(values)
    variable = file.createVariable(name, "f8", (name,) if dims is None else dims)
    variable.setncatts({key: value for key, value in attributes.items() if value is not None})
    variable[...] = array if dims is None or dims else array.ravel()[0]


def curvilinear(path: Path, lat: NDArray[Any], lon: NDArray[Any]) -> Path:
    """Write months on two-dimensional coordinates, as an ocean model does: its time_counter is zero."""
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time_counter", 4), ("y", 3), ("x", 4)):
            file.createDimension(name, size)
        for name, values, unit in (("nav_lat", lat, "degrees_north"), ("nav_lon", lon, "degrees_east")):
            coordinate(file, name, values, {"units": unit}, ("y", "x"))
        coordinate(file, "time_counter", np.zeros(4), {"axis": "T"})
        coordinate(file, "time_centered", FIRST_DAYS[:4], {**MONTHLY, "standard_name": "time"}, ("time_counter",))
        sst = file.createVariable("sst", "f4", ("time_counter", "y", "x"))
        sst.units = "degC"
        sst[:] = field()
    return path


def prepared(raw: Path, **options: Any) -> Dataset:
    """Prepare a file or folder with the source grid."""
    source = Raw("grid", raw, GridOptions(**({"var": "sst"} | options)))
    return Dataset(prepare(source, raw.parent / f"{raw.name}-data", NullReporter(), force=True).folder)
