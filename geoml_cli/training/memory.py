"""Memory that a training step takes, found before anything is read: a step on tensors with sizes and no numbers.

A network of maps transforms and convolves whole maps, and keeps what every operation gave until its gradient is known;
a map that is too large ends the process without a word.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.errors import SettingsError
from geoml_cli.models.spec import Call, Network
from geoml_cli.samples.samples import Signature
from geoml_cli.training.precision import random_states_kept
from geoml_cli.work.memory import total_memory

_FEWEST_NUMBERS = 2**17
"""Numbers of a batch's inputs from which on memory is looked at, which takes seconds: TIDE-Net of 64 channels takes
some 40 KB for each, 5 GB in all."""

_GIB = 2**30


def require_memory(networks: Mapping[str, Network], data: Mapping[str, Signature], train: TrainSettings) -> None:
    """Refuse to begin a training of maps whose first step does not fit into memory.

    With GPUs, whose number is not known here, a step of a single sample has to fit into one of them or into this
    machine's memory.

    Raises:
        SettingsError: It does not fit.
    """
    available = _largest_memory()
    if available is None:
        return
    rows = 1 if torch.cuda.is_available() else math.ceil(train.batch_size / train.accumulate)
    for name, network in networks.items():
        shapes = [item.shape for item in data[name].inputs.values()]
        is_large = rows * sum(map(math.prod, shapes)) >= _FEWEST_NUMBERS
        if not (is_large and network.task(data[name]).maps):
            continue
        # Mixed precision halves at most what is kept.
        needed = step_bytes(network, data[name], rows) // (1 if train.precision == "fp32" else 2)
        if needed > available:
            raise _too_large(data[name], train, (needed, rows), available)


def _largest_memory() -> int | None:
    """Return the memory of this machine or of its largest GPU, whichever is more [bytes]."""
    own = total_memory()
    if own is None or not torch.cuda.is_available():
        return own
    gpus = [torch.cuda.get_device_properties(number).total_memory for number in range(torch.cuda.device_count())]
    return max(own, *gpus)


def _too_large(data: Signature, train: TrainSettings, step: tuple[int, int], available: int) -> SettingsError:
    """Return the error of a step that takes so many bytes for so many rows."""
    (needed, rows), (height, width) = step, data.target_shape[-2:]
    fitting = available * rows // needed
    if fitting:
        fix = f"Use --set train.accumulate={math.ceil(train.batch_size / fitting)}, or smaller maps."
    else:
        cells = available * height * width // needed
        fix = f"Use maps of fewer than {cells:,} cells: --set frames.most_cells=N, or frames.size or frames.crop."
    return SettingsError(
        f"a training step of {rows} sample(s) with maps of {height} x {width} cells takes {needed / _GIB:,.1f} GiB of "
        f"memory, and there are {available / _GIB:,.1f}.",
        where="[train] batch_size, [frames]",
        fix=fix,
    )


def step_bytes(network: Network, data: Signature, rows: int) -> int:
    """Return the peak memory of a training step beyond weights and batch; nothing is computed.

    Args:
        network: Of maps.
        data: What it is built for.
        rows: Samples of the batch.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    live = LiveBytes()
    with random_states_kept(), FakeTensorMode():
        module = network.build(data)
        batch = {name: torch.empty(rows, *item.shape) for name, item in data.inputs.items()}
        batch["target"] = torch.empty(rows, *data.target_shape)
        with live:
            network.loss(module, batch, Call(1, rows)).backward()  # type: ignore[no-untyped-call]
    return live.peak


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
