"""`geoml check`: a run verified whole, a preset resolved before it is trained."""

from __future__ import annotations

import errno
import json
import os
import shutil
from types import SimpleNamespace

import pytest

from geoml_cli.dataset.files import require_space
from geoml_cli.errors import DiskError
from geoml_cli.runs.run import Run


@pytest.fixture
def run(trained, tmp_path):
    return Run(shutil.copytree(trained, tmp_path / "run"))


def checks(done):
    document = json.loads(done.out)
    return document["holds"], {one["name"]: (one["holds"], one["detail"]) for one in document["checks"]}


def test_a_resumed_run_asks_for_the_room_of_what_it_has_not_written_yet(trained, data_root, monkeypatch):
    from geoml_cli.config.load import read_settings
    from geoml_cli.dataset.store import Dataset
    from geoml_cli.stages import train

    asked = []
    monkeypatch.setattr(train, "require_space", lambda place, needed: asked.append(needed))
    monkeypatch.setattr(train, "training_bytes", lambda settings, plan: 10 << 30)
    train.start(read_settings(trained / "config.toml"), Dataset(data_root / "soc"), train.RunLocation(trained))
    written = sum(path.stat().st_size for path in (trained / "members").rglob("*") if path.is_file())
    assert written > 0 and asked == [(10 << 30) - written]


def test_a_whole_run_holds(geoml, run, data_root):
    done = geoml("check", run.folder, "--data", data_root / "soc", "--json")
    holds, found = checks(done)
    assert done.code == 0 and holds, done.out
    [member, *_] = run.members()
    assert {f"{member}: checkpoint best", f"{member}: checkpoint last", f"{member}: network", "data set"} <= set(found)
    assert "all checks hold" in geoml("check", run.folder, "--data", data_root / "soc").out


def flip(path):
    content = bytearray(path.read_bytes())
    content[-2] ^= 0x40
    path.write_bytes(bytes(content))


def test_everything_that_is_damaged_is_named(geoml, run, tmp_path, data_root):
    data = shutil.copytree(data_root, tmp_path / "data")
    first, second = run.members()[:2]
    flip(run.member(first).checkpoint("last").state)
    run.member(first).scaling.write_text("{}")
    run.member(second).history.write_text("no\n{}")
    (data / "soc" / "manifest.json").write_text("{}")
    done = geoml("check", run.folder, "--data", data, "--json")
    _, found = checks(done)
    assert done.code == 4
    wrong = {name for name, (holds, _) in found.items() if not holds}
    assert {f"{first}: checkpoint last", f"{first}: scaling", f"{second}: history", "data set"} <= wrong
    assert "do not match their checksums" in found[f"{first}: checkpoint last"][1]
    assert found[f"{second}: checkpoint last"][0]


def test_a_preset_is_resolved_against_its_data(geoml, data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path / "runs"))
    done = geoml("check", "soc", "--preset", "map", "--data", data_root, "--json", "--set", "train.threads=1")
    holds, found = checks(done)
    assert done.code == 0 and holds, done.out
    assert "members" in found["splits and scaling"][1] and "parameters" in found["network: one step"][1]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("more", "name", "message"),
    [
        (("--set", "split.folds=5000"), "splits and scaling", "folds"),
        (("--gpus", "64"), "device", "64 GPUs are asked for"),
        (("--data", "nowhere"), "data set", "no prepared data set here"),
    ],
)
def test_what_a_preset_lacks_is_named_with_exit_4(geoml, data_root, tmp_path, monkeypatch, more, name, message):
    monkeypatch.chdir(tmp_path)
    given = more if "--data" in more else ("--data", data_root, *more)
    done = geoml("check", "soc", "--preset", "map", "--json", *given)
    _, found = checks(done)
    assert done.code == 4 and not found[name][0] and message in found[name][1]


def test_settings_of_a_model_do_not_go_with_a_run(geoml, run):
    done = geoml("check", run.folder, "--preset", "map")
    assert done.code == 2 and "go with a model" in done.err


def test_a_disk_without_room_is_refused(tmp_path):
    require_space(tmp_path / "not" / "there", 1)
    with pytest.raises(DiskError, match=r"MiB are needed, \d+ MiB are free"):
        require_space(tmp_path / "not" / "there", 1 << 62)


def test_small_disks_are_told_with_a_decimal(tmp_path, monkeypatch):
    monkeypatch.setattr("geoml_cli.dataset.files.shutil.disk_usage", lambda place: SimpleNamespace(free=150 << 10))
    with pytest.raises(DiskError, match=r"about 0\.3 MiB are needed, 0\.1 MiB are free"):
        require_space(tmp_path, 300 << 10)


