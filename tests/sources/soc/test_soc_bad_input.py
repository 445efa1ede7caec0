"""What goes wrong with a mapper's raw files: a message of three parts, exit code 3, nothing half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import GeomlError, SettingsError
from geoml_cli.sources.soc.options import SocOptions
from geoml_cli.work.reporting import NullReporter

Prepare = Callable[..., tuple[Dataset, NullReporter]]
Write = Callable[..., Path]
RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)


def fails(prepared: Prepare, raw: Path, message: str, **options: object) -> None:
    with pytest.raises(GeomlError, match=message) as caught:
        prepared(raw, **options)
    assert caught.value.exit_code == 3
    left = [path for path in (raw.parent / "prepared").glob("*") if not path.name.endswith(".lock")]
    assert not left, "a half-written data set is left"


TABLES = {
    "empty": (b"", "p.csv: begins with no header"),
    "header only": (b"lon,lat,soc\n", "p.csv: has a header and no rows"),
    "no target": (
        b"lon,lat,clay\n21,9,1\n",
        r"no column looks like target\. Give --target COLUMN; .*: lon, lat, clay",
    ),
    "two longitudes": (b"lon,Longitude,lat,soc\n21,21,9,1\n", "several columns could be x: lon, Longitude"),
    "wrong delimiter": (b"lon lat soc\n21 9 1\n", r"no column looks like x\..* the columns are: lon lat soc"),
    "no number": (
        b"lon,lat,soc\n21.05,8.95,1\n21.05,8.95,<0.5\n",
        "p.csv, line 3, column soc: '<0.5' is not",
    ),
    "decimal comma": (b"lon,lat,soc\n21.05,8.95,1,5\n", "p.csv, line 2: 4 cells where the header has 3"),
    "cells missing": (b"lon,lat,soc\n21.05,8.95\n", "p.csv, line 2: 2 cells where the header has 3"),
    "projected": (b"x,y,soc\n21,9,1\n7550745,4642927,1\n", r"p.csv, line 3: x = 7.55074e\+06.*--crs EPSG"),
    "far away": (
        b"lon,lat,soc\n121.05,8.95,1\n",
        r"none of 1 rows gives a sample \(outside the rasters 1\)\. Check --crs",
    ),
    "all missing": (b"lon,lat,soc\n21.05,8.95,NA\n", r"none of 1 rows gives a sample \(no target value 1\)"),
    "binary": (b"lon,lat,soc\n\x00\x01\x02", "p.csv: holds binary data"),
    "GeoJSON": (
        b'{\n"type": "FeatureCollection",\n"features": []}',
        "p.csv: holds JSON, not a table. Save it as CSV; of GeoJSON, with columns of the coordinates",
    ),
    "cut gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "p.csv: cannot be read to its end"),
    "same name twice": (b"lon,lat,soc,soc\n21,9,1,2\n", "several columns could be target: soc, soc"),
    "title above the names": (
        b"Soil survey 2020,,\nlon,lat,soc\n21,9,1\n",
        "x. Delete what stands above the row of names",
    ),
    "comment above the names": (
        b"# Soil survey 2020\nlon,lat,soc\n21,9,1\n",
        "x. Delete what stands above the row of names",
    ),
    "row of units": (
        b"lon,lat,soc\ndeg,deg,%\n21,9,1\n",
        "line 2, column lon: 'deg' is not .*Delete the row if it is one of",
    ),
    "percent": (b"lon,lat,soc\n21.05,8.95,2.5 %\n", "'2.5 %' is not a number. Write the number without the sign"),
    "python number": (b"lon,lat,soc\n21.05,8.95,1_0\n", "'1_0' is not a number"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(raw: Path, prepared: Prepare, name: str) -> None:
    content, message = TABLES[name]
    (raw / "p.csv").write_bytes(content)
    fails(prepared, raw, message)


def test_a_column_that_is_not_there(raw: Path, prepared: Prepare) -> None:
    fails(
        prepared,
        raw,
        r"there is no column 'OC'\. Give --target COLUMN; the columns are: id, lon, lat, soc",
        target="OC",
    )
    fails(prepared, raw, "there is no column 'site'", sample_id="site")


def test_tables_that_cannot_be_told_apart(raw: Path, prepared: Prepare) -> None:
    (raw / "q.csv").write_text("lon,lat,soc\n")
    fails(prepared, raw, r"there are 2 tables: p.csv, q.csv\. Say which holds the points: --points p.csv, or of q.csv")
    (raw / "a.csv").write_text("depth,method,note\n")
    fails(prepared, raw, r"there are 3 tables: a.csv, p.csv, q.csv\. Say which holds the points: --points p.csv")
    fails(prepared, raw, r"missing.csv: there is no such file\. Check --points", points="missing.csv")


def test_a_text_beside_the_table_is_no_table(raw: Path, prepared: Prepare) -> None:
    alone, _ = prepared(raw)
    (raw / "README.txt").write_text("Samples of 2019, as they were sent.\n")
    both, _ = prepared(raw)
    assert both.manifest.content == alone.manifest.content


def test_no_table(raw: Path, prepared: Prepare) -> None:
    (raw / "p.csv").unlink()
    fails(prepared, raw, r"there is no table of samples \(CSV\)\. Put it here")
    (raw / "p.csv.zip").write_bytes(b"PK")
    fails(prepared, raw, r"there is no table of samples \(CSV\)\. Unpack p\.csv\.zip if it is in there; put it here")
    (raw / "p.csv").mkdir()
    fails(prepared, raw, "p.csv: is a folder, not a file", points="p.csv")


def test_folders(raw: Path, prepared: Prepare, raster: Write, tmp_path: Path) -> None:
    fails(prepared, raw / "p.csv", "p.csv: is a file, not a folder")
    fails(prepared, raw / "nowhere", "there is no such f")
    fails(prepared, raw, r"covs: there is no such folder\. Check --covariates", covariates="covs")
    raster(raw / "more/x.tif", RAMP)
    fails(prepared, raw, r"several folders hold rasters: \., more\. Say which .*--covariates more")
    (raw / "dem.tif").unlink()
    (raw / "more/x.tif").unlink()
    fails(prepared, raw, r"raw: there are no rasters here")


@pytest.mark.parametrize("keep", [0, 7, 200, 0.6])
def test_a_truncated_raster(raw: Path, prepared: Prepare, raster: Write, keep: float) -> None:
    noise = np.random.default_rng(0).normal(size=(200, 300)).astype(np.float32)
    whole = raster(raw / "dem.tif", noise, compress="deflate").read_bytes()
    (raw / "dem.tif").write_bytes(whole[: keep if isinstance(keep, int) else int(len(whole) * keep)])
    fails(prepared, raw, r"dem.tif: is damaged or not a raster \(.*\)\. Get the file again")


def test_a_raster_without_a_place(raw: Path, prepared: Prepare, raster: Write) -> None:
    raster(raw / "dem.tif", RAMP, crs=None)
    fails(prepared, raw, r"dem.tif: has no CRS, so its place on Earth is not known\. Write its CRS")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raster(raw / "dem.tif", RAMP, transform=Affine.identity())
    fails(prepared, raw, "dem.tif: says nothing of the place and size of its pixels")


def test_a_raster_without_data(raw: Path, prepared: Prepare, raster: Write) -> None:
    raster(raw / "dem.tif", np.full((20, 30), -9999, dtype="int16"), nodata=-9999)
    fails(prepared, raw, "dem.tif: every pixel is missing")


def test_a_missing_year(raw: Path, prepared: Prepare, raster: Write) -> None:
    for name in ("evi_2001", "evi_2002", "evi_2004", "lsp_2001", "lsp_2002", "lsp_2004"):
        raster(raw / f"{name}.tif", RAMP)
    fails(prepared, raw, r"evi_2003\.tif is missing: evi lacks a year of 2001-2004")
    raster(raw / "evi_2003.tif", RAMP)
    fails(prepared, raw, r"lsp_2003\.tif is missing")


def test_names_that_are_no_raster(raw: Path, prepared: Prepare) -> None:
    fails(prepared, raw, r"--classes names no static raster: soil\. The static rasters are: dem", classes=("soil",))
    with pytest.raises(SettingsError, match=r"--nodata: soil is not read\. It can name: dem"):
        prepared(raw, nodata=("soil=3",))
    fails(prepared, raw, r"there is no raster 'soil' to align to\. Give --reference one of: dem", reference="soil")


def test_classes_that_are_none(raw: Path, prepared: Prepare, raster: Write) -> None:
    raster(raw / "dem.tif", RAMP + 0.5)
    fails(prepared, raw, r"dem.tif: holds no classes: fractions, or more than 256 values", classes=("dem",))
    raster(raw / "dem.tif", (RAMP > 900).astype(np.int32) + 555_555_624)
    fails(prepared, raw, r"dem.tif: holds codes of 16,777,216 and more, which are not distinguished", classes=("dem",))


def test_the_same_name_twice(raw: Path, prepared: Prepare, raster: Write) -> None:
    raster(raw / "dem.tiff", RAMP)
    fails(prepared, raw, r"dem.tiff and dem.tif both hold dem\. Keep one")


def test_an_unknown_crs_is_a_setting(raw: Path, prepared: Prepare) -> None:
    with pytest.raises(SettingsError, match="--crs: 'EPSG:999999' is no known CRS") as caught:
        prepared(raw, crs="EPSG:999999")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 4}, "must be odd"),
        ({"nodata": ("dem:3",)}, "NAME=VALUE"),
        ({"nodata": ("=3",)}, "NAME=VALUE"),
    ],
)
def test_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SocOptions(**options)
