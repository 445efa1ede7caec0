"""How work on arrays is shared out over threads."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from geoml_cli.models.geomamba.kernels.arrays import Piece, Rows
from geoml_cli.models.geomamba.kernels.lanes import WIDTH

_GROUPS = 32
"""Sums over sequences or rows are kept in so many parts, so that results do not depend on the threads."""

_WIDE, _NARROW = 256, 64
"""Channels of a tile: wide ones are quicker, narrow ones give every core work when sequences are few."""

# From so many sequences on, these alone are work for every core.
_MANY = 8


def pieces(batch: int, channels: int) -> list[Piece]:
    """Share out the work by its shape alone."""
    groups, width = min(_GROUPS, batch), _WIDE if batch >= _MANY else _NARROW
    return [
        Piece(group, group * batch // groups, (group + 1) * batch // groups, tile, low, min(low + width, channels))
        for group in range(groups)
        for tile, low in enumerate(range(0, channels, width))
    ]


def groups_of_rows(rows: int) -> list[Rows]:
    """Share out rows by their number alone."""
    groups = min(_GROUPS, rows)
    return [Rows(k, k * rows // groups, (k + 1) * rows // groups) for k in range(groups)]


def padded(tensor: Tensor) -> Tensor:
    """Return a contiguous tensor, with zeros behind its last axis so that whole vectors fill it."""
    missing = -tensor.shape[-1] % WIDTH
    return (functional.pad(tensor, (0, missing)) if missing else tensor).contiguous()


def cut(tensor: Tensor, channels: int) -> Tensor:
    """Return a tensor without what `padded` added."""
    return tensor if tensor.shape[-1] == channels else tensor[..., :channels]
