"""The phase branch: forecasts where structures move to, as angles of the frames' spectra.

Legend: B batch, T frames of the input, O frames of the output, D hidden channels, H rows, W columns, K columns of a
real spectrum (W/2 + 1), C channels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from geoml_cli.layers.fourier import Spectrum, irfft2, rfft2
from geoml_cli.models.tidenet.blocks import Padding, ResnetBlock


class PhaseNet(nn.Module):
    """Past frames to the angles of the coming frames' spectra.

    Args:
        frames_in: T.
        frames_out: O.
        hidden: Channels D.
        size: Rows H and columns W.
    """

    uv: Tensor

    def __init__(self, frames_in: int, frames_out: int, hidden: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        # A 1 x 1 convolution does not know which frequency it is at: these two channels tell it.
        self.register_buffer("uv", frequencies(size))
        inputs = frames_in + len(self.uv)
        self.pha_conv0 = nn.Conv2d(inputs, frames_out, 1)
        self.phase_0 = _stack((inputs, hidden, frames_out), kernel=1)
        self.phase_1 = _stack((inputs, hidden, frames_out), kernel=1)
        # A spectrum has no edge: its rows go round. The columns of half a spectrum do not, but are padded likewise, as
        # released.
        self.phase_2 = _stack((inputs, hidden, frames_out), kernel=3, padding_mode="circular")
        # Reads the base and what the three stacks make of it, O frames each.
        self.pha_conv1 = nn.Conv2d(4 * frames_out, frames_out, 1)

    def forward(self, frames_BTHW: Tensor) -> tuple[Tensor, Tensor]:
        """Return the phase forecast, shape [B, O, H, W], and the angles it was made with [rad], [B, O, H, K]."""
        spectrum_BTHK = rfft2(frames_BTHW)
        # Angles enter within -1..1.
        turns_BTHK = phase(spectrum_BTHK) / math.pi
        uv = self.uv.expand(frames_BTHW.shape[0], -1, -1, -1)
        inputs_BCHK = torch.cat([turns_BTHK, uv], dim=1)
        # base, base + p0, base p1, base p2: the branch learns shifts and factors of a linear forecast.
        base = self.pha_conv0(inputs_BCHK)
        added, first, second = base + self.phase_0(inputs_BCHK), self.phase_1(inputs_BCHK), self.phase_2(inputs_BCHK)
        change_BOHK = self.pha_conv1(torch.cat([base, added, base * first, base * second], dim=1))
        # What is learnt is the change since the last frame that is seen; its magnitudes are kept.
        phase_BOHK = math.pi * (turns_BTHK[:, -1:] + change_BOHK)
        return field(spectrum_BTHK.magnitude()[:, -1:], phase_BOHK, self.size), phase_BOHK


def _stack(channels: tuple[int, int, int], kernel: int, padding_mode: Padding = "zeros") -> nn.Sequential:
    inputs, hidden, outputs = channels
    return nn.Sequential(
        ResnetBlock(inputs, hidden, kernel, padding_mode),
        ResnetBlock(hidden, hidden, kernel, padding_mode),
        nn.Conv2d(hidden, outputs, 1),
    )


def frequencies(size: tuple[int, int]) -> Tensor:
    """Return the frequencies of rows and of columns [cycles a pixel], shape [2, H, K]."""
    rows, columns = torch.fft.fftfreq(size[0]), torch.fft.rfftfreq(size[1])
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))


def phase(spectrum: Spectrum) -> Tensor:
    """Return the angle of each frequency of a real field [rad], shape [..., H, K].

    Four frequencies are real. Some FFTs give them the imaginary part -0, whose angle is -pi where the real part is
    negative; released weights have only seen +pi.
    """
    rows, columns = spectrum.real.shape[-2:]
    real = torch.zeros(rows, columns, dtype=torch.bool, device=spectrum.real.device)
    real[:: rows // 2, :: columns - 1] = True  # rows 0 and H/2, columns 0 and W/2; H and W are even
    return Spectrum(spectrum.real, spectrum.imag.masked_fill(real, 0.0)).angle()


def field(amplitude: Tensor, angle: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the field of a spectrum, shape [..., H, W].

    The spectrum need not be that of a real field; rows are transformed first, then columns to real numbers.
    """
    return irfft2(Spectrum(amplitude * angle.cos(), amplitude * angle.sin()), size)
