"""`geoml compare`: a run with itself, with a worse one, on common rows only, by group, in JSON and HTML."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from quick import QUICK

from geoml_cli.config.load import load
from geoml_cli.dataset.store import Dataset
from geoml_cli.evaluation.scores import ModelScores
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.work.reporting import NullReporter


@pytest.fixture(scope="module")
def runs(trained, data_root, tmp_path_factory):
    """Give a run, its copy under another name, one that has hardly learnt, and one that tests other rows."""
    root = tmp_path_factory.mktemp("compared")
    plain = [QUICK[k] for k in range(1, len(QUICK), 2)]
    hardly, by_rows = ["train.steps=1", "train.lr=1e-9", "train.lr_min=0"], ["split.kind=random", "split.folds=2"]
    given = {
        "weak": hardly,
        "other": ["split.seed=5", "split.folds=3"],
        "rows": by_rows,
        "weak rows": [*by_rows, *hardly],
    }
    found = {"good": trained, "same": shutil.copytree(trained, root / "same")}
    for name, more in given.items():
        settings = load("soc", "map", None, {}, [*plain, *more])
        found[name] = train(settings, Dataset(data_root / "soc"), RunLocation(root / name), None, NullReporter()).folder
    return found


def compared(geoml, data_root, *folders, more=()):
    done = geoml("compare", *folders, "--data", data_root, "--json", *more)
    assert done.code == 0, done.err
    return json.loads(done.out)["networks"][""]


def test_a_run_does_not_differ_from_itself(runs, data_root, geoml):
    found = compared(geoml, data_root, runs["good"], runs["same"])
    [pair] = found["pairs"]
    assert (pair["difference"], pair["low"], pair["high"], pair["p_holm"], pair["better"]) == (0, 0, 0, 1, None)
    assert found["rows"] == max(found["tested"].values())
    assert found["notes"] == ["Only 6 groups were evaluated: the intervals are too narrow."]
    assert {group["pairs"][0]["better"] for group in found["by_group"]} <= {None}


def test_a_difference_that_is_there_is_found(runs, data_root, geoml):
    found = compared(geoml, data_root, runs["weak rows"], runs["rows"])
    [pair] = found["pairs"]
    assert pair["better"] == pair["second"] == runs["rows"].name
    assert 0 < pair["low"] <= pair["difference"] <= pair["high"]
    ranking = found["ranking"]["name"]
    scores = {name: one[ranking]["value"] for name, one in found["runs"].items()}
    assert pair["difference"] == pytest.approx(scores[runs["weak rows"].name] - scores[runs["rows"].name])


def test_scores_are_those_of_the_evaluation_where_all_rows_are_common(runs, data_root, geoml, tmp_path):
    run = shutil.copytree(runs["good"], tmp_path / "run")
    quick = ("--set", "evaluate.baselines=[]", "--set", "evaluate.importance_repeats=0")
    assert geoml("evaluate", run, "--data", data_root, *quick).code == 0
    scores = json.loads((run / "evaluation/test/metrics.json").read_text())["network"]["scores"]
    found = compared(geoml, data_root, runs["good"], runs["weak"])["runs"][runs["good"].name]
    for name, score in scores.items():
        np.testing.assert_allclose([found[name][key] for key in ("value", "low", "high")],
                                   [score[key] for key in ("value", "low", "high")], rtol=1e-9)  # fmt: skip


def test_a_score_outside_of_its_own_interval_is_named_as_by_an_evaluation(runs, data_root, geoml, monkeypatch):
    """Draws of few unlike groups are biased."""
    found = compared(geoml, data_root, runs["good"], runs["weak"])
    for scores in found["runs"].values():
        assert all(score["low"] <= score["value"] <= score["high"] for score in scores.values())
    assert "outside of the interval" not in " ".join(found["notes"])
    weak = runs["weak"].name
    monkeypatch.setattr(ModelScores, "beside_intervals", property(lambda one: "KGE" if one.name == weak else ""))
    notes = compared(geoml, data_root, runs["good"], runs["weak"])["notes"]
    assert [note.partition(", as")[0] for note in notes if "Only" not in note] == [
        f"KGE ({weak}): outside of the interval"
    ]


def test_pairs_of_three_runs_share_their_rows_and_say_where_splits_differ(runs, data_root, geoml):
    found = compared(geoml, data_root, runs["good"], runs["weak"], runs["other"])
    assert len(found["pairs"]) == 3 and "split the data otherwise" in " ".join(found["notes"])


def test_the_order_of_runs_changes_neither_groups_nor_intervals(runs, data_root, geoml):
    """Resampled by single rows, as the random split would have it, intervals were too narrow for blocks."""
    one, other = (
        compared(geoml, data_root, *(runs[name] for name in names)) for names in (("rows", "good"), ("good", "rows"))
    )
    assert one["runs"] == {name: other["runs"][name] for name in one["runs"]}
    [told] = [note for note in one["notes"] if "resample each" in note]
    assert f"resample each spatial block of 20 km, as the split of {runs['good'].name} does" in told
    assert one["pairs"][0]["p_holm"] == pytest.approx(other["pairs"][0]["p_holm"])


class Page(HTMLParser):
    """Counts tables; refuses what lies elsewhere."""

    tables = 0

    def handle_starttag(self, tag, attributes):
        self.tables += tag == "table"
        named = dict(attributes)
        assert not (named.get("src") or named.get("href") or "").startswith("http")


def test_the_page_holds_the_tables(runs, data_root, geoml, tmp_path):
    out = tmp_path / "runs.html"
    done = geoml("compare", runs["good"], runs["weak"], "--data", data_root, "--out", out)
    assert done.code == 0 and "Pairs of runs" in done.out and f"written: {out}" in done.out
    page = Page()
    page.feed(out.read_text())
    assert page.tables == 2
    assert f"{runs['good'].name} has the lowest" in out.read_text()


def test_what_cannot_be_compared_is_refused(runs, data_root, geoml, tmp_path):
    for words, told in (
        ((runs["good"],), "compares 2 to 12 runs, not 1"),
        ((runs["good"], runs["good"]), "named twice"),
        ((runs["good"], tmp_path / "none"), "neither a model nor a run's folder"),
        ((runs["good"], runs["weak"], "--out", tmp_path / "x.pdf"), "Use .html"),
    ):
        refused = geoml("compare", *words, *(() if "--data" in words else ("--data", data_root)))
        assert refused.code == 2 and told in refused.err, refused.err
    assert not list(Path(tmp_path).glob("x.*"))
