"""Synthetic sea surface temperature in yearly NetCDF files: seasonal, with warm and cold eddies that drift and grow.

The files carry what real ones do: dimensions in the order (lon, lat, time), packed numbers, longitudes from 0 to 360,
latitudes from north to south, a calendar without leap days, and a fill value on land.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.sources.grid.options import GridOptions

YEARS = tuple(range(2001, 2009))
ROWS, COLUMNS = 24, 32
_FILL, _SCALE, _OFFSET = -32768, 0.002, 288.0
_EDDIES = 5
_LAND_ABOVE = 1.0
Values = NDArray[np.floating]


def write_synthetic(folder: Path, seed: int) -> GridOptions:
    """Write one file a year; the same seed gives the same values.

    Returns:
        The options to prepare them with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    lat, lon = 46.0 - 0.5 * np.arange(ROWS), 300.0 + 0.5 * np.arange(COLUMNS)
    land = _land(generator)
    frames = temperature(generator, (lat, lon), 12 * len(YEARS))
    for number, year in enumerate(YEARS):
        values = np.where(land, np.nan, frames[12 * number : 12 * (number + 1)])
        _write(folder / f"sst_{year}.nc", (lat, lon), values, 365.0 * (year - 2000))
    return GridOptions(var="sst")


def temperature(generator: np.random.Generator, axes: tuple[Values, Values], months: int) -> Values:
    """Return temperatures [K], shape [months, rows, columns]."""
    lat, lon = np.meshgrid(*axes, indexing="ij")
    month = np.arange(months)[:, None, None]
    season = -np.cos(2 * np.pi * (month - 1) / 12) * (2 + 0.15 * (lat - lat.min()))
    frames = 300.0 - 0.6 * (lat - lat.min()) + season
    for _ in range(_EDDIES):
        phase, warmth, size = generator.uniform(0, 1), generator.choice([-2.0, 2.0]), generator.uniform(1.0, 2.5)
        west = lon.min() + (phase + 0.035 * month) % 1.0 * (lon.max() - lon.min())  # drifts east and comes again
        north = generator.uniform(lat.min(), lat.max()) + 0.8 * np.sin(2 * np.pi * (phase + month / 30))
        strength = warmth * (1 + 0.5 * np.sin(2 * np.pi * (phase + month / 17)))
        frames = frames + strength * np.exp(-((lon - west) ** 2 + (lat - north) ** 2) / (2 * size**2))
    return np.asarray(frames + generator.normal(0, 0.05, frames.shape))


def _land(generator: np.random.Generator) -> NDArray[np.bool_]:
    """Return land along the north-western corner and an island, [rows, columns]."""
    row, column = np.mgrid[0:ROWS, 0:COLUMNS]
    coast = row / (0.35 * ROWS) + column / (0.3 * COLUMNS) < _LAND_ABOVE
    north, west = generator.integers(ROWS // 2, ROWS - 4), generator.integers(COLUMNS // 2, COLUMNS - 4)
    island = (row - north) ** 2 + (column - west) ** 2 <= 4
    return np.asarray(coast | island)


def _write(path: Path, axes: tuple[Values, Values], values: Values, first_day: float) -> None:
    import netCDF4

    with netCDF4.Dataset(path, "w") as file:
        file.Conventions = "CF-1.8"
        for name, size in (("lon", COLUMNS), ("lat", ROWS), ("time", None)):
            file.createDimension(name, size)
        lat = file.createVariable("lat", "f4", ("lat",))
        lat.setncatts({"units": "degrees_north", "standard_name": "latitude"})
        lon = file.createVariable("lon", "f4", ("lon",))
        lon.setncatts({"units": "degrees_east", "standard_name": "longitude"})
        lat[:], lon[:] = axes
        time = file.createVariable("time", "f8", ("time",))
        time.setncatts({"units": "days since 2000-01-01", "calendar": "noleap", "standard_name": "time"})
        lengths = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
        time[:] = first_day + np.cumsum(lengths) - lengths / 2
        dims = ("lon", "lat", "time")
        sst = file.createVariable("sst", "i2", dims, fill_value=_FILL, zlib=True, fletcher32=True)
        sst.set_auto_maskandscale(False)
        sst.setncatts(
            {"units": "K", "standard_name": "sea_surface_temperature", "long_name": "Sea surface temperature"}
        )
        sst.setncatts({"scale_factor": _SCALE, "add_offset": _OFFSET})
        packed = np.where(np.isnan(values), _FILL, np.rint((np.nan_to_num(values) - _OFFSET) / _SCALE))
        sst[:] = np.transpose(packed.astype(np.int16), (2, 1, 0))
