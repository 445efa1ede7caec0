"""SimVP, the convolutional baseline: encoder, translator of Inception blocks, decoder.

Legend: B batch, T frames of the input, O frames of the output, S spatial channels, H rows, W columns.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from geoml_cli.errors import SettingsError

SPATIAL, TRANSLATED = 64, 256
"""Channels of encoder and decoder, and of the translator."""

# As the release has it: six blocks each way, four sizes of kernels in 8 groups, LeakyReLU(0.2).
_BLOCKS = 6
_KERNELS = (3, 5, 7, 11)
_GROUPS = 8
_SLOPE = 0.2


class ConvNormSilu(nn.Module):
    """Convolution (one that doubles the sides, or one of a stride), GroupNorm, SiLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, *, doubling: bool = False) -> None:
        super().__init__()
        self.conv: nn.Module
        if doubling:
            self.conv = nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 3, padding=1), nn.PixelShuffle(2))
        else:
            self.conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
        # Two groups here and eight in the translator, as released.
        self.norm = nn.GroupNorm(2, outputs)

    def forward(self, frames: Tensor) -> Tensor:
        """Return frames of `outputs` channels."""
        return nn.functional.silu(self.norm(self.conv(frames)))


class _Wrapped(nn.Module):
    """A convolution under the name `conv`, as released state dicts have it."""

    def __init__(self, conv: ConvNormSilu) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, frames: Tensor) -> Tensor:
        result: Tensor = self.conv(frames)
        return result


class Encoder(nn.Module):
    """Frames to features of half the sides, and features of the whole."""

    def __init__(self) -> None:
        super().__init__()
        self.enc = nn.Sequential(_Wrapped(ConvNormSilu(1, SPATIAL)), _Wrapped(ConvNormSilu(SPATIAL, SPATIAL, 2)))

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return features [B * T, S, H/2, W/2] and, for the decoder, [B * T, S, H, W]."""
        whole = self.enc[0](frames)
        return self.enc[1](whole), whole


class GroupConv(nn.Module):
    """Convolution in groups, GroupNorm, LeakyReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=_GROUPS)
        self.norm = nn.GroupNorm(_GROUPS, outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of `outputs` channels."""
        return nn.functional.leaky_relu(self.norm(self.conv(features)), _SLOPE)


class Inception(nn.Module):
    """Sum of convolutions with four sizes of kernels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        # Neither norm nor activation follows it.
        self.conv1 = nn.Conv2d(inputs, TRANSLATED // 2, 1)
        self.layers = nn.ModuleList([GroupConv(TRANSLATED // 2, outputs, kernel) for kernel in _KERNELS])

    def forward(self, features: Tensor) -> Tensor:
        """Return features of `outputs` channels."""
        narrow = self.conv1(features)
        return torch.stack([layer(narrow) for layer in self.layers]).sum(dim=0)


class Translator(nn.Module):
    """Features of all frames together through twelve Inception blocks, the last six with skips from the first six."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide = TRANSLATED
        self.enc = nn.ModuleList([Inception(channels if k == 0 else wide, wide) for k in range(_BLOCKS)])
        self.dec = nn.ModuleList(
            [Inception(wide if k == 0 else 2 * wide, channels if k == _BLOCKS - 1 else wide) for k in range(_BLOCKS)]
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the same shape, [B, T * S, H/2, W/2]."""
        skips = []
        for block in self.enc:
            features = block(features)
            skips.append(features)
        # dec.0 takes what enc.5 gives; dec.i, i from 1 to 5, that of dec.(i - 1) and of enc.(5 - i).
        features = self.dec[0](features)
        for block, skip in zip(self.dec[1:], skips[-2::-1], strict=True):
            features = block(torch.cat([features, skip], dim=1))
        return features


class Decoder(nn.Module):
    """Features back to frames."""

    def __init__(self) -> None:
        super().__init__()
        self.dec = nn.Sequential(
            _Wrapped(ConvNormSilu(SPATIAL, SPATIAL, doubling=True)), _Wrapped(ConvNormSilu(SPATIAL, SPATIAL))
        )
        self.readout = nn.Conv2d(SPATIAL, 1, 1)

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        """Return frames [B * T, 1, H, W]; arguments as returned by the encoder."""
        # Added, not joined as channels: dec.1 reads S of them.
        frames: Tensor = self.readout(self.dec[1](self.dec[0](features) + skip))
        return frames


class SimVP(nn.Module):
    """Past frames to coming frames; parameters are named as in released checkpoints.

    Source: Gao et al., CVPR 2022, doi:10.1109/CVPR52688.2022.00317. It gives as many frames as it sees. For fewer, the
    first are taken; for more, its output is its next input.

    Args:
        frames_in: T.
        frames_out: O.

    Raises:
        SettingsError: There is less than one frame.
    """

    def __init__(self, frames_in: int, frames_out: int) -> None:
        super().__init__()
        if min(frames_in, frames_out) < 1:
            raise SettingsError(
                f"{frames_in} frames in and {frames_out} out are below 1.", where="SimVP", fix="Set them to 1 or more."
            )
        self.frames_out = frames_out
        self.enc = Encoder()
        self.hid = Translator(frames_in * SPATIAL)
        self.dec = Decoder()

    def forward(self, frames_BTHW: Tensor) -> Tensor:
        """Return the forecast, shape [B, O, H, W].

        Args:
            frames_BTHW: Scaled to 0..1, oldest frame first; no NaN; H and W even.
        """
        made: list[Tensor] = []
        while sum(frames.shape[1] for frames in made) < self.frames_out:
            frames_BTHW = self._next(frames_BTHW)
            made.append(frames_BTHW)
        return torch.cat(made, dim=1)[:, : self.frames_out]

    def _next(self, frames_BTHW: Tensor) -> Tensor:
        batch, frames = frames_BTHW.shape[:2]
        # [B * T, 1, H, W]: encoder and decoder see single frames, only the translator mixes them.
        features, whole = self.enc(frames_BTHW.flatten(0, 1)[:, None])
        folded = features.reshape(batch, -1, *features.shape[-2:])  # [B, T * S, H/2, W/2], time outermost
        features = self.hid(folded).reshape(features.shape)
        result: Tensor = self.dec(features, whole).reshape(batch, frames, *frames_BTHW.shape[-2:])
        return result
