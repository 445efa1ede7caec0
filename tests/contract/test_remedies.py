"""What a message of `prepare` advises helps: each case reads the option from the message, gives it, and ends with 0."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pytest
import rasterio
from affine import Affine
from grid_files import FIRST_DAYS, field, write
from rasterio.warp import transform
from remedies import Case, follow, nothing

MONTHS = (*FIRST_DAYS, 243.0, 273.0)
SOC = ("--points", "points.csv", "--covariates", "covs", "--classes", "land_cover")


def text(path: Path, old: str, new: str, count: int = -1) -> None:
    found = path.read_text()
    assert old in found
    path.write_text(found.replace(old, new, count))


def second_table(raw: Path) -> None:
    shutil.copy(raw / "points.csv", raw / "more.csv")


def second_folder(raw: Path) -> None:
    shutil.copytree(raw / "covs", raw / "other")


def rewrite(path: Path, change: Callable[[np.ndarray], np.ndarray], **profile: object) -> None:
    with rasterio.open(path) as file:
        values, settings = file.read(), file.profile
    path.unlink()
    settings.update(profile)
    with rasterio.open(path, "w", **settings) as file:
        file.write(change(values).astype(settings["dtype"]))


def coarser(raw: Path) -> None:
    with rasterio.open(raw / "covs/slope.tif") as file:
        t, height, width = file.transform, file.height, file.width
    half = Affine(t.a * 2, 0, t.c, 0, t.e * 2, t.f)
    rewrite(raw / "covs/slope.tif", lambda v: v[:, ::2, ::2], transform=half, width=-(-width // 2),
            height=-(-height // 2))  # fmt: skip


def undeclared(raw: Path) -> None:
    def put(values: np.ndarray) -> np.ndarray:
        values[0, 20:40, 20:40] = -9999
        return values

    rewrite(raw / "covs/temperature.tif", put, nodata=None, dtype="float32")


def default_of_netcdf(raw: Path) -> None:
    def put(values: np.ndarray) -> np.ndarray:
        values = values.astype("float32")
        values[0, 20:40, 20:40] = 9.969209968386869e36
        return values

    rewrite(raw / "covs/temperature.tif", put, nodata=None, dtype="float32")


def filled_target(raw: Path) -> None:
    lines = (raw / "points.csv").read_text().splitlines()
    for place in (3, 5, 7):
        lines[place] = ",".join([*lines[place].split(",")[:3], "9999"])
    (raw / "points.csv").write_text("\n".join(lines) + "\n")


def projected(raw: Path) -> None:
    lines = (raw / "points.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    x, y = transform("EPSG:4326", "EPSG:32634", [float(r[1]) for r in rows], [float(r[2]) for r in rows])
    moved = [",".join((row[0], f"{a:.2f}", f"{b:.2f}", *row[3:])) for row, a, b in zip(rows, x, y, strict=True)]
    (raw / "points.csv").write_text("\n".join([lines[0], *moved]) + "\n")


def strange_name(raw: Path) -> None:
    text(raw / "points.csv", "id,lon,lat", "id,wo,lat", 1)


def one_without_year(raw: Path) -> None:
    for year in (2018, 2019):
        (raw / f"classes/CLCD_v01_{year}.tif").unlink()
    (raw / "classes/CLCD_v01_2020.tif").rename(raw / "classes/CLCD_v01.tif")


def renamed_covariates(raw: Path) -> None:
    (raw / "covariates").rename(raw / "drivers")


def strange_code(raw: Path) -> None:
    for path in (raw / "classes").glob("*.tif"):
        rewrite(path, lambda v: np.where(v == 0, 255, v), nodata=None)


def every(raw: Path, change: Callable[[h5py.File], None]) -> None:
    for path in sorted(raw.glob("*.nc")):
        with h5py.File(path, "r+") as file:
            change(file)


def no_unit(raw: Path) -> None:
    def change(file: h5py.File) -> None:
        del file["sst"].attrs["units"]

    every(raw, change)


def second_variable(raw: Path) -> None:
    for path in sorted(raw.glob("*.nc")):
        with netCDF4.Dataset(path, "a") as file:
            twin = file.createVariable("sss", "f4", file["sst"].dimensions)
            twin.units = "1"
            twin[:] = 35.0 + 0.001 * np.arange(twin.size).reshape(twin.shape)


def plain(raw: Path, values: np.ndarray, **odd: object) -> None:
    """Put one file of plain numbers in place of the packed ones."""
    for path in raw.glob("*.nc"):
        path.unlink()
    write(raw / "sst.nc", values, **odd)


def spike(raw: Path) -> None:
    values = field(10)
    values[3, 0, 0] = 4567.5
    plain(raw, values, times=MONTHS)


def ambiguous(raw: Path) -> None:
    values = 1000 * (field(10) - 15)
    values[3, 0, 0] = -999
    plain(raw, values, times=MONTHS)


def deep(raw: Path) -> None:
    plain(raw, field(10), times=MONTHS)
    with netCDF4.Dataset(raw / "sst.nc", "a") as file:
        file.createDimension("level", 2)
        deep = file.createVariable("salt", "f4", ("time", "level", "lat", "lon"))
        deep.units = "1"
        deep[:] = np.repeat(field(10)[:, None], 2, axis=1)


def year_missing(raw: Path) -> None:
    (raw / "sst_2004.nc").unlink()


def raster_beside(raw: Path) -> None:
    place = {"crs": "EPSG:4326", "transform": Affine(0.1, 0, 20, 0, -0.1, 10)}
    with rasterio.open(raw / "map_2001-01.tif", "w", driver="GTiff", width=4, height=4, count=1, dtype="float32",
                       **place) as file:  # fmt: skip
        file.write(np.ones((1, 4, 4), dtype="f4"))


def second_sites(raw: Path) -> None:
    shutil.copy(raw / "siteinfo_fluxnet2015.csv", raw / "siteinfo_other.csv")


def no_sites(raw: Path) -> None:
    shutil.move(raw / "siteinfo_fluxnet2015.csv", raw.parent / "towers.csv")


def only_ae(raw: Path) -> None:
    (raw / "supermag.txt").unlink()


def carbon_spike(raw: Path) -> None:
    with h5py.File(min(raw.glob("*.h5")), "r+") as file:
        item = file["fco2_processed"][min(key for key in file["fco2_processed"] if key.isdigit())]
        values = item[...]
        values[tuple(np.argwhere(np.isfinite(values))[0])] = 4567.5
        item[...] = values


CASES = {
    "points": Case("soc", second_table, SOC[2:], r"(--points) (points.csv|more.csv)"),
    "covariates": Case("soc", second_folder, (*SOC[:2], *SOC[4:]), r"(--covariates) (\w+)"),
    "reference": Case("soc", coarser, SOC, r"(--reference) (\w+)"),
    "x": Case("soc", strange_name, SOC, r"Give (--x) COLUMN; the columns are: id, (wo)"),
    "crs": Case("soc", projected, SOC, r"need (--crs) EPSG:\.\.\.", more=("EPSG:32634",)),
    "fill is none": Case("soc", undeclared, SOC, r"(--nodata) (temperature=-9999)"),
    "fill is a value": Case("soc", undeclared, SOC, r"(--nodata) (temperature=none)"),
    "rounded fill": Case("soc", default_of_netcdf, SOC, r"(--nodata) (temperature=9\.96921e\+36)"),
    "target": Case("soc", filled_target, SOC, r"3 cells are 9999, .*(--nodata) (soc=9999)"),
    "target is a value": Case("soc", filled_target, SOC, r"(--nodata) (soc=none)"),
    "classes": Case("soc", nothing, (*SOC, "--classes", "temperature"), r"Leave temperature out of --classes", SOC),
    "year": Case("clcd", one_without_year, ("--samples", "300"), r"give (--year) YYYY", more=("2020",)),
    "folder": Case("clcd", renamed_covariates, ("--samples", "300"), r"(--covariates) FOLDER", more=("drivers",)),
    "code is none": Case("clcd", strange_code, ("--samples", "300"), r"(--nodata) (255)"),
    "var": Case("grid", second_variable, (), r"Name one with (--var)", more=("sst",)),
    "unit": Case("grid", no_unit, ("--var", "sst"), r"e\.g\. (--unit) (K)"),
    "no unit": Case("grid", nothing, ("--var", "sst", "--unit", "m"), r"Leave --unit out", ("--var", "sst")),
    "range": Case("grid", spike, ("--var", "sst"), r"give (--range) LOW,HIGH", more=("-10,5000",)),
    "grid fill": Case("grid", ambiguous, ("--var", "sst"), r"(--nodata) (sst=-999)"),
    "grid value": Case("grid", ambiguous, ("--var", "sst"), r"(--nodata) (sst=none)"),
    "regular expression": Case("grid", nothing, ("--var", "sst", "--date-pattern", "(?P<year>"),
                               r"see character (?:\d+)", ("--var", "sst")),
    "select": Case("grid", deep, ("--var", "salt"), r"(--select) (level=0)"),
    "period": Case("grid", year_missing, ("--var", "sst"), r"with --start and --end",
                   ("--var", "sst", "--end", "2003")),
    "pattern": Case("grid", raster_beside, ("--var", "sst"), r"Choose with (--pattern)", more=("*.nc",)),
    "crop": Case("grid", nothing, ("--var", "sst", "--crop", "1,2,3,4"), r"Give --crop as W", ("--var", "sst")),
    "sites": Case("fluxnet", second_sites, (), r"(--sites) (\S+)"),
    "no sites": Case("fluxnet", no_sites, (), r"with (--sites) FILE", more=("../towers.csv",)),
    "only": Case("fluxnet", nothing, ("--only", "XA-Nix", "--only", "XA-Fir"), r"out of --only", ("--only", "XA-Fir")),
    "quality": Case("fluxnet", nothing, ("--target", "LE_F_MDS", "--quality-column", "no_QC"),
                    r"(--quality-column) (none)", ("--target", "LE_F_MDS")),
    "ae": Case("ech", only_ae, (), r"with (--ae-as-sme)"),
    "carbon range": Case("carbon-ecs", carbon_spike, (), r"give (--range) LOW,HIGH", more=("-100,5000",)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_a_message_advises_helps(name, synthetic, geoml, tmp_path):
    follow(CASES[name], synthetic(CASES[name].source), geoml, tmp_path)
