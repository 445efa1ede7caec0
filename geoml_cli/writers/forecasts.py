"""Forecasts of gridded fields as CF NetCDF or Zarr, by suffix, some starts at a time.

Legend: S forecasts, L lead times, Y rows, X columns.
"""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import atomic_write
from geoml_cli.dataset.grid import AREA, LAT, LON, TIME, GridAxes, Step, calendar_attributes, grid_variables
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import SettingsError
from geoml_cli.writers.attributes import attributes_of
from geoml_cli.writers.suffixes import require_suffix

REFERENCE, LEAD = "forecast_reference_time", "lead_time"
Floats = NDArray[np.float32]
Part = tuple[slice, Floats]
"""Forecasts by their places among all, and values of shape [outputs, forecasts, L, Y, X]; NaN on land."""

_CONVENTIONS = "CF-1.11"


@dataclass(frozen=True)
class Forecasts:
    """What forecasts are, besides their numbers.

    Attributes:
        axes: The grid that the data came on.
        starts: Time of the last frame that each forecast has seen, in `time_unit`, [S].
        valid: Time that each frame is a forecast of, [S, L].
        time_unit: Unit of both, such as `days since 1970-01-01 00:00:00`.
        calendar: CF calendar of both.
        step: Distance between lead times.
        outputs: Described without dimensions.
        attributes: Title, run, command and the like.
    """

    axes: GridAxes
    starts: NDArray[np.float64]
    valid: NDArray[np.float64]
    time_unit: str
    calendar: str
    step: Step
    outputs: tuple[Variable, ...]
    attributes: dict[str, str]

    @property
    def dims(self) -> tuple[str, ...]:
        """Return the dimensions of an output."""
        return (REFERENCE, LEAD, *self.axes.dims)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (S, L, Y, X)."""
        return (*self.valid.shape, *self.axes.shape)


def check_suffix(path: Path) -> None:
    """Refuse a file that cannot hold forecasts; errors as for `require_suffix`."""
    require_suffix(path, _WRITERS, "forecast")


def write(path: Path, content: Forecasts, chunks: Iterable[Part]) -> None:
    """Write forecasts by the file's suffix, float32, missing values NaN; memory is bounded by a chunk.

    Raises:
        SettingsError: The suffix is not that of forecasts, or the package behind it is not installed.
        DiskError: It could not be written.
    """
    check_suffix(path)
    try:
        _WRITERS[path.suffix.lower()](path, content, chunks)
    except ImportError as error:
        raise SettingsError(
            f"needs the package {error.name}.", where=str(path), fix="Install it with `pip install 'geoml[dask]'`."
        ) from error


def _netcdf(path: Path, content: Forecasts, chunks: Iterable[Part]) -> None:
    import netCDF4

    with atomic_write(path) as temporary, netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
        file.setncatts(_global(content))
        for name, size in zip(content.dims, content.shape, strict=True):
            file.createDimension(name, size)
        for variable, values in _coordinates(content):
            coordinate = file.createVariable(variable.name, variable.dtype, variable.dims)
            coordinate.setncatts(attributes_of(variable))
            coordinate[:] = values
        chunk = (1, 1, *content.axes.shape)
        for output in content.outputs:
            layer = file.createVariable(
                output.name, "f4", content.dims, fill_value=np.float32(np.nan), zlib=True, complevel=4, chunksizes=chunk
            )
            layer.setncatts(attributes_of(output) | _links(content))
        for places, values in chunks:
            for output, layers in zip(content.outputs, values, strict=True):
                file[output.name][places] = layers


def _zarr(path: Path, content: Forecasts, chunks: Iterable[Part]) -> None:
    import zarr

    temporary = path.with_name(f".{path.stem}.tmp{path.suffix}")
    shutil.rmtree(temporary, ignore_errors=True)
    root: Any = zarr.open_group(temporary, mode="w", zarr_format=2)
    root.attrs.update(_global(content))
    for variable, values in _coordinates(content):
        # Without a fill value: 0 would be one, and the first lead time or longitude would read as missing.
        array = root.create_array(variable.name, shape=values.shape, dtype=variable.dtype, fill_value=None)
        array[...] = values
        array.attrs.update({"_ARRAY_DIMENSIONS": list(variable.dims), **attributes_of(variable)})
    for output in content.outputs:
        shape, chunk = content.shape, (1, 1, *content.axes.shape)
        array = root.create_array(output.name, shape=shape, dtype="f4", chunks=chunk, fill_value=float("nan"))
        described = attributes_of(output) | _links(content)
        array.attrs.update({"_ARRAY_DIMENSIONS": list(content.dims), **described})
    for places, values in chunks:
        for output, layers in zip(content.outputs, values, strict=True):
            root[output.name][places] = layers
    zarr.consolidate_metadata(root.store)
    shutil.rmtree(path, ignore_errors=True)
    temporary.rename(path)


def _global(content: Forecasts) -> dict[str, str]:
    now = datetime.datetime.now(datetime.UTC)
    return {"Conventions": _CONVENTIONS, "history": f"{now:%Y-%m-%dT%H:%M:%SZ} geoml predict", **content.attributes}


def _links(content: Forecasts) -> dict[str, str]:
    """Return the attributes that name an output's auxiliary coordinates and the areas of its cells."""
    further = "" if content.axes.regular else f" {LAT} {LON}"
    return {"coordinates": f"{TIME}{further}", "cell_measures": f"area: {AREA}"}


def _coordinates(content: Forecasts) -> list[tuple[Variable, NDArray[Any]]]:
    """Describe coordinates and cell areas, with their values."""
    clock = calendar_attributes(content.calendar)
    reference = {"standard_name": REFERENCE, **clock}
    valid = Variable(
        TIME,
        content.time_unit,
        "time of the forecast frame",
        (REFERENCE, LEAD),
        "f8",
        {"standard_name": "time", **clock},
    )
    return [
        (Variable(REFERENCE, content.time_unit, "last time seen", (REFERENCE,), "f8", reference), content.starts),
        _lead(content),
        (valid, content.valid),
        *grid_variables(content.axes),
    ]


def _lead(content: Forecasts) -> tuple[Variable, NDArray[np.int32]]:
    """Describe lead times: durations, but for months, which have no fixed length and are counted."""
    count = np.arange(1, content.valid.shape[1] + 1, dtype=np.int32) * content.step.count
    if content.step.kind == "month":
        return Variable(LEAD, "1", "lead time, in calendar months", (LEAD,), "i4"), count
    described = {"standard_name": "forecast_period"}
    return Variable(LEAD, f"{content.step.kind}s", "lead time", (LEAD,), "i4", described), count


_WRITERS: dict[str, Callable[[Path, Forecasts, Iterable[Part]], None]] = {".nc": _netcdf, ".zarr": _zarr}
