"""A KAN layer with one output, without laying its bases out: vectors run over inputs.

Legend: R rows, I inputs (a multiple of the lanes), K the 8 bases, G groups of rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from geoml_cli.models.geomamba.kernels.arrays import Array, Rows
from geoml_cli.models.geomamba.kernels.compiled import entry, inner
from geoml_cli.models.geomamba.kernels.elementary import sigmoid
from geoml_cli.models.geomamba.kernels.lanes import WIDTH, fma, load, spread, store, total
from geoml_cli.models.geomamba.kernels.spline import BASES, Grid, basis, place, slopes_at, values_at


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


@entry
def forward(x_RI: Array, grid: Grid, weights: Weights, out_R: Array, rows: Rows) -> None:
    """Write the output of some rows."""
    for row in range(rows.first, rows.last):
        out = load(weights.base_I, (0,)) * 0.0
        for i in range(0, x_RI.shape[1], WIDTH):
            x = load(x_RI, (row, i))
            # Inputs that were added to fill a vector have weights of 0.
            out = fma(load(weights.base_I, (i,)), x * sigmoid(x), out)
            cell, _, u = place(x, grid)
            values = values_at(u)
            for k in range(BASES):
                out = fma(load(weights.weight_KI, (k, i)), basis(cell, k, values), out)
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
    cell, inverse, u = place(x, grid)
    values, slopes, to_u = values_at(u), slopes_at(u), x * 0.0
    for k in range(BASES):
        at = (group, k, i)
        store(to_weight_GKI, at, fma(to_out, basis(cell, k, values), load(to_weight_GKI, at)))
        to_u = fma(load(weight_KI, (k, i)), basis(cell, k, slopes), to_u)
    # u = (x - t_i) / width, hence the factor.
    return to_u * inverse
