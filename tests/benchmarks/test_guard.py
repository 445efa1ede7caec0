"""The guard of refactorings sees what differs and passes over what does not; running it is no test's matter."""

import csv
import json
from itertools import product
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from safetensors.numpy import save_file

from benchmarks import __main__ as runner
from benchmarks import _guard_compare as compared
from benchmarks import guard
from benchmarks._guard_cases import BASE_STEPS, CASES, Case, Side

CASE = Case("m", "p", "s", {}, {}, {"samples.csv": "samples"})
SCORES = {
    "network": {"scores": {"RMSE": {"value": 1.5, "low": 1.0, "high": 2.0, "unit": "cm"}}},
    "classes": [{"quantity": "year", "name": "2001", "R": 0.5}, {"quantity": "year", "name": "2002", "R": None}],
    "confusion": [[1, 2], [3, 4]],
    "warnings": [],
}
SPLIT = {"train": [0, 2], "test": [1], "seed": 1}


def write_side(folder, weight=1.0, scores=SCORES, split=SPLIT, predicted=0.25):
    """Write a data set, a run and predictions in the layout of geoml."""
    run, member = folder / "runs/m/p/guarded", folder / "runs/m/p/guarded/members/seed-1"
    for place in (folder / "data/s", member / "checkpoints/best", run / "evaluation/test", folder / "predictions/m/p"):
        place.mkdir(parents=True)
    with netCDF4.Dataset(folder / "data/s/dataset.nc", "w") as file:
        file.createDimension("sample", 2)
        file.createVariable("x", "f4", ("sample",))[:] = [np.nan, 3.0]
    (member / "split.json").write_text(json.dumps(split))
    (member / "scaling.json").write_text('{"target": {"scale": 2.0}}')
    save_file({"w": np.array([0.5, weight], np.float32)}, member / "checkpoints/best/weights.safetensors")
    (run / "evaluation/test/metrics.json").write_text(json.dumps(scores))
    (run / "evaluation/test/per_class.csv").write_text("quantity,class,R\nyear,2001,0.5\nyear,2002,\nplace,a,0.1\n")
    (folder / "predictions/m/p/samples.csv").write_text(f"sample,id,y\n0,a,{predicted}\n1,b,\n")
    return folder


@pytest.fixture(autouse=True)
def nothing_expected(monkeypatch):
    """Compare without the renamings and faults of the present guard."""
    monkeypatch.setattr(compared, "RENAMED", {})
    monkeypatch.setattr(compared, "EXPECTED", {})


@pytest.fixture
def differences(tmp_path):
    """Give a function that compares a side as written above with one written otherwise."""

    def compare(**changed):
        folders = write_side(tmp_path / "base"), write_side(tmp_path / "new", **changed)
        done = [compared.compare(kind, CASE, folders) for kind in guard.KINDS]
        assert all(comparison.values for comparison in done)
        return [difference for comparison in done for difference in comparison.differences]

    return compare


def test_sides_that_agree_have_no_differences(differences):
    reordered = {**SCORES, "classes": SCORES["classes"][::-1]}
    assert differences(scores=reordered, predicted=0.25 * (1 + 5e-7)) == []


def test_weights_differ_by_a_single_bit(differences):
    [found] = differences(weight=float(np.nextafter(np.float32(1), np.float32(2))))
    assert (found.case, found.seed, found.kind, found.name) == ("m/p", "1", "weights", "seed-1/best: w")
    assert (found.old, found.new) == ("[1] 1.0", "[1] 1.0000001; 1 of 2 differ")


def test_rows_scores_and_predictions_that_differ_are_named(differences):
    scores = json.loads(json.dumps(SCORES))
    scores["network"]["scores"]["RMSE"]["low"] = 1.0 + 2e-9
    scores["classes"][0]["R"] = 0.25
    scores["classes"][1]["R"] = 0.75
    found = differences(scores=scores, split={**SPLIT, "train": [0, 3]}, predicted=0.2501)
    assert [(one.kind, one.name) for one in found] == [
        ("split and scaling", "members/seed-1/split.json: train"),
        ("scores", "metrics.json: classes[year|2001].R"),
        ("scores", "metrics.json: classes[year|2002].R"),
        ("scores", "metrics.json: network.scores.RMSE.low"),
        ("predictions", "samples.csv: y"),
    ]


