"""The CSV files of an evaluation: UTF-8, LF, a header, undefined values empty."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from geoml_cli.dataset.files import replacing
from geoml_cli.evaluation.mixed import mixed
from geoml_cli.evaluation.outcome import Outcome
from geoml_cli.evaluation.scores import Scored
from geoml_cli.evaluation.strata import Class, strata
from geoml_cli.evaluation.subject import Subject, observed
from geoml_cli.samples.coordinates import coordinates, stations_of_samples

Cell = str | int | float


def write_tables(folder: Path, subject: Subject, outcome: Outcome) -> None:
    """Write members.csv, baselines.csv, predictions.csv, and scores by class, station and cell where there are any."""
    _write(folder / "members.csv", _members(outcome))
    _write(folder / "baselines.csv", _baselines(outcome))
    _write(folder / "predictions.csv", _predictions(subject, outcome))
    if classes := strata(subject, outcome):
        _write(folder / "per_class.csv", _classes(outcome, classes))
    if subject.dataset.has("station"):
        _write(folder / "per_station.csv", _stations(subject, outcome))
    if subject.dataset.has("cell") and subject.spec.judged != "classes":
        _write(folder / "per_cell.csv", _cells_of_panel(subject, outcome))
    if found := mixed(subject, outcome):
        rows = [[name, *counts] for name, counts in zip(found.names, found.counts.tolist(), strict=True)]
        _write(folder / "confusion.csv", [["observed / predicted", *found.names], *rows])


def names_of_samples(subject: Subject) -> list[str]:
    """Return every sample's name, or its row number where the data set gives none."""
    if subject.dataset.has("id"):
        return subject.dataset.labels("id")
    return [str(row) for row in range(len(subject.samples))]


def _members(outcome: Outcome) -> Iterator[Sequence[Cell]]:
    yield ["member", "fold", "seed", "n", "groups", *_columns(outcome.network)]
    for member, scored in zip(outcome.members, outcome.each, strict=True):
        yield [member.name, member.fold, member.seed, scored.n, scored.groups, *_cells(scored)]


def _baselines(outcome: Outcome) -> Iterator[Sequence[Cell]]:
    by = outcome.measure.name.replace(" ", "_")
    gap = [f"{by}_network_minus_this", f"{by}_difference_low", f"{by}_difference_high", "wilcoxon_p"]
    yield ["name", "n", "groups", *_columns(outcome.network), *gap]
    network = outcome.network
    yield [network.name, network.n, network.groups, *_cells(network), *[""] * len(gap)]
    for held in outcome.contests:
        found = held.against
        paired = [found.difference, *found.interval, found.p_value]
        scored = held.baseline
        yield [scored.name, scored.n, scored.groups, *_cells(scored), *map(_text, paired)]


def _predictions(subject: Subject, outcome: Outcome) -> Iterator[Sequence[Cell]]:
    names, place = names_of_samples(subject), coordinates(subject.dataset, len(subject.samples))
    truth = observed(subject)
    yield ["id", "lon", "lat", "observed", "predicted", "member"]
    for member in outcome.members:
        for row, value in zip(member.rows_N, member.predicted_N, strict=True):
            east, north = place[row]
            # Nine digits hold a coordinate to a decimetre; target and prediction are float32.
            where = _text(float(east), 9), _text(float(north), 9)
            yield [names[row], *where, _text(float(truth[row]), 7), _text(value, 7), member.name]


def _stations(subject: Subject, outcome: Outcome) -> Iterator[Sequence[Cell]]:
    pool, metrics = outcome.pool, subject.spec.metrics
    station_P = stations_of_samples(subject.dataset)[pool.rows_P]
    named = [(outcome.network.name, pool.predicted_P)]
    named += [(held.baseline.name, held.predicted_P) for held in outcome.contests]
    yield ["station", "model", "n", *metrics]
    for station in np.unique(station_P):
        here = station_P == station
        for model, predicted_P in named:
            pair = pool.observed_P[here], predicted_P[here]
            yield [str(station), model, int(here.sum()), *(_text(metric(*pair)) for metric in metrics.values())]


def _cells_of_panel(subject: Subject, outcome: Outcome) -> Iterator[Sequence[Cell]]:
    """Give the errors of the network at every cell: a map of them shows where it can be relied on."""
    pool, cell_N = outcome.pool, np.asarray(subject.dataset.array("cell"))
    place = coordinates(subject.dataset, len(subject.samples))
    cells, first, cell_P = np.unique(cell_N[pool.rows_P], return_index=True, return_inverse=True)
    error_P, rows = pool.predicted_P - pool.observed_P, np.bincount(cell_P)
    bias, square = (np.bincount(cell_P, weights=values) / rows for values in (error_P, error_P**2))
    yield ["cell", "lon", "lat", "n", "RMSE", "bias"]
    for number, cell in enumerate(cells.tolist()):
        east, north = place[pool.rows_P[first[number]]]
        errors = float(square[number] ** 0.5), float(bias[number])
        yield [cell, _text(float(east), 9), _text(float(north), 9), int(rows[number]), *map(_text, errors)]


def _classes(outcome: Outcome, classes: Sequence[Class]) -> Iterator[Sequence[Cell]]:
    yield ["quantity", "class", "model", "n", *outcome.network.scores]
    for held in classes:
        yield [held.quantity, held.name, held.model, held.rows, *(_text(value) for value in held.scores.values())]


def _columns(scored: Scored) -> list[str]:
    return [column for name in scored.scores for column in (name, f"{name}_low", f"{name}_high")]


def _cells(scored: Scored) -> list[str]:
    return [_text(v) for score in scored.scores.values() for v in (score.value, score.low, score.high)]


def _text(value: float, digits: int = 9) -> str:
    return f"{value:.{digits}g}" if np.isfinite(value) else ""


def _write(path: Path, rows: Iterable[Sequence[Cell]]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
