"""The RMS norm of a sum: compiled loops against PyTorch's layer."""

import pytest
import torch
from torch import nn

from geoml_cli.models.geomamba.backend import Kernels

pytest.importorskip("numba", reason="the compiled loops need numba")
from geoml_cli.models.geomamba.fused.norm import norm_of_sum, suits


def made_up(shape, dtype, eps=None):
    torch.manual_seed(3)
    left, right = (torch.randn(shape, dtype=dtype, requires_grad=True) for _ in range(2))
    norm = nn.RMSNorm(shape[-1], eps=eps, dtype=dtype)
    nn.init.normal_(norm.weight)
    return left, right, norm


def with_gradients(out, tensors):
    weights = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).reshape(out.shape)
    return out, *torch.autograd.grad((out * weights).sum(), tensors)


@pytest.mark.parametrize("eps", [None, 0.3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 16), (7, 48), (5, 9, 128), (2, 3, 4, 16), (70, 160)])
def test_it_is_pytorchs_layer(shape, dtype, eps):
    left, right, norm = made_up(shape, dtype, eps)
    assert suits(left, right, norm.weight)
    tensors = (left, right, norm.weight)
    found = with_gradients(Kernels("fused").norm_of_sum(left, right, norm), tensors)
    expected = with_gradients(norm(left + right), tensors)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4 if dtype == torch.float32 else 1e-11, atol=1e-5)


def test_gradients_are_those_of_differences():
    left, right, norm = made_up((3, 16), torch.float64)
    function = lambda *tensors: norm_of_sum(*tensors, 1e-3)  # noqa: E731
    assert torch.autograd.gradcheck(function, (left, right, norm.weight))


def test_rows_of_zeros_stay_zeros_and_nan_stays_in_its_row():
    left, right, norm = made_up((4, 32), torch.float32)
    left, right = left.detach().clone(), right.detach().clone()
    left[1], right[1], left[2, 5] = 0, 0, torch.nan
    out = Kernels("fused").norm_of_sum(left, right, norm)
    assert (out[1] == 0).all()
    assert out[2].isnan().all()
    assert out[[0, 3]].isfinite().all()


@pytest.mark.parametrize(
    ("shape", "dtype"), [((3, 20), torch.float32), ((3, 16), torch.bfloat16), ((3, 1), torch.float32)]
)
def test_others_go_by_pytorch(shape, dtype):
    left, right, norm = made_up(shape, dtype)
    assert not suits(left, right, norm.weight)
    out = Kernels("fused").norm_of_sum(left, right, norm)
    assert torch.equal(out, norm(left + right))


def test_a_sum_that_broadcasts_goes_by_pytorch():
    left, _, norm = made_up((3, 16), torch.float32)
    assert not suits(left, left[:1], norm.weight)
    assert Kernels("fused").norm_of_sum(left, left[:1], norm).shape == (3, 16)


def test_no_rows_give_none_and_no_gradient():
    left, right, norm = made_up((0, 16), torch.float32)
    out = Kernels("fused").norm_of_sum(left, right, norm)
    assert out.shape == (0, 16)
    assert torch.equal(torch.autograd.grad(out.sum(), norm.weight)[0], torch.zeros(16))


def test_rows_that_do_not_follow_each_other_are_read_right():
    left, right, norm = made_up((6, 64), torch.float32)
    wide = torch.cat([left, right], dim=1).detach()
    found = Kernels("fused").norm_of_sum(*wide.chunk(2, dim=1), norm)
    torch.testing.assert_close(found, norm(left + right))


def test_equal_bits_whatever_the_threads():
    left, right, norm = made_up((500, 64), torch.float32)
    runs = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        runs.append(with_gradients(Kernels("fused").norm_of_sum(left, right, norm), (left, right, norm.weight)))
    for one, other in zip(*runs, strict=True):
        assert torch.equal(one, other)
