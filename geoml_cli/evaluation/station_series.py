"""Figures of series: stations (or cells) with observed and predicted values, the interval, and cumulative sums."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from geoml_cli import registry
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.place_series import FEWEST_TIMES, PlaceSeries, PlaceSum, place_sums
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.figures.report import ReportFigure, ReportTable
from geoml_cli.figures.station_series import EXCERPT, MOST_POINTS, StationSeries, series_excerpt, station_series
from geoml_cli.figures.style import png
from geoml_cli.work.numbers import format_number, format_share

MOST_DRAWN = 6
"""Stations that are drawn where none is named."""
_MOST_SHOWN = 60
"""Stations whose sums a page shows."""
LEAD = "series.png"
MISSING = (
    f"Series: samples have no station (or cell) and time with {FEWEST_TIMES} observed times or more, or are classes."
)


def figures_of_series(inputs: EvaluationInputs, result: EvaluationResult) -> Iterator[tuple[str, ReportFigure]]:
    """Draw an excerpt for the first screen, then each station that is named, or a few of all.

    Raises:
        SettingsError: There is no such station.
    """
    series = result.series
    if series is None:
        return
    places, choice = _drawn(inputs, series)
    if not places:
        return
    sums = place_sums(series)
    middle = places[len(places) // 2]
    yield LEAD, _excerpt(inputs, result, series, middle)
    used: set[str] = set()
    for place in places:
        name = f"{series.kind}-{re.sub(r'[^0-9A-Za-z.-]', '_', series.names[place])}"
        if name in used:  # names that differ by such letters only
            name = f"{name}-{place}"
        used.add(name)
        yield f"{name}.png", _figure(inputs, result, place, choice, sums[place] if sums else None)


def _drawn(inputs: EvaluationInputs, series: PlaceSeries) -> tuple[list[int], str]:
    """Return the places that are drawn, in the order of their error, and how they were chosen."""
    wanted = inputs.settings.shared.evaluate.stations
    if wanted:
        for name in wanted:
            registry.require_choice(f"{series.kind} of the evaluated rows", name, series.names)
        return [series.names.index(name) for name in wanted], "named by evaluate.stations"
    rmse_S = series.rmse_S
    known = [int(place) for place in np.argsort(rmse_S, kind="stable") if np.isfinite(rmse_S[place])]
    if len(known) <= MOST_DRAWN:
        return known, f"all {series.kind}s with {FEWEST_TIMES} times or more are drawn"
    chosen = np.linspace(0, len(known) - 1, MOST_DRAWN).round().astype(int)
    choice = f"{MOST_DRAWN} of {len(known)} {series.kind}s are drawn, evenly from the lowest RMSE to the highest"
    return [known[place] for place in chosen], choice


def _series(inputs: EvaluationInputs, result: EvaluationResult, series: PlaceSeries, place: int) -> StationSeries:
    own, dataset, bars = series.times(place), inputs.dataset, inputs.network.bars
    interval, hanging = None, None
    if series.bounds is not None and result.intervals is not None:
        label = f"{format_share(result.intervals.coverage)} prediction interval"
        interval = (label, series.bounds[0][own], series.bounds[1][own])
    if bars and dataset.has(bars):
        row = series.row_T[own]
        record = np.asarray(dataset.array("index"), dtype=np.int64)[row] if dataset.has("index") else row
        hanging = (bars, dataset.unit(bars), np.asarray(dataset.array(bars), dtype=np.float64)[record])
    predicted = {model: values_T[own] for model, values_T in series.predicted_T.items()}
    return StationSeries(series.time_T[own], series.observed_T[own], predicted, hanging, interval, _added(series, own))


def _added(series: PlaceSeries, own: slice) -> tuple[str, np.ndarray[tuple[int], np.dtype[np.float64]]] | None:
    return None if series.summed is None else (series.summed.unit, series.summed.factor_T[own])


def _excerpt(inputs: EvaluationInputs, result: EvaluationResult, series: PlaceSeries, place: int) -> ReportFigure:
    own, name = _series(inputs, result, series, place), series.names[place]
    target = inputs.task.target
    return ReportFigure(
        title=f"Series at {series.kind} {name}",
        caption=f"Observed and predicted {target.name} [{target.unit}]{_with_interval(own)}: the {EXCERPT} times "
        f"closest together, or all, of the {series.kind} in the middle of those drawn below.",
        text=f"Observed and predicted {target.name} at {name}, RMSE {_rmse(inputs, series, place)}.",
        png=png(series_excerpt(_titled(series, name), own, (target.name, target.unit))),
    )


def _titled(series: PlaceSeries, name: str) -> str:
    return name if series.kind == "station" else f"{series.kind} {name}"


def _with_interval(own: StationSeries) -> str:
    return f" with the {own.interval[0]}" if own.interval else ""


def _rmse(inputs: EvaluationInputs, series: PlaceSeries, place: int) -> str:
    own = series.times(place)
    error = next(iter(series.predicted_T.values()))[own] - series.observed_T[own]
    return f"{format_number(float(np.sqrt((error**2).mean())))} {inputs.task.unit}"


def _figure(
    inputs: EvaluationInputs, result: EvaluationResult, place: int, choice: str, summed: PlaceSum | None
) -> ReportFigure:
    series = result.series
    assert series is not None, "drawn where there is one"
    own, name, target = _series(inputs, result, series, place), series.names[place], inputs.task.target
    parts = [f"Observed and predicted {target.name} [{target.unit}]{_with_interval(own)} at {name}; {choice}."]
    if own.interval and result.intervals and not result.intervals.is_grouped:
        parts.append(f"The interval is not valid for a new {result.intervals.group}: {result.intervals.reason}.")
    if (every := -(-len(own.time) // MOST_POINTS)) > 1:
        parts.append(f"One of {every} times is drawn; series.csv holds all.")
    if own.bars:
        parts.append(f"Bars from above: {own.bars[0]}.")
    if result.novelty_P is not None:
        parts.append("A time that several folds test is shown as the fold predicts it that knows least of its place.")
    elif int(series.folds_T[series.times(place)].max()) > 1:
        parts.append("A time that several folds test is shown with the mean of their predictions.")
    if summed is not None:
        parts.append(_of_sum(inputs, series, summed))
    return ReportFigure(
        title=f"{series.kind.capitalize()} {name}",
        caption=" ".join(parts),
        text=f"Series of {len(own.time)} times at {name}, RMSE {_rmse(inputs, series, place)}.",
        png=png(station_series(_titled(series, name), own, (target.name, target.unit))),
    )


def _of_sum(inputs: EvaluationInputs, series: PlaceSeries, summed: PlaceSum) -> str:
    assert series.summed is not None, "there is a sum"
    unit = series.summed.unit
    text = (
        f"Below: cumulative sums over the {summed.times} times with an observation: {format_number(summed.observed)} "
        f"{unit} observed, {format_number(summed.predicted)} {unit} predicted."
    )
    if not summed.missing_days:
        return text
    return (
        f"{text} {format_number(summed.missing_days)} days without one are in neither sum (the longest gap: "
        f"{format_number(summed.longest_gap_days)} days), so that they are no budgets; `geoml predict --sums` fills "
        "gaps."
    )


def sums_table(series: PlaceSeries | None) -> list[ReportTable]:
    """Return the sums of every station; none where the target is no rate per time."""
    sums = place_sums(series) if series is not None else []
    if series is None or series.summed is None or not sums:
        return []
    unit = series.summed.unit
    rows = [
        [
            one.name, one.begin[:10], one.end[:10], str(one.times), *map(format_number, (
                one.missing_days, one.longest_gap_days, one.observed, one.predicted, one.predicted - one.observed)),
        ]
        for one in sums[:_MOST_SHOWN]
    ]  # fmt: skip
    caption = (
        "Sums over the times that have an observation; others are in neither sum, so that these are no budgets. Sums "
        "have no prediction interval: errors of neighbouring times go together."
    )
    if hidden := len(sums) - len(rows):
        caption += f" {hidden} more are in sums.csv."
    heads = ["missing [d]", "longest gap [d]", *(f"{n} [{unit}]" for n in ("observed", "predicted", "difference"))]
    return [ReportTable("Sums", caption, [series.kind, "from", "to", "times", *heads], rows)]


def sum_rows(series: PlaceSeries) -> Iterator[list[str | int | float]]:
    """Yield the columns of `sums.csv`, then a row for each place."""
    assert series.summed is not None, "there is a sum"
    yield [series.kind, *PlaceSum._fields[1:], "difference", "unit"]
    for one in place_sums(series):
        yield [*one, one.predicted - one.observed, series.summed.unit]
