"""Sums of a metric's statistics per group, and the scores of all bootstrap draws of the groups.

Legend: N rows, G groups, K statistics, D draws, M metrics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from geoml_cli.metrics.intervals import Bootstrap
from geoml_cli.metrics.metric import Metric, Statistics, Values

Index = NDArray[np.int64]
_STATISTICS_AT_ONCE = 1 << 20
"""Numbers of one chunk of rows: 8 MiB, so that they stay in the processor's cache."""
_FEWEST_GROUPS = 2


@dataclass(frozen=True)
class DrawnScores:
    """Scores of one prediction.

    Attributes:
        value_M: On all rows.
        drawn_DM: On every bootstrap draw; no draws [0, M] where there is one group only.
    """

    value_M: Values
    drawn_DM: Values


@dataclass(frozen=True)
class GroupedRows:
    """Observed rows and their groups; scores any prediction of them.

    Attributes:
        observed_N: Finite, [N]; of several quantities [N, C], NaN where one is not observed.
        group_N: Group of each row, any whole numbers.
    """

    observed_N: Values
    group_N: Index

    @cached_property
    def place_N(self) -> Index:
        """Return the place of each row's group among the groups in ascending order."""
        return np.unique(self.group_N, return_inverse=True)[1].reshape(-1).astype(np.int64)

    @cached_property
    def order_N(self) -> Index:
        """Return the rows group by group."""
        return np.argsort(self.place_N, kind="stable")

    @cached_property
    def groups(self) -> int:
        """Return the number of groups."""
        return int(self.place_N.max()) + 1

    def sums(self, statistics: Statistics, predicted_N: Values) -> Values:
        """Sum statistics per group, shape [G, K], groups in ascending order; one pass in chunks of rows."""
        # One reference for all groups: sums of deviations from it can be added over groups.
        known = np.isfinite(self.observed_N)
        centre = np.where(known, self.observed_N, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        total: Values | None = None
        for chosen in self._chunks(statistics):
            own = self.observed_N[chosen]
            reference = np.broadcast_to(centre, own.shape)
            found = statistics(own, predicted_N[chosen], np.ones(len(own)), reference)
            place = self.place_N[chosen]
            first = np.flatnonzero(np.diff(place, prepend=-1))
            total = np.zeros((self.groups, *found.shape[1:])) if total is None else total
            total[place[first]] += np.add.reduceat(found, first, axis=0)
        assert total is not None, "there are rows"
        return total

    def by_group(self, metric: Metric, predicted_N: Values) -> Values:
        """Score every group by itself, shape [G], groups in ascending order."""
        if metric.statistics is not None:
            assert metric.value is not None, metric.name
            return metric.value(self.sums(metric.statistics, predicted_N))
        assert metric.of_rows is not None, metric.name
        bounds = np.searchsorted(self.place_N[self.order_N], np.arange(1, self.groups))
        found = []
        for rows in np.split(self.order_N, bounds):
            one = np.zeros(len(rows), dtype=np.int64)
            found.append(metric.of_rows(self.observed_N[rows], predicted_N[rows], one)(np.ones((1, 1)))[0])
        return np.array(found)

    def _chunks(self, statistics: Statistics) -> Iterator[Index]:
        one = np.zeros_like(self.observed_N[:1])
        width = max(statistics(one, one, np.zeros(1), one).shape[-1], 1)
        rows = max(_STATISTICS_AT_ONCE // width, 1)
        for start in range(0, len(self.order_N), rows):
            yield self.order_N[start : start + rows]

    def score(
        self, predictions: Mapping[str, Values], metrics: Sequence[Metric], bootstrap: Bootstrap
    ) -> dict[str, DrawnScores]:
        """Score several predictions [N] of the rows on the same bootstrap draws of groups."""
        scored = {name: _Scored(self, metrics, predicted_N) for name, predicted_N in predictions.items()}
        drawn: dict[str, list[Values]] = {name: [] for name in scored}
        # Draws times groups by a few columns: threads wait for memory, and their waiting counts.
        with threadpool_limits(1, user_api="blas"):
            for count_DG in bootstrap.counts(self.groups) if self.groups >= _FEWEST_GROUPS else ():
                for name, scores in scored.items():
                    drawn[name].append(scores.values(count_DG))
        none = np.empty((0, len(metrics)))
        once = np.ones((1, self.groups))
        return {
            name: DrawnScores(scores.values(once)[0], np.concatenate(drawn[name]) if drawn[name] else none)
            for name, scores in scored.items()
        }


def values_of_sums(metrics: Sequence[Metric], sums: Mapping[Statistics, Values], count_DG: Values) -> Values:
    """Score draws, which hold each group so many times.

    Args:
        metrics: Of statistics.
        sums: By function, sums of every group [G, ..., K].
        count_DG: How often each draw holds each group.

    Returns:
        Scores [D, ..., M].
    """
    drawn = {function: np.tensordot(count_DG, sums_G, axes=1) for function, sums_G in sums.items()}
    found = []
    for metric in metrics:
        assert metric.statistics is not None and metric.value is not None, metric.name
        found.append(metric.value(drawn[metric.statistics]))
    return np.stack(found, axis=-1)


class _Scored:
    """One prediction: sums by group, and what row metrics have sorted."""

    def __init__(self, rows: GroupedRows, metrics: Sequence[Metric], predicted_N: Values) -> None:
        self._metrics = metrics
        functions = {metric.statistics for metric in metrics if metric.statistics is not None}
        self._sums_GK = {function: rows.sums(function, predicted_N) for function in functions}
        self._of_rows = {
            metric.name: metric.of_rows(rows.observed_N, predicted_N, rows.place_N)
            for metric in metrics
            if metric.of_rows
        }

    def values(self, count_DG: Values) -> Values:
        """Score draws, which hold each group so many times; shape [D, M]."""
        sums_DK = {function: np.tensordot(count_DG, sums, axes=1) for function, sums in self._sums_GK.items()}
        return np.stack([self._value(metric, sums_DK, count_DG) for metric in self._metrics], axis=-1)

    def _value(self, metric: Metric, sums_DK: Mapping[Statistics, Values], count_DG: Values) -> Values:
        if metric.statistics is not None:
            assert metric.value is not None, metric.name
            return metric.value(sums_DK[metric.statistics])
        return self._of_rows[metric.name](count_DG)
