"""Forecasts of maps as CF NetCDF or Zarr, one start after another: memory is bounded by one forecast."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import replacing
from geoml_cli.dataset.grid import LAT, LON, GridAxes, GridFacts
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import SettingsError

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float32]
SUFFIXES = (".nc", ".zarr")
_START, _LEAD, _TIME = "forecast_reference_time", "lead_time", "time"


@dataclass(frozen=True)
class Forecasts:
    """What forecasts are, besides their numbers.

    Attributes:
        axes: The data set's grid.
        facts: Of the data set: step, unit and calendar of times.
        outputs: Quantities.
        start_N: Time of the last map that each forecast saw, in the data set's unit.
        time_NL: Time of every forecast map.
        attributes: Title, run and the like.
    """

    axes: GridAxes
    facts: GridFacts
    outputs: tuple[Variable, ...]
    start_N: NDArray[np.float64]
    time_NL: NDArray[np.float64]
    attributes: dict[str, str]


def check_suffix(path: Path) -> None:
    """Refuse a file that cannot hold forecasts.

    Raises:
        SettingsError: Its suffix is not one of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        kind = path.suffix or "no suffix"
        raise SettingsError(f"{kind} cannot hold forecasts.", where=str(path), fix=f"Use {' or '.join(SUFFIXES)}.")


def write(path: Path, content: Forecasts, chunks: Iterable[Floats]) -> None:
    """Write forecasts [outputs, L, y, x], one for each start, float32, missing cells NaN."""
    check_suffix(path)
    pieces = (_piece(content, number, values) for number, values in enumerate(chunks))
    if path.suffix.lower() == ".zarr":
        _zarr(path, pieces)
        return
    _netcdf(path, content, pieces)


def _piece(content: Forecasts, number: int, values: Floats) -> xr.Dataset:
    """Describe one forecast."""
    import xarray as xr

    facts, dims = content.facts, (_START, _LEAD, *content.axes.dims)
    clock = {"units": facts.time_unit, "calendar": facts.calendar}
    row, column = ((LAT,), (LON,)) if content.axes.regular else (content.axes.dims, content.axes.dims)
    y, x = ({"axis": "Y"}, {"axis": "X"}) if content.axes.regular else ({}, {})
    coordinates = {
        _START: (
            (_START,),
            content.start_N[number : number + 1],
            {"standard_name": _START, "long_name": "time of the last map seen", **clock},
        ),
        _LEAD: (
            (_LEAD,),
            np.arange(1, content.time_NL.shape[1] + 1, dtype=np.int32),
            {"long_name": f"lead time in steps of one {facts.step}", "units": "1"},
        ),
        _TIME: (
            (_START, _LEAD),
            content.time_NL[number : number + 1],
            {"standard_name": "time", "long_name": "time of the forecast map", **clock},
        ),
        LAT: (row, content.axes.lat, {"standard_name": "latitude", "units": "degrees_north", **y}),
        LON: (column, content.axes.lon, {"standard_name": "longitude", "units": "degrees_east", **x}),
    }
    layers = {
        output.name: (dims, layer[None], _described(content, output))
        for output, layer in zip(content.outputs, values, strict=True)
    }
    return xr.Dataset(layers, coordinates, {"Conventions": "CF-1.11", **content.attributes})


def _described(content: Forecasts, output: Variable) -> dict[str, str]:
    """Describe an output; the data set's standard name is that of the quantity itself, not of its deviation."""
    named = content.facts.standard_name
    standard = {"standard_name": named} if named and output.name == content.facts.variable else {}
    return {"long_name": output.long_name, "units": output.unit, **standard}


def _netcdf(path: Path, content: Forecasts, pieces: Iterable[xr.Dataset]) -> None:
    """Write with netCDF4, which appends; xarray's own writer would need all forecasts at once."""
    import netCDF4

    with replacing(path) as temporary, netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
        for number, piece in enumerate(pieces):
            if not number:
                _declare(file, content, piece)
            for name, variable in piece.variables.items():
                if _START in variable.dims:
                    file[str(name)][number : number + 1] = variable.values


def _declare(file: Any, content: Forecasts, piece: xr.Dataset) -> None:  # noqa: ANN401  netCDF4 is untyped
    file.setncatts(dict(piece.attrs))
    for dim, size in piece.sizes.items():
        file.createDimension(str(dim), len(content.start_N) if dim == _START else size)
    beside = f"{_TIME}" if content.axes.regular else f"{_TIME} {LAT} {LON}"
    for name, variable in piece.variables.items():
        layer = name in piece.data_vars
        options = {"fill_value": np.float32(np.nan), "zlib": True, "complevel": 4} if layer else {}
        handle = file.createVariable(str(name), variable.dtype.newbyteorder("="), variable.dims, **options)
        handle.setncatts({**variable.attrs, **({"coordinates": beside} if layer else {})})
        if _START not in variable.dims:
            handle[:] = variable.values


def _zarr(path: Path, pieces: Iterable[xr.Dataset]) -> None:
    try:
        import zarr  # noqa: F401  xarray's message would not name the extra
    except ImportError as error:
        raise SettingsError(
            f"needs the package {error.name}.", where=str(path), fix="Install it with `pip install 'geoml[dask]'`."
        ) from error
    temporary = path.with_name(f".{path.stem}.tmp{path.suffix}")
    shutil.rmtree(temporary, ignore_errors=True)
    for number, piece in enumerate(pieces):
        if number:
            piece.to_zarr(temporary, append_dim=_START, zarr_format=2, consolidated=True)
        else:
            encoding = {name: {"_FillValue": np.float32(np.nan)} for name in piece.data_vars}
            piece.to_zarr(temporary, mode="w", zarr_format=2, consolidated=True, encoding=encoding)
    shutil.rmtree(path, ignore_errors=True)
    temporary.rename(path)
