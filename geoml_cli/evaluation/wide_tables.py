"""Scores by group and by station, a row for each and the models side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from geoml_cli.evaluation.groupwise import GroupScores
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.evaluation.score_tables import with_unit
from geoml_cli.evaluation.station_scores import StationScores
from geoml_cli.figures.report import ReportTable
from geoml_cli.work.numbers import format_number

_FEWEST = 2
"""Rows of a group that can be scored by a correlation."""
_MOST_SHOWN = 60
"""Groups that a page shows; the CSV file holds all."""
_MOST_COLUMNS = 8
"""Scores side by side that a page has room for."""
STATION = "station"


class WideRow(NamedTuple):
    """The scores of all models on the rows of one group, by model and score."""

    name: str
    rows: int
    scores: dict[str, dict[str, float]]


def wide(groups: Sequence[GroupScores]) -> dict[str, list[WideRow]]:
    """Put the models of each group side by side, by quantity; stations have a table of their own."""
    found: dict[str, dict[str, WideRow]] = {}
    for group in groups:
        row = found.setdefault(group.quantity, {}).setdefault(group.name, WideRow(group.name, group.rows, {}))
        row.scores[group.model] = group.scores
    return {quantity: list(rows.values()) for quantity, rows in found.items() if quantity != STATION}


def title_of(quantity: str) -> str:
    """Name the table of a quantity."""
    return f"By {quantity}"


def file_of(title: str) -> str:
    """Name the CSV file that holds a table: `Across stations` is in `across_stations.csv`.

    Lead times are named alike whatever their step.
    """
    plain = re.sub(r"^by (lead time) \[\w+\]", r"per \1", title.lower())
    return re.sub(r"\W+", "_", plain).strip("_") + ".csv"


def group_rows(quantity: str, rows: Sequence[WideRow]) -> Iterator[list[str | int | float]]:
    """Yield the columns of a quantity's file, then a row for each group: every score of every model."""
    pairs = [(model, score) for model, scores in _all_scores(rows).items() for score in scores]
    yield [quantity, "n", *(f"{score}_{model}" for model, score in pairs)]
    for row in rows:
        yield [row.name, row.rows, *(row.scores.get(model, {}).get(score, np.nan) for model, score in pairs)]


def group_tables(result: EvaluationResult) -> list[ReportTable]:
    """Return a table for each quantity: a row for each group, the models side by side."""
    return [_table(result, quantity, rows) for quantity, rows in wide(result.groupwise).items()]


def _table(result: EvaluationResult, quantity: str, rows: Sequence[WideRow]) -> ReportTable:
    known = [row for row in rows if row.rows >= _FEWEST]
    has_units = quantity != "transform" and not quantity.endswith("scaled maps")
    (shown, columns), cells = _side_by_side(result, known[:_MOST_SHOWN], has_units=has_units)
    title = title_of(quantity)
    caption = f"{shown} on the rows of each group; {file_of(title)} holds all scores of all models."
    if hidden := len(rows) - len(known[:_MOST_SHOWN]):
        caption += f" {hidden} more lines are there."
    lines = [[row.name, str(row.rows), *own] for row, own in zip(known, cells, strict=False)]
    return ReportTable(title, caption, [quantity, "n", *columns], lines)


def station_rows(stations: Sequence[StationScores]) -> Iterator[list[str | int | float]]:
    """Yield the columns of `per_station.csv`, then a row for each station: every score of every model with bounds."""
    by_station: dict[str, list[StationScores]] = {}
    for one in stations:
        by_station.setdefault(one.station, []).append(one)
    first = next(iter(by_station.values()), [])
    pairs = [(one.model, name) for one in first for name in one.scores]
    ends = ("", "_low", "_high")
    yield ["station", "n", "months", *(f"{name}_{model}{end}" for model, name in pairs for end in ends)]
    for station, models in by_station.items():
        scores = {(one.model, name): score for one in models for name, score in one.scores.items()}
        values = [v for pair in pairs for v in (scores[pair].value, scores[pair].low, scores[pair].high)]
        yield [station, models[0].rows, models[0].months, *values]


def station_table(result: EvaluationResult) -> list[ReportTable]:
    """Return a table with a row for each station; none without stations."""
    if not result.stations:
        return []
    rows: dict[str, WideRow] = {}
    for one in result.stations:
        row = rows.setdefault(one.station, WideRow(one.station, one.rows, {}))
        row.scores[one.model] = {name: score.value for name, score in one.scores.items()}
    months = {one.station: one.months for one in result.stations}
    shown = list(rows.values())[:_MOST_SHOWN]
    (scores, columns), cells = _side_by_side(result, shown)
    caption = f"{scores} at every station; per_station.csv holds all scores of all models, with bounds from resampled "
    caption += "months."
    if hidden := len(rows) - len(shown):
        caption += f" {hidden} more stations are there."
    lines = [[row.name, str(row.rows), str(months[row.name]), *own] for row, own in zip(shown, cells, strict=True)]
    return [ReportTable("Per station", caption, ["station", "n", "months", *columns], lines)]


def _side_by_side(
    result: EvaluationResult, rows: Sequence[WideRow], *, has_units: bool = True
) -> tuple[tuple[str, list[str]], list[list[str]]]:
    """Return what is shown in words, columns and cells: one score of every model, then the network's others."""
    scores = _all_scores(rows)
    network = result.network.name
    own, ranking = scores.get(network, []), result.task.ranking.name
    main = ranking if ranking in own else next(iter(own), "")
    others = [name for name in own if name != main][: max(_MOST_COLUMNS - len(scores), 0)]
    units = {metric.name: result.task.unit_of(metric) for metric in (*result.task.metrics, result.task.ranking)}
    unit = units.get(main, "1") if has_units else "1"
    words = f"{with_unit(main, '' if unit == '1' else unit)} of every model"
    if others:
        words += f", then other scores of {network}"
    pairs = [*((model, main) for model in scores), *((network, name) for name in others)]
    columns = [f"{name} {model}" for model, name in pairs]
    return (words, columns), [
        [format_number(row.scores.get(model, {}).get(name, np.nan)) for model, name in pairs] for row in rows
    ]


def _all_scores(rows: Sequence[WideRow]) -> dict[str, list[str]]:
    """Return the names of scores by model, in order."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for model, scores in row.scores.items():
            found.setdefault(model, {}).update(dict.fromkeys(scores))
    return {model: list(names) for model, names in found.items()}
