"""What compiled loops share: their arrays, and how work on them is shared out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32] | NDArray[np.float64]


class Piece(NamedTuple):
    """One thread's work: sequences `first` to `last` of group `group`, channels `low` to `high` of tile `tile`."""

    group: int
    first: int
    last: int
    tile: int
    low: int
    high: int


class Rows(NamedTuple):
    """One thread's work: rows `first` to `last`, whose sums are kept by their group."""

    group: int
    first: int
    last: int
