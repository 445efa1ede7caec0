"""The loops in PyTorch's own operators: for export, for devices without kernels, and to test the others against.

Legend: B batch, L steps, D channels, W taps, R rows, I inputs, O outputs, K the 8 bases.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_ORDER = 3
WIDTH = 0.4
"""Distance of two knots."""


def convolve(x_BLD: Tensor, weight_D1W: Tensor, bias_D: Tensor) -> Tensor:
    """Return SiLU of the depthwise causal convolution, [B, L, D]; the last tap meets the step itself."""
    steps, taps = x_BLD.shape[1], weight_D1W.shape[2]
    if torch.compiler.is_exporting():  # a quarter of the graph's nodes
        out_BDL = functional.conv1d(x_BLD.mT, weight_D1W, bias_D, padding=taps - 1, groups=x_BLD.shape[2])
        return functional.silu(out_BDL.narrow(2, 0, steps).mT)
    # Products with shifted inputs, not conv1d, which would need channels before steps.
    padded_BLD = functional.pad(x_BLD, (0, 0, taps - 1, 0))
    out_BLD = bias_D + padded_BLD[:, :steps] * weight_D1W[:, 0, 0]
    for tap in range(1, taps):
        out_BLD = out_BLD + padded_BLD[:, tap : tap + steps] * weight_D1W[:, 0, tap]
    return functional.silu(out_BLD)


def kan(x_RI: Tensor, base_OI: Tensor, weight_OIK: Tensor, knots: Tensor) -> Tensor:
    """Return SiLU(x) W_base^T + sum_j B_j(x) w_j, [R, O]."""
    return _sum_of_both(x_RI, base_OI, weight_OIK, basis(x_RI, knots))


def exported_kan(x: Tensor, base_OI: Tensor, weight_OIK: Tensor, knots_IK: Tensor) -> Tensor:
    """Return the same to about 1e-6, [..., O] of [..., I], with a third of the operators; all inputs have 12 knots."""
    # Of two axes each, for a row or a reshaped input is a node more.
    return _sum_of_both(x, base_OI, weight_OIK, cardinal(x, knots_IK))


def _sum_of_both(x: Tensor, base_OI: Tensor, weight_OIK: Tensor, bases: Tensor) -> Tensor:
    spline = functional.linear(bases.flatten(-2), weight_OIK.flatten(1))
    return functional.linear(functional.silu(x), base_OI) + spline


def basis(x: Tensor, knots: Tensor) -> Tensor:
    """Return the 8 cubic bases of every number, [..., K].

    In a cell the four bases that are not zero are pieces of the cardinal cubic B-spline at the local coordinate u.

    Args:
        x: Any shape; NaN gives NaN, infinity gives zeros as all else outside the knots.
        knots: All 12; cells are half open, t_i <= x < t_{i+1}.
    """
    cell = (x.unsqueeze(-1) >= knots).sum(-1) - 1
    # Within the knots for the sake of indexing; `cell` still tells which numbers lie outside.
    interval = cell.clamp(0, knots.shape[0] - 2)
    u = torch.where(
        cell == interval, (x - knots[interval]) / (knots[interval + 1] - knots[interval]), torch.zeros_like(x)
    )
    v = 1 - u
    values = (v**3 / 6, (4 - 6 * u**2 + 3 * u**3) / 6, (4 - 6 * v**2 + 3 * v**3) / 6, u**3 / 6)
    # The number of each basis in its cell, oldest first; outside the knots none is between 0 and 3.
    number = torch.arange(knots.shape[0] - 1 - _ORDER, device=x.device) - cell.unsqueeze(-1) + _ORDER
    bases = torch.zeros_like(x).unsqueeze(-1).expand(number.shape)
    for k, value in enumerate(values):
        bases = torch.where(number == k, value.unsqueeze(-1), bases)
    return torch.where(x.isnan().unsqueeze(-1), x.unsqueeze(-1), bases)


def cardinal(x: Tensor, knots: Tensor) -> Tensor:
    """Return the same bases to about 1e-6, with a sixth of the operators: exported graphs hold dozens of KAN layers.

    B(t) = (2 - |t|)_+^3 / 6 - 4 (1 - |t|)_+^3 / 6, where t is the distance from a basis's middle knot in cells.
    """
    # All lengths in units in which the sixths are 1.
    unit = 6 ** (-1 / 3)
    wide = (
        2 * unit - ((x.unsqueeze(-1) - knots.narrow(-1, 2, knots.shape[-1] - _ORDER - 1)) * (unit / WIDTH)).abs()
    ).relu()
    return torch.sub(wide**3, (wide - unit).relu() ** 3, alpha=4)
