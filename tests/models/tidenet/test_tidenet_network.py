"""Sizes, phases, masks and weights of the loss, by hand."""

from __future__ import annotations

import builtins
import copy
import math

import numpy as np
import pytest
import torch

from geoml_cli.errors import SettingsError
from geoml_cli.layers.fourier import Spectrum, rfft2
from geoml_cli.models.tidenet.losses import LossWeights, loss_terms, phase_error, spectrum_error, squared_error
from geoml_cli.models.tidenet.mixer import low_frequencies
from geoml_cli.models.tidenet.network import Branches, Shape, TideNet
from geoml_cli.models.tidenet.phase import field, phase
from geoml_cli.models.tidenet.simvp import SimVP

SMALL = Shape(2, 3, 16, 24, hidden=32, spectral_number=3)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return TideNet(SMALL).eval()


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"height": 100}, "height = 100 is not a multiple of 8: the mixer's U-Net halves it three times"),
        ({"width": 4}, "width = 4 is not a multiple of 8"),
        ({"hidden": 48}, "hidden = 48 is not a multiple of 32: its U-Nets normalise groups of channels, 32 of them"),
        ({"hidden": 0}, "hidden = 0 is not a multiple of 32"),
        ({"hidden": 6, "frames_out": 3}, "frames_out \\* hidden = 18: amplitude cells normalise 4 groups"),
        ({"frames_in": 0}, "frames_in = 0 is below 1"),
        ({"spectral_number": 0}, "spectral_number = 0 is below 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_with_the_reason(sizes, message):
    with pytest.raises(SettingsError, match=message):
        Shape(**({"frames_in": 2, "frames_out": 2, "height": 16, "width": 16} | sizes))


def test_without_diffusers_the_message_names_the_extra(monkeypatch):
    imported = builtins.__import__

    def refusing(name, *rest):
        if name == "diffusers":
            raise ImportError("No module named 'diffusers'")
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refusing)
    with pytest.raises(SettingsError, match=r"needs the package diffusers.*pip install 'geoml\[forecast\]'"):
        TideNet(SMALL)


def test_mixed_precision_gives_nearly_the_same(network):
    frames = torch.randn(2, SMALL.frames_in, SMALL.height, SMALL.width)
    with torch.autocast("cpu", torch.bfloat16):
        forecast = network(frames)[0]
    forecast.square().mean().backward()
    exact = network(frames)[0]
    assert (forecast - exact).detach().std() / exact.detach().std() < 0.1
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())
    network.zero_grad()


