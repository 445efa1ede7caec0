"""KAN layers against the recursion of Cox and de Boor."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from geoml_cli.models.geomamba.backend import Kernels
from geoml_cli.models.geomamba.kan import KanLinear, knots
from geoml_cli.models.geomamba.plain import basis, cardinal
from geoml_cli.models.geomamba.plain import kan as plain

pytest.importorskip("numba", reason="the compiled loops need numba")
from geoml_cli.models.geomamba.fused.kan import _grid, _layout, kan


def recursion(x, grid):
    x = x.unsqueeze(-1)
    bases = ((x >= grid[:-1]) & (x < grid[1:])).to(x.dtype)
    for k in range(1, 4):
        rising = (x - grid[: -k - 1]) / (grid[k:-1] - grid[: -k - 1])
        falling = (grid[k + 1 :] - x) / (grid[k + 1 :] - grid[1:-k])
        bases = rising * bases[..., :-1] + falling * bases[..., 1:]
    return bases


def exact_knots():
    return (torch.arange(-3, 9, dtype=torch.float64) * 2 - 5) / 5


def compiled_basis(x):
    return _layout(x.reshape(-1, 1), _grid(knots(), x))[:, 1:].reshape(*x.shape, 8)


@pytest.mark.parametrize("bases", [compiled_basis, lambda x: basis(x, knots())], ids=["compiled", "plain"])
def test_bases_are_those_of_the_recursion(bases):
    x = torch.cat([torch.linspace(-3, 3, 2001), knots()])
    torch.testing.assert_close(bases(x), recursion(x, knots()), rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("bases", [compiled_basis, lambda x: basis(x, knots())], ids=["compiled", "plain"])
def test_knots_begin_their_cells(bases):
    expected = torch.zeros(12, 8)
    for cell in range(11):
        for place, value in enumerate((1 / 6, 2 / 3, 1 / 6)):
            if 0 <= cell - 3 + place < 8:
                expected[cell, cell - 3 + place] = value
    torch.testing.assert_close(bases(knots()), expected, rtol=1e-6, atol=0)
    below = torch.nextafter(knots(), torch.tensor(-math.inf))
    torch.testing.assert_close(bases(below), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("bases", [compiled_basis, lambda x: basis(x, knots())], ids=["compiled", "plain"])
def test_outside_is_exactly_zero_and_nan_stays(bases):
    outside = torch.tensor([-100.0, -2.3, 2.2, 2.3, 100.0, math.inf, -math.inf])
    assert torch.equal(bases(outside), torch.zeros(7, 8))
    assert bases(torch.tensor([math.nan, 0.0]))[0].isnan().all()
    inside = bases(torch.tensor([-0.7, 0.3]))
    torch.testing.assert_close(inside.sum(-1), torch.ones(2))


def test_the_short_form_for_tracing_is_near():
    x = torch.cat([torch.linspace(-3, 3, 2001), knots(), torch.tensor([1e9, -math.inf])])
    torch.testing.assert_close(cardinal(x, knots()), basis(x, knots()), rtol=0, atol=2e-6)
    assert cardinal(torch.tensor(math.nan), knots()).isnan().all()


def made_up(rows, inputs, outputs, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, inputs, generator=generator, dtype=torch.float64) * 1.5
    x.view(-1)[::3] = knots().double().repeat(x.numel())[: len(x.view(-1)[::3])]  # every third is a knot
    base, weight = (
        torch.randn(outputs, inputs, *more, generator=generator, dtype=torch.float64) for more in ((), (8,))
    )
    return tuple(tensor.requires_grad_() for tensor in (x, base, weight))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300), st.integers(1, 20), st.integers(1, 6), st.integers(0, 9))
def test_the_compiled_layer_is_the_plain_one(rows, inputs, outputs, seed):
    given_ = made_up(rows, inputs, outputs, seed)
    found, expected = kan(*given_, knots()), plain(*given_, knots().double())
    torch.testing.assert_close(found, expected)
    slope = torch.linspace(-1, 1, found.numel(), dtype=found.dtype).reshape(found.shape)
    for one, other in zip(
        torch.autograd.grad(found, given_, slope), torch.autograd.grad(expected, given_, slope), strict=True
    ):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("outputs", [1, 3])
def test_gradients_are_those_of_differences(outputs):
    x, base, weight = made_up(7, 4, outputs)
    assert torch.autograd.gradcheck(lambda *tensors: kan(*tensors, knots()), (x, base, weight))


def test_gradients_are_those_of_the_recursion():
    x, base, weight = made_up(60, 5, 3)
    bases = recursion(x, exact_knots())
    expected = functional.linear(functional.silu(x), base) + functional.linear(bases.flatten(1), weight.flatten(1))
    slope = torch.randn_like(expected)
    wanted = torch.autograd.grad(expected, (x, base, weight), slope)
    for one, other in zip(
        torch.autograd.grad(kan(x, base, weight, knots()), (x, base, weight), slope), wanted, strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)  # knots are rounded to float32 there


@pytest.mark.parametrize("outputs", [1, 4])
def test_many_rows_are_worked_off_in_blocks_with_equal_bits(outputs):
    layer = KanLinear(200, outputs, Kernels("fused"))
    x = torch.randn(3000, 200)
    runs = []
    for threads in (1, 3, 3):
        torch.set_num_threads(threads)
        out = layer(x)
        runs.append(torch.autograd.grad(out.square().sum(), layer.spline_weight)[0])
    assert torch.equal(runs[1], runs[2])
    torch.testing.assert_close(runs[0], runs[1])
    expected = Kernels("torch").kan(x, *_weights(layer), layer.grid[0])
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-4)


def _weights(layer):
    return layer.base_weight, layer.spline_weight * layer.spline_scaler.unsqueeze(-1)


def test_first_weights_draw_smooth_curves_through_small_noise():
    torch.manual_seed(1)
    layer = KanLinear(64, 300, Kernels("fused"))
    points = knots()[3:9]
    noise = torch.einsum("pk,oik->oip", basis(points, knots()), layer.spline_weight.detach())
    assert 0.0099 < float(noise.abs().max()) <= 0.01 + 1e-6
    assert abs(float(noise.std()) - 0.02 / math.sqrt(12)) < 2e-4
    bound = 1 / math.sqrt(64)  # Kaiming-uniform with a = sqrt(5)
    for weight in (layer.base_weight, layer.spline_scaler):
        assert 0.98 * bound < float(weight.detach().abs().max()) <= bound


def test_leading_axes_are_kept():
    layer = KanLinear(3, 2, Kernels("fused"))
    x = torch.randn(4, 5, 3)
    torch.testing.assert_close(layer(x)[2, 1], layer(x[2, 1]))
    assert layer(x[:0]).shape == (0, 5, 2)


@pytest.mark.parametrize("intel", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3), (1, 1, 3), (0, 3)])
def test_the_quick_product_is_a_linear_layer(shape, intel, monkeypatch):
    from geoml_cli.layers import onednn

    monkeypatch.setattr(onednn, "_is_intel", lambda: intel)
    linear = onednn.linear
    wide = torch.randn(*shape[:-1], 7)
    x = wide[..., 2:5].detach().requires_grad_()  # rows with gaps between them
    weight, bias = torch.randn(6, 3, requires_grad=True), torch.randn(6, requires_grad=True)
    found, expected = linear(x, weight, bias), functional.linear(x, weight, bias)
    torch.testing.assert_close(found, expected)
    slope = torch.randn_like(found)
    for one, other in zip(
        torch.autograd.grad(found, (x, weight, bias), slope),
        torch.autograd.grad(expected, (x, weight, bias), slope),
        strict=True,
    ):
        torch.testing.assert_close(one, other)
