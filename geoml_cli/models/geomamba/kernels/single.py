"""A KAN layer with one output, without laying its bases out: four weights an input are all it meets.

Legend: R rows, I inputs, P the 8 spline weights of an input with 3 zeros on either side, G groups of rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from geoml_cli.models.geomamba.kernels.arrays import Array
from geoml_cli.models.geomamba.kernels.compiled import entry, inner
from geoml_cli.models.geomamba.kernels.elementary import sigmoid
from geoml_cli.models.geomamba.kernels.spline import Grid, place, slopes_at, values_at


class Weights(NamedTuple):
    """Weights of the layer.

    Attributes:
        base_I: Of SiLU(x).
        padded_IP: Of the bases.
    """

    base_I: Array
    padded_IP: Array


class Gradients(NamedTuple):
    """What the backward pass writes to, but for the weights, which it adds to."""

    x_RI: Array
    base_GI: Array
    padded_GIP: Array


class Rows(NamedTuple):
    """One thread's work."""

    group: int
    first: int
    last: int


@entry
def forward(x_RI: Array, grid: Grid, weights: Weights, out_R: Array, rows: Rows) -> None:
    """Write the output of some rows."""
    for row in range(rows.first, rows.last):
        out_R[row] = _output(x_RI[row], grid, weights)


@entry
def backward(x_RI: Array, grid: Grid, weights: Weights, slopes: tuple[Array, Gradients], rows: Rows) -> None:
    """Write the gradients of some rows; `slopes` holds the output's first."""
    to_out_R, gradients = slopes
    to_base_I, to_padded_IP = gradients.base_GI[rows.group], gradients.padded_GIP[rows.group]
    for row in range(rows.first, rows.last):
        to_weights = Weights(to_base_I, to_padded_IP)
        _gradients(x_RI[row], grid, weights, (to_out_R[row], gradients.x_RI[row]), to_weights)


@inner
def _output(x_I: Array, grid: Grid, weights: Weights) -> Any:  # noqa: ANN401
    kind: Any = x_I.dtype.type
    total = kind(0)
    for i in range(x_I.shape[0]):
        x = x_I[i]
        total += weights.base_I[i] * x * sigmoid(x)
        cell, u = place(x, grid)
        if cell >= 0:
            oldest, older, newer, newest = values_at(u)
            w_P = weights.padded_IP
            total += oldest * w_P[i, cell] + older * w_P[i, cell + 1]
            total += newer * w_P[i, cell + 2] + newest * w_P[i, cell + 3]
    return total


@inner
def _gradients(x_I: Array, grid: Grid, weights: Weights, slopes: tuple[float, Array], to_weights: Weights) -> None:
    kind: Any = x_I.dtype.type
    to_out, to_x_I = slopes
    for i in range(x_I.shape[0]):
        x = x_I[i]
        s = sigmoid(x)
        to_weights.base_I[i] += to_out * x * s
        to_x = weights.base_I[i] * s * (kind(1) + x * (kind(1) - s))
        cell, u = place(x, grid)
        if cell >= 0:
            to_x += _turned(weights.padded_IP[i], cell, u) * grid.inverse[cell]
            _add(to_weights.padded_IP[i], cell, u, to_out)
        to_x_I[i] = to_out * to_x


@inner
def _turned(w_P: Array, cell: int, u: float) -> Any:  # noqa: ANN401
    """Return the spline's derivative in u."""
    oldest, older, newer, newest = slopes_at(u)
    return oldest * w_P[cell] + older * w_P[cell + 1] + newer * w_P[cell + 2] + newest * w_P[cell + 3]


@inner
def _add(to_w_P: Array, cell: int, u: float, to_out: float) -> None:
    oldest, older, newer, newest = values_at(u)
    to_w_P[cell] += oldest * to_out
    to_w_P[cell + 1] += older * to_out
    to_w_P[cell + 2] += newer * to_out
    to_w_P[cell + 3] += newest * to_out
