"""Scores of a probability of something that is (1) or is not (0).

Those that need a decision take 0.5 as its threshold where no other is given, the convention of scikit-learn. A score
that the rows do not define is NaN, and its docstring says when.

Legend: N rows, K statistics; o observed (0 or 1), p predicted probability.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.metrics.metric import Metric, Statistics, Values, checked, ratio

Index = NDArray[np.int64]
THRESHOLD = 0.5


class Decisions(NamedTuple):
    """Sums over rows: decisions at the threshold, and errors of the probability."""

    true_positive: Values
    false_positive: Values
    false_negative: Values
    true_negative: Values
    square: Values
    absolute: Values

    @property
    def rows(self) -> Values:
        """Return the number of rows."""
        return np.asarray(sum(self[:4]), dtype=np.float64)


class Reliability(NamedTuple):
    """How often what was predicted with a probability came true, by class of probability.

    Attributes:
        predicted: Mean probability of a class.
        observed: Share that came true.
        rows: Number of rows in it; classes without any are left out.
    """

    predicted: Values
    observed: Values
    rows: Values


@cache  # metrics that share a function share one pass over the rows
def decisions_at(threshold: float) -> Statistics:
    """Return the statistics of decisions for what is more probable than a threshold."""

    def decisions(observed_N: Values, probability_N: Values, weight_N: Values, reference_N: Values) -> Values:
        """Return what each row adds to the sums, shape [N, 6] in the order of `Decisions`."""
        positive, predicted = observed_N == 1, probability_N > threshold
        pairs = (positive & predicted, ~positive & predicted, positive & ~predicted, ~positive & ~predicted)
        error = probability_N - observed_N
        columns = [*(pair.astype(np.float64) for pair in pairs), error * error, np.abs(error)]
        return np.stack(columns, axis=-1) * weight_N[..., None]

    return decisions


def count_decisions(observed_N: Values, probability_N: Values, threshold: float = THRESHOLD) -> Decisions:
    """Sum over all rows; errors as for `checked_probability`."""
    observed, probability = checked_probability(observed_N, probability_N)
    statistics = decisions_at(threshold)
    return Decisions(*statistics(observed, probability, np.ones(len(observed)), observed).sum(axis=0))


def _of(score: Callable[[Decisions], Values]) -> Callable[[Values], Values]:
    def value(sums: Values) -> Values:
        return np.asarray(score(Decisions(*np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0))))

    value.__doc__ = score.__doc__
    return value


def _accuracy(d: Decisions) -> Values:
    """Share of right decisions [1], best 1."""
    return ratio(d.true_positive + d.true_negative, d.rows)


def _recall(d: Decisions) -> Values:
    """Share of positives that are found [1], best 1. NaN where there are none."""
    return ratio(d.true_positive, d.true_positive + d.false_negative)


def _balanced_accuracy(d: Decisions) -> Values:
    """Mean of the shares found among positives and among negatives [1], best 1, chance 0.5. NaN with one class."""
    return (_recall(d) + ratio(d.true_negative, d.true_negative + d.false_positive)) / 2


def _precision(d: Decisions) -> Values:
    """Share of right ones among positive decisions [1], best 1. NaN where there are none."""
    return ratio(d.true_positive, d.true_positive + d.false_positive)


def _f1(d: Decisions) -> Values:
    """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN) [1], best 1.

    NaN where there are neither positives nor positive decisions.
    """
    return ratio(2 * d.true_positive, 2 * d.true_positive + d.false_positive + d.false_negative)


def _brier(d: Decisions) -> Values:
    """Mean squared difference of probability and outcome [1], best 0. Brier 1950."""
    return ratio(d.square, d.rows)


def _rmse(d: Decisions) -> Values:
    """Root mean square error of the probability [1], best 0: the square root of the Brier score."""
    return np.sqrt(_brier(d))


def _mae(d: Decisions) -> Values:
    """Mean absolute error of the probability [1], best 0."""
    return ratio(d.absolute, d.rows)


def _roc_auc(observed_N: Values, probability_N: Values, place_N: Index) -> Callable[[Values], Values]:
    """Area under the ROC curve [1]: the chance that a positive is ranked above a negative, ties counting half.

    Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747. NaN with one class.
    """
    order = np.argsort(probability_N, kind="stable")
    positive, place = observed_N[order] == 1, place_N[order]
    tie_last = _last_of_tie(probability_N[order])

    def scored(count_G: Values) -> float:
        weight = count_G[place]
        # Sums of each tie: positives above all negatives before the tie, and half of those in it.
        hits = np.diff(np.cumsum(weight * positive)[tie_last], prepend=0.0)
        misses_to = np.cumsum(weight * ~positive)[tie_last]
        misses = np.diff(misses_to, prepend=0.0)
        pairs = hits.sum() * misses.sum()
        return float((hits * (misses_to - misses / 2)).sum() / pairs) if pairs else float("nan")

    return lambda count_DG: np.array([scored(count_G) for count_G in count_DG])


def _average_precision(observed_N: Values, probability_N: Values, place_N: Index) -> Callable[[Values], Values]:
    """Area under the precision-recall curve [1], as the sum of precision times the step in recall; best 1.

    Its value by chance is the share of positives. NaN where there are none.
    """
    order = np.argsort(-probability_N, kind="stable")
    positive, place = observed_N[order] == 1, place_N[order]
    tie_last = _last_of_tie(probability_N[order])

    def scored(count_G: Values) -> float:
        weight = count_G[place]
        hits = np.cumsum(weight * positive)[tie_last]
        predicted = np.cumsum(weight)[tie_last]
        if not hits[-1]:
            return float("nan")
        precision = np.divide(hits, predicted, out=np.zeros_like(hits), where=predicted > 0)
        return float((precision * np.diff(hits, prepend=0.0)).sum() / hits[-1])

    return lambda count_DG: np.array([scored(count_G) for count_G in count_DG])


def _last_of_tie(ordered_N: Values) -> Index:
    """Return the places of the last row of each run of equal values."""
    return np.flatnonzero(np.append(ordered_N[1:] != ordered_N[:-1], True)).astype(np.int64)


def reliability(observed_N: Values, probability_N: Values, classes: int = 10) -> Reliability:
    """Compare probabilities with outcomes in classes of equal width; errors as for `checked_probability`."""
    observed, probability = checked_probability(observed_N, probability_N)
    place = np.minimum((probability * classes).astype(np.int64), classes - 1)
    count = np.bincount(place, minlength=classes).astype(np.float64)
    filled = count > 0
    mean = np.bincount(place, weights=probability, minlength=classes)[filled] / count[filled]
    share = np.bincount(place, weights=observed, minlength=classes)[filled] / count[filled]
    return Reliability(mean, share, count[filled])


def checked_probability(observed_N: Values, probability_N: Values) -> tuple[Values, Values]:
    """Return both as float64.

    Raises:
        ValueError: As for `checked`, or values that are no outcome or no probability.
    """
    observed, probability = checked(observed_N, probability_N)
    if not np.isin(observed, (0, 1)).all():
        raise ValueError("observations must be 0 or 1")
    if probability.min() < 0 or probability.max() > 1:
        raise ValueError("probabilities must lie within 0 and 1")
    return observed, probability


def decision_metrics(threshold: float = THRESHOLD) -> tuple[Metric, ...]:
    """Return accuracy, balanced accuracy, precision, recall and F1 of decisions at a threshold."""
    scores = {
        "accuracy": _accuracy,
        "balanced accuracy": _balanced_accuracy,
        "precision": _precision,
        "recall": _recall,
        "F1": _f1,
    }
    return tuple(Metric(name, "1", "high", decisions_at(threshold), _of(score)) for name, score in scores.items())


# Errors of the probability itself do not depend on the threshold.
BRIER = Metric("Brier", "1", "low", decisions_at(THRESHOLD), _of(_brier))
RMSE = Metric("RMSE", "1", "low", decisions_at(THRESHOLD), _of(_rmse))
MAE = Metric("MAE", "1", "low", decisions_at(THRESHOLD), _of(_mae))
ROC_AUC = Metric("ROC-AUC", "1", "high", None, of_rows=_roc_auc)
PR_AUC = Metric("PR-AUC", "1", "high", None, of_rows=_average_precision)
