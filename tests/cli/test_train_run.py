"""`geoml train RUN`: resumes a run wherever it is called from, on the data it was started on."""

import json
import re
import shlex
import shutil
import tomllib

import pytest

from geoml_cli.runs.run import Run


@pytest.fixture
def interrupted(trained, tmp_path):
    """Give a copy of a run of which one member is not finished."""
    run = Run(shutil.copytree(trained, tmp_path / "run"))
    run.mark(run.planned()[0], "interrupted")
    return run


def test_it_finds_its_data_from_another_folder(geoml, interrupted, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    result = geoml("train", interrupted.folder, "--cpu", "--quiet", "--json")
    assert result.code == 0, result
    assert json.loads(result.out)["status"] == "finished"
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--preset", "paper"], "--preset goes with a model"),
        (
            ["--set", "train.epochs=7"],
            "--set, --config, --from or --note: a run's settings do not change: train.epochs is ",
        ),
        (["--run", "other"], "--run goes with a model"),
    ],
)
def test_options_of_a_new_run_are_refused(geoml, interrupted, given, said):
    result = geoml("train", interrupted.folder, *given)
    assert result.code == 2
    assert said in " ".join(result.err.split())


def test_settings_that_the_run_has_may_be_repeated(geoml, interrupted, tmp_path):
    """As a script does that repeats its command until it ends with 0."""
    epochs = tomllib.loads((interrupted.folder / "config.toml").read_text(encoding="utf-8"))["train"]["epochs"]
    (tmp_path / "own.toml").write_text(f"[train]\nepochs = {epochs}\n", encoding="utf-8")
    for given in (["--set", f"train.epochs={epochs}"], ["--config", tmp_path / "own.toml"]):
        result = geoml("train", interrupted.folder, *given, "--cpu", "--quiet")
        assert result.code == 0, result.err
        interrupted.mark(interrupted.planned()[0], "interrupted")
    (tmp_path / "own.toml").write_text(f"[train]\nepochs = {epochs + 1}\n", encoding="utf-8")
    refused = geoml("train", interrupted.folder, "--config", tmp_path / "own.toml")
    assert refused.code == 2 and f"train.epochs is {epochs}, not {epochs + 1}" in refused.err


def test_a_dry_run_names_what_is_left_to_train(geoml, interrupted):
    result = geoml("train", interrupted.folder, "--dry-run", "--json")
    assert json.loads(result.out)["train"] == interrupted.planned()[:1]
    assert geoml("evaluate", interrupted.folder, "--dry-run", "--json").out.startswith("{")


def test_a_dry_run_refuses_what_a_training_would(geoml, trained, data_root, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    given = ("train", "soc", "--preset", "map", "--run", run, "--data", data_root, "--cpu", "--set", "train.lr=0.123")
    for more in (("--dry-run",), ()):
        done = geoml(*given, *more)
        assert done.code == 2 and "holds a run with other settings" in done.err, done.err
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "points.csv").write_text("id\n")
    done = geoml(*given, "--run", tmp_path / "raw", "--dry-run")
    assert done.code == 2 and "holds no run, but points.csv" in done.err


def other_data(folder):
    """Make a data set another one."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["funnel"]["kept"] = 1
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_it_finds_its_data_where_they_were_last(geoml, interrupted, data_root, tmp_path):
    """So that a remedy need not repeat --data."""
    moved = shutil.copytree(data_root / "soc", tmp_path / "moved" / "soc")
    record = interrupted.folder / "data.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    content["folder"] = str(shutil.copytree(data_root / "soc", tmp_path / "first" / "soc"))
    record.write_text(json.dumps(content), encoding="utf-8")
    other_data(tmp_path / "first" / "soc")
    refused = geoml("train", interrupted.folder, "--cpu", "--quiet", "--data", tmp_path / "first" / "soc")
    assert refused.code == 3 and "holds other data" in refused.err
    assert geoml("train", interrupted.folder, "--cpu", "--quiet", "--data", moved).code == 0
    assert interrupted.data().folder == str(moved)
    interrupted.mark(interrupted.planned()[0], "interrupted")
    again = geoml("train", interrupted.folder, "--cpu", "--quiet")
    assert again.code == 0, again.err


def test_data_are_found_in_the_data_folder_where_others_took_their_place(
    geoml, trained, data_root, tmp_path, monkeypatch
):
    run = Run(shutil.copytree(trained, tmp_path / "run"))
    shutil.copytree(data_root / "soc", tmp_path / "data" / "soc")
    other = shutil.copytree(data_root / "soc", tmp_path / "other" / "soc")
    other_data(other)
    content = json.loads((run.folder / "data.json").read_text(encoding="utf-8"))
    (run.folder / "data.json").write_text(json.dumps({**content, "folder": str(other)}), encoding="utf-8")
    monkeypatch.setenv("GEOML_DATA", str(tmp_path / "data"))
    assert geoml("evaluate", run.folder, "--dry-run").code == 0
    other_data(tmp_path / "data" / "soc")
    assert "holds other data" in geoml("evaluate", run.folder, "--dry-run").err


def test_a_folder_with_a_space_is_quoted_in_what_a_message_advises(geoml, trained, data_root, tmp_path):
    run = Run(shutil.copytree(trained, tmp_path / "r 1"))
    for member in run.planned():
        run.mark(member, "interrupted")
    told = geoml("evaluate", run.folder, "--data", data_root)
    assert told.code == 3
    [words] = re.findall(r"`geoml (train [^`]*)`", told.err)
    assert geoml(*shlex.split(words), "--cpu", "--quiet", "--data", data_root).code == 0
