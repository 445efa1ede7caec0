"""The compiled selective scan with its gradients.

Legend: B batch, L steps, D channels, N state, T tiles of channels, G groups of sequences, S spans of steps.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from geoml_cli.models.geomamba.fused.pieces import cut, padded, pieces
from geoml_cli.models.geomamba.kernels import scan as kernels
from geoml_cli.models.geomamba.kernels import scan_backward
from geoml_cli.models.geomamba.kernels.arrays import Piece
from geoml_cli.models.geomamba.kernels.elementary import LOG2E
from geoml_cli.models.geomamba.kernels.threads import spread
from geoml_cli.models.geomamba.scan import ScanInputs


def scan(inputs: ScanInputs) -> Tensor:
    """Scan in float64 where x is float64, else in float32; returns [B, L, D] in the type of x."""
    kind = torch.float64 if inputs.x_BLD.dtype == torch.float64 else torch.float32
    x, u, z, b, c, a_DN, d_D = (tensor.to(kind) for tensor in vars(inputs).values())
    # One layout, so that the loops are compiled once a type and not once for every kind of view.
    tensors = (padded(x), padded(u), padded(z), b.contiguous(), c.contiguous(), padded(a_DN.T), padded(d_D))
    # A prediction keeps no states: only a backward pass begins from them.
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    out_BLD: Tensor = _Scan.apply(keep, *tensors)[0]  # type: ignore[no-untyped-call]
    return cut(out_BLD, x.shape[2]).to(inputs.x_BLD.dtype)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(keep: bool, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        """Return outputs [B, L, D], and the states before every span but the first [B, S, N, D]."""
        inputs = _arrays(tensors)
        batch, steps, channels = inputs.x_BLD.shape
        spans = (steps - 1) // max(kernels.SPAN, inputs.a_ND.shape[0]) if keep else 0
        out_BLD = tensors[0].new_empty(batch, steps, channels)
        kept_BSND = tensors[0].new_empty(batch, spans, inputs.a_ND.shape[0], channels)
        out, kept, shares = out_BLD.numpy(), kept_BSND.numpy(), pieces(batch, channels)
        spread(lambda k: kernels.forward(inputs, out, kept, shares[k]), len(shares))
        return out_BLD, kept_BSND

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs[1:], output[1])
        ctx.mark_non_differentiable(output[1])
        # The kept states have no gradient; PyTorch would make zeros of their size for it.
        ctx.set_materialize_grads(False)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, out_BLD: Tensor | None, _: None) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        *tensors, kept_BSND = ctx.saved_tensors
        if out_BLD is None:
            return (None,) * (1 + len(tensors))
        inputs = _arrays(tensors)
        shares = pieces(*inputs.x_BLD.shape[::2])
        states = _empty(tensors, shares)
        gradients = scan_backward.Gradients(*(tensor.numpy() for tensor in states))
        kept, out = kept_BSND.numpy(), out_BLD.contiguous().numpy()
        spread(lambda k: scan_backward.backward(inputs, kept, out, gradients, shares[k]), len(shares))
        x, u, z, b, c, a, d = states
        # Over tiles (B, C) and groups (A, D) in their order, which does not depend on the threads.
        return None, x, u, z, b.sum(0), c.sum(0), a.sum(0), d.sum(0)


def _arrays(tensors: list[Tensor] | tuple[Tensor, ...]) -> kernels.Inputs:
    x, u, z, b, c, a_ND, d_D = (tensor.detach().numpy() for tensor in tensors)
    return kernels.Inputs(x, u, z, b, c, a_ND * a_ND.dtype.type(LOG2E), d_D)


def _empty(tensors: list[Tensor], shares: list[Piece]) -> list[Tensor]:
    """Make room for gradients; those that pieces add to start at zero."""
    x, u, z, b, c, a, d = tensors
    tiles = 1 + max((piece.tile for piece in shares), default=-1)
    groups = 1 + max((piece.group for piece in shares), default=-1)
    streams = [torch.empty(tensor.shape, dtype=tensor.dtype) for tensor in (x, u, z)]
    matrices = [tensor.new_empty(tiles, *tensor.shape) for tensor in (b, c)]
    return [*streams, *matrices, a.new_zeros(groups, *a.shape), d.new_zeros(groups, *d.shape)]
