"""Operators that ONNX lacks: decomposed where they stand, with the numbers that they have, or the whole graph anew."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from geoml_cli.exporters import onnx
from geoml_cli.exporters._decomposed import decomposed_where_they_stand


class Lacking(nn.Module):
    """Operators that ONNX lacks, one of them the last."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(5, generator=torch.Generator().manual_seed(1)) + 0.5)
        self.of_batches = nn.BatchNorm1d(5)
        self.of_batches.running_var *= 3

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        (values,) = inputs
        normal = self.of_batches(nn.functional.rms_norm(values, (5,), self.weight, 1e-5))
        inside = (values > -1) & (values < 1)
        return torch.where(inside, 3 - normal, normal.sum(-1, keepdim=True)), 2 - 3 * inside.to(torch.float32)


class Writing(nn.Module):
    """Writes into a tensor of its own."""

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor]:
        (values,) = inputs
        found = torch.zeros_like(values)
        found[:, 1:] = 1 - values[:, :-1]
        return (found.add_(1),)


class Sorting(nn.Module):
    """Has an operator of several results that ONNX lacks."""

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor]:
        (values,) = inputs
        variance, mean = torch.var_mean(values, dim=-1, keepdim=True)
        return (mean - variance,)


class Mixed(nn.Module):
    """Some of its operators are decomposed before one is met that cannot be."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Lacking()

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        one, other = self.first(*inputs)
        variance, mean = torch.var_mean(one, dim=-1, keepdim=True)
        return 1 - mean - variance, 2 - other


def exported(network, tmp_path, dynamic=True):
    """Export, and compare the file with the network on other samples than it was traced with."""
    values = torch.randn(3, 5, generator=torch.Generator().manual_seed(2))
    network = network.eval().requires_grad_(False)
    names = (["x"], ["a", "b"][: len(network(values))])
    onnx.write(network, [values], names, tmp_path / "x.onnx", dynamic)
    run = onnx.open_session(tmp_path / "x.onnx", network)
    others = torch.randn(7 if dynamic else 3, 5, generator=torch.Generator().manual_seed(3))
    for found, expected in zip(run([others]), network(others), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.fixture
def whole(monkeypatch):
    """Count the graphs that are traced anew as a whole."""
    from torch.onnx._internal.exporter import _fx_passes

    counted, wholly = [], _fx_passes.decompose_with_registry
    monkeypatch.setattr(_fx_passes, "decompose_with_registry", lambda *given: counted.append(1) or wholly(*given))
    return counted


@pytest.mark.parametrize("dynamic", [True, False])
def test_operators_that_are_lacking_are_decomposed_where_they_stand(tmp_path, whole, dynamic):
    exported(Lacking(), tmp_path, dynamic)
    assert not whole


@pytest.mark.parametrize("network", [Writing, Sorting, Mixed])
def test_other_graphs_are_traced_anew(tmp_path, whole, network):
    exported(network(), tmp_path)
    assert whole


def test_where_pytorch_names_its_functions_otherwise_it_steps_aside(monkeypatch):
    from torch.onnx._internal.exporter import _decomp, _fx_passes

    monkeypatch.delattr(_decomp, "get_onnx_implemented_overloads")
    before = _fx_passes.decompose_with_registry
    with decomposed_where_they_stand():
        assert _fx_passes.decompose_with_registry is before
    monkeypatch.undo()
    with decomposed_where_they_stand():
        assert _fx_passes.decompose_with_registry is not before
