"""A KAN layer with one output, without laying its bases out: vectors run over inputs.

Legend: R rows, I inputs (a multiple of the lanes), K the 8 bases, G groups of rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from geoml_cli.models.geomamba.kernels.arrays import Array
from geoml_cli.models.geomamba.kernels.compiled import entry, inner
from geoml_cli.models.geomamba.kernels.elementary import sigmoid
from geoml_cli.models.geomamba.kernels.lanes import WIDTH, fma, load, spread, store, total, where_equal, where_less
from geoml_cli.models.geomamba.kernels.spline import BASES, Grid

_OUTSIDE = -9.0
"""A cell that is next to no basis."""


class Weights(NamedTuple):
    """Weights of the layer.

    Attributes:
        base_I: Of SiLU(x).
        weight_KI: Of the bases.
    """

    base_I: Array
    weight_KI: Array


class Gradients(NamedTuple):
    """What the backward pass writes to, but for the weights, which it adds to."""

    x_RI: Array
    base_GI: Array
    weight_GKI: Array


class Rows(NamedTuple):
    """One thread's work."""

    group: int
    first: int
    last: int


@entry
def forward(x_RI: Array, grid: Grid, weights: Weights, out_R: Array, rows: Rows) -> None:
    """Write the output of some rows."""
    for row in range(rows.first, rows.last):
        out = load(weights.base_I, (0,)) * 0.0
        for i in range(0, x_RI.shape[1], WIDTH):
            x = load(x_RI, (row, i))
            out = fma(load(weights.base_I, (i,)), x * sigmoid(x), out)
            cell, _, u = _place(x, grid)
            values = _values_at(u)
            for k in range(BASES):
                out = fma(load(weights.weight_KI, (k, i)), _basis(cell, k, values), out)
        out_R[row] = total(out)


@entry
def backward(x_RI: Array, grid: Grid, weights: Weights, slopes: tuple[Array, Gradients], rows: Rows) -> None:
    """Write the gradients of some rows; `slopes` holds the output's first."""
    to_out_R, gradients = slopes
    for row in range(rows.first, rows.last):
        for i in range(0, x_RI.shape[1], WIDTH):
            x, to_out = load(x_RI, (row, i)), spread(to_out_R, (row,))
            s = sigmoid(x)
            to_base = fma(to_out, x * s, load(gradients.base_GI, (rows.group, i)))
            store(gradients.base_GI, (rows.group, i), to_base)
            to_spline = _to_spline(x, to_out, (grid, weights.weight_KI, gradients.weight_GKI), rows.group, i)
            to_x = fma(load(weights.base_I, (i,)), s * (1.0 + x * (1.0 - s)), to_spline)
            store(gradients.x_RI, (row, i), to_out * to_x)


@inner
def _to_spline(x: Any, to_out: Any, arrays: tuple[Grid, Array, Array], group: int, i: int) -> Any:  # noqa: ANN401
    """Return the splines' derivative in x, and add to the gradients of their weights."""
    grid, weight_KI, to_weight_GKI = arrays
    cell, inverse, u = _place(x, grid)
    values, slopes, to_u = _values_at(u), _slopes_at(u), x * 0.0
    for k in range(BASES):
        at = (group, k, i)
        store(to_weight_GKI, at, fma(to_out, _basis(cell, k, values), load(to_weight_GKI, at)))
        to_u = fma(load(weight_KI, (k, i)), _basis(cell, k, slopes), to_u)
    return to_u * inverse


@inner
def _place(x: Any, grid: Grid) -> tuple[Any, Any, Any]:
    """Return the cell t_i <= x < t_{i+1}, one over its width, and the local coordinate."""
    knots, cells = grid.knots, grid.inverse.shape[0]
    first, inverse = spread(knots, (0,)), spread(grid.inverse, (0,))
    cell = where_less(x, first, first * 0.0 + _OUTSIDE, first * 0.0)
    for k in range(1, cells):
        knot = spread(knots, (k,))
        cell = where_less(x, knot, cell, knot * 0.0 + float(k))
        first = where_less(x, knot, first, knot)
        inverse = where_less(x, knot, inverse, spread(grid.inverse, (k,)))
    cell = where_less(x, spread(knots, (cells,)), cell, first * 0.0 + _OUTSIDE)
    return cell, inverse, (x - first) * inverse


@inner
def _basis(cell: Any, k: int, values: tuple[Any, Any, Any, Any]) -> Any:  # noqa: ANN401
    """Return basis k: the newest, newer, older, or oldest of its cell, or zero."""
    oldest, older, newer, newest = values
    zero = cell * 0.0
    out = where_equal(cell, zero + float(k), newest, zero)
    out = where_equal(cell, zero + float(k + 1), newer, out)
    out = where_equal(cell, zero + float(k + 2), older, out)
    return where_equal(cell, zero + float(k + 3), oldest, out)


@inner
def _values_at(u: Any) -> tuple[Any, Any, Any, Any]:  # noqa: ANN401
    """Return the four bases, oldest first."""
    v = 1.0 - u
    older, newer = 4.0 + u * u * (u * 3.0 - 6.0), 4.0 + v * v * (v * 3.0 - 6.0)
    return v * v * v * (1 / 6), older * (1 / 6), newer * (1 / 6), u * u * u * (1 / 6)


@inner
def _slopes_at(u: Any) -> tuple[Any, Any, Any, Any]:  # noqa: ANN401
    """Return the derivatives of the four bases in u, oldest first."""
    v = 1.0 - u
    older, newer = u * (u * 3.0 - 4.0), v * (4.0 - v * 3.0)
    return v * v * -0.5, older * 0.5, newer * 0.5, u * u * 0.5
