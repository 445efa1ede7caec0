"""Predictions killed or stopped half-way resume with the next chunk, and end the same."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import rasterio

from geoml_cli.errors import DataError, SettingsError, StoppedError
from geoml_cli.writers import raster
from geoml_cli.writers.chunk_store import ChunkStore, whole

KILLS = int(os.environ.get("GEOML_KILLS", "2"))


def command(run, data_root, out, *more):
    chosen = ["--map"] if out.suffix == ".tif" else []
    arguments = [str(run), *chosen, "--out", str(out), "--data", str(data_root), *more]
    return [sys.executable, "-m", "geoml_cli", "predict", *arguments]


def pixels(path):
    with rasterio.open(path) as file:
        return file.read()


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


@pytest.mark.slow
def test_a_map_killed_at_random_moments_ends_the_same(run, data_root, tmp_path):
    block = ("--set", "predict.block=16")
    subprocess.run(command(run, data_root, tmp_path / "whole.tif", *block), check=True, capture_output=True)
    out, generator, kills = tmp_path / "killed.tif", random.Random(8), 0
    parts = out.with_name(f".{out.name}.parts")
    while not out.exists() and kills < KILLS:
        before = len(list(parts.glob("[0-9]*.npz")))
        process = subprocess.Popen(
            command(run, data_root, out, *block), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        wanted = before + generator.randrange(1, 8)
        while process.poll() is None and len(list(parts.glob("[0-9]*.npz"))) < wanted:
            time.sleep(0.002)
        time.sleep(generator.uniform(0, 0.02))
        process.kill()
        kills += process.wait() != 0
    subprocess.run(command(run, data_root, out, *block), check=True, capture_output=True)
    assert kills
    np.testing.assert_array_equal(pixels(out), pixels(tmp_path / "whole.tif"))
    files = {f"{name}{suffix}" for name in ("whole", "killed") for suffix in (".tif", ".png", ".qml")}
    assert {path.name for path in tmp_path.iterdir()} == {"run", *files}
    assert (tmp_path / "killed.qml").read_bytes() == (tmp_path / "whole.qml").read_bytes()


@pytest.mark.slow
def test_a_signal_keeps_the_finished_parts_and_ends_with_75(run, data_root, tmp_path):
    out = tmp_path / "samples.csv"
    process = subprocess.Popen(
        command(run, data_root, out, "--set", "predict.rows=1"), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    parts = out.with_name(f".{out.name}.parts")
    while process.poll() is None and not list(parts.glob("[0-9]*.npz")):
        time.sleep(0.002)
    process.send_signal(signal.SIGTERM)
    message = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 75 and "stopped by SIGTERM after chunk" in message, message
    assert not out.exists() and list(parts.glob("*.npz"))


def test_a_signal_while_the_file_is_written_ends_with_75_too(run, data_root, tmp_path, geoml, monkeypatch):
    words = command(run, data_root, tmp_path / "m.tif")[3:]

    def interrupted(*given, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setitem(raster._WRITERS, ".tif", interrupted)
        done = geoml(*words)
    assert done.code == 75 and "stopped; finished chunks are kept. The same command resumes." in " ".join(
        done.err.split()
    ), done.err
    assert not (tmp_path / "m.tif").exists() and list((tmp_path / ".m.tif.parts").glob("*.npz"))
    assert geoml(*words).code == 0 and (tmp_path / "m.tif").exists()


def test_parts_of_another_plan_are_thrown_away(tmp_path):
    with whole(tmp_path / "map.tif", {"weights": ["a"]}) as one:
        one.write(0, np.ones(3, dtype=np.float32))
    with whole(tmp_path / "map.tif", {"weights": ["a"]}) as same:
        assert same.done(0)
    with whole(tmp_path / "map.tif", {"weights": ["b"]}) as other:
        assert not other.done(0)


def test_a_prediction_that_is_refused_leaves_no_folder(tmp_path):
    """Unless there are chunks to go on from."""
    out, plan = tmp_path / "map.tif", {"weights": ["a"]}
    with pytest.raises(DataError), whole(out, plan) as store:
        raise DataError("is not there", fix="Look.")
    assert not store.folder.exists()
    with pytest.raises(StoppedError), whole(out, plan) as store:
        store.write(0, np.ones(3, dtype=np.float32))
        store.stop_if("SIGTERM", 0)
    with pytest.raises(DataError), whole(out, plan) as store:
        raise DataError("is not there", fix="Look.")
    assert store.done(0)


def test_a_file_is_made_by_one_process_at_a_time(tmp_path):
    with whole(tmp_path / "map.tif", {"weights": ["a"]}) as one:
        one.write(0, np.ones(3, dtype=np.float32))
        with pytest.raises(SettingsError, match=r"being made by process \d+ on"):
            with whole(tmp_path / "map.tif", {"weights": ["b"]}):
                pass
        assert one.done(0)


def test_a_part_is_whole_or_absent(tmp_path, monkeypatch):
    blocks = ChunkStore(tmp_path / "map.tif", {})
    blocks.folder.mkdir()

    def killed(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(np, "savez", killed)
        blocks.write(0, np.ones(3, dtype=np.float32))
    assert not blocks.done(0)
    with pytest.raises(StoppedError, match=r"stopped by SIGINT after chunk 3, kept\. The same command resumes"):
        blocks.stop_if("SIGINT", 2)
