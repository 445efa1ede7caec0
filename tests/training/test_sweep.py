"""`geoml sweep`: the same trials whether or not it was killed, shared by processes, and refusals."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tomli
from quick import QUICK

from geoml_cli import registry
from geoml_cli.cli.sweep import _show
from geoml_cli.config.spaces import divided, space
from geoml_cli.dataset.files import sha256
from geoml_cli.errors import DataError, DiskError, GeomlError, SettingsError
from geoml_cli.runs.run import Run
from geoml_cli.training import sweep as sweeps
from geoml_cli.training.sweep import Sweep, Trial
from geoml_cli.work.reporting import NullReporter

SPACES = ("--set", "train.lr=log:1e-4..1e-2", "--set", "train.batch_size=choice:16,32", "--set", "train.steps=2..3")


@pytest.fixture
def sweep(geoml, data_root, tmp_path, monkeypatch):
    """Give a function that runs trials, and returns the document."""
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path / "runs"))

    def run(name, trials, *more, code=0):
        words = ("--preset", "map", "--data", data_root, "--name", name, "--trials", trials, "--json")
        done = geoml("sweep", "soc", *words, *QUICK[:2], *QUICK[4:], *SPACES, *more)
        assert done.code == code, done.err
        return json.loads(done.out) if code == 0 else done.err

    return run


def suggested(document):
    return {trial["trial"]: (trial["settings"], trial["value"]) for trial in document["trials"]}


def test_a_sweep_that_goes_on_gives_the_trials_of_one_that_did_not_stop(sweep, tmp_path, monkeypatch):
    whole = sweep("whole", 3)
    assert [trial["state"] for trial in whole["trials"]] == ["finished"] * 3
    values = [trial["value"] for trial in whole["trials"]]
    assert values == sorted(values), "the best first"
    sweep("parts", 1)
    _killed_within_a_trial(sweep, monkeypatch)
    assert suggested(sweep("parts", 3)) == suggested(whole) and whole["running"] == 0
    best = whole["trials"][0]
    config = tomli.loads((Path(best["run"]) / "config.toml").read_text())
    for key, value in best["settings"].items():
        assert config["train"][key.partition(".")[2]] == float(value)
        assert f"--set {key}={value}" in whole["best"]
    assert config["train"]["calibrate"] is False, "test rows are not looked at"
    assert not list((tmp_path / "runs").glob("soc/*/*/run.json")), "a trial is not the newest run of its model"


def test_first_trials_of_a_sweep_differ(tmp_path):
    """Trials draw from generators of their own until some are finished: their seeds must not begin alike."""
    place = Sweep(tmp_path / "sweep", [space("train.lr", "log:1e-4..1e-2")], {}, 1)
    taken = [place._take(4) for _ in range(4)]
    rates = sorted(float(trial.assignments[0].partition("=")[2]) for trial, _ in taken)
    for _, lock in taken:
        lock.release()
    assert rates[-1] / rates[0] > 5, rates


def test_a_best_so_far_is_called_so_while_trials_are_trained_elsewhere(tmp_path, capsys):
    done = Trial(0, tmp_path, ("train.lr=0.1",), 2.0, "finished")
    study = SimpleNamespace(
        folder=tmp_path, trials=lambda: [Trial(1, tmp_path, ("train.lr=0.2",), None, "running"), done]
    )
    _show(study, ["geoml", "train", "soc"], [], as_json=False)
    out = " ".join(capsys.readouterr().out.split())
    assert (
        "1 of the trials are being trained elsewhere: the best of all is not known yet. The same command again" in out
    )
    assert "train the best so far: geoml train soc --set train.lr=0.1" in out and "train what it found" not in out
    _show(study, ["geoml", "train", "soc"], [], as_json=True)
    assert json.loads(capsys.readouterr().out)["running"] == 1


def _killed_within_a_trial(sweep, monkeypatch):
    """Stop once the second trial has been suggested and before it is trained."""

    def killed(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("geoml_cli.stages.train.train", killed)
        sweep("parts", 2, code=130)


def test_the_command_that_trains_what_was_found_is_run_as_it_stands(sweep, geoml, tmp_path):
    listed = ("--set", 'evaluate.baselines=["ridge", "mean"]', "--set", "train.note=it's a sweep", "--cpu")
    best = sweep("one", 1, *listed)["best"]
    command, *words = shlex.split(best)
    assert command == "geoml"
    done = geoml(*words, "--run", tmp_path / "it", "--set", "train.calibrate=false")
    assert done.code == 0, done.err
    config = tomli.loads((tmp_path / "it" / "config.toml").read_text())
    assert config["evaluate"]["baselines"] == ["ridge", "mean"] and config["train"]["note"] == "it's a sweep"


@pytest.mark.parametrize("kind", [DataError, GeomlError])
def test_a_trial_that_fails_does_not_end_the_sweep(sweep, monkeypatch, kind):
    from geoml_cli.stages import train as stage

    whole, seen = stage.train, []

    def sometimes(*given):
        seen.append(given)
        if len(seen) == 1:
            raise kind("is not finite", where="loss", fix="Lower train.lr.")
        return whole(*given)

    monkeypatch.setattr("geoml_cli.stages.train.train", sometimes)
    found = sweep("some", 2)
    assert sorted(trial["state"] for trial in found["trials"]) == ["failed", "finished"]
    assert found["trials"][-1]["value"] is None


def test_a_sweep_whose_trials_all_fail_fails(sweep):
    for trials, warned in ((2, 1), (2, 0)):  # and the second call of it
        said = sweep("none", trials, "--set", "train.start_run=choice:nothing,nowhere", code=1)
        assert said.count("trial 1 failed") == warned and "every trial failed. `geoml train soc" in said
    sweep("another", 1, "--set", "train.patience=choice:1,2")


@pytest.mark.parametrize("text", ["train.nothing=1..3", "train.patience=choice:0,abc", "train.epochs=1.5..3.5"])
def test_a_space_that_no_run_can_have_uses_up_no_name(geoml, data_root, tmp_path, monkeypatch, text):
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path / "runs"))
    done = geoml("sweep", "soc", "--preset", "map", "--data", data_root, "--set", text, "--json")
    assert done.code == 2 and json.loads(done.out)["error"]["exit"] == 2, done.err
    assert not (tmp_path / "runs").exists()


def test_a_sweep_that_fails_is_one_document(geoml, data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path / "runs"))
    done = geoml("sweep", "soc", "--preset", "map", "--data", data_root, "--trials", "1", "--json",
                 "--set", "train.start_run=choice:nothing,nowhere")  # fmt: skip
    assert done.code == 1 and "every trial failed" in json.loads(done.out)["error"]["what"]


def test_a_full_disk_ends_the_sweep_and_the_trial_resumes(sweep, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("geoml_cli.stages.train.train", lambda *given: raised(DiskError("run", "no space")))
        assert "no space" in sweep("some", 2, code=1)
    assert [trial["state"] for trial in sweep("some", 2)["trials"]] == ["finished", "finished"]


def raised(error):
    raise error


def test_a_sweep_of_other_spaces_is_another_sweep(sweep):
    sweep("one", 1)
    told = sweep("one", 1, "--set", "train.weight_decay=0.1..0.2", code=2)
    assert "holds a sweep of other spaces" in told and "--name" in told


def test_settings_from_anywhere_make_another_sweep(data_root, geoml, tmp_path, monkeypatch):
    """Trials of other settings are not compared: those of the environment and of a preset's file count too."""
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path / "runs"))
    preset = tmp_path / "mine.toml"
    preset.write_text((registry.presets_folder() / "soc" / "map.toml").read_text())
    mine = ("--preset", preset, "--set", "train.batch_size=64", "--set", "train.batch_size=32")
    words = ("sweep", "soc", "--data", data_root, "--trials", 1, "--name", "own", *QUICK, *SPACES[:2], "--json")
    monkeypatch.setenv("GEOML__TRAIN__WEIGHT_DECAY", "0.125")
    done = geoml(*words, *mine)
    assert done.code == 0, done.err
    best = shlex.split(json.loads(done.out)["best"])
    assert "train.weight_decay=0.125" in best and best.index("train.batch_size=32") > best.index("train.batch_size=64")
    assert geoml(*words, *mine).code == 0
    turned = geoml(*words, *mine[:2], *mine[4:], *mine[2:4])
    assert turned.code == 2 and "(train.batch_size was 32, and is 64)" in turned.err
    monkeypatch.setenv("GEOML__TRAIN__WEIGHT_DECAY", "0.25")
    other = geoml(*words, *mine)
    assert other.code == 2 and "(train.weight_decay was 0.125, and is 0.25)" in other.err
    monkeypatch.setenv("GEOML__TRAIN__WEIGHT_DECAY", "0.125")
    preset.write_text(preset.read_text().replace("[train]", "[train]\nclip_norm = 0.5", 1))
    edited = geoml(*words, *mine)
    assert edited.code == 2 and "(train.clip_norm was None, and is 0.5)" in edited.err


