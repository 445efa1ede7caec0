"""Every model on an NVIDIA card: trained in each precision, resumed, evaluated and predicted as on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from model_case import Case, Interrupting

from geoml_cli.config.load import read_settings
from geoml_cli.errors import StoppedError
from geoml_cli.inference.load import open_trained
from geoml_cli.runs.run import Run
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.training.plan import networks_of
from geoml_cli.work.reporting import NullReporter

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA card")

PRECISIONS = {"fp32": 1e-2, "bf16": 0.1, "fp16": 0.1}
"""How far the loss of the first step may lie from that of the CPU in float32, relative."""


def first(run: Run, loss: str) -> np.ndarray:
    return np.array([run.history(name)[0][loss] for name in run.planned()])


@pytest.mark.parametrize("precision", list(PRECISIONS))
def test_a_card_trains_to_what_the_cpu_does(case: Case, precision: str, tmp_path: Path) -> None:
    """Without dropout, whose draws on a card are others.

    In mixed precision the first step alone is compared: rounding moves the next ones, and fp16 leaves steps out until
    the scale of its losses fits.
    """
    still = ["train.evaluate_steps=1"]
    if hasattr(getattr(case.settings.own, "network", None), "dropout"):
        still.append("network.dropout=0")
    plain, mixed = (read_settings(case.run.config, [*still, f"train.precision={name}"]) for name in ("fp32", precision))
    beside = train(plain, case.dataset, RunLocation(tmp_path / "cpu", cpu=True), None, NullReporter())
    run = train(mixed, case.dataset, RunLocation(tmp_path / "run"), None, NullReporter())
    for loss in ("loss", "val_loss") if precision == "fp32" else ("loss",):
        np.testing.assert_allclose(first(run, loss), first(beside, loss), rtol=PRECISIONS[precision], atol=1e-3)
    assert np.isfinite([entry["loss"] for name in run.planned() for entry in run.history(name)]).all()


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_run_stopped_on_a_card_is_resumed(case: Case, precision: str, tmp_path: Path) -> None:
    """As close as a card repeats itself: some of its sums are in no fixed order."""
    settings = read_settings(case.run.config, [f"train.precision={precision}"])
    whole = train(settings, case.dataset, RunLocation(tmp_path / "whole"), None, NullReporter())
    with pytest.raises(StoppedError, match="saved"):
        train(settings, case.dataset, RunLocation(tmp_path / "run"), None, Interrupting(4))
    resumed = train(settings, case.dataset, RunLocation(tmp_path / "run"), None, NullReporter())
    for name in whole.planned():
        ours, theirs = ([entry["val_loss"] for entry in run.history(name)] for run in (resumed, whole))
        np.testing.assert_allclose(ours, theirs, rtol=2e-2, atol=1e-3)


def test_a_card_predicts_what_the_cpu_does(case: Case) -> None:
    trained = open_trained(case.run)
    for name in trained.networks:
        samples = trained.network_samples(name, case.dataset)
        rows = np.arange(len(samples)) if samples.complete is None else np.flatnonzero(samples.complete)
        rows = rows[: 3 if samples.spatial else 200]
        one, other = (
            trained.network_predictor(name, torch.device(device)).outputs(samples, rows) for device in ("cuda", "cpu")
        )
        scale = np.nanstd(other, axis=tuple(range(1, other.ndim)), keepdims=True) + 1e-3
        np.testing.assert_allclose(one / scale, other / scale, rtol=2e-3, atol=2e-3)


def test_a_run_of_a_card_is_continued_on_the_cpu(case: Case, tmp_path: Path) -> None:
    with pytest.raises(StoppedError, match="saved"):
        train(case.settings, case.dataset, RunLocation(tmp_path / "run"), None, Interrupting(4))
    place = RunLocation(tmp_path / "run", cpu=True)
    resumed = train(case.settings, case.dataset, place, None, NullReporter())
    assert resumed.members() == resumed.planned()


def test_recorded_steps_are_those_of_the_network(case: Case, tmp_path: Path) -> None:
    """As close as a card repeats itself; networks that cannot be recorded are refused, which other tests look at."""
    if not all(network.recordable for network in networks_of(case.settings).values()):
        pytest.skip("its steps are not recorded")
    losses = []
    for name in ("false", "true"):
        settings = read_settings(case.run.config, ["train.evaluate_steps=1", f"train.cuda_graphs={name}"])
        run = train(settings, case.dataset, RunLocation(tmp_path / name), None, NullReporter())
        losses.append([entry["loss"] for member in run.planned() for entry in run.history(member)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=2e-2, atol=1e-3)
