"""The compiled RMS norm of a sum with its gradients.

Legend: R rows, M width, G groups of rows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from geoml_cli.models.geomamba.fused.pieces import groups_of_rows
from geoml_cli.models.geomamba.kernels import norm as kernels
from geoml_cli.models.geomamba.kernels.lanes import WIDTH
from geoml_cli.models.geomamba.kernels.threads import spread


def suits(left: Tensor, right: Tensor, weight_M: Tensor) -> bool:
    """Return whether the loops are made for these: whole vectors, all of one kind, in float32 or float64."""
    kinds = {left.dtype, right.dtype, weight_M.dtype}
    one = len(kinds) == 1 and kinds <= {torch.float32, torch.float64}
    return one and left.shape == right.shape and not weight_M.shape[0] % WIDTH


def norm_of_sum(left: Tensor, right: Tensor, weight_M: Tensor, eps: float) -> Tensor:
    """Return the RMS norm of left + right over their last axis, [..., M]."""
    flat = (tensor.reshape(-1, weight_M.shape[0]).contiguous() for tensor in (left, right))
    out_RM: Tensor = _Norm.apply(*flat, weight_M.contiguous(), eps)[0]  # type: ignore[no-untyped-call]
    return out_RM.reshape(left.shape)


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(left_RM: Tensor, right_RM: Tensor, weight_M: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return the norm, and what its gradient needs: the sum, and the scale of each row."""
        out_RM, sum_RM, scale_R = torch.empty_like(left_RM), torch.empty_like(left_RM), left_RM.new_empty(len(left_RM))
        added = left_RM.detach().numpy(), right_RM.detach().numpy()
        results = kernels.Results(sum_RM.numpy(), scale_R.numpy(), out_RM.numpy())
        weight, groups = weight_M.detach().numpy(), groups_of_rows(len(left_RM))
        spread(lambda k: kernels.forward(added, weight, eps, results, groups[k]), len(groups))
        return out_RM, sum_RM, scale_R

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:  # noqa: ANN401
        ctx.save_for_backward(inputs[2], *output[1:])
        ctx.mark_non_differentiable(*output[1:])
        # PyTorch would make zeros for the gradients of what is kept.
        ctx.set_materialize_grads(False)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_out_RM: Tensor | None, *_: None) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        if to_out_RM is None:
            return None, None, None, None
        weight_M, sum_RM, scale_R = ctx.saved_tensors
        groups = groups_of_rows(len(sum_RM))
        to_sum_RM, to_weight_GM = torch.empty_like(sum_RM), sum_RM.new_zeros(len(groups), len(weight_M))
        results = kernels.Results(sum_RM.numpy(), scale_R.numpy(), sum_RM.numpy())
        weight, to_out = weight_M.detach().numpy(), to_out_RM.contiguous().numpy()
        gradients = kernels.Gradients(to_sum_RM.numpy(), to_weight_GM.numpy())
        spread(lambda k: kernels.backward(results, weight, to_out, gradients, groups[k]), len(groups))
        return to_sum_RM, to_sum_RM, to_weight_GM.sum(0), None