def test_without_a_space_nothing_is_searched(geoml, data_root):
    refused = geoml("sweep", "soc", "--preset", "map", "--data", data_root, "--trials", "1")
    assert refused.code == 2 and "--set train.lr=log:1e-4..1e-2" in refused.err


@pytest.mark.parametrize(
    ("text", "low", "high", "log", "whole"),
    [
        ("log:1e-4..1e-2", 1e-4, 1e-2, True, False),
        ("0.1..0.5", 0.1, 0.5, False, False),
        ("1..4", 1, 4, False, True),
        ("log:8..512", 8, 512, True, True),
        ("-1..1.5", -1, 1.5, False, False),
    ],
)
def test_spaces(text, low, high, log, whole):
    found = space("train.lr", text)
    assert (found.low, found.high, found.log, found.whole) == (low, high, log, whole)


def test_single_values_are_no_spaces():
    spaces, fixed = divided(["train.lr=1e-3", "train.epochs=3..5", "network.backend=auto", "split.seeds=[1,2]"])
    assert [one.key for one in spaces] == ["train.epochs"]
    assert fixed == ["train.lr=1e-3", "network.backend=auto", "split.seeds=[1,2]"]
    assert space("network.width", "choice:16,32").choices == ("16", "32")


@pytest.mark.parametrize("text", ["train.lr=2..1", "train.lr=log:3", "train.lr=log:0..1", "train.lr=choice:1",
                                  "loss.kind=choice:a,b",
                                  "split.folds=2..5", "target.transform=choice:none,log1p",
                                  "wave.threshold=choice:0,10", "network.part=choice:classifier,both",
                                  "network.frames_out=choice:1,6", "train.restore=choice:best,last"])  # fmt: skip
