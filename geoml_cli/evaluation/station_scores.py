"""Scores of every station with intervals: months of its series are resampled, never single samples.

Samples of a series a day apart are nearly equal, so that an interval over samples would be far too narrow. Months are
the blocks of a bootstrap for dependent data: Kuensch 1989, doi:10.1214/aos/1176347265.

Legend: P pooled rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.evaluation.scores import Score
from geoml_cli.metrics.intervals import Bootstrap, percentiles
from geoml_cli.metrics.metric import Metric, Values
from geoml_cli.metrics.sums import GroupedRows
from geoml_cli.samples.coordinates import stations_of_samples
from geoml_cli.samples.times import read_clock
from geoml_cli.splits.sample_times import minutes_of_samples
from geoml_cli.splits.split import Rows

FEWEST_MONTHS = 12
"""Months below which a station has scores without intervals."""
_MONTHS = 12


class StationScores(NamedTuple):
    """Scores of one model at one station."""

    station: str
    model: str
    rows: int
    months: int
    scores: dict[str, Score]


def station_scores(inputs: EvaluationInputs, result: EvaluationResult) -> Iterator[StationScores]:
    """Yield the scores of every station and model, stations in alphabetical order."""
    pooled, bootstrap = result.pooled, inputs.bootstrap
    label_P = stations_of_samples(inputs.dataset)[pooled.rows_P]
    month_P = _months(inputs)[pooled.rows_P]
    for station in np.unique(label_P):
        own = label_P == station
        rows = GroupedRows(pooled.observed_P[own], month_P[own])
        predictions = {model: predicted_P[own] for model, predicted_P in result.models.items()}
        for model, scores in _scored(rows, predictions, result.task.metrics, bootstrap).items():
            named = {
                name: Score(value, low, high, metric.unit_of(result.task.target.unit))
                for metric, (name, value, low, high) in zip(result.task.metrics, scores, strict=True)
            }
            yield StationScores(str(station), model, len(rows.observed_N), rows.groups, named)


def _scored(
    rows: GroupedRows, predictions: dict[str, Values], metrics: Sequence[Metric], bootstrap: Bootstrap
) -> dict[str, list[tuple[str, float, float, float]]]:
    """Return name, value and bounds of every score, by model; all models on the same draws."""
    drawn = rows.score(predictions, metrics, bootstrap)
    found = {}
    for model, scores in drawn.items():
        # A few months make an interval that is too narrow to be quoted.
        drawn_DM = scores.drawn_DM if rows.groups >= FEWEST_MONTHS else scores.drawn_DM[:0]
        bounds = [percentiles(drawn_DM[:, place]) for place in range(len(metrics))]
        found[model] = [
            (metric.name, float(value), bound.low, bound.high)
            for metric, value, bound in zip(metrics, scores.value_M, bounds, strict=True)
        ]
    return found


def _months(inputs: EvaluationInputs) -> Rows:
    """Number the month of every sample, [N]; without times, samples are one month."""
    samples = len(inputs.samples)
    if not inputs.dataset.has("time"):
        return np.zeros(samples, dtype=np.int64)
    minutes, unit = minutes_of_samples(inputs.dataset, samples), inputs.dataset.unit("time")
    year, month = (read_clock(minutes, unit, clock).astype(np.int64) for clock in ("year", "month"))
    return np.asarray(year * _MONTHS + month, dtype=np.int64)
