"""Networks between their scalings, and members of one network over rows of samples: physical in, physical out.

Legend: M members, B rows of a batch, N rows, O outputs, L lead times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from geoml_cli.inference.intervals import Intervals
from geoml_cli.inference.map_batches import are_large, maps_at_once
from geoml_cli.inference.pool import in_order
from geoml_cli.inference.trained_ranges import Counts, InputRanges, empty
from geoml_cli.layers.widths import rows_at_once
from geoml_cli.models.spec import Network, Values
from geoml_cli.samples.batches import InputScaling, TargetInverse, gatherer
from geoml_cli.samples.patches import Patches
from geoml_cli.samples.samples import Samples
from geoml_cli.samples.scaling import Scaling
from geoml_cli.samples.spatial import SpatialTransform
from geoml_cli.tasks.task import Task

Rows = NDArray[np.int64]
NextInputs = Callable[[dict[str, Tensor], Tensor], dict[str, Tensor]]

_ONE_BATCH = 8
"""So few rows are one batch for every network."""


class ScaledNetwork(nn.Module):
    """A member's network between its scalings.

    Args:
        network: With its trained weights.
        record: Of the network.
        scaling: Its member's.
    """

    def __init__(self, network: nn.Module, record: Network, scaling: Scaling) -> None:
        super().__init__()
        self.network = network
        self._predict, self._predict_block = record.predict, record.predict_block
        self.scale = InputScaling(scaling)
        self.inverse = TargetInverse(scaling.target)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return predictions in the target's unit, shape [B], or scores of classes, [B, classes].

        Args:
            inputs: Physical inputs in the order of the run's signature, each [B, ...].
        """
        batch = dict(zip(self.scale.names, inputs, strict=True))
        physical: Tensor = self.inverse(self._predict(self.network, self.scale(batch)))
        return physical

    @property
    def sees_blocks(self) -> bool:
        """Return whether windows of a block may be given as the block itself."""
        return self._predict_block is not None

    def of_block(self, inputs: Sequence[Tensor], windows_B: Tensor) -> Tensor:
        """Return predictions of windows of a block, as `forward` does within rounding.

        Args:
            inputs: Physical, as for `forward`; a block [C, Y, X] in place of its windows.
            windows_B: Number of each sample's window among those of the block, row by row.
        """
        assert self._predict_block is not None, "a network that sees blocks"
        batch = dict(zip(self.scale.names, inputs, strict=True))
        physical: Tensor = self.inverse(self._predict_block(self.network, self.scale(batch), windows_B))
        return physical


class _Batch(NamedTuple):
    """Samples that are predicted at once.

    Attributes:
        places: Which of the rows they are.
        inputs: Physical, each [B, ...], or the block [C, Y, X] of which they are windows.
        windows: Number of each sample's window among those of the block; None where there is no block.
        repeats: How many windows hold each pixel of the block, [Y, X], by its input.
    """

    places: Rows
    inputs: Mapping[str, Tensor]
    windows: Tensor | None = None
    repeats: Mapping[str, Tensor] = MappingProxyType({})


class Ensemble(nn.Module):
    """Members of one network and what their predictions give together; the graph that is exported.

    Args:
        members: Of one network.
        task: Pools their predictions.
        spatial: From the data set's maps to the network's, where it sees maps.
    """

    def __init__(self, members: Sequence[ScaledNetwork], task: Task, spatial: SpatialTransform | None = None) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self._pool, self.spatial = task.pool, spatial

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the task's outputs, each [B], or of maps [B, L, y, x]; NaN of samples that lack an input."""
        if self.spatial is None:
            complete_B = _complete(inputs)
            pooled_OB = self._pool(torch.stack([member(*inputs) for member in self.members]))
            return tuple(torch.where(complete_B, output, float("nan")) for output in pooled_OB)
        complete_B = _complete([torch.where(_has_frames(maps), 0.0, float("nan")) for maps in inputs])
        seen = [self.spatial(maps) for maps in inputs]
        # Members are pooled on the data set's grid: of resized maps a standard deviation cannot be resized.
        outputs = self._pool(torch.stack([self.spatial.inverse(member(*seen)) for member in self.members]))
        return tuple(torch.where(complete_B[:, None, None, None], output, float("nan")) for output in outputs)


