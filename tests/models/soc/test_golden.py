"""The papers' numbers, through the importer of released checkpoints."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional
from weights import case, filled

from geoml_cli.inference.load import open_trained
from geoml_cli.runs.create import RunFolder
from geoml_cli.runs.run import Run
from geoml_cli.stages.import_checkpoint import import_checkpoint


@pytest.fixture(params=["soc_cnn", "soc_lstm", "soc_cnn_lstm"])
def imported(request, tmp_path):
    described, arrays = case(request.param)
    file = tmp_path / "released.pth"
    torch.save(filled(described["state_dict"], described["seed"]), file)
    run = import_checkpoint("soc", "paper", file, RunFolder(tmp_path / "run"))
    return described, arrays, Run(run.folder)


def test_a_golden_case_is_reproduced(imported):
    described, arrays, run = imported
    network = open_trained(run, ["released"]).load_network("released")
    seen = {"static": arrays["in_window"], "series": arrays["in_series"]}
    inputs = [torch.from_numpy(seen[name]) for name in run.data().signature.inputs]
    prediction = network(*inputs)
    np.testing.assert_allclose(prediction.detach().numpy(), arrays["out_prediction"], rtol=1e-4, atol=1e-5)
    loss = functional.mse_loss(prediction, torch.from_numpy(arrays["in_target"]))
    np.testing.assert_allclose(loss.item(), arrays["out_loss"], rtol=1e-4)
    loss.backward()
    squares = sum(float(p.grad.square().sum()) for p in network.parameters() if p.grad is not None)
    np.testing.assert_allclose(squares**0.5, arrays["out_grad_norm"], rtol=1e-3)
    assert described["model"] == run_variant(run)


def run_variant(run: Run) -> str:
    from geoml_cli.inference.load import settings_of

    return settings_of(run).own.network.variant


def test_parameters_have_the_released_names_and_shapes(imported):
    described, _, run = imported
    state = open_trained(run, ["released"]).load_network("released").network.state_dict()
    assert {name: list(value.shape) for name, value in state.items()} == described["state_dict"]


def test_the_joint_network_has_the_papers_number_of_parameters():
    described, _ = case("soc_cnn_lstm")
    assert sum(int(np.prod(shape)) for shape in described["state_dict"].values()) == 3143
