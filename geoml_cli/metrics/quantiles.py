"""Quantiles of rows of which whole groups are drawn several times.

Rows are sorted once and laid out in bins; a draw looks up the bin of a quantile in the counts of groups by bin, and
then the rows of that bin alone.

Legend: N rows, G groups, B bins.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.metrics.metric import Values

Index = NDArray[np.int64]
_MOST_BINS = 512
_COUNTS = 1 << 22
"""Most numbers of a table of counts by bin and group: 32 MiB."""


class DrawnQuantiles:
    """Quantiles of draws.

    Args:
        value_N: Finite.
        place_N: Group of each row, from 0.
    """

    def __init__(self, value_N: Values, place_N: Index) -> None:
        order = np.argsort(value_N, kind="stable")
        self.value_N, self.place_N = value_N[order], place_N[order]
        groups = int(place_N.max()) + 1
        bins = max(min(_MOST_BINS, _COUNTS // groups, len(order)), 1)
        self.edge_B = np.linspace(0, len(order), bins + 1).astype(np.int64)
        bin_N = np.repeat(np.arange(bins), np.diff(self.edge_B))
        counts = np.bincount(bin_N * groups + self.place_N, minlength=bins * groups)
        self.count_BG = counts.reshape(bins, groups).astype(np.float64)

    def of(self, count_G: Values) -> Draw:
        """Return a draw that holds each group so many times."""
        return Draw(self, count_G)


class Draw:
    """Rows of one draw, in ascending order; a row of a group drawn w times is there w times."""

    def __init__(self, quantiles: DrawnQuantiles, count_G: Values) -> None:
        self._quantiles, self._count_G = quantiles, count_G
        self._up_to_B = np.cumsum(quantiles.count_BG @ count_G)
        self.rows = float(self._up_to_B[-1])

    def at(self, share: float) -> float:
        """Return a quantile, interpolated linearly as `numpy.quantile` does."""
        place = share * (self.rows - 1)
        low = np.floor(place)
        lower, upper = self._row(low), self._row(min(low + 1, self.rows - 1))
        return float(lower + (upper - lower) * (place - low))

    def _row(self, number: float) -> float:
        """Return the value of a row, counted from 0."""
        quantiles = self._quantiles
        chosen = int(np.searchsorted(self._up_to_B, number, side="right"))
        rows = slice(quantiles.edge_B[chosen], quantiles.edge_B[chosen + 1])
        before = self._up_to_B[chosen - 1] if chosen else 0.0
        up_to = before + np.cumsum(self._count_G[quantiles.place_N[rows]])
        return float(quantiles.value_N[rows][np.searchsorted(up_to, number, side="right")])
