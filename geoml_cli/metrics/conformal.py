"""Split-conformal prediction: from the distances of held-out rows to intervals of new ones.

A distance says how far an observation lies from its prediction. A new row's observation is nearer than the quantile of
these distances in at least the share asked for, as long as it is drawn as the held-out rows were. Rows of a group
(station, block) are not drawn by themselves: each group then counts once, and the promise is one for a row of a new
group. Vovk et al. 2005, doi:10.1007/b106715; Lee, Barber and Willett 2023, arXiv:2306.06342, section 2.1.

Legend: P rows, K kept distances, C coverages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from geoml_cli.metrics.metric import Values

Index = NDArray[np.int64]
Quantile = TypeVar("Quantile", float, Values)
"""Of one distribution, or of each lead time."""
_KEPT = 4096
"""Distances that are kept of more: a quantile is then at most 1/4096 of the rows above its own."""
_ROUNDING = 1e-9
FEWEST_GROUPS = 9
"""Groups below which rows count by themselves: fewer promise less than 0.9 of a new group's rows."""


class Distances(NamedTuple):
    """Distances in ascending order, with the share of new rows that each is promised to hold.

    Attributes:
        share_K: Ascending, below 1: a new group counts as well, and may lie beyond all.
        distance_K: Ascending.
    """

    share_K: Values
    distance_K: Values

    def quantile(self, coverage: float) -> float:
        """Return the least distance that holds a share of new rows; infinite where there are too few groups."""
        place = int(np.searchsorted(self.share_K, coverage - _ROUNDING))
        return float(self.distance_K[place]) if place < len(self.distance_K) else math.inf


def distances(distance_P: Values, group_P: Index) -> Distances:
    """Order the distances of held-out rows, each group weighing the same; the group of a single row is the row."""
    _, place_P, rows = np.unique(group_P, return_inverse=True, return_counts=True)
    order = np.argsort(distance_P, kind="stable")
    weight_P = 1.0 / ((len(rows) + 1) * rows[place_P.reshape(-1)[order]])
    share, ordered = np.cumsum(weight_P), np.asarray(distance_P, dtype=np.float64)[order]
    if len(ordered) <= _KEPT:
        return Distances(share, ordered)
    # Evenly over the shares, each with the first distance that reaches it: a quantile is never too small.
    wanted = share[-1] * (np.arange(_KEPT) + 1) / _KEPT
    kept = np.searchsorted(share, wanted - _ROUNDING).clip(max=len(ordered) - 1)
    return Distances(share[kept], ordered[kept])


def fewest(coverage: float) -> int:
    """Return how many groups a promise of this coverage needs, 9 at least: 19 at 0.95."""
    return max(math.ceil(coverage / (1 - coverage) - _ROUNDING), FEWEST_GROUPS)


def chosen(
    coverage: float,
    groups: int,
    by_group: Callable[[float], Quantile],
    by_row: Callable[[float], Quantile] | None,
    are_new: bool = True,
) -> Quantile:
    """Return the quantile that an interval is made with: of groups where these are enough for the promise.

    Args:
        coverage: Asked for.
        groups: Of all held-out rows.
        by_group: Quantile at a coverage, each group weighing the same.
        by_row: Likewise, each row weighing the same; None where a row is a group of its own.
        are_new: Whether no row is of a group that its networks were trained on.
    """
    if by_row is None or (are_new and groups >= fewest(coverage)):
        return by_group(coverage)
    if groups < FEWEST_GROUPS or not are_new:
        return by_row(coverage)
    # An interval of more than the groups are enough for is no narrower than that of the most they are enough for.
    wider: Quantile = np.maximum(by_row(coverage), by_group(groups / (groups + 1)))
    return wider


def held_out_quantiles(
    distance_P: Values, group_P: Index, coverages: Sequence[float], parts: int = 20, are_new: bool = True
) -> Values:
    """Return for each row the quantile that the rows of other groups give: coverage found with it is no fit.

    Groups are put into parts in turn, in ascending order; each part is left out once. Intervals are made as those that
    all groups give (`chosen`); where the others are too few for its promise, with the largest of their distances. Rows
    of a single group are put into parts row by row.

    Args:
        distance_P: Of held-out rows.
        group_P: Of each.
        coverages: Asked for.
        parts: At most; one of a group each where there are fewer.
        are_new: As for `chosen`.

    Returns:
        Quantiles of every coverage, [C, P]; infinite where the rows are too few.
    """
    names, place_P = np.unique(group_P, return_inverse=True)
    place_P, groups = place_P.reshape(-1).astype(np.int64), len(names)
    if groups == 1:
        place_P = np.arange(len(distance_P), dtype=np.int64)
    part_P = place_P % min(parts, int(place_P.max()) + 1)
    order = np.argsort(distance_P, kind="stable")
    ascending, place, part = np.asarray(distance_P, dtype=np.float64)[order], place_P[order], part_P[order]
    found = np.full((len(coverages), len(distance_P)), math.inf)
    for left_out in np.unique(part_P):
        others = part != left_out
        if not others.any():
            continue
        by_group = partial(_of_others, _by_group(ascending[others], place[others]), groups)
        by_row = None if groups == len(distance_P) else _by_row(ascending[others]).quantile
        for number, coverage in enumerate(coverages):
            found[number, part_P == left_out] = chosen(coverage, groups, by_group, by_row, are_new)
    return found


def _of_others(others: Distances, groups: int, coverage: float) -> float:
    """Return the quantile; the largest distance where all groups are enough for the promise and the others are not."""
    found = others.quantile(coverage)
    return min(found, float(others.distance_K[-1])) if groups >= fewest(coverage) else found


def _by_row(ascending: Values) -> Distances:
    return Distances(np.arange(1, len(ascending) + 1) / (len(ascending) + 1), ascending)


def _by_group(ascending: Values, group: Index) -> Distances:
    rows = np.bincount(group)
    return Distances(np.cumsum(1.0 / ((int((rows > 0).sum()) + 1) * rows[group])), ascending)


def interval_score(observed: Values, lower: Values, upper: Values, coverage: float) -> Values:
    """Return the width, and what lies outside times 2 / (1 - coverage); lower is better.

    Gneiting and Raftery 2007, doi:10.1198/016214506000001437, equation 43.
    """
    below, above = np.maximum(lower - observed, 0.0), np.maximum(observed - upper, 0.0)
    return np.asarray(upper - lower + 2 / (1 - coverage) * (below + above))
