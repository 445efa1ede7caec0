"""Building blocks that both branches share, and the U-Net of `diffusers`.

Legend: B batch, T frames of the input, O frames of the output, N everything else of a frame, C channels, H rows,
W columns.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from geoml_cli.errors import SettingsError

Padding = Literal["zeros", "circular"]
_GROUPS = 8
"""Groups of GroupNorm in a residual block."""


class ConvBlock(nn.Module):
    """Convolution, GroupNorm, SiLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, padding_mode: Padding) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode=padding_mode)
        self.norm = nn.GroupNorm(_GROUPS, outputs)

    def forward(self, frames_BCHW: Tensor) -> Tensor:
        """Return frames of another number of channels, same size."""
        return nn.functional.silu(self.norm(self.proj(frames_BCHW)))


class ResnetBlock(nn.Module):
    """Two convolution blocks; the residual is added after the second SiLU.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        kernel: Side of both convolutions [pixels].
        padding_mode: Of both convolutions, as of `torch.nn.Conv2d`.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, padding_mode: Padding = "zeros") -> None:
        super().__init__()
        self.block1 = ConvBlock(inputs, outputs, kernel, padding_mode)
        self.block2 = ConvBlock(outputs, outputs, kernel, padding_mode)
        # 1 x 1 and without padding, whatever the other two have.
        self.res_conv = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, frames_BCHW: Tensor) -> Tensor:
        """Return frames of `outputs` channels, same size."""
        residual_BCHW: Tensor = self.res_conv(frames_BCHW)
        changed_BCHW: Tensor = self.block2(self.block1(frames_BCHW))
        return changed_BCHW + residual_BCHW


class TimeMlp(nn.Sequential):
    """Linear, SELU, Linear over the time axis: every pixel and channel by itself."""

    def __init__(self, frames_in: int, hidden: int, frames_out: int) -> None:
        super().__init__(nn.Linear(frames_in, hidden), nn.SELU(), nn.Linear(hidden, frames_out))

    def forward(self, frames_BTCHW: Tensor) -> Tensor:
        """Return shape [B, O, C, H, W]."""
        first, last = self[0], self[2]
        assert isinstance(first, nn.Linear) and isinstance(last, nn.Linear)
        hidden_BTN = nn.functional.selu(linear_over_time(first.weight, first.bias, frames_BTCHW.flatten(2)))
        frames_BON = linear_over_time(last.weight, last.bias, hidden_BTN)
        return frames_BON.reshape(*frames_BON.shape[:2], *frames_BTCHW.shape[2:])


def linear_over_time(weight: Tensor, bias: Tensor, frames_BTN: Tensor) -> Tensor:
    """Apply a linear map to axis 1, [B, O, N]: a product from the left saves two transpositions of whole frames.

    `weight @ frames_BTN` would copy the frames, to make one product of all of the batch.

    Args:
        weight: [O, T].
        bias: [O].
        frames_BTN: T may stand for real and imaginary parts.
    """
    batch = frames_BTN.shape[0]
    return torch.baddbmm(bias[:, None], weight.expand(batch, -1, -1), frames_BTN)


class UNet(nn.Module):
    """`diffusers.UNet2DModel` at timestep 0: the paper uses it as a plain U-Net, not to denoise.

    Down and up blocks have no attention; the middle block keeps the package's. Everything else is the package's
    default: two layers a block, 32 groups a GroupNorm, heads of eight channels.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        channels: Of each level; every level but the last halves the frame.
    """

    def __init__(self, inputs: int, outputs: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.unet = _unet_class()(
            in_channels=inputs,
            out_channels=outputs,
            block_out_channels=channels,
            down_block_types=("DownBlock2D",) * len(channels),
            up_block_types=("UpBlock2D",) * len(channels),
        )

    def forward(self, frames_BCHW: Tensor) -> Tensor:
        """Return frames of `outputs` channels, same size."""
        # Released weights were trained with timestep 0; with 1 the forecast is another.
        frames: Tensor = self.unet(frames_BCHW, 0, return_dict=False)[0]
        return frames


def _unet_class() -> Any:  # noqa: ANN401  the package is an extra
    try:
        from diffusers import UNet2DModel
    except ImportError as error:
        raise SettingsError(
            "TIDE-Net needs the package diffusers, which cannot be imported.",
            fix="pip install 'geoml[forecast]'",
        ) from error
    return UNet2DModel
