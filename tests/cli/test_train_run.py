"""`geoml train RUN`: resumes a run wherever it is called from, on the data it was started on."""

import json
import shutil

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
        (["--set", "train.epochs=3"], "--set, --config or --from: a run's settings do not change"),
        (["--run", "other"], "--run goes with a model"),
    ],
)
def test_options_of_a_new_run_are_refused(geoml, interrupted, given, said):
    result = geoml("train", interrupted.folder, *given)
    assert result.code == 2
    assert said in " ".join(result.err.split())


def test_a_dry_run_names_what_is_left_to_train(geoml, interrupted):
    result = geoml("train", interrupted.folder, "--dry-run", "--json")
    assert json.loads(result.out)["train"] == interrupted.planned()[:1]
    assert geoml("evaluate", interrupted.folder, "--dry-run", "--json").out.startswith("{")
