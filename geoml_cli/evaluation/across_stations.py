"""Scores per station, summed up over stations: median, mean and quartiles, and the gain over each baseline.

A score over all rows mixes differences between stations with those in time; papers of soil moisture give the median
and the mean over stations.

Legend: S stations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from geoml_cli.evaluation.groupwise import GroupScores, groupwise_scores
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.figures.boxes import are_notched, notched_boxes
from geoml_cli.figures.report import ReportFigure, ReportTable
from geoml_cli.figures.station_maps import station_maps
from geoml_cli.figures.style import png
from geoml_cli.metrics.compare import holm, signed_rank
from geoml_cli.metrics.metric import Metric, Values
from geoml_cli.samples.coordinates import labels_of_stations, lon_lat_of_samples
from geoml_cli.work.numbers import format_number

_FEWEST = 2
_FEWEST_ROWS = {"R": 3, "KGE": 3, "ubRMSE": 2}
"""Rows of a station below which a score says nothing: the correlation of two is 1 or -1, a single one has no spread."""
SCORED = "stations with a score"
ABOVE = "stations above 0"
"""Where a score is a skill: an error above 0 says nothing."""
STATISTICS: dict[str, Callable[[Values], float]] = {
    "median": lambda values: float(np.median(values)),
    "mean": lambda values: float(values.mean()),
    "lower quartile": lambda values: float(np.quantile(values, 0.25)),
    "upper quartile": lambda values: float(np.quantile(values, 0.75)),
    SCORED: lambda values: float(len(values)),
    ABOVE: lambda values: float((values > 0).sum()),
}


class StationScores(NamedTuple):
    """A score of one prediction at every station.

    Attributes:
        model: Network or baseline.
        metric: Its score.
        values_S: NaN where the rows of a station do not define it.
    """

    model: str
    metric: Metric
    values_S: Values

    @property
    def defined(self) -> Values:
        """Return the values of stations that have one."""
        return self.values_S[np.isfinite(self.values_S)]

    def has(self, statistic: str) -> bool:
        """Return whether there is such a statistic of the score."""
        if statistic == SCORED:
            return True
        return len(self.defined) > 0 and (statistic != ABOVE or self.metric.best == "high")


class Gain(NamedTuple):
    """The network against a baseline by the ranking score of every station.

    Attributes:
        baseline: Its name.
        median: Of the differences, network minus baseline, over stations; below zero the network is better.
        better: Share of stations where the network is better.
        p_value: Wilcoxon signed-rank test over stations, Holm's for the number of baselines.
    """

    baseline: str
    median: float
    better: float
    p_value: float


def has_stations(inputs: EvaluationInputs, result: EvaluationResult) -> bool:
    """Return whether there are scores of several stations."""
    if not (inputs.dataset.has("station") and inputs.task.has_residuals):
        return False
    return len(np.unique(labels_of_stations(inputs.dataset).codes[result.pooled.rows_P])) >= _FEWEST


def station_scores(inputs: EvaluationInputs, result: EvaluationResult) -> list[StationScores]:
    """Return every score of every model, by station."""
    labels = {"station": labels_of_stations(inputs.dataset)[result.pooled.rows_P]}
    metrics = {metric.name: metric for metric in (*result.task.metrics, result.task.ranking)}
    groups = groupwise_scores(result.pooled.observed_P, result.models, labels, tuple(metrics.values()))
    return [
        StationScores(model, metric, np.array([_score(group, name) for group in groups if group.model == model]))
        for model in result.models
        for name, metric in metrics.items()
    ]


def _score(group: GroupScores, name: str) -> float:
    return group.scores[name] if group.rows >= _FEWEST_ROWS.get(name, 1) else np.nan


def gains(result: EvaluationResult, scores: Sequence[StationScores]) -> list[Gain]:
    """Compare the network with every baseline, station by station."""
    ranking = {one.model: one.values_S for one in scores if one.metric.name == result.task.ranking.name}
    own = ranking.pop(result.network.name)
    found = []
    for baseline, values_S in ranking.items():
        difference = own - values_S
        difference = difference[np.isfinite(difference)]
        share, middle = float((difference < 0).mean()), float(np.median(difference))
        found.append(Gain(baseline, middle, share, signed_rank(difference)))
    adjusted = holm([gain.p_value for gain in found])
    return [gain._replace(p_value=p_value) for gain, p_value in zip(found, adjusted, strict=True)]


def rows_of_summary(inputs: EvaluationInputs, result: EvaluationResult) -> tuple[list[str], list[list[str | float]]]:
    """Return columns and rows: a line for each model and statistic; undefined values are NaN."""
    scores = station_scores(inputs, result)
    by_model: dict[str, list[StationScores]] = {}
    for one in scores:
        by_model.setdefault(one.model, []).append(one)
    stations = len(scores[0].values_S)
    rows: list[list[str | float]] = [
        [model, name, stations, *(statistic(one.defined) if one.has(name) else np.nan for one in of_model)]
        for model, of_model in by_model.items()
        for name, statistic in STATISTICS.items()
    ]
    return ["model", "statistic", "stations", *(one.metric.name for one in by_model[result.network.name])], rows


def gain_columns(result: EvaluationResult) -> list[str]:
    """Name the columns of `gain_at_stations.csv`."""
    by = result.task.ranking.name.replace(" ", "_")
    return ["baseline", f"median_{by}_difference", "share_better", "wilcoxon_p_holm"]


def summary_tables(inputs: EvaluationInputs, result: EvaluationResult) -> list[ReportTable]:
    """Return the tables of a report; none where there are not several stations."""
    if not has_stations(inputs, result):
        return []
    columns, rows = rows_of_summary(inputs, result)
    shown = [[str(cell) if isinstance(cell, str | int) else format_number(cell) for cell in row] for row in rows]
    tables = [ReportTable("Across stations", "Scores of single stations, summed up over all of them.", columns, shown)]
    won = gains(result, station_scores(inputs, result))
    if won:
        by = result.task.ranking.name
        lines = [[g.baseline, *map(format_number, (g.median, g.better, g.p_value))] for g in won]
        caption = (
            f"Median over stations of the {by} of the network minus the baseline's; share of stations where the "
            "network is better; Wilcoxon signed-rank test over stations, Holm's for the number of baselines."
        )
        heads = ["Baseline", f"Median {by} difference", "Share better", "p"]
        tables.append(ReportTable("Gain at stations", caption, heads, lines))
    return tables


def station_boxes(inputs: EvaluationInputs, result: EvaluationResult) -> tuple[str, ReportFigure]:
    """Draw the ranking score of all stations as a notched box for each model."""
    ranking = result.task.ranking
    scores = {one.model: one.defined for one in station_scores(inputs, result) if one.metric.name == ranking.name}
    scores = {model: values for model, values in scores.items() if len(values)}
    unit = result.task.unit_of(ranking)
    medians = ", ".join(f"{model} {format_number(float(np.median(values)))}" for model, values in scores.items())
    notch = "the notch the 95 % interval of the median, " if (notched := are_notched(scores)) else ""
    figure = ReportFigure(
        title="Scores of stations",
        caption=f"{ranking.name} [{unit}] of every station; the box spans the quartiles, {notch}whiskers reach to 1.5 "
        "times the box.",
        text=f"{'Notched boxes' if notched else 'Boxes'} of {ranking.name} over stations; medians: {medians} {unit}.",
        png=png(notched_boxes(scores, (ranking.name, unit))),
    )
    return "stations.png", figure


def maps_of_scores(inputs: EvaluationInputs, result: EvaluationResult) -> tuple[str, ReportFigure] | None:
    """Draw every score of the network at every station on the map; None where a station has no coordinates."""
    rows_P = result.pooled.rows_P
    _, first = np.unique(labels_of_stations(inputs.dataset).codes[rows_P], return_index=True)
    place_S2 = lon_lat_of_samples(inputs.dataset, len(inputs.samples))[rows_P[first]]
    if not np.isfinite(place_S2).all():
        return None
    own = [one for one in station_scores(inputs, result) if one.model == result.network.name]
    scores = {one.metric.name: one.values_S for one in own}
    units = {one.metric.name: result.task.unit_of(one.metric) for one in own}
    named = ", ".join(scores)
    figure = ReportFigure(
        title="Scores on the map",
        caption=f"{named} of the network at {len(place_S2)} stations; a grey station does not define the score.",
        text=f"Maps of {named} at {len(place_S2)} stations; across_stations.csv and per_station.csv hold the values.",
        png=png(station_maps(place_S2, scores, {name: "" if unit == "1" else unit for name, unit in units.items()})),
    )
    return "station_maps.png", figure
