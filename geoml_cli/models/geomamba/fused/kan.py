"""The compiled KAN layer with its gradients.

Blocks of rows are laid out as SiLU and bases and met by one matrix product, so that the layout (9 times the input)
stays in the processor's cache and is never kept for the backward pass. Only 4 of 8 bases are not zero, but a matrix
product over all keeps the vector units busy, where gathering would load a weight for every multiplication. With one
output nothing is laid out.

Legend: R rows, I inputs, J SiLU and the bases of all inputs (9 each), O outputs, K the 8 bases,
G groups of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from geoml_cli.layers.onednn import product, product_over_rows
from geoml_cli.models.geomamba.fused.pieces import groups_of_rows, padded
from geoml_cli.models.geomamba.kernels import single, spline
from geoml_cli.models.geomamba.kernels.threads import spread

_BLOCK = 2**20
"""Numbers in a block's layout: 4 MB in float32."""

_SHARE = 2**14
"""Numbers of the input that one thread takes at a time."""


def kan(x_RI: Tensor, base_OI: Tensor, weight_OIK: Tensor, knots: Tensor) -> Tensor:
    """Return SiLU(x) W_base^T + sum_j B_j(x) w_j, shape [R, O].

    Args:
        x_RI: Input.
        base_OI: Weights of SiLU(x).
        weight_OIK: Weights of the 8 bases, scaled.
        knots: The 12 knots.
    """
    kind = torch.float64 if x_RI.dtype == torch.float64 else torch.float32
    x, base, weight = x_RI.to(kind), base_OI.to(kind), weight_OIK.to(kind)
    out_RO: Tensor
    if base_OI.shape[0] == 1:
        out_RO = _Single.apply(padded(x), padded(base[0]), padded(weight[0].T), knots)  # type: ignore[no-untyped-call]
    else:
        # [O, I] next to [O, K I], basis by basis: the order in which `spline.expand` lays out. Of one input it is that
        # already, and turned back its gradient would have other strides than the weight, of which DDP warns.
        by_basis = weight if weight.shape[1] == 1 else weight.transpose(1, 2)
        joined_OJ = torch.cat([base, by_basis.flatten(1)], dim=1)
        out_RO = _Layer.apply(x.contiguous(), joined_OJ, knots)  # type: ignore[no-untyped-call]
    return out_RO.to(x_RI.dtype)


def _grid(knots: Tensor, x: Tensor) -> spline.Grid:
    return _grid_of(tuple(knots.tolist()), str(x.dtype).removeprefix("torch."))


@cache
def _grid_of(knots: tuple[float, ...], dtype: str) -> spline.Grid:
    # Differences and quotients in float64, rounded once.
    exact = np.array(knots)
    return spline.Grid(exact.astype(dtype), (1 / np.diff(exact)).astype(dtype))


def _blocks(rows: int, inputs: int) -> Iterator[slice]:
    step = max(_BLOCK // ((1 + spline.BASES) * inputs), 64)
    return (slice(first, min(first + step, rows)) for first in range(0, rows, step))


def _over_rows(loop: Any, x: Any, grid: spline.Grid, others: Any) -> None:  # noqa: ANN401
    """Run a loop over all rows of `x`, shared out."""
    rows, step = x.shape[0], max(_SHARE // x.shape[1], 1)
    spread(lambda k: loop(x, grid, others, k * step, min(rows, k * step + step)), -(-rows // step))


def _layout(x_RI: Tensor, grid: spline.Grid) -> Tensor:
    """Return SiLU and the bases, [R, J]."""
    out_RJ = x_RI.new_empty(x_RI.shape[0], (1 + spline.BASES) * x_RI.shape[1])
    _over_rows(spline.expand, x_RI.numpy(), grid, out_RJ.numpy())
    return out_RJ


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(x_RI: Tensor, weight_OJ: Tensor, knots: Tensor) -> Tensor:
        x_RI, weight_OJ = x_RI.detach(), weight_OJ.detach()
        grid = _grid(knots, x_RI)
        outs = [product(_layout(x_RI[block], grid), weight_OJ) for block in _blocks(*x_RI.shape)]
        return torch.cat(outs) if len(outs) > 1 else outs[0] if outs else x_RI.new_empty(0, weight_OJ.shape[0])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_out_RO: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        x_RI, weight_OJ, knots = ctx.saved_tensors
        grid, to_out_RO = _grid(knots, x_RI), to_out_RO.contiguous()
        to_x_RI, to_weight_OJ = torch.zeros_like(x_RI), torch.zeros_like(weight_OJ)
        for block in _blocks(*x_RI.shape):
            to_out = to_out_RO[block]
            to_weight_OJ += product_over_rows(to_out, _layout(x_RI[block], grid))
            if ctx.needs_input_grad[0]:
                gradients = (to_x_RI[block].numpy(), product(to_out, weight_OJ.T).numpy())
                _over_rows(spline.contract, x_RI[block].numpy(), grid, gradients)
        return to_x_RI, to_weight_OJ, None


class _Single(torch.autograd.Function):
    @staticmethod
    def forward(x_RI: Tensor, base_I: Tensor, weight_KI: Tensor, knots: Tensor) -> Tensor:
        out_R, groups = x_RI.new_empty(x_RI.shape[0]), groups_of_rows(x_RI.shape[0])
        arguments = (x_RI.detach().numpy(), _grid(knots, x_RI), _weights(base_I, weight_KI), out_R.numpy())
        spread(lambda k: single.forward(*arguments, groups[k]), len(groups))
        return out_R[:, None]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_out_R1: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        x_RI, base_I, weight_KI, knots = ctx.saved_tensors
        groups = groups_of_rows(x_RI.shape[0])
        to_x_RI, to_base_GI = torch.empty_like(x_RI), x_RI.new_zeros(len(groups), *base_I.shape)
        to_weight_GKI = x_RI.new_zeros(len(groups), *weight_KI.shape)
        gradients = single.Gradients(to_x_RI.numpy(), to_base_GI.numpy(), to_weight_GKI.numpy())
        slopes = (to_out_R1[:, 0].contiguous().numpy(), gradients)
        arguments = (x_RI.numpy(), _grid(knots, x_RI), _weights(base_I, weight_KI), slopes)
        spread(lambda k: single.backward(*arguments, groups[k]), len(groups))
        return to_x_RI, to_base_GI.sum(0), to_weight_GKI.sum(0), None


def _weights(base_I: Tensor, weight_KI: Tensor) -> single.Weights:
    return single.Weights(base_I.detach().numpy(), weight_KI.detach().numpy())
