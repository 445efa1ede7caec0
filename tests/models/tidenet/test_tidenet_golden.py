"""The numbers of the paper's own networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from weights import case, filled

from geoml_cli.models.tidenet.losses import LossWeights, loss_terms, squared_error
from geoml_cli.models.tidenet.network import Shape, TideNet
from geoml_cli.models.tidenet.simvp import SimVP


def close(found, expected, **tolerance):
    np.testing.assert_allclose(found, expected, **({"rtol": 1e-4, "atol": 1e-5} | tolerance))


def gradient_norm(network):
    return sum(float(p.grad.square().sum()) for p in network.parameters() if p.grad is not None) ** 0.5


def frames(arrays, name):
    return torch.from_numpy(arrays[name]).squeeze(2)


@pytest.fixture(scope="module", params=["tidenet_small", "tidenet_3to5"])
def golden(request):
    described, arrays = case(request.param)
    height, width = described["input_shape"]
    shape = Shape(
        described["frames_in"],
        described["frames_out"],
        height,
        width,
        hidden=described["hidden_dim"],
        spectral_number=described["spec_num"],
    )
    network = TideNet(shape)
    missing, unknown = network.load_state_dict(filled(described["state_dict"], described["seed"]), strict=False)
    assert set(missing) == {"spec_mask", "phasenet.uv", "alphamixer.spec_mask"} and not unknown
    return described, arrays, network.eval()


def test_parameters_have_the_released_names_and_shapes(golden):
    described, _, network = golden
    assert {name: list(value.shape) for name, value in network.state_dict().items()} == described["state_dict"]


def test_the_forecast_and_its_branches_are_the_papers(golden):
    _, arrays, network = golden
    with torch.inference_mode():
        branches = network.branches(frames(arrays, "in_frames_in"))
    close(branches.forecast, arrays["out_prediction"].squeeze(2))
    close(branches.amplitude, arrays["out_amplitude_branch"].squeeze(2))
    close(branches.phase, arrays["out_phase_branch"].squeeze(2))
    close(branches.alpha, arrays["out_alpha"].squeeze(2))


@pytest.mark.parametrize("masked", [False, True])
def test_every_loss_term_and_the_gradient_are_the_papers(golden, masked):
    """With a mask that holds no land as well."""
    described, arrays, network = golden
    network.zero_grad()
    sea = torch.ones(described["input_shape"], dtype=torch.bool) if masked else None
    branches = network.branches(frames(arrays, "in_frames_in"))
    terms = loss_terms(branches, frames(arrays, "in_frames_out"), network.spec_mask, LossWeights().at(1), sea)
    close(terms.total.item(), arrays["out_total_loss"], rtol=1e-5)
    close(terms.phase.item(), arrays["out_phase_loss"], rtol=1e-5)
    close(terms.spectrum.item(), arrays["out_ampli_loss"], rtol=1e-5)
    close(terms.amplitude.item(), arrays["out_anet_loss"], rtol=1e-5)
    terms.total.backward()
    close(gradient_norm(network), arrays["out_grad_norm"], rtol=1e-3)


def test_simvp_is_the_papers():
    described, arrays = case("simvp")
    network = SimVP(described["frames_in"], described["frames_out"]).eval()
    network.load_state_dict(filled(described["state_dict"], described["seed"]))
    assert {name: list(value.shape) for name, value in network.state_dict().items()} == described["state_dict"]
    forecast = network(frames(arrays, "in_frames_in"))
    close(forecast.detach(), arrays["out_prediction"].squeeze(2))
    loss = squared_error(forecast, frames(arrays, "in_frames_out"))
    close(loss.item(), arrays["out_loss"], rtol=1e-5)
    loss.backward()
    close(gradient_norm(network), arrays["out_grad_norm"], rtol=1e-3)
