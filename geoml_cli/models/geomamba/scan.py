"""Selective scan: one function of several backends.

    dt_t = softplus(u_t)        h_t = exp(dt_t A) h_{t-1} + dt_t x_t B_t        out_t = (C_t h_t + D x_t) SiLU(z_t)

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
        u_BLD: Time step, before softplus.
        z_BLD: Gate, before SiLU.
        b_BLN: Input matrix.
        c_BLN: Output matrix.
        a_DN: Negative decay rates, A.
        d_D: Skip weight, D.
    """

    x_BLD: Tensor
    u_BLD: Tensor
    z_BLD: Tensor
    b_BLN: Tensor
    c_BLN: Tensor
    a_DN: Tensor
    d_D: Tensor


def plain(inputs: ScanInputs) -> Tensor:
    """Scan with PyTorch's own operators, chunk by chunk; returns [B, L, D].

    Steps of a chunk are joined pairwise, in log2(C) rounds (Hillis & Steele 1986). Decays are only ever multiplied,
    never divided, so a large dt cannot overflow.
    """
    if torch.compiler.is_exporting():
        return _stepwise(inputs)
    state_B1DN = inputs.x_BLD.new_zeros(inputs.x_BLD.shape[0], 1, *inputs.a_DN.shape)
    steps = inputs.x_BLD.shape[1]
    dt_BLD = functional.softplus(inputs.u_BLD)
    drive_BLD, outs = dt_BLD * inputs.x_BLD, []
    for first in range(0, steps, CHUNK):
        dt_BCD, drive_BCD, b_BCN, c_BCN = (
            tensor.narrow(1, first, min(CHUNK, steps - first))
            for tensor in (dt_BLD, drive_BLD, inputs.b_BLN, inputs.c_BLN)
        )
        decay_BCDN = torch.exp(dt_BCD.unsqueeze(-1) * inputs.a_DN)
        decay_BCDN, states_BCDN = _joined(decay_BCDN, drive_BCD.unsqueeze(-1) * b_BCN.unsqueeze(-2))
        # h_t = (decays since the chunk began) h_0 + what its own steps gave.
        states_BCDN = states_BCDN + decay_BCDN * state_B1DN
        # C_t h_t is a sum over N: [B, C, D].
        outs.append((states_BCDN @ c_BCN.unsqueeze(-1)).squeeze(-1))
        state_B1DN = states_BCDN.narrow(1, states_BCDN.shape[1] - 1, 1)
    out_BLD = outs[0] if len(outs) == 1 else torch.cat(outs, dim=1)
    return (out_BLD + inputs.d_D * inputs.x_BLD) * functional.silu(inputs.z_BLD)


def _stepwise(inputs: ScanInputs) -> Tensor:
    """Scan as `plain`, as one loop of the graph: engines keep a single state of it, and its body is traced once."""
    # PyTorch has no public name for the operator yet, and its wrapper compiles the body: most of a trace's time.
    from torch._higher_order_ops.scan import scan_op

    # For all steps at once: only the state has to go from one to the next.
    dt_BLD = functional.softplus(inputs.u_BLD)
    each = (dt_BLD, dt_BLD * inputs.x_BLD, inputs.b_BLN, inputs.c_BLN)
    start_BDN = inputs.x_BLD.new_zeros(inputs.x_BLD.shape[0], *inputs.a_DN.shape)
    _, out_LBD = scan_op(_step, [start_BDN], [tensor.transpose(0, 1) for tensor in each], (inputs.a_DN,))
    out_BLD: Tensor = out_LBD.transpose(0, 1) + inputs.d_D * inputs.x_BLD
    return out_BLD * functional.silu(inputs.z_BLD)


def _step(state_BDN: Tensor, *now: Tensor) -> list[Tensor]:
    """Return the next state, and what is read from it, [B, D]."""
    dt_BD, drive_BD, b_BN, c_BN, a_DN = now
    decay_BDN = torch.exp(dt_BD.unsqueeze(-1) * a_DN)
    state_BDN = decay_BDN * state_BDN + drive_BD.unsqueeze(-1) * b_BN.unsqueeze(-2)
    return [state_BDN, (state_BDN @ c_BN.unsqueeze(-1)).squeeze(-1)]


def _joined(decay_BCDN: Tensor, states_BCDN: Tensor) -> tuple[Tensor, Tensor]:
    """Return a chunk's decays since its first step, and the states that its own steps give."""
    steps, reach = states_BCDN.shape[1], 1
    while reach < steps:
        # After each round a step holds what the last 2 * reach of them gave. What comes in from before the chunk has a
        # state of 0 and a decay of 1.
        later = (0, 0, 0, 0, reach, 0)
        before_BCDN = functional.pad(states_BCDN.narrow(1, 0, steps - reach), later)
        states_BCDN = states_BCDN + decay_BCDN * before_BCDN
        decay_BCDN = decay_BCDN * functional.pad(decay_BCDN.narrow(1, 0, steps - reach), later, value=1.0)
        reach *= 2
    return decay_BCDN, states_BCDN


def plain_recomputed(inputs: ScanInputs) -> Tensor:
    """Scan as `plain`, keeping only the inputs for the backward pass."""
    if not torch.is_grad_enabled() or torch.compiler.is_compiling():
        return plain(inputs)
    tensors = tuple(vars(inputs).values())
    # States are [B, L, D, N], 16 times an input: kept for the backward pass, they would take most of the memory.
    out_BLD: Tensor = checkpoint(lambda *recomputed: plain(ScanInputs(*recomputed)), *tensors, use_reentrant=False)
    return out_BLD
