"""What is set counts, wherever it was set, or is refused."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
import torch
from quick import QUICK

from geoml_cli.runs.run import Run


def widths(geoml, run, data_root, out, *more):
    done = geoml("predict", run, "--data", data_root / "soc", "--out", out, "--quiet", *more)
    assert done.code == 0, done.err
    found = pd.read_csv(out)
    low, high = (next(name for name in found if name.endswith(end)) for end in ("_lower", "_upper"))
    return (found[high] - found[low]).mean()


def test_the_environment_counts_for_a_trained_run_as_set_does(geoml, trained, data_root, tmp_path, monkeypatch):
    run = shutil.copytree(trained, tmp_path / "run")
    usual = widths(geoml, run, data_root, tmp_path / "usual.csv")
    asked = widths(geoml, run, data_root, tmp_path / "set.csv", "--set", "predict.coverage=0.5")
    monkeypatch.setenv("GEOML__PREDICT__COVERAGE", "0.5")
    monkeypatch.setenv("GEOML__TRAIN__LR", "1e-3")  # of another command
    assert widths(geoml, run, data_root, tmp_path / "environment.csv") == asked < usual
    above = widths(geoml, run, data_root, tmp_path / "both.csv", "--set", "predict.coverage=0.9")
    assert above == usual, "--set is above the environment"
    monkeypatch.setenv("GEOML__PREDICT__COVERAGE", "half")
    done = geoml("predict", run, "--data", data_root / "soc", "--out", tmp_path / "none.csv")
    assert done.code == 2 and "GEOML__PREDICT__COVERAGE: [predict] coverage = 'half'" in " ".join(done.err.split())
    monkeypatch.delenv("GEOML__PREDICT__COVERAGE")
    monkeypatch.setenv("GEOML__EVALUATE__BASELINES", '["mean"]')
    done = geoml("evaluate", run, "--data", data_root / "soc", "--quiet")
    assert done.code == 0, done.err
    scores = json.loads((run / "evaluation/test/metrics.json").read_text())
    assert list(scores["baselines"]) == ["mean"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("split.seeds=[-1]", "must be 0 or more"),
        ("split.seed=-1", "must be 0 or more"),
        ("split.seeds=[4294967296]", "must be below 4294967296"),
        ("evaluate.seed=-1", "must be 0 or more"),
        ("preset=paper", "preset is no setting. Use --preset"),
    ],
)
def test_what_cannot_be_set_is_refused_before_anything_is_written(geoml, data_root, tmp_path, setting, message):
    run = tmp_path / "run"
    done = geoml("train", "soc", "--preset", "map", "--data", data_root / "soc", "--run", run, *QUICK, "--set", setting)
    assert done.code == 2 and message in " ".join(done.err.split()), done.err
    assert not run.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="fp16 is for a GPU")
def test_a_plan_refuses_the_precision_that_training_refuses(geoml, data_root):
    words = ("train", "soc", "--preset", "map", "--data", data_root / "soc", *QUICK, "--set", "train.precision=fp16")
    for more in ([], ["--dry-run"]):
        done = geoml(*words, *more)
        assert done.code == 2 and "fp16 needs a GPU" in done.err


def test_the_table_of_a_training_shows_the_weights_that_are_used(geoml, data_root, tmp_path):
    run = tmp_path / "run"
    words = ("--data", data_root / "soc", "--run", run, *QUICK, "--set", "train.restore=last", "--set", "train.lr=0.05")
    done = geoml("train", "soc", "--preset", "map", *words, "--json", "--quiet")
    assert done.code == 0, done.err
    for member in json.loads(done.out)["members"]:
        last = list(Run(run).history(member["member"]))[-1]
        assert (member["epoch"], member["val_loss"]) == (3, last["val_loss"])