def _has_frames(maps: Tensor) -> Tensor:
    """Return which frames of maps [B, ..., y, x] have a value somewhere, [B, ...]."""
    return torch.isfinite(maps).flatten(-2).any(dim=-1)


def _complete(inputs: Sequence[Tensor]) -> Tensor:
    """Return which samples have finite inputs, [B].

    Asked for, since engines do not agree on what comes out of others: ONNX Runtime's LSTM takes NaN as a number.
    """
    found = [torch.isfinite(values).flatten(1).all(dim=1) for values in inputs if values.is_floating_point()]
    complete_B = found[0]
    for other_B in found[1:]:
        complete_B = complete_B & other_B
    return complete_B


class Predictor:
    """Runs members of one network over rows of samples, in batches.

    Args:
        members: Of one network.
        task: Pools their predictions.
        batch_size: Rows at once; None takes as many as suit the widths of the network.
        device: Where they run.
        next_inputs: As of `Network`.

    Attributes:
        ranges: Counts inputs outside the ranges of the training rows, where they are counted.
        intervals: What follows the task's outputs, where the run is calibrated.
    """

    def __init__(
        self,
        members: Sequence[ScaledNetwork],
        task: Task,
        batch_size: int | None,
        device: torch.device,
        next_inputs: NextInputs | None = None,
    ) -> None:
        self._members = [member.to(device).eval() for member in members]
        self._task, self._size, self._device, self._next_inputs = task, batch_size, device, next_inputs
        self._measured = False
        self.ranges: InputRanges | None = None
        self.intervals: Intervals | None = None

    def outputs(self, samples: Samples, rows: Rows, steps: int | None = None) -> Values:
        """Return every output over the rows, then intervals, shape [O, N] or [O, N, ...], in physical units.

        NaN where inputs are missing. Maps are on the data set's grid; `steps` lead times of them, or the network's own.
        """
        if samples.complete is None:
            return self._outputs(samples, rows, steps)
        complete = samples.complete[rows]
        found = self._outputs(samples, rows[complete], steps)
        result = np.full((len(found), len(rows), *found.shape[2:]), np.nan)
        result[:, complete] = found
        return result

    def _outputs(self, samples: Samples, rows: Rows, steps: int | None) -> Values:
        # Pooled in float64, by evaluation and prediction alike: what is scored is what is delivered.
        each = self.each(samples, rows, steps)
        spatial = samples.spatial
        if spatial is None:
            found = pooled(self._task, each)
        else:  # lead time by lead time: maps of the data set are larger than the network's, and of several members
            leads = [pooled(self._task, spatial.inverse(each[:, :, lead])) for lead in range(each.shape[2])]
            found = np.stack(leads, axis=2)
        if self.intervals is None:
            return found
        return np.concatenate([found, self.intervals.of(each, found[self._task.scored])])

    @torch.inference_mode()
    def each(self, samples: Samples, rows: Rows, steps: int | None = None) -> Tensor:
        """Return each member's prediction before pooling, [M, N, ...], float64; inputs must be complete.

        On a CPU batches run side by side, one thread each, but for maps, of which a batch may fill the memory.
        """
        cut = self._strips if self._sees_blocks(samples) and len(rows) else self._batches
        calls = (
            partial(self._predicted, batch, steps) for batch in cut(samples, rows, self._rows_at_once(samples, rows))
        )
        is_small = self._device.type == "cpu" and not self._task.target.dims
        parts, places = [], []
        for predicted, place, counts in in_order(calls) if is_small else (call() for call in calls):
            parts.append(predicted)
            places.append(place)
            if self.ranges is not None:
                self.ranges.add(counts)
        found, at = torch.cat(parts, dim=1), np.concatenate(places)
        return found if (at[1:] > at[:-1]).all() else found[:, np.argsort(at)]

    def _sees_blocks(self, samples: Samples) -> bool:
        windows = [item for item in samples.inputs.values() if isinstance(item.values, Patches)]
        return len(windows) == 1 and all(member.sees_blocks for member in self._members)

    def _rows_at_once(self, samples: Samples, rows: Rows) -> int:
        """Return the size of a batch; found once, and not for a few rows, which are one unless they are large maps.

        Raises:
            SettingsError: A single map does not fit into memory.
        """
        if self._task.target.dims and len(rows) and not self._measured:
            self._measured = True
            if are_large(first := gatherer(samples, self._device)(rows[:1])):
                self._size = maps_at_once(self._members[0], first, self._device, self._size)
        if self._size is None and len(rows) > _ONE_BATCH:
            gather = gatherer(samples, self._device)
            self._size = rows_at_once(lambda few: self._members[0](*gather(rows[:few])), self._device)
        return self._size or _ONE_BATCH

    def _batches(self, samples: Samples, rows: Rows, size: int) -> Iterator[_Batch]:
        """Gather the rows, some at a time."""
        gather, names = gatherer(samples, self._device), list(samples.inputs)
        for start in range(0, max(len(rows), 1), size):
            chosen = rows[start : start + size]
            yield _Batch(np.arange(start, start + len(chosen)), dict(zip(names, gather(chosen), strict=True)))

    def _strips(self, samples: Samples, rows: Rows, size: int) -> Iterator[_Batch]:
        """Cut the block of which samples are windows into strips of about a batch; gather the other inputs."""
        [(name, patches)] = [(k, i.values) for k, i in samples.inputs.items() if isinstance(i.values, Patches)]
        others = replace(samples, inputs={key: item for key, item in samples.inputs.items() if key != name})
        gather = gatherer(others, self._device)
        for strip in patches.strips(rows, size):
            given = dict(zip(others.inputs, gather(rows[strip.places]), strict=True))
            given[name] = torch.from_numpy(strip.block).to(self._device)
            inputs = {key: given[key] for key in samples.inputs}
            repeats = torch.from_numpy(strip.repeats(patches.side)).to(self._device)
            yield _Batch(strip.places, inputs, torch.from_numpy(strip.windows).to(self._device), {name: repeats})

    def _predicted(self, batch: _Batch, steps: int | None) -> tuple[Tensor, Rows, Counts]:
        """Return predictions of a batch, [M, B, ...], which of the rows they are of, and what lay out of its range."""
        inputs = list(batch.inputs.values())
        if batch.windows is None:
            found = [self._member(member, inputs, steps) for member in self._members]
        else:
            found = [member.of_block(inputs, batch.windows) for member in self._members]
        counts = empty(0) if self.ranges is None else self.ranges.counts(batch.inputs, batch.repeats)
        return torch.stack(found).cpu().double(), batch.places, counts

    def _member(self, member: ScaledNetwork, inputs: list[Tensor], steps: int | None) -> Tensor:
        """Predict with one member; a forecast past its horizon goes on from the member's own maps."""
        found: Tensor = member(*inputs)
        if steps is None:
            return found
        names, parts = member.scale.names, [found]
        while sum(part.shape[1] for part in parts) < steps:
            assert self._next_inputs is not None, "a network whose target continues its input"
            batch = self._next_inputs(dict(zip(names, inputs, strict=True)), parts[-1])
            inputs = [batch[name] for name in names]
            parts.append(member(*inputs))
        return torch.cat(parts, dim=1)[:, :steps]

    def scored(self, samples: Samples, rows: Rows) -> Values:
        """Return the output that is compared with the target, shape [N]."""
        found: Values = self.outputs(samples, rows)[self._task.scored]
        return found


def pooled(task: Task, each_MN: Tensor) -> Values:
    """Pool members' predictions [M, N, ...], float64, to outputs [O, N]."""
    found: Values = task.pool(each_MN).numpy()
    return found
