"""Scores of a classification, from counts of pairs of observed and predicted class.

Classes are numbered 0 to C - 1, C known to the network. A score that the counts do not define is NaN, and its
docstring says when.

Legend: N rows, C classes; counts [..., C * C], observed class by predicted class.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from geoml_cli.metrics.metric import Metric, Statistics, Values, ratio

Counts = NDArray[np.int64]
_ROUNDING = 1e-12
"""Agreement beyond chance that is none."""


@cache
def pairs(classes: int) -> Statistics:
    """Return the function that counts pairs, [N] to [N, C * C]; the same function for the same C."""

    def counted(observed_N: Values, predicted_N: Values, weight_N: Values, reference_N: Values) -> Values:
        found = np.zeros((len(observed_N), classes * classes))
        pair = observed_N.astype(np.int64) * classes + predicted_N.astype(np.int64)
        found[np.arange(len(pair)), pair] = weight_N
        return found

    return counted


def confusion(observed_N: Values, predicted_N: Values, classes: int) -> Counts:
    """Count rows by observed class (rows) and predicted class (columns), shape [C, C]."""
    pair = observed_N.astype(np.int64) * classes + predicted_N.astype(np.int64)
    counts = np.bincount(pair, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def _of(score: Callable[[Values], Values]) -> Callable[[Values], Values]:
    """Read counts [..., C * C] as matrices [..., C, C]."""

    def value(sums: Values) -> Values:
        classes = round(np.sqrt(sums.shape[-1]))
        return np.asarray(score(np.asarray(sums, dtype=np.float64).reshape(*sums.shape[:-1], classes, classes)))

    value.__doc__ = score.__doc__
    return value


def _diagonal(counts: Values) -> Values:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def accuracy(counts: Values) -> Values:
    """Share of rows given the right class [1], best 1; overall accuracy in remote sensing."""
    return ratio(_diagonal(counts).sum(axis=-1), counts.sum(axis=(-2, -1)))


def _error_rate(counts: Values) -> Values:
    """Share of rows given a wrong class [1], best 0."""
    return 1 - accuracy(counts)


def recall(counts: Values) -> Values:
    """Share of each observed class that is found, [..., C], best 1; producer's accuracy in remote sensing."""
    return ratio(_diagonal(counts), counts.sum(axis=-1))


def precision(counts: Values) -> Values:
    """Share of what is given each class that is of it, [..., C], best 1; user's accuracy in remote sensing."""
    return ratio(_diagonal(counts), counts.sum(axis=-2))


def f1(counts: Values) -> Values:
    """Harmonic mean of recall and precision of each class that is observed or predicted, [..., C], best 1."""
    return ratio(2 * _diagonal(counts), counts.sum(axis=-2) + counts.sum(axis=-1))


def _balanced_accuracy(counts: Values) -> Values:
    """Mean over the observed classes of the share that is found [1], best 1; producer's accuracies averaged."""
    return _mean_defined(recall(counts))


def _macro_f1(counts: Values) -> Values:
    """Mean of the F1 scores of all classes that are observed or predicted [1], best 1."""
    return _mean_defined(f1(counts))


def kappa(counts: Values) -> Values:
    """Agreement beyond chance (p_o - p_e) / (1 - p_e) [1], best 1, chance 0.

    Cohen 1960, doi:10.1177/001316446002000104. NaN where one class is all that is observed and predicted.
    """
    total = counts.sum(axis=(-2, -1))
    chance = ratio((counts.sum(axis=-2) * counts.sum(axis=-1)).sum(axis=-1), total**2)
    beyond = accuracy(counts) - chance
    return ratio(np.where(np.abs(beyond) < _ROUNDING, 0.0, beyond), 1 - chance)


def _mean_defined(score: Values) -> Values:
    """Average over the classes whose score is defined."""
    defined = np.isfinite(score)
    return ratio(np.where(defined, score, 0).sum(axis=-1), defined.sum(axis=-1).astype(np.float64))


@cache
def class_metrics(classes: int) -> tuple[Metric, ...]:
    """Return accuracy, balanced accuracy, macro F1 and kappa of C classes."""
    scores = {"accuracy": accuracy, "balanced accuracy": _balanced_accuracy, "macro F1": _macro_f1, "kappa": kappa}
    return tuple(Metric(name, "1", "high", pairs(classes), _of(score)) for name, score in scores.items())


@cache
def error_rate(classes: int) -> Metric:
    """Return the share of rows that are given a wrong class."""
    return Metric("error rate", "1", "low", pairs(classes), _of(_error_rate))
