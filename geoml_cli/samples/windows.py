"""Windows of a series, one a sample: cut when a batch asks for them, stored nowhere.

A window is a strided view of the series, so that cutting a batch of them is one gather.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]
Index = NDArray[np.int64]


class Windows:
    """Stands in for an array [N, K, V] of N windows with K values of V series.

    Args:
        series: Regular series of equal length [T], one a variable.
        ends: Place of each window's last value, shape [N].
        values: K.
        stride: Steps of the series between two values of a window.
    """

    ndim = 3
    dtype = np.dtype(np.float32)

    def __init__(self, series: Sequence[Floats], ends: Index, values: int, stride: int) -> None:
        self.series, self.stride = series, stride
        self.shape = (len(ends), values, len(series))
        self.reach = (values - 1) * stride
        # Not the first values' places: a dozen factors share the last ones', in one array.
        self.ends = np.asarray(ends, dtype=np.int64)
        assert not len(ends) or (self.ends.min() >= self.reach and self.ends.max() < len(series[0])), "inside"

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Index | slice) -> Floats:
        """Cut the windows of some samples, shape [rows, K, V]."""
        first, steps = self.ends[rows] - self.reach, np.arange(self.shape[1]) * self.stride
        return np.stack([series[first[:, None] + steps] for series in self.series], axis=2)

    def __array__(self, dtype: np.dtype[np.float32] | None = None, copy: bool | None = None) -> Floats:
        """Cut all windows."""
        return self[:] if dtype is None else self[:].astype(dtype)

    def gatherer(self) -> Gatherer:
        """Return what cuts windows as tensors."""
        return Gatherer(self)


class Gatherer:
    """Cuts windows [B, K, V] for an index [B] of samples, all at once."""

    def __init__(self, windows: Windows) -> None:
        values = windows.shape[1]
        self._ends, self._reach = _unchanged(windows.ends), windows.reach
        self._views = [_view(series, values, windows.stride) for series in windows.series]

    def __call__(self, index_B: Tensor) -> Tensor:
        """Cut the windows of samples."""
        first_B = self._ends.index_select(0, index_B) - self._reach
        cut = [view.index_select(0, first_B) for view in self._views]
        return cut[0][:, :, None] if len(cut) == 1 else torch.stack(cut, dim=2)


def _view(series: Floats, values: int, stride: int) -> Tensor:
    """Lay every window of a series [T] out as a row, [T - reach, K], without copying a value."""
    tensor = _unchanged(np.ascontiguousarray(series, dtype=np.float32))
    rows = max(len(tensor) - (values - 1) * stride, 0)
    return tensor.as_strided((rows, values), (1, stride))


def _unchanged(values: NDArray[np.generic]) -> Tensor:
    """Return a tensor of the same memory, which may be a file's; it is only read."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(values)
