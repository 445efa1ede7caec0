"""Selective scan, forward and backward, on a tile of channels of some sequences.

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
from numpy.typing import NDArray

from geoml_cli.models.geomamba.kernels.compiled import LOG2E, entry, exp2, inner, summing

Array = NDArray[np.float32] | NDArray[np.float64]

SPAN = 16
"""Steps between kept states: with the usual N of 16 they take as much memory as one input."""


class Inputs(NamedTuple):
    """What the scan reads; the last axis of each is contiguous.

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


class Gradients(NamedTuple):
    """What the backward pass writes; sums over tiles and groups are left to the caller, who does them in order."""

    x_BLD: Array
    dt_BLD: Array
    z_BLD: Array
    b_TBLN: Array
    c_TBLN: Array
    a_GND: Array
    d_GD: Array


class Piece(NamedTuple):
    """One thread's work: sequences `first` to `last` of group `group`, channels `low` to `high` of tile `tile`."""

    group: int
    first: int
    last: int
    tile: int
    low: int
    high: int


class Memory(NamedTuple):
    """Working memory of the backward pass.

    Attributes:
        states_KNW: State after each step of a span; place 0 holds the one before it.
        decays_KNW: exp(dt A) of each step.
        outs_KW: C h + D x of each step.
        carry_NW: Gradient of the state that comes from later steps.
        to_a_NW: Gradient of A, summed over steps and sequences.
        sums_JW: Gradient before the gate, dt x, and its gradient, and that of dt by way of the decay.
    """

    states_KNW: Array
    decays_KNW: Array
    outs_KW: Array
    carry_NW: Array
    to_a_NW: Array
    sums_JW: Array


class Task(NamedTuple):
    """A piece of the backward pass; `out_BLD` is the gradient of the output, `a_NW` and `d_W` are the piece's own."""

    inputs: Inputs
    out_BLD: Array
    gradients: Gradients
    memory: Memory
    piece: Piece
    a_NW: Array
    d_W: Array


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
    for sequence in range(piece.first, piece.last):
        state_NW[:] = 0
        for step in range(inputs.x_BLD.shape[1]):
            span = step // SPAN
            if step % SPAN == 0 and 0 < span <= kept_BSND.shape[1]:
                kept_BSND[sequence, span - 1, :, low:high] = state_NW
            row = _row(inputs, sequence, step, piece)
            out_W = out_BLD[sequence, step, low:high]
            _product(row.x_W, row.dt_W, drive_W)
            _product(row.x_W, d_W, out_W)
            _advance(state_NW, a_NW, (row.dt_W, drive_W, out_W), (row.b_N, row.c_N))
            _gate(out_W, row.z_W)


