"""Cells that are 0 in every frame while no other value is near 0: land, as some models write it.

Legend: T time steps, Y rows, X columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NEAR = 0.05
"""Part of the range of the other values: nearer to 0, 0 is one of them, as in a desert's rain."""
_FEWEST_FRAMES = 2


class ZeroCells:
    """Finds them over a stream of frames.

    Args:
        shape: Rows and columns.
        name: Of the variable, as `--nodata` calls it.
    """

    def __init__(self, shape: tuple[int, int], name: str) -> None:
        self._name, self._zero, self._frames = name, np.ones(shape, dtype=np.bool_), 0
        self._nearest, self._least, self._most = np.inf, np.inf, -np.inf

    def add(self, frames: NDArray[np.float32]) -> None:
        """Look at frames [T, Y, X]; NaN is missing."""
        self._frames += len(frames)
        if not self._zero.any():
            return
        self._zero &= (frames == 0).all(axis=0)
        other = frames[(frames != 0) & np.isfinite(frames)]
        if len(other):
            self._nearest = min(self._nearest, float(np.abs(other).min()))
            self._least, self._most = min(self._least, float(other.min())), max(self._most, float(other.max()))

    def note(self) -> list[str]:
        """Return what is worth a note."""
        count = int(self._zero.sum())
        far = self._nearest > _NEAR * (self._most - self._least)
        if not count or self._frames < _FEWEST_FRAMES or not np.isfinite(self._nearest) or not far:
            return []
        return [
            f"{count} cells are 0 at every time, and no other value is nearer to 0 than {self._nearest:.4g}: if that "
            f"is land, prepare again with --nodata {self._name}=0"
        ]
