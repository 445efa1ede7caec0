"""What goes wrong with tables of cells: three parts, exit code 3, nothing half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.sources.gwsa.options import GwsaOptions
from geoml_cli.work.reporting import NullReporter

PrepareGwsa = Callable[..., tuple[Dataset, NullReporter]]
HEADER = "lat,lon,year,rf,E,DEM,LC,GWS\n"
ROW = "30,100,2003,500,300,1000,10,1.5\n"

TABLES = {
    "empty": (b"", "t.csv: begins with no header"),
    "header only": (HEADER, r"raw é: none of 0 rows can be used \(there are none\)\. Give a table with rows"),
    "no latitude": (
        "lon,year,rf\n1,2003,1\n",
        r"t.csv: there is no column of the latitude\. Name it 'lat', or leave .* --tables PATTERN\. .*: lon, year, rf",
    ),
    "no factor": (
        "lat,lon,year,rf,e0,DEM,LC\n1,2,2003,1,2,3,4\n",
        r"t.csv: there is no column E\. Add it, or choose others with --dynamic\. .*The columns are: lat, lon",
    ),
    "no land cover": ("lat,lon,year,rf,E,DEM\n1,2,2003,1,2,3\n", "no column LC. .*--category"),
    "no statics": ("lat,lon,year,rf,E,LC\n1,2,2003,1,2,3\n", "no column DEM. .*--static"),
    "no time": (
        "lat,lon,rf,E,DEM,LC\n1,2,3,4,5,6\n",
        "neither a column of the year nor columns VAR_YYYY or VAR_YYYY_MM are there",
    ),
    "wide, no factor": ("lat,lon,DEM,LC,rf_2003\n1,2,3,4,5\n", r"there is no column E_YYYY\. Add it"),
    "no number": (HEADER + ROW + "30,100,2004,<5,300,1000,10,1.5\n", "t.csv, line 3, column rf: '<5' is not a number"),
    "true": (HEADER + "30,100,2004,TRUE,300,1000,10,1.5\n", "line 2, column rf: 'True' is not a number"),
    "no year": (HEADER + ROW + ROW.replace("2003", "20034"), "t.csv, line 3, column year: '20034' is no year"),
    "no month": (HEADER + ROW.replace("2003", "2003_13"), "column year: '2003_13' is no year. Write 2003, or 2003_07"),
    "no day": (HEADER + ROW.replace("2003", "2003-02-30"), r"'2003-02-30' is no year. Write .*\(or 2003-07-16\)"),
    "years as days": (
        HEADER + ROW.replace("2003", "2003-01-01") + ROW.replace("2003", "2004-01-01"),
        "line 2, column year: dates of 2 years are all of one month, as if each stood for its year. Write 2003 for a "
        "year, or 2003_01 for a month",
    ),
    "years and months": (HEADER + ROW + ROW.replace("2003", "2004_01"), "both years and months: '2003' and '2004_01'"),
    "class out of range": (
        HEADER + "\n" + ROW + ROW.replace(",10,", ",17,").replace("2003", "2004"),
        r"t.csv, line 4, column LC: LC is 17, not a MODIS IGBP class of 0 to 16\. Recode it .*MCD12Q1 calls 17",
    ),
    "class is a fraction": (HEADER + ROW.replace(",10,", ",1.5,"), "LC is 1.5, not a MODIS IGBP class"),
    "swapped": (HEADER + "100,30,2003,500,300,1000,10,1.5\n", "line 2, column lat: lat is 100, not within -90 to 90"),
    "cells missing": (HEADER + ROW + "30,100,2004,500\n", "t.csv, line 3: 4 cells where the header has 8"),
    "more cells": (
        HEADER + ROW + ROW.replace("1.5", "1,5"),
        "line 3: 9 cells where the header has 8. Cells are separated by ','",
    ),
    "first row too long": (HEADER + ROW.replace("1.5", "1,5"), "line 2: 9 cells where the header has 8"),
    "wrong delimiter": (HEADER.replace(",", " "), "there is no column of the latitude"),
    "twice": ("lat,lat,lon,year\n1,1,2,2003\n", "several columns are called 'lat'. Keep one"),
    "all fills": (
        HEADER + ROW.replace("500", "-99999"),
        r"none of 1 rows can be used \(fill value \(not above -9998\) 1\)\. Columns that lack values: rf 1",
    ),
    "contradiction": (
        HEADER + ROW + ROW.replace("500", "501"),
        r"t.csv, line 3 \(first in .*t.csv, line 2\): lat 30, lon 100 stands twice in 2003-01, and rf differs: "
        "500, then 501. Keep one",
    ),
    "date line": (
        HEADER + ROW.replace("100", "180", 1) + ROW.replace("100", "-180", 1).replace("500", "501"),
        r"lat 30, lon -180 stands twice in 2003-01, and rf differs: 500, then 501",
    ),
    "binary": (b"lat,lon\n\x00\x01", "t.csv: holds binary data"),
    "cut gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "t.csv: cannot be read to its end"),
}


def fails(prepare_gwsa: PrepareGwsa, raw: Path, message: str, **options: object) -> None:
    with pytest.raises(DataError, match=message) as caught:
        prepare_gwsa(raw, **options)
    assert caught.value.where and caught.value.fix
    folder = raw.parent / "prepared"
    assert not [path for path in folder.glob("*") if not path.name.endswith(".lock")], "half a data set is left"


@pytest.mark.parametrize("name", TABLES)
def test_tables(raw: Path, prepare_gwsa: PrepareGwsa, name: str) -> None:
    content, message = TABLES[name]
    (raw / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    fails(prepare_gwsa, raw, message)


def test_parquet(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    path = raw / "t.parquet"
    long.assign(LC=[10, 10, 12, 0, 99, 5]).to_parquet(path)
    fails(prepare_gwsa, raw, "t.parquet, row 5, column LC: LC is 99, not a MODIS IGBP class")
    path.write_bytes(path.read_bytes()[:400])
    fails(prepare_gwsa, raw, "t.parquet: cannot be read as Parquet")


def test_parts_that_do_not_fit(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    long.to_csv(raw / "1.csv", index=False)
    long.drop(columns="GWS").to_csv(raw / "2.csv", index=False)
    fails(prepare_gwsa, raw, "2.csv: there is no column GWS, though 1.csv has one. Prepare tables with and without")
    long.assign(year="2003_01").to_csv(raw / "2.csv", index=False)
    fails(prepare_gwsa, raw, "2.csv, line 2, column year: there are both years and months")


def test_folders(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    fails(prepare_gwsa, raw, "raw é: there are neither tables of cells nor grids. Tables end in .csv")
    fails(prepare_gwsa, raw / "nowhere", "nowhere: there is no such file or folder")
    (raw / "x.txt.nc").touch()
    long.to_csv(raw / "t.csv", index=False)
    fails(prepare_gwsa, raw, "both tables and NetCDF grids. Say which are meant: --kind tables or --kind products")
    assert prepare_gwsa(raw, kind="tables")[0].manifest.funnel.kept == 6


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"memory": "lots"}, "is no size; write it as 512MB"),
        ({"memory": "1MB"}, "is not enough; give 64MB"),
        ({"dynamic": ()}, "needs one factor at least"),
        ({"dynamic": ("E", "E")}, "E is named twice"),
        ({"baseline": "2004"}, "is no span of years"),
        ({"baseline": "2009-2004"}, "ends before it begins"),
        ({"bounds": "1,2,3"}, "is not WEST,SOUTH,EAST,NORTH"),
        ({"bounds": "10,50,5,60"}, "is no box of longitudes .*across the date line write it as 175,-20,-175,-10"),
        ({"bounds": "-10,50,-20,60"}, "is no box of longitudes"),
        ({"bounds": "10,50,20,95"}, "is no box of longitudes"),
        ({"units": ("rf",)}, "is not of the form NAME=UNIT"),
        ({"static": ("E",)}, "E is both dynamic and static"),
        ({"static": ("lat",)}, "lat is what the data set calls something else"),
        ({"static": ("DEM", "index")}, "index is what the data set calls something else"),
        ({"dynamic": ("station_index",)}, "station_index is what the data set calls something else"),
        ({"target": "year"}, "year is what the data set calls something else"),
        ({"target": "LST"}, "LST is a factor already"),
    ],
)
def test_options(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GwsaOptions(**given)


def test_a_year_far_from_all_others_is_refused_with_its_line(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    rows = [f"{30 + cell},100,{year},500,300,1000,10,1.5\n" for year in range(2003, 2013) for cell in range(5)]
    rows[17] = rows[17].replace(",2006,", ",2113,")
    (raw / "t.csv").write_text(HEADER + "".join(rows))
    fails(prepare_gwsa, raw, r"t.csv, line 19, column year: 2113-01-01 00:00 is far from .* \(2003-01-01")


def test_undeclared_fills_are_refused_with_both_remedies(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    rows = [f"{30 + cell},100,{2003 + cell % 5},{500 + cell},300,1000,10,{cell / 10}\n" for cell in range(50)]
    rows[7] = rows[7].replace(",507,", ",-999,")
    rows[9] = rows[9].replace(",509,", ",-999,")
    (raw / "t.csv").write_text(HEADER + "".join(rows))
    told = r"rf: 2 cells are -999, which looks like no data .* --nodata rf=-999 where .* --nodata rf=none where it is"
    fails(prepare_gwsa, raw, told)
    without, _ = prepare_gwsa(raw, nodata=("rf=-999",))
    assert without.manifest.funnel.kept == 48 and without.manifest.funnel.dropped == {"no value": 2}
    valid, _ = prepare_gwsa(raw, nodata=("rf=none",))
    assert valid.manifest.funnel.kept == 50
    with pytest.raises(SettingsError, match="rx is not read"):
        prepare_gwsa(raw, nodata=("rx=-999",))


def test_a_workbook_next_to_tables_is_told_and_read_where_it_is_named(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    (raw / "t.csv").write_text(HEADER + ROW)
    frame = pd.read_csv(raw / "t.csv")
    frame.assign(lon=frame["lon"] + 1).to_excel(raw / "u.xlsx", index=False)
    alone, _ = prepare_gwsa(raw)
    [told] = [note for note in alone.manifest.funnel.notes if "passed over" in note]
    assert told == "passed over: u.xlsx (a workbook next to other tables: --tables '*.*' reads both)"
    both, _ = prepare_gwsa(raw, tables="*.*")
    assert both.manifest.funnel.kept == 2 * alone.manifest.funnel.kept


def test_what_is_passed_over_is_named_once_with_the_reason(raw: Path, prepare_gwsa: PrepareGwsa) -> None:
    (raw / "t.csv").write_text(HEADER + ROW)
    (raw / "old.csv").write_text("a,b\n1,2\n")
    (raw / "readme.pdf").write_bytes(b"%PDF")
    (raw / "more").mkdir()
    dataset, _ = prepare_gwsa(raw, tables="t*")
    told = [note for note in dataset.manifest.funnel.notes if "passed over" in note]
    assert told == [
        "passed over: more (a folder: only tables in RAW itself are read); old.csv (does not fit --tables t*); "
        "readme.pdf (no table by its name)"
    ]
