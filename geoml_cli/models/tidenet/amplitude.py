"""The amplitude branch: forecasts intensity, frame by frame in the frequency domain, refined by two U-Nets.

Legend: B batch, T frames of the input, O frames of the output, D hidden channels, H rows, W columns, K columns of a
real spectrum (W/2 + 1), N everything of a frame's spectrum.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from geoml_cli.layers.fourier import Spectrum, irfft2, rfft2
from geoml_cli.models.tidenet.blocks import ResnetBlock, TimeMlp, UNet, linear_over_time

CELL_GROUPS = 4
"""Groups of GroupNorm in a cell, over frames and channels together."""

_REFINER_CHANNELS = (32, 64, 64)
"""Of a refiner's levels, whatever the hidden channels."""


class SpectralMlp(nn.Module):
    """Two complex linear maps over time of every frequency, plus a linear way around them.

    The ReLU between them acts on real and imaginary parts apart.
    """

    def __init__(self, frames_in: int, frames_out: int) -> None:
        super().__init__()
        self.w1 = nn.Parameter(torch.empty(2, frames_in, frames_out))
        # The axes of 1 are those of released state dicts; only the last is used here.
        self.b1 = nn.Parameter(torch.zeros(2, 1, 1, 1, frames_out))
        self.w2 = nn.Parameter(torch.empty(2, frames_out, frames_out))
        self.b2 = nn.Parameter(torch.zeros(2, 1, 1, 1, frames_out))
        self.tmlp = TimeMlp(frames_in, frames_out, frames_out)
        # The start is not published; this keeps the variance of a frequency over both maps.
        nn.init.normal_(self.w1, std=(2 * frames_in) ** -0.5)
        nn.init.normal_(self.w2, std=(2 * frames_out) ** -0.5)

    def forward(self, frames_BTDHW: Tensor) -> Tensor:
        """Return shape [B, O, D, H, W]."""
        spectrum_BTDHK = rfft2(frames_BTDHW, ortho=True)
        parts_BTN = torch.cat(spectrum_BTDHK, dim=1).flatten(2)  # 2T: real parts first
        hidden_BON = torch.relu(_complex_linear(self.w1, self.b1, parts_BTN))
        parts_BON = _complex_linear(self.w2, self.b2, hidden_BON)
        parts = parts_BON.reshape(*parts_BON.shape[:2], *spectrum_BTDHK.real.shape[2:])  # [B, 2 * O, D, H, K]
        height, width = frames_BTDHW.shape[-2:]
        frames_BODHW = irfft2(Spectrum(*parts.chunk(2, dim=1)), (height, width), ortho=True)
        direct_BODHW: Tensor = self.tmlp(frames_BTDHW)
        return frames_BODHW + direct_BODHW


def _complex_linear(weight: Tensor, bias: Tensor, parts_BTN: Tensor) -> Tensor:
    """Multiply complex numbers by a complex matrix over time, as one real product.

    Args:
        weight: Real and imaginary part, each [T, O].
        bias: Real and imaginary part, [2, 1, 1, 1, O].
        parts_BTN: Real parts of all frames, then imaginary parts, [B, 2T, N].

    Returns:
        In the same order, [B, 2O, N].
    """
    # re' = re w_r - im w_i, im' = im w_r + re w_i.
    real, imaginary = weight[0].T, weight[1].T
    matrix = torch.cat([torch.cat([real, -imaginary], dim=1), torch.cat([imaginary, real], dim=1)])
    return linear_over_time(matrix, bias.reshape(-1), parts_BTN)


class AmplitudeCell(nn.Module):
    """Spectral map over time, then convolutions of all frames together, each with a residual."""

    def __init__(self, frames_in: int, frames_out: int, hidden: int) -> None:
        super().__init__()
        # A map over time of its own, in addition to the one inside of `amptime`.
        self.tmlp = TimeMlp(frames_in, frames_out, frames_out)
        self.amptime = SpectralMlp(frames_in, frames_out)
        folded = frames_out * hidden
        self.conv = nn.Sequential(
            nn.Conv2d(folded, folded, 3, padding=1),
            nn.GroupNorm(CELL_GROUPS, folded),
            nn.SiLU(),
            nn.Conv2d(folded, folded, 3, padding=1),
        )

    def forward(self, frames_BTDHW: Tensor) -> Tensor:
        """Return shape [B, O, D, H, W]."""
        # y = amptime(x) + tmlp(x), then y + conv(y).
        mixed_BODHW = self.amptime(frames_BTDHW) + self.tmlp(frames_BTDHW)
        folded = mixed_BODHW.flatten(1, 2)  # [B, O * D, H, W], time outermost
        refined: Tensor = folded + self.conv(folded)
        return refined.reshape(mixed_BODHW.shape)


# The "DLR" of the paper: its release holds no diffusion model besides these two U-Nets.
class Refiner(UNet):
    """U-Net over all frames and channels together, with a residual."""

    def __init__(self, frames: int, hidden: int) -> None:
        super().__init__(frames * hidden, frames * hidden, _REFINER_CHANNELS)

    def forward(self, frames_BODHW: Tensor) -> Tensor:
        """Return the same shape, [B, O, D, H, W]."""
        folded = frames_BODHW.flatten(1, 2)  # [B, O * D, H, W], time outermost
        refined: Tensor = folded + super().forward(folded)
        return refined.reshape(frames_BODHW.shape)


class AmplitudeNet(nn.Module):
    """Past frames to the amplitude forecast.

    Args:
        frames_in: T.
        frames_out: O.
        hidden: Channels D.
    """

    def __init__(self, frames_in: int, frames_out: int, hidden: int) -> None:
        super().__init__()
        # Twice the frames between its two layers, where the cells' maps have as many as they put out.
        self.tmlp = TimeMlp(frames_in, 2 * frames_out, frames_out)
        self.convin = nn.Sequential(ResnetBlock(1, hidden), ResnetBlock(hidden, hidden), nn.Conv2d(hidden, hidden, 1))
        # Three cells and two refiners always: the release's setting of their number has no effect.
        self.layers = nn.Sequential(
            AmplitudeCell(frames_in, frames_out, hidden),
            AmplitudeCell(frames_out, frames_out, hidden),
            Refiner(frames_out, hidden),
            Refiner(frames_out, hidden),
            AmplitudeCell(frames_out, frames_out, hidden),
        )
        self.convout = nn.Sequential(ResnetBlock(hidden, hidden), ResnetBlock(hidden, hidden), nn.Conv2d(hidden, 1, 1))

    def forward(self, frames_BTHW: Tensor) -> Tensor:
        """Return the amplitude forecast in 0..1, shape [B, O, H, W]."""
        batch = frames_BTHW.shape[0]
        hidden = self.convin(frames_BTHW.flatten(0, 1)[:, None])  # [B * T, D, H, W]
        hidden_BTDHW = hidden.reshape(batch, -1, *hidden.shape[1:])
        # A linear map over time goes around all cells and refiners.
        forecast_BODHW = self.tmlp(hidden_BTDHW) + self.layers(hidden_BTDHW)
        forecast: Tensor = self.convout(forecast_BODHW.flatten(0, 1))  # [B * O, 1, H, W]
        return torch.sigmoid(forecast).reshape(batch, -1, *frames_BTHW.shape[2:])
