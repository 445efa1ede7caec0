"""Windows of a block of rasters, one a pixel: cut when rows ask for them, and otherwise seen in the block itself.

Neighbouring windows share most of their pixels, so that what is computed over the whole block is computed once.

Legend: N samples, C channels, Y and X rows and columns of the block, W side of a window, R samples that are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float32]
Moments = NDArray[np.float64]
Index = NDArray[np.int64]


class Strip(NamedTuple):
    """Some rows of a block, with the windows that lie in them.

    Attributes:
        places: Which of the samples that were asked for these are, [R].
        block: All channels of the rows, [C, Y, X]; NaN where no window that is asked for lies.
        windows: Number of each sample's window among those of the strip, row by row, [R].
    """

    places: Index
    block: Floats
    windows: Index

    def repeats(self, side: int) -> Index:
        """Count the windows that hold each pixel, shape [Y, X]; `side` is that of a window."""
        height, width = self.block.shape[1] - side + 1, self.block.shape[2] - side + 1
        corners = np.bincount(self.windows, minlength=height * width).reshape(height, width)
        return _summed(_summed(np.pad(corners, side - 1), side, 0), side, 1)


class Patches:
    """Stands in for an array [N, C, W, W] of N windows of a block.

    Args:
        block_CYX: Physical values.
        rows: Of each window's first pixel in the block, shape [N].
        columns: Likewise.
        side: W [pixels].
    """

    ndim = 4
    dtype = np.dtype(np.float32)

    def __init__(self, block_CYX: Floats, rows: Index, columns: Index, side: int) -> None:
        self.block, self.rows, self.columns, self.side = block_CYX, rows, columns, side
        self.shape = (len(rows), len(block_CYX), side, side)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Floats:  # noqa: ANN401  as NumPy's
        """Cut windows, [R, C, W, W], or an index of these as NumPy takes it."""
        rows, *further = key if isinstance(key, tuple) else (key,)
        steps = np.arange(self.side)
        down = self.rows[rows][..., None, None] + steps[:, None]
        right = self.columns[rows][..., None, None] + steps
        cut: Floats = np.moveaxis(self.block[:, down, right], 0, -3)
        return cut[(slice(None), *further)] if further else np.ascontiguousarray(cut)

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Cut all windows."""
        return self[:] if dtype is None else self[:].astype(dtype)

    def gatherer(self) -> Callable[[Tensor], Tensor]:
        """Return what cuts windows as tensors."""
        import torch

        return lambda index: torch.from_numpy(self[index.numpy()])

    def strips(self, rows: Index, windows: int) -> Iterator[Strip]:
        """Yield the samples `rows` by strips of the block that hold at most so many windows, or a row of them."""
        width = self.block.shape[2] - self.side + 1
        height = max(windows // width, 1)
        strip = self.rows[rows] // height
        for number in np.unique(strip).tolist():
            places = np.flatnonzero(strip == number)
            chosen = rows[places]
            top = number * height
            block = self.block[:, top : top + height + self.side - 1]
            yield Strip(places, block, (self.rows[chosen] - top) * width + self.columns[chosen])

    def moments(self, rows: Index) -> tuple[Moments, Moments]:
        """Return mean and standard deviation of every channel over the windows of some samples, each [R, C]."""
        top, bottom = int(self.rows[rows].min()), int(self.rows[rows].max()) + self.side
        block = self.block[:, top:bottom].astype(np.float64)
        mean, spread = _merged(*_merged(block, np.zeros_like(block), 1, (self.side, 1)), self.side, (self.side, 2))
        at = (slice(None), self.rows[rows] - top, self.columns[rows])
        return mean[at].T, np.sqrt(spread[at].T / self.side**2)


def _merged(mean: Moments, squares: Moments, count: int, over: tuple[int, int]) -> tuple[Moments, Moments]:
    """Merge the moments of neighbours along an axis: mean, and sum of squared differences from it.

    Chan et al. 1983, doi:10.1080/00031305.1983.10483115: no difference of large numbers, so that a window of equal
    values has no spread.

    Args:
        mean: Of `count` values each.
        squares: Likewise.
        count: How many values.
        over: How many neighbours, and the axis.
    """
    side, axis = over
    merged = _summed(mean, side, axis) / side
    total = _summed(squares, side, axis)
    for step in range(side):
        total += count * (_shifted(mean, step, over) - merged) ** 2
    return merged, total


def _summed(values: NDArray[Any], side: int, axis: int) -> NDArray[Any]:
    """Sum `side` neighbours along an axis, which becomes shorter by `side` - 1."""
    total = _shifted(values, 0, (side, axis)).copy()
    for step in range(1, side):
        total += _shifted(values, step, (side, axis))
    return total


def _shifted(values: NDArray[Any], step: int, over: tuple[int, int]) -> NDArray[Any]:
    side, axis = over
    length = values.shape[axis] - side + 1
    return values[(slice(None),) * axis + (slice(step, step + length),)]
