"""Percentile bootstrap intervals that resample whole groups of rows.

Rows of one group are not independent: a sample drawn into several test sets, samples of one spatial block,
days of one station. Drawing groups keeps them together, so an interval is not narrower than the data allow.
Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 8 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.metrics.regression import Metric, Values

LEVEL = 0.95
_FEWEST_GROUPS = 2
_LEAST_DEFINED = 0.5


class Interval(NamedTuple):
    """Bounds of a 95 % interval; both NaN where it is undefined."""

    low: float
    high: float

    def covers(self, value: float) -> bool:
        """Tell whether a value lies within the bounds."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Bootstrap:
    """How often to resample, and from which seed; the same seed gives the same draws."""

    draws: int = 1000
    seed: int = 1

    def rows(self, groups_N: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Yield each draw's row indices: as many groups as there are, with replacement, whole groups."""
        _, group_N, size_G = np.unique(groups_N, return_inverse=True, return_counts=True)
        sorted_N = np.argsort(group_N, kind="stable")
        first_G = np.cumsum(size_G) - size_G
        generator = np.random.default_rng(self.seed)
        for _ in range(self.draws):
            drawn_G = generator.integers(len(size_G), size=len(size_G))
            yield sorted_N[_spans(first_G[drawn_G], size_G[drawn_G])]


def intervals(
    pair: tuple[Values, Values],
    groups_N: NDArray[np.int64],
    metrics: Mapping[str, Metric],
    bootstrap: Bootstrap,
) -> dict[str, Interval]:
    """Return the 95 % interval of each score.

    Args:
        pair: Observed and predicted values, each [N], finite.
        groups_N: Which group each row belongs to.
        metrics: Scores by name.
        bootstrap: Draws and seed.

    Returns:
        Intervals by name. NaN with fewer than two groups, where there is nothing to resample, and where a
        score is undefined in half of the draws or more; other undefined draws are left out.
    """
    observed, predicted = pair
    if len(np.unique(groups_N)) < _FEWEST_GROUPS:
        return {name: Interval(float("nan"), float("nan")) for name in metrics}
    scores: dict[str, list[float]] = {name: [] for name in metrics}
    for rows in bootstrap.rows(groups_N):
        drawn_observed, drawn_predicted = observed[rows], predicted[rows]
        for name, metric in metrics.items():
            scores[name].append(metric(drawn_observed, drawn_predicted))
    return {name: percentiles(np.array(values)) for name, values in scores.items()}


def percentiles(scores_D: Values) -> Interval:
    """Return the bounds that hold the middle 95 % of the draws [D] that define a score."""
    defined = scores_D[np.isfinite(scores_D)]
    if len(defined) <= _LEAST_DEFINED * len(scores_D):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def _spans(first_K: NDArray[np.int64], size_K: NDArray[np.int64]) -> NDArray[np.int64]:
    # All numbers first .. first + size of each span, one after another, without a loop over spans.
    before_K = np.cumsum(size_K) - size_K
    return np.asarray(np.arange(size_K.sum()) + np.repeat(first_K - before_K, size_K), dtype=np.int64)
