"""A site's files put together: one regular series, gaps as NaN, repetitions taken once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.column_fills import ColumnFills
from geoml_cli.sources.fluxnet import dryness, uncertainty
from geoml_cli.sources.fluxnet.candidates import FilledRows, described, read_filled
from geoml_cli.sources.fluxnet.clock import SummerTime, lost_hours, lost_notes, summer_time
from geoml_cli.sources.fluxnet.discovery import FluxFile
from geoml_cli.sources.fluxnet.layout import Layout, open_layout
from geoml_cli.sources.fluxnet.reading import Rows, Values
from geoml_cli.sources.fluxnet.times import Integers, Step, format_time, is_subdaily, years
from geoml_cli.sources.fluxnet.units import base_names, carbon_parts, quality_column

CLIMATE = ("TA_F", "P_F")
_HOUR = 60
"""Minutes."""
QUALITY = "quality of the target"
"""Name under which a target's quality is kept."""


@dataclass(frozen=True)
class RequestedColumns:
    """What is read of every site.

    Attributes:
        needed: Drivers without which a file is refused.
        extra: Drivers that may be missing.
        target: The flux.
        quality: Its quality column as the user named it; None for the usual one.
        nodata: What `--nodata` says of fill values.
    """

    needed: tuple[str, ...]
    extra: tuple[str, ...]
    target: str
    quality: str | None
    nodata: tuple[str, ...] = ()


@dataclass(frozen=True)
class Series:
    """A site's regular series.

    Attributes:
        first: Place of the first record on the grid.
        values: By name, NaN where missing, shape [T].
        read: Rows in the files.
        repeated: Rows that stood there a second time.
        renamed: Columns of AmeriFlux BASE, by the FLUXNET name they were taken for; several where files differ.
        empty: Columns without a value that were passed over for those taken, by the same name.
        quality: Name of the quality column; None where the target has none.
        uncertain: Columns that tell of the target's uncertainty, by the variable that holds them.
        fluxes: What can be a target instead, where no file has the one asked for.
        notes: What is said of files that end before the last year of their name, or hold no vapour pressure deficit.
        lost: Places of hours that are missing where clocks are put forward.
    """

    first: int
    values: dict[str, Values]
    read: int
    repeated: int
    renamed: dict[str, tuple[str, ...]]
    empty: dict[str, tuple[str, ...]]
    quality: str | None
    uncertain: dict[str, str]
    fluxes: tuple[str, ...]
    notes: tuple[str, ...]
    lost: tuple[int, ...] = ()

    @property
    def length(self) -> int:
        """Return the number of records, T."""
        return len(next(iter(self.values.values())))


def names(wanted: RequestedColumns) -> tuple[str, ...]:
    """Return all columns that are read but the quality, each once."""
    return tuple(dict.fromkeys((*wanted.needed, *wanted.extra, *CLIMATE, wanted.target)))


def read_site(files: Sequence[FluxFile], wanted: RequestedColumns, step: Step) -> Series:
    """Read a site's files; memory holds the site's columns asked for.

    Raises:
        DataError: A needed column is missing, a file is damaged, or two rows of one time contradict each other.
    """
    fills = ColumnFills(wanted.nodata, (*names(wanted), dryness.HUMIDITY))
    tables: list[Rows] = []
    notes: list[str] = []
    renamed: dict[str, tuple[str, ...]] = {}
    empty: dict[str, tuple[str, ...]] = {}
    uncertain: dict[str, str] = {}
    parts: set[str] = set()
    qualities: set[str | None] = set()
    others: list[tuple[str, ...]] = []
    meanings = uncertainty.meanings(wanted.target)
    for file in files:
        layout = open_layout(file.text)
        found = _with_humidity(layout, candidates_of(layout, file, wanted, step), wanted, fills, step)
        rows, columns = found.rows, found.columns
        if columns.get(wanted.target) == wanted.target:  # not of another flux in its place
            uncertain |= {name: column for name, column in columns.items() if name in meanings}
            parts |= set(carbon_parts(wanted.target, columns))
        _add(renamed, {name: (own,) for name, own in columns.items() if name not in (own, QUALITY, *meanings)})
        _add(empty, found.empty)
        qualities.add(columns.get(QUALITY))
        others.append(() if wanted.target in columns else _fluxes(layout))
        if dryness.humidity_columns(columns, names(wanted), layout.columns, step):
            humidity = columns[dryness.HUMIDITY]
            rows = replace(rows, values=dryness.with_deficit(rows.values, humidity, str(rows.text)))
            given = f"{columns[dryness.TEMPERATURE]} and {humidity} [hPa]"
            passed = described((), found.empty.get(dryness.HUMIDITY, ()))
            lacks = "no value of" if dryness.VPD in found.empty else "no"
            notes.append(f"{file.text.name} has {lacks} {dryness.VPD}: it is computed from {given}{passed}")
        notes += _short(file, rows, step)
        tables.append(rows)
    fills.refuse()
    every = tuple(
        dict.fromkeys((*names(wanted), *((QUALITY,) if qualities != {None} else ()), *uncertain, *sorted(parts)))
    )
    place, values, repeated = _joined(tables, every, step)
    # An hour of fill values is missing as well.
    measured = np.any([np.isfinite(column) for column in values.values()], axis=0)
    lost = lost_hours(place[measured], step) if is_subdaily(step) else ()
    notes += [f"{files[0].text.name}: {text}" for text in (*lost_notes(lost, step), *_absent(place, step))]
    first, length = int(place[0]), int(place[-1] - place[0]) + 1
    regular = {name: np.full(length, np.nan) for name in every}
    for name, column in values.items():
        regular[name][place - first] = column
    quality = next((column for column in qualities if column is not None), None)
    rows_read = sum(len(rows.place) for rows in tables)
    return Series(
        first, regular, rows_read, repeated, renamed, empty, quality, uncertain, min(others), tuple(notes), lost
    )


