"""Selective scan: one function of several backends.

    h_t = exp(dt_t A) h_{t-1} + dt_t x_t B_t        out_t = (C_t h_t + D x_t) SiLU(z_t)

B is discretised as dt B, without a zero-order hold. Source: Gu & Dao 2023, arXiv:2312.00752, section 3.2.

Legend: B batch, L steps, D channels, N state, C steps of a chunk.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

CHUNK = 32
"""Steps that the plain path works out together; its memory grows with it, its graph shrinks."""


@dataclass(frozen=True)
class ScanInputs:
    """What a scan reads.

    Attributes:
        x_BLD: Input.
        dt_BLD: Time step, positive.
        z_BLD: Gate, before SiLU.
        b_BLN: Input matrix.
        c_BLN: Output matrix.
        a_DN: Negative decay rates, A.
        d_D: Skip weight, D.
    """

    x_BLD: Tensor
    dt_BLD: Tensor
    z_BLD: Tensor
    b_BLN: Tensor
    c_BLN: Tensor
    a_DN: Tensor
    d_D: Tensor


def plain(inputs: ScanInputs) -> Tensor:
    """Scan with PyTorch's own operators, chunk by chunk; returns [B, L, D].

    Steps of a chunk are joined pairwise, in log2(C) rounds (Hillis & Steele 1986), so the graph stays small enough to
    export. Decays are only ever multiplied, never divided, so a large dt cannot overflow.
    """
    state_BDN = inputs.x_BLD.new_zeros(inputs.x_BLD.shape[0], *inputs.a_DN.shape)
    outs = []
    for first in range(0, inputs.x_BLD.shape[1], CHUNK):
        chunk = slice(first, first + CHUNK)
        decay_BCDN = torch.exp(inputs.dt_BLD[:, chunk, :, None] * inputs.a_DN)
        drive_BCD = inputs.dt_BLD[:, chunk] * inputs.x_BLD[:, chunk]
        states_BCDN = _joined(decay_BCDN, drive_BCD[..., None] * inputs.b_BLN[:, chunk, None], state_BDN)
        outs.append((states_BCDN @ inputs.c_BLN[:, chunk, :, None]).squeeze(-1))
        state_BDN = states_BCDN[:, -1]
    out_BLD = torch.cat(outs, dim=1) + inputs.d_D * inputs.x_BLD
    return out_BLD * functional.silu(inputs.z_BLD)


def _joined(decay_BCDN: Tensor, drive_BCDN: Tensor, state_BDN: Tensor) -> Tensor:
    """Return the states of a chunk's steps."""
    first_BDN = drive_BCDN[:, 0] + decay_BCDN[:, 0] * state_BDN
    states_BCDN = torch.cat([first_BDN[:, None], drive_BCDN[:, 1:]], dim=1)
    reach = 1
    while reach < states_BCDN.shape[1]:
        joined = states_BCDN[:, reach:] + decay_BCDN[:, reach:] * states_BCDN[:, :-reach]
        states_BCDN = torch.cat([states_BCDN[:, :reach], joined], dim=1)
        decay_BCDN = torch.cat([decay_BCDN[:, :reach], decay_BCDN[:, reach:] * decay_BCDN[:, :-reach]], dim=1)
        reach *= 2
    return states_BCDN


def plain_recomputed(inputs: ScanInputs) -> Tensor:
    """Scan as `plain`, keeping only the inputs for the backward pass."""
    if not torch.is_grad_enabled() or torch.compiler.is_compiling():
        return plain(inputs)
    tensors = tuple(vars(inputs).values())
    out_BLD: Tensor = checkpoint(lambda *recomputed: plain(ScanInputs(*recomputed)), *tensors, use_reentrant=False)
    return out_BLD
