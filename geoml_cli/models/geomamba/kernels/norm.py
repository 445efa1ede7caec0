"""RMS norm of a sum in one pass: s = x + y, out = w s / sqrt(mean(s^2) + eps).

Source: Zhang & Sennrich 2019, arXiv:1910.07467, equation 4.

Legend: R rows, M width (a multiple of the lanes), G groups of rows.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from geoml_cli.models.geomamba.kernels.arrays import Array, Rows
from geoml_cli.models.geomamba.kernels.compiled import entry
from geoml_cli.models.geomamba.kernels.lanes import WIDTH, fma, load, spread, store, total


class Results(NamedTuple):
    """What the forward pass writes.

    Attributes:
        sum_RM: s.
        scale_R: 1 / sqrt(mean(s^2) + eps).
        out_RM: The norm.
    """

    sum_RM: Array
    scale_R: Array
    out_RM: Array


class Gradients(NamedTuple):
    """What the backward pass writes, but for the weight's, which it adds to."""

    sum_RM: Array
    weight_GM: Array


@entry
def forward(added: tuple[Array, Array], weight_M: Array, eps: float, results: Results, rows: Rows) -> None:
    """Write the norm of some rows."""
    left_RM, right_RM = added
    width = weight_M.shape[0]
    for row in range(rows.first, rows.last):
        squares = load(weight_M, (0,)) * 0.0
        for m in range(0, width, WIDTH):
            both = load(left_RM, (row, m)) + load(right_RM, (row, m))
            store(results.sum_RM, (row, m), both)
            squares = fma(both, both, squares)
        results.scale_R[row] = 1.0 / math.sqrt(total(squares) / width + eps)
        scale = spread(results.scale_R, (row,))
        for m in range(0, width, WIDTH):
            store(results.out_RM, (row, m), load(results.sum_RM, (row, m)) * scale * load(weight_M, (m,)))


@entry
def backward(results: Results, weight_M: Array, to_out_RM: Array, gradients: Gradients, rows: Rows) -> None:
    """Write the gradients of some rows; of `results` the sum and the scale are read."""
    width = weight_M.shape[0]
    for row in range(rows.first, rows.last):
        scale, along = spread(results.scale_R, (row,)), load(weight_M, (0,)) * 0.0
        for m in range(0, width, WIDTH):
            normed, to_out = load(results.sum_RM, (row, m)) * scale, load(to_out_RM, (row, m))
            to_weight = fma(to_out, normed, load(gradients.weight_GM, (rows.group, m)))
            store(gradients.weight_GM, (rows.group, m), to_weight)
            along = fma(to_out * load(weight_M, (m,)), normed, along)
        # The norm takes what lies along s out of the gradient: its length does not count.
        mean = total(along) / width
        for m in range(0, width, WIDTH):
            normed, to_out = load(results.sum_RM, (row, m)) * scale, load(to_out_RM, (row, m))
            store(gradients.sum_RM, (row, m), (to_out * load(weight_M, (m,)) - normed * mean) * scale)
