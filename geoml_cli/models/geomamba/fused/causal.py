"""The compiled causal convolution with its gradients.

Legend: B batch, L steps, D channels, K taps, G groups of sequences.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from geoml_cli.models.geomamba.fused.pieces import cut, padded, pieces
from geoml_cli.models.geomamba.kernels import causal as kernels
from geoml_cli.models.geomamba.kernels.threads import spread


def convolve(x_BLD: Tensor, weight_D1K: Tensor, bias_D: Tensor) -> Tensor:
    """Return SiLU of the depthwise causal convolution, shape [B, L, D]."""
    # Half precision is computed in float32; float64 is for checks of gradients.
    kind = torch.float64 if x_BLD.dtype == torch.float64 else torch.float32
    # [D, 1, K] to [K, D]: vectors run over channels.
    tensors = (padded(tensor.to(kind)) for tensor in (x_BLD, weight_D1K[:, 0].T, bias_D))
    out_BLD: Tensor = _Convolution.apply(*tensors)  # type: ignore[no-untyped-call]
    return cut(out_BLD, x_BLD.shape[2]).to(x_BLD.dtype)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(x_BLD: Tensor, weight_KD: Tensor, bias_D: Tensor) -> Tensor:
        inputs = _arrays(x_BLD, weight_KD, bias_D)
        out_BLD = torch.empty(x_BLD.shape, dtype=x_BLD.dtype)
        out, shares = out_BLD.numpy(), pieces(x_BLD.shape[0], x_BLD.shape[2])
        spread(lambda k: kernels.forward(inputs, out, shares[k]), len(shares))
        return out_BLD

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ANN401
        ctx.save_for_backward(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, out_BLD: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # noqa: ANN401
        x_BLD, weight_KD, bias_D = ctx.saved_tensors
        inputs, shares = _arrays(*ctx.saved_tensors), pieces(x_BLD.shape[0], x_BLD.shape[2])
        groups = 1 + max((piece.group for piece in shares), default=-1)
        to_x_BLD = torch.empty(x_BLD.shape, dtype=x_BLD.dtype)
        to_weight_GKD = x_BLD.new_zeros(groups, *weight_KD.shape)
        to_bias_GD = x_BLD.new_zeros(groups, bias_D.shape[0])
        out = out_BLD.contiguous().numpy()
        gradients = kernels.Gradients(to_x_BLD.numpy(), to_weight_GKD.numpy(), to_bias_GD.numpy())
        spread(lambda k: kernels.backward(inputs, out, gradients, shares[k]), len(shares))
        return to_x_BLD, to_weight_GKD.sum(0), to_bias_GD.sum(0)


def _arrays(*tensors: Tensor) -> kernels.Inputs:
    return kernels.Inputs(*(tensor.detach().numpy() for tensor in tensors))
