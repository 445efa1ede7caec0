"""What a forecast of maps has to beat: persistence in three forms, and the climatology.

All are on the data set's own grid, in its unit, from training maps alone; a forecast of a cell that is missing in the
last map takes the climatology.

Legend: T training maps, M rows, L lead times, S seasons; y, x rows and columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geoml_cli.baselines.baseline import Baseline, BaselinePredictor
from geoml_cli.samples.frames import Frames, FrameSeries
from geoml_cli.samples.samples import Samples
from geoml_cli.work.distinct import distinct

Rows = NDArray[np.int64]
Values = NDArray[np.float64]
Stored = NDArray[np.float32]
_PERSISTENCE, _ANOMALY, _DAMPED, _CLIMATOLOGY = (
    "persistence", "anomaly-persistence", "damped-persistence", "climatology",
)  # fmt: skip


class Climate:
    """Mean of the training maps of every season; of a season without one, the mean of all.

    Args:
        series: All maps.
        steps: Those of the training windows, ascending.
    """

    def __init__(self, series: FrameSeries, steps: Rows) -> None:
        self.series, self.steps = series, steps
        self._mean: dict[int, Stored] = {}
        self._all = self._mean_of(steps)
        for season in np.unique(self.series.season[steps]).tolist():
            own = self._mean_of(steps[self.series.season[steps] == season])
            self._mean[season] = np.where(np.isfinite(own), own, self._all)

    def at(self, step: int) -> Values:
        """Return the climatology of a step's season, [y, x]."""
        return self._mean.get(int(self.series.season[step]), self._all).astype(np.float64)

    def anomaly(self, step: int) -> Values:
        """Return a map minus its climatology, [y, x]; NaN where either is missing."""
        return np.asarray(self.series.native[step], dtype=np.float64) - self.at(step)

    def _mean_of(self, steps: Rows) -> Stored:
        """Average maps one at a time: they may be large. The mean is kept as finely as the maps are stored."""
        total = np.zeros(self.series.area.shape)
        count = np.zeros(self.series.area.shape)
        for step in steps.tolist():
            values = np.asarray(self.series.native[step], dtype=np.float64)
            known = np.isfinite(values)
            total += np.where(known, values, 0.0)
            count += known
        with np.errstate(invalid="ignore"):
            return np.where(count > 0, total / count, np.nan).astype(np.float32)


def climate_of(samples: Samples, train: Rows) -> Climate:
    """Return the climate of the training windows; all baselines of a fold share it, since it may be large."""
    seen, ahead = windows(samples)
    steps = distinct(seen.steps(train), ahead.steps(train))
    return _climate(seen.series, tuple(steps.tolist()))


# Steps as a tuple, since an array is no key of a cache; one climate is kept, as each is as large as some maps.
@lru_cache(maxsize=1)
def _climate(series: FrameSeries, steps: tuple[int, ...]) -> Climate:
    return Climate(series, np.array(steps, dtype=np.int64))


def windows(samples: Samples) -> tuple[Frames, Frames]:
    """Return the windows that are seen, and those that are forecast."""
    [frames] = samples.inputs.values()
    target = samples.target.values
    assert isinstance(frames.values, Frames) and isinstance(target, Frames), "windows of maps"
    return frames.values, target


def climatology(samples: Samples, train: Rows, seed: int) -> BaselinePredictor:
    """Forecast the mean of the training maps of the same season."""
    climate = climate_of(samples, train)
    return _forecast(lambda last, steps: [climate.at(step) for step in steps])


def persistence(samples: Samples, train: Rows, seed: int) -> BaselinePredictor:
    """Forecast the last map."""
    climate = climate_of(samples, train)

    def maps(last: int, steps: list[int]) -> list[Values]:
        values = np.asarray(climate.series.native[last], dtype=np.float64)
        return [np.where(np.isfinite(values), values, climate.at(step)) for step in steps]

    return _forecast(maps)


def anomaly_persistence(samples: Samples, train: Rows, seed: int) -> BaselinePredictor:
    """Forecast the climatology plus the anomaly of the last map."""
    climate = climate_of(samples, train)
    return _forecast(lambda last, steps: [climate.at(step) + _known(climate.anomaly(last)) for step in steps])


def damped_persistence(samples: Samples, train: Rows, seed: int) -> BaselinePredictor:
    """Forecast the climatology plus the anomaly of the last map, as much of it as training maps kept so long."""
    climate = climate_of(samples, train)
    _, ahead = windows(samples)
    kept = _autocorrelation(climate, ahead.shape[1])

    def maps(last: int, steps: list[int]) -> list[Values]:
        anomaly = _known(climate.anomaly(last))
        return [climate.at(step) + kept[step - last - 1] * anomaly for step in steps]

    return _forecast(maps)


def _autocorrelation(climate: Climate, leads: int) -> Values:
    """Return the regression of anomalies on those some steps before, pooled over cells by area, [L]; 0 to 1.

    A cell counts where both maps have a value: gaps of the later one would damp what is kept of the first.
    """
    area, known = climate.series.area, set(climate.steps.tolist())
    products, squares = np.zeros(leads), np.zeros(leads)
    for step in climate.steps.tolist():
        before = climate.anomaly(step)
        for lead in range(leads):
            if step + lead + 1 in known:
                after = climate.anomaly(step + lead + 1)
                weight = np.where(np.isfinite(before + after), area, 0.0)
                products[lead] += (weight * _known(before) * _known(after)).sum()
                squares[lead] += (weight * _known(before) ** 2).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        # Below 0 an anomaly would be forecast with the other sign, above 1 it would grow.
        return np.clip(np.where(squares > 0, products / squares, 0.0), 0.0, 1.0)


def _known(anomaly: Values) -> Values:
    """Take what is missing for no anomaly."""
    return np.where(np.isfinite(anomaly), anomaly, 0.0)


def _forecast(maps: Callable[[int, list[int]], list[Values]]) -> BaselinePredictor:
    """Return a predictor from a function of the last seen step and the forecast steps."""

    def predict(samples: Samples, rows: Rows) -> Values:
        seen, ahead = windows(samples)
        last, steps = seen.steps(rows)[:, -1].tolist(), ahead.steps(rows).tolist()
        return np.stack([np.stack(maps(*of_row)) for of_row in zip(last, steps, strict=True)])

    return predict


BASELINES: Mapping[str, Baseline] = {
    _CLIMATOLOGY: Baseline("Mean of the training maps of the same season", climatology),
    _PERSISTENCE: Baseline("The last map that the network sees", persistence),
    _ANOMALY: Baseline("Climatology and the anomaly of the last map", anomaly_persistence),
    _DAMPED: Baseline(
        "Climatology and the anomaly of the last map, damped by the training maps' autocorrelation", damped_persistence
    ),
}
