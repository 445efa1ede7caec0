"""How many rows a network is given at a time: as many as its widest operation keeps within a budget.

Wide networks gain nothing from large batches, but their memory grows with them; narrow ones spend a small batch on
starting operations. The number follows from the network and the shapes of its inputs alone, so that every machine
takes the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

MOST = {"cpu": 2**11, "cuda": 2**12}
"""Rows at a time; beyond, nothing gains."""

_NUMBERS = {"cpu": 2**21, "cuda": 2**26}
"""Numbers that the result of one operation may hold: 8 MiB of float32 on a CPU, where several batches run side by side,
and larger arrays leave the caches and are asked of the system anew each time; 256 MiB on a GPU, which small batches
leave idle."""

# The difference of two sizes is what a row adds. Not 1 and 2: a single row takes paths of its own, such as windows that
# all rows share.
_FEW, _MORE = 2, 3


def rows_at_once(call: Callable[[int], object], device: torch.device) -> int:
    """Return how many rows to compute at a time, 1 to `MOST`.

    Args:
        call: Computes so many rows; it is called twice, with two and with three.
        device: Where.
    """
    with torch.no_grad():
        few, more = _sizes(call, _FEW), _sizes(call, _MORE)
    # What grows with the rows; weights, which some operations combine, do not.
    widest = max((larger - smaller for smaller, larger in zip(few, more, strict=False)), default=0)
    kind = device.type if device.type in _NUMBERS else "cpu"
    return min(max(_NUMBERS[kind] // max(widest, 1), 1), MOST[kind])


def _sizes(call: Callable[[int], object], rows: int) -> list[int]:
    mode = _Sizes()
    with mode:
        call(rows)
    return mode.sizes


class _Sizes(TorchDispatchMode):
    """Notes how many numbers each operation returns."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sizes: list[int] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        found = func(*args, **(kwargs or {}))
        self.sizes.append(max((leaf.numel() for leaf in tree_leaves(found) if isinstance(leaf, Tensor)), default=0))
        return found