def test_a_training_without_room_does_not_begin(geoml, data_root, tmp_path, monkeypatch):
    monkeypatch.setattr("geoml_cli.stages.train.training_bytes", lambda *arguments: 1 << 62)
    done = geoml("train", "soc", "--preset", "map", "--data", data_root, "--run", tmp_path / "run")
    assert done.code == 1 and "are needed" in done.err and not (tmp_path / "run").exists()


def test_a_map_without_room_stops_after_its_first_chunk(geoml, trained, data_root, tmp_path, monkeypatch):
    from collections import namedtuple

    usage = namedtuple("usage", "free")
    monkeypatch.setattr("geoml_cli.dataset.files.shutil.disk_usage", lambda place: usage(free=10))
    done = geoml("predict", trained, "--data", data_root / "soc", "--out", tmp_path / "x.csv")
    assert done.code == 1 and "MiB are needed, 0 MiB are free" in done.err and not (tmp_path / "x.csv").exists()


def test_a_run_that_may_only_be_read_is_told_before_it_is_evaluated(geoml, trained, data_root, monkeypatch):
    access = os.access
    monkeypatch.setattr("os.access", lambda path, mode, **more: path != trained and access(path, mode, **more))
    for words in (("evaluate",), ("export", "--format", "safetensors")):
        done = geoml(*words, trained, "--data", data_root / "soc")
        assert done.code == 3 and "may not be written to. Copy the run to a folder that can be" in done.err


@pytest.mark.parametrize(
    ("words", "inside"),
    [
        (("evaluate",), "evaluation"),
        (("evaluate",), "evaluation/test"),
        (("evaluate",), "evaluation/test/figures"),
        (("evaluate",), "kept/test"),
        (("export", "--format", "safetensors"), "export"),
    ],
)
def test_so_is_one_of_which_a_folder_may_only_be_read(words, inside, geoml, trained, data_root, tmp_path, monkeypatch):
    run = shutil.copytree(trained, tmp_path / "run")
    (run / inside).mkdir(parents=True, exist_ok=True)
    access = os.access
    monkeypatch.setattr("os.access", lambda path, mode, **more: path != run / inside and access(path, mode, **more))
    done = geoml(*words, run, "--data", data_root / "soc")
    assert done.code == 3 and not list(run.rglob("*.csv")) and not list(run.rglob("soc.safetensors"))
    assert f"{run / inside}: may not be written to. Change its permissions, such as `chmod u+w`" in done.err
    monkeypatch.undo()  # as after `chmod`
    assert geoml(*words, run, "--data", data_root / "soc", "--quiet").code == 0


def test_a_prediction_and_a_page_into_a_folder_that_may_only_be_read_do_not_begin(
    geoml, trained, data_root, tmp_path, monkeypatch
):
    access = os.access
    monkeypatch.setattr("os.access", lambda path, mode, **more: path != tmp_path and access(path, mode, **more))
    for words in (
        ("predict", trained, "--data", data_root / "soc", "--out", tmp_path / "x.csv"),
        ("compare", trained, trained, "--out", tmp_path / "x.html"),
        ("bundle", trained, "--out", tmp_path / "bundle"),
    ):
        done = geoml(*words)
        assert done.code == 3 and "may not be written to. Choose another --out" in done.err, done.err
    assert not list(tmp_path.iterdir())


def test_a_file_that_may_not_be_written_is_not_called_one_without_room(tmp_path):
    denied, full = (DiskError(tmp_path, os.strerror(code)) for code in (errno.EACCES, errno.ENOSPC))
    assert denied.fix == "Change the permissions of its folder or choose another place, then repeat the command."
    assert full.fix == "Free some space or choose another place, then repeat the command."


def test_a_split_that_cannot_be_made_says_nothing_of_the_disk(geoml, data_root):
    done = geoml("check", "soc", "--preset", "map", "--data", data_root, "--set", "split.folds=400", "--json")
    holds, found = checks(done)
    assert not holds and not found["splits and scaling"][0] and "disk space" not in found


def test_a_history_that_was_cut_is_seen(run, data_root, geoml):
    """A line that is not whole is left out where training was stopped; that of a finished member has some."""
    name = run.members()[0]
    history = run.member(name).history
    history.write_text(history.read_text()[:60])
    holds, found = checks(geoml("check", run.folder, "--data", data_root, "--json"))
    assert not holds and "has no whole line" in found[f"{name}: history"][1]


def test_points_of_the_map_that_are_not_there_are_refused_before_training(geoml, data_root):
    """Kinds of splits that do not read them leave them to the evaluation, after hours of training."""
    given = ("train", "soc", "--preset", "map", "--data", data_root, "--dry-run", "--set")
    assert "there is no file 'nix.csv'" in geoml(*given, "split.map_points=nix.csv").err
    assert geoml(*given, "split.map_points=").code == 0
