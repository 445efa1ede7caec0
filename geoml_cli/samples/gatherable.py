"""What stands in for an array of samples: cut or computed when a batch asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


class Gatherable(Protocol):
    """Samples [N, ...] by index: a NumPy array, or views that are cut on demand."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape [N, ...] of all samples."""

    @property
    def ndim(self) -> int:
        """Return the number of axes, that of samples included."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the type of the values."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> NDArray[Any]:  # noqa: ANN401  as NumPy's
        """Return some samples [rows, ...], physical units, NaN where missing."""


@runtime_checkable
class Gathers(Protocol):
    """A `Gatherable` that cuts tensors faster than by way of an array."""

    def gatherer(self) -> Callable[[Tensor], Tensor]:
        """Return a function from an index [B] to samples [B, ...]."""
