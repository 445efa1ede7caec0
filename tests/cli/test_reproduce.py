"""`geoml reproduce` on synthetic data: its steps, its table, its exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from geoml_cli.cli import reproduce, steps
from geoml_cli.errors import GeomlError

PRESET = """
model = "soc"
source = "soc"
[network]
variant = "cnn"
[split]
kind = "random"
folds = 2
[train]
epochs = 2
batch_size = 64
[evaluate]
baselines = []
n_bootstrap = 100
importance_repeats = 0
[paper]
numbers = [{ metric = "R2", value = 0.9999 }]
found_in = "abstract"
data = "points of the paper"
public = true
without_leaks = ["split.kind=blocks", "split.block_km=8"]
"""


@pytest.fixture
def here(geoml, tmp_path, monkeypatch):
    """Run the steps in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(PRESET)

    def run(step, folder, *, shown=True, otherwise=""):
        if (done := geoml(*step)).code:
            error = GeomlError(done.err, fix="See above.")
            error.exit_code = done.code
            raise error

    monkeypatch.setattr(reproduce, "run_step", run)
    return tmp_path


def test_a_public_number_that_is_not_met_ends_with_4_and_is_shown(geoml, here, raw_soc):
    done = geoml("reproduce", "soc", raw_soc, "--preset", "mine.toml", "--option", "window=5", "--json")
    assert done.code == 4, done.err
    found = json.loads(done.out)
    first = found["scores"][0]
    assert first["metric"] == "R2" and first["paper"] == 0.9999 and first["met"] is False and found["unmet"] == ["R2"]
    assert first["difference"][0] == pytest.approx(first["ours"][0] - 0.9999) and len(first["strict"]) == 3
    assert "the paper's numbers: from the abstract" in found["notes"]
    assert "Other than in preset mine: --option window=5." in found["notes"]
    again = geoml("reproduce", "soc", raw_soc, "--preset", "mine.toml", "--option", "window=5")
    assert again.code == 4 and "ours, without leaks" in again.out
    assert "the paper's R2 is not within the interval of this run" in again.err


def test_settings_do_not_undo_the_split_without_leaks(geoml, here, raw_soc, monkeypatch):
    asked = []
    monkeypatch.setattr(reproduce, "run_step", lambda step, *rest, **more: asked.append(step))
    monkeypatch.setattr(reproduce, "_show", lambda *rest, **more: None)
    assert geoml("reproduce", "soc", raw_soc, "--preset", "mine.toml", "--set", "split.kind=random").code == 0
    named = [word for word in asked[3] if word.startswith("split.kind=")]
    assert asked[3][0] == "train" and named == ["split.kind=random", "split.kind=blocks"], "the last one counts"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('without_leaks = ["split.kindd=blocks"]', "kindd"),
        ('numbers = [{ metric = "R2", value = 0.9, network = "other" }]', "'other' is not a network of"),
        ('numbers = [{ metric = "R2", value = 0.9 }, { metric = "R2", value = 0.1 }]', "numbers names R2 twice"),
    ],
)
def test_a_paper_that_names_what_there_is_not_is_refused_before_anything_is_done(geoml, here, raw_soc, line, message):
    text = PRESET[: PRESET.index("[paper]")] + f"[paper]\n{line}\n"
    Path("odd.toml").write_text(text)
    done = geoml("reproduce", "soc", raw_soc, "--preset", "odd.toml", "--dry-run")
    assert done.code == 2 and message in done.err


def test_switches_are_options_without_a_value():
    assert reproduce._flag("hourly=true") == ["--hourly"] and reproduce._flag("hourly=false") == []
    assert reproduce._flag("storm_nt=-80") == ["--storm-nt", "-80"]


def test_a_quick_run_compares_nothing(geoml, here, raw_soc):
    done = geoml("reproduce", "soc", raw_soc, "--preset", "mine.toml", "--quick")
    assert done.code == 0 and "Nothing here is a result" in done.out and "met" not in done.out, done.err
    assert "epochs = 1\n" in (here / "reproduction/soc-mine-quick/paper/config.toml").read_text()
    assert (here / "reproduction/soc-mine-quick/without-leaks/evaluation/test/report.html").is_file()


def test_what_the_environment_sets_leaves_the_preset_as_well(geoml, here, raw_soc, monkeypatch):
    monkeypatch.setenv("GEOML__TRAIN__LR", "0.0025")
    done = geoml("reproduce", "soc", raw_soc, "--preset", "mine.toml", "--quick", "--set", "train.batch_size=32")
    assert "Other than in preset mine: --set train.lr=0.0025, --set train.batch_size=32." in done.out, done.err


def test_a_step_that_fails_ends_with_its_code(geoml, here):
    done = geoml("reproduce", "soc", here / "nothing", "--preset", "mine.toml")
    assert done.code == 3 and "there is no such file or folder" in done.err


