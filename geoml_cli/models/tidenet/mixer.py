"""The mixer: joins amplitude and phase to a third field, and all three to the forecast.

Legend: B batch, O frames of the output, H rows, W columns, K columns of a real spectrum (W/2 + 1).
"""

from __future__ import annotations

import torch
from torch import Tensor

from geoml_cli.layers.fourier import rfft2
from geoml_cli.models.tidenet.blocks import UNet
from geoml_cli.models.tidenet.phase import field


class Mixer(UNet):
    """Amplitude and phase forecast to the forecast.

    Args:
        hidden: Channels D.
        size: Rows H and columns W.
        spectral_number: Rows and columns of low frequencies that amplitude and phase share in alpha (`spec_num`).
    """

    spec_mask: Tensor

    def __init__(self, hidden: int, size: tuple[int, int], spectral_number: int) -> None:
        super().__init__(3, 1, (hidden, 2 * hidden, 2 * hidden, 4 * hidden))
        self.size = size
        self.register_buffer("spec_mask", low_frequencies(size, spectral_number))

    def alpha(self, amplitude_BOHW: Tensor, angle_BOHK: Tensor) -> Tensor:
        """Return low frequencies of the amplitude forecast, moved by the phase forecast, [B, O, H, W]."""
        return field(rfft2(amplitude_BOHW).magnitude() * self.spec_mask, angle_BOHK, self.size)

    def mix(self, amplitude_BOHW: Tensor, phase_BOHW: Tensor, alpha_BOHW: Tensor) -> Tensor:
        """Return the forecast, frame by frame, [B, O, H, W]."""
        # Lead times are mixed apart: each is a sample of the U-Net.
        channels = torch.stack([amplitude_BOHW, phase_BOHW, alpha_BOHW], dim=2).flatten(0, 1)  # [B * O, 3, H, W]
        forecast: Tensor = self(channels)  # [B * O, 1, H, W]
        return forecast.reshape(amplitude_BOHW.shape)


def low_frequencies(size: tuple[int, int], number: int) -> Tensor:
    """Return 1 in the first columns of the first and the last rows of a spectrum, else 0; shape [H, K]."""
    mask = torch.zeros(size[0], size[1] // 2 + 1)
    # Rows of an FFT run 0, 1 ... -2, -1: low frequencies are at both ends.
    mask[:number, :number] = 1
    mask[-number:, :number] = 1
    return mask
