"""Predictions turned back from a logarithm aim at the mean: a hand-made case, and a run."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from geoml_cli.runs.run import Run
from geoml_cli.samples.batches import TargetInverse
from geoml_cli.samples.scaling import TargetScaling


@pytest.mark.parametrize("transform", ["log", "log1p"])
def test_the_factor_by_hand(transform):
    # Residuals of -ln 2, 0 and ln 2 in logarithms, kept in units of a scale of 2.
    plain = TargetScaling(transform=transform, shift=1.0, scale=2.0)
    smeared = plain.smeared(np.log([5.0, 10.0, 20.0]) / 2)  # their mean, ln 10, is taken off
    assert smeared.smearing == pytest.approx((0.5 + 1 + 2) / 3)
    offset = 1.0 if transform == "log1p" else 0.0
    predicted = np.array([0.0, 0.3])
    expected = (plain.inverse(predicted) + offset) * smeared.smearing - offset
    np.testing.assert_allclose(smeared.inverse(predicted), expected)
    in_graph = TargetInverse(smeared)(torch.from_numpy(predicted)).numpy()
    np.testing.assert_allclose(in_graph, expected, rtol=1e-6)
    np.testing.assert_allclose(smeared.forward(np.array([3.0])), plain.forward(np.array([3.0])))


def test_without_a_transform_or_residuals_it_is_one():
    assert TargetScaling(scale=3.0).smeared(np.array([1.0, 2.0])).smearing == 1
    assert TargetScaling(transform="log").smeared(np.empty(0)).smearing == 1


def test_a_factor_that_is_not_finite_ends_the_training(geoml, data_root, tmp_path, monkeypatch):
    monkeypatch.setattr(
        TargetScaling, "smeared", lambda scaling, residuals: scaling.model_copy(update={"smearing": np.inf})
    )
    quick = ("--set", "train.epochs=1", "--set", "split.folds=1", "--set", "split.seeds=[1]", "--quiet")
    done = geoml("train", "soc", "--preset", "map", *quick, "--data", data_root, "--run", tmp_path / "run")
    assert done.code == 1 and "smearing factor of its validation rows is not finite" in done.err
    monkeypatch.undo()
    assert geoml("train", tmp_path / "run", "--data", data_root, "--quiet").code == 0, "and is resumed"


def test_lognormal_values_get_their_mean_back():
    generator = np.random.default_rng(0)
    values = np.exp(generator.normal(1.0, 0.8, 20000))
    scaling = TargetScaling(transform="log", shift=1.0, scale=1.0)
    residuals = scaling.forward(values)
    assert scaling.inverse(np.zeros(1))[0] == pytest.approx(np.median(values), rel=0.02)
    assert scaling.smeared(residuals).inverse(np.zeros(1))[0] == pytest.approx(values.mean(), rel=0.02)


def test_a_run_keeps_a_factor_a_member_and_uses_it(geoml, data_root, tmp_path):
    quick = (
        "--set",
        "train.epochs=3",
        "--set",
        "split.folds=2",
        "--set",
        "split.seeds=[1]",
        "--set",
        "train.threads=1",
    )
    where = ("--data", data_root, "--quiet")
    evaluated = ("--data", data_root / "soc", "--json", "--quiet", "--set", "evaluate.importance_repeats=0")
    baselines = ("--set", 'evaluate.baselines=["mean"]', "--set", "evaluate.n_bootstrap=100")
    found = {}
    for name, more in (("on", ()), ("off", ("--set", "target.smearing=false"))):
        done = geoml("train", "soc", "--preset", "map", *quick, *more, *where, "--run", tmp_path / name)
        assert done.code == 0, done.err
        run = Run(tmp_path / name)
        done = geoml("evaluate", run.folder, *evaluated, *baselines)
        assert done.code == 0, done.out + done.err
        found[name] = json.loads(done.out)
        factors = json.loads((run.folder / "run.json").read_text())["smearing"]
        assert set(factors) == (set(run.planned()) if name == "on" else set())
        for member in run.planned():
            split, scaling = run.split(member), run.scaling(member).target
            assert scaling.smearing == factors.get(member, 1.0)
            assert (scaling.smearing > 1) == (name == "on")
            assert len(split.validation)
    on, off = (found[name]["network"]["scores"]["bias"]["value"] for name in ("on", "off"))
    assert on > off, "predictions are larger"
    mean_on, mean_off = (found[name]["baselines"]["mean"]["scores"]["bias"]["value"] for name in ("on", "off"))
    assert mean_on > mean_off
    assert any("; 1 + prediction is multiplied by" in note for note in found["on"]["warnings"])  # log1p
    assert not any("multiplied" in note for note in found["off"]["warnings"])
    # Weights of a run with factors, in a run that wants none.
    done = geoml("train", "soc", "--preset", "map", *quick, "--set", "target.smearing=false", *where,
                 "--from", tmp_path / "on", "--run", tmp_path / "from")  # fmt: skip
    assert done.code == 0, done.err
    begun = Run(tmp_path / "from")
    assert [begun.scaling(member).target.smearing for member in begun.planned()] == [1.0, 1.0]
