"""Gradients of the selective scan, on a tile of channels of some sequences.

The states of a span of steps are computed again from the one kept before it, then the span is gone through from its
end. All that is worked on stays in the processor's cache.

Legend: as in `scan`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geoml_cli.models.geomamba.kernels.arrays import Array, Piece
from geoml_cli.models.geomamba.kernels.compiled import LOG2E, entry, exp2, inner, summing
from geoml_cli.models.geomamba.kernels.scan import SPAN, Inputs, Row, product, row_at


class Gradients(NamedTuple):
    """What the backward pass writes; sums over tiles and groups are left to the caller, who does them in order."""

    x_BLD: Array
    dt_BLD: Array
    z_BLD: Array
    b_TBLN: Array
    c_TBLN: Array
    a_GND: Array
    d_GD: Array


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


@entry
def backward(inputs: Inputs, kept_BSND: Array, out_BLD: Array, gradients: Gradients, piece: Piece) -> None:
    """Write a piece's gradients; that of D is added to."""
    low, high = piece.low, piece.high
    a_NW, d_W = inputs.a_ND[:, low:high].copy(), inputs.d_D[low:high]
    memory = _memory(a_NW)
    task = Task(inputs, out_BLD, gradients, memory, piece, a_NW, d_W)
    steps, length = inputs.x_BLD.shape[1], max(SPAN, a_NW.shape[0])
    for sequence in range(piece.first, piece.last):
        memory.carry_NW[:] = 0
        for span in range((steps - 1) // length, -1, -1):
            memory.states_KNW[0] = 0
            if span > 0:
                memory.states_KNW[0] = kept_BSND[sequence, span - 1, :, low:high]
            first, last = span * length, min(span * length + length, steps)
            _recompute(task, sequence, first, last)
            _sweep(task, sequence, first, last)
    gradients.a_GND[piece.group, :, low:high] = memory.to_a_NW


@inner
def _memory(a_NW: Array) -> Memory:
    states, width = a_NW.shape
    length = max(SPAN, states)
    return Memory(
        np.empty((length + 1, states, width), a_NW.dtype),
        np.empty((length, states, width), a_NW.dtype),
        np.empty((length, width), a_NW.dtype),
        np.empty((states, width), a_NW.dtype),
        np.zeros((states, width), a_NW.dtype),
        np.empty((4, width), a_NW.dtype),
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
def _recompute(task: Task, sequence: int, first: int, last: int) -> None:
    """Fill in states, decays and outputs of a span."""
    memory = task.memory
    for step in range(first, last):
        row = row_at(task.inputs, sequence, step, task.piece)
        k = step - first
        product(row.x_W, row.dt_W, memory.sums_JW[1])
        product(row.x_W, task.d_W, memory.outs_KW[k])
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
        row = row_at(task.inputs, sequence, step, piece)
        slope = _slope(task.gradients, sequence, step, piece)
        memory.sums_JW[2:] = 0
        _ungate(task.out_BLD[sequence, step, piece.low : piece.high], row, slope, memory, step - first)
        product(row.x_W, row.dt_W, memory.sums_JW[1])
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
