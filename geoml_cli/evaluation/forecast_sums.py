"""What a pass over forecasts of maps leaves, and how a part of it is kept as one array.

Legend: N forecasts, L lead times, K sums, F wavenumbers; y, x rows and columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from geoml_cli.metrics.metric import Metric, Statistics, Values
from geoml_cli.splits.split import Rows

OBSERVED = "observed"
Functions = tuple[list[Statistics], list[Statistics]]
"""Statistics of maps on the data set's grid, and of the network's maps."""


@dataclass
class MapSums:
    """All that a pass over forecasts leaves.

    Attributes:
        rows: Sample of each forecast, in the order of the sums.
        folds: Forecasts of each fold.
        native: By model and statistics, sums of each forecast on the data set's grid, [N, L, K].
        scaled: Likewise of the network's maps.
        cells: By model, sums over forecasts and lead times of every cell: count, error, squared error, [3, y, x].
        distances: Of each forecast of the network, how far its cells lie from the observed, ascending, [N, L, S].
        unreferenced: Of each forecast, how many cells at sea have no reference, so that they are not scored, [N].
        power: By model and `observed`, mean power spectrum of scaled anomalies by lead time, [L, F].
    """

    rows: list[Rows] = field(default_factory=list)
    folds: dict[str, int] = field(default_factory=dict)
    native: dict[str, dict[Statistics, list[Values]]] = field(default_factory=dict)
    scaled: dict[str, dict[Statistics, list[Values]]] = field(default_factory=dict)
    cells: dict[str, Values] = field(default_factory=dict)
    distances: list[Values] = field(default_factory=list)
    unreferenced: list[Values] = field(default_factory=list)
    power: dict[str, Values] = field(default_factory=dict)

    @property
    def rows_N(self) -> Rows:
        """Return the sample of each forecast, [N]."""
        return np.concatenate(self.rows)

    def add(self, other: MapSums) -> None:
        """Add the sums of further forecasts."""
        self.rows += other.rows
        self.distances += other.distances
        self.unreferenced += other.unreferenced
        for mine, theirs in ((self.native, other.native), (self.scaled, other.scaled)):
            for model, by_function in theirs.items():
                for function, parts in by_function.items():
                    mine.setdefault(model, {}).setdefault(function, []).extend(parts)
        for total, more in ((self.cells, other.cells), (self.power, other.power)):
            for model, values in more.items():
                if model in total:
                    total[model] += values
                else:
                    total[model] = values

    def models(self) -> list[str]:
        """Name the network, its members and the baselines."""
        return list(self.native)

    def joined(self, model: str) -> dict[Statistics, Values]:
        """Return a model's sums on the data set's grid, [N, L, K]."""
        return {function: np.concatenate(parts) for function, parts in self.native[model].items()}

    def joined_scaled(self, model: str) -> dict[Statistics, Values]:
        """Return a model's sums of scaled maps, [N, L, K]."""
        return {function: np.concatenate(parts) for function, parts in self.scaled[model].items()}


def functions(metrics: Sequence[Metric]) -> list[Statistics]:
    """Return the statistics of some metrics, each once."""
    return list(dict.fromkeys(metric.statistics for metric in metrics if metric.statistics is not None))


def packed(sums: MapSums) -> Values:
    """Return sums as one array: how many arrays they are, the shape of each, and their numbers."""
    of_forecasts = (sums.rows_N.astype(np.float64), np.concatenate(sums.distances), np.concatenate(sums.unreferenced))
    arrays: list[Values] = [*of_forecasts, sums.power[OBSERVED]]
    for model in sums.models():
        arrays += [*sums.joined(model).values(), *sums.joined_scaled(model).values()]
        arrays += [sums.cells[model], sums.power[model]]
    head = [len(arrays), *(number for array in arrays for number in (array.ndim, *array.shape))]
    return np.concatenate([np.array(head, dtype=np.float64), *(array.ravel() for array in arrays)])


def unpacked(values: Values, models: Sequence[str], by_grid: Functions) -> MapSums:
    """Return the sums that `packed` gave as one array, of these models and statistics in their order."""
    arrays = _arrays(values)
    rows, distances, unreferenced, observed = (next(arrays) for _ in range(4))
    sums = MapSums(rows=[rows.astype(np.int64)], distances=[distances], unreferenced=[unreferenced])
    native, own = by_grid
    for model in models:
        sums.native[model] = {function: [next(arrays)] for function in native}
        sums.scaled[model] = {function: [next(arrays)] for function in own}
        sums.cells[model], sums.power[model] = next(arrays), next(arrays)
    sums.power[OBSERVED] = observed  # the last in figures and tables
    return sums


def _arrays(values: Values) -> Iterator[Values]:
    shapes, at = list[tuple[int, ...]](), 1
    for _ in range(int(values[0])):
        dims = int(values[at])
        shapes.append(tuple(values[at + 1 : at + 1 + dims].astype(int).tolist()))
        at += 1 + dims
    for shape in shapes:
        end = at + math.prod(shape)
        # Copied: what is kept of a block, sums of a few forecasts, must not keep its sums of every cell.
        yield values[at:end].reshape(shape).copy()
        at = end
