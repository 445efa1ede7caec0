"""Series of the stations that `evaluate.stations` names."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from geoml_cli import registry
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.figures.report import ReportFigure
from geoml_cli.figures.station_series import StationSeries, station_series
from geoml_cli.figures.style import png
from geoml_cli.samples.coordinates import stations_of_samples
from geoml_cli.samples.times import begin_of


def figures_of_stations(inputs: EvaluationInputs, result: EvaluationResult) -> Iterator[tuple[str, ReportFigure]]:
    """Draw each named station: the network as a line, the network's own baselines dashed.

    Raises:
        SettingsError: There is no such station.
    """
    wanted = inputs.settings.shared.evaluate.stations
    if not wanted or not inputs.dataset.has("station") or not inputs.dataset.has("time"):
        return
    stations_P = stations_of_samples(inputs.dataset)[result.pooled.rows_P]
    names = np.unique(stations_P).tolist()
    for name in wanted:
        registry.known("evaluated station", name, names)
        series = _series(inputs, result, np.flatnonzero(stations_P == name))
        quantity = inputs.task.target.name, inputs.task.target.unit
        yield (
            f"station-{re.sub(r'[^0-9A-Za-z.-]', '_', name)}.png",
            ReportFigure(
                title=f"Station {name}",
                caption=f"Observed and predicted {quantity[0]} [{quantity[1]}] at {name}; bars from above: "
                f"{series.bars[0] if series.bars else 'none'}.",
                text=f"Series of {len(series.time)} days at {name}.",
                png=png(station_series(name, series, quantity)),
            ),
        )


def _series(
    inputs: EvaluationInputs, result: EvaluationResult, at: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> StationSeries:
    dataset, pooled = inputs.dataset, result.pooled
    record = pooled.rows_P[at]
    if dataset.has("index"):
        record = np.asarray(dataset.array("index"), dtype=np.int64)[record]
    minutes = np.asarray(dataset.array("time"), dtype=np.int64)[record]
    order = np.argsort(minutes, kind="stable")
    own = [name for name in result.models if name in inputs.network.baselines]
    models = {name: result.models[name][at][order] for name in (result.network.name, *own)}
    bars = inputs.network.bars
    values = np.asarray(dataset.array(bars), dtype=np.float64)[record][order] if bars and dataset.has(bars) else None
    return StationSeries(
        time=begin_of(dataset.unit("time")) + minutes[order].astype("timedelta64[m]"),
        observed=pooled.observed_P[at][order],
        predicted=models,
        bars=None if values is None else (bars, dataset.unit(bars), values),
    )
