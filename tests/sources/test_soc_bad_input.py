"""What goes wrong with raw files of soil mappers: a message of three parts, exit code 3, nothing half-written."""

from __future__ import annotations

import os
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoml_cli.errors import DataError, GeomlError, SettingsError
from geoml_cli.reporting import Silent
from geoml_cli.sources.soc import SOURCE
from geoml_cli.sources.soil.options import SocOptions
from geoml_cli.stages.prepare import prepare

RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)


@pytest.fixture
def raw(raster, table, tmp_path):
    """A folder that can be prepared."""
    raster(tmp_path / "raw/dem.tif", RAMP)
    table(tmp_path / "raw/p.csv", [(10, 10, 1)])
    return tmp_path / "raw"


def fails(prepared, raw: Path, message: str, **options: object) -> None:
    with pytest.raises(GeomlError, match=message) as caught:
        prepared(raw, **options)
    assert caught.value.exit_code == 3
    left = [path for path in (raw.parent / "prepared").glob("*") if not path.name.endswith(".lock")]
    assert not left, "a half-written data set is left"


TABLES = {
    "empty": (b"", "p.csv: begins with no header"),
    "header only": (b"lon,lat,soc\n", "p.csv: has a header and no rows"),
    "no target": (b"lon,lat,clay\n21,9,1\n", r"no column looks like target Give --target COLUMN; .*: lon, lat, clay"),
    "two longitudes": (b"lon,Longitude,lat,soc\n21,21,9,1\n", "several columns could be x: lon, Longitude"),
    "wrong delimiter": (b"lon lat soc\n21 9 1\n", "no column looks like x .* the columns are: lon lat soc"),
    "no number": (b"lon,lat,soc\n21.05,8.95,1\n21.05,8.95,<0.5\n", "p.csv, line 3, column soc: '<0.5' is not"),
    "decimal comma": (b"lon,lat,soc\n21.05,8.95,1,5\n", "p.csv, line 2: 4 cells where the header has 3"),
    "cells missing": (b"lon,lat,soc\n21.05,8.95\n", "p.csv, line 2: 2 cells where the header has 3"),
    "projected": (b"x,y,soc\n21,9,1\n7550745,4642927,1\n", r"p.csv, line 3: x = 7.55074e\+06.*--crs EPSG"),
    "far away": (b"lon,lat,soc\n121.05,8.95,1\n", r"none of 1 rows gives a sample \(outside the rasters 1\) Check --crs"),
    "all missing": (b"lon,lat,soc\n21.05,8.95,NA\n", r"none of 1 rows gives a sample \(no target value 1\)"),
    "binary": (b"lon,lat,soc\n\x00\x01\x02", "p.csv: holds binary data"),
    "cut gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "p.csv: cannot be read to its end"),
    "same name twice": (b"lon,lat,soc,soc\n21,9,1,2\n", "several columns could be target: soc, soc"),
    "python number": (b"lon,lat,soc\n21.05,8.95,1_0\n", "'1_0' is not a number"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(raw, prepared, name):
    content, message = TABLES[name]
    (raw / "p.csv").write_bytes(content)
    fails(prepared, raw, message)


def test_a_column_that_is_not_there(raw, prepared):
    fails(prepared, raw, "there is no column 'OC' Give --target COLUMN; the columns are: id, lon, lat, soc", target="OC")
    fails(prepared, raw, "there is no column 'site'", sample_id="site")


def test_tables_that_cannot_be_told_apart(raw, prepared):
    (raw / "q.csv").write_text("lon,lat,soc\n")
    fails(prepared, raw, r"there are 2 tables: p.csv, q.csv Say which holds the points: --points p.csv")
    fails(prepared, raw, r"missing.csv: there is no such file Check --points", points="missing.csv")


def test_no_table(raw, prepared):
    (raw / "p.csv").unlink()
    fails(prepared, raw, r"there is no table of samples \(CSV\)")
    (raw / "p.csv").mkdir()
    fails(prepared, raw, "p.csv: is a folder, not a file", points="p.csv")


def test_folders(raw, prepared, raster, tmp_path):
    fails(prepared, raw / "p.csv", "p.csv: is a file, not a folder")
    fails(prepared, raw / "nowhere", "there is no such f")
    fails(prepared, raw, "covs: there is no such folder Check --covariates", covariates="covs")
    raster(raw / "more/x.tif", RAMP)
    fails(prepared, raw, r"several folders hold rasters: \., more Say which .*--covariates more")
    (raw / "dem.tif").unlink()
    (raw / "more/x.tif").unlink()
    fails(prepared, raw, r"raw: there are no rasters here")


@pytest.mark.parametrize("keep", [0, 7, 200, 0.6])
def test_a_truncated_raster(raw, prepared, raster, keep):
    noise = np.random.default_rng(0).normal(size=(200, 300)).astype(np.float32)
    whole = raster(raw / "dem.tif", noise, compress="deflate").read_bytes()
    (raw / "dem.tif").write_bytes(whole[: keep if isinstance(keep, int) else int(len(whole) * keep)])
    fails(prepared, raw, r"dem.tif: is damaged or not a raster \(.*\) Get the file again")


def test_a_raster_without_a_place(raw, prepared, raster):
    raster(raw / "dem.tif", RAMP, crs=None)
    fails(prepared, raw, "dem.tif: has no CRS, so its place on Earth is not known Write its CRS")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raster(raw / "dem.tif", RAMP, transform=Affine.identity())
    fails(prepared, raw, "dem.tif: says nothing of the place and size of its pixels")


def test_a_raster_without_data(raw, prepared, raster):
    raster(raw / "dem.tif", np.full((20, 30), -9999, dtype="int16"), nodata=-9999)
    fails(prepared, raw, "dem.tif: every pixel is missing")


def test_a_missing_year(raw, prepared, raster):
    for name in ("evi_2001", "evi_2002", "evi_2004", "lsp_2001", "lsp_2002", "lsp_2004"):
        raster(raw / f"{name}.tif", RAMP)
    fails(prepared, raw, r"evi_2003\.tif is missing: evi lacks a year of 2001-2004")
    raster(raw / "evi_2003.tif", RAMP)
    fails(prepared, raw, r"lsp_2003\.tif is missing")


def test_names_that_are_no_raster(raw, prepared):
    fails(prepared, raw, "--classes names no static raster: soil The static rasters are: dem", classes=("soil",))
    fails(prepared, raw, "--nodata names no raster: soil The names are: dem", nodata=("soil=3",))
    fails(prepared, raw, "there is no raster 'soil' to align to Give --reference one of: dem", reference="soil")


def test_classes_that_are_none(raw, prepared, raster):
    raster(raw / "dem.tif", RAMP + 0.5)
    fails(prepared, raw, r"dem.tif: holds no classes: fractions, or more than 256 values", classes=("dem",))


def test_the_same_name_twice(raw, prepared, raster):
    raster(raw / "dem.tiff", RAMP)
    fails(prepared, raw, "dem.tiff and dem.tif both hold dem Keep one")


def test_an_unknown_crs_is_a_setting(raw, prepared):
    with pytest.raises(SettingsError, match="--crs: 'EPSG:999999' is no known CRS") as caught:
        prepared(raw, crs="EPSG:999999")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [({"window": 4}, "must be odd"), ({"nodata": ("dem:3",)}, "NAME=VALUE"), ({"nodata": ("=3",)}, "NAME=VALUE")],
)
def test_options(options, message):
    with pytest.raises(ValueError, match=message):
        SocOptions(**options)


@pytest.fixture
def release(tmp_path):
    """The paper's arrays, in small."""
    folder = tmp_path / "release"
    (folder / "train_test_idx").mkdir(parents=True)
    random = np.random.default_rng(0)
    shapes = {"window_common": (8, 3, 5, 5), "ts_evi": (8, 10, 1), "ts_lsp": (8, 10, 2)}
    for name, shape in shapes.items():
        (folder / f"samples_{name}.pkl").write_bytes(pickle.dumps(random.random(shape)))
    for split in (1, 2, 10):
        (folder / f"train_test_idx/train_{split}.pkl").write_bytes(pickle.dumps([0, 1, 2, 3, split % 7 + 1]))
        (folder / f"train_test_idx/test_{split}.pkl").write_bytes(pickle.dumps([6, 7] if split < 10 else [0 + 5]))
    return folder


def test_released_arrays(release, prepared):
    dataset, reporter = prepared(release)
    stored = pickle.loads((release / "samples_ts_lsp.pkl").read_bytes())  # written by this test
    np.testing.assert_array_equal(dataset.array("series")[:, :, 1:], stored.astype("f4"))
    assert dataset.labels("feature") == ["evi", "lsp_1", "lsp_2"]
    assert dataset.array("year").tolist() == list(range(2002, 2012))
    assert dataset.array("split").tolist() == [
        [1, 1, 1, 1, 0, 0, 2, 2],
        [1, 1, 1, 1, 0, 0, 2, 2],
        [1, 1, 1, 1, 1, 2, 0, 0],
    ]
    assert np.isnan(dataset.array("soc")).all()
    assert any("not public" in text for text in reporter.warned)
    with pytest.raises(DataError, match="made from released arrays, which have no rasters to map"):
        SOURCE.scene(release, dataset.manifest)


def test_released_arrays_with_their_table(release, prepared):
    rows = [f"{100 + n},{30 + n},{n + 0.5 if n else ''}" for n in range(8)]
    (release / "samples.csv").write_text("\n".join(["lon,lat,soc", *rows]))
    dataset, reporter = prepared(release)
    np.testing.assert_array_equal(dataset.array("soc"), [np.nan, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5])
    assert dataset.array("lon").tolist() == list(range(100, 108))
    assert not reporter.warned
    (release / "samples.csv").write_text("\n".join(["lon,lat,soc", *rows[1:]]))
    with pytest.raises(DataError, match="has 7 rows for 8 released samples"):
        prepared(release)


RELEASED = {
    "samples_ts_evi.pkl": (np.zeros((7, 10, 1)), "has 7 samples x 10 years, not 8 x 10"),
    "samples_ts_lsp.pkl": ([1, 2], r"holds list An array of numbers with axes \(sample, year, feature\)"),
    "samples_window_common.pkl": (np.zeros((8, 3, 5, 4)), "its windows are not square"),
    "train_test_idx/test_1.pkl": ([0], r"test_1.pkl: sample 0 is also in train_1.pkl"),
    "train_test_idx/test_2.pkl": ([8], r"test_2.pkl: sample 8 does not exist The arrays hold samples 0 to 7"),
    "train_test_idx/train_1.pkl": ({"a": 1}, r"train_1.pkl: holds no list of sample numbers"),
}


@pytest.mark.parametrize("name", RELEASED)
def test_released_arrays_that_do_not_fit(release, prepared, name):
    value, message = RELEASED[name]
    (release / name).write_bytes(pickle.dumps(value))
    fails(prepared, release, message)


@pytest.mark.parametrize("name", ["samples_ts_evi.pkl", "train_test_idx/test_2.pkl"])
def test_released_files_that_are_missing(release, prepared, name):
    (release / name).unlink()
    fails(prepared, release, re.escape(Path(name).name) + " is missing")


class _Payload:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f'touch "{self.mark}"',)