def test_spaces_that_are_none_are_refused(text):
    with pytest.raises(SettingsError):
        divided([text])


@pytest.mark.parametrize("restore", ["best", "last"])
def test_a_trial_has_the_score_of_the_weights_that_predict(geoml, data_root, tmp_path, restore):
    """With `restore=last` the newest weights count, not the best that were passed on the way."""
    steep = ("train.lr=0.05", "train.epochs=6", f"train.restore={restore}")
    done = geoml("train", "soc", "--preset", "map", "--data", data_root, "--run", tmp_path / "run", *QUICK,
                 *(word for text in steep for word in ("--set", text)))  # fmt: skip
    assert done.code == 0, done.err
    best, last = [], []
    for path in (tmp_path / "run").glob("members/*/history.jsonl"):
        each = [json.loads(line)["val_loss"] for line in path.read_text().splitlines()]
        best.append(min(each))
        last.append(each[-1])
    assert np.mean(last) > np.mean(best), "or nothing is tested"
    assert sweeps._score(Run(tmp_path / "run")) == pytest.approx(np.mean(best if restore == "best" else last))


def test_losses_of_two_networks_are_not_searched_together(geoml, tmp_path):
    refused = geoml("sweep", "ech", "--data", tmp_path, "--set", "train.lr=log:1e-4..1e-2")
    assert refused.code == 2 and "the losses of classifier and regressor are of other quantities" in refused.err
    again = geoml("sweep", "ech", "--data", tmp_path, "--set", "train.lr=log:1e-4..1e-2",
                  "--set", "network.part=classifier")  # fmt: skip
    assert again.code == 3, "no data here: past the refusal"


def test_trials_that_are_validated_on_other_samples_are_told(tmp_path, trained, monkeypatch):
    run, reporter = Run(trained), NullReporter()
    study = Sweep(tmp_path / "sweep", [space("train.lr", "log:1e-4..1e-2")], {}, 1)

    def copied(trial):
        shutil.copytree(trained, trial.folder)
        if trial.number == 2:
            path = Run(trial.folder).member(run.members()[0]).split
            split = json.loads(path.read_text())
            path.write_text(json.dumps({**split, "validation": split["validation"][:-1]}))
            with Run(trial.folder).changing() as record:
                record.checksums[path.relative_to(trial.folder).as_posix()] = sha256(path)
        return Run(trial.folder)

    study.run(3, copied, reporter)
    [warning] = reporter.warned
    assert "trial 2 is validated on other samples than trial 0" in warning
    shutil.rmtree(tmp_path / "sweep" / "trial-000")
    study.run(4, copied, reporter)
    assert len(reporter.warned) == 1, "a run that was deleted says nothing"
