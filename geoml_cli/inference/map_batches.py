"""How many maps are predicted at once, found on tensors with sizes and no numbers: large ones fill the memory."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from geoml_cli.errors import SettingsError
from geoml_cli.layers.live_bytes import LiveBytes, memory_of
from geoml_cli.layers.widths import rows_at_once

_LARGE = 2**17
"""Numbers of a sample's inputs from which on memory is looked at, which takes a second."""
_GIB = 2**30


def are_large(inputs: Sequence[Tensor]) -> bool:
    """Return whether samples [B, ...] are so large that a few of them may fill the memory."""
    return sum(math.prod(values.shape[1:]) for values in inputs) >= _LARGE


def maps_at_once(member: nn.Module, inputs: Sequence[Tensor], device: torch.device, asked: int | None = None) -> int:
    """Return how many samples are predicted at once, 1 at least and no more than the memory holds; nothing is computed.

    Args:
        member: A network of maps on the device.
        inputs: Of a sample or more, each [B, ...].
        device: Where it predicts.
        asked: How many the settings ask for; None takes as many as suit the widths of the network.

    Raises:
        SettingsError: The memory does not hold what a single sample takes.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    def call(rows: int) -> None:
        member(*(torch.empty(rows, *values.shape[1:], dtype=values.dtype, device=device) for values in inputs))

    live, available = LiveBytes(), memory_of(device)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        with live:
            call(1)
        size = asked or rows_at_once(call, device)
    if available is None:
        return size
    if live.peak > available:
        height, width = inputs[0].shape[-2:]
        raise SettingsError(
            f"to predict one sample with maps of {height} x {width} cells takes {live.peak / _GIB:,.1f} GiB of memory, "
            f"and there are {available / _GIB:,.1f}.",
            where=str(device),
            fix="Predict on a machine with more, or with a run of smaller maps: `geoml train` with "
            "--set frames.most_cells=N.",
        )
    return max(min(size, available // max(live.peak, 1)), 1)