@pytest.mark.parametrize("name", ["samples_window_common.pkl", "train_test_idx/train_1.pkl"])
def test_a_malicious_pickle_runs_nothing(release, prepared, tmp_path, name):
    mark = tmp_path / "was here"
    (release / name).write_bytes(pickle.dumps(_Payload(mark)))
    fails(prepared, release, r"the pickle asks for (posix|nt)\.system, which was refused")
    assert not mark.exists()


FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12)


def _damaged(content: bytes, changes: list[tuple[float, int]], keep: float) -> bytes:
    bytes_ = bytearray(content)
    for place, value in changes:
        bytes_[int(place * len(bytes_))] = value
    return bytes(bytes_[: int(len(bytes_) * keep) + 1])


def _prepares_or_refuses(raw: Path) -> None:
    folder = raw.parent / "out"
    try:
        prepare("soc", raw, SocOptions(), folder, Silent())
    except GeomlError as error:
        assert error.exit_code in (2, 3)
        assert error.where or error.fix
        left = [path.name for path in raw.parent.iterdir() if path.name.startswith((".out.partial", ".out.old"))]
        assert not left


@FUZZ
@given(changes=DAMAGE, keep=st.floats(0, 1))
def test_damaged_tables_only_raise_our_errors(raw, changes, keep):
    content = "id;lon;lat;soc\r\nä;21,05;8,95;1,5\r\n\"b\";21,15;8,85;2\r\n".encode()
    (raw / "p.csv").write_bytes(_damaged(content, changes, keep))
    _prepares_or_refuses(raw)


