"""Rows of rasters that are stored in rows, kept while windows are cut out of them.

GDAL unpacks whole rows for each window, and keeps as many as its cache has room for. Where those of all rasters do not
fit, every window would unpack them again, which is many times slower for wide rasters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from geoml_cli.readers.raster_files import Span
from geoml_cli.work.memory import total_memory

Pixels = NDArray[Any]
_MOST_ROWS = 384
"""So many rows at most are read at once for windows that overlap."""
_SHARE, _UNKNOWN = 4, 4 << 30
"""Part of the memory that rows of all rasters may take, and what is taken for it where the system does not tell."""


class RowBuffer:
    """Reads windows of bands of one file.

    Args:
        width: Of the raster [pixels].
        is_in_rows: Whether the file is stored in rows; others are read as they are.
    """

    def __init__(self, width: int, is_in_rows: bool) -> None:
        self._width, self._is_in_rows = width, is_in_rows
        self._kept: dict[str, tuple[Span, Pixels]] = {}
        _LIVE.add(self)

    @property
    def kept_bytes(self) -> int:
        """Return the size of what is kept."""
        return sum(values.nbytes for _, values in self._kept.values())

    def read(self, key: str, window: tuple[Span, Span], read: Callable[..., Pixels]) -> Pixels:
        """Read a window.

        Args:
            key: Names what is read of the file.
            window: Rows and columns, from and to.
            read: Reads `window=...` of it.
        """
        rows, (left, right) = window
        if not self._is_in_rows or right - left == self._width:
            return np.asarray(read(window=window))
        kept = self._kept.get(key)
        if kept is None or not _within(rows, kept[0]):
            span = rows if kept is None else _together(rows, kept[0])
            self._kept.pop(key, None)
            if not self._has_room(span):
                return np.asarray(read(window=window))
            kept = self._kept[key] = span, np.asarray(read(window=(span, (0, self._width))))
        (top, _), values = kept
        return values[rows[0] - top : rows[1] - top, left:right].copy()

    def close(self) -> None:
        """Give the memory back."""
        self._kept.clear()

    def _has_room(self, span: Span) -> bool:
        needed = (span[1] - span[0]) * self._width * np.dtype(np.float64).itemsize
        return sum(buffer.kept_bytes for buffer in _LIVE) + needed <= (total_memory() or _UNKNOWN) // _SHARE


_LIVE: WeakSet[RowBuffer] = WeakSet()
"""All buffers, which share the memory."""


def _within(rows: Span, others: Span) -> bool:
    return others[0] <= rows[0] and rows[1] <= others[1]


def _together(rows: Span, others: Span) -> Span:
    """Return rows with others that they overlap, where both are few: points in a row of tiles are then read once."""
    both = min(rows[0], others[0]), max(rows[1], others[1])
    overlap = rows[0] < others[1] and others[0] < rows[1]
    return both if overlap and both[1] - both[0] <= _MOST_ROWS else rows
