"""The selective scan: compiled loops against PyTorch's operators, those against the recurrence step by step."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from geoml_cli.models.geomamba.plain import convolve as plain_convolve
from geoml_cli.models.geomamba.scan import ScanInputs, plain, plain_recomputed

pytest.importorskip("numba", reason="the compiled loops need numba")
from geoml_cli.models.geomamba.fused.causal import convolve
from geoml_cli.models.geomamba.fused.scan import scan


def made_up(sizes, *, dt_scale=0.1, dtype=torch.float64, seed=0):
    batch, steps, channels, states = sizes
    generator = torch.Generator().manual_seed(seed)

    def random(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    x, z = random(batch, steps, 2 * channels).chunk(2, dim=-1)  # rows that do not follow each other in memory
    dt = functional.softplus(random(batch, steps, channels)) * dt_scale
    b, c = random(batch, steps, 2 * states).chunk(2, dim=-1)
    u = dt + torch.log(-torch.expm1(-dt))  # softplus of this is dt
    tensors = (x, u, z, b, c, -torch.exp(random(channels, states)), random(channels))
    return ScanInputs(*(tensor.detach().requires_grad_() for tensor in tensors))


def with_gradients(function, inputs):
    out = function(inputs)
    weights = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).reshape(out.shape)
    return out, *torch.autograd.grad((out * weights).sum(), list(vars(inputs).values()))


def step_by_step(inputs):
    state = torch.zeros(inputs.x_BLD.shape[0], *inputs.a_DN.shape, dtype=inputs.x_BLD.dtype)
    outs = []
    dt_BLD = functional.softplus(inputs.u_BLD)
    for t in range(inputs.x_BLD.shape[1]):
        x, dt = inputs.x_BLD[:, t, :, None], dt_BLD[:, t, :, None]
        state = torch.exp(dt * inputs.a_DN) * state + dt * x * inputs.b_BLN[:, t, None]
        outs.append((state * inputs.c_BLN[:, t, None]).sum(-1))
    return (torch.stack(outs, dim=1) + inputs.d_D * inputs.x_BLD) * functional.silu(inputs.z_BLD)


SIZES = st.tuples(st.integers(1, 10), st.integers(1, 40), st.integers(1, 70), st.integers(1, 20))


@settings(max_examples=15, deadline=None)
@given(SIZES, st.sampled_from((1e-3, 0.1, 10.0, 1e4)))
def test_the_plain_scan_is_the_recurrence(sizes, dt_scale):
    inputs = made_up(sizes, dt_scale=dt_scale)
    for found, expected in zip(with_gradients(plain, inputs), with_gradients(step_by_step, inputs), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(SIZES, st.sampled_from((1e-3, 0.1, 10.0, 1e4)))
def test_the_compiled_scan_is_the_plain_one(sizes, dt_scale):
    inputs = made_up(sizes, dt_scale=dt_scale)
    for found, expected in zip(with_gradients(scan, inputs), with_gradients(plain, inputs), strict=True):
        # PyTorch's softplus is u above u = 20, which is 2e-9 less than it.
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (1, 1, 3, 2), (1, 18, 3, 2), (2, 5, 2, 17), (9, 2, 1, 1)])
def test_gradients_are_those_of_differences(sizes):
    inputs = made_up(sizes)
    assert torch.autograd.gradcheck(lambda *tensors: scan(ScanInputs(*tensors)), tuple(vars(inputs).values()))


@pytest.mark.parametrize("sizes", [(1, 1, 5, 16), (3, 33, 300, 16), (1, 40, 130, 16)])
@pytest.mark.parametrize("dt_scale", [0.1, 1e6])
def test_single_precision_is_near_double(sizes, dt_scale):
    single = made_up(sizes, dt_scale=dt_scale, dtype=torch.float32)
    double = ScanInputs(*(tensor.detach().double().requires_grad_() for tensor in vars(single).values()))
    for found, expected in zip(with_gradients(scan, single), with_gradients(plain, double), strict=True):
        assert found.dtype == torch.float32
        bound = 3e-6 * expected.detach().abs().max() + 1e-30
        assert (found - expected).detach().abs().max() <= bound


def test_infinity_and_nan_stay_in_their_sequence():
    inputs = made_up((3, 6, 4, 3), dtype=torch.float32)
    with torch.no_grad():
        inputs.x_BLD[1, 2, 1] = torch.nan
    out = scan(inputs)
    assert out[1, 2:, 1].isnan().all() and not out[1, :2].isnan().any() and not out[[0, 2]].isnan().any()


def test_half_precision_comes_back_as_it_came():
    inputs = made_up((2, 5, 4, 3), dtype=torch.bfloat16)
    expected = scan(ScanInputs(*(tensor.float() for tensor in vars(inputs).values())))
    torch.testing.assert_close(scan(inputs), expected.bfloat16())


def test_equal_bits_whatever_the_threads():
    inputs = made_up((40, 20, 300, 16), dtype=torch.float32)
    runs = []
    for threads in (1, 3, 3):
        torch.set_num_threads(threads)
        runs.append(with_gradients(scan, inputs))
    for first, *others in zip(*runs, strict=True):
        assert all(torch.equal(first, other) for other in others)


def test_what_is_kept_does_not_grow_with_the_state():
    kept = {}
    for states in (16, 64):
        views, found = made_up((2, 128, 32, states), dtype=torch.float32), []
        inputs = ScanInputs(*(tensor.detach().contiguous().requires_grad_() for tensor in vars(views).values()))
        with torch.autograd.graph.saved_tensors_hooks(lambda t, found=found: found.append(t) or t, lambda t: t):
            scan(inputs)
        own = {tensor.data_ptr() for tensor in vars(inputs).values()}
        kept[states] = sum(tensor.numel() for tensor in found if tensor.data_ptr() not in own)
    assert kept[64] <= kept[16] <= 2 * 128 * 32  # one input at most; the states would be 16 and 64 times as large


def test_nothing_is_kept_without_gradients():
    inputs = made_up((2, 64, 8, 4))
    with torch.no_grad():
        assert not scan(inputs).requires_grad


def test_the_plain_scan_keeps_its_inputs_alone():
    inputs, found = made_up((2, 64, 8, 16)), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: found.append(t) or t, lambda t: t):
        out = plain_recomputed(inputs)
    assert sum(tensor.numel() for tensor in found) <= sum(tensor.numel() for tensor in vars(inputs).values())
    torch.testing.assert_close(out, plain(inputs))
    torch.testing.assert_close(
        torch.autograd.grad(out.sum(), inputs.x_BLD)[0], torch.autograd.grad(plain(inputs).sum(), inputs.x_BLD)[0]
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 70))
def test_the_compiled_convolution_is_the_plain_one(batch, steps, channels):
    x = torch.randn(batch, steps, 2 * channels, dtype=torch.float64)[..., :channels].requires_grad_()
    weight = torch.randn(channels, 1, 4, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(channels, dtype=torch.float64, requires_grad=True)
    found, expected = convolve(x, weight, bias), plain_convolve(x, weight, bias)
    whole = functional.conv1d(x.transpose(1, 2), weight, bias, padding=3, groups=channels)[..., :steps]
    torch.testing.assert_close(expected, functional.silu(whole.transpose(1, 2)))
    torch.testing.assert_close(found, expected)
    slope = torch.randn_like(found)
    for one, other in zip(
        torch.autograd.grad(found, (x, weight, bias), slope),
        torch.autograd.grad(expected, (x, weight, bias), slope),
        strict=True,
    ):
        torch.testing.assert_close(one, other)