@FUZZ
@given(content=st.binary(max_size=60))
def test_any_bytes_as_table_only_raise_our_errors(raw, content):
    (raw / "p.csv").write_bytes(content)
    _prepares_or_refuses(raw)


@settings(FUZZ, max_examples=120)
@given(changes=DAMAGE, keep=st.sampled_from([1.0, 1.0, 1.0, 0.9, 0.5, 0.1]), header=st.booleans())
def test_damaged_rasters_only_raise_our_errors(raw, raster, changes, keep, header):
    content = raster(raw / "dem.tif", RAMP, nodata=-9999, compress="deflate").read_bytes()
    head = 400 / len(content) if header else 1.0  # most of what matters stands in the first bytes
    (raw / "dem.tif").write_bytes(_damaged(content, [(place * head, value) for place, value in changes], keep))
    _prepares_or_refuses(raw)


@settings(FUZZ, max_examples=150)
@given(changes=DAMAGE, keep=st.sampled_from([1.0, 1.0, 0.7]))
def test_damaged_pickles_only_raise_our_errors(release, changes, keep):
    content = pickle.dumps(np.random.default_rng(0).random((8, 10, 1)))
    (release / "samples_ts_evi.pkl").write_bytes(_damaged(content, changes, keep))
    _prepares_or_refuses(release)
