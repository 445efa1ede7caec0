"""The contract a model fills: flat records of functions, found by scanning `models/`.

A model is a folder `models/NAME/` with `__init__.py` (its card), `settings.py` (its tables), `network.py`, `task.py`
and `spec.py` (the record). Its functions are closed over its own settings; training, evaluation and prediction know
networks and tasks, and no model.

Legend: N samples, B rows of a batch, C columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from geoml_cli.baselines.baseline import Baseline
from geoml_cli.dataset.store import Variables
from geoml_cli.dataset.variables import Variable
from geoml_cli.models.tables import ModelTables
from geoml_cli.samples.labels import Labels
from geoml_cli.samples.samples import Samples, Signature
from geoml_cli.samples.scaling import Scaling
from geoml_cli.tasks.task import Task

Batch = dict[str, Tensor]
"""Scaled inputs by name, each [B, ...], and `target` [B] where it is known."""
Values = NDArray[np.float64]
Rows = NDArray[np.int64]
S = TypeVar("S", bound=ModelTables)
# Empty, so that members of a model with one network are called by their fold alone.
SINGLE = ""
"""Name of the network of a model that has one."""


class Call(NamedTuple):
    """What a loss may depend on besides its batch.

    Attributes:
        number: Of the training step, 1 for the first; the same for all parts of a batch.
        rows: Rows of the whole batch, over all its parts and processes: a penalty that is spread over the rows is
            divided by this, and then does not depend on how the batch is cut.
    """

    # For TIDE-Net, whose spectrum term fades out over the first 1000 steps.
    number: int
    # For MMNet, whose penalty is divided by the rows of the batch.
    rows: int


@dataclass(frozen=True)
class Criterion:
    """A score of validation rows by which a checkpoint is chosen, without penalty terms.

    Attributes:
        sums: Network and batch to additive sums [K], float64.
        value: Score from the sums over all validation rows.
        best: Whether low or high values are good.
    """

    sums: Callable[[nn.Module, Batch], Tensor]
    value: Callable[[Tensor], float]
    best: Literal["low", "high"] = "low"

    def better(self, value: float, than: float | None) -> bool:
        """Return whether a value is better than the best so far; None before the first."""
        if than is None:
            return True
        # A tie keeps the earlier checkpoint, which took fewer steps.
        return value < than if self.best == "low" else value > than


def mean_criterion(loss: Callable[[nn.Module, Batch], Tensor]) -> Criterion:
    """Return the mean of a loss over rows, from its mean over each batch."""

    def sums(network: nn.Module, batch: Batch) -> Tensor:
        # Weighed by rows: the last batch may be shorter, and the result is the mean over all rows.
        rows = len(batch["target"])
        return torch.stack([loss(network, batch).double().cpu() * rows, torch.tensor(float(rows), dtype=torch.float64)])

    return Criterion(sums, lambda total: float(total[0]) / float(total[1]))


@dataclass(frozen=True)
class PretrainedWeights:
    """A paper's checkpoint, translated.

    Attributes:
        tables: The model's own tables as the checkpoint implies them, e.g. `{"network": {"variant": "cnn"}}`.
        signature: What the checkpoint says of its data.
        weights: Parameter name to array, under this project's names.
        scaling: Of inputs and target, where the release holds it; it becomes the run's.
        source: Whose quantity and unit the signature names, where the paper's own; empty where it names none.
        unsaid: Settings that change what the network computes, and that neither keys nor shapes tell.
        notes: Which weights of the file were taken, where it has several.
    """

    tables: dict[str, dict[str, object]]
    signature: Signature
    weights: dict[str, Tensor]
    scaling: Scaling | None = None
    source: str = ""
    unsaid: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """A network with what it sees and minimises.

    Attributes:
        task: What is predicted, given the signature of the data.
        samples: Inputs and target of a prepared data set, or of a block of one.
        build: Makes a network with fresh weights from torch's current random state.
        loss: Mean loss over the rows of a batch, or of a part of one, a scalar.
        predict: Network output for a batch, [B], in the scaled target's units; of classes [B, classes], of maps
            [B, L, H, W].
        predict_block: Same as `predict` of windows of one block of rasters: a batch that holds the block [C, Y, X] in
            place of windows [B, C, W, W], and the number of each sample's window among those of the block, row by row,
            [B], to the output [B]. Equal within rounding; None of a network that is given windows alone.
        criteria: Scores of validation rows by name; each keeps its own best checkpoint, the first, `loss`, stops early.
        table: Features for baselines in physical units, [N, F] and F names; None where there is no table.
        baselines: The network's own baselines by name, in addition to those of a table.
        groups: Class labels [N] by quantity, by which scores are given as well.
        pretrained: Reads a released state dict; raises GeomlError naming unknown or missing keys.
        next_inputs: Of a network whose target continues its input: physical inputs and forecast to the inputs of the
            next call, for forecasts past its horizon; None of others.
        statistics: Scaling from arrays that were released next to the state dict, by the stem of their file; None where
            there are no such files.
        lagged: Input [N, T, V] whose time steps have an importance of their own; empty for none.
        bars: Variable of the data set that series of stations show as bars from above, such as rain; empty for none.
        label: Name of the network in scores and sentences, where settings replace the model's own by another; empty
            takes the model's.
        input_notes: What of an input, by its name, is otherwise than its variables' names say: who runs an exported
            graph has to make it so.
        weights_note: What the weights alone put out otherwise than predictions and graphs do; empty where nothing.
        input_words: What an input holds, by its name, in the words of an exported graph's card: order of time steps,
            their distance, units.
        class_parts: Part of the network that holds a weight of each class of an input, by the input's name.
        recordable: Whether its output depends on its inputs and weights alone, all of them tensors: no random numbers,
            no decisions by values, no calls that differ from step to step. Its training steps can then be CUDA graphs.
        stackable: Whether seeds can be trained at once (`train.seeds_at_once`), and this was measured to be faster:
            `torch.func.vmap` has rules for its layers and its loss, neither decides by values, and training changes no
            buffer.
        smallest_batch: Rows that a batch needs; 2 with BatchNorm, whose statistics then also refuse `accumulate` and
            several CPU processes.
    """

    task: Callable[[Signature], Task]
    samples: Callable[[Variables], Samples]
    build: Callable[[Signature], nn.Module]
    loss: Callable[[nn.Module, Batch, Call], Tensor]
    predict: Callable[[nn.Module, Batch], Tensor]
    criteria: Mapping[str, Criterion]
    predict_block: Callable[[nn.Module, Batch, Tensor], Tensor] | None = None
    table: Callable[[Samples], tuple[NDArray[np.float32], list[str]]] | None = None
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    groups: Callable[[Samples, Variables], Mapping[str, Labels]] | None = None
    pretrained: Callable[[Mapping[str, Tensor]], PretrainedWeights] | None = None
    next_inputs: Callable[[Batch, Tensor], Batch] | None = None
    statistics: Callable[[Signature, Mapping[str, Values]], Scaling] | None = None
    lagged: str = ""
    bars: str = ""
    label: str = ""
    input_notes: Mapping[str, str] = field(default_factory=dict)
    weights_note: str = ""
    input_words: Mapping[str, str] = field(default_factory=dict)
    class_parts: Mapping[str, str] = field(default_factory=dict)
    recordable: bool = False
    stackable: bool = False
    smallest_batch: int = 1


@dataclass(frozen=True)
class Pipeline:
    """Several networks one after another, scored like one.

    Attributes:
        task: Of what they give together; its metrics take observed and predicted values [N, C].
        combine: Scored outputs by network, each [N], to all outputs [O, N], NaN where one is not defined.
        observed: Targets by network, each [N], NaN where there is none, to observed values [N, C].
        scored: Scored outputs by network, each [N], to predicted values [N, C].
    """

    task: Task
    combine: Callable[[Mapping[str, Values]], Values]
    observed: Callable[[Mapping[str, Values]], Values]
    scored: Callable[[Mapping[str, Values]], Values]


@dataclass(frozen=True)
class KernelChoice(Generic[S]):
    """Implementations of a model's own kernels.

    Attributes:
        available: By name, that it works here, or why not and the fix.
        chosen: The one that these tables lead to here.
        compiles: Whether that one is compiled before its first step here, which takes some ten seconds.
    """

    available: Callable[[], Mapping[str, str]]
    chosen: Callable[[S], str]
    compiles: Callable[[S], bool]


@dataclass(frozen=True)
class FixedTimeGrid:
    """A map at one time, without rasters: samples on a grid of two coordinates.

    Attributes:
        axes: The grid's coordinates, rows first, each with its values [cells].
        samples: One a cell, row by row.
        drawn: Names of the outputs that a figure shows.
        missing: Which input values are missing, without which nothing can be predicted; empty where all are there.
    """

    axes: tuple[tuple[Variable, Values], tuple[Variable, Values]]
    samples: Samples
    drawn: tuple[str, ...]
    missing: str = ""


@dataclass(frozen=True)
class Spec(Generic[S]):
    """A model.

    Attributes:
        networks: Its networks by name, given its tables; `SINGLE` names the network of most models.
        pipeline: What several networks give together, given its tables and the names of those that are there.
        coordinates: Where and when samples are, as columns of predictions; None takes those of the data set.
        kernels: Implementations of the model's own kernels; None where PyTorch's operators do.
        resolved: Its tables with what the data set decides (`auto`) written out; None where nothing is.
        grid: Samples of a map at a time [UTC] and latitude [degrees]; None where maps are made of rasters.
    """

    networks: Callable[[S], Mapping[str, Network]]
    pipeline: Callable[[S, tuple[str, ...]], Pipeline] | None = None
    coordinates: Callable[[Variables, Rows], list[tuple[Variable, Values]]] | None = None
    kernels: KernelChoice[S] | None = None
    resolved: Callable[[S, Variables], S] | None = None
    grid: Callable[[S, Variables, np.datetime64, float], FixedTimeGrid] | None = None


def single(network: Network) -> Mapping[str, Network]:
    """Return the networks of a model that has one."""
    return {SINGLE: network}


# For callers that pass tables on without knowing whose they are.
AnySpec = Spec[Any]
