"""Exports of Earth Engine, each read once into an array of days and stations.

Legend: D days of the calendar, S stations, N rows of all files of a product, V variables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.arrow_tables import ArrowTable, Joined, open_arrow
from geoml_cli.sources.smap.calendar import Calendar, days_of, seconds
from geoml_cli.sources.smap.moisture_years import notes_on_years
from geoml_cli.sources.smap.names import IDENTITY, SEPARATOR, StationNames
from geoml_cli.sources.smap.notes import Notes
from geoml_cli.sources.smap.products import GRIDMET, INDEX, LST, S1, Product
from geoml_cli.sources.smap.scales import (
    MOST_OF_A_YEAR,
    Scale,
    refuse_other_weather,
    refuse_percent,
    refuse_weather,
    scale_of,
    temperature_factor,
)

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
StationSeries = dict[str, Floats]
"""Variables by name, each [D, S], NaN where there is no value."""
FILL = -9999.0
_ROUNDING = 1e-5
"""Relative: two exports of one value differ by float32's rounding."""
LST_LEAST, LST_LIMIT = 7500.0, 18000.0
"""Least of MOD11A1's numbers of 0.02 K, and 360 K: its own limit, 65535, stands for missing values in some exports."""
_STATION = Joined("station", IDENTITY, SEPARATOR)


@dataclass
class Rows:
    """Rows of a product, as they stand in its files.

    Attributes:
        day: Place in the calendar, [N].
        station: Number, [N].
        second: Time of day, 0 where there is none, [N].
        values: [N, V].
        scales: Of the values of each file.
        image: Number of the image, of Sentinel-1 alone, [N].
    """

    day: Integers
    station: Integers
    second: Integers
    values: NDArray[np.float64]
    scales: dict[Path, Scale | None] = field(default_factory=dict)
    image: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def read_rows(product: Product, paths: Sequence[Path], names: StationNames, calendar: Calendar, notes: Notes) -> Rows:
    """Read all files of a product.

    Raises:
        DataError: A file lacks a column, a name holds no date, or a cell is no number.
    """
    by_file = {path: _rows_of(product, path, names, calendar) for path in paths}
    if product.unlimited:
        for path, of_file in by_file.items():
            _without_fills(product, of_file, path, notes)
        notes.fills.refuse()
    scales: dict[Path, Scale | None] = {}
    means: dict[Path, NDArray[np.float64]] = {}
    for path, of_file in by_file.items():
        _refuse_other_years(of_file, path, calendar)
        if product.scaled and of_file:
            scales[path] = scale_of(np.concatenate([part.values for part in of_file]), path)
        if product is GRIDMET and of_file:
            whole = np.concatenate([part.values for part in of_file])
            days = len(np.unique(np.concatenate([part.day for part in of_file])))
            refuse_weather({name: whole[:, place] for place, name in enumerate(product.columns)}, str(path), days)
            means[path] = _means(whole, days)
        if product is LST and of_file:
            _to_numbers(of_file, path, notes)
    refuse_other_weather(means, list(product.columns))
    empty = np.empty(0, dtype=np.int64)
    parts = [Rows(empty, empty, empty, np.empty((0, len(product.columns))))]
    parts += [part for of_file in by_file.values() for part in of_file]
    return Rows(
        np.concatenate([part.day for part in parts]),
        np.concatenate([part.station for part in parts]),
        np.concatenate([part.second for part in parts]),
        np.concatenate([part.values for part in parts]),
        scales,
        np.concatenate([part.image for part in parts]),
    )


def _means(values: NDArray[np.float64], days: int) -> NDArray[np.float64]:
    """Return the mean of each variable; NaN of a file of some days, which may be of one season."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    whole = (count > 0) & (days >= MOST_OF_A_YEAR)
    return np.where(whole, np.where(known, values, 0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _without_fills(product: Product, parts: list[Rows], path: Path, notes: Notes) -> None:
    """Set fills that are declared to NaN, and count what looks like others."""
    for part in parts:
        for place, name in enumerate(product.columns):
            part.values[:, place] = notes.fills.masked(name, part.values[:, place])
            notes.fills.count(name, str(path), part.values[:, place])


def _to_numbers(parts: list[Rows], path: Path, notes: Notes) -> None:
    """Turn kelvin into the product's numbers, where the file holds kelvin."""
    factor = temperature_factor(np.concatenate([part.values for part in parts]), str(path))
    if factor != 1:
        notes.lines.append(f"{path.name} holds kelvin; it was turned into numbers of 0.02 K.")
        for part in parts:
            part.values *= factor


