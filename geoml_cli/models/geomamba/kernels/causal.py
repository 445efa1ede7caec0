"""Depthwise causal convolution and SiLU in one pass, steps before channels, so that nothing is transposed.

Legend: B batch, L steps, D channels, K taps, W channels of a piece, G groups of sequences.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geoml_cli.models.geomamba.kernels.arrays import Array, Piece
from geoml_cli.models.geomamba.kernels.compiled import LOG2E, entry, exp2, inner


class Inputs(NamedTuple):
    """What the convolution reads, each contiguous.

    Attributes:
        x_BLD: Input.
        weight_KD: The last tap meets the step itself.
        bias_D: Added before SiLU.
    """

    x_BLD: Array
    weight_KD: Array
    bias_D: Array


class Gradients(NamedTuple):
    """What the backward pass adds to."""

    x_BLD: Array
    weight_GKD: Array
    bias_GD: Array


@entry
def forward(inputs: Inputs, out_BLD: Array, piece: Piece) -> None:
    """Write a piece of the output."""
    for sequence in range(piece.first, piece.last):
        for step in range(inputs.x_BLD.shape[1]):
            out_W = out_BLD[sequence, step, piece.low : piece.high]
            _convolve(inputs, out_W, sequence, step, piece)
            _activate(out_W)


@entry
def backward(inputs: Inputs, out_BLD: Array, gradients: Gradients, piece: Piece) -> None:
    """Add a piece's gradients; `out_BLD` is the gradient of the output."""
    low, high = piece.low, piece.high
    inner_W = np.empty(high - low, inputs.bias_D.dtype)
    for sequence in range(piece.first, piece.last):
        for step in range(inputs.x_BLD.shape[1]):
            _convolve(inputs, inner_W, sequence, step, piece)
            _deactivate(inner_W, out_BLD[sequence, step, low:high], gradients.bias_GD[piece.group, low:high])
            _unconvolve(inputs, inner_W, gradients, (sequence, step), piece)


@inner
def _convolve(inputs: Inputs, out_W: Array, sequence: int, step: int, piece: Piece) -> None:
    taps = inputs.weight_KD.shape[0]
    out_W[:] = inputs.bias_D[piece.low : piece.high]
    for tap in range(max(0, taps - 1 - step), taps):
        x_W = inputs.x_BLD[sequence, step + tap - taps + 1, piece.low : piece.high]
        _add_product(out_W, x_W, inputs.weight_KD[tap, piece.low : piece.high])


@inner
def _unconvolve(inputs: Inputs, inner_W: Array, gradients: Gradients, place: tuple[int, int], piece: Piece) -> None:
    sequence, step = place
    taps, low, high = inputs.weight_KD.shape[0], piece.low, piece.high
    for tap in range(max(0, taps - 1 - step), taps):
        source = step + tap - taps + 1
        _add_product(gradients.x_BLD[sequence, source, low:high], inner_W, inputs.weight_KD[tap, low:high])
        _add_product(
            gradients.weight_GKD[piece.group, tap, low:high], inner_W, inputs.x_BLD[sequence, source, low:high]
        )


@inner
def _add_product(out_W: Array, left_W: Array, right_W: Array) -> None:
    for w in range(out_W.shape[0]):
        out_W[w] += left_W[w] * right_W[w]


@inner
def _activate(out_W: Array) -> None:
    kind = out_W.dtype.type
    for w in range(out_W.shape[0]):
        out_W[w] = out_W[w] / (kind(1) + exp2(out_W[w] * kind(-LOG2E)))


@inner
def _deactivate(inner_W: Array, out_W: Array, bias_W: Array) -> None:
    """Turn the value before SiLU into its gradient."""
    kind = inner_W.dtype.type
    for w in range(inner_W.shape[0]):
        value = inner_W[w]
        s = kind(1) / (kind(1) + exp2(value * kind(-LOG2E)))
        inner_W[w] = out_W[w] * s * (kind(1) + value * (kind(1) - s))
        bias_W[w] += inner_W[w]
