"""Memory that operations take, counted on tensors with sizes and no numbers, and what there is of it."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from geoml_cli.work.memory import total_memory


def largest_memory() -> int | None:
    """Return the memory of this machine or of its largest GPU, whichever is more [bytes]; None where unknown."""
    own = total_memory()
    if own is None or not torch.cuda.is_available():
        return own
    gpus = [torch.cuda.get_device_properties(number).total_memory for number in range(torch.cuda.device_count())]
    return max(own, *gpus)


def memory_of(device: torch.device) -> int | None:
    """Return the memory of a device [bytes]; None where it is not known."""
    return torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else total_memory()


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensors that operations gave and that are still in use.

    Attributes:
        peak: The most at any time.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = self._now = 0
        self._storages: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        found = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(found):
            if isinstance(leaf, Tensor):
                self._add(leaf.untyped_storage())
        return found

    def _add(self, storage: torch.UntypedStorage) -> None:
        # Views share a storage, which counts once.
        key, size = storage._cdata, storage.nbytes()
        if key in self._storages:
            return
        self._storages.add(key)
        self._now += size
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._storages.discard(key)
        self._now -= size
