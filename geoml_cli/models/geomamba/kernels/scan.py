"""Selective scan on a tile of channels of some sequences; `scan_backward` is the way back.

    h_t = exp(dt_t A) h_{t-1} + dt_t x_t B_t        out_t = (C_t h_t + D x_t) SiLU(z_t)

Lanes of the processor's vectors run over channels, so a tile's state [N, W] stays in the nearest cache and no sum
runs across lanes but those of the gradients of B and C. The forward pass keeps the state once every `SPAN` steps;
the backward pass computes the states of a span again from there, so no array of size B L D N ever exists.

Source: Gu & Dao 2023, arXiv:2312.00752, equation 2 and section 3.3.2 (recomputation).

Legend: B batch, L steps, D channels, N state, W channels of a tile, T tiles, G groups of sequences, S spans, K steps
of a span.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geoml_cli.models.geomamba.kernels.arrays import Array, Piece
from geoml_cli.models.geomamba.kernels.compiled import LOG2E, entry, exp2, inner

SPAN = 16
"""Fewest steps between kept states; or as many as there are states, so that they never take more than one input."""


class Inputs(NamedTuple):
    """What the scan reads, each contiguous.

    Attributes:
        x_BLD: Input.
        dt_BLD: Time step, after softplus.
        z_BLD: Gate.
        b_BLN: Input matrix.
        c_BLN: Output matrix.
        a_ND: A log2(e), transposed: powers of two are quicker.
        d_D: Skip weight.
    """

    x_BLD: Array
    dt_BLD: Array
    z_BLD: Array
    b_BLN: Array
    c_BLN: Array
    a_ND: Array
    d_D: Array


class Row(NamedTuple):
    """Inputs of a step, or their gradients."""

    x_W: Array
    dt_W: Array
    z_W: Array
    b_N: Array
    c_N: Array


@entry
def forward(inputs: Inputs, out_BLD: Array, kept_BSND: Array, piece: Piece) -> None:
    """Write outputs and, where room is given, the state before every span but the first."""
    low, high = piece.low, piece.high
    a_NW, d_W = inputs.a_ND[:, low:high].copy(), inputs.d_D[low:high]
    state_NW, drive_W = np.empty_like(a_NW), np.empty_like(d_W)
    length = max(SPAN, a_NW.shape[0])
    for sequence in range(piece.first, piece.last):
        state_NW[:] = 0
        for step in range(inputs.x_BLD.shape[1]):
            span = step // length
            if step % length == 0 and 0 < span <= kept_BSND.shape[1]:
                kept_BSND[sequence, span - 1, :, low:high] = state_NW
            row = row_at(inputs, sequence, step, piece)
            out_W = out_BLD[sequence, step, low:high]
            product(row.x_W, row.dt_W, drive_W)
            product(row.x_W, d_W, out_W)
            _advance(state_NW, a_NW, (row.dt_W, drive_W, out_W), (row.b_N, row.c_N))
            _gate(out_W, row.z_W)


@inner
def row_at(inputs: Inputs, sequence: int, step: int, piece: Piece) -> Row:
    """Return a step's inputs."""
    return Row(
        inputs.x_BLD[sequence, step, piece.low : piece.high],
        inputs.dt_BLD[sequence, step, piece.low : piece.high],
        inputs.z_BLD[sequence, step, piece.low : piece.high],
        inputs.b_BLN[sequence, step],
        inputs.c_BLN[sequence, step],
    )


@inner
def product(left_W: Array, right_W: Array, out_W: Array) -> None:
    """Multiply lane by lane."""
    for w in range(out_W.shape[0]):
        out_W[w] = left_W[w] * right_W[w]


@inner
def _advance(state_NW: Array, a_NW: Array, rows: tuple[Array, Array, Array], matrices: tuple[Array, Array]) -> None:
    """Step the state on, and add what it puts out."""
    dt_W, drive_W, out_W = rows
    for n in range(state_NW.shape[0]):
        b, c = matrices[0][n], matrices[1][n]
        for w in range(state_NW.shape[1]):
            state = exp2(dt_W[w] * a_NW[n, w]) * state_NW[n, w] + drive_W[w] * b
            state_NW[n, w] = state
            out_W[w] += state * c


@inner
def _gate(out_W: Array, z_W: Array) -> None:
    """Multiply by SiLU(z)."""
    kind = out_W.dtype.type
    for w in range(out_W.shape[0]):
        out_W[w] *= z_W[w] / (kind(1) + exp2(z_W[w] * kind(-LOG2E)))