def test_frames_of_a_batch_do_not_meet(network):
    """A sample's forecast is that which it has alone, as processes and parts of a batch need it."""
    frames = torch.rand(3, 2, 16, 24, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        together = network(frames)
        torch.testing.assert_close(together[1:2], network(frames[1:2]), rtol=1e-4, atol=1e-5)
    assert together.shape == (3, 3, 16, 24)


def test_a_copy_forecasts_the_same(network):
    frames, other = torch.rand(1, 2, 16, 24), copy.deepcopy(network)
    with torch.inference_mode():
        assert torch.equal(other(frames), network(frames))


def test_real_frequencies_have_the_phase_pi_whatever_the_sign_of_their_zero():
    spectrum = torch.complex(torch.full((4, 3), -1.0), torch.full((4, 3), -0.0))
    found = phase(Spectrum(spectrum.real, spectrum.imag))
    real = torch.zeros(4, 3, dtype=torch.bool)
    real[[0, 0, 2, 2], [0, 2, 0, 2]] = True
    assert (found[real] == math.pi).all() and (found[~real] == -math.pi).all()


def test_a_field_is_the_sum_of_its_amplitudes_and_phases():
    values = torch.rand(2, 8, 12, generator=torch.Generator().manual_seed(3))
    spectrum = rfft2(values)
    torch.testing.assert_close(field(spectrum.magnitude(), phase(spectrum), (8, 12)), values)


def test_low_frequencies_are_in_the_corners_of_the_first_columns():
    rows = {0, 1, 6, 7}
    expected = [[float(row in rows and column < 2) for column in range(5)] for row in range(8)]
    assert low_frequencies((8, 8), 2).tolist() == expected
    assert low_frequencies((8, 8), 20).all()


@pytest.mark.parametrize(("number", "weight"), [(1, 0.00999), (500, 0.005), (999, 1e-5), (1000, 0), (5000, 0)])
def test_the_weight_of_the_spectrum_falls_with_the_training_step(number, weight):
    assert LossWeights().spectrum_at(number) == pytest.approx(weight, rel=1e-9)


def test_no_steps_mean_no_weight_of_the_spectrum():
    assert LossWeights(spectrum_steps=0).spectrum_at(1) == 0


def test_coefficients_scale_their_terms(network):
    branches, truth = made(network)
    terms = loss_terms(branches, truth, network.spec_mask, LossWeights().at(1))
    doubled = loss_terms(branches, truth, network.spec_mask, LossWeights(0.002, 0.02, 1000, 0.2).at(1))
    assert torch.equal(terms.forecast, doubled.forecast)
    for name in ("phase", "spectrum", "amplitude"):
        torch.testing.assert_close(getattr(doubled, name), 2 * getattr(terms, name))
    torch.testing.assert_close(terms.total, sum(terms))


def made(network):
    generator = torch.Generator().manual_seed(4)
    with torch.inference_mode():
        return network.branches(torch.rand(2, 2, 16, 24, generator=generator)), torch.rand(
            2, 3, 16, 24, generator=generator
        )


SEA = torch.ones(16, 24, dtype=torch.bool)
LAND = SEA.clone()
LAND[2:7, 5:] = False


def test_without_land_the_masked_loss_is_the_papers(network):
    branches, truth = made(network)
    paper = loss_terms(branches, truth, network.spec_mask, LossWeights().at(7))
    for one, other in zip(paper, loss_terms(branches, truth, network.spec_mask, LossWeights().at(7), SEA), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=0)


def test_what_is_forecast_on_land_counts_nowhere(network):
    branches, truth = made(network)
    changed = Branches(
        torch.where(LAND, branches.forecast, 9.0), torch.where(LAND, branches.amplitude, 9.0), *branches[2:]
    )
    arguments = (truth, network.spec_mask, LossWeights().at(1), LAND)
    terms, others = loss_terms(branches, *arguments), loss_terms(changed, *arguments)
    assert all(torch.equal(one, other) for one, other in zip(terms, others, strict=True))


def test_no_gradient_comes_from_land(network):
    branches, truth = made(network)
    leaves = [branches.forecast.clone().requires_grad_(), branches.amplitude.clone().requires_grad_()]
    terms = loss_terms(Branches(*leaves, *branches[2:]), truth, network.spec_mask, LossWeights().at(1), LAND)
    terms.total.backward()
    for leaf in leaves:
        assert (leaf.grad[..., ~LAND] == 0).all() and (leaf.grad[..., LAND] != 0).all()


def test_a_masked_error_is_the_mean_over_sea_by_hand():
    truth = torch.zeros(1, 1, 2, 2)
    forecast = torch.tensor([[[[1.0, 2.0], [3.0, 100.0]]]])
    sea = torch.tensor([[True, True], [True, False]])
    assert squared_error(forecast, truth, sea).item() == pytest.approx((1 + 4 + 9) / 3)


def test_phase_and_spectrum_errors_by_numpy():
    generator = np.random.default_rng(5)
    truth, forecast = generator.random((2, 3, 8, 8)), generator.random((2, 3, 8, 8))
    angle = generator.random((2, 3, 8, 5))
    spectrum = np.fft.rfft2(truth)
    mask = low_frequencies((8, 8), 2)
    errors = (1 - np.cos(np.angle(spectrum) - angle))[..., mask.numpy() == 1].mean()
    tensors = torch.from_numpy(angle), rfft2(torch.from_numpy(truth)), mask
    assert phase_error(*tensors).item() == pytest.approx(errors)
    squares = ((np.abs(np.fft.rfft2(forecast)) - np.abs(spectrum)) ** 2).mean()
    assert spectrum_error(torch.from_numpy(forecast), tensors[1]).item() == pytest.approx(squares)


@pytest.mark.parametrize(("wanted", "calls"), [(1, 1), (2, 1), (3, 2), (5, 3)])
def test_simvp_cuts_its_frames_or_feeds_itself(wanted, calls):
    torch.manual_seed(6)
    network = SimVP(2, wanted).eval()
    frames, expected = torch.rand(1, 2, 8, 8), []
    with torch.inference_mode():
        found, current = network(frames), frames
        network.frames_out = 2
        for _ in range(calls):
            current = network(current)
            expected.append(current)
    assert torch.equal(found, torch.cat(expected, dim=1)[:, :wanted])


def test_simvp_needs_a_frame():
    with pytest.raises(SettingsError, match="0 frames in and 2 out are below 1"):
        SimVP(0, 2)
