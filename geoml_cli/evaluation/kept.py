"""What earlier evaluations of a run have computed, under all that determines it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from geoml_cli.dataset.files import sha256
from geoml_cli.layers.devices import best_device
from geoml_cli.metrics.metric import Values
from geoml_cli.runs.kept import Computation, digest_of
from geoml_cli.splits.split import Rows

if TYPE_CHECKING:
    from geoml_cli.evaluation.inputs import EvaluationInputs

_ROWS, _ROWS_OF_LARGE = 131_072, 8_192
"""Rows that are predicted and kept together: some thirty batches, and at most minutes of a core."""
_LARGE = 4 * 2**20
"""Weights of a large network [bytes]."""


def computed(inputs: EvaluationInputs, wanted: Computation) -> Values:
    """Return an array, computed where no earlier evaluation has kept it."""
    return wanted.compute() if inputs.kept is None else inputs.kept.array(wanted)


def of_member(
    inputs: EvaluationInputs, name: str, rows: Rows, more: Mapping[str, object], compute: Callable[[], Values]
) -> Computation:
    """Describe what follows from a member's predictions of rows.

    Args:
        inputs: The network.
        name: The member.
        rows: Which it predicts.
        more: What else determines the result.
        compute: Makes it.
    """
    if inputs.kept is None:
        return Computation({}, compute)
    run = inputs.run
    key = {
        "member": name,
        "weights": sha256(run.member(name).checkpoint("best").weights),
        "scaling": run.scaling(name).model_dump_json(),
        "settings": sha256(run.config),
        "data": inputs.dataset.manifest.digest(),
        "rows": digest_of(rows),
        "torch": torch.__version__,
        "device": str(best_device()),
        **more,
    }
    return Computation(key, compute)


def blocks_of(inputs: EvaluationInputs, name: str, rows: Rows) -> Iterator[Rows]:
    """Cut the rows of a member into those that are predicted and kept together."""
    weights = inputs.run.member(name).checkpoint("best").weights.stat().st_size
    size = _ROWS_OF_LARGE if weights >= _LARGE else _ROWS
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def block_prediction(inputs: EvaluationInputs, name: str, block: Rows) -> Computation:
    """Describe a member's predictions of a block of rows before pooling, [N, ...]."""
    return of_member(inputs, name, block, {}, lambda: inputs.predictors[name](inputs.samples, block))


def member_predictions(inputs: EvaluationInputs, name: str, rows: Rows) -> Values:
    """Return a member's predictions of rows before pooling, [N, ...]; there is at least one row."""
    if inputs.kept is None:
        return inputs.predictors[name](inputs.samples, rows)
    blocks = [inputs.kept.array(block_prediction(inputs, name, block)) for block in blocks_of(inputs, name, rows)]
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
