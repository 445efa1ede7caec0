"""Selective scan on a tile of channels of some sequences; `scan_backward` is the way back.

    dt_t = softplus(u_t)        h_t = exp(dt_t A) h_{t-1} + dt_t x_t B_t        out_t = (C_t h_t + D x_t) SiLU(z_t)

Vectors run over channels, and the steps of a span are gone through state by state, so a state stays in a register and
no sum runs across lanes but those of the gradients of B and C. The forward pass keeps the state once a span; the
backward pass computes the states within a span again from there, so no array of size B L D N ever exists.

Source: Gu & Dao 2023, arXiv:2312.00752, equation 2 and section 3.3.2 (recomputation).

Legend: B batch, L steps, D channels (a multiple of V), N state, W channels of a tile, T tiles, G groups of sequences,
S spans, K steps of a span, V lanes of a vector.
"""

from __future__ import annotations

from typing import NamedTuple

from geoml_cli.models.geomamba.kernels.arrays import Array, Piece
from geoml_cli.models.geomamba.kernels.compiled import entry, inner
from geoml_cli.models.geomamba.kernels.elementary import exp2, sigmoid, softplus
from geoml_cli.models.geomamba.kernels.lanes import WIDTH, fma, load, spread, store, workspace

SPAN = 16
"""Fewest steps between kept states; or as many as there are states, so that they never take more than one input."""


class Inputs(NamedTuple):
    """What the scan reads, each contiguous.

    Attributes:
        x_BLD: Input.
        u_BLD: Time step, before softplus.
        z_BLD: Gate.
        b_BLN: Input matrix.
        c_BLN: Output matrix.
        a_ND: A log2(e), transposed: powers of two are quicker.
        d_D: Skip weight.
    """

    x_BLD: Array
    u_BLD: Array
    z_BLD: Array
    b_BLN: Array
    c_BLN: Array
    a_ND: Array
    d_D: Array


class Place(NamedTuple):
    """Steps `first` to `last` of a sequence, and the vector that starts at channel `d`."""

    sequence: int
    first: int
    last: int
    d: int


DT, DRIVE, OUT, ROWS = 0, 1, 2, 8
"""Rows of a step in the working memory: the time step, dt x, and C h + D x; the backward pass has more."""


@entry
def forward(inputs: Inputs, out_BLD: Array, kept_BSND: Array, piece: Piece) -> None:
    """Write outputs and, where room is given, the state before every span but the first."""
    state_ND = workspace(inputs.a_ND.size // WIDTH, inputs.a_ND).reshape(inputs.a_ND.shape)
    length, steps = max(SPAN, state_ND.shape[0]), inputs.x_BLD.shape[1]
    rows = workspace(ROWS * length, inputs.a_ND)
    for sequence in range(piece.first, piece.last):
        state_ND[:] = 0
        for first in range(0, steps, length):
            span = first // length
            # The state that the span begins with; the first span begins with zeros.
            if 0 < span <= kept_BSND.shape[1]:
                kept_BSND[sequence, span - 1, :, piece.low : piece.high] = state_ND[:, piece.low : piece.high]
            for d in range(piece.low, piece.high, WIDTH):
                place = Place(sequence, first, min(first + length, steps), d)
                prepare(inputs, place, rows)
                _advance(inputs, place, rows, state_ND)
                _gate(inputs, place, rows, out_BLD)


@inner
def at_row(k: int, row: int) -> tuple[int]:
    """Return where a row of a step is."""
    return ((k * ROWS + row) * WIDTH,)


@inner
def prepare(inputs: Inputs, place: Place, rows: Array) -> None:
    """Fill in time steps and dt x, and start the outputs with D x."""
    skip = load(inputs.d_D, (place.d,))
    for k in range(place.last - place.first):
        at = (place.sequence, place.first + k, place.d)
        x, dt = load(inputs.x_BLD, at), softplus(load(inputs.u_BLD, at))
        store(rows, at_row(k, DT), dt)
        store(rows, at_row(k, DRIVE), dt * x)
        store(rows, at_row(k, OUT), skip * x)


@inner
def _advance(inputs: Inputs, place: Place, rows: Array, state_ND: Array) -> None:
    """Take every state through the span, and add what it puts out."""
    sequence, first, last, d = place
    for n in range(state_ND.shape[0]):
        a, state = load(inputs.a_ND, (n, d)), load(state_ND, (n, d))
        for k in range(last - first):
            at = (sequence, first + k, n)
            # h_t = 2^(dt a) h_{t-1} + (dt x) B, where a = A log2(e).
            driven = load(rows, at_row(k, DRIVE)) * spread(inputs.b_BLN, at)
            state = fma(exp2(load(rows, at_row(k, DT)) * a), state, driven)
            store(rows, at_row(k, OUT), fma(state, spread(inputs.c_BLN, at), load(rows, at_row(k, OUT))))
        store(state_ND, (n, d), state)


@inner
def _gate(inputs: Inputs, place: Place, rows: Array, out_BLD: Array) -> None:
    """Write the outputs, multiplied by SiLU(z)."""
    for k in range(place.last - place.first):
        at = (place.sequence, place.first + k, place.d)
        z = load(inputs.z_BLD, at)
        store(out_BLD, at, load(rows, at_row(k, OUT)) * z * sigmoid(z))