@entry
def backward(inputs: Inputs, kept_BSND: Array, out_BLD: Array, gradients: Gradients, piece: Piece) -> None:
    """Write a piece's gradients; that of D is added to."""
    low, high = piece.low, piece.high
    a_NW, d_W = inputs.a_ND[:, low:high].copy(), inputs.d_D[low:high]
    memory = _memory(a_NW)
    task = Task(inputs, out_BLD, gradients, memory, piece, a_NW, d_W)
    steps = inputs.x_BLD.shape[1]
    for sequence in range(piece.first, piece.last):
        memory.carry_NW[:] = 0
        for span in range((steps - 1) // SPAN, -1, -1):
            memory.states_KNW[0] = 0
            if span > 0:
                memory.states_KNW[0] = kept_BSND[sequence, span - 1, :, low:high]
            first, last = span * SPAN, min(span * SPAN + SPAN, steps)
            _recompute(task, sequence, first, last)
            _sweep(task, sequence, first, last)
    gradients.a_GND[piece.group, :, low:high] = memory.to_a_NW


@inner
def _memory(a_NW: Array) -> Memory:
    states, width = a_NW.shape
    return Memory(
        np.empty((SPAN + 1, states, width), a_NW.dtype),
        np.empty((SPAN, states, width), a_NW.dtype),
        np.empty((SPAN, width), a_NW.dtype),
        np.empty((states, width), a_NW.dtype),
        np.zeros((states, width), a_NW.dtype),
        np.empty((4, width), a_NW.dtype),
    )


@inner
def _row(inputs: Inputs, sequence: int, step: int, piece: Piece) -> Row:
    return Row(
        inputs.x_BLD[sequence, step, piece.low : piece.high],
        inputs.dt_BLD[sequence, step, piece.low : piece.high],
        inputs.z_BLD[sequence, step, piece.low : piece.high],
        inputs.b_BLN[sequence, step],
        inputs.c_BLN[sequence, step],
    )


@inner
def _slope(gradients: Gradients, sequence: int, step: int, piece: Piece) -> Row:
    return Row(
        gradients.x_BLD[sequence, step, piece.low : piece.high],
        gradients.dt_BLD[sequence, step, piece.low : piece.high],
        gradients.z_BLD[sequence, step, piece.low : piece.high],
        gradients.b_TBLN[piece.tile, sequence, step],
        gradients.c_TBLN[piece.tile, sequence, step],
    )


@inner
def _product(left_W: Array, right_W: Array, out_W: Array) -> None:
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


@inner
def _recompute(task: Task, sequence: int, first: int, last: int) -> None:
    """Fill in states, decays and outputs of a span."""
    memory = task.memory
    for step in range(first, last):
        row = _row(task.inputs, sequence, step, task.piece)
        k = step - first
        _product(row.x_W, row.dt_W, memory.sums_JW[1])
        _product(row.x_W, task.d_W, memory.outs_KW[k])
        rows = (row.dt_W, memory.sums_JW[1], memory.outs_KW[k])
        _advance_and_keep(memory, k, task.a_NW, rows, (row.b_N, row.c_N))


@inner
def _advance_and_keep(
    memory: Memory, k: int, a_NW: Array, rows: tuple[Array, Array, Array], matrices: tuple[Array, Array]
) -> None:
    dt_W, drive_W, out_W = rows
    before_NW, after_NW, decays_NW = memory.states_KNW[k], memory.states_KNW[k + 1], memory.decays_KNW[k]
    for n in range(a_NW.shape[0]):
        b, c = matrices[0][n], matrices[1][n]
        for w in range(a_NW.shape[1]):
            decay = exp2(dt_W[w] * a_NW[n, w])
            state = decay * before_NW[n, w] + drive_W[w] * b
            decays_NW[n, w] = decay
            after_NW[n, w] = state
            out_W[w] += state * c


@inner
def _sweep(task: Task, sequence: int, first: int, last: int) -> None:
    """Go through a span from its end, writing gradients."""
    memory, piece = task.memory, task.piece
    to_d_W = task.gradients.d_GD[piece.group, piece.low : piece.high]
    for step in range(last - 1, first - 1, -1):
        row = _row(task.inputs, sequence, step, piece)
        slope = _slope(task.gradients, sequence, step, piece)
        memory.sums_JW[2:] = 0
        _ungate(task.out_BLD[sequence, step, piece.low : piece.high], row, slope, memory, step - first)
        _product(row.x_W, row.dt_W, memory.sums_JW[1])
        _unstep(memory, step - first, row, slope, task.a_NW)
        _collect(row, slope, memory, task.d_W, to_d_W)


@inner
def _ungate(out_W: Array, row: Row, slope: Row, memory: Memory, k: int) -> None:
    """Turn the gradient of the output into those of the gate and of what it multiplies."""
    kind = out_W.dtype.type
    outs_W, inner_W = memory.outs_KW[k], memory.sums_JW[0]
    for w in range(out_W.shape[0]):
        z = row.z_W[w]
        s = kind(1) / (kind(1) + exp2(z * kind(-LOG2E)))
        inner_W[w] = out_W[w] * z * s
        slope.z_W[w] = out_W[w] * outs_W[w] * s * (kind(1) + z * (kind(1) - s))


@summing
def _unstep(memory: Memory, k: int, row: Row, slope: Row, a_NW: Array) -> None:
    """Take a step back through its states.

    Three loops over channels: of more arrays than each of them has, the compiler does not prove that they lie apart,
    and it would go lane by lane. Whole arrays, no parts of them: taking a part costs as much as ten lanes of work.
    """
    sums_JW, carry_NW, decays_KNW, states_KNW = memory.sums_JW, memory.carry_NW, memory.decays_KNW, memory.states_KNW
    b_N, c_N, dt_W, to_b_N, to_c_N, to_a_NW = row.b_N, row.c_N, row.dt_W, slope.b_N, slope.c_N, memory.to_a_NW
    for n in range(a_NW.shape[0]):
        b, c = b_N[n], c_N[n]
        to_b = to_c = dt_W.dtype.type(0)
        for w in range(a_NW.shape[1]):
            to_state = carry_NW[n, w] + sums_JW[0, w] * c
            to_b += to_state * sums_JW[1, w]
            sums_JW[2, w] += to_state * b
            carry_NW[n, w] = to_state * decays_KNW[k, n, w]
        for w in range(a_NW.shape[1]):
            to_c += sums_JW[0, w] * states_KNW[k + 1, n, w]
            to_a_NW[n, w] += carry_NW[n, w] * states_KNW[k, n, w] * dt_W[w]
        for w in range(a_NW.shape[1]):
            sums_JW[3, w] += carry_NW[n, w] * states_KNW[k, n, w] * a_NW[n, w]
        to_b_N[n], to_c_N[n] = to_b, to_c


@inner
def _collect(row: Row, slope: Row, memory: Memory, d_W: Array, to_d_W: Array) -> None:
    """Write the gradients of x and dt, and add to that of D."""
    kind = d_W.dtype.type
    inner_W, to_drive_W, to_dt_W = memory.sums_JW[0], memory.sums_JW[2], memory.sums_JW[3]
    for w in range(d_W.shape[0]):
        slope.x_W[w] = to_drive_W[w] * row.dt_W[w] + inner_W[w] * d_W[w]
        slope.dt_W[w] = to_drive_W[w] * row.x_W[w] + to_dt_W[w] * kind(1 / LOG2E)
        to_d_W[w] += inner_W[w] * row.x_W[w]
