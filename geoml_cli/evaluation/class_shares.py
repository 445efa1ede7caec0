"""What scores of classes are where classes were drawn with other shares than they have in the rasters.

Legend: P pooled rows, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.member_rows import PooledRows
from geoml_cli.metrics.multiclass import confusion
from geoml_cli.work.numbers import format_number, format_share

Values = NDArray[np.float64]
_ALIKE = 0.02
"""By how much shares of a random draw differ anyway."""


def share_notes(inputs: EvaluationInputs, pooled: PooledRows, predictions: Mapping[str, Values]) -> list[str]:
    """Say that scores are those of the draw, and which accuracy and kappa the pixels' own shares give.

    Pixels are drawn within the classes of the reference, so rows of a class stand for its pixels: the accuracy of the
    map is the mean of the classes' producer's accuracies, weighted by their pixels. Stehman 2014,
    doi:10.1080/01431161.2014.930207, on samples stratified otherwise than by the map's classes.
    """
    pixels = inputs.dataset.manifest.facts.get("pixels", ())
    names, pixels_C = inputs.task.class_names, np.asarray(pixels, dtype=np.float64)
    if not names or len(pixels_C) != len(names):
        return []
    counts = {model: confusion(pooled.observed_P, values_P, len(names)) for model, values_P in predictions.items()}
    drawn_C = next(iter(counts.values())).sum(axis=1)
    occurs_C = drawn_C > 0
    share_C = np.where(occurs_C, pixels_C, 0) / pixels_C[occurs_C].sum()
    if np.abs(share_C - drawn_C / drawn_C.sum()).max() <= _ALIKE:
        return []
    shares = ", ".join(
        f"{name} {format_share(drawn / drawn_C.sum())} of rows and {format_share(share)} of pixels"
        for name, drawn, share in zip(names, drawn_C, share_C, strict=True)
        if drawn
    )
    weighted = "; ".join(f"{model} {_accuracies(found, share_C)}" for model, found in counts.items())
    return [
        f"Classes have other shares among the rows than in the rasters ({shares}): scores and the coverage of sets are "
        f"those of the rows, not of a map. Weighted by pixels: {weighted}."
    ]


def _accuracies(counts_CC: NDArray[np.int64], share_C: Values) -> str:
    rows_C = counts_CC.sum(axis=1, keepdims=True)
    share_CC = share_C[:, None] * counts_CC / np.maximum(rows_C, 1)
    observed, chance = float(np.trace(share_CC)), float(share_CC.sum(axis=1) @ share_CC.sum(axis=0))
    kappa = (observed - chance) / (1 - chance) if chance < 1 else np.nan
    return f"accuracy {format_number(observed)}, kappa {format_number(kappa)}"
