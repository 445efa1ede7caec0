"""A map made smaller while its parts pass by, so that a page of it takes no memory of the whole.

Legend: B bands, R rows, C columns of a part; H, W rows and columns of the smaller map.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.variables import Variable
from geoml_cli.samples.input import Grid

Values = NDArray[np.float64]
LONGEST = 900
"""Longest side of the smaller map [pixels]: more than a panel of a page has."""


class DecimatedMap:
    """Squares of pixels as one: the mean of quantities, of classes and masks the pixel in the middle.

    Args:
        grid: Of the whole map.
        bands: Those that are kept.
        longest: Longest side of the smaller map [pixels].

    Attributes:
        step: Side of a square [pixels].
        shape: (H, W).
    """

    def __init__(self, grid: Grid, bands: Sequence[Variable], longest: int = LONGEST) -> None:
        self.step = max(1, -(-max(grid.height, grid.width) // longest))
        self.shape = -(-grid.height // self.step), -(-grid.width // self.step)
        self._size, self._discrete = (grid.height, grid.width), [bool(band.classes) for band in bands]
        self._sum_BHW = np.zeros((len(bands), *self.shape))
        self._count_BHW = np.zeros((len(bands), *self.shape), dtype=np.int32)

    def add(self, rows: slice, columns: slice, values_BRC: NDArray[np.float32]) -> None:
        """Add a part of the map; parts may cut squares."""
        row, column = np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop)
        middle_RC = self._is_middle(row, self._size[0])[:, None] & self._is_middle(column, self._size[1])
        down, across = (slice(part.start // self.step, (part.stop - 1) // self.step + 1) for part in (rows, columns))
        for band, is_discrete in enumerate(self._discrete):
            values = values_BRC[band].astype(np.float64)
            known = np.isfinite(values)
            if is_discrete:
                known &= middle_RC
            self._sum_BHW[band, down, across] += self._summed(np.where(known, values, 0.0), row, column)
            self._count_BHW[band, down, across] += self._summed(known.astype(np.float64), row, column).astype(np.int32)

    def _is_middle(self, pixels: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
        """Tell which rows or columns lie in the middle of their square, which the edge of the map may cut."""
        square = pixels // self.step
        last = np.minimum((square + 1) * self.step, size) - 1
        return np.asarray(pixels == np.minimum(square * self.step + self.step // 2, last))

    def _summed(self, values_RC: Values, *axes: NDArray[np.int64]) -> Values:
        for axis, pixels in enumerate(axes):
            starts = np.flatnonzero(np.diff(pixels // self.step, prepend=-1))
            values_RC = np.add.reduceat(values_RC, starts, axis=axis)
        return values_RC

    def values(self) -> Values:
        """Return the smaller map, [B, H, W], NaN where no pixel of a square has a value."""
        with np.errstate(invalid="ignore"):
            return np.where(self._count_BHW > 0, self._sum_BHW / np.maximum(self._count_BHW, 1), np.nan)