def test_results_that_only_one_side_has_are_named(differences):
    scores = {**SCORES, "n": 3}
    del scores["confusion"]
    found = {one.name: (one.old, one.new, one.reason) for one in differences(scores=scores)}
    assert found == {
        "metrics.json: confusion": ("float64 [2, 2]", "missing", ""),
        "metrics.json: n": ("missing", "3.0", compared.NEW),
    }


def test_of_a_base_after_the_refactoring_nothing_may_differ(tmp_path, differences, monkeypatch):
    monkeypatch.setitem(compared.EXPECTED, r"weights", "seed was ignored")
    [found] = differences(weight=2.0)
    [after] = [
        difference
        for kind in guard.KINDS
        for difference in compared.compare(kind, CASE, (tmp_path / "base", tmp_path / "new"), after=True).differences
    ]
    assert (found.reason, after.reason, after.name) == ("seed was ignored", "", found.name)


def test_renamed_results_are_paired_and_fixed_faults_expected(differences, monkeypatch):
    monkeypatch.setitem(compared.RENAMED, r"\.confusion$|: confusion$", ": confusion_matrix")
    monkeypatch.setitem(compared.EXPECTED, r"^m/p: weights: .*/best", "seed was ignored")
    scores = {("confusion_matrix" if name == "confusion" else name): value for name, value in SCORES.items()}
    [found] = differences(scores=scores, weight=2.0)
    assert (found.kind, found.reason) == ("weights", "seed was ignored")


def test_a_layout_that_is_not_known_is_no_agreement(tmp_path):
    comparison = compared.compare(guard.KINDS[2], CASE, (tmp_path, tmp_path))
    assert comparison.unexpected == 1
    assert comparison.differences[0].name == "nothing of this kind was found"


def test_a_side_spells_its_commands():
    steps = {"train": "train {model} --run {run}"}
    side = Side("new", Path("python"), Path(), Path(), steps, {"train.keep": "train.restore", "--points": "--samples"})
    words = side.command("train", {"model": "soc", "run": "a b"}, {"train.keep": "last", "train.lr": "1"})
    assert words == ["train", "soc", "--run", "a b", "--set", "train.restore=last", "--set", "train.lr=1"]
    assert side.options(["--points", "p.csv"]) == ["--samples", "p.csv"]


def test_every_model_has_a_case_whose_steps_are_known():
    from geoml_cli import registry

    new_since_base = {"mmnet", "tidenet"}  # there is nothing to compare them with
    assert {case.model for case in CASES} == set(registry.models()) - new_since_base
    for case, step in product(CASES, ("prepare", "train", "evaluate")):
        assert {step, *case.predictions.values()} <= set(BASE_STEPS)
        assert case.preset in registry.presets(case.model)


def test_all_differences_are_written_and_a_table_shown(tmp_path, capsys):
    differ = compared.Difference("m/p", "1", "weights", "w", "1", "2")
    expected = compared.Difference("m/p", "1", "scores", "R", "1", "2", "fault")
    guard.write(tmp_path / "d.csv", [differ, expected])
    with (tmp_path / "d.csv").open(newline="") as stream:
        assert [line["name"] for line in csv.DictReader(stream)] == ["w", "R"]
    guard.show([compared.Comparison("m/p", "weights", 7, (differ,) * 25 + (expected,))])
    out = capsys.readouterr().out
    assert "DIFFERS: m/p, seed 1, weights, w: 1 -> 2" in out
    assert "... and 6 more of m/p, weights" in out
    assert out.splitlines()[-1].split() == ["m/p", "weights", "7", "1", "25"]


def test_the_runner_passes_options_on_and_runs_the_guard_by_name_only(monkeypatch):
    ran = []

    def run(command, **_):
        ran.append(command[2:])
        return type("Done", (), {"returncode": 4})

    monkeypatch.setattr(runner.subprocess, "run", run)
    assert runner.main(["guard", "--models", "soc", "ech"]) == 4
    assert ran == [["benchmarks.guard", "--models", "soc", "ech"]]
    assert runner.main([]) == 1
    left_out = {"benchmarks.guard", "benchmarks.since"}
    assert {words[0] for words in ran[1:]} == {f"benchmarks.{name}" for name in runner.benchmarks()} - left_out
