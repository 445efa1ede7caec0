"""Cells at sea of which nothing can be scored: forecasts that lack a value, and cells without a climatology."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.evaluation.compared_runs import names_of
from geoml_cli.evaluation.forecast_sums import MapSums
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.metrics.metric import Values


def refuse_nonfinite(inputs: EvaluationInputs, model: str, maps: Values, covered: NDArray[np.bool_]) -> None:
    """Refuse forecasts without a value where there is sea: models would be scored on other cells than each other.

    Args:
        inputs: Of the evaluation.
        model: Whose forecasts they are.
        maps: On the data set's grid, [B, L, y, x].
        covered: Cells that are scored, [y, x]; not those without a climatology.

    Raises:
        DataError: A cell has no finite value.
    """
    wrong = sum(int((covered & ~np.isfinite(maps[:, lead])).sum()) for lead in range(maps.shape[1]))
    if not wrong:
        return
    fix = "Look for months with missing or extreme cells."
    if model in names_of(inputs.settings.shared.evaluate.runs):
        fix = "It sees another part of the map, or lacks maps that this run has: leave it out of evaluate.runs."
    raise DataError(
        f"{model} forecasts no finite value for {wrong} of {maps[:, :, 0, 0].size * int(covered.sum())} sea cells.",
        where="evaluation",
        fix=fix,
    )


def without_climatology(sums: MapSums) -> list[str]:
    """Say how many cells count for no model, since no training map has a value there to compare anomalies with."""
    each_N = np.concatenate(sums.unreferenced)
    if not (most := int(each_N.max())):
        return []
    return [
        f"{most:,} cell(s) at sea have no value in the training maps, hence no climatology: they count for no model."
    ]
