"""Scores beside published ones, from evaluations written by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geoml_cli import registry
from geoml_cli.config.load import load
from geoml_cli.config.tables.paper import PaperNumber, PaperSettings
from geoml_cli.errors import SettingsError
from geoml_cli.evaluation.paper import explained, paper_rows, unmet

PRESETS = [(model, preset) for model in registry.models() for preset in registry.presets(model)]


def evaluation(folder: Path, **scores: tuple[float | None, float | None, float | None, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    named = {name: dict(zip(("value", "low", "high", "unit"), score, strict=True)) for name, score in scores.items()}
    (folder / "metrics.json").write_text(json.dumps({"network": {"scores": named}}))
    return folder


def test_a_number_within_the_interval_is_met_and_one_outside_is_not(tmp_path):
    ours = evaluation(tmp_path / "ours", MAE=(2, 1, 3, "cm"), R2=(0.9, 0.8, 0.96, "1"), RMSE=(3.4, 3.0, 3.9, "cm"))
    strict = evaluation(tmp_path / "strict", R2=(0.5, 0.3, 0.6, "1"), RMSE=(7.0, 6.0, 8.0, "cm"))
    numbers = (PaperNumber(metric="RMSE", value=1.916, unit="cm"), PaperNumber(metric="R2", value=0.95))
    paper = PaperSettings(numbers=numbers, public=True)
    rows = {row.metric: row for row in paper_rows(paper, ours, strict)}
    assert list(rows) == ["R2", "RMSE", "MAE"]
    assert rows["R2"].met is True and rows["RMSE"].met is False and rows["MAE"].met is None
    assert rows["RMSE"].difference == pytest.approx((1.484, 1.084, 1.984))
    assert rows["R2"].strict == (0.5, 0.3, 0.6) and rows["MAE"].strict is None and rows["MAE"].difference is None
    assert unmet(paper, list(rows.values())) == ["RMSE"]
    assert unmet(paper.model_copy(update={"public": False}), list(rows.values())) == []


def test_another_unit_is_said_and_not_compared(tmp_path):
    ours = evaluation(tmp_path, RMSE=(1.2, 1.0, 1.4, "gC m-2 d-1"))
    paper = PaperSettings(numbers=(PaperNumber(metric="RMSE", value=0.37, unit="umol CO2 m-2 s-1"),), public=True)
    [row] = paper_rows(paper, ours, None)
    assert row.paper is None and row.met is None and unmet(paper, [row]) == []
    assert "the paper's RMSE is in umol CO2 m-2 s-1, this one in gC m-2 d-1: not compared" in explained(paper, [row])


def test_without_an_interval_nothing_is_met_and_that_is_said(tmp_path):
    paper = PaperSettings(numbers=(PaperNumber(metric="R2", value=0.9),), public=True)
    [row] = paper_rows(paper, evaluation(tmp_path, R2=(0.9, None, None, "1")), None)
    assert row.met is None and any("no interval of its R2" in note for note in explained(paper, [row]))
    [row] = paper_rows(paper, evaluation(tmp_path, R2=(0.95, 0.8, 0.92, "1")), None)
    assert row.met is None and any("no interval that holds its R2" in note for note in explained(paper, [row]))
    assert unmet(paper.model_copy(update={"numbers": (PaperNumber(metric="R2", value=0.5),)}), [row]) == []


def test_a_published_score_of_all_rows_is_not_alone(tmp_path):
    """What is unseen about rows is told apart where the evaluation does so; all rows decide whether it is met."""
    folder = evaluation(tmp_path, MAE=(1, 0.5, 1.5, "1"), R2=(0.0, -0.7, 0.1, "1"))
    content = json.loads((folder / "metrics.json").read_text())
    unseen = {"value": 0.4, "low": 0.2, "high": 0.95, "unit": "1"}
    content["claims"] = [{"rows_of": "unseen year", "network": {"scores": {"R2": unseen, "MAE": unseen}}}]
    (folder / "metrics.json").write_text(json.dumps(content))
    paper = PaperSettings(numbers=(PaperNumber(metric="R2", value=0.92),), public=True)
    rows = paper_rows(paper, folder, None)
    assert [(row.metric, row.rows_of, row.met) for row in rows] == [
        ("R2", "", False),
        ("R2", "unseen year", True),
        ("MAE", "", None),
    ]
    assert unmet(paper, rows) == ["R2"]


def test_networks_of_a_run_are_told_apart(tmp_path):
    evaluation(tmp_path / "classifier", accuracy=(0.9, 0.88, 0.93, "1"))
    evaluation(tmp_path / "regressor", R2=(0.6, 0.5, 0.65, "1"))
    numbers = [PaperNumber(network="classifier", metric="accuracy", value=0.912)]
    rows = paper_rows(PaperSettings(numbers=tuple(numbers)), tmp_path, None)
    assert [(row.network, row.metric, row.met) for row in rows] == [
        ("classifier", "accuracy", True),
        ("regressor", "R2", None),
    ]


def test_a_score_that_there_is_not_is_refused_with_those_there_are(tmp_path):
    ours = evaluation(tmp_path, R2=(0.9, 0.8, 1.0, "1"))
    with pytest.raises(SettingsError, match=r"r2 is no score of this run\. Scores are: R2\."):
        paper_rows(PaperSettings(numbers=(PaperNumber(metric="r2", value=0.9),)), ours, None)


@pytest.mark.parametrize(("model", "preset"), PRESETS)
def test_every_preset_has_a_card_whose_settings_hold(model, preset):
    """Numbers name networks and scores that there are; the split without leaks is one that can be set."""
    settings = load(model, preset, None, {})
    paper = settings.shared.paper
    assert paper.data or paper.reasons
    strict = load(model, preset, None, {}, paper.without_leaks)
    assert (strict.shared.split != settings.shared.split) == bool(paper.without_leaks)
    networks = registry.spec(model).networks(settings.own)
    names = set(networks) if len(networks) > 1 else {""}
    assert {number.network for number in paper.numbers} <= names


@pytest.mark.parametrize(("model", "preset"), PRESETS)
def test_only_splits_that_leak_have_another_beside_them(model, preset):
    split, paper = load(model, preset, None, {}).shared.split, load(model, preset, None, {}).shared.paper
    leaks = split.kind == "random" or not split.exclude_overlaps
    assert bool(paper.without_leaks) == leaks


def test_another_quantity_is_said_and_not_compared(tmp_path):
    folder = evaluation(tmp_path, R2=(0.1, 0.0, 0.2, "1"))
    paper = PaperSettings(numbers=(PaperNumber(metric="R2", value=0.92),), target="NEE", public=True)
    for name, compared in (("NEE_VUT_REF", True), ("LE_F_MDS", False)):
        content = json.loads((folder / "metrics.json").read_text())
        (folder / "metrics.json").write_text(json.dumps({**content, "target": {"name": name}}))
        [row] = paper_rows(paper, folder, None)
        assert (row.met is False) == compared and unmet(paper, [row]) == (["R2"] if compared else [])
        note = "the paper's R2 is of NEE, this one of LE_F_MDS: not compared"
        assert (note in explained(paper, [row])) != compared
