"""Maps of several moments as one CF NetCDF: time by two coordinates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import atomic_write
from geoml_cli.dataset.variables import Variable
from geoml_cli.writers.attributes import attributes_of

Floats = NDArray[np.float32]
Axis = tuple[Variable, NDArray[np.float64]]
"""A coordinate and its values."""

_MAPPING = "crs"
_UNIT = "seconds since 1970-01-01 00:00:00"
_BOUNDS = "time_bnds"
_PERIODS = {"year": "Y", "month": "M", "day": "D"}
"""NumPy's unit of each."""


@dataclass(frozen=True)
class TimeMaps:
    """Axes, outputs and attributes of maps at several times.

    Attributes:
        axes: Rows, then columns.
        bands: What there is a map of.
        attributes: Of the file.
        mapping: Attributes of the variable that describes the CRS (CF's grid mapping); None where there is none.
        period: What a map is of, a year, month or day from its time on; empty or another word where it is of a moment.
    """

    axes: tuple[Axis, Axis]
    bands: tuple[Variable, ...]
    attributes: dict[str, str]
    mapping: Mapping[str, Any] | None = None
    period: str = ""

    def end(self, begin: np.datetime64) -> np.datetime64:
        """Return when the map that begins then ends."""
        unit = _PERIODS[self.period]
        return np.datetime64(begin.astype(f"datetime64[{unit}]") + 1, "s")


def _standard(unit: str) -> dict[str, str]:
    known = {"degrees_north": "latitude", "degrees_east": "longitude"}
    return {"standard_name": known[unit]} if unit in known else {}


def write(path: Path, content: TimeMaps, frames: Iterable[tuple[np.datetime64, Floats]]) -> None:
    """Write maps one by one; each has shape [bands, rows, columns]."""
    import netCDF4

    with atomic_write(path) as temporary, netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
        file.setncatts({"Conventions": "CF-1.11", **content.attributes})
        file.createDimension("time", None)
        clock = file.createVariable("time", "i8", ("time",))
        clock.setncatts({"standard_name": "time", "long_name": "time", "units": _UNIT, "calendar": "standard"})
        bounds = _bounds(file, clock) if content.period in _PERIODS else None
        names = []
        for axis, values in content.axes:
            file.createDimension(axis.name, len(values))
            coordinate = file.createVariable(axis.name, "f8", (axis.name,))
            coordinate.setncatts({**_standard(axis.unit), **attributes_of(axis)})
            coordinate[:] = values
            names.append(axis.name)
        mapped = {} if content.mapping is None else {"grid_mapping": _MAPPING}
        if content.mapping is not None:
            file.createVariable(_MAPPING, "i4").setncatts(dict(content.mapping))
        for band in content.bands:
            variable = file.createVariable(band.name, "f4", ("time", *names), fill_value=np.nan, zlib=True)
            variable.setncatts({**attributes_of(band), **mapped})
        for number, (time, layers) in enumerate(frames):
            clock[number] = time.astype("datetime64[s]").astype(np.int64)
            if bounds is not None:
                bounds[number] = clock[number], content.end(time).astype(np.int64)
            for band, layer in zip(content.bands, layers, strict=True):
                file[band.name][number] = layer


def _bounds(file: Any, clock: Any) -> Any:  # noqa: ANN401  netCDF4 is untyped
    """Declare begin and end of what each map is of; CF has them in the unit of the times."""
    file.createDimension("bnds", 2)
    clock.bounds = _BOUNDS
    return file.createVariable(_BOUNDS, "i8", ("time", "bnds"))
