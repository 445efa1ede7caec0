"""Networks between their scalings, and members of one network over rows of samples: physical in, physical out.

Legend: M members, B rows of a batch, N rows, O outputs, L lead times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from geoml_cli.inference.intervals import Intervals
from geoml_cli.inference.ranges import InputRanges
from geoml_cli.models.spec import Values
from geoml_cli.samples.batches import InputScaling, TargetInverse, gathered
from geoml_cli.samples.samples import Samples
from geoml_cli.samples.scaling import Scaling
from geoml_cli.samples.spatial import SpatialTransform
from geoml_cli.tasks.task import Task

Rows = NDArray[np.int64]
NextInputs = Callable[[dict[str, Tensor], Tensor], dict[str, Tensor]]


class ScaledNetwork(nn.Module):
    """A member's network between its scalings.

    Args:
        network: With its trained weights.
        predict: Network and scaled batch to scaled output.
        scaling: Its member's.
    """

    def __init__(self, network: nn.Module, predict: Callable[..., Tensor], scaling: Scaling) -> None:
        super().__init__()
        self.network = network
        self._predict = predict
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
        """Return the task's outputs, each [B], or of maps [B, L, y, x]."""
        if self.spatial is None:
            return tuple(self._pool(torch.stack([member(*inputs) for member in self.members])))
        seen = [self.spatial(maps) for maps in inputs]
        outputs = self._pool(torch.stack([member(*seen) for member in self.members]))
        return tuple(self.spatial.inverse(outputs))


class Predictor:
    """Runs members of one network over rows of samples, in batches.

    Args:
        members: Of one network.
        task: Pools their predictions.
        batch_size: Rows at once.
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
        batch_size: int,
        device: torch.device,
        next_inputs: NextInputs | None = None,
    ) -> None:
        self._members = [member.to(device).eval() for member in members]
        self._task, self._size, self._device, self._next_inputs = task, batch_size, device, next_inputs
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
        found = pooled(self._task, each)
        if samples.spatial is not None:
            found = samples.spatial.inverse(torch.from_numpy(found)).numpy()
        if self.intervals is None:
            return found
        return np.concatenate([found, self.intervals.of(each, found[self._task.scored])])

    @torch.inference_mode()
    def each(self, samples: Samples, rows: Rows, steps: int | None = None) -> Tensor:
        """Return each member's prediction before pooling, [M, N, ...], float64; inputs must be complete."""
        parts = []
        for start in range(0, max(len(rows), 1), self._size):
            inputs = gathered(samples, rows[start : start + self._size], self._device)
            if self.ranges is not None:
                self.ranges.count(dict(zip(samples.inputs, inputs, strict=True)))
            parts.append(torch.stack([self._member(member, inputs, steps) for member in self._members]).cpu().double())
        return torch.cat(parts, dim=1)

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
