"""TIDE-Net: amplitude and phase branches, and the U-Net that mixes them.

Legend: B batch, T frames of the input, O frames of the output, H rows, W columns, K columns of a real spectrum
(W/2 + 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, overload

from torch import Tensor, nn

from geoml_cli.errors import SettingsError
from geoml_cli.models.tidenet.amplitude import CELL_GROUPS, AmplitudeNet
from geoml_cli.models.tidenet.mixer import Mixer, low_frequencies
from geoml_cli.models.tidenet.phase import PhaseNet

# Of `diffusers.UNet2DModel`: four levels halve a map three times, and a GroupNorm has 32 groups.
_SIDE, _HIDDEN = 8, 32


@dataclass(frozen=True)
class Shape:
    """Sizes of a network.

    Attributes:
        frames_in: Frames that it sees, T.
        frames_out: Frames that it forecasts, O.
        height: Rows H.
        width: Columns W.
        hidden: Channels D.
        spectral_number: Rows and columns of low frequencies, `spec_num`; 20 at 128 x 128. One that exceeds the
            spectrum takes all of it.

    Raises:
        SettingsError: The network cannot have these sizes.
    """

    frames_in: int
    frames_out: int
    height: int
    width: int
    hidden: int = 64
    spectral_number: int = 20

    def __post_init__(self) -> None:
        if problems := [text for text in self._problems() if text]:
            raise SettingsError("; ".join(problems) + ".", where="TIDE-Net", fix="Set [network] and [frames] so.")

    def _problems(self) -> list[str]:
        sizes = {"frames_in": self.frames_in, "frames_out": self.frames_out, "spectral_number": self.spectral_number}
        found = [f"{name} = {value} is below 1" for name, value in sizes.items() if value < 1]
        for name, value in (("height", self.height), ("width", self.width)):
            if value < _SIDE or value % _SIDE:
                found.append(f"{name} = {value} is not a multiple of {_SIDE}: the mixer's U-Net halves it three times")
        if self.hidden < _HIDDEN or self.hidden % _HIDDEN:
            reason = f"its U-Nets normalise groups of channels, {_HIDDEN} of them"
            found.append(f"hidden = {self.hidden} is not a multiple of {_HIDDEN}: {reason}")
        if self.frames_out * self.hidden % CELL_GROUPS:
            reason = f"amplitude cells normalise {CELL_GROUPS} groups of frames and channels"
            found.append(f"frames_out * hidden = {self.frames_out * self.hidden}: {reason}")
        return found


class Branches(NamedTuple):
    """All that the loss looks at.

    Attributes:
        forecast: [B, O, H, W].
        amplitude: Forecast of the amplitude branch, 0..1, [B, O, H, W].
        phase: Forecast of the phase branch, [B, O, H, W].
        alpha: Low frequencies of both, [B, O, H, W].
        angle: Phase of the coming frames' spectra [rad], [B, O, H, K].
    """

    forecast: Tensor
    amplitude: Tensor
    phase: Tensor
    alpha: Tensor
    angle: Tensor


class TideNet(nn.Module):
    """Past frames to coming frames; parameters are named as in released checkpoints.

    Source: the release of TIDE-Net (Carbon-ECS), after AlphaPre (Lin et al., CVPR 2025).
    """

    spec_mask: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        size = (shape.height, shape.width)
        # Kept here for the loss and in the mixer for alpha; released state dicts hold both.
        self.register_buffer("spec_mask", low_frequencies(size, shape.spectral_number))
        self.amplinet = AmplitudeNet(shape.frames_in, shape.frames_out, shape.hidden)
        self.phasenet = PhaseNet(shape.frames_in, shape.frames_out, shape.hidden, size)
        self.alphamixer = Mixer(shape.hidden, size, shape.spectral_number)

    @overload
    def forward(self, frames_BTHW: Tensor, branches: Literal[False] = False) -> Tensor: ...

    @overload
    def forward(self, frames_BTHW: Tensor, branches: Literal[True]) -> Branches: ...

    def forward(self, frames_BTHW: Tensor, branches: bool = False) -> Tensor | Branches:
        """Return the forecast, shape [B, O, H, W], or with `branches` all that the loss looks at.

        Args:
            frames_BTHW: Scaled to 0..1, oldest frame first; no NaN.
            branches: Through `forward`, since distributed training shares gradients of nothing else.
        """
        found = self.branches(frames_BTHW)
        return found if branches else found.forecast

    def branches(self, frames_BTHW: Tensor) -> Branches:
        """Return the forecast with what it was made of; argument as for `forward`."""
        amplitude_BOHW = self.amplinet(frames_BTHW)
        phase_BOHW, angle_BOHK = self.phasenet(frames_BTHW)
        alpha_BOHW = self.alphamixer.alpha(amplitude_BOHW, angle_BOHK)
        forecast_BOHW = self.alphamixer.mix(amplitude_BOHW, phase_BOHW, alpha_BOHW)
        return Branches(forecast_BOHW, amplitude_BOHW, phase_BOHW, alpha_BOHW, angle_BOHK)
