"""Contract of scores: a metric is a function of additive statistics wherever it can be.

Statistics are summed per group (station, block, lead time) in one pass over the rows. Every score, interval and
comparison is then computed from these sums: a bootstrap draw is a weighted sum of groups.

Legend: N rows, K statistics, G groups, D draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Statistics = Callable[[Values, Values, Values, Values], Values]
"""(observed, predicted, weight, reference), each [N, ...], to additive statistics [N, ..., K]. Sums over rows are
taken of deviations from the reference, so that they keep their digits; a climatology is one for anomalies."""
OfRows = Callable[[Values, Values, NDArray[np.int64]], Callable[[Values], Values]]
"""(observed, predicted, group of each row from 0), each [N], to a function from how often each group is drawn, [D, G],
to scores [D]; sorts once for many draws."""


@dataclass(frozen=True)
class Metric:
    """A score of predictions.

    Attributes:
        name: As in tables and files.
        unit: The target's, "1" for a ratio, or a count of rows.
        best: Which values are good: the lowest, the highest, or zero.
        statistics: What is summed over rows; metrics that share the function share one pass. None for a metric of
            the rows themselves.
        value: Score [...] from sums [..., K]; NaN where the sums do not define it.
        of_rows: Score from the rows, where `statistics` is None.
    """

    name: str
    unit: Literal["target", "1", "count"]
    best: Literal["low", "high", "zero"]
    statistics: Statistics | None
    value: Callable[[Values], Values] | None = None
    of_rows: OfRows | None = None

    def __call__(self, observed_N: Values, predicted_N: Values) -> float:
        """Score a prediction of rows, each [N].

        Raises:
            ValueError: No rows, lengths that differ, or a value that is not finite.
        """
        observed, predicted = checked(observed_N, predicted_N)
        weight = np.ones(len(observed))
        if self.statistics is None:
            assert self.of_rows is not None, self.name
            one = np.zeros(len(observed), dtype=np.int64)
            return float(self.of_rows(observed, predicted, one)(np.ones((1, 1)))[0])
        assert self.value is not None, self.name
        reference = np.full(len(observed), observed.mean())
        return float(self.value(self.statistics(observed, predicted, weight, reference).sum(axis=0)))

    def unit_of(self, target_unit: str) -> str:
        """Return the unit of the score of a target."""
        return {"target": target_unit, "1": "1", "count": "rows"}[self.unit]


def checked(observed_N: Values, predicted_N: Values) -> tuple[Values, Values]:
    """Return both as float64.

    Raises:
        ValueError: No rows, lengths that differ, or a value that is not finite: rows without an observation are the
            caller's to leave out and to count.
    """
    observed = np.asarray(observed_N, dtype=np.float64)
    predicted = np.asarray(predicted_N, dtype=np.float64)
    if observed.ndim != 1 or observed.shape != predicted.shape:
        shapes = f"observed {observed.shape} and predicted {predicted.shape}"
        raise ValueError(f"{shapes} must be [N], of one length")
    if observed.size == 0:
        raise ValueError("a score needs at least one sample")
    if not (np.isfinite(observed).all() and np.isfinite(predicted).all()):
        raise ValueError("observed and predicted must be finite; leave out rows without an observation")
    return observed, predicted


def ratio(numerator: Values, denominator: Values) -> Values:
    """Return numerator / denominator, NaN where the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(denominator != 0, numerator / denominator, np.nan), dtype=np.float64)
