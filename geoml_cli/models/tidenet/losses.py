"""Terms of TIDE-Net's loss, as published, and over sea only.

Legend: B batch, O frames of the output, H rows, W columns, K columns of a real spectrum (W/2 + 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from geoml_cli.layers.fourier import Spectrum, rfft2
from geoml_cli.models.tidenet.network import Branches
from geoml_cli.models.tidenet.phase import phase


@dataclass(frozen=True)
class LossWeights:
    """Coefficients of the terms in addition to the forecast's own error.

    Attributes:
        phase: Of the phase error.
        spectrum: Of the error of the amplitude forecast's spectrum, at the start of training.
        spectrum_steps: Training step from which on that error has no weight.
        amplitude: Of the error of the amplitude forecast.
    """

    phase: float = 0.001
    spectrum: float = 0.01
    spectrum_steps: int = 1000
    amplitude: float = 0.1

    def spectrum_at(self, number: int) -> float:
        """Return the weight of the spectrum's error at a training step; the first step has the number 1."""
        # The release counts calls of the training loss; the number of a step is the same count, and survives a restart.
        return self.spectrum * max(0.0, 1 - number / self.spectrum_steps) if self.spectrum_steps else 0.0

    def at(self, number: int) -> LossWeights:
        """Return the weights at a training step, numbered as above."""
        return replace(self, spectrum=self.spectrum_at(number))


class LossTerms(NamedTuple):
    """Scalar terms with their weights: what training minimises is `total`."""

    forecast: Tensor
    phase: Tensor
    spectrum: Tensor
    amplitude: Tensor

    @property
    def total(self) -> Tensor:
        """Return the sum of all terms."""
        return self.forecast + self.phase + self.spectrum + self.amplitude


def loss_terms(
    branches: Branches,
    truth_BOHW: Tensor,
    spec_mask: Tensor,
    weights: LossWeights,
    sea: Tensor | None = None,
) -> LossTerms:
    """Return the terms of the loss at a training step.

    The paper treats land as the lowest value of the field and counts all cells. With `sea`, land is excluded instead:

    - Squared errors are averaged over sea cells.
    - A spectrum mixes all cells of a frame. Land cells of the amplitude forecast are therefore replaced by the truth's
      before it is transformed. Both spectra then contain the same land, and differ only because of the sea.
    - The phase error is not masked. Its branch forecasts angles of whole frames, which cannot be separated by cell.
      Land is filled with the same constant in the input and in the truth, so it adds no motion.

    No gradient of the forecast and of the amplitude forecast comes from land. Without land, all terms equal the
    published ones.

    Args:
        branches: Output of `TideNet.branches`.
        truth_BOHW: Scaled coming frames; no NaN, land filled as in the network's input.
        spec_mask: The network's low frequencies, [H, K].
        weights: Of the training step, from `LossWeights.at`.
        sea: True where cells count, [H, W] or [B, O, H, W]; None counts all.
    """
    # MSE + 0.001 phase + w(n) spectrum + 0.1 amplitude, w(n) = 0.01 max(0, 1 - n / 1000).
    spectrum = rfft2(truth_BOHW)
    amplitude = branches.amplitude if sea is None else torch.where(sea, branches.amplitude, truth_BOHW)
    return LossTerms(
        forecast=squared_error(branches.forecast, truth_BOHW, sea),
        phase=weights.phase * phase_error(branches.angle, spectrum, spec_mask),
        spectrum=weights.spectrum * spectrum_error(amplitude, spectrum),
        amplitude=weights.amplitude * squared_error(branches.amplitude, truth_BOHW, sea),
    )


def squared_error(forecast_BOHW: Tensor, truth_BOHW: Tensor, sea: Tensor | None = None) -> Tensor:
    """Return the mean squared error over cells that count, a scalar; arguments as for `loss_terms`.

    Each sample's mean counts once, however many of its cells are known: the mean over a batch is then that of its
    parts, whichever way it is cut.
    """
    if sea is None:
        return torch.nn.functional.mse_loss(forecast_BOHW, truth_BOHW)
    squares = torch.where(sea, forecast_BOHW - truth_BOHW, 0.0).square()
    # A map without a known cell gives 0, not NaN.
    counted = sea.expand_as(squares).flatten(1).sum(1).clamp(min=1)
    return (squares.flatten(1).sum(1) / counted).mean()


def phase_error(angle_BOHK: Tensor, spectrum_BOHK: Spectrum, spec_mask: Tensor) -> Tensor:
    """Return the mean of 1 - cos(difference of phases) over low frequencies, a scalar.

    Args:
        angle_BOHK: Forecast phases [rad].
        spectrum_BOHK: Of the truth.
        spec_mask: 1 where frequencies count, [H, K].
    """
    errors = (1 - torch.cos(phase(spectrum_BOHK) - angle_BOHK)) * spec_mask
    # Over entries of the mask, lead times and batch: zeros outside of the mask are not counted.
    return errors.sum() / (spec_mask.sum() * errors.shape[:2].numel())


def spectrum_error(amplitude_BOHW: Tensor, spectrum_BOHK: Spectrum) -> Tensor:
    """Return the mean squared error of the amplitude forecast's spectrum in magnitude, a scalar."""
    # Over the whole spectrum, not the mask's part alone, and by transforms that are not normalised.
    return torch.nn.functional.mse_loss(rfft2(amplitude_BOHW).magnitude(), spectrum_BOHK.magnitude())
