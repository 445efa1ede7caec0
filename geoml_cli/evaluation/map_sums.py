"""Sums over the cells of forecast maps: statistics of scores, sums of every cell, and power spectra.

Legend: B forecasts, L lead times, K sums; y, x rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.metrics.metric import Metric, Statistics, Values
from geoml_cli.metrics.spectra import radial_power


class ObservedMaps(NamedTuple):
    """Observed maps [B, L, rows, columns], NaN where missing, what their cells weigh, and the reference."""

    observed: NDArray[np.floating]
    area: Values
    reference: Values

    def at(self, lead: int) -> ObservedMaps:
        """Return the maps of one lead time, [B, 1, rows, columns]: large maps fit in memory one lead time at a time."""
        chosen = slice(lead, lead + 1)
        return ObservedMaps(self.observed[:, chosen].astype(np.float64), self.area, self.reference[:, chosen])

    @property
    def leads(self) -> range:
        """Number the lead times from 0."""
        return range(self.observed.shape[1])

    def known(self) -> NDArray[np.bool_]:
        """Return which cells count: none without a reference, whatever model is scored."""
        return np.asarray(np.isfinite(self.observed) & (self.area > 0) & np.isfinite(self.reference))


def add_statistics(
    sums: dict[Statistics, list[Values]], metrics: Sequence[Metric], maps: ObservedMaps, predicted: Values
) -> None:
    """Add the statistics of some metrics, [B, L, K] each, one lead time after another."""
    each = [_statistics(metrics, maps.at(lead), predicted[:, lead : lead + 1]) for lead in maps.leads]
    for function in each[0]:
        sums.setdefault(function, []).append(np.concatenate([of_lead[function] for of_lead in each], axis=1))


def _statistics(metrics: Sequence[Metric], maps: ObservedMaps, predicted: Values) -> dict[Statistics, Values]:
    known = maps.known()
    weight = np.where(known, maps.area, 0.0)
    # Cells without weight hold numbers all the same: NaN times zero is NaN.
    plain = [np.where(known, values, 0.0) for values in (maps.observed, predicted, maps.reference)]
    found = {}
    for function in dict.fromkeys(metric.statistics for metric in metrics):
        assert function is not None, "scores of maps are made from sums"
        found[function] = function(plain[0], plain[1], weight, plain[2])
    return found


def add_cells(cells: dict[str, Values], model: str, maps: ObservedMaps, predicted: Values) -> None:
    """Add count, error and squared error of every cell, [3, y, x]."""
    total = cells.setdefault(model, np.zeros((3, *maps.area.shape)))
    for lead in maps.leads:
        of_lead = maps.at(lead)
        known = of_lead.known()
        error = np.where(known, predicted[:, lead : lead + 1] - of_lead.observed, 0.0)
        for sums, added in zip(total, (known, error, error**2), strict=True):
            sums += added.sum(axis=(0, 1))


def add_power(power: dict[str, Values], model: str, maps: ObservedMaps, predicted: Values) -> None:
    """Add the spectra of anomalies, land and gaps filled with zero anomaly."""
    found = []
    for lead in maps.leads:
        of_lead = maps.at(lead)
        anomaly = np.where(of_lead.known(), predicted[:, lead : lead + 1] - of_lead.reference, 0.0)
        found.append(radial_power(anomaly[:, 0]).sum(axis=0))
    power[model] = power.get(model, 0.0) + np.stack(found)