def _refuse_other_years(parts: list[Rows], path: Path, calendar: Calendar) -> None:
    """Refuse a file that holds no day of the year in its name, such as a copy of another year's."""
    day = np.concatenate([part.day for part in parts]) if parts else np.empty(0, dtype=np.int64)
    named = _YEAR.search(path.name)
    if len(day) and named and not (calendar.years[day] == int(named[1])).any():
        dates = calendar.dates
        raise DataError(
            f"holds no day of {named[1]}, but {dates[day.min()]} to {dates[day.max()]}",
            where=str(path),
            fix="Export that year, or name the file by the year that it holds.",
        )


def _rows_of(product: Product, path: Path, names: StationNames, calendar: Calendar) -> list[Rows]:
    table = open_arrow(path)
    columns = [table.column(called, name) for name, called in product.columns.items()]
    index = table.column((INDEX,), "name of the image")
    found = []
    for station, block in by_station(table, names, (index,), columns, {index: product.head}):
        stamps = product.date(block[index])
        day = calendar.places(days_of(stamps, path, index))
        second = seconds(product.stamp(block[index])) if product.stamp else np.zeros(len(day), dtype=np.int64)
        values = np.stack([block[column] for column in columns], axis=1)
        ours = (day >= 0) & (station >= 0)
        values = np.where(values == FILL, np.nan, values)
        images = [hash(text) for text in block[index][ours].tolist()] if product is S1 else []
        image = np.array(images, dtype=np.int64)
        found.append(Rows(day[ours], station[ours], second[ours], values[ours], image=image))
    return found


def by_station(
    table: ArrowTable,
    names: StationNames,
    texts: Sequence[str],
    numbers: Sequence[str],
    heads: Mapping[str, int] | None = None,
) -> list[tuple[Integers, dict[str, NDArray[Any]]]]:
    """Read a file whole, with the number of every row's station, block by block.

    Which station a name is depends on what other names a file holds.

    Raises:
        DataError: A column or cell is not as it must be, a station lies elsewhere, or a name could be of several.
    """
    table.column(("ID",), "station")
    blocks, unique, places = [], [], []
    for block in table.blocks(texts, numbers, heads, _STATION):
        different, place = np.unique(block.pop(_STATION.name), return_inverse=True)
        blocks.append(block)
        unique.append(different)
        places.append(place.reshape(-1))
    if not blocks:
        return []
    every = np.unique(np.concatenate(unique))
    station = names.numbers(every, table.path)
    return [
        (station[np.searchsorted(every, different)][place], block)
        for different, place, block in zip(unique, places, blocks, strict=True)
    ]


def panel(rows: Rows, names: Sequence[str], shape: tuple[int, int], scenes: Literal["first", "mean"]) -> StationSeries:
    """Lay rows out by day and station; of several on one day the first in time, or their mean.

    Rows of the same time keep the order of the files.
    """
    days, stations = shape
    # A scene without any value must not hide a later one of the same day.
    some = np.isfinite(rows.values).any(axis=1)
    rows = Rows(rows.day[some], rows.station[some], rows.second[some], rows.values[some])
    cell = rows.day * stations + rows.station
    order = np.lexsort((rows.second, cell))
    cell, values = cell[order], rows.values[order]
    unique, first = np.unique(cell, return_index=True)
    kept = values[first]
    if scenes == "mean" and len(kept):
        known = np.isfinite(values)
        total = np.add.reduceat(np.where(known, values, 0.0), first, axis=0)
        number = np.add.reduceat(known.astype(np.int64), first, axis=0)
        kept = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    found: StationSeries = {}
    for place, name in enumerate(names):
        plain = np.full(days * stations, np.nan, dtype=np.float32)
        plain[unique] = kept[:, place]
        found[name] = plain.reshape(days, stations)
    return found


