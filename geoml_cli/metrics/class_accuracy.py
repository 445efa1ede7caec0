"""Scores of each class, and of a map, from counts of rows that were drawn within the observed classes.

Rows of an observed class stand for all its pixels: Stehman 2014, doi:10.1080/01431161.2014.930207, on samples
stratified otherwise than by the map's classes; terms as in Olofsson et al. 2014, doi:10.1016/j.rse.2014.02.015.

Legend: C classes; counts [..., C * C], observed class by predicted class, and as matrices [..., C, C].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from geoml_cli.metrics.metric import Metric, Values, ratio
from geoml_cli.metrics.multiclass import accuracy, f1, kappa, pairs, precision, recall


def class_scores(classes: int, share_C: Values | None = None) -> tuple[Metric, ...]:
    """Return the scores of every class, whose values are [..., C].

    Args:
        classes: Number C of classes.
        share_C: Share of pixels of every observed class, 0 of a class that no row has; None where every row counts
            the same.
    """
    scores = {
        "producer's accuracy": recall,
        "user's accuracy": precision,
        "F1": f1,
        "share observed": _observed,
        "share predicted": _predicted,
    }
    return _metrics(classes, share_C, scores)


def map_scores(classes: int, share_C: Values | None = None) -> tuple[Metric, ...]:
    """Return accuracy and kappa of all pixels; arguments as above."""
    return _metrics(classes, share_C, {"accuracy": accuracy, "kappa": kappa})


def _metrics(
    classes: int, share_C: Values | None, scores: Mapping[str, Callable[[Values], Values]]
) -> tuple[Metric, ...]:
    statistics = pairs(classes)
    return tuple(Metric(name, "1", "high", statistics, _weighted(classes, share_C, of)) for name, of in scores.items())


def _weighted(classes: int, share_C: Values | None, score: Callable[[Values], Values]) -> Callable[[Values], Values]:
    """Make counts shares of pixels before they are scored; NaN of a class that has pixels and no row."""

    def value(sums: Values) -> Values:
        counts = np.asarray(sums, dtype=np.float64).reshape(*sums.shape[:-1], classes, classes)
        if share_C is None:
            return score(counts)
        weight_C1 = share_C[:, None]
        return score(np.where(weight_C1 > 0, weight_C1 * ratio(counts, counts.sum(axis=-1, keepdims=True)), 0.0))

    return value


def _observed(counts: Values) -> Values:
    """Share of each class [1]."""
    return ratio(counts.sum(axis=-1), counts.sum(axis=(-2, -1))[..., None])


def _predicted(counts: Values) -> Values:
    """Share that is given each class [1]."""
    return ratio(counts.sum(axis=-2), counts.sum(axis=(-2, -1))[..., None])
