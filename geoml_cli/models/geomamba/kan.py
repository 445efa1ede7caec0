"""KAN linear layer: a SiLU branch, and a cubic B-spline on a fixed uniform grid for every pair of input and output.

The grid never adapts, so all bases have a closed form, the cardinal cubic B-spline.

Source: Liu et al. 2024, arXiv:2404.19756, equations 2.10 to 2.12; the separate spline scaler is that of Li 2024,
efficient-kan.

Legend: R rows, I inputs, O outputs, K the 8 bases.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from geoml_cli.models.geomamba.backend import Kernels
from geoml_cli.models.geomamba.plain import WIDTH, basis, exported_kan

# grid_size and spline_order of efficient-kan.
CELLS, ORDER = 5, 3
BASES = CELLS + ORDER
_LOW = -1.0
# Half of efficient-kan's scale_noise / grid_size = 0.1 / 5.
_NOISE = 0.01
"""The first curves are uniform noise within this, at the grid's six points."""


def knots() -> Tensor:
    """Return the 12 knots from -2.2 to 2.2, rounded as the released ones: multiplied, then added, in float32."""
    return torch.arange(-ORDER, CELLS + ORDER + 1, dtype=torch.float32) * WIDTH + _LOW


class KanLinear(nn.Module):
    """y = SiLU(x) W_base^T + sum_j B_j(x) (spline_weight_j spline_scaler)."""

    grid: Tensor

    def __init__(self, inputs: int, outputs: int, kernels: Kernels) -> None:
        super().__init__()
        self.kernels = kernels
        self.base_weight = nn.Parameter(torch.empty(outputs, inputs))
        self.spline_weight = nn.Parameter(torch.empty(outputs, inputs, BASES))
        self.spline_scaler = nn.Parameter(torch.empty(outputs, inputs))
        # The same grid for every input; it is repeated for the released keys.
        self.register_buffer("grid", knots().repeat(inputs, 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights: Kaiming-uniform, and the smallest splines through noise at the grid's points."""
        # a = sqrt(5) is PyTorch's own start of a linear layer.
        nn.init.kaiming_uniform_(self.base_weight, a=math.sqrt(5))
        nn.init.kaiming_uniform_(self.spline_scaler, a=math.sqrt(5))
        # Eight coefficients and six points: of all splines through the noise, that of the smallest coefficients.
        points = knots()[ORDER : ORDER + CELLS + 1].double()
        through = torch.linalg.pinv(basis(points, knots().double())).float()
        noise = torch.empty(*self.base_weight.shape, len(points)).uniform_(-_NOISE, _NOISE)
        with torch.no_grad():
            self.spline_weight.copy_(noise @ through.T)

    def forward(self, x: Tensor) -> Tensor:
        """Return [..., O] of [..., I]."""
        # The scaler is folded in here, so that kernels have one weight a basis.
        weight_OIK = self.spline_weight * self.spline_scaler.unsqueeze(-1)
        if torch.compiler.is_exporting():
            return exported_kan(x, self.base_weight, weight_OIK, self.grid)
        out_RO = self.kernels.kan(x.reshape(-1, x.shape[-1]), self.base_weight, weight_OIK, self.grid[0])
        return out_RO.reshape(*x.shape[:-1], out_RO.shape[-1])
