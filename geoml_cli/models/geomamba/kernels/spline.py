"""Cubic B-splines on the KAN grid: their values laid out for a matrix product, and the way back.

In a cell the four bases that are not zero are the pieces of the cardinal cubic B-spline at the local coordinate u in
[0, 1): u^3/6, (1 + 3u + 3u^2 - 3u^3)/6, (4 - 6u^2 + 3u^3)/6, (1 - u)^3/6, from the newest basis to the oldest.

Legend: R rows, I inputs, J SiLU of all inputs, then the bases of all inputs (8 each), P 8 bases and 3 places of zeros
on either side.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from geoml_cli.models.geomamba.kernels.arrays import Array
from geoml_cli.models.geomamba.kernels.compiled import entry, inner
from geoml_cli.models.geomamba.kernels.elementary import sigmoid

BASES = 8
EDGE = 3
"""Bases that reach beyond a cell on either side."""


class Grid(NamedTuple):
    """Knots.

    Attributes:
        knots: All 12, ascending.
        inverse: One over the width of each of the 11 cells.
    """

    knots: Array
    inverse: Array


class Place(NamedTuple):
    """Where an input lies: its cell (-1 outside), and the local coordinate."""

    cell: int
    u: float


@entry
def expand(x_RI: Array, grid: Grid, out_RJ: Array, first: int, last: int) -> None:
    """Write SiLU and the bases of some rows, [R, J]."""
    inputs = x_RI.shape[1]
    for row in range(first, last):
        _activate(x_RI[row], out_RJ[row, :inputs])
        _bases(x_RI[row], grid, out_RJ[row, inputs:])


@entry
def contract(x_RI: Array, grid: Grid, slopes: tuple[Array, Array], first: int, last: int) -> None:
    """Write the gradient of the input [R, I] from that of SiLU and the bases [R, J]."""
    (to_x_RI, to_out_RJ), inputs = slopes, x_RI.shape[1]
    for row in range(first, last):
        _deactivate(x_RI[row], to_out_RJ[row, :inputs], to_x_RI[row])
        _unbase(x_RI[row], grid, to_out_RJ[row, inputs:], to_x_RI[row])


@inner
def _activate(x_I: Array, out_I: Array) -> None:
    for i in range(x_I.shape[0]):
        out_I[i] = x_I[i] * sigmoid(x_I[i])


@inner
def _deactivate(x_I: Array, to_out_I: Array, to_x_I: Array) -> None:
    kind: Any = x_I.dtype.type
    for i in range(x_I.shape[0]):
        s = sigmoid(x_I[i])
        to_x_I[i] = to_out_I[i] * s * (kind(1) + x_I[i] * (kind(1) - s))


@inner
def place(x: float, grid: Grid) -> Place:
    """Find the cell t_i <= x < t_{i+1}; arithmetic alone may err by one beside a knot, so the knots decide."""
    kind: Any = grid.knots.dtype.type
    knots = grid.knots
    if not (x >= knots[0] and x < knots[-1]):
        return Place(-1, kind(0))
    cell = min(int((x - knots[0]) * grid.inverse[0]), knots.shape[0] - 2)
    if x < knots[cell]:
        cell -= 1
    elif x >= knots[cell + 1]:
        cell += 1
    return Place(cell, (x - knots[cell]) * grid.inverse[cell])


@inner
def values_at(u: float) -> tuple[float, float, float, float]:
    """Return the four bases, oldest first."""
    kind: Any = type(u)
    v = kind(1) - u
    sixth = kind(1 / 6)
    u2, v2 = u * u, v * v
    return (
        v2 * v * sixth,
        (kind(4) + u2 * (kind(3) * u - kind(6))) * sixth,
        (kind(4) + v2 * (kind(3) * v - kind(6))) * sixth,
        u2 * u * sixth,
    )


@inner
def slopes_at(u: float) -> tuple[float, float, float, float]:
    """Return the derivatives of the four bases in u, oldest first."""
    kind: Any = type(u)
    v = kind(1) - u
    half = kind(0.5)
    return (
        -v * v * half,
        u * (kind(3) * u - kind(4)) * half,
        -v * (kind(3) * v - kind(4)) * half,
        u * u * half,
    )


@inner
def _bases(x_I: Array, grid: Grid, basis_J: Array) -> None:
    basis_J[:] = 0
    for i in range(x_I.shape[0]):
        cell, u = place(x_I[i], grid)
        if cell < 0:
            if x_I[i] != x_I[i]:
                basis_J[BASES * i : BASES * (i + 1)] = x_I[i]
            continue
        values = values_at(u)
        for k in range(max(0, EDGE - cell), min(EDGE + 1, BASES + EDGE - cell)):
            basis_J[BASES * i + cell - EDGE + k] = values[k]


@inner
def _unbase(x_I: Array, grid: Grid, to_basis_J: Array, to_x_I: Array) -> None:
    for i in range(x_I.shape[0]):
        cell, u = place(x_I[i], grid)
        if cell < 0:
            continue
        slopes, total = slopes_at(u), x_I.dtype.type(0)
        for k in range(max(0, EDGE - cell), min(EDGE + 1, BASES + EDGE - cell)):
            total += slopes[k] * to_basis_J[BASES * i + cell - EDGE + k]
        to_x_I[i] += total * grid.inverse[cell]
