"""Cells that have one and the same value in every frame while no other value is near it: land, as some files write it.

Legend: T time steps, Y rows, X columns.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from geoml_cli.readers.nodata import written

_NEAR = 0.05
"""Part of the range of the other values: nearer to it, a value is one of them, such as the 0 of a desert's rain."""
_FEWEST_FRAMES, _FEWEST_CELLS = 2, 2
"""Frames that tell, and cells of a value that is not 0: a single cell may be a lake."""
_MANY_FRAMES = 12
"""Frames over which no cell keeps a value between others to the last digit, however near these are."""


class ConstantCells:
    """Finds them over a stream of frames: cells of 0, and of the least and the largest value of the first frame.

    Args:
        shape: Rows and columns.
        name: Of the variable, as `--nodata` calls it.
        packing: Scale and offset of each file: `--nodata` takes stored numbers.
    """

    def __init__(self, shape: tuple[int, int], name: str, packing: Collection[tuple[float, float]] = ()) -> None:
        self._shape, self._name, self._frames, self._packing = shape, name, 0, set(packing) or {(1.0, 0.0)}
        self._of: list[_Cells] = []

    def add(self, frames: NDArray[np.float32]) -> None:
        """Look at frames [T, Y, X]; NaN is missing."""
        if not self._of and len(frames):
            ends = (float(end.reduce(frames[0], axis=None)) for end in (np.fmin, np.fmax))
            self._of = [_Cells(self._shape, value) for value in dict.fromkeys((0.0, *ends))]
        self._frames += len(frames)
        for cells in self._of:
            cells.add(frames)

    def notes(self) -> list[str]:
        """Return what is worth a note."""
        if self._frames < _FEWEST_FRAMES:
            return []
        return [
            f"{cells.count} cells are {cells.text} at every time, and no other value is nearer to {cells.text} "
            f"than {cells.value + cells.nearest:.4g}: if that is land, prepare again with "
            f"--nodata {self._name}={self._stored(cells)}"
            for cells in self._of
            if cells.are_apart(self._frames)
        ]

    def _stored(self, cells: _Cells) -> str:
        """Write the stored number of the cells."""
        if len(self._packing) > 1:
            return "NUMBER, the number as it is stored"
        [(scale, offset)] = self._packing
        return cells.text if (scale, offset) == (1.0, 0.0) else written(float(round((cells.value - offset) / scale)))


class _Cells:
    """Cells that have been one value so far, and the values of all others."""

    def __init__(self, shape: tuple[int, int], value: float) -> None:
        self.value, self._same, self._ever = value, np.ones(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
        self.nearest, self._least, self._most = np.inf, np.inf, -np.inf

    @property
    def text(self) -> str:
        """Write the value with as many digits as tell it from other float32."""
        return written(float(str(np.float32(self.value))))

    @property
    def count(self) -> int:
        return int(self._same.sum())

    def add(self, frames: NDArray[np.float32]) -> None:
        if not self._same.any():
            return
        equal = frames == self.value
        self._same &= equal.all(axis=0)
        self._ever |= equal.any(axis=0)
        other = frames[(frames != self.value) & np.isfinite(frames)]
        if len(other):
            distance = other - np.float32(self.value)
            nearest = float(distance[np.abs(distance).argmin()])
            self.nearest = min(self.nearest, nearest, key=abs)
            self._least, self._most = min(self._least, float(other.min())), max(self._most, float(other.max()))

    def are_apart(self, frames: int) -> bool:
        """Return whether there are such cells, their value is in no other cell at any time, and no other is near it.

        Args:
            frames: How many there were. Over many the others may be near where they lie on both sides: a flux that
                is 0 on land changes its sign at sea.
        """
        enough = self.count >= (1 if self.value == 0 else _FEWEST_CELLS) and not (self._ever & ~self._same).any()
        if not enough or not np.isfinite(self.nearest):
            return False
        is_between = self._least < self.value < self._most and self.count >= _FEWEST_CELLS
        return abs(self.nearest) > _NEAR * (self._most - self._least) or (is_between and frames >= _MANY_FRAMES)
