"""Paired comparison of two predictions of the same rows, from their scores on the same bootstrap draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from geoml_cli.metrics.intervals import Interval, percentiles
from geoml_cli.metrics.metric import Values

Better = Literal["first", "second", "none"]
FEWEST_GROUPS = 6
"""With fewer, no two-sided Wilcoxon test can reach 5 %, and a bootstrap has too few to draw from."""
_FEWEST_TESTED = 2
_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Comparison:
    """How two predictions differ by a score of which lower is better.

    Attributes:
        difference: Score of the first minus that of the second [its unit]; negative where the first is better.
        interval: Its 95 % bootstrap interval over groups; NaN with fewer than two groups.
        p_value: Two-sided Wilcoxon signed-rank test on the mean absolute errors of groups; 1 where
            these are all equal, NaN with fewer than two groups. Wilcoxon 1945, doi:10.2307/3001968.
        groups: Number of groups.
        ranks: Sum of the test's signed ranks; negative where the first errs less in most groups.
        fewest: Groups that are needed to call one of them better.
    """

    difference: float
    interval: Interval
    p_value: float
    groups: int
    ranks: float
    fewest: int = FEWEST_GROUPS

    @property
    def better(self) -> Better:
        """Say which is better: none unless interval and test, adjusted where it is one of several, say the same.

        With few groups a bootstrap's interval is too narrow; and one group may decide a score that all others oppose.
        """
        if self.groups < self.fewest or not self.p_value <= _SIGNIFICANT:
            return "none"
        if self.interval.high < 0 and self.ranks < 0:
            return "first"
        return "second" if self.interval.low > 0 and self.ranks > 0 else "none"


def compare(values: tuple[float, float], drawn_D: tuple[Values, Values], error_G: tuple[Values, Values]) -> Comparison:
    """Compare two predictions.

    Args:
        values: Score of each on all rows.
        drawn_D: Score of each on the same bootstrap draws.
        error_G: Mean absolute error (or error rate) of each in every group.
    """
    from scipy.stats import rankdata

    gap_G = error_G[0] - error_G[1]
    differing = gap_G[gap_G != 0]
    ranks = float(np.sum(np.sign(differing) * rankdata(np.abs(differing))))
    interval = percentiles(drawn_D[0] - drawn_D[1])
    return Comparison(values[0] - values[1], interval, signed_rank(gap_G), len(gap_G), ranks)


def fewest_groups(tests: int) -> int:
    """Return how many groups a two-sided Wilcoxon test needs to reach 5 % where it is one of several, by Holm."""
    return next(groups for groups in range(FEWEST_GROUPS, 64) if tests * 2.0 ** (1 - groups) <= _SIGNIFICANT)


def holm(p_B: Sequence[float]) -> list[float]:
    """Adjust p-values for their number; NaN stays and does not count. Holm 1979, Scand. J. Statist. 6, 65-70."""
    adjusted = list(p_B)
    known = sorted((value, place) for place, value in enumerate(p_B) if value == value)
    largest = 0.0
    for rank, (value, place) in enumerate(known):
        largest = max(largest, min((len(known) - rank) * value, 1.0))
        adjusted[place] = largest
    return adjusted


def signed_rank(difference_G: Values) -> float:
    """Return the p-value of the two-sided Wilcoxon signed-rank test; NaN with fewer than two groups, 1 for zeros."""
    if len(difference_G) < _FEWEST_TESTED:
        return float("nan")
    if not difference_G.any():
        return 1.0
    from scipy.stats import wilcoxon

    return float(wilcoxon(difference_G).pvalue)
