"""Addresses on the command line: what is read is fetched, what is written is sent, elsewhere they are refused."""

from __future__ import annotations

import json
from pathlib import Path

import fsspec
import pytest

from geoml_cli import registry
from geoml_cli.dataset.manifest import read_manifest


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_raw_files_of_a_bucket_give_the_same_data_set(geoml, bucket, tmp_path):
    options = registry.source("soc").synthetic(tmp_path / "raw", seed=1)
    bucket.put(f"{tmp_path}/raw", "/lab/raw", recursive=True)
    flags = ["--points", options.points, "--crs", options.crs, "--unit", "g kg-1"]
    assert geoml("prepare", "soc", "raw", *flags, "--data", "here").code == 0
    done = geoml("prepare", "soc", "memory://lab/raw", *flags, "--json")
    assert done.code == 0, done.err
    here, fetched = read_manifest(Path("here/soc")), read_manifest(Path("data/soc"))
    assert here.digest() == fetched.digest() and here.files == fetched.files
    assert (here.origin, fetched.origin) == ("", "memory://lab/raw")
    assert Path(fetched.raw).is_relative_to(tmp_path / "data" / ".remote")
    assert json.loads(geoml("prepare", "soc", "memory://lab/raw", *flags, "--json").out)["fresh"] is False


def test_a_map_is_sent_whole_or_from_parts_and_named_by_its_address(geoml, bucket, trained, data_root):
    common = ("predict", trained, "--data", data_root / "soc")
    done = geoml(*common, "--out=memory://lab/maps/soc.csv", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["file"] == "memory://lab/maps/soc.csv"
    assert geoml(*common, "--out", "soc.csv").code == 0
    assert bucket.cat("/lab/maps/soc.csv") == Path("soc.csv").read_bytes()
    assert bucket.exists("/lab/maps/soc.csv-metadata.json")
    part = geoml(*common, "--out", "memory://lab/maps/part.csv", "--part", "1/1")
    assert part.code == 0 and not bucket.exists("/lab/maps/part.csv")
    assert "memory://lab/maps/part.csv" in part.out
    assert geoml(*common, "-o", "memory://lab/maps/part.csv", "--finish").code == 0
    assert bucket.cat("/lab/maps/part.csv") == Path("soc.csv").read_bytes()
    assert not list(Path("data/.remote/out").iterdir())


def test_what_cannot_be_sent_is_not_lost(geoml, bucket, trained, data_root, monkeypatch):
    def refuse(*given, **more):
        raise PermissionError("read only")

    monkeypatch.setattr(type(bucket), "put_file", refuse)
    command = ("predict", trained, "--data", data_root / "soc", "--out", "memory://lab/soc.csv")
    done = geoml(*command, "--json")
    assert done.code == 1
    (kept,) = Path("data/.remote/out").glob("*/soc.csv")
    assert kept.stat().st_size and str(kept.parent) in done.err
    monkeypatch.undo()
    monkeypatch.chdir(kept.parents[4])
    assert geoml(*command).code == 0 and bucket.exists("/lab/soc.csv")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("prepare", "soc", "nothing://bucket/raw"), "is an address (nothing) that fsspec does not know"),
        (("train", "soc", "--note", "https://a", "--run=memory://b/run"), "where a path of this machine is meant"),
        (("prepare", "soc", "raw", "--data", "memory://b/data"), "where a path of this machine is meant"),
        (("export", "soc", "--out", "memory://b/soc.onnx"), "where a path of this machine is meant"),
        (("predict", "soc", "--out", "https://b/soc.tif"), "nothing can be written to a web server"),
        (("prepare", "soc", "memory://lab/raw", "--dry-run"), "is not fetched yet"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused(geoml, bucket, arguments, what):
    done = geoml(*arguments, "--json")
    error = json.loads(done.out)["error"]
    assert done.code == error["exit"] == 2 and what in error["what"]


def test_a_batch_script_keeps_addresses_for_its_job(geoml, bucket):
    done = geoml("slurm", "--time", "01:00:00", "predict", "soc", "--out", "s3://lab/soc.tif")
    assert done.code == 0 and "s3://lab/soc.tif" in done.out
