"""Mamba blocks, the encoder of several, and the selective encoder over factors.

Legend: B batch, L tokens, M model width, D inner channels, N state, R rank of dt, T time steps, F factors.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from geoml_cli.models.geomamba.backend import Kernels
from geoml_cli.models.geomamba.kan import KanLinear
from geoml_cli.models.geomamba.scan import ScanInputs

# d_state, d_conv, expand, and the divisor of dt_rank = ceil(d_model / 16): mamba-ssm's defaults.
_STATE, _TAPS, _EXPAND, _RANK_OF = 16, 4, 2, 16
# mamba-ssm's dt_min, dt_max and dt_init_floor; the floor lies below dt_min and changes nothing.
_SLOWEST, _FASTEST, _FLOOR = 1e-3, 0.1, 1e-4
"""First time steps are drawn between these on a logarithmic scale; Gu & Dao 2023, section 3.6."""


class Mamba(nn.Module):
    """Selective state space block; parameters are named as in the mamba-ssm package.

    Source: Gu & Dao 2023, arXiv:2312.00752, section 3.4.
    """

    def __init__(self, width: int, kernels: Kernels) -> None:
        super().__init__()
        self.kernels = kernels
        channels, self.rank = _EXPAND * width, math.ceil(width / _RANK_OF)
        self.in_proj = nn.Linear(width, 2 * channels, bias=False)
        # Holds the weights under their names; the backend convolves, and pads by itself.
        self.conv1d = nn.Conv1d(channels, channels, _TAPS, groups=channels, padding=_TAPS - 1)
        self.x_proj = nn.Linear(channels, self.rank + 2 * _STATE, bias=False)
        self.dt_proj = nn.Linear(self.rank, channels)
        # A = -1, -2 ... -N in every channel at the start (S4D-Real; Gu & Dao 2023, section 3.6).
        self.A_log = nn.Parameter(torch.arange(1.0, _STATE + 1).log().repeat(channels, 1))
        self.D = nn.Parameter(torch.ones(channels))
        self.out_proj = nn.Linear(channels, width, bias=False)
        self._draw_steps()

    def _draw_steps(self) -> None:
        """Start with time steps spread over two decades."""
        nn.init.uniform_(self.dt_proj.weight, -(self.rank**-0.5), self.rank**-0.5)
        share = torch.rand(self.dt_proj.bias.shape)
        steps = torch.exp(math.log(_SLOWEST) + share * math.log(_FASTEST / _SLOWEST)).clamp(min=_FLOOR)
        with torch.no_grad():
            self.dt_proj.bias.copy_(steps + torch.log(-torch.expm1(-steps)))  # softplus of this gives the steps

    def forward(self, tokens_BLM: Tensor) -> Tensor:
        """Return [B, L, M]; a token sees those before it."""
        # Two products, not one cut in two: each result is then contiguous, forward and backward.
        linear = self.kernels.linear
        for_x, for_z = self.in_proj.weight.chunk(2)
        x_BLD, z_BLD = linear(tokens_BLM, for_x), linear(tokens_BLM, for_z)
        # SiLU(conv1d x): each token sees the three before it.
        x_BLD = self.kernels.convolve(x_BLD, self.conv1d.weight, _bias(self.conv1d))
        # What makes the block selective: step, B and C follow from the token (section 3.2).
        sizes = [self.rank, _STATE, _STATE]
        dt_BLR, b_BLN, c_BLN = torch.split(linear(x_BLD, self.x_proj.weight), sizes, dim=-1)
        u_BLD = linear(dt_BLR, self.dt_proj.weight, self.dt_proj.bias)  # softplus is the scan's
        inputs = ScanInputs(x_BLD, u_BLD, z_BLD, b_BLN, c_BLN, -torch.exp(self.A_log), self.D)
        return linear(self.kernels.scan(inputs), self.out_proj.weight)


def _bias(convolution: nn.Conv1d) -> Tensor:
    assert convolution.bias is not None
    return convolution.bias


class MambaEncoder(nn.Module):
    """Mamba blocks in a row; one MLP and one norm serve all of them."""

    def __init__(self, width: int, layers: int, kernels: Kernels) -> None:
        super().__init__()
        self.kernels = kernels
        self.layers = nn.ModuleList(Mamba(width, kernels) for _ in range(layers))
        # RMS norms under keys that say layer norm, with PyTorch's default eps, 1.19e-7 in float32.
        self.layer_norm = nn.RMSNorm(width)
        self.layer_norm2 = nn.RMSNorm(width)
        # The exact GELU, by erf, not the one by tanh.
        self.MLP = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width), nn.GELU())

    def forward(self, tokens_BLM: Tensor) -> Tensor:
        """Return [B, L, M]."""
        x_BLM = tokens_BLM
        for block in self.layers:
            # x <- norm(MLP(mamba_i(x)) + x), where MLP and norm are the same for every i.
            x_BLM = self.kernels.norm_of_sum(self._mixed(block(x_BLM)), x_BLM, self.layer_norm)
        return self.kernels.norm_of_sum(x_BLM, tokens_BLM, self.layer_norm2)

    def _mixed(self, x_BLM: Tensor) -> Tensor:
        for layer in (self.MLP[0], self.MLP[2]):
            assert isinstance(layer, nn.Linear)
            x_BLM = functional.gelu(self.kernels.linear(x_BLM, layer.weight, layer.bias))
        return x_BLM


class SelectiveEncoder(nn.Module):
    """Mamba encoder that takes every number as a token, in order time then factor."""

    def __init__(self, factors: int, width: int, layers: int, kernels: Kernels) -> None:
        super().__init__()
        self.tmpembed = KanLinear(1, width, kernels)
        self.mamba_encoder = MambaEncoder(width, layers, kernels)
        self.tmpembed_t = KanLinear(width, 1, kernels)
        # Norm over the F factors of a time step.
        self.LayerNorm_x = nn.RMSNorm(factors)

    def forward(self, x_BTF: Tensor) -> Tensor:
        """Return [B, T, F]."""
        # The order is part of the weights, since the scan runs one way.
        tokens_BL1 = x_BTF.flatten(1).unsqueeze(-1)
        mixed_BL1 = self.tmpembed_t(self.mamba_encoder(self.tmpembed(tokens_BL1)))
        out_BTF: Tensor = self.LayerNorm_x(mixed_BL1.reshape(x_BTF.shape) + x_BTF)
        return out_BTF
