"""The figures of an evaluation, and what cannot be drawn and why."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from geoml_cli.evaluation import distances
from geoml_cli.evaluation.across_stations import has_stations, maps_of_scores, station_boxes
from geoml_cli.evaluation.importance import steps_before
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.interval_scores import NOMINAL
from geoml_cli.evaluation.map_figures import map_figures
from geoml_cli.evaluation.map_pages import map_pages
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.evaluation.scores import ModelScores
from geoml_cli.evaluation.station_series import MISSING, figures_of_series
from geoml_cli.figures.calibration import calibration_curve
from geoml_cli.figures.importance import SHOWN, importance_bars
from geoml_cli.figures.learning import NAMED, Curve, learning_curves
from geoml_cli.figures.report import ReportFigure
from geoml_cli.figures.residual_map import CELLS, MANY, residual_map
from geoml_cli.figures.style import png
from geoml_cli.metrics.metric import Values
from geoml_cli.samples.coordinates import lon_lat_of_samples, places_of_samples
from geoml_cli.splits.split import Rows
from geoml_cli.tasks.task import ScoredRows, Task
from geoml_cli.work.numbers import format_number, format_share


@dataclass
class FigureSet:
    """Figures by file name, and the reasons of those that are missing."""

    figures: dict[str, ReportFigure] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def draw_figures(inputs: EvaluationInputs, result: EvaluationResult) -> FigureSet:
    """Draw what there is to draw."""
    figure_set = FigureSet()
    if result.maps is not None:
        figure_set.figures.update(map_figures(inputs, result))
        _calibration(figure_set, result)
        _learning(figure_set, inputs, result)
        figure_set.missing.append("Permutation importance: the maps of one quantity are the only input.")
        return figure_set
    pooled = result.pooled
    rows = ScoredRows(
        pooled.observed_P, pooled.predicted_P, inputs.task.target, annotation(inputs.task, result.network)
    )
    for draw in inputs.task.figures:
        name, figure = draw(rows)
        figure_set.figures[name] = figure
    if has_stations(inputs, result):
        for drawn in (station_boxes(inputs, result), maps_of_scores(inputs, result)):
            if drawn is not None:
                figure_set.figures[drawn[0]] = drawn[1]
    drawn_series = dict(figures_of_series(inputs, result))
    figure_set.figures.update(drawn_series)
    if not drawn_series:
        figure_set.missing.append(MISSING)
    _calibration(figure_set, result)
    _residuals(figure_set, inputs, result)
    _distances(figure_set, inputs, result)
    _learning(figure_set, inputs, result)
    _importance(figure_set, inputs, result)
    figure_set.figures.update(map_pages(inputs.run))
    if result.baselines.skipped:
        figure_set.missing.append(result.baselines.skipped)
    return figure_set


def annotation(task: Task, scores: ModelScores) -> str:
    """Return the scores as lines for a figure's corner."""
    lines = [f"n = {scores.rows}"]
    for name, score in scores.scores.items():
        lines.append(f"{name} = {format_number(score.value)} {score.unit_in(task)}".rstrip())
    return "\n".join(lines)


def _calibration(figure_set: FigureSet, result: EvaluationResult) -> None:
    intervals = result.intervals
    if intervals is None:
        figure_set.missing.append("Calibration of intervals: of test rows of a run trained here, and enough of them.")
        return
    pairs = ", ".join(f"{format_share(a)}: {format_share(b)}" for a, b in zip(NOMINAL, intervals.found, strict=True))
    figure_set.figures["calibration.png"] = ReportFigure(
        title="Calibration of the intervals",
        caption="Share of rows that intervals hold (PICP) over the share they were made for; on the dashed line they "
        "hold what they promise, above it they are too wide. Each row's interval is from "
        f"{intervals.others}.",
        text=f"Share of rows inside, by the share promised: {pairs}.",
        png=png(calibration_curve(NOMINAL, intervals.found)),
    )


