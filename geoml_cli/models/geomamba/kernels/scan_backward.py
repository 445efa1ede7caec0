"""Gradients of the selective scan, on a tile of channels of some sequences.

Span by span from the last, vector by vector, state by state: the state is computed again from the one kept before the
span, then the steps are gone through from the last. What is worked on are a few rows of one vector each.

Legend: as in `scan`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from geoml_cli.models.geomamba.kernels.arrays import Array, Piece
from geoml_cli.models.geomamba.kernels.compiled import entry, inner
from geoml_cli.models.geomamba.kernels.elementary import LOG2E, exp2, sigmoid
from geoml_cli.models.geomamba.kernels.lanes import WIDTH, fma, load, spread, store, total, workspace
from geoml_cli.models.geomamba.kernels.scan import DRIVE, DT, OUT, ROWS, SPAN, Inputs, Place, at_row, prepare


class Gradients(NamedTuple):
    """What the backward pass writes; sums over tiles and groups are left to the caller, who does them in order."""

    x_BLD: Array
    u_BLD: Array
    z_BLD: Array
    b_TBLN: Array
    c_TBLN: Array
    a_GND: Array
    d_GD: Array


INNER, TO_DRIVE, TO_DT, STATE, DECAY = 3, 4, 5, 6, 7
"""Rows of a step in addition to the forward pass's: the gradients before the gate, of dt x, and of dt by way of the
decay; the state before the step, and exp(dt A), of one state at a time."""


class Memory(NamedTuple):
    """Working memory of the backward pass.

    Attributes:
        rows: Rows of each step of a span.
        carry_ND: Gradient of the state that comes from later steps.
        sums: Gradients of B and C for every state and step, not yet summed over lanes.
    """

    rows: Array
    carry_ND: Array
    sums: Array


class Task(NamedTuple):
    """What a piece of the backward pass reads and writes; `out_BLD` is the gradient of the output."""

    inputs: Inputs
    kept_BSND: Array
    out_BLD: Array
    gradients: Gradients
    memory: Memory


@entry
def backward(inputs: Inputs, kept_BSND: Array, out_BLD: Array, gradients: Gradients, piece: Piece) -> None:
    """Write a piece's gradients; those of A and D are added to."""
    states, steps = inputs.a_ND.shape[0], inputs.x_BLD.shape[1]
    length = max(SPAN, states)
    memory = Memory(
        workspace(ROWS * length, inputs.a_ND),
        workspace(inputs.a_ND.size // WIDTH, inputs.a_ND).reshape(inputs.a_ND.shape),
        workspace(2 * states * length, inputs.a_ND),
    )
    task = Task(inputs, kept_BSND, out_BLD, gradients, memory)
    for sequence in range(piece.first, piece.last):
        memory.carry_ND[:] = 0
        for span in range((steps - 1) // length, -1, -1):
            memory.sums[:] = 0
            first, last = span * length, min(span * length + length, steps)
            for d in range(piece.low, piece.high, WIDTH):
                _take_back(task, Place(sequence, first, last, d), piece.group)
            # After all vectors of the span, since sums across lanes are slow: one for each step and state is enough.
            _sum_lanes(task, Place(sequence, first, last, 0), piece.tile)


@inner
def _at_sum(memory: Memory, n: int, k: int, matrix: int) -> tuple[int]:
    """Return where the sum of B (0) or C (1) is."""
    length = memory.rows.size // (ROWS * WIDTH)
    return (((n * length + k) * 2 + matrix) * WIDTH,)


@inner
def _take_back(task: Task, place: Place, group: int) -> None:
    """Write the gradients of a span's vector."""
    inputs, memory = task.inputs, task.memory
    length = memory.rows.size // (ROWS * WIDTH)
    prepare(inputs, place, memory.rows)
    _ungate(task, place)
    for n in range(inputs.a_ND.shape[0]):
        # Zeros as a vector: compiled code needs one type in both cases.
        state = load(memory.carry_ND, (n, place.d)) * 0.0
        span = place.first // length
        if span > 0:
            state = load(task.kept_BSND, (place.sequence, span - 1, n, place.d))
        _recompute(task, place, n, state)
        _sweep(task, place, n, group)
    _collect(task, place, group)


@inner
def _ungate(task: Task, place: Place) -> None:
    """Turn the gradient of the output into that of what the gate multiplies."""
    memory, zero = task.memory, load(task.inputs.d_D, (place.d,)) * 0.0
    for k in range(place.last - place.first):
        at = (place.sequence, place.first + k, place.d)
        z = load(task.inputs.z_BLD, at)
        store(memory.rows, at_row(k, INNER), load(task.out_BLD, at) * z * sigmoid(z))
        store(memory.rows, at_row(k, TO_DRIVE), zero)
        store(memory.rows, at_row(k, TO_DT), zero)


@inner
def _recompute(task: Task, place: Place, n: int, state: Any) -> None:  # noqa: ANN401
    """Fill in one state and its decays; add to outputs, and to the gradient of C."""
    inputs, memory, rows = task.inputs, task.memory, task.memory.rows
    a = load(inputs.a_ND, (n, place.d))
    for k in range(place.last - place.first):
        at = (place.sequence, place.first + k, n)
        decay = exp2(load(rows, at_row(k, DT)) * a)
        store(memory.rows, at_row(k, STATE), state)
        store(memory.rows, at_row(k, DECAY), decay)
        state = fma(decay, state, load(rows, at_row(k, DRIVE)) * spread(inputs.b_BLN, at))
        store(rows, at_row(k, OUT), fma(state, spread(inputs.c_BLN, at), load(rows, at_row(k, OUT))))
        sums = load(memory.sums, _at_sum(memory, n, k, 1))
        store(memory.sums, _at_sum(memory, n, k, 1), fma(state, load(memory.rows, at_row(k, INNER)), sums))


@inner
def _sweep(task: Task, place: Place, n: int, group: int) -> None:
    """Take one state back through the span."""
    inputs, memory, to_a_GND = task.inputs, task.memory, task.gradients.a_GND
    a, to_a = load(inputs.a_ND, (n, place.d)), load(to_a_GND, (group, n, place.d))
    carry = load(memory.carry_ND, (n, place.d))
    for k in range(place.last - place.first - 1, -1, -1):
        at = (place.sequence, place.first + k, n)
        # dL/dh_t = C_t dL/dy_t + exp(dt_{t+1} A) dL/dh_{t+1}, the second of which is `carry`.
        to_state = fma(load(memory.rows, at_row(k, INNER)), spread(inputs.c_BLN, at), carry)
        sums = load(memory.sums, _at_sum(memory, n, k, 0))
        store(memory.sums, _at_sum(memory, n, k, 0), fma(to_state, load(memory.rows, at_row(k, DRIVE)), sums))
        to_drive = load(memory.rows, at_row(k, TO_DRIVE))
        store(memory.rows, at_row(k, TO_DRIVE), fma(to_state, spread(inputs.b_BLN, at), to_drive))
        carry = to_state * load(memory.rows, at_row(k, DECAY))
        # dL/d(dt A) = dL/dh_t exp(dt A) h_{t-1}. `a` is A log2(e), of which `_collect` takes the factor back.
        to_decay = carry * load(memory.rows, at_row(k, STATE))
        to_a = fma(to_decay, load(memory.rows, at_row(k, DT)), to_a)
        store(memory.rows, at_row(k, TO_DT), fma(to_decay, a, load(memory.rows, at_row(k, TO_DT))))
    store(memory.carry_ND, (n, place.d), carry)
    store(to_a_GND, (group, n, place.d), to_a)


@inner
def _collect(task: Task, place: Place, group: int) -> None:
    """Write the gradients of x, u and z, and add to that of D."""
    inputs, gradients, memory = task.inputs, task.gradients, task.memory
    skip, to_skip = load(inputs.d_D, (place.d,)), load(gradients.d_GD, (group, place.d))
    for k in range(place.last - place.first):
        at = (place.sequence, place.first + k, place.d)
        x, z, inner = load(inputs.x_BLD, at), load(inputs.z_BLD, at), load(memory.rows, at_row(k, INNER))
        to_drive, open_z = load(memory.rows, at_row(k, TO_DRIVE)), sigmoid(z)
        store(gradients.x_BLD, at, to_drive * load(memory.rows, at_row(k, DT)) + inner * skip)
        to_dt = to_drive * x + load(memory.rows, at_row(k, TO_DT)) * (1 / LOG2E)
        # The derivative of softplus is the logistic function.
        store(gradients.u_BLD, at, to_dt * sigmoid(load(inputs.u_BLD, at)))
        # That of SiLU: s (1 + z (1 - s)), s = sigmoid(z).
        slope = open_z * (1.0 + z * (1.0 - open_z))
        store(gradients.z_BLD, at, load(task.out_BLD, at) * load(memory.rows, at_row(k, OUT)) * slope)
        to_skip = fma(inner, x, to_skip)
    store(gradients.d_GD, (group, place.d), to_skip)


@inner
def _sum_lanes(task: Task, place: Place, tile: int) -> None:
    """Write the gradients of B and C of a span."""
    memory, gradients = task.memory, task.gradients
    for k in range(place.last - place.first):
        for n in range(task.inputs.a_ND.shape[0]):
            at = (tile, place.sequence, place.first + k, n)
            gradients.b_TBLN[at] = total(load(memory.sums, _at_sum(memory, n, k, 0)))
            gradients.c_TBLN[at] = total(load(memory.sums, _at_sum(memory, n, k, 1)))