_YEAR = re.compile(r"_(\d{4})(?=[_.])")
_SMAP_COLUMN = re.compile(r"(\d{8})_sm_surface(?:_1)?$")


def read_smap(paths: Sequence[Path], names: StationNames, calendar: Calendar, notes: Notes) -> StationSeries:
    """Read SMAP, wide: a row a station, a column `YYYYMMDD_sm_surface` a day.

    Raises:
        DataError: A file has no such column, or a column's date is none.
    """
    found = np.full((calendar.days, len(names.names)), np.nan, dtype=np.float32)
    for path in paths:
        before = found.copy()
        table = open_arrow(path)
        hits = [hit for hit in map(_SMAP_COLUMN.match, table.columns) if hit]
        if not hits:
            raise DataError(
                "there is no column such as 20190101_sm_surface",
                where=str(path),
                fix=f"It has: {', '.join(table.columns[:6])}.",
            )
        columns = [hit[0] for hit in hits]
        day = calendar.places(days_of(np.array([hit[1] for hit in hits]), path, "YYYYMMDD_sm_surface"))
        layers = _layers(day)
        notes.count(int(len(layers) > 1), f"file has several columns of a day ({path.name}): the first value counts.")
        further = [_scatter(found, table, [columns[place] for place in layer], day[layer], names) for layer in layers]
        notes.count(further[0], f"rows of {path.name} are further ones of their station.")
        refuse_percent(found[np.isnan(before)], str(path))
    wrong = (found < 0) | (found > 1)
    notes.count(int(wrong.sum()), "values of SMAP outside 0 to 1 m3 m-3 are missing.")
    found[wrong] = np.nan
    notes.lines += notes_on_years(found, names.names, "SMAP", str(paths[0].parent), calendar)
    return {"SMAP": found}


def _layers(day: Integers) -> list[Integers]:
    """Divide columns so that each part has one of a day: the first of every day, then the second.

    Those of days outside of the calendar, -1, are in none; the first part is there, if empty.
    """
    order = np.argsort(day, kind="stable")
    order = order[day[order] >= 0]
    _, first, count = np.unique(day[order], return_index=True, return_counts=True)
    turn = np.arange(len(order)) - np.repeat(first, count)
    return [np.sort(order[turn == number]) for number in range(max(int(turn.max(initial=0)) + 1, 1))]


def differing(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where two values are different ones; a missing value is no other, nor one that was rounded otherwise."""
    return np.asarray(np.abs(one - other) > _ROUNDING * np.maximum(np.abs(one), np.abs(other)))


def _scatter(moisture_DS: Floats, table: ArrowTable, columns: list[str], day: Integers, names: StationNames) -> int:
    """Lay the rows of a file out; return how many are further ones of a station."""
    seen: list[Integers] = []
    of_file = np.full((len(columns), moisture_DS.shape[1]), np.nan, dtype=np.float32)
    for station, block in by_station(table, names, (), columns):
        seen.append(station[station >= 0])
        values = np.array([block[column] for column in columns]).reshape(len(columns), -1)  # [days of the file, rows]
        values = np.where(values == FILL, np.nan, values)  # a fill is no first value
        for row in np.flatnonzero(station >= 0):
            # The first row of a station counts: a second, empty one would wipe out its year.
            known, own = moisture_DS[day, station[row]], of_file[:, station[row]]
            if (other := differing(own, values[:, row])).any():
                at = int(other.argmax())
                raise DataError(
                    f"station {names.names[station[row]]} has {own[at]:g} and {values[at, row]:g} in {columns[at]}",
                    where=str(table.path),
                    fix="Give one row a station.",
                )
            of_file[:, station[row]] = np.where(np.isfinite(own), own, values[:, row])
            moisture_DS[day, station[row]] = np.where(np.isfinite(known), known, values[:, row])
    rows = np.concatenate(seen) if seen else np.empty(0, dtype=np.int64)
    return len(rows) - len(np.unique(rows))
