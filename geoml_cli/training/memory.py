"""Memory that a training step takes, found before anything is read: a step on tensors with sizes and no numbers.

A network of maps transforms and convolves whole maps, and keeps what every operation gave until its gradient is known;
a map that is too large ends the process without a word.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.errors import SettingsError
from geoml_cli.layers.live_bytes import LiveBytes, largest_memory
from geoml_cli.models.spec import Call, Network
from geoml_cli.samples.samples import Signature
from geoml_cli.training.precision import random_states_kept

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
    available = largest_memory()
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
