"""Figures of an evaluation of forecasts of maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geoml_cli.dataset.grid import LAND, LAT, LON, GridAxes
from geoml_cli.evaluation.forecast_sums import OBSERVED
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.interval_scores import WIDTH
from geoml_cli.evaluation.map_files import cell_rmse
from geoml_cli.evaluation.maps import map_scores
from geoml_cli.evaluation.result import EvaluationResult, ExampleForecast, ForecastMaps
from geoml_cli.figures.cell_series import CellForecast, Interval, cell_series
from geoml_cli.figures.forecast import Field, comparison, events, frame_png, limits_of
from geoml_cli.figures.map_scores import by_lead_time, cell_maps, power_spectra, start_by_lead
from geoml_cli.figures.report import ReportFigure
from geoml_cli.figures.style import png
from geoml_cli.metrics.metric import Values
from geoml_cli.work.numbers import format_number, format_share

_CELLS = (0.25, 0.5, 0.75)
"""Quantiles of the error at the cells that are drawn."""
_MOST_DRAWN = 800
"""Rows or columns that a panel of the example has pixels for."""


def map_figures(inputs: EvaluationInputs, result: EvaluationResult) -> dict[str, ReportFigure]:
    """Draw scores by lead time, start time and cell, and spectra, by file name."""
    assert result.maps is not None, "forecasts of maps"
    maps, network = result.maps, result.network.name
    shown = [network, *(compared.baseline.name for compared in result.baselines.comparisons)]
    unit = inputs.task.target.unit
    return {
        "lead_time.png": _lead_time(result, shown, unit),
        "start_lead.png": ReportFigure(
            title="Error by start and lead time",
            caption=f"RMSE [{unit}] of the network for every forecast; a row is a start time.",
            text=f"RMSE of {len(maps.starts)} forecasts: see per_start.csv.",
            png=png(start_by_lead(maps.rmse[network], maps.starts, unit, maps.step)),
        ),
        "cell_rmse.png": ReportFigure(
            title="Error by cell",
            caption=f"RMSE [{unit}] over all forecasts and lead times of the network and of the best baseline; grey: "
            "land, or outside of the network's map. Values: score_maps.nc.",
            text="Maps of the RMSE of every cell.",
            png=png(cell_maps({name: cell_rmse(maps, name) for name in shown[:2]}, "RMSE", unit)),
        ),
        "spectra.png": _spectra(maps, shown),
        **_example(inputs, maps),
        **_cells(inputs, result),
    }


def _axes(inputs: EvaluationInputs) -> GridAxes:
    lat, lon = (np.asarray(inputs.dataset.array(name), dtype=np.float64) for name in (LAT, LON))
    return GridAxes(lat, lon)


def _example(inputs: EvaluationInputs, maps: ForecastMaps) -> dict[str, ReportFigure]:
    """Draw truth, forecast and error of the median forecast, and its events where a threshold is set."""
    example, target = maps.example, inputs.task.target
    axes = _axes(inputs)
    known = example.truth_LYX[np.isfinite(example.truth_LYX)]
    signed = bool(len(known)) and float(known.min()) < 0 < float(known.max())
    field = Field(target.name, target.unit, axes, np.asarray(inputs.dataset.array(LAND)) > 0, signed)
    found = {
        "example.png": ReportFigure(
            title="One forecast",
            caption="Truth, forecast and error of the forecast whose RMSE is the median of all; land is grey, colours "
            "end at the 98th percentile.",
            text=f"Forecast that begins at {example.labels[0]}.",
            png=png(comparison(*_thinned(example, field), example.labels)),
        ),
        **_frames(example, field),
    }
    threshold = map_scores(inputs).threshold
    if threshold is not None:
        found["events.png"] = ReportFigure(
            title="Events of this forecast",
            caption=f"Where {target.name} is above {threshold:g} {target.unit} at the first lead time.",
            text="Hits, misses and false alarms are counted in the figure.",
            png=png(events(example.truth_LYX[0], example.forecast_LYX[0], field, threshold)),
        )
    return found


def _cells(inputs: EvaluationInputs, result: EvaluationResult) -> dict[str, ReportFigure]:
    """Draw the example at three cells, with the interval of each lead time; nothing where no cell is whole."""
    assert result.maps is not None, "forecasts of maps"
    example, target, found = result.maps.example, inputs.task.target, result.intervals
    whole = np.isfinite(example.truth_LYX).all(axis=0) & np.isfinite(example.forecast_LYX).all(axis=0)
    rmse = np.where(whole, cell_rmse(result.maps, result.network.name), np.nan)
    known = np.flatnonzero(np.isfinite(rmse))
    if not len(known):
        return {}
    ordered = known[np.argsort(rmse.reshape(-1)[known], kind="stable")]
    chosen = ordered[(np.array(_CELLS) * (len(ordered) - 1)).round().astype(int)]
    axes = _axes(inputs)
    cells = [_cell(example, axes, divmod(int(place), rmse.shape[1])) for place in dict.fromkeys(chosen.tolist())]
    label = "" if found is None else f"{format_share(found.coverage)} prediction interval"
    interval = None if found is None else Interval(label, np.array([one.scores[WIDTH] / 2 for one in found.each]))
    valid = found is None or found.is_grouped
    caveat = "" if found is None or valid else f" It is not valid for a new {found.group}: {found.reason}."
    return {
        "cell_series.png": ReportFigure(
            title="This forecast at single cells",
            caption=f"Observed and forecast {target.name} [{target.unit}] at the cells whose RMSE over all forecasts "
            f"is at the lower quartile, the median and the upper quartile"
            f"{f'; band: {label}, by lead time.' if label else '.'}{caveat}",
            text=f"Forecast that begins at {example.labels[0]}, at {len(cells)} cells.",
            png=png(cell_series(cells, example.labels, interval, (target.name, target.unit))),
        )
    }


def _cell(example: ExampleForecast, axes: GridAxes, place: tuple[int, int]) -> CellForecast:
    row, column = place
    lat, lon = (axes.lat[place], axes.lon[place]) if axes.lat.ndim == 2 else (axes.lat[row], axes.lon[column])
    name = f"{lat:g} degrees north, {lon:g} east"
    return CellForecast(name, example.truth_LYX[:, row, column], example.forecast_LYX[:, row, column])


def _frames(example: ExampleForecast, field: Field) -> dict[str, ReportFigure]:
    """Draw truth and forecast of the first lead time by themselves, a pixel a cell, under the same colours."""
    pair = {"truth": example.truth_LYX[0], "forecast": example.forecast_LYX[0]}
    limits = limits_of(np.stack(list(pair.values())), field, field.signed)
    return {
        f"frame_{name}.png": ReportFigure(
            title=f"Single frame: {name}",
            caption=f"{example.labels[0]}, without axes; "
            f"{format_number(limits[0])} to {format_number(limits[1])} {field.unit}.",
            text=f"The {name} of {example.labels[0]}.",
            png=frame_png(frame, field, limits),
        )
        for name, frame in pair.items()
    }


def _thinned(example: ExampleForecast, field: Field) -> tuple[Values, Values, Field]:
    """Return truth and forecast of no more cells than a panel has pixels for: every n-th row and column."""
    every = -(-max(field.axes.shape) // _MOST_DRAWN)
    rows, columns = (np.arange(0, size, every) for size in field.axes.shape)
    thin = replace(field, axes=field.axes.cut(rows, columns), land=field.land[::every, ::every])
    return example.truth_LYX[:, ::every, ::every], example.forecast_LYX[:, ::every, ::every], thin


def _lead_time(result: EvaluationResult, shown: list[str], unit: str) -> ReportFigure:
    assert result.maps is not None, "forecasts of maps"
    score = result.task.ranking.name
    quantity = f"lead time [{result.maps.step}]"
    of_models: dict[str, Values] = {}
    for name in shown:
        values = [g.scores[score] for g in result.groupwise if g.quantity == quantity and g.model == name]
        of_models[name] = np.array(values)
    last = {name: format_number(float(values[-1])) for name, values in of_models.items()}
    return ReportFigure(
        title="Error by lead time",
        caption=f"{score} [{unit}] over sea, weighted by area, of the network and its baselines.",
        text=f"At the last lead time: {', '.join(f'{name} {value}' for name, value in last.items())} {unit}.",
        png=png(by_lead_time(of_models, score, unit, result.maps.step)),
    )


def _spectra(maps: ForecastMaps, shown: list[str]) -> ReportFigure:
    lead = len(maps.power[OBSERVED])
    power = {name: maps.power[name][-1] for name in shown}
    return ReportFigure(
        title="Power spectra",
        caption="Mean power of anomalies from the climatology, of scaled maps, by wavenumber at the last lead time; "
        "land and gaps have no anomaly. Power below the observed one at high wavenumbers is lost detail.",
        text="Spectra of all models and lead times: spectra.csv.",
        png=png(power_spectra(power, maps.power[OBSERVED][-1], lead, maps.step)),
    )
