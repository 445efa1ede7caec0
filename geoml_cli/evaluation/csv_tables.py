"""The CSV files of an evaluation: UTF-8, LF, a header, undefined values empty."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from geoml_cli import registry
from geoml_cli.dataset.files import atomic_write
from geoml_cli.dataset.variables import Variable
from geoml_cli.evaluation import distances
from geoml_cli.evaluation.across_stations import gain_columns, gains, has_stations, rows_of_summary, station_scores
from geoml_cli.evaluation.class_accuracy import TITLE as CLASSES
from geoml_cli.evaluation.class_accuracy import class_rows
from geoml_cli.evaluation.collocation import collocation_rows
from geoml_cli.evaluation.comparison import BaselineComparison
from geoml_cli.evaluation.first_table import combined_rows, first_lines, first_rows
from geoml_cli.evaluation.groupwise import NOVELTY, novelty_of
from geoml_cli.evaluation.inputs import EvaluationInputs, delivered, observed
from geoml_cli.evaluation.interval_scores import NOMINAL, IntervalScores
from geoml_cli.evaluation.map_files import per_start, spectra, write_score_maps
from geoml_cli.evaluation.place_series import series_rows
from geoml_cli.evaluation.report_facts import funnel_table, settings_table
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.evaluation.score_tables import audit_table
from geoml_cli.evaluation.scores import ModelScores
from geoml_cli.evaluation.station_series import sum_rows
from geoml_cli.evaluation.wide_tables import file_of, group_rows, station_rows, title_of, wide
from geoml_cli.inference.places import coordinates_of
from geoml_cli.metrics.metric import Values
from geoml_cli.metrics.regression import BIAS, RMSE
from geoml_cli.metrics.sums import GroupedRows
from geoml_cli.samples.coordinates import labels_of_stations, lon_lat_of_samples
from geoml_cli.work.numbers import texts
from geoml_cli.writers.table import readable

Cell = str | int | float
_ROWS = 65_536
"""Rows of predictions that are text at a time."""


def write_tables(folder: Path, inputs: EvaluationInputs, result: EvaluationResult) -> None:
    """Write a file for each table of the report, and what figures show.

    Of forecasts of maps, scores by start time and cell, and spectra, in place of predictions.
    """
    _write(folder / "scores.csv", map(_written, first_rows(first_lines(inputs, result), result)))
    _write(folder / "members.csv", _members(result))
    _write(folder / "baselines.csv", _baselines(result))
    for table in (*audit_table(result), funnel_table(inputs), settings_table(inputs)):
        _write(folder / file_of(table.title), [table.columns, *table.rows])
    _write_groups(folder, result)
    if result.claims:
        _write(folder / "claims.csv", _claims(result))
    if result.groupwise:
        _write(folder / "per_group.csv", _groups(result))
    if result.intervals is not None:
        _write(folder / "intervals.csv", _intervals(result.intervals))
        pairs = zip(NOMINAL, result.intervals.found, strict=True)
        _write(folder / "calibration.csv", [["nominal", "found"], *([_text(a), _text(b)] for a, b in pairs)])
    if result.maps is not None:
        _write(folder / "per_start.csv", per_start(result.maps))
        _write(folder / "spectra.csv", spectra(result.maps))
        write_score_maps(folder / "score_maps.nc", inputs, result.maps)
        return
    _write(folder / "predictions.csv", _predictions(inputs, result))
    _write_places(folder, inputs, result)
    _write_stations(folder, inputs, result)
    if result.collocation is not None:
        _write(folder / "triple_collocation.csv", map(_written, collocation_rows(result.collocation)))
    if result.classes is not None:
        _write(folder / file_of(CLASSES), map(_written, class_rows(result.classes)))
    if (matrix := result.confusion) is not None:
        rows = [[name, *counts] for name, counts in zip(matrix.names, matrix.counts.tolist(), strict=True)]
        _write(folder / "confusion.csv", [["observed / predicted", *matrix.names], *rows])


def _write_groups(folder: Path, result: EvaluationResult) -> None:
    """Write a file for each quantity by which scores are grouped, a row a group."""
    for quantity, rows in wide(result.groupwise).items():
        _write(folder / file_of(title_of(quantity)), map(_written, group_rows(quantity, rows)))


def write_combined(folder: Path, networks: Mapping[str, EvaluationResult], pipeline: EvaluationResult | None) -> None:
    """Write the scores of several networks, and one after another; files of an earlier evaluation are removed."""
    for stale in folder.glob("*.csv"):
        stale.unlink()
    _write(folder / "scores.csv", map(_written, combined_rows(networks)))
    if pipeline is not None:
        _write_pipeline(folder, pipeline)


def _write_pipeline(folder: Path, result: EvaluationResult) -> None:
    scores = [[name, *map(_text, (s.value, s.low, s.high)), s.unit] for name, s in result.network.scores.items()]
    _write(folder / "pipeline.csv", [["score", "value", "low", "high", "unit"], *scores])
    _write_groups(folder, result)


def _write_stations(folder: Path, inputs: EvaluationInputs, result: EvaluationResult) -> None:
    """Write scores, sums and series of stations, where there are any."""
    if result.stations:
        _write(folder / "per_station.csv", map(_written, station_rows(result.stations)))
    if has_stations(inputs, result):
        columns, rows_over = rows_of_summary(inputs, result)
        _write(folder / "across_stations.csv", map(_written, [list[Cell](columns), *rows_over]))
        if won := gains(result, station_scores(inputs, result)):
            _write(folder / "gain_at_stations.csv", map(_written, [list[Cell](gain_columns(result)), *won]))
    if result.series is not None:
        _write(folder / "series.csv", series_rows(result.series))
        if result.series.summed is not None:
            _write(folder / "sums.csv", map(_written, sum_rows(result.series)))


def _write_places(folder: Path, inputs: EvaluationInputs, result: EvaluationResult) -> None:
    """Write distances of the split, and errors of cells, where samples have places."""
    if (found := result.distances) is not None and not found.missing:
        _write(folder / distances.TABLE, map(_written, distances.distance_rows(found)))
    if inputs.dataset.has("cell") and inputs.task.has_residuals:
        _write(folder / "per_cell.csv", _map_cells(inputs, result))


def _claims(result: EvaluationResult) -> Iterator[Sequence[Cell]]:
    yield ["rows_of", "resampled", "name", "n", "groups", *_columns(result.network), *_gap(result)]
    for claim in result.claims:
        network, blank = claim.network, [""] * len(_gap(result))
        yield [claim.name, claim.resampled, network.name, network.rows, network.groups, *_cells(network), *blank]
        for compared in claim.baselines:
            yield [claim.name, claim.resampled, *_compared(compared)]


def _gap(result: EvaluationResult) -> list[str]:
    by = result.task.ranking.name.replace(" ", "_")
    return [f"{by}_network_minus_this", f"{by}_difference_low", f"{by}_difference_high", "wilcoxon_p_holm"]


def _compared(compared: BaselineComparison) -> list[Cell]:
    found, scores = compared.comparison, compared.baseline
    paired = [found.difference, *found.interval, found.p_value]
    return [scores.name, scores.rows, scores.groups, *_cells(scores), *map(_text, paired)]


def _members(result: EvaluationResult) -> Iterator[Sequence[Cell]]:
    yield ["member", "fold", "seed", "n", "groups", *_columns(result.network)]
    for member, scores in zip(result.members, result.member_scores, strict=True):
        yield [member.name, member.fold, member.seed, scores.rows, scores.groups, *_cells(scores)]


def _baselines(result: EvaluationResult) -> Iterator[Sequence[Cell]]:
    yield ["name", "n", "groups", *_columns(result.network), *_gap(result)]
    network = result.network
    rows = [_compared(compared) for compared in result.baselines.comparisons]
    own: list[Cell] = [network.name, network.rows, network.groups, *_cells(network), *[""] * len(_gap(result))]
    rows.insert(result.baselines.references, own)
    yield from rows


def _predictions(inputs: EvaluationInputs, result: EvaluationResult) -> Iterator[Sequence[Cell]]:
    dataset, truth = inputs.dataset, observed(inputs)
    names = dataset.labels("id") if dataset.has("id") else None
    station = labels_of_stations(dataset) if dataset.has("station") else None
    spec = registry.spec(inputs.run.model)
    places = [variable.name for variable, _ in coordinates_of(spec, dataset, np.empty(0, dtype=np.int64))]
    unseen = [novelty_of(inputs, member) for member in result.members]
    novel = [NOVELTY] if any(words is not None for words in unseen) else []
    yield ["id", *(["station"] if station is not None else []), *places, "observed", "predicted", "member", *novel]
    for member, words in zip(result.members, unseen, strict=True):
        for start in range(0, len(member.rows_N), _ROWS):
            part = slice(start, start + _ROWS)
            rows_N = member.rows_N[part]
            columns = [[names[row] if names else str(row) for row in rows_N.tolist()]]
            if station is not None:
                columns.append([str(name) for name in station[rows_N]])
            columns += _places(coordinates_of(spec, dataset, rows_N))
            # Nine digits tell every float32, which target and prediction are.
            columns += [
                texts(delivered(inputs, values_N).tolist()) for values_N in (truth[rows_N], member.predicted_N[part])
            ]
            columns.append([member.name] * len(rows_N))
            if novel:
                columns.append([""] * len(rows_N) if words is None else [str(word) for word in words[part]])
            yield from zip(*columns, strict=True)


def _places(coordinates: Sequence[tuple[Variable, Values]]) -> list[list[str]]:
    """Write where and when each row is, by column: times in ISO 8601, numbers with nine digits, a decimetre."""
    frame = pd.DataFrame({variable.name: values for variable, values in coordinates})
    spelled = readable(frame, [variable for variable, _ in coordinates])
    columns = [spelled[name] for name in spelled]
    return [
        texts(column.tolist())
        if pd.api.types.is_numeric_dtype(column)
        else [cell if isinstance(cell, str) else "" for cell in column.tolist()]
        for column in columns
    ]


def _map_cells(inputs: EvaluationInputs, result: EvaluationResult) -> Iterator[Sequence[Cell]]:
    """Give the errors of the network at every cell: a map of them shows where it can be relied on."""
    pooled, cell_N = result.pooled, np.asarray(inputs.dataset.array("cell"))
    place_N2 = lon_lat_of_samples(inputs.dataset, len(inputs.samples))
    found = np.unique(cell_N[pooled.rows_P], return_index=True, return_inverse=True, return_counts=True)
    cells, first, number_P, counts = found
    rows = GroupedRows(pooled.observed_P, number_P.reshape(-1))
    east, north = place_N2[pooled.rows_P[first]].T
    scores = [rows.by_group(metric, pooled.predicted_P) for metric in (RMSE, BIAS)]
    yield ["cell", "lon", "lat", "n", "RMSE", "bias"]
    places = texts(east.tolist()), texts(north.tolist())
    columns = (cells.tolist(), *places, counts.tolist(), *(texts(score.tolist()) for score in scores))
    yield from zip(*columns, strict=True)


def _groups(result: EvaluationResult) -> Iterator[Sequence[Cell]]:
    # Quantities may have scores of their own: each has its column, empty for the others.
    names = list(dict.fromkeys(name for group in result.groupwise for name in group.scores))
    yield ["quantity", "group", "model", "n", *names]
    for group in result.groupwise:
        values = [_text(group.scores[name]) if name in group.scores else "" for name in names]
        yield [group.quantity, group.name, group.model, group.rows, *values]


def _intervals(intervals: IntervalScores) -> Iterator[Sequence[Cell]]:
    """Give the intervals of all rows with bounds, then those of each group."""
    names = [name.replace(" ", "_") for name in intervals.scores]
    yield ["quantity", "group", "n", *(column for name in names for column in (name, f"{name}_low", f"{name}_high"))]
    whole = [_text(v) for score in intervals.scores.values() for v in (score.value, score.low, score.high)]
    yield ["", "all", intervals.rows, *whole]
    for one in intervals.each:
        yield [one.quantity, one.name, one.rows, *(cell for v in one.scores.values() for cell in (_text(v), "", ""))]


def _columns(scores: ModelScores) -> list[str]:
    return [column for name in scores.scores for column in (name, f"{name}_low", f"{name}_high")]


def _cells(scores: ModelScores) -> list[str]:
    return [_text(v) for score in scores.scores.values() for v in (score.value, score.low, score.high)]


def _written(row: Sequence[Cell]) -> list[Cell]:
    return [cell if isinstance(cell, str | int) else _text(cell) for cell in row]


def _text(value: float, digits: int = 9) -> str:
    return f"{value:.{digits}g}" if math.isfinite(value) else ""


def _write(path: Path, rows: Iterable[Sequence[Cell]]) -> None:
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
