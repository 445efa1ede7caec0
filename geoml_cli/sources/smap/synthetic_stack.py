"""A synthetic valley: pixel stacks by day in the units of the exports."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geoml_cli.sources.smap.synthetic_weather import Floats, make_nature

FIRST, DAYS = np.datetime64("2021-05-20", "D"), 25
_ROWS, _COLUMNS = 12, 16
_SIDE = 0.01
_NORTH, _WEST = 36.2, -98.4


def write_valley(folder: Path, random: np.random.Generator) -> None:
    """Write `valley.nc`: weather, satellites, terrain and land cover of 12 x 16 pixels over 25 days."""
    import netCDF4

    folder.mkdir(parents=True, exist_ok=True)
    start = int((FIRST - np.datetime64("2021-01-01", "D")).astype(np.int64)) + 1
    nature = make_nature(start + np.arange(DAYS, dtype=np.float64), _ROWS * _COLUMNS, random)
    daily: dict[str, Floats] = {**nature.weather, "LST": nature.lst / 0.02, "SMAP": nature.smap}
    daily |= {**nature.radar, **nature.bands}
    for name, share in (("LST", 0.5), ("VV", 0.8), ("B4", 0.6)):  # clouds, and days without a scene
        daily[name] = np.where(random.random(daily[name].shape) < share, np.nan, daily[name])
    cover = random.choice([52.0, 71.0, 82.0, 42.0], _ROWS * _COLUMNS)
    cover[: _COLUMNS // 2] = 11.0  # a lake
    fixed = {**nature.site, "land_cover": cover}
    with netCDF4.Dataset(folder / "valley.nc", "w") as file:
        for name, size in (("time", DAYS), ("lat", _ROWS), ("lon", _COLUMNS)):
            file.createDimension(name, size)
        time = file.createVariable("time", "i4", ("time",))
        time.units, time.calendar = "days since 1970-01-01", "proleptic_gregorian"
        time[:] = FIRST.astype(np.int64) + np.arange(DAYS)
        file.createVariable("lat", "f8", ("lat",))[:] = _NORTH - _SIDE * (np.arange(_ROWS) + 0.5)
        file.createVariable("lon", "f8", ("lon",))[:] = _WEST + _SIDE * (np.arange(_COLUMNS) + 0.5)
        for name, values in daily.items():
            variable = file.createVariable(name, "f4", ("time", "lat", "lon"), fill_value=np.nan)
            variable[:] = values.reshape(DAYS, _ROWS, _COLUMNS)
        for name, values in fixed.items():
            file.createVariable(name, "f4", ("lat", "lon"), fill_value=np.nan)[:] = values.reshape(_ROWS, _COLUMNS)
