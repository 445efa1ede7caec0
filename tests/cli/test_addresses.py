"""Addresses on the command line: what is read is fetched, what is written is sent, elsewhere they are refused."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import fsspec
import pytest
import rasterio

from geoml_cli import registry
from geoml_cli.dataset.manifest import read_manifest


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


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
    assert not list(Path("data/.remote/out").glob("[!.]*/*"))


def test_what_cannot_be_sent_is_not_lost(geoml, bucket, trained, data_root, monkeypatch):
    def refuse(*given, **more):
        raise PermissionError("read only")

    monkeypatch.setattr(type(bucket), "put_file", refuse)
    command = ("predict", trained, "--data", data_root / "soc", "--out", "memory://lab/soc.csv")
    done = geoml(*command, "--json")
    assert done.code == 1 and "could not be written" in json.loads(done.out)["error"]["what"], "one document"
    assert "written" not in geoml(*command).out
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


def test_what_was_not_sent_before_is_not_sent_by_a_dry_run_or_a_part(geoml, bucket, trained, data_root, monkeypatch):
    command = ("predict", trained, "--data", data_root / "soc", "--out", "memory://lab/soc.csv")
    with monkeypatch.context() as patch:
        patch.setattr(type(bucket), "put_file", lambda *given, **more: 1 / 0)
        assert geoml(*command).code == 1
    for more in (("--dry-run",), ("--part", "1/1")):
        assert geoml(*command, *more).code == 0
        assert not bucket.exists("/lab/soc.csv")
    assert geoml(*command, "--finish").code == 0 and bucket.exists("/lab/soc.csv")


def test_two_commands_do_not_write_to_one_address(geoml, bucket, trained, data_root):
    from geoml_cli.dataset.files import folder_lock
    from geoml_cli.dataset.remote import copy_of
    from geoml_cli.work.locking import locked

    command = ("predict", trained, "--data", data_root / "soc", "--out", "memory://lab/soc.csv")
    folder = copy_of("memory://lab/soc.csv", Path("data/.remote/out")).parent
    folder.mkdir(parents=True)
    with locked(folder_lock(folder), lambda holder: None):
        done = geoml(*command)
    assert done.code == 1 and "is writing it. Wait for it, or give another name" in done.err
    assert geoml(*command).code == 0


@pytest.mark.parametrize("form", [("-omemory://lab/x.csv",), ("-o=memory://lab/x.csv",), ("-o", "MEMORY://lab/x.csv")])
def test_every_form_of_an_option_may_have_an_address(geoml, bucket, trained, data_root, form):
    assert geoml("predict", trained, "--data", data_root / "soc", *form).code == 0
    assert bucket.exists("/lab/x.csv")


def test_a_run_is_no_address(geoml, bucket, trained):
    for words in (("memory://lab/run", "--index", "0"), ("--json", "memory://lab/run")):
        done = geoml("predict", *words)
        assert done.code == 2 and "where a path of this machine is meant" in done.err


def test_texts_may_be_addresses(geoml, bucket, trained):
    done = geoml("bundle", trained, "--author", "https://orcid.org/1", "--out", "memory://lab/b/")
    assert done.code == 0 and "memory://lab/b" in done.out, done.err
    assert bucket.exists("/lab/b/README.md") and not bucket.exists("/lab/b/b")


def test_a_copy_that_is_gone_is_fetched_by_the_command_that_is_named(geoml, bucket, trained, tmp_path):
    options = registry.source("soc").synthetic(tmp_path / "raw", seed=1)
    bucket.put(f"{tmp_path}/raw", "/lab/raw", recursive=True)
    flags = ["--points", options.points, "--crs", options.crs, "--unit", "g kg-1", "--classes", "land_cover"]
    assert geoml("prepare", "soc", "memory://lab/raw", *flags).code == 0
    shutil.rmtree("data/.remote")
    predicted = ("predict", trained, "--data", "data/soc", "--map", "--out", "map.tif")
    done = geoml(*predicted)
    assert done.code == 3 and "Fetch it with `geoml prepare soc memory://lab/raw`" in done.err, done.err
    assert geoml("prepare", "soc", "memory://lab/raw", *flags).code == 0
    done = geoml(*predicted)
    assert done.code == 0, done.err


def test_rasters_that_have_changed_since_are_told(geoml, trained, data_root, raw_soc, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(raw_soc, "raw")
    assert geoml("prepare", "soc", "raw", "--window", "5").code == 0
    predicted = ("predict", trained, "--data", "data/soc", "--map", "--out", "map.tif")
    path = max(Path("raw").rglob("*.tif"))
    path.touch()
    assert "have changed" not in geoml(*predicted).err, "the same bytes"
    with rasterio.open(path, "r+") as file:
        file.write(file.read() * 2)
    done = geoml(*predicted)
    assert f"Raw files have changed since the data set was prepared ({path.relative_to('raw')})" in done.err, done.err
    os.utime(path, (0, 0))
    assert "have changed" in geoml(*predicted).err, "a copy that keeps its time"


def test_pages_of_others_next_to_a_map_are_kept(geoml, bucket, trained, raw_soc, tmp_path):
    assert geoml("prepare", "soc", raw_soc, "--classes", "land_cover").code == 0
    bucket.pipe_file("/lab/soc.png", b"mine")
    command = ("predict", trained, "--data", "data/soc", "--map", "--out", "memory://lab/soc.tif")
    done = geoml(*command)
    assert done.code == 0 and "soc.png is kept: geoml did not write it" in done.err, done.err
    assert bucket.cat("/lab/soc.png") == b"mine" and bucket.exists("/lab/soc.qml")
    assert "sent: 2 files" in done.err
    bucket.rm_file("/lab/soc.png")
    for _ in range(2):  # its own it writes again
        done = geoml(*command)
        assert done.code == 0 and "is kept" not in done.err and bucket.cat("/lab/soc.png")[:4] == b"\x89PNG"
