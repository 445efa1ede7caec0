"""Windows of frames of a gridded series, one a sample: no frame is held twice.

Legend: T frames of the series, N windows, R rows asked for, K frames of a window; y, x and H, W as in `spatial`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geoml_cli.dataset.store import Array
from geoml_cli.samples.spatial import SpatialTransform

Floats = NDArray[np.float32]
Index = NDArray[np.int64]
_FRAMES_AT_ONCE = 8


class FrameSeries:
    """A series of maps as a network sees them; a map is transformed once, when it is first asked for.

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
        self._maps = np.empty((len(native), *spatial.geometry.shape), dtype=np.float32)
        self._done = np.zeros(len(native), dtype=bool)

    def __len__(self) -> int:
        return len(self.native)

    def maps(self, steps: Index) -> Floats:
        """Return the network's maps of some steps, [..., H, W]."""
        missing = np.unique(steps)
        missing = missing[~self._done[missing]]
        for start in range(0, len(missing), _FRAMES_AT_ONCE):
            chosen = missing[start : start + _FRAMES_AT_ONCE]
            with torch.inference_mode():
                found = self.spatial(torch.from_numpy(np.asarray(self.native[chosen], dtype=np.float32)))
            self._maps[chosen] = found.numpy()
        self._done[missing] = True
        return np.asarray(self._maps[steps])


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
