"""The paper's convolutions over all windows of a block at once.

A window's own edge is padded with zeros, so that a pixel's value after the first convolution depends on where it lies
in a window: at one of six positions along each axis, two of them at an edge. The four between have the same weights in
every window, and each edge has those of the pixels that it keeps. So the first convolution runs over the block once for
each combination (3 x 3 of them), instead of once a window; pooled, a window is 3 x 3 values of these. The second
convolution and pooling are, of each quarter of a window, one product with a matrix.

Legend: C channels, Y and X rows and columns of a block, K values behind a convolution, P windows of it, D hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

from geoml_cli.layers import onednn
from geoml_cli.models.soc.network import WINDOW

_POOLED = 3
"""Side of a window behind the first pooling."""
Taps = tuple[int, int]


def convolved(block_CYX: Tensor, first: nn.Conv2d, second: nn.Conv2d) -> Tensor:
    """Return what `network.convolved` does of every window of the block, row by row, shape [P, D].

    Args:
        block_CYX: Scaled covariates; NaN where no window lies that is wanted.
        first: With kernels of 2 x 2 and padding of 1, as the second.
        second: Likewise.
    """
    cells = _pooled(block_CYX, first)
    matrix = _matrix(second)
    bias_R = None if second.bias is None else second.bias.repeat(4)
    quarters = []
    for i, j in product(range(2), range(2)):
        # Of the 4 outputs along an axis, 2i and 2i + 1 see cells i and i + 1 of 3; what else they see is padding.
        seen = torch.cat([cells[i + a][j + b] for a, b in product(range(2), range(2))], dim=1)
        # [4 K out, 4 K in]: the outputs that are pooled together, of the cells that they see.
        weight = matrix[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, :, i : i + 2, j : j + 2].flatten(0, 2).flatten(1)
        quarters.append(_largest(onednn.linear(seen, weight, bias_R).chunk(4, dim=1)))
    hidden_PQK = torch.cat(quarters, dim=1).relu_().reshape(len(quarters[0]), 4, second.out_channels)
    return hidden_PQK.transpose(1, 2).flatten(1)  # in the order of a flattened [K, 2, 2]


def _pooled(block_CYX: Tensor, conv: nn.Conv2d) -> list[list[Tensor]]:
    """Convolve and pool once: the value of every window in each of its 3 x 3 cells, each [P, K]."""
    rows, columns = (size - WINDOW + 1 for size in block_CYX.shape[1:])
    # Channels last: a result is then contiguous as [Y, X, K], and its windows are views.
    block = block_CYX[None].contiguous(memory_format=torch.channels_last)
    known: dict[tuple[Taps, Taps], Tensor] = {}

    def at(row: int, column: int) -> Tensor:
        (down, top), (right, left) = _position(row), _position(column)
        if (down, right) not in known:
            weight = conv.weight[:, :, slice(*down), slice(*right)]
            known[down, right] = functional.conv2d(block, weight, conv.bias)[0].permute(1, 2, 0)
        return known[down, right][top : top + rows, left : left + columns]

    def cell(row: int, column: int) -> Tensor:
        pairs = product((2 * row, 2 * row + 1), (2 * column, 2 * column + 1))
        # ReLU after the maximum: it gives the same as before it, of a quarter of the numbers.
        return _largest([at(*pair) for pair in pairs]).relu_().flatten(0, 1)

    return [[cell(row, column) for column in range(_POOLED)] for row in range(_POOLED)]


def _position(number: int) -> tuple[Taps, int]:
    """Return which taps of a kernel see a pixel of the window, and the first pixel that they see.

    Args:
        number: Of the position along an axis behind the first convolution, 0 to 5; it sees pixels `number` - 1 and
            `number`, of which a window has 0 to 4.
    """
    low, high = max(number - 1, 0), min(number, WINDOW - 1)
    return (low - number + 1, high - number + 2), low


def _matrix(conv: nn.Conv2d) -> Tensor:
    """Return a padded convolution of 3 x 3 cells as a matrix, [4, 4, K out, 3, 3, K in]: its response to each cell."""
    count = conv.in_channels * _POOLED**2
    single = torch.eye(count, device=conv.weight.device).reshape(count, conv.in_channels, _POOLED, _POOLED)
    response = functional.conv2d(single, conv.weight, padding=1)
    split = response.reshape(conv.in_channels, _POOLED, _POOLED, *response.shape[1:])
    return split.permute(4, 5, 3, 1, 2, 0)


def _largest(values: Sequence[Tensor]) -> Tensor:
    """Return the largest of four, element by element."""
    one, two, three, four = values
    largest = torch.maximum(one, two)
    torch.maximum(largest, three, out=largest)
    return torch.maximum(largest, four, out=largest)
