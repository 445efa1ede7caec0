"""Batches by index: one gather per array for a whole batch, scaled in one expression, never sample by sample."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from geoml_cli.dataset.store import Array
from geoml_cli.samples.frames import Frames
from geoml_cli.samples.gatherable import Gathers
from geoml_cli.samples.samples import Input, Samples, Target
from geoml_cli.samples.scaling import Scaling, TargetScaling

Batch = dict[str, Tensor]


class Batches:
    """Scaled batches of a member.

    Args:
        samples: Physical inputs and target; arrays may be memory maps of the data set's file.
        scaling: The member's.
        device: Where batches are wanted.
    """

    def __init__(self, samples: Samples, scaling: Scaling, device: torch.device) -> None:
        self._inputs = {name: _gatherer(item) for name, item in samples.inputs.items()}
        self._scale = InputScaling(scaling).to(device)
        self._device = device
        self._target = _targets(samples.target, scaling.target)

    def __call__(self, rows: NDArray[np.int64]) -> Batch:
        """Gather the rows, shape [B, ...] each, with `target` [B] or [B, ...] where the data set has one."""
        index = torch.from_numpy(rows)
        batch = {name: gather(index).to(self._device) for name, gather in self._inputs.items()}
        batch = dict(self._scale.forward(batch))
        if self._target is not None:
            batch["target"] = self._target(index).to(self._device)
        return batch

    def in_order(self, rows: NDArray[np.int64], size: int) -> Iterator[Batch]:
        """Yield the rows in order, `size` at a time, the last batch shorter."""
        for start in range(0, len(rows), size):
            yield self(rows[start : start + size])


class InputScaling(nn.Module):
    """Applies a member's input scaling to a batch; a module, so that an export carries it in its graph."""

    def __init__(self, scaling: Scaling) -> None:
        super().__init__()
        self.names = tuple(scaling.inputs)
        for name, affine in scaling.inputs.items():
            # Shaped once to broadcast behind the axis of variables: a step of a small network feels a reshape.
            behind = (1,) * scaling.trailing[name]
            self.register_buffer(f"{name}_shift", torch.tensor(affine.shift, dtype=torch.float32).reshape(-1, *behind))
            self.register_buffer(f"{name}_scale", torch.tensor(affine.scale, dtype=torch.float32).reshape(-1, *behind))

    def forward(self, batch: Batch) -> Batch:
        """Scale every input, shapes unchanged."""
        buffers = cast("dict[str, Tensor]", self._buffers)
        return {name: (batch[name] - buffers[f"{name}_shift"]) / buffers[f"{name}_scale"] for name in self.names}


class TargetInverse(nn.Module):
    """Turns a network's output into physical values, in the graph."""

    def __init__(self, scaling: TargetScaling) -> None:
        super().__init__()
        self._scaling = scaling

    def forward(self, output: Tensor) -> Tensor:
        """Undo scaling, then transform; shape unchanged."""
        plain = output * self._scaling.scale + self._scaling.shift_back
        if self._scaling.transform == "log":
            return plain.exp()
        return plain.expm1() if self._scaling.transform == "log1p" else plain


class TargetForward(nn.Module):
    """Turns physical values into what a network is trained on: the inverse of `TargetInverse`."""

    def __init__(self, scaling: TargetScaling) -> None:
        super().__init__()
        self._scaling = scaling

    def forward(self, values: Tensor) -> Tensor:
        """Transform, then scale; shape unchanged."""
        plain = values
        if self._scaling.transform == "log":
            plain = values.log()
        if self._scaling.transform == "log1p":
            plain = values.log1p()
        return (plain - self._scaling.shift) / self._scaling.scale


def gathered(samples: Samples, rows: NDArray[np.int64], device: torch.device) -> list[Tensor]:
    """Gather physical inputs of the rows, in the samples' order, each [B, ...], or [1, ...] where shared."""
    return gatherer(samples, device)(rows)


def gatherer(samples: Samples, device: torch.device) -> Callable[[NDArray[np.int64]], list[Tensor]]:
    """Return what gathers physical inputs of rows, as `gathered` does."""
    gathers = [_gatherer(item) for item in samples.inputs.values()]

    def gather(rows: NDArray[np.int64]) -> list[Tensor]:
        index = torch.from_numpy(rows)
        return [gather_one(index).to(device) for gather_one in gathers]

    return gather


def gathered_native(samples: Samples, rows: NDArray[np.int64]) -> list[Tensor]:
    """Gather physical inputs of the rows as the data set holds them: maps on its own grid."""
    if samples.spatial is None:
        return gathered(samples, rows, torch.device("cpu"))
    frames = [item.values for item in samples.inputs.values()]
    return [torch.from_numpy(windows.native(rows)) for windows in frames if isinstance(windows, Frames)]


def _targets(target: Target, scaling: TargetScaling) -> Callable[[Tensor], Tensor] | None:
    """Return what gathers scaled targets; None where the data set holds none."""
    if target.values is None:
        return None
    if isinstance(target.values, Gathers):
        gather, forward = target.values.gatherer(), TargetForward(scaling)
        return lambda index: forward(gather(index))
    with np.errstate(divide="ignore", invalid="ignore"):  # rows without a target are never asked for
        scaled = scaling.forward(np.asarray(target.values[:], dtype=np.float64))
    values = torch.from_numpy(scaled.astype(np.float32))
    return lambda index: values.index_select(0, index)


def _gatherer(item: Input) -> Callable[[Tensor], Tensor]:
    """Return what gathers an input's rows as a tensor."""
    if isinstance(item.values, Gathers):
        return item.values.gatherer()
    values = _tensor(item.values[:])
    if item.shared:
        return lambda index: values
    return lambda index: values.index_select(0, index)


def _tensor(values: Array) -> Tensor:
    with warnings.catch_warnings():
        # Torch warns that writing to a read-only map would fail; nothing here writes.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(values if values.dtype == np.float32 else values.astype(np.float32))
