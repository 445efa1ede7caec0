"""Paired comparison of two predictions of the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.metrics.intervals import Bootstrap, Interval, percentiles
from geoml_cli.metrics.regression import Values, rmse

_FEWEST_GROUPS = 2
Verdict = Literal["first", "second", "none"]


FEWEST_GROUPS = 6
"""With fewer, no two-sided Wilcoxon test can reach 5 %, and a bootstrap has too few to draw from."""


@dataclass(frozen=True)
class Comparison:
    """How two predictions differ.

    Attributes:
        difference: RMSE of the first minus RMSE of the second [unit of the target]; negative where the first
            is better.
        interval: Its 95 % bootstrap interval over groups; NaN with fewer than two groups.
        p_value: Two-sided Wilcoxon signed-rank test on the absolute errors, averaged per group first; 1 where
            these are all equal, NaN with fewer than two groups. Wilcoxon 1945, doi:10.2307/3001968.
        groups: Number of groups.
    """

    difference: float
    interval: Interval
    p_value: float
    groups: int

    @property
    def better(self) -> Verdict:
        """Say which is better by RMSE, or none where the interval covers zero, is undefined, or rests on few groups."""
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
) -> Comparison:
    """Compare two predictions, each [N], of the same rows.

    Args:
        observed_N: Observed values, finite.
        predictions: The first and the second prediction, finite.
        groups_N: Which group each row belongs to; rows of a group are resampled and tested as one.
        bootstrap: Draws and seed.
    """
    first, second = predictions
    difference = rmse(observed_N, first) - rmse(observed_N, second)
    groups = len(np.unique(groups_N))
    if groups < _FEWEST_GROUPS:
        return Comparison(difference, Interval(float("nan"), float("nan")), float("nan"), groups)
    squares = ((first - observed_N) ** 2, (second - observed_N) ** 2)
    drawn = [_root_difference(squares, rows) for rows in bootstrap.rows(groups_N)]
    absolute = np.abs(first - observed_N) - np.abs(second - observed_N)
    p_value = _signed_rank(_group_means(absolute, groups_N))
    return Comparison(difference, percentiles(np.array(drawn)), p_value, groups)


def _root_difference(squares: tuple[Values, Values], rows: NDArray[np.int64]) -> float:
    first, second = squares
    return float(np.sqrt(first[rows].mean()) - np.sqrt(second[rows].mean()))


def _group_means(values_N: Values, groups_N: NDArray[np.int64]) -> Values:
    _, group_N, size_G = np.unique(groups_N, return_inverse=True, return_counts=True)
    return np.asarray(np.bincount(group_N, weights=values_N) / size_G, dtype=np.float64)


def _signed_rank(difference_G: Values) -> float:
    if not difference_G.any():
        return 1.0
    from scipy.stats import wilcoxon

    return float(wilcoxon(difference_G).pvalue)
