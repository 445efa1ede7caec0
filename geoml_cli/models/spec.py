"""The contract a model fills: one flat record of functions, found by scanning `models/`.

A model is a folder `models/NAME/` with `__init__.py` (its card), `settings.py` (its tables), `network.py`, `task.py`
and `spec.py` (the record). The training loop calls `spec.loss(network, batch)` and knows no model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from geoml_cli.dataset.samples import Samples, Signature
from geoml_cli.dataset.store import Variables
from geoml_cli.metrics.regression import Metric
from geoml_cli.models.tables import ModelTables

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


@dataclass(frozen=True)
class Spec(Generic[S]):
    """A model.

    Attributes:
        samples: Cuts the network's inputs and target out of a data set or a block of one.
        build: Makes a network with fresh weights from torch's current random state.
        loss: Mean loss over the batch's rows, a scalar.
        predict: Network output for a batch, [B], in the scaled target's units.
        metrics: Scores of an evaluation by name, the first being the one a table is sorted by.
        features: A table for the baselines from physical inputs: array [N, F] and F names.
        released: Reads a released state dict; raises GeomlError naming unknown or missing keys.
    """

    samples: Callable[[S, Variables], Samples]
    build: Callable[[S, Signature], nn.Module]
    loss: Callable[[nn.Module, Batch], Tensor]
    predict: Callable[[nn.Module, Batch], Tensor]
    metrics: Mapping[str, Metric]
    features: Callable[[Samples], tuple[NDArray[np.float32], list[str]]]
    released: Callable[[Mapping[str, Tensor]], Released]
