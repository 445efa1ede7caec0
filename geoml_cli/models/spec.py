"""The contract a model fills: one flat record of functions, found by scanning `models/`.

A model is a folder `models/NAME/` with `__init__.py` (its card), `settings.py` (its tables), `network.py`, `task.py`
and `spec.py` (the record). The training loop calls `spec.loss(network, batch)` and knows no model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from geoml_cli.dataset.store import Variables
from geoml_cli.metrics.regression import Metric
from geoml_cli.models.tables import ModelTables
from geoml_cli.samples.samples import Samples, Signature

Batch = dict[str, Tensor]
"""Scaled inputs by name, each [B, ...], and `target` [B] where it is known."""


S = TypeVar("S", bound=ModelTables)


@dataclass(frozen=True)
class Released:
    """A paper's checkpoint, translated.

    Attributes:
        tables: The model's own tables as the checkpoint implies them, e.g. `{"network": {"variant": "cnn"}}`.
        signature: What the checkpoint says of its data.
        weights: Parameter name to array, under this project's names.
    """

    tables: dict[str, dict[str, object]]
    signature: Signature
    weights: dict[str, Tensor]


Values = NDArray[np.float64]


class Quantity(NamedTuple):
    """A column of numbers: its name, unit and meaning."""

    name: str
    unit: str
    long_name: str


@dataclass(frozen=True)
class Combined(Generic[S]):
    """What a model makes of the outputs of its parts, sample by sample.

    Attributes:
        columns: What comes out, given the model's tables and the parts that are there.
        values: Its values [columns, N] from each part's mean output [N], NaN where a quantity is not defined.
        scores: Scores of the whole chain on rows that no part has seen, by name with their unit, from the parts'
            observed (NaN where there is none) and predicted values, each [N].
    """

    columns: Callable[[S, tuple[str, ...]], tuple[Quantity, ...]]
    values: Callable[[S, Mapping[str, Values]], Values]
    scores: Callable[[S, Mapping[str, Values], Mapping[str, Values]], Mapping[str, tuple[float, str]]]


@dataclass(frozen=True)
class Decided:
    """What comes of a network's scores of classes.

    Attributes:
        columns: Describes it, the decision first.
        outputs: Its values, each [B], from the scores of every member, [members, B, classes], and the codes of the
            classes, [classes].
    """

    columns: Callable[[Signature], tuple[Quantity, ...]]
    outputs: Callable[[Tensor, Tensor], tuple[Tensor, ...]]


@dataclass(frozen=True)
class KernelChoice(Generic[S]):
    """What may compute a model's own loops.

    Attributes:
        available: Says of each that it works here, or why not and the line that mends it.
        chosen: Names the one that these tables lead to here.
    """

    available: Callable[[], Mapping[str, str]]
    chosen: Callable[[S], str]


@dataclass(frozen=True)
class Moment:
    """A map at one moment, without rasters: samples on a grid of two coordinates.

    Attributes:
        axes: The grid's coordinates, rows first, each with its values [cells].
        samples: One a cell, row by row.
        drawn: Names of the outputs that a picture shows.
    """

    axes: tuple[tuple[Quantity, Values], tuple[Quantity, Values]]
    samples: Samples
    drawn: tuple[str, ...]


def whole(tables: S) -> Mapping[str, S]:
    """Say that a model has one part, without a name."""
    return {"": tables}


def unlinked(values: Values) -> Values:
    """Leave a network's physical output as it is."""
    return values


@dataclass(frozen=True)
class Spec(Generic[S]):
    """A model.

    Attributes:
        samples: Cuts the network's inputs and target out of a data set or a block of one.
        build: Makes a network with fresh weights from torch's current random state.
        loss: Mean loss over the batch's rows, a scalar.
        predict: Network output for a batch, [B], in the scaled target's units; of classes [B, classes].
        metrics: Scores of an evaluation by name, the first being the one a table is sorted by.
        features: A table for the baselines from physical inputs: array [N, F] and F names.
        released: Reads a released state dict; raises GeomlError naming unknown or missing keys.
        parts: The model's networks by name, each with tables of its own; one without a name for most models.
        of: The record of a part, where it differs from this one by the part's tables.
        judged: What scores are given of: values, probabilities of something that is (1) or is not (0), or numbers of
            classes.
        link: What scores compare with the target, from the network's physical output: such as a probability.
        output: What the network puts out, where that is not the target: such as a logit.
        places: Where and when a sample is, as columns of predictions: quantities and values [rows]; None takes
            longitude and latitude where the data set has them.
        strata: Classes by which scores are given as well: class labels [N] by quantity, of samples of a data set.
        decided: What comes of the members' scores of classes; None where the network puts out one value.
        combined: What several parts give together; None where there is one part.
        kernels: What may compute the model's own loops; None where PyTorch's operators do.
        moment: Samples of a map at a moment [UTC] and latitude [degrees]; None where maps are made of rasters.
    """

    samples: Callable[[S, Variables], Samples]
    build: Callable[[S, Signature], nn.Module]
    loss: Callable[[nn.Module, Batch], Tensor]
    predict: Callable[[nn.Module, Batch], Tensor]
    metrics: Mapping[str, Metric]
    features: Callable[[Samples], tuple[NDArray[np.float32], list[str]]]
    released: Callable[[Mapping[str, Tensor]], Released]
    parts: Callable[[S], Mapping[str, S]] = whole
    of: Callable[[S], Spec[S]] | None = None
    judged: Literal["values", "probabilities", "classes"] = "values"
    link: Callable[[Values], Values] = unlinked
    output: Quantity | None = None
    places: Callable[[Variables, NDArray[np.int64]], list[tuple[Quantity, Values]]] | None = None
    strata: Callable[[Samples, Variables], Mapping[str, NDArray[np.str_]]] | None = None
    decided: Decided | None = None
    combined: Combined[S] | None = None
    kernels: KernelChoice[S] | None = None
    moment: Callable[[S, Variables, np.datetime64, float], Moment] | None = None

    def part(self, tables: S) -> Spec[S]:
        """Return the record of a part, given the part's tables."""
        return self.of(tables) if self.of else self
