"""Small files of GRACE mascons, GLDAS and factor grids, as their providers lay them out.

A few degrees in place of the globe; numbers follow from simple formulas, so that a test can work them out again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
WEST, SOUTH, EAST, NORTH = 100.0, 30.0, 103.0, 32.0
GAP = "2005-03"
"""A month without mascons."""
SEA = 3
"""Columns of GLDAS in the east that hold no data."""
MONTHS = np.arange("2004-01", "2006-01", dtype="datetime64[M]")
_LAYERS = {
    "SoilMoi0_10cm_inst": 20.0, "SoilMoi10_40cm_inst": 60.0, "SoilMoi40_100cm_inst": 120.0,
    "SoilMoi100_200cm_inst": 200.0, "SWE_inst": 5.0, "CanopInt_inst": 0.1,
}  # fmt: skip


def axes(spacing: float) -> tuple[Values, Values]:
    """Return the latitudes, ascending, and longitudes of a grid's centres."""
    rows, columns = round((NORTH - SOUTH) / spacing), round((EAST - WEST) / spacing)
    south, west = np.arange(rows, dtype=np.float64) + 0.5, np.arange(columns, dtype=np.float64) + 0.5
    return SOUTH + spacing * south, WEST + spacing * west


def thickness(month: int, latitude: Values, longitude: Values) -> Values:
    """Return the mascons' anomaly [cm] of a month counted from the first."""
    return np.asarray(0.5 * month + 2 * latitude[:, None] - longitude[None, :], dtype=np.float64)


def layers(month: int, latitude: Values, longitude: Values) -> dict[str, Values]:
    """Return GLDAS's water [kg m-2] of a month counted from the first."""
    place = latitude[:, None] + 2 * longitude[None, :]
    return {name: mean + np.sin(month) * mean / 10 + 0.01 * place for name, mean in _LAYERS.items()}


def write(folder: Path) -> Path:
    """Write all files.

    Args:
        folder: Is made where it does not exist.
    """
    (folder / "GLDAS").mkdir(parents=True, exist_ok=True)
    (folder / "factors").mkdir(exist_ok=True)
    _write_mascons(folder / "GRCTellus.JPL.200401_200512.GLO.RL06.3M.MSCNv04CRI.nc")
    for number, month in enumerate(MONTHS):
        stamp = str(month).replace("-", "")
        _write_gldas(folder / "GLDAS" / f"GLDAS_NOAH025_M.A{stamp}.021.nc4", number)
    _write_factors(folder / "factors")
    return folder


def _write_mascons(path: Path) -> None:
    """Longitudes run from 0 to 360; times lie about the middle of the month; fill -99999."""
    latitude, longitude = axes(0.5)
    months = [number for number, month in enumerate(MONTHS) if str(month) != GAP]
    first = (MONTHS[months].astype("datetime64[D]") - np.datetime64("2002-01-01")).astype(np.float64)
    middle = [day + 14.5 + number % 3 for number, day in enumerate(first.tolist())]
    values = np.array([thickness(number, latitude, longitude) for number in months])
    values[:, 0, 0] = -99999.0
    with _file(path, latitude, longitude) as file:
        _time(file, middle, "days since 2002-01-01T00:00:00Z", "gregorian")
        _put(file, "lwe_thickness", ("time", "lat", "lon"), values, "cm", -99999.0)
        _put(file, "uncertainty", ("time", "lat", "lon"), np.abs(values) / 10, "cm", -99999.0)
        _put(file, "land_mask", ("lat", "lon"), np.ones(values.shape[1:]), "1", -99999.0)


def _write_gldas(path: Path, month: int) -> None:
    latitude, longitude = axes(0.25)
    with _file(path, latitude, longitude) as file:
        _time(file, [0.0], f"days since {MONTHS[month]}-01 00:00:00", "standard")
        for name, values in layers(month, latitude, longitude).items():
            values[:, -SEA:] = -9999.0
            _put(file, name, ("time", "lat", "lon"), values[None], "kg m-2", -9999.0)


def _write_factors(folder: Path) -> None:
    """Write factors as they come: GLEAM year by year at 0.1 degree, others in one file, some without time."""
    latitude, longitude = axes(0.1)
    for year in (2004, 2005):
        with _file(folder / f"E_{year}_GLEAM_v4.2a_MO.nc", latitude, longitude) as file:
            _time(file, [31.0 * month for month in range(12)], f"days since {year}-01-01", "proleptic_gregorian")
            values = [month + latitude[:, None] + 0 * longitude for month in range(12)]
            _put(file, "E", ("time", "lat", "lon"), np.array(values), "mm month-1", -999.0)
    latitude, longitude = axes(0.25)
    with _file(folder / "climate.nc", latitude[::-1], longitude) as file:  # rows from north to south
        _time(file, [15.0 + 365.25 / 12 * month for month in range(24)], "days since 2004-01-01", "standard")
        values = [100 * month + latitude[::-1, None] + longitude for month in range(24)]
        _put(file, "rf", ("time", "lat", "lon"), np.array(values), "mm month-1", 1e20)
    with _file(folder / "DEM_srtm.nc", latitude, longitude) as file:
        _put(file, "elevation", ("lat", "lon"), 1000 * latitude[:, None] + longitude, "m", -32768.0)
    with _file(folder / "LC_MCD12C1.nc", latitude, longitude) as file:
        _time(file, [0.0, 366.0], "days since 2004-01-01", "standard")
        codes = (np.arange(len(longitude)) % 17)[None, :] * np.ones((len(latitude), 1))
        _put(file, "LC", ("time", "lat", "lon"), np.stack([codes, (codes + 1) % 17]), "1", 255.0)


def _file(path: Path, latitude: Values, longitude: Values) -> Any:  # noqa: ANN401  netCDF4 is untyped
    import netCDF4

    file = netCDF4.Dataset(path, "w", format="NETCDF4")
    for name, values, unit in (("lat", latitude, "degrees_north"), ("lon", longitude, "degrees_east")):
        file.createDimension(name, len(values))
        file.createVariable(name, "f8", (name,))[:] = values
        file[name].units = unit
    return file


def _time(file: Any, values: list[float], unit: str, calendar: str) -> None:  # noqa: ANN401
    file.createDimension("time", None)
    variable = file.createVariable("time", "f8", ("time",))
    variable[:] = values
    variable.setncatts({"units": unit, "calendar": calendar})


def _put(file: Any, name: str, dims: tuple[str, ...], values: Values, *about: Any) -> None:  # noqa: ANN401
    unit, fill = about
    variable = file.createVariable(name, "f4", dims, fill_value=fill, zlib=True)
    variable[:] = values
    variable.units = unit
