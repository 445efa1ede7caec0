"""Windows of frames of a gridded series, one a sample: no frame is stored twice, and large ones not all at once.

Legend: T frames of the series, N windows, R rows asked for, K frames of a window; y, x and H, W as in `spatial`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geoml_cli.dataset.store import Array
from geoml_cli.samples.spatial import SpatialTransform

Floats = NDArray[np.float32]
Index = NDArray[np.int64]
_ABSENT = -1
_MOST_KEPT = 512 * 2**20
"""Bytes of transformed maps that a series keeps; 204 maps of 128 x 128 take 13 MB, of 2104 x 1304 2.2 GB."""


class FrameSeries:
    """A series of maps as a network sees them; those asked for last are kept, as many as fit into 512 MiB.

    Args:
        native: Maps of the data set [T, y, x], NaN where missing; a memory map of its file.
        spatial: From the data set's maps to the network's.
        season: Time of the year (and of the day) that each map is of, [T], for climatologies.
        area: Of every cell [m2], [y, x].
        labels: Name of every time step, such as 2015-03, [T].
    """

    def __init__(
        self,
        native: Array,
        spatial: SpatialTransform,
        season: NDArray[np.int64],
        area: NDArray[np.float64],
        labels: Sequence[str],
    ) -> None:
        self.native, self.spatial, self.season, self.area, self.labels = native, spatial, season, area, labels
        size = 4 * math.prod(spatial.geometry.shape)
        kept = min(max(_MOST_KEPT // size, 1), len(native))
        self._maps = np.empty((kept, *spatial.geometry.shape), dtype=np.float32)
        self._place = np.full(len(native), _ABSENT)
        self._step = np.full(kept, _ABSENT)
        self._used = np.zeros(kept, dtype=np.int64)
        self._requests = 0

    def __len__(self) -> int:
        return len(self.native)

    def maps(self, steps: Index) -> Floats:
        """Return the network's maps of some steps, [..., H, W]."""
        flat, kept = steps.reshape(-1), len(self._maps)
        found = np.empty((len(flat), *self._maps.shape[1:]), dtype=np.float32)
        for start in range(0, len(flat), kept):
            wanted = flat[start : start + kept]
            self._keep(np.unique(wanted))
            # The default mode would write into a buffer first.
            np.take(self._maps, self._place[wanted], axis=0, out=found[start : start + kept], mode="clip")
        return found.reshape(*steps.shape, *found.shape[1:])

    def _keep(self, steps: Index) -> None:
        """Transform the maps that are not kept, in the places of those not asked for longest; all steps fit."""
        self._requests += 1
        place = self._place[steps]
        self._used[place[place != _ABSENT]] = self._requests
        missing = steps[place == _ABSENT]
        if not len(missing):
            return
        for step, free in zip(missing, np.argsort(self._used, kind="stable")[: len(missing)], strict=True):
            # One at a time: the last digits of a product may depend on how many maps are transformed together.
            with torch.inference_mode():
                native = torch.from_numpy(np.array(self.native[step], dtype=np.float32))
                self._maps[free] = self.spatial(native).numpy()
            if self._step[free] != _ABSENT:
                self._place[self._step[free]] = _ABSENT
            self._place[step], self._step[free], self._used[free] = free, step, self._requests


class Frames:
    """Stands in for an array [N, K, H, W] of N windows with K maps each.

    Args:
        series: All maps.
        first: First step of every window, [N].
        count: K.
    """

    ndim = 4
    dtype = np.dtype(np.float32)

    def __init__(self, series: FrameSeries, first: Index, count: int) -> None:
        self.series, self.first = series, np.asarray(first, dtype=np.int64)
        self.shape = (len(first), count, *series.spatial.geometry.shape)
        assert not len(first) or (self.first.min() >= 0 and int(self.first.max()) + count <= len(series)), "inside"

    def __len__(self) -> int:
        return self.shape[0]

    def steps(self, rows: Index | slice) -> Index:
        """Return the steps of some windows, [R, K]."""
        return self.first[rows][:, None] + np.arange(self.shape[1])

    def __getitem__(self, rows: Index | slice) -> Floats:
        """Return some windows, [R, K, H, W]."""
        return self.series.maps(self.steps(rows))

    def native(self, rows: Index) -> Floats:
        """Return some windows on the data set's own grid, [R, K, y, x]."""
        return np.asarray(self.series.native[self.steps(rows)], dtype=np.float32)

    def gatherer(self) -> Callable[[Tensor], Tensor]:
        """Return a function from an index [B] to windows [B, K, H, W]."""
        return lambda index_B: torch.from_numpy(self[index_B.numpy()])
