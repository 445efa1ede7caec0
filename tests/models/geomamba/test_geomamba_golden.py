"""The paper's numbers, on every backend that works here."""

import numpy as np
import pytest
import torch
from torch.nn import functional
from weights import case, filled

from geoml_cli.models.geomamba.backend import WORKS, Kernels, available
from geoml_cli.models.geomamba.kan import KanLinear
from geoml_cli.models.geomamba.network import GeoMamba, Shape
from geoml_cli.models.geomamba.plain import basis
from geoml_cli.models.geomamba.pretrained import read
from geoml_cli.models.geomamba.settings import NetworkSettings

BACKENDS = [name for name, state in available().items() if state == WORKS]
CASES = ("geomamba_point_small", "geomamba_point_paper", "geomamba_sequence")


def place(backend):
    return torch.device("cuda" if backend == "mamba-ssm" else "cpu")


def build(described, found, backend):
    own = {**found.tables["network"], "heads": described["num_heads"], "backend": backend}
    steps, dynamic = found.signature.inputs["dynamic"].shape
    shape = Shape(dynamic, found.signature.inputs["static"].shape[-1], steps, described["lc_classes"])
    network = GeoMamba(NetworkSettings(**own), shape).eval()
    network.load_state_dict(found.weights)
    return network.to(place(backend))


def inputs(arrays, device):
    given = {name.removeprefix("in_"): torch.from_numpy(value).to(device) for name, value in arrays.items()}
    position = torch.stack([given["lat"], given["lon"]], dim=-1)
    time = torch.stack([given["year_scaled"], given["time_value"]], dim=-1)
    return given["dynamic"], given["static"], given["land_cover"], position, time


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CASES)
def test_a_golden_case_is_reproduced(name, backend):
    described, arrays = case(name)
    network = build(described, read(NetworkSettings(), filled(described["state_dict"], described["seed"])), backend)
    prediction = network(*inputs(arrays, place(backend)))
    np.testing.assert_allclose(prediction.detach().cpu(), arrays["out_prediction"], rtol=1e-4, atol=1e-5)
    loss = functional.huber_loss(prediction, torch.from_numpy(arrays["in_target"]).to(place(backend)))
    np.testing.assert_allclose(loss.item(), arrays["out_loss"], rtol=1e-4)
    loss.backward()
    squares = sum(float(p.grad.double().square().sum()) for p in network.parameters() if p.grad is not None)
    np.testing.assert_allclose(squares**0.5, arrays["out_grad_norm"], rtol=1e-3)


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "mamba-ssm"])
def test_a_golden_kan_layer_is_reproduced(backend):
    described, arrays = case("kan_linear")
    layer = KanLinear(described["in_features"], described["out_features"], Kernels(backend))
    layer.load_state_dict({**filled(described["state_dict"], described["seed"]), "grid": layer.grid})
    x = torch.from_numpy(arrays["in_x"]).requires_grad_()
    y = layer(x)
    y.square().mean().backward()
    found = {"y": y.detach(), "grad_x": x.grad, "grad_spline_weight": layer.spline_weight.grad}
    for name, value in {**found, "basis": basis(x.detach(), layer.grid[0])}.items():
        np.testing.assert_allclose(value, arrays[f"out_{name}"], rtol=1e-4, atol=1e-5, err_msg=name)


def test_attention_over_one_step_is_value_and_output_alone():
    from geoml_cli.models.geomamba.context import Fusion

    fusion = Fusion(8, 2, Kernels("torch"))
    stream, context = torch.randn(2, 5, 1, 8).unbind()
    whole = fusion.cross_attn(stream, context, context, need_weights=False)[0]
    torch.testing.assert_close(fusion._attended(stream, context), whole)
