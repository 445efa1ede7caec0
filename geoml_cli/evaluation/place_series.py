"""Pooled rows as series of places: each time of a station or cell once, with its interval and what it adds to a sum.

Legend: P pooled rows, T times of places one after another, S places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import SettingsError
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.member_rows import evaluated_rows
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.inference.inputs.period_sums import end_of_period, lengths, sum_unit
from geoml_cli.metrics.metric import Values
from geoml_cli.samples.coordinates import station_of_records, stations_of_samples
from geoml_cli.samples.times import begin_of
from geoml_cli.splits.members import UNSEEN
from geoml_cli.splits.sample_times import minutes_of_samples
from geoml_cli.splits.split import Rows
from geoml_cli.work.distinct import common
from geoml_cli.work.numbers import texts

FEWEST_TIMES = 5
"""Times below which there is no series to draw."""
_MINUTES_A_DAY = 1440
_WEEK, _LONGEST_WEEK = 7 * _MINUTES_A_DAY, 9 * _MINUTES_A_DAY


class Summed(NamedTuple):
    """What each time adds to a sum over time.

    Attributes:
        unit: Of the sum, such as gC m-2.
        minutes_T: How long each record lasts.
        factor_T: What a value is multiplied by.
    """

    unit: str
    minutes_T: Values
    factor_T: Values


@dataclass(frozen=True)
class PlaceSeries:
    """Rows of all places, in the order of place and time; a time of a place is there once.

    Attributes:
        kind: `station` or `cell`.
        names: Of the places, [S].
        first_S: Where each place begins; the last ends where all end.
        time_T: Begin of the record.
        row_T: Sample of the data set.
        observed_T: In the target's unit.
        predicted_T: By model, mean of the folds that test the row alike; the network first.
        bounds: Lower and upper bound of the prediction interval; None without intervals.
        folds_T: How many folds' predictions were averaged.
        summed: None where the target is no rate per time, or records have no length.
    """

    kind: str
    names: list[str]
    first_S: Rows
    time_T: NDArray[np.datetime64]
    row_T: Rows
    observed_T: Values
    predicted_T: Mapping[str, Values]
    bounds: tuple[Values, Values] | None
    folds_T: Rows
    summed: Summed | None

    def times(self, place: int) -> slice:
        """Return where the times of a place are."""
        end = self.first_S[place + 1] if place + 1 < len(self.first_S) else len(self.time_T)
        return slice(int(self.first_S[place]), int(end))

    @property
    def rmse_S(self) -> Values:
        """Return the network's error at each place, infinite where there are too few times for a series."""
        own = next(iter(self.predicted_T.values()))
        square = np.add.reduceat((own - self.observed_T) ** 2, self.first_S)
        count = np.diff(np.append(self.first_S, len(self.time_T)))
        return np.where(count >= FEWEST_TIMES, np.sqrt(square / count), np.inf)


def place_series(inputs: EvaluationInputs, result: EvaluationResult) -> PlaceSeries | None:
    """Return the series of all places; None where rows have no place, no time, or are classes."""
    dataset = inputs.dataset
    if (places := places_of_samples(inputs)) is None:
        return None
    (kind, label_N), rows_P = places, result.pooled.rows_P
    names, place_P = np.unique(label_N[rows_P], return_inverse=True)
    minutes_P = minutes_of_samples(dataset, len(inputs.samples))[rows_P]
    kept, at_P = _once(place_P.reshape(-1), minutes_P, _is_new(inputs, result))
    first_of_T = np.unique(at_P, return_index=True)[1]
    columns = _columns(inputs, result)
    count_T = np.bincount(at_P)
    mean = {name: np.bincount(at_P, weights=values_P[kept]) / count_T for name, values_P in columns.items()}
    row_T = rows_P[kept][first_of_T]
    bounds = (mean.pop("lower"), mean.pop("upper")) if "lower" in mean else None
    return PlaceSeries(
        kind=kind,
        names=[str(name) for name in names],
        first_S=np.unique(place_P.reshape(-1)[kept][first_of_T], return_index=True)[1].astype(np.int64),
        time_T=begin_of(dataset.unit("time")) + minutes_P[kept][first_of_T].astype("timedelta64[m]"),
        row_T=row_T,
        observed_T=mean.pop("observed"),
        predicted_T=mean,
        bounds=bounds,
        folds_T=count_T,
        summed=_summed(dataset, inputs.task.target.unit, row_T),
    )


def places_of_samples(inputs: EvaluationInputs) -> tuple[str, NDArray[np.generic]] | None:
    """Return what a place is, station or cell, and that of every sample, [N]; None where there are no series."""
    dataset = inputs.dataset
    kind = next((name for name in ("station", "cell") if dataset.has(name)), "")
    if not kind or not dataset.has("time") or not inputs.task.has_residuals or dataset.is_text("time"):
        return None
    return kind, stations_of_samples(dataset) if kind == "station" else np.asarray(dataset.array("cell"))


def refuse_unknown_places(inputs: EvaluationInputs) -> None:
    """Refuse stations or cells to draw that are not among the evaluated rows, before these are predicted.

    Raises:
        SettingsError: With the nearest name.
    """
    wanted = inputs.settings.shared.evaluate.stations
    if not wanted or inputs.task.maps is not None or (places := places_of_samples(inputs)) is None:
        return
    kind, label_N = places
    splits = [inputs.run.split(name) for name in inputs.predictors]
    rows = [evaluated_rows(split, inputs.subset, len(inputs.samples)) for split in splits]
    names = np.unique(label_N[common(np.concatenate(rows), inputs.samples.usable())])
    for name in wanted:
        registry.require_choice(f"{kind} of the evaluated rows", name, map(str, names.tolist()))


