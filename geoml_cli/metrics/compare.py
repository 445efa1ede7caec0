"""Paired comparison of two predictions of the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.metrics.intervals import Bootstrap, Interval, percentiles
from geoml_cli.metrics.regression import Values, checked

_FEWEST_GROUPS = 2


@dataclass(frozen=True)
class Measure:
    """What predictions are ranked by, the lower the better.

    Attributes:
        name: For people.
        key: In files.
        rows: What each row adds, never negative, from observed and predicted values [N].
        root: Whether the square root of the mean is taken.
    """

    name: str
    key: str
    rows: Callable[[Values, Values], Values]
    root: bool

    def of(self, observed_N: Values, predicted_N: Values) -> float:
        """Measure a prediction."""
        return self.mean(self.rows(*checked(observed_N, predicted_N)))

    def mean(self, rows_N: Values) -> float:
        """Put what the rows add together."""
        return float(np.sqrt(rows_N.mean()) if self.root else rows_N.mean())


RMSE = Measure("RMSE", "rmse", lambda observed, predicted: (predicted - observed) ** 2, root=True)
ERROR_RATE = Measure("error rate", "error_rate", lambda seen, told: (seen != told).astype(np.float64), root=False)
"""Of classes: the share of rows that are given another one than was observed."""

Verdict = Literal["first", "second", "none"]


FEWEST_GROUPS = 6
"""With fewer, no two-sided Wilcoxon test can reach 5 %, and a bootstrap has too few to draw from."""


@dataclass(frozen=True)
class Comparison:
    """How two predictions differ.

    Attributes:
        difference: Error of the first minus that of the second [its unit]; negative where the first is better.
        interval: Its 95 % bootstrap interval over groups; NaN with fewer than two groups.
        p_value: Two-sided Wilcoxon signed-rank test on the absolute errors, averaged per group first; 1 where
            these are all equal, NaN with fewer than two groups. Wilcoxon 1945, doi:10.2307/3001968.
        groups: Number of groups.
        measure: What was compared.
    """

    difference: float
    interval: Interval
    p_value: float
    groups: int
    measure: Measure = RMSE

    @property
    def better(self) -> Verdict:
        """Say which is better, or none where the interval covers zero, is undefined, or rests on few groups."""
        if self.groups < FEWEST_GROUPS:
            return "none"
        if self.interval.high < 0:
            return "first"
        return "second" if self.interval.low > 0 else "none"


def compare(
    observed_N: Values,
    predictions: tuple[Values, Values],
    groups_N: NDArray[np.int64],
    bootstrap: Bootstrap,
    measure: Measure = RMSE,
) -> Comparison:
    """Compare two predictions, each [N], of the same rows.

    Args:
        observed_N: Observed values, finite.
        predictions: The first and the second prediction, finite.
        groups_N: Which group each row belongs to; rows of a group are resampled and tested as one.
        bootstrap: Draws and seed.
        measure: What they are compared by.
    """
    losses = measure.rows(observed_N, predictions[0]), measure.rows(observed_N, predictions[1])
    difference = measure.mean(losses[0]) - measure.mean(losses[1])
    groups = len(np.unique(groups_N))
    if groups < _FEWEST_GROUPS:
        return Comparison(difference, Interval(float("nan"), float("nan")), float("nan"), groups, measure)
    drawn = [measure.mean(losses[0][rows]) - measure.mean(losses[1][rows]) for rows in bootstrap.rows(groups_N)]
    absolute = np.sqrt(losses[0]) - np.sqrt(losses[1])
    p_value = _signed_rank(_group_means(absolute, groups_N))
    return Comparison(difference, percentiles(np.array(drawn)), p_value, groups, measure)


def _group_means(values_N: Values, groups_N: NDArray[np.int64]) -> Values:
    _, group_N, size_G = np.unique(groups_N, return_inverse=True, return_counts=True)
    return np.asarray(np.bincount(group_N, weights=values_N) / size_G, dtype=np.float64)


def _signed_rank(difference_G: Values) -> float:
    if not difference_G.any():
        return 1.0
    from scipy.stats import wilcoxon

    return float(wilcoxon(difference_G).pvalue)