def _with_humidity(
    layout: Layout, candidates: Mapping[str, Sequence[str]], wanted: RequestedColumns, fills: ColumnFills, step: Step
) -> FilledRows:
    """Read a file, and its humidity in place of a vapour pressure deficit whose columns hold no value."""
    found = read_filled(layout, candidates, fills, step)
    if dryness.VPD not in found.columns or np.isfinite(found.rows.values[dryness.VPD]).any():
        return found
    others = set(candidates) - {dryness.VPD}
    humidity = dryness.humidity_columns(others, names(wanted), layout.columns, step)
    if not humidity:
        return found
    more = read_filled(layout, {dryness.HUMIDITY: humidity}, fills, step)
    if not np.isfinite(more.rows.values[dryness.HUMIDITY]).any():
        return found
    values = {name: column for name, column in found.rows.values.items() if name != dryness.VPD} | more.rows.values
    columns = {name: column for name, column in found.columns.items() if name != dryness.VPD} | more.columns
    passed = {dryness.VPD: tuple(candidates[dryness.VPD])}
    return FilledRows(replace(found.rows, values=values), columns, found.empty | more.empty | passed)


def _add(columns: dict[str, tuple[str, ...]], more: Mapping[str, tuple[str, ...]]) -> None:
    """Add another file's columns to those of a site, each once."""
    for name, own in more.items():
        columns[name] = tuple(dict.fromkeys((*columns.get(name, ()), *own)))


def _short(file: FluxFile, rows: Rows, step: Step) -> Iterator[str]:
    """Say that a file ends before its name does: it may be cut off between two rows."""
    last = int(rows.place.max())
    end = int(years(np.array([last + 1]), step)[0])
    if file.name.years is not None and end <= file.name.years[1]:
        until = f"its last record is of {format_time(last, step)}"
        yield f"{file.text.name} ends before {file.name.years[1]} does ({until}): it may be cut off"


def candidates_of(layout: Layout, file: FluxFile, wanted: RequestedColumns, step: Step) -> dict[str, list[str]]:
    """Tell which columns of a file may hold what, the best first; what it lacks is absent.

    Raises:
        DataError: It lacks a needed driver, or the target's quality.
    """
    base = file.name.product == "BASE"
    found: dict[str, list[str]] = {}
    for name in names(wanted):
        known = [name, *(base_names(name) if base else ())]
        if columns := [column for column in known if column in layout.columns]:
            found[name] = columns
    humidity = dryness.humidity_columns(found, names(wanted), layout.columns, step)
    found |= {dryness.HUMIDITY: humidity} if humidity else {}
    computed = (dryness.VPD,) if humidity else ()
    if missing := [name for name in wanted.needed if name not in (*found, *computed)]:
        raise _lacks(layout, missing, base)
    if wanted.target in found and not (base and wanted.quality is None):
        quality = quality_column(wanted.target, wanted.quality, layout.columns)
        if quality is not None and quality not in layout.columns:
            raise DataError(
                f"has no column {quality}, which tells how good {wanted.target} is",
                where=f"{layout.text}, line {layout.header}",
                fix="Name the column with --quality-column, or keep every target with --quality-column none.",
            )
        found |= {QUALITY: [quality]} if quality is not None else {}
    uncertain = uncertainty.columns(wanted.target, layout.columns) if wanted.target in layout.columns else {}
    parts = carbon_parts(wanted.target, layout.columns) if wanted.target in layout.columns else ()
    return {name: [name] for name in parts} | found | {name: [column] for name, column in uncertain.items()}