def test_an_option_that_is_none_is_refused(geoml, here, raw_soc):
    done = geoml("reproduce", "soc", raw_soc, "--option", "window")
    assert done.code == 2 and "'window' is not NAME=VALUE" in done.err


def test_a_folder_with_runs_on_other_data_is_refused_and_kept(geoml, here, raw_soc, monkeypatch):
    def run(step, folder, *, shown=True, otherwise=""):
        if (done := geoml(*step)).code:
            error = GeomlError(done.err, fix=f"See above; {otherwise}.")
            error.exit_code = done.code
            raise error

    monkeypatch.setattr(reproduce, "run_step", run)
    shutil.copytree(raw_soc, "mine")
    words = ("--preset", "mine.toml", "--quick", "--folder", "here")
    assert geoml("reproduce", "soc", "mine", *words).code == 0
    before = Path("here/data/soc/manifest.json").read_bytes()
    Path("other").symlink_to("mine")
    assert geoml("reproduce", "soc", "other", *words).code == 0, "the same data by another name"
    done = geoml("reproduce", "soc", "mine", *words, "--option", "window=7")
    assert done.code == 3 and "its data set is to be kept, and was made from others (--window)" in done.err
    table = next(Path("mine").rglob("*.csv"))
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    done = geoml("reproduce", "soc", "mine", *words)
    assert done.code == 3 and f"was made from others ({table.name})" in done.err, done.err
    assert "with other files, options or settings than before name another --folder" in done.err
    assert Path("here/data/soc/manifest.json").read_bytes() == before
    assert geoml("evaluate", "here/paper", "--data", "here/data", "-q").code == 0
    assert geoml("reproduce", "soc", "mine", *words[:-1], "elsewhere").code == 0


def test_other_settings_than_before_need_another_folder(geoml, here, raw_soc, tmp_path):
    """As a user runs it: the step's own remedy names options that `reproduce` has not."""
    step = ["train", "soc", "--preset", str(here / "mine.toml"), "--run", "nowhere", "--set", "train.epochs=x"]
    with pytest.raises(GeomlError) as failed:
        steps.run_step(step, tmp_path, shown=False, otherwise=reproduce._OTHERWISE)
    assert failed.value.exit_code == 2
    assert "run the same command again; with other files, options or settings than before name another --folder" in str(
        failed.value
    )


def test_a_dry_run_writes_nothing(geoml, here, raw_soc):
    done = geoml("reproduce", "soc", raw_soc, "--preset", "mine.toml", "--dry-run")
    assert done.code == 0 and "would write  reproduction/soc-mine" in done.out
    assert [path.name for path in here.iterdir()] == ["mine.toml"]


def test_a_step_is_asked_to_save_and_its_code_is_kept(tmp_path, monkeypatch):
    """A signal to the command reaches the step, which ends by itself."""
    command, ready = tmp_path / "command", tmp_path / "ready"
    command.write_text(f"#!/bin/sh\ntrap 'exit 75' TERM\ntouch {ready}\nwhile :; do sleep 0.05; done\n")
    command.chmod(0o755)
    monkeypatch.setattr(steps.sys, "executable", str(command))

    def tell() -> None:
        while not ready.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    telling = threading.Thread(target=tell)
    telling.start()
    with pytest.raises(GeomlError, match=r"was stopped\. Run the same command again") as stopped:
        steps.run_step(["train"], tmp_path)
    telling.join()
    assert stopped.value.exit_code == 75


def test_a_step_that_had_nothing_to_save_was_stopped_all_the_same(tmp_path, monkeypatch):
    command = tmp_path / "command"
    command.write_text("#!/bin/sh\nexit 130\n")
    command.chmod(0o755)
    monkeypatch.setattr(steps.sys, "executable", str(command))
    with pytest.raises(GeomlError, match=r"was stopped\. Run the same command again") as ended:
        steps.run_step(["train"], tmp_path)
    assert ended.value.exit_code == 75


@pytest.mark.parametrize(("name", "code", "told"), [("TERM", 75, "was stopped"), ("KILL", 137, "ended with signal 9")])
def test_a_step_that_a_signal_ends(tmp_path, monkeypatch, name, code, told):
    """Such as one that was still importing, or took all memory."""
    command = tmp_path / "command"
    command.write_text(f"#!/bin/sh\nkill -{name} $$\nsleep 5\n")
    command.chmod(0o755)
    monkeypatch.setattr(steps.sys, "executable", str(command))
    with pytest.raises(GeomlError, match=told) as ended:
        steps.run_step(["evaluate"], tmp_path)
    assert ended.value.exit_code == code


def test_a_score_that_no_evaluation_gives_is_refused_before_the_training(geoml, here, raw_soc):
    Path("other.toml").write_text(PRESET.replace('metric = "R2"', 'metric = "R squared"'))
    done = geoml("reproduce", "soc", raw_soc, "--preset", "other.toml", "--folder", "here")
    assert done.code == 2 and "'R squared' is not a score of [paper] numbers" in done.err and "R2" in done.err, done.err
    assert not Path("here/paper").exists()