def _columns(inputs: EvaluationInputs, result: EvaluationResult) -> dict[str, Values]:
    """Return what is averaged over folds, [P] each: observed, bounds, the network, and its own baselines."""
    own = [name for name in result.models if name in inputs.network.baselines]
    predicted = {name: result.models[name] for name in (result.network.name, *own)}
    found = {"observed": result.pooled.observed_P}
    if result.intervals is not None and result.intervals.bounds is not None:
        found |= dict(zip(("lower", "upper"), result.intervals.bounds, strict=True))
    return found | predicted


def _is_new(inputs: EvaluationInputs, result: EvaluationResult) -> NDArray[np.bool_]:
    """Return whether the first kind of group (station, block) of each row is unseen, [P]."""
    if result.novelty_P is None:
        return np.ones(len(result.pooled.rows_P), dtype=np.bool_)
    return np.asarray(result.novelty_P != f"{UNSEEN} {inputs.settings.shared.split.second_group}")


def _once(place_P: Rows, minutes_P: Rows, is_new_P: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Keep of each time of a place the rows of unseen groups, or all where none is.

    Returns:
        The kept rows in the order of place and time, and which time each is of, counted from 0.
    """
    order = np.lexsort((~is_new_P, minutes_P, place_P))
    place, minutes, is_new = place_P[order], minutes_P[order], is_new_P[order]
    begins = np.append(True, (np.diff(place) != 0) | (np.diff(minutes) != 0))
    number = np.cumsum(begins) - 1
    chosen = is_new == is_new[begins][number]  # the first of a time is new where any is
    return order[chosen].astype(np.int64), number[chosen].astype(np.int64)


def _summed(dataset: Dataset, unit: str, row_T: Rows) -> Summed | None:
    try:
        name, per_minute = sum_unit(dataset, unit)
    except SettingsError:  # no rate per time, or no series: there is no sum
        return None
    time = np.asarray(dataset.array("time"))
    station = station_of_records(dataset)
    begin = begin_of(dataset.unit("time")) + time.astype("timedelta64[m]")
    record_T = np.asarray(dataset.array("index"), dtype=np.int64)[row_T]
    step = int(dataset.array("step")[0])
    # Up to the next record is longer than the record itself where records are missing.
    minutes_T = np.minimum(lengths(begin, station, step), _longest(begin, step))[record_T]
    return Summed(name, minutes_T, np.ones(len(row_T)) if per_minute is None else minutes_T * per_minute)


def _longest(begin: NDArray[np.datetime64], step: int) -> Values:
    """Return how long each record can last [min]: its month or year, or its step; the last week has 8 or 9 days."""
    if step > 0:
        return np.full(len(begin), float(_LONGEST_WEEK if step == _WEEK else step))
    return np.asarray((end_of_period(begin, "M" if step == 0 else "Y") - begin).astype(np.float64))


def series_rows(series: PlaceSeries) -> Iterator[Sequence[str | int]]:
    """Yield the columns of `series.csv`, then a row for each time of each place, as text."""
    bounds = {} if series.bounds is None else dict(zip(("lower", "upper"), series.bounds, strict=True))
    network, *others = series.predicted_T
    columns = {"observed": series.observed_T, "predicted": series.predicted_T[network], **bounds}
    columns |= {name: series.predicted_T[name] for name in others}
    yield [series.kind, "time", *columns, "folds"]
    lengths_S = np.diff(np.append(series.first_S, len(series.time_T))).tolist()
    named = [name for name, length in zip(series.names, lengths_S, strict=True) for _ in range(length)]
    times = np.datetime_as_string(series.time_T, unit="s").tolist()
    # Column by column: many cells have a single time each.
    values = (texts(values_T.tolist()) for values_T in columns.values())
    yield from zip(named, times, *values, series.folds_T.tolist(), strict=True)


class PlaceSum(NamedTuple):
    """Sums over the times of a place that have an observation; other times are in neither sum.

    Attributes:
        name: Of the place.
        begin: Of the first time.
        end: Of the last record.
        times: That were summed up.
        missing_days: Days between begin and end that were not.
        longest_gap_days: Of these, the longest without a break.
        observed: Sum.
        predicted: Likewise.
    """

    name: str
    begin: str
    end: str
    times: int
    missing_days: float
    longest_gap_days: float
    observed: float
    predicted: float


def place_sums(series: PlaceSeries) -> list[PlaceSum]:
    """Sum up every place; empty where the target is no rate per time."""
    summed = series.summed
    if summed is None:
        return []
    network = next(iter(series.predicted_T.values()))
    found = []
    for place, name in enumerate(series.names):
        own = series.times(place)
        begin, minutes, factor = series.time_T[own], summed.minutes_T[own], summed.factor_T[own]
        end = begin + minutes.astype("timedelta64[m]")
        gaps = ((begin[1:] - end[:-1]) / np.timedelta64(1, "m")).clip(min=0) / _MINUTES_A_DAY
        found.append(
            PlaceSum(
                name,
                str(begin[0]),
                str(end[-1]),
                len(begin),
                float(gaps.sum()),
                float(gaps.max(initial=0.0)),
                float((series.observed_T[own] * factor).sum()),
                float((network[own] * factor).sum()),
            )
        )
    return found