def _residuals(figure_set: FigureSet, inputs: EvaluationInputs, result: EvaluationResult) -> None:
    if not inputs.task.has_residuals:
        figure_set.missing.append("Residual map: classes have no difference.")
        return
    rows, residual = _mean_residuals(inputs, result)
    place = lon_lat_of_samples(inputs.dataset, len(inputs.samples))[rows]
    known = np.isfinite(place).all(axis=1)
    if not known.any():
        figure_set.missing.append("Residual map: the samples have no coordinates.")
        return
    name, unit = inputs.task.target.name, inputs.task.unit
    lost = int((~known).sum())
    without = f" {lost} samples without coordinates are not shown." if lost else ""
    crowded = f", as are those in one of {CELLS} x {CELLS} cells of the map" if known.sum() > MANY else ""
    figure_set.figures["residual_map.png"] = ReportFigure(
        title="Residuals on the map",
        caption=f"Predicted minus observed {name} [{unit}] at {known.sum()} places; predictions of one "
        f"place are averaged{crowded}. Purple: too high; orange: too low.{without}",
        text=f"Map of residuals: mean {format_number(residual[known].mean())} {unit}, from "
        f"{format_number(residual[known].min())} to {format_number(residual[known].max())} {unit}.",
        png=png(residual_map(place[known], residual[known], (name, unit))),
    )


def _distances(figure_set: FigureSet, inputs: EvaluationInputs, result: EvaluationResult) -> None:
    assert result.distances is not None, "of a network"
    drawn = distances.distance_figure(inputs, result.distances)
    if isinstance(drawn, str):
        figure_set.missing.append(drawn)
    else:
        figure_set.figures[distances.FIGURE] = drawn


def _mean_residuals(inputs: EvaluationInputs, result: EvaluationResult) -> tuple[Rows, Values]:
    """Average over the samples of a place; return one of its samples, and the mean."""
    pooled = result.pooled
    places = places_of_samples(inputs.dataset, len(inputs.samples))[pooled.rows_P]
    _, first, sample_P = np.unique(places, return_index=True, return_inverse=True)
    residual_P = pooled.predicted_P - pooled.observed_P
    return pooled.rows_P[first], np.bincount(sample_P, weights=residual_P) / np.bincount(sample_P)


def _learning(figure_set: FigureSet, inputs: EvaluationInputs, result: EvaluationResult) -> None:
    by_fold = len(result.members) > NAMED
    named = [_curve(inputs, member.name, member.fold if by_fold else member.name) for member in result.members]
    curves = [curve for curve in named if len(curve.epoch)]
    if not curves:
        figure_set.missing.append("Learning curves: the run has no training history, as imported ones have none.")
        return
    figure_set.figures["learning_curves.png"] = ReportFigure(
        title="Learning curves",
        caption="Training and validation loss of each member (of the scaled target); a dot marks the lowest "
        "validation loss." + (" Members of a fold share a colour." if by_fold else ""),
        text=f"Loss over epochs of {len(curves)} members, {int(max(curve.epoch.max() for curve in curves))} "
        "epochs at most.",
        png=png(learning_curves(curves)),
    )


def _curve(inputs: EvaluationInputs, member: str, name: str) -> Curve:
    history = inputs.run.history(member)

    def column(key: str) -> Values:
        column = (entry.get(key) for entry in history)
        return np.array([np.nan if value is None else value for value in column], dtype=np.float64)

    return Curve(name, column("epoch"), column("loss"), column("val_loss"))


def _importance(figure_set: FigureSet, inputs: EvaluationInputs, result: EvaluationResult) -> None:
    if not result.importance:
        figure_set.missing.append("Permutation importance: evaluate.importance_repeats is 0.")
        return
    steps = steps_before(inputs.samples, inputs.network.lagged)
    lags = {name: result.importance[name] for name in steps if name in result.importance}
    covariates = {name: values for name, values in result.importance.items() if name not in lags}
    unit, by = inputs.task.ranking_label, inputs.task.ranking.name
    ranked = sorted(covariates, key=lambda name: -float(covariates[name].mean()))
    first = ", ".join(f"{name} {format_number(covariates[name].mean())}" for name in ranked[:3])
    more = f" {SHOWN} of {len(ranked)} are shown." if len(ranked) > SHOWN else ""
    figure_set.figures["importance.png"] = ReportFigure(
        title="Permutation importance",
        caption=f"Increase of the {by} [{unit}] when a covariate is shuffled among samples; bars are means, "
        "lines the range over members and repeats. Covariates that go together share their importance." + more,
        text=f"The largest increases of the {by} [{unit}]: {first}.",
        png=png(importance_bars(covariates, f"{by} [{unit}]")),
    )
    if lags:
        means = ", ".join(f"{name} {format_number(values.mean())}" for name, values in lags.items())
        figure_set.figures["importance_steps.png"] = ReportFigure(
            title="Permutation importance by time step",
            caption=f"Increase of the {by} [{unit}] when all variables of one time step are shuffled among samples, "
            "the oldest on top; bars are means, lines the range over members and repeats.",
            text=f"Increases of the {by} [{unit}]: {means}.",
            png=png(importance_bars(lags, f"{by} [{unit}]", ranked=False)),
        )
