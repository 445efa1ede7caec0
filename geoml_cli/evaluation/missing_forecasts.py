"""Forecasts of maps that lack a value somewhere at sea, and why."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.evaluation.compared_runs import names_of
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.metrics.metric import Values

_NO_CLIMATOLOGY = (
    "A cell without a value in the training maps has no climatology, from which baselines start: prepare with a mask "
    "of land that has it, or leave out all baselines with --set evaluate.baselines=[]."
)


def refuse_nonfinite(inputs: EvaluationInputs, model: str, maps: Values, covered: NDArray[np.bool_]) -> None:
    """Refuse forecasts without a value where there is sea: models would be scored on other cells than each other.

    Args:
        inputs: Of the evaluation.
        model: Whose forecasts they are.
        maps: On the data set's grid, [B, L, y, x].
        covered: Cells that are scored, [y, x].

    Raises:
        DataError: A cell has no finite value.
    """
    wrong = sum(int((covered & ~np.isfinite(maps[:, lead])).sum()) for lead in range(maps.shape[1]))
    if not wrong:
        return
    fix = "Look for months with missing or extreme cells."
    if model in inputs.network.baselines:
        fix = _NO_CLIMATOLOGY
    elif model in names_of(inputs.settings.shared.evaluate.runs):
        fix = "It sees another part of the map, or lacks maps that this run has: leave it out of evaluate.runs."
    raise DataError(
        f"{model} forecasts no finite value for {wrong} of {maps[:, :, 0, 0].size * int(covered.sum())} sea cells.",
        where="evaluation",
        fix=fix,
    )
