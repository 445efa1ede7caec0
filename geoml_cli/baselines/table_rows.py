"""Rows and columns of a table of features without a copy of them.

Legend: R rows of a table, N rows taken from it, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float32]
ROWS = 131_072
"""Rows of which there is a copy in float64 at a time."""


@dataclass(frozen=True)
class TableRows:
    """Some rows of a table, which are taken from it a slice at a time: a copy of all would take as much again.

    Attributes:
        table: Of all rows, [R, F].
        rows_N: Which are meant.
    """

    table: Table
    rows_N: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int]:
        """Return the numbers of rows and features."""
        return len(self.rows_N), self.table.shape[1]

    def __len__(self) -> int:
        return len(self.rows_N)

    def __getitem__(self, rows: slice) -> Table:
        return self.table[self.rows_N[rows]]


@dataclass(frozen=True)
class Columns:
    """Some columns of rows, taken a slice of rows at a time.

    Attributes:
        rows_NF: The rows.
        places: Of the columns, ascending.
    """

    rows_NF: Table | TableRows
    places: Sequence[int]

    @property
    def shape(self) -> tuple[int, int]:
        """Return the numbers of rows and columns."""
        return len(self.rows_NF), len(self.places)

    def __len__(self) -> int:
        return len(self.rows_NF)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """Return a block; a view where the columns are next to each other."""
        block, first, after = self.rows_NF[rows], self.places[0], self.places[-1] + 1
        return block[:, first:after] if list(self.places) == list(range(first, after)) else block[:, self.places]

    def doubles(self) -> NDArray[np.float64]:
        """Return all rows in float64."""
        found = np.empty(self.shape)
        for start in range(0, len(self), ROWS):
            rows = slice(start, start + ROWS)
            found[rows] = self[rows]
        return found
