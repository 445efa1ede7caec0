"""Predictions that an evaluation keeps for the next one: used where nothing that determines them has changed."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest

from geoml_cli.evaluation import baselines
from geoml_cli.runs.kept import Computation, KeptArrays, digest_of

QUICK = ("--set", 'evaluate.baselines=["mean", "ridge"]', "--set", "evaluate.importance_repeats=0")


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def never():
    raise AssertionError("is computed again")


def test_an_array_is_computed_once_for_each_key(tmp_path):
    kept, values = KeptArrays(tmp_path / "kept"), np.array([[1.5, np.nan]])
    np.testing.assert_array_equal(kept.array(Computation({"a": 1}, lambda: values)), values)
    np.testing.assert_array_equal(kept.array(Computation({"a": 1}, never)), values)
    assert kept.found == 1
    with pytest.raises(AssertionError, match="computed again"):
        kept.array(Computation({"a": 2}, never))


def test_a_damaged_array_is_computed_again(tmp_path):
    KeptArrays(tmp_path).array(Computation({"a": 1}, lambda: np.ones(50)))
    [path] = tmp_path.glob("*.npz")
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    assert KeptArrays(tmp_path).array(Computation({"a": 1}, lambda: np.zeros(50))).sum() == 0


def test_what_was_not_asked_for_in_a_week_is_removed(tmp_path, monkeypatch):
    KeptArrays(tmp_path).array(Computation({"a": 1}, lambda: np.ones(2)))
    second = KeptArrays(tmp_path)
    second.array(Computation({"a": 2}, lambda: np.ones(2)))
    second.tidy()
    assert len(list(tmp_path.glob("*.npz"))) == 2, "parts of another evaluation, perhaps"
    for path in tmp_path.glob("*.npz"):
        os.utime(path, times=(0, 0))
    third = KeptArrays(tmp_path)
    assert third.array(Computation({"a": 2}, never)).sum() == 2
    third.tidy()
    [left] = tmp_path.glob("*.npz")
    assert left.stat().st_mtime > 1e9, "used, and so young again"
    monkeypatch.setattr("geoml_cli.runs.kept.code_digest", lambda: "another version of the code")
    KeptArrays(tmp_path).tidy()
    assert not list(tmp_path.glob("*.npz"))


def test_arrays_are_known_by_content_shape_and_kind():
    one = np.zeros((2, 3), dtype=np.float32)
    others = [one.reshape(3, 2), one.astype(np.float64), one + 1]
    assert digest_of(one) == digest_of(one.copy()) and digest_of(one) not in [digest_of(other) for other in others]


def test_a_second_evaluation_predicts_nothing_and_says_the_same(run, data_root, geoml, monkeypatch):
    words = ("evaluate", run, "--data", data_root, *QUICK)
    shutil.rmtree(run / "kept")  # of the training, which predicts test rows for intervals
    first = geoml(*words)
    assert first.code == 0 and "keeps were used" not in first.err
    told = json.loads((run / "evaluation" / "test" / "metrics.json").read_text())
    with monkeypatch.context() as patched:
        patched.setattr(baselines, "predict", lambda *arguments: never())
        patched.setattr("geoml_cli.inference.predictor.Predictor.each", lambda *arguments: never())
        again = geoml(*words)
    assert again.code == 0 and "Predictions that the run keeps were used: " in again.err, again.err
    assert json.loads((run / "evaluation" / "test" / "metrics.json").read_text()) == told
    # Another seed of the baselines is another key; what it replaces may be wanted again.
    before = set((run / "kept" / "test").iterdir())
    assert geoml(*words, "--set", "evaluate.seed=2").code == 0
    assert set((run / "kept" / "test").iterdir()) > before


@pytest.mark.parametrize("switch", ["evaluate.keep=false", "data.verify=false"])
def test_nothing_is_kept_where_it_is_not_wanted_or_not_verified(run, data_root, geoml, switch):
    shutil.rmtree(run / "kept", ignore_errors=True)
    assert geoml("evaluate", run, "--data", data_root, *QUICK, "--set", switch).code == 0
    assert not (run / "kept").exists()
