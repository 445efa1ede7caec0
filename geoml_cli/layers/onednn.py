"""Matrix products by oneDNN, which comes with PyTorch.

PyTorch multiplies float32 matrices by MKL, which leaves half of an AMD processor's vector width unused: oneDNN is
1.6 to 2.3 times as quick there. On Intel's it takes up to a tenth longer, and a third where the left matrix is a
transpose, which it copies: training goes by MKL there. PyTorch has no public name for oneDNN's product, so where the
private one is missing its own serves; numbers agree within rounding.

Legend: R rows, I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


def product(left_RI: Tensor, right_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """Return left right^T + bias, [R, O].

    Each is contiguous or the transpose of what is: with gaps between rows oneDNN is a hundred times slower.
    """
    multiply = _one_dnn()
    if multiply is None or left_RI.dtype != torch.float32 or not left_RI.numel():
        return functional.linear(left_RI, right_OI, bias_O)
    return multiply(left_RI, right_OI, bias_O, "none", [], "")


def product_over_rows(left_RO: Tensor, right_RI: Tensor) -> Tensor:
    """Return left^T right, [O, I]."""
    if _one_dnn() is None or _is_intel():
        return torch.mm(left_RO.T, right_RI)
    # oneDNN copies a left matrix that is a transpose, so it is given the narrower.
    if right_RI.shape[1] < left_RO.shape[1]:
        return product(right_RI.T, left_RO.T).T
    return product(left_RO.T, right_RI.T)


@cache
def _one_dnn() -> Callable[..., Tensor] | None:
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    found: Callable[..., Tensor] | None = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    return found


@cache
def _is_intel() -> bool:
    """Return whether the processor calls itself one of Intel's, where PyTorch can say."""
    ask = getattr(torch.cpu, "get_capabilities", None)  # older versions lack it
    return ask is not None and str(ask().get("cpu_name", "")).startswith("Intel")


def linear(x: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
    """Return x W^T + b, [..., O]; on a GPU, for other types and in tracing by PyTorch's own product."""
    # Autocast lowers PyTorch's own product only: oneDNN's would stay in float32.
    if x.device.type != "cpu" or torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu"):
        return functional.linear(x, weight_OI, bias_O)
    if x.dtype != torch.float32 or weight_OI.dtype != torch.float32:
        return functional.linear(x, weight_OI, bias_O)
    if _is_intel() and torch.is_grad_enabled() and (x.requires_grad or weight_OI.requires_grad):
        return functional.linear(x, weight_OI, bias_O)
    out_RO: Tensor = _Linear.apply(x.reshape(-1, x.shape[-1]).contiguous(), weight_OI, bias_O)  # type: ignore[no-untyped-call]
    return out_RO.reshape(*x.shape[:-1], out_RO.shape[-1])


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(x_RI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        return product(x_RI.detach(), weight_OI.detach(), None if bias_O is None else bias_O.detach())

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs[:2])
        ctx.biased = inputs[2] is not None

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_out_RO: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        x_RI, weight_OI = ctx.saved_tensors
        # The gradient of a sum comes as an expanded view; see `product` for what gaps between rows cost.
        to_out_RO = to_out_RO.contiguous()
        to_x_RI = product(to_out_RO, weight_OI.T) if ctx.needs_input_grad[0] else None
        # DDP warns of a gradient that does not lie like its weight; of a contiguous one an axis of 1 has any stride.
        to_weight_OI = product_over_rows(to_out_RO, x_RI).contiguous().flatten().view(weight_OI.shape)
        return to_x_RI, to_weight_OI, to_out_RO.sum(0) if ctx.biased else None
