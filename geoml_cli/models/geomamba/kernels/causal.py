"""Depthwise causal convolution and SiLU in one pass, steps before channels, so that nothing is transposed.

Legend: B batch, L steps, D channels (a multiple of the lanes), K taps, G groups of sequences.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from geoml_cli.models.geomamba.kernels.arrays import Array, Piece
from geoml_cli.models.geomamba.kernels.compiled import entry, inner
from geoml_cli.models.geomamba.kernels.elementary import sigmoid
from geoml_cli.models.geomamba.kernels.lanes import WIDTH, fma, load, store, workspace


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
    """What the backward pass writes, but for the weights' and the bias's, which it adds to."""

    x_BLD: Array
    weight_GKD: Array
    bias_GD: Array


@entry
def forward(inputs: Inputs, out_BLD: Array, piece: Piece) -> None:
    """Write a piece of the output."""
    for sequence in range(piece.first, piece.last):
        for step in range(inputs.x_BLD.shape[1]):
            for d in range(piece.low, piece.high, WIDTH):
                value = _convolve(inputs, sequence, step, d)
                store(out_BLD, (sequence, step, d), value * sigmoid(value))


@entry
def backward(inputs: Inputs, out_BLD: Array, gradients: Gradients, piece: Piece) -> None:
    """Write a piece's gradients; `out_BLD` is the gradient of the output."""
    inner_L = workspace(inputs.x_BLD.shape[1], inputs.x_BLD)
    for sequence in range(piece.first, piece.last):
        for d in range(piece.low, piece.high, WIDTH):
            # Gradients before SiLU first: both others are made of them.
            _deactivate(inputs, out_BLD, inner_L, (sequence, d))
            _add_to_weights(inputs, inner_L, gradients, (piece.group, sequence, d))
            _convolve_back(inputs, inner_L, gradients.x_BLD, (sequence, d))


@inner
def _convolve(inputs: Inputs, sequence: int, step: int, d: int) -> Any:  # noqa: ANN401
    """Return a step's value before SiLU."""
    taps, value = inputs.weight_KD.shape[0], load(inputs.bias_D, (d,))
    # Taps before the first step would meet zeros.
    for tap in range(max(0, taps - 1 - step), taps):
        x = load(inputs.x_BLD, (sequence, step + tap - taps + 1, d))
        value = fma(x, load(inputs.weight_KD, (tap, d)), value)
    return value


@inner
def _deactivate(inputs: Inputs, out_BLD: Array, inner_L: Array, at: tuple[int, int]) -> None:
    """Write the gradients before SiLU of a sequence's vector."""
    sequence, d = at
    for step in range(inputs.x_BLD.shape[1]):
        value = _convolve(inputs, sequence, step, d)
        s = sigmoid(value)
        # The derivative of SiLU: s (1 + v (1 - s)), s = sigmoid(v).
        store(inner_L, (step * WIDTH,), load(out_BLD, (sequence, step, d)) * s * (1.0 + value * (1.0 - s)))


@inner
def _add_to_weights(inputs: Inputs, inner_L: Array, gradients: Gradients, at: tuple[int, int, int]) -> None:
    group, sequence, d = at
    taps, steps = inputs.weight_KD.shape[0], inputs.x_BLD.shape[1]
    for tap in range(taps):
        total = load(gradients.weight_GKD, (group, tap, d))
        for step in range(taps - 1 - tap, steps):
            x = load(inputs.x_BLD, (sequence, step + tap - taps + 1, d))
            total = fma(load(inner_L, (step * WIDTH,)), x, total)
        store(gradients.weight_GKD, (group, tap, d), total)
    total = load(gradients.bias_GD, (group, d))
    for step in range(steps):
        total += load(inner_L, (step * WIDTH,))
    store(gradients.bias_GD, (group, d), total)


@inner
def _convolve_back(inputs: Inputs, inner_L: Array, to_x_BLD: Array, at: tuple[int, int]) -> None:
    """Write the gradients of the input: each step meets those that saw it."""
    sequence, d = at
    taps, steps = inputs.weight_KD.shape[0], to_x_BLD.shape[1]
    for step in range(steps):
        value = load(inner_L, (step * WIDTH,)) * load(inputs.weight_KD, (taps - 1, d))
        for later in range(1, min(taps, steps - step)):
            seen = load(inner_L, ((step + later) * WIDTH,))
            value = fma(seen, load(inputs.weight_KD, (taps - 1 - later, d)), value)
        store(to_x_BLD, (sequence, step, d), value)
