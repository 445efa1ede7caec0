"""Predictions shared out between processes equal those of one go, and what does not fit together is refused."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import rasterio

from geoml_cli.errors import DataError, DiskError, SettingsError, StoppedError
from geoml_cli.work import cluster as clusters
from geoml_cli.work.cluster import check_scheduler
from geoml_cli.work.pieces import Part, part_of
from geoml_cli.work.reporting import NullReporter
from geoml_cli.writers.chunk_store import for_part, joined, parts_seen, whole

BLOCK = ("--set", "predict.block=16")


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def pixels(path):
    with rasterio.open(path) as file:
        return file.read(), file.tags()


def asked(run, data_root, out, *more):
    return ("predict", run, "--out", out, "--data", data_root, *more)


def test_a_map_in_parts_equals_that_of_one_go(run, data_root, tmp_path, geoml):
    assert geoml(*asked(run, data_root, tmp_path / "one.tif", *BLOCK)).code == 0
    out = tmp_path / "parts.tif"
    for part in ("3/3", "1/3"):
        done = geoml(*asked(run, data_root, out, *BLOCK, "--part", part, "--json"))
        assert done.code == 0 and not out.exists()
        told = json.loads(done.out)
        assert told["part"] == part and told["made"] == told["chunks"] > 20
    again = json.loads(geoml(*asked(run, data_root, out, *BLOCK, "--part", "1/3", "--json")).out)
    assert again["made"] == 0 and again["chunks"] > 20
    early = geoml(*asked(run, data_root, out, *BLOCK, "--finish"))
    assert early.code == 75 and not out.exists()
    assert "chunks are missing: 2, 5, 8," in early.err and "Predict them with --part 2/3;" in early.err
    [fourth] = (tmp_path / ".parts.tif.parts").glob("00000003-*.npz")
    fourth.write_bytes(b"cut off")
    assert "chunks are missing: 2, 4, 5" in geoml(*asked(run, data_root, out, *BLOCK, "--finish")).err
    for part in ("2/3", "1/3"):
        assert geoml(*asked(run, data_root, out, *BLOCK, "--part", part)).code == 0
    last = geoml(*asked(run, data_root, out, *BLOCK, "--finish"))
    assert last.code == 0 and "Outside the range" in last.err, last.err
    twice = geoml(*asked(run, data_root, out, *BLOCK, "--finish"))
    assert twice.code == 75 and "no chunk is there; the file is, from an earlier prediction" in twice.err
    one, parts = pixels(tmp_path / "one.tif"), pixels(out)
    np.testing.assert_array_equal(one[0], parts[0])
    assert one[1] == parts[1] and not (tmp_path / ".parts.tif.parts").exists()


@pytest.mark.parametrize("wrong", [("--part", "2/2"), ("--finish",)])
def test_parts_made_from_other_things_are_refused_and_kept(run, data_root, tmp_path, geoml, wrong):
    out = tmp_path / "samples.csv"
    assert geoml(*asked(run, data_root, out, "--part", "1/2", "--set", "predict.rows=50")).code == 0
    chunks = sorted((tmp_path / ".samples.csv.parts").glob("*.npz"))
    done = geoml(*asked(run, data_root, out, *wrong, "--set", "predict.rows=60"))
    assert done.code == 2 and "made from other things: predict.rows" in done.err
    assert chunks and sorted((tmp_path / ".samples.csv.parts").glob("*.npz")) == chunks
    # The remedies: the same options, or the folder deleted.
    assert geoml(*asked(run, data_root, out, "--part", "2/2", "--set", "predict.rows=50")).code == 0
    assert geoml(*asked(run, data_root, out, "--finish", "--set", "predict.rows=50")).code == 0


def test_what_parts_lack_is_predicted_without_finish(run, data_root, tmp_path, geoml):
    rows = ("--set", "predict.rows=50")
    assert geoml(*asked(run, data_root, tmp_path / "one.csv", *rows)).code == 0
    assert geoml(*asked(run, data_root, tmp_path / "parts.csv", *rows, "--part", "2/2")).code == 0
    assert geoml(*asked(run, data_root, tmp_path / "parts.csv", *rows)).code == 0
    assert (tmp_path / "parts.csv").read_text() == (tmp_path / "one.csv").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--part", "0/3"), "'0/3' is no part. Write K/N"),
        (("--part", "4/3"), "'4/3' is no part"),
        (("--part", "\u0663/\u0664"), "is no part"),
        (("--part", "1/2", "--finish"), "choose one of --part and --finish"),
        (("--part", "1/2", "--index", "0"), "single samples are not shared out"),
        (("--scheduler", "somewhere"), "'somewhere' names no scheduler"),
        (("--scheduler", "missing.json"), "there is no such file"),
        (("--scheduler", "tcp://localhost:1"), "no scheduler answers"),
    ],
)
def test_what_does_not_go_together_is_refused(run, data_root, tmp_path, geoml, words, message, monkeypatch):
    monkeypatch.setattr("geoml_cli.work.cluster._CONNECT", 1.0)
    done = geoml(*asked(run, data_root, tmp_path / "samples.csv", *words))
    assert done.code == 2 and message in done.err, done.err
    assert not (tmp_path / "samples.csv").exists()


@pytest.mark.parametrize("text", ["local", "local:4", "tcp://node-1:8786", "tls://10.0.0.1:8786"])
def test_schedulers_are_known(text):
    check_scheduler(text)


def test_every_piece_is_of_one_part():
    parts = [part_of(f"{number}/4") for number in range(1, 5)]
    assert all(sum(part.has(piece) for part in parts) == 1 for piece in range(20))
    assert [piece + 1 for piece in range(12) if Part(3, 4).has(piece)] == [3, 7, 11]
    assert all(part.share(count) == sum(map(part.has, range(count))) for part in parts for count in range(12))


def hold(target, part, opened, close):
    with for_part(target, {"a": 1}, part):
        opened.set()
        close.wait(60)


def test_parts_and_the_whole_exclude_each_other(tmp_path):
    target, context = tmp_path / "map.tif", multiprocessing.get_context("spawn")
    opened, close = context.Event(), context.Event()
    other = context.Process(target=hold, args=(target, Part(1, 2), opened, close))
    other.start()
    try:
        assert opened.wait(60)
        with for_part(target, {"a": 1}, Part(2, 2)) as store:
            assert parts_seen(store) == [Part(1, 2), Part(2, 2)]
        with pytest.raises(SettingsError, match=r"part 1/2 of it is being made by process \d+ on"):
            with for_part(target, {"a": 1}, Part(1, 2)):
                pass
        with pytest.raises(SettingsError, match=r"part 1/2 of it is being made by process \d+ on"):
            with whole(target, {"a": 1}):
                pass
    finally:
        close.set()
        other.join(60)
    with whole(target, {"a": 1}):
        pass


def test_a_worker_that_sees_other_files_is_refused(tmp_path):
    with whole(tmp_path / "map.tif", {"weights": ["a"], "outputs": ["soc"]}) as store:
        assert joined(store.target, {"weights": ["a"], "outputs": ["soc"]}).folder == store.folder
        with pytest.raises(DataError, match="a worker sees others than the command does: weights"):
            joined(store.target, {"weights": ["b"], "outputs": ["soc"]})


def test_what_is_left_of_another_prediction_is_never_read(tmp_path):
    """A worker may end a chunk after its command was stopped, and another prediction of the file begun."""
    old, new = {"weights": ["a"]}, {"weights": ["b"]}
    with whole(tmp_path / "map.tif", old):
        stray = joined(tmp_path / "map.tif", old)
    with whole(tmp_path / "map.tif", new) as store:
        stray.write(0, np.ones(3, dtype=np.float32))
        assert stray.done(0) and not store.done(0) and store.unfinished(range(2)) == [0, 1]


@pytest.mark.parametrize(
    "error", [SettingsError("a", where="b", fix="c"), DataError("a"), StoppedError("a"), DiskError("file", "full")]
)
def test_errors_go_from_process_to_process_as_they_are(error):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error)


def chunks_of(out):
    return len(list(out.with_name(f".{out.name}.parts").glob("*.npz")))


def wait_for_chunks(process, out, count):
    deadline = time.monotonic() + 120
    while chunks_of(out) < count:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_workers_of_dask_make_the_same_file_stopped_and_killed(run, data_root, tmp_path, geoml):
    rows = ("--set", "predict.rows=2")
    assert geoml(*asked(run, data_root, tmp_path / "one.csv", *rows)).code == 0
    out = tmp_path / "dask.csv"
    words = [sys.executable, "-m", "geoml_cli", *map(str, asked(run, data_root, out, *rows, "--scheduler", "local:2"))]
    # Ctrl-C of a terminal goes to all processes.
    plain = {name: value for name, value in os.environ.items() if name != "GEOML_DEBUG"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": plain}
    stopped = subprocess.Popen(words, start_new_session=True, **pipes)
    wait_for_chunks(stopped, out, 3)
    os.killpg(stopped.pid, signal.SIGINT)
    _, heard = stopped.communicate(timeout=120)
    assert stopped.returncode == 75 and "stopped by SIGINT" in heard and "Traceback" not in heard, heard
    before = chunks_of(out)
    assert before >= 3 and not out.exists()
    process = subprocess.Popen(words, **pipes)
    wait_for_chunks(process, out, before + 3)
    import psutil

    workers = [
        one for one in psutil.Process(process.pid).children(recursive=True) if "spawn_main" in str(one.cmdline())
    ]
    max(workers, key=lambda one: one.pid).kill()
    _, heard = process.communicate(timeout=240)
    assert process.returncode == 0, heard
    one, dask = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("one", "dask"))
    # Workers compute with one thread, and another number of threads rounds otherwise.
    pd.testing.assert_frame_equal(one, dask, rtol=1e-4)


def _visible(_: int) -> str:
    time.sleep(0.2)  # so that no worker takes all
    return os.environ["CUDA_VISIBLE_DEVICES"]


def test_workers_of_one_machine_take_its_gpus_in_turn(monkeypatch):
    monkeypatch.setattr(clusters, "_gpus", lambda: ["3", "GPU-5f1b"])
    with clusters.cluster("local:2", NullReporter()) as workers:
        assert {*workers.map(_visible, range(8))} == {"3", "GPU-5f1b"}


@pytest.mark.parametrize(("named", "gpus"), [(None, ["0", "1"]), ("3, 5", ["3", "5"]), ("3,5,-1,7", ["3", "5"])])
def test_gpus_are_named_as_cuda_names_them(monkeypatch, named, gpus):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert clusters._gpus() == gpus
