"""Cubic B-splines on the KAN grid: their values laid out for a matrix product, and the way back.

In a cell the four bases that are not zero are the pieces of the cardinal cubic B-spline at the local coordinate u in
[0, 1): u^3/6, (1 + 3u + 3u^2 - 3u^3)/6, (4 - 6u^2 + 3u^3)/6, (1 - u)^3/6, from the newest basis to the oldest.

Vectors run over inputs. What is left of a row after whole vectors goes by way of a vector's memory.

Legend: R rows, I inputs, J SiLU of all inputs, then their first basis, their second, up to the eighth.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from geoml_cli.models.geomamba.kernels.arrays import Array
from geoml_cli.models.geomamba.kernels.compiled import entry, inner
from geoml_cli.models.geomamba.kernels.elementary import sigmoid
from geoml_cli.models.geomamba.kernels.lanes import WIDTH, fma, load, spread, store, where_equal, where_less, workspace

BASES = 8
_OUTSIDE = -9.0
"""A cell that is next to no basis."""


class Grid(NamedTuple):
    """Knots.

    Attributes:
        knots: All 12, ascending.
        inverse: One over the width of each of the 11 cells.
    """

    knots: Array
    inverse: Array


class Place(NamedTuple):
    """Where a vector of inputs begins, where its SiLU lies, and how far apart that and the bases are."""

    x: int
    out: int
    apart: int


@entry
def expand(x_RI: Array, grid: Grid, out_RJ: Array, first: int, last: int) -> None:
    """Write SiLU and the bases of some rows, [R, J]."""
    inputs, whole = x_RI.shape[1], x_RI.shape[1] // WIDTH * WIDTH
    x, out = x_RI.reshape(x_RI.size), out_RJ.reshape(out_RJ.size)
    # A vector of x, then one of SiLU and of each basis.
    room, inside = workspace(BASES + 2, x_RI), Place(0, WIDTH, WIDTH)
    for row in range(first, last):
        begin = Place(row * inputs, row * inputs * (BASES + 1), inputs)
        for i in range(0, whole, WIDTH):
            _expand(x, grid, out, Place(begin.x + i, begin.out + i, inputs))
        if whole < inputs:
            _copy(x, begin.x + whole, room, 0, inputs - whole)
            _expand(room, grid, room, inside)
            for k in range(BASES + 1):
                _copy(room, (k + 1) * WIDTH, out, begin.out + k * inputs + whole, inputs - whole)


@entry
def contract(x_RI: Array, grid: Grid, slopes: tuple[Array, Array], first: int, last: int) -> None:
    """Write the gradient of the input [R, I] from that of SiLU and the bases [R, J]."""
    inputs, whole = x_RI.shape[1], x_RI.shape[1] // WIDTH * WIDTH
    x, to_x, to_out = x_RI.reshape(x_RI.size), slopes[0].reshape(x_RI.size), slopes[1].reshape(slopes[1].size)
    room, inside = workspace(BASES + 2, x_RI), Place(0, WIDTH, WIDTH)
    for row in range(first, last):
        begin = Place(row * inputs, row * inputs * (BASES + 1), inputs)
        for i in range(0, whole, WIDTH):
            _contract(x, grid, to_x, to_out, Place(begin.x + i, begin.out + i, inputs))
        if whole < inputs:
            _copy(x, begin.x + whole, room, 0, inputs - whole)
            for k in range(BASES + 1):
                _copy(to_out, begin.out + k * inputs + whole, room, (k + 1) * WIDTH, inputs - whole)
            _contract(room, grid, room, room, inside)
            _copy(room, 0, to_x, begin.x + whole, inputs - whole)


@inner
def _copy(source: Array, begin: int, target: Array, to: int, numbers: int) -> None:
    for i in range(numbers):
        target[to + i] = source[begin + i]


@inner
def _expand(x_N: Array, grid: Grid, out_N: Array, at: Place) -> None:
    x = load(x_N, (at.x,))
    store(out_N, (at.out,), x * sigmoid(x))
    cell, _, u = place(x, grid)
    values = values_at(u)
    for k in range(BASES):
        store(out_N, (at.out + (k + 1) * at.apart,), basis(cell, k, values))


@inner
def _contract(x_N: Array, grid: Grid, to_x_N: Array, to_out_N: Array, at: Place) -> None:
    x = load(x_N, (at.x,))
    s, (cell, inverse, u) = sigmoid(x), place(x, grid)
    slopes, to_u = slopes_at(u), x * 0.0
    for k in range(BASES):
        to_u = fma(load(to_out_N, (at.out + (k + 1) * at.apart,)), basis(cell, k, slopes), to_u)
    store(to_x_N, (at.x,), fma(load(to_out_N, (at.out,)), s * (1.0 + x * (1.0 - s)), to_u * inverse))


@inner
def place(x: Any, grid: Grid) -> tuple[Any, Any, Any]:  # noqa: ANN401
    """Return the cell t_i <= x < t_{i+1}, which is NaN where x is, one over its width, and the local coordinate."""
    knots, cells = grid.knots, grid.inverse.shape[0]
    first, inverse = spread(knots, (0,)), spread(grid.inverse, (0,))
    cell = where_less(x, first, first * 0.0 + _OUTSIDE, first * 0.0)
    for k in range(1, cells):
        knot = spread(knots, (k,))
        cell = where_less(x, knot, cell, knot * 0.0 + float(k))
        first = where_less(x, knot, first, knot)
        inverse = where_less(x, knot, inverse, spread(grid.inverse, (k,)))
    cell = where_less(x, spread(knots, (cells,)), cell, first * 0.0 + _OUTSIDE)
    # NaN is less than nothing, and the only number that does not equal itself.
    return where_equal(x, x, cell, x), inverse, (x - first) * inverse


@inner
def basis(cell: Any, k: int, values: tuple[Any, Any, Any, Any]) -> Any:  # noqa: ANN401
    """Return basis k: one of its cell's four, or zero; NaN where the cell is."""
    # Basis k reaches over cells k to k + 3, and is the newest in the first of them.
    oldest, older, newer, newest = values
    zero = cell * 0.0
    out = where_equal(cell, zero + float(k), newest, zero)
    out = where_equal(cell, zero + float(k + 1), newer, out)
    out = where_equal(cell, zero + float(k + 2), older, out)
    return where_equal(cell, zero + float(k + 3), oldest, out)


@inner
def values_at(u: Any) -> tuple[Any, Any, Any, Any]:  # noqa: ANN401
    """Return the four bases, oldest first."""
    v = 1.0 - u
    older, newer = 4.0 + u * u * (u * 3.0 - 6.0), 4.0 + v * v * (v * 3.0 - 6.0)
    return v * v * v * (1 / 6), older * (1 / 6), newer * (1 / 6), u * u * u * (1 / 6)


@inner
def slopes_at(u: Any) -> tuple[Any, Any, Any, Any]:  # noqa: ANN401
    """Return the derivatives of the four bases in u, oldest first."""
    v = 1.0 - u
    older, newer = u * (u * 3.0 - 4.0), v * (4.0 - v * 3.0)
    return v * v * -0.5, older * 0.5, newer * 0.5, u * u * 0.5
