"""What earlier evaluations of a run have computed, under all that determines it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch

from geoml_cli.dataset.files import sha256
from geoml_cli.layers.devices import best_device
from geoml_cli.metrics.metric import Values
from geoml_cli.runs.kept import digest_of
from geoml_cli.splits.split import Rows

if TYPE_CHECKING:
    from geoml_cli.evaluation.inputs import EvaluationInputs


def of_member(
    inputs: EvaluationInputs, name: str, rows: Rows, more: Mapping[str, object], compute: Callable[[], Values]
) -> Values:
    """Return what follows from a member's predictions of rows, computed where no earlier evaluation has kept it.

    Args:
        inputs: The network.
        name: The member.
        rows: Which it predicts.
        more: What else determines the result.
        compute: Makes it.
    """
    if inputs.kept is None:
        return compute()
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
    return inputs.kept.array(key, compute)
