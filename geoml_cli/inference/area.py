"""Whether predictions lie in the area of applicability of a run.

Legend: N rows, F summaries of inputs.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.variables import Variable
from geoml_cli.metrics.applicability import Applicability
from geoml_cli.metrics.metric import Values
from geoml_cli.samples.samples import Samples
from geoml_cli.samples.summaries import summaries

APPLICABLE = "applicable"
_ROWS_AT_ONCE = 8192


def area_outputs(area: Applicability) -> tuple[Variable, Variable]:
    """Describe the dissimilarity, and the mask."""
    meaning = "distance of the inputs to the nearest training sample over the mean distance between training samples"
    inside = f"1 in the area of applicability (dissimilarity {area.threshold:.3g} or less), 0 outside"
    mask = Variable(APPLICABLE, "1", inside, title="area of applicability", classes={0: "outside", 1: "inside"})
    return Variable("dissimilarity", "1", meaning), mask


def in_area(area: Applicability, samples: Samples, rows: NDArray[np.int64]) -> Values:
    """Return dissimilarity, and whether it is small enough, [2, N]; NaN where inputs are missing."""
    found = np.full((2, len(rows)), np.nan)
    whole = np.flatnonzero(samples.complete[rows]) if samples.complete is not None else np.arange(len(rows))
    for start in range(0, len(whole), _ROWS_AT_ONCE):
        chosen = whole[start : start + _ROWS_AT_ONCE]
        dissimilarity = area.dissimilarity(summaries(samples, rows[chosen]))
        found[:, chosen] = dissimilarity, dissimilarity <= area.threshold
    return found


def share_inside(applicable: Iterable[NDArray[np.float32]]) -> float:
    """Return the share of predictions that lie in the area; NaN where there are none."""
    inside = known = 0.0
    for values in applicable:
        inside += float(np.nansum(values))
        known += float(np.isfinite(values).sum())
    return inside / known if known else float("nan")
