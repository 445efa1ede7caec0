"""TIDE-Net's maps over time as one would write them down: the axis of time last, complex numbers part by part.

The same parameters and the same numbers; every other layer is the network's own.

Legend: B batch, T frames of the input, O frames of the output, C channels, H rows, W columns.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from geoml_cli.models.tidenet.amplitude import SpectralMlp
from geoml_cli.models.tidenet.blocks import TimeMlp


class PlainTimeMlp(TimeMlp):
    """Linear, SELU, Linear over the last axis."""

    def forward(self, frames_BTCHW: Tensor) -> Tensor:
        """Return shape [B, O, C, H, W]."""
        frames = frames_BTCHW.movedim(1, -1)
        for layer in self:
            frames = layer(frames)
        return frames.movedim(-1, 1)


class PlainSpectralMlp(SpectralMlp):
    """Two complex linear maps over time, four real products each."""

    def forward(self, frames_BTCHW: Tensor) -> Tensor:
        """Return shape [B, O, C, H, W]."""
        spectrum = torch.fft.rfft2(frames_BTCHW, norm="ortho").movedim(1, -1)
        hidden = _complex_linear(spectrum.real, spectrum.imag, self.w1, self.b1)
        real, imag = _complex_linear(*(part.relu() for part in hidden), self.w2, self.b2)
        frames = torch.fft.irfft2(torch.complex(real, imag).movedim(-1, 1), s=frames_BTCHW.shape[-2:], norm="ortho")
        return frames + self.tmlp(frames_BTCHW)


def _complex_linear(real: Tensor, imag: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    return (
        real @ weight[0] - imag @ weight[1] + bias[0],
        imag @ weight[0] + real @ weight[1] + bias[1],
    )


def plain(network: nn.Module) -> nn.Module:
    """Let a network's maps over time be computed so; it keeps its parameters."""
    for module in network.modules():
        if type(module) is TimeMlp:
            module.__class__ = PlainTimeMlp
        elif type(module) is SpectralMlp:
            module.__class__ = PlainSpectralMlp
    return network
