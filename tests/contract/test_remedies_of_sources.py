"""What a message of `prepare` advises helps: of towers, tables and grids of storage, stations, waves and land cover."""

from __future__ import annotations

import shutil
from pathlib import Path

import netCDF4
import pytest
import rasterio
from remedies import Case, follow, nothing

from geoml_cli.sources.gwsa import synthetic_products as products

SUBSET = "FLX_XA-Fir_FLUXNET2015_SUBSET_{}_2010-2012_1-4.csv"
FIR = ("--only", "XA-Fir")
DRAWN = ("--samples", "300")
GRIDS = ("--dynamic", "E,rf", "--static", "DEM")
YEARS = (*GRIDS, "--baseline", "2004-2005")


def both_resolutions(raw: Path) -> None:
    """Make monthly files of as many towers as there are daily ones."""
    for path in [*raw.glob("AMF*"), *raw.glob("*.zip")]:
        path.unlink()
    for path in raw.glob("*_DD_*.csv"):
        lines = path.read_text().splitlines()
        months = [",".join((row[:6], row.partition(",")[2])) for row in lines[1:] if row[6:8] == "01"]
        (raw / path.name.replace("_DD_", "_MM_")).write_text("\n".join([lines[0], *months]) + "\n")


def renamed(path: Path, old: str, new: str) -> None:
    lines = path.read_text().splitlines()
    head = [new if name == old else name for name in lines[0].split(",")]
    path.write_text("\n".join([",".join(head), *lines[1:]]) + "\n")


def without_flux(raw: Path) -> None:
    for path in raw.iterdir():
        if path.name.startswith(SUBSET.format("DD")):
            renamed(path, "NEE_VUT_REF", "NEE_old")
        elif not path.name.startswith("siteinfo"):
            path.unlink()


def without_driver(raw: Path) -> None:
    renamed(raw / SUBSET.format("DD"), "LW_IN_F", "LW_old")


def unnamed_quality(raw: Path) -> None:
    renamed(raw / SUBSET.format("DD"), "NEE_VUT_REF_QC", "SHARE")


def grids_beside(raw: Path) -> None:
    products.write(raw)


def grids(raw: Path) -> None:
    (raw / "gwsa.csv").unlink()
    products.write(raw)


def scattered_grids(raw: Path) -> None:
    """Put April's solution on the day after March's, as another version of it: no year has twelve months then."""
    grids(raw)
    with netCDF4.Dataset(next(raw.glob("GRC*")), "a") as file:
        file["time"][3] = file["time"][2] + 1


def table_beside(raw: Path) -> None:
    (raw / "wells.csv").write_text("well,year,level\n1,2003,4.5\n")


def second_footprint(raw: Path) -> None:
    for name in ("0.1", "0.5"):
        (raw / name).mkdir()
    for path in [path for path in raw.glob("*.csv") if path.name != "in_situ.csv"]:
        shutil.copy(path, raw / "0.1")
        path.rename(raw / "0.5" / path.name)


def second_truth(raw: Path) -> None:
    shutil.copy(raw / "in_situ.csv", raw / "older.csv")


def year_between(raw: Path) -> None:
    for path in raw.glob("*_2018*.csv"):
        path.unlink()


def late_releases(raw: Path) -> None:
    for year in (2016, 2019):
        (raw / f"LC_SSM_{year}.csv").unlink()


def foreign_code(raw: Path) -> None:
    for path in (raw / "classes").glob("*.tif"):
        with rasterio.open(path, "r+") as file:
            values = file.read(1)
            values[values == values.max()] = 42
            file.write(values, 1)


CASES = {
    "resolution": Case("fluxnet", both_resolutions, (), r"with (--resolution) (DD|MM)"),
    "no such resolution": Case("fluxnet", nothing, ("--resolution", "WW"), r"with (--resolution) (\w+)", ()),
    "target": Case("fluxnet", without_flux, (), r"Give (--target); there is .*(LE_F_MDS)"),
    "dynamic": Case("fluxnet", without_driver, FIR, r"every site has with (--dynamic)",
                    more=("TA_F, SW_IN_F, VPD_F, PA_F, P_F, WS_F",)),
    "quality": Case("fluxnet", unnamed_quality, FIR, r"column with (--quality-column)", more=("SHARE",)),
    "kind is tables": Case("gwsa", grids_beside, (), r"(--kind) (tables)"),
    "kind is products": Case("gwsa", grids_beside, YEARS, r"or (--kind) (products)"),
    "baseline": Case("gwsa", grids, GRIDS, r"other years with (--baseline)", more=("2004-2005",)),
    "bounds": Case("gwsa", grids, (*YEARS, "--bounds", "1,2,3,4"), r"Check (--bounds)", YEARS,
                   ("100.5,30.5,101.5,31.5",)),
    "months": Case("gwsa", scattered_grids, (*GRIDS, "--baseline", "2004-2004", "--months", "12"),
                   r"(--period) (month)"),
    "tables": Case("gwsa", table_beside, (), r"leave the file out with (--tables) PATTERN", more=("gwsa.csv",)),
    "footprint": Case("smap", second_footprint, (), r"(--footprint) (0\.5)"),
    "truth": Case("smap", second_truth, (), r"(--truth) (?:PATH|FILE)", more=("in_situ.csv",)),
    "years": Case("smap", year_between, (), r"with (--years)", more=("2019,2020,2021,2022",)),
    "land cover": Case("smap", late_releases, ("--nlcd", "previous"), r"use (--nlcd) (nearest)", ()),
    "legend": Case("clcd", foreign_code, (*DRAWN, "--legend", "clcd"), r"(--legend) (none)", DRAWN),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_a_message_advises_helps(name, synthetic, geoml, tmp_path):
    follow(CASES[name], synthetic(CASES[name].source), geoml, tmp_path)
