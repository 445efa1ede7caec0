"""Flipped bits, full disks and kills: nothing damaged is used, nothing whole is lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from geoml_cli.dataset.files import recover_folder
from geoml_cli.dataset.manifest import read_manifest
from geoml_cli.errors import DataError
from geoml_cli.writers.chunk_store import whole


@pytest.fixture
def copies(trained, data_root, tmp_path):
    """Give copies of a run and of its data."""
    return shutil.copytree(trained, tmp_path / "run"), shutil.copytree(data_root, tmp_path / "data")


def flip(path, place):
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 0x40
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("verb", [("predict", "--out", "{}/x.csv"), ("evaluate",), ("export", "--format", "pt2")])
def test_a_flipped_bit_of_the_data_is_refused(geoml, copies, tmp_path, verb):
    run, data = copies
    with h5py.File(data / "soc" / "dataset.nc") as file:
        place = file["static"].id.get_offset() + 3
    flip(data / "soc" / "dataset.nc", place)
    name, *more = (word.format(tmp_path) for word in verb)
    done = geoml(name, run, "--data", data, *more)
    assert done.code == 3 and "dataset.nc: its values are not those that were prepared" in done.err
    shutil.rmtree(run / "evaluation", ignore_errors=True)
    trusting = geoml("predict", run, "--data", data, "--out", tmp_path / "y.csv", "--set", "data.verify=false")
    assert trusting.code == 0, trusting.err


def test_a_flipped_bit_of_the_data_stops_a_training(geoml, copies, tmp_path):
    _, data = copies
    with h5py.File(data / "soc" / "dataset.nc") as file:
        place = file["soc"].id.get_offset() + 3
    flip(data / "soc" / "dataset.nc", place)
    done = geoml("train", "soc", "--data", data, "--run", tmp_path / "new")
    assert done.code == 3 and "its values are not those that were prepared" in done.err
    assert not (tmp_path / "new" / "run.json").exists()


def test_a_flipped_bit_of_the_weights_is_refused(geoml, copies, tmp_path):
    run, data = copies
    [path, *_] = sorted(run.glob("members/*/checkpoints/best/weights.safetensors"))
    flip(path, path.stat().st_size - 2)
    done = geoml("predict", run, "--data", data, "--out", tmp_path / "x.csv")
    assert done.code == 3 and "its tensors do not match their checksums" in done.err
    assert not (tmp_path / "x.csv").exists()


def test_a_data_set_survives_a_kill_between_the_two_renames(copies):
    _, data = copies
    (data / "soc").rename(data / ".soc.old")  # what `prepare --force` leaves, killed there
    assert read_manifest(data / "soc").source == "soc"
    assert (data / "soc" / "dataset.nc").is_file() and not (data / ".soc.old").exists()


def test_a_folder_in_place_is_not_recovered(tmp_path):
    for name in ("x", ".x.old"):
        (tmp_path / name).mkdir()
    (tmp_path / "x" / "new").touch()
    recover_folder(tmp_path / "x")
    assert (tmp_path / "x" / "new").exists()


def test_a_damaged_chunk_is_predicted_again(tmp_path):
    with whole(tmp_path / "map.tif", {}) as store:
        for number in range(2):
            store.write(number, np.ones(300, dtype=np.float32))
        [first] = store.folder.glob("00000000-*.npz")
        flip(first, 700)
        with pytest.raises(DataError, match="a chunk of the prediction is damaged"):
            store.read(0)
        assert not store.done(0) and store.done(1)


FULL = """
import resource, signal, sys
sys.dont_write_bytecode = True  # it would be cut short for those who come after
import numpy as np
from pathlib import Path
from geoml_cli.errors import DiskError
from geoml_cli.writers.chunk_store import ChunkStore
store = ChunkStore(Path(sys.argv[1]), {})
store.folder.mkdir()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    store.write(0, np.ones(1000, dtype=np.float32))
except DiskError:
    sys.exit(store.done(0))
sys.exit(9)
"""


def test_a_chunk_that_a_full_disk_cuts_short_is_not_finished(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path / "map.tif")], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def swap(run, name, members):
    first, second = (run / "members" / member / name for member in members)
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


@pytest.mark.parametrize("names", [["split.json"], ["scaling.json"], ["checkpoints/best/weights.safetensors"],
                                   [f"checkpoints/best/{part}" for part in ("weights.safetensors", "state.safetensors",
                                                                            "meta.json")]])  # fmt: skip
def test_files_of_another_member_are_refused(geoml, copies, tmp_path, names):
    run, data = copies
    for name in names:
        swap(run, name, ("fold-1", "fold-2"))
    done = geoml("predict", run, "--data", data, "--out", tmp_path / "x.csv")
    assert done.code == 3 and not (tmp_path / "x.csv").exists()
    assert "checksum" in done.err or "it is that of another member or run" in done.err
    assert geoml("check", run, "--data", data).code == 4


def test_a_scaling_with_another_number_is_refused(geoml, copies):
    run, data = copies
    path = run / "members" / "fold-1" / "scaling.json"
    path.write_text(path.read_text().replace("1", "2", 1))
    done = geoml("predict", run, "--data", data, "--index", "0")
    assert done.code == 3 and "scaling.json: is missing or damaged (its checksum differs)" in done.err


def test_settings_that_were_changed_by_hand_are_refused(geoml, copies, tmp_path):
    """Weights are those of the settings that the run was made with."""
    run, data = copies
    path = run / "config.toml"
    kept = path.read_text()
    path.write_text(kept.replace("\nlr = ", "\nlr = 9", 1))
    assert path.read_text() != kept
    for verb in (("train", run, "--data", data), ("evaluate", run, "--data", data), ("predict", run, "--data", data)):
        done = geoml(*verb)
        assert done.code == 3 and "config.toml: is missing or damaged (its checksum differs). Restore it." in done.err
    assert geoml("check", run, "--data", data).code == 4
    other = geoml("train", "soc", "--config", path, "--data", data, "--run", tmp_path / "other", "--dry-run")
    assert other.code == 0, other.err
    path.write_text(kept)
    assert geoml("check", run, "--data", data).code == 0
    record = json.loads((run / "run.json").read_text())
    del record["checksums"]["config.toml"]  # as of an earlier version
    (run / "run.json").write_text(json.dumps(record))
    assert geoml("check", run, "--data", data).code == 0


def test_only_the_last_line_of_a_history_may_be_half_written(geoml, copies):
    run, data = copies
    path = run / "members" / "fold-1" / "history.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"step": 1')
    assert geoml("check", run, "--data", data).code == 0
    path.write_text("x\n" + whole)
    assert geoml("check", run, "--data", data).code == 4
