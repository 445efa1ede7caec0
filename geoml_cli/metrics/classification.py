"""Scores of a probability, each a function of (observed 0 or 1, predicted probability), both [N].

Those that need a decision take 0.5 as its threshold. A score that the values do not define is NaN, and its docstring
says when. An empty input, a NaN, lengths that differ or an observation that is neither 0 nor 1 raise ValueError.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geoml_cli.metrics.regression import Values, checked

THRESHOLD = 0.5


class Confusion(NamedTuple):
    """Counts of decisions."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int


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


def accuracy(observed_N: Values, probability_N: Values) -> float:
    """Share of right decisions [1], best 1."""
    held = confusion(observed_N, probability_N)
    return (held.true_positive + held.true_negative) / sum(held)


def balanced_accuracy(observed_N: Values, probability_N: Values) -> float:
    """Mean of the shares found among positives and among negatives [1], best 1, chance 0.5. NaN with one class."""
    held = confusion(observed_N, probability_N)
    found = _ratio(held.true_positive, held.true_positive + held.false_negative)
    spared = _ratio(held.true_negative, held.true_negative + held.false_positive)
    return (found + spared) / 2


def precision(observed_N: Values, probability_N: Values) -> float:
    """Share of right ones among positive decisions [1], best 1. NaN where there are none."""
    held = confusion(observed_N, probability_N)
    return _ratio(held.true_positive, held.true_positive + held.false_positive)


def recall(observed_N: Values, probability_N: Values) -> float:
    """Share of positives that are found [1], best 1. NaN where there are none."""
    held = confusion(observed_N, probability_N)
    return _ratio(held.true_positive, held.true_positive + held.false_negative)


def f1(observed_N: Values, probability_N: Values) -> float:
    """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN) [1], best 1.

    NaN where there are neither positives nor positive decisions.
    """
    held = confusion(observed_N, probability_N)
    return _ratio(2 * held.true_positive, 2 * held.true_positive + held.false_positive + held.false_negative)


def roc_auc(observed_N: Values, probability_N: Values) -> float:
    """Area under the ROC curve [1]: the chance that a positive is ranked above a negative, ties counting half.

    Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747. NaN with one class.
    """
    observed, probability = _checked(observed_N, probability_N)
    positives = int(observed.sum())
    negatives = len(observed) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(probability, return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(counts) - (counts - 1) / 2
    ranks = middle_rank[place][observed == 1].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(observed_N: Values, probability_N: Values) -> float:
    """Area under the precision-recall curve [1], as the sum of precision times the step in recall; best 1.

    Its value by chance is the share of positives. NaN where there are none.
    """
    observed, probability = _checked(observed_N, probability_N)
    positives = observed.sum()
    if not positives:
        return float("nan")
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    hits = np.cumsum(observed[order])[last_of_tie]
    decided = np.flatnonzero(last_of_tie) + 1
    return float(np.sum(hits / decided * np.diff(hits, prepend=0)) / positives)


def brier(observed_N: Values, probability_N: Values) -> float:
    """Mean squared difference of probability and outcome [1], best 0. Brier 1950."""
    observed, probability = _checked(observed_N, probability_N)
    return float(np.mean((probability - observed) ** 2))


def confusion(observed_N: Values, probability_N: Values) -> Confusion:
    """Count decisions at a probability above 0.5."""
    observed, probability = _checked(observed_N, probability_N)
    positive, decided = observed == 1, probability > THRESHOLD
    pairs = (positive & decided, ~positive & decided, positive & ~decided, ~positive & ~decided)
    return Confusion(*(int(pair.sum()) for pair in pairs))


def reliability(observed_N: Values, probability_N: Values, classes: int = 10) -> Reliability:
    """Compare probabilities with outcomes in classes of equal width."""
    observed, probability = _checked(observed_N, probability_N)
    place = np.minimum((probability * classes).astype(np.int64), classes - 1)
    count = np.bincount(place, minlength=classes).astype(np.float64)
    held = count > 0
    mean = np.bincount(place, weights=probability, minlength=classes)[held] / count[held]
    share = np.bincount(place, weights=observed, minlength=classes)[held] / count[held]
    return Reliability(mean, share, count[held])


def _checked(observed_N: Values, probability_N: Values) -> tuple[Values, Values]:
    observed, probability = checked(observed_N, probability_N)
    if not np.isin(observed, (0, 1)).all():
        raise ValueError("observations must be 0 or 1")
    if probability.min() < 0 or probability.max() > 1:
        raise ValueError("probabilities must lie within 0 and 1")
    return observed, probability


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
