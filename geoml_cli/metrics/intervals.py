"""Percentile bootstrap intervals that resample whole groups of rows.

Rows of one group are not independent: a sample drawn into several test sets, samples of one spatial block,
days of one station. Drawing groups keeps them together, so an interval is not narrower than the data allow.
Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 8 and 13.

Legend: G groups, D draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geoml_cli.metrics.metric import Values

LEVEL = 0.95
_LEAST_DEFINED = 0.5
_COUNTS_AT_ONCE = 1 << 22
"""Counts of one block of draws: 32 MiB."""


class Interval(NamedTuple):
    """Bounds of a 95 % interval; both NaN where it is undefined."""

    low: float
    high: float

    def covers(self, value: float) -> bool:
        """Return whether a value lies within the bounds."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Bootstrap:
    """How often to resample, and from which seed; the same seed gives the same draws."""

    draws: int = 1000
    seed: int = 1

    def counts(self, groups: int) -> Iterator[Values]:
        """Yield blocks [D, G] of how often each draw holds each group: G groups a draw, with replacement."""
        generator = np.random.default_rng(self.seed)
        most = max(_COUNTS_AT_ONCE // groups, 1)
        for start in range(0, self.draws, most):
            block = min(most, self.draws - start)
            count_DG = np.empty((block, groups))
            for count_G in count_DG:
                count_G[:] = np.bincount(generator.integers(groups, size=groups), minlength=groups)
            yield count_DG


def percentiles(scores_D: Values) -> Interval:
    """Return the bounds that hold the middle 95 % of the draws [D] that define a score.

    NaN without draws, and where half of them or more do not define it.
    """
    defined = scores_D[np.isfinite(scores_D)]
    if not len(scores_D) or len(defined) <= _LEAST_DEFINED * len(scores_D):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