def _fluxes(layout: Layout) -> tuple[str, ...]:
    """Name what can be a target; percentiles, of two digits, tell of its uncertainty."""
    fluxes = [name for name in layout.columns if name.split("_")[0] in ("NEE", "FC", "GPP", "RECO", "LE", "H")]
    known = [name for name in fluxes if not re.search(r"_\d\d$", name)]
    return tuple(name for name in known if not name.endswith(("_QC", "UNC", "_N", "_METHOD", "_SE"))) or ("none",)


def _lacks(layout: Layout, missing: Sequence[str], base: bool) -> DataError:
    called = [f"{name} ({' or '.join(base_names(name)[::4])})" if base and base_names(name) else name
              for name in missing]  # fmt: skip
    columns = [name for name in layout.columns if not name.endswith("_QC")]
    shown = ", ".join(columns[:40]) + (" ..." if len(columns) > 40 else "")
    return DataError(
        f"has no column {', '.join(called)} (it has {shown})",
        where=f"{layout.text}, line {layout.header}",
        fix="Name the drivers that every site has with --dynamic (what only some have with --extra), or the sites with "
        "--only.",
    )


def _joined(pieces: Sequence[Rows], every: Sequence[str], step: Step) -> tuple[Integers, dict[str, Values], int]:
    """Sort all rows by time and take each time once; also count the rows that were repeated."""
    place = np.concatenate([rows.place for rows in pieces])
    values = {
        name: np.concatenate([rows.values.get(name, np.full(len(rows.place), np.nan)) for rows in pieces])
        for name in every
    }
    order = np.argsort(place, kind="stable")
    place = place[order]
    values = {name: column[order] for name, column in values.items()}
    again = np.flatnonzero(place[1:] == place[:-1]) + 1
    if len(again):
        _refuse_contradictions(place, values, again, step, lambda row: _stands(pieces, int(order[row])))
        place = np.delete(place, again)
        values = {name: np.delete(column, again) for name, column in values.items()}
    return place, values, len(again)


def _refuse_contradictions(
    place: Integers, values: dict[str, Values], again: Integers, step: Step, location: Callable[[int], str]
) -> None:
    for name, column in values.items():
        differ = (column[again] != column[again - 1]) & ~(np.isnan(column[again]) & np.isnan(column[again - 1]))
        if differ.any():
            row = int(again[differ.argmax()])
            if is_subdaily(step) and (found := summer_time(place, again[differ], step)):
                raise _summer_time(found, step, location(row))
            raise DataError(
                f"{format_time(int(place[row]), step)} stands in two rows with different {name} "
                f"({column[row - 1]:g} in {location(row - 1)}, {column[row]:g} here)",
                where=location(row),
                fix="Keep one of the files, or one of the rows.",
            )


def _summer_time(found: SummerTime, step: Step, location: str) -> DataError:
    where = "between" if found.between else "before and after"
    return DataError(
        f"times are those of clocks with summer time: the hour from {format_time(found.twice, step)} stands twice, and "
        f"that from {format_time(found.missing, step)} is missing",
        where=location,
        fix="Give local standard time, the whole year without summer time: take an hour off the times of summer, "
        f"{where} the two.",
    )


def _absent(place: Integers, step: Step) -> Iterator[str]:
    """Say how many time steps have no row between the first and the last, unless an hour at a time is missing."""
    absent = np.diff(place) - 1
    if not len(absent) or absent.max() <= (_HOUR // step.minutes if is_subdaily(step) else 0):
        return
    longest = int(absent.argmax())
    begin, end = (format_time(int(each), step) for each in (place[longest] + 1, place[longest + 1]))
    yield (
        f"{absent.sum()} time steps between the first and the last have no row, {absent[longest]} in a row from "
        f"{begin} to {end}: they count as not measured, their drivers as missing"
    )


def _stands(pieces: Sequence[Rows], number: int) -> str:
    """Tell in which file and line the n-th row of all files stands."""
    for rows in pieces:
        if number < len(rows.place):
            return f"{rows.text}, line {rows.line[number]}"
        number -= len(rows.place)
    raise AssertionError("there are not so many rows")
