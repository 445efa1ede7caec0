"""Ground truth: daily soil moisture of a table or an ISMN archive.

Legend: D days, S stations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers import ismn
from geoml_cli.readers.arrow_tables import open_arrow
from geoml_cli.readers.ismn_readings import Readings, joined
from geoml_cli.sources.smap.calendar import Calendar, written_days
from geoml_cli.sources.smap.discovery import RawFiles
from geoml_cli.sources.smap.exports import Rows, by_station, panel
from geoml_cli.sources.smap.moisture_years import notes_on_years
from geoml_cli.sources.smap.names import Identity, StationNames
from geoml_cli.sources.smap.notes import Notes
from geoml_cli.sources.smap.options import SmapOptions
from geoml_cli.sources.smap.repeats import refuse_several, repeated

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
_UNREAD = re.compile(r"flag|quality|qc$|depth", re.IGNORECASE)
"""Columns that a user may think are heeded: those of ISMN are, in its own files."""
_LEAST = -9.0
_PERCENT, _SEVERAL = 1.0, 10
_DRIEST = 2.0
"""Percent that most days of a year exceed; a broken sensor gives a little more than 1 m3 m-3."""


def read_truth(
    raw_files: RawFiles, options: SmapOptions, names: StationNames, calendar: Calendar, notes: Notes
) -> Floats:
    """Return soil moisture [m3 m-3], [D, S], NaN where there is none.

    Raises:
        DataError: A file is damaged, or the values are percent.
    """
    if raw_files.truth is None:
        return np.full((calendar.days, len(names.names)), np.nan, dtype=np.float32)
    values = (
        _archive(raw_files.sensors, options, names, calendar, notes)
        if raw_files.sensors
        else _table(raw_files.truth, names, calendar, notes)
    )
    known = values[np.isfinite(values)]
    if not len(known):
        raise DataError(
            "no value belongs to a station and a day of the exports",
            where=str(raw_files.truth),
            fix=_of_other_networks(names)
            or "Check the names of the stations and the years, and of an archive --flags, --hours and the depth.",
        )
    if float(np.median(known)) > _PERCENT:
        raise DataError(
            f"the median of the ground truth is {float(np.median(known)):g}, not soil moisture in m3 m-3",
            where=str(raw_files.truth),
            fix="Divide percent by 100.",
        )
    _refuse_percent_of_a_year(values, str(raw_files.truth), names, calendar)
    wrong = (values < 0) | (values > _PERCENT)
    notes.count(int(wrong.sum()), "values of ground truth outside 0 to 1 m3 m-3 are missing.")
    found = np.where(wrong, np.float32(np.nan), values)
    notes.lines += notes_on_years(found, names.names, "ground truth", str(raw_files.truth), calendar)
    return found


def _of_other_networks(names: StationNames) -> str:
    """Say what to do about stations that are of another network than in the table; empty where there are none."""
    if not names.elsewhere:
        return ""
    shown = ", ".join(sorted(names.elsewhere)[:_SEVERAL])
    return f"{len(names.elsewhere)} stations are of another network than in the table: {shown}. Correct its Network."


def _refuse_percent_of_a_year(values: Floats, location: str, names: StationNames, calendar: Calendar) -> None:
    """Refuse a station's year in percent: its values would be missing, and most of its windows with them."""
    years = np.asarray(calendar.years)
    for year in np.unique(years):
        of_year_DS = values[years == year]
        known_S = np.isfinite(of_year_DS).sum(axis=0)
        beyond_S = (of_year_DS > _PERCENT).sum(axis=0)
        percent = np.flatnonzero((known_S >= _SEVERAL) & (2 * (of_year_DS > _DRIEST).sum(axis=0) > known_S))
        if len(percent):
            station = int(percent[0])
            raise DataError(
                f"{beyond_S[station]} of {known_S[station]} values of {names.names[station]} in {year} are above 1 (up "
                f"to {np.nanmax(of_year_DS[:, station]):g}), no soil moisture in m3 m-3",
                where=location,
                fix="Divide percent by 100; leave out a station whose sensor failed.",
            )


def _table(path: Path, names: StationNames, calendar: Calendar, notes: Notes) -> Floats:
    table = open_arrow(path)
    unread = [name for name in table.columns if _UNREAD.search(name)]
    if unread:
        notes.lines.append(f"{', '.join(unread)} of the ground truth is not read: every row counts.")
    date, moisture = (table.column((name,), name) for name in ("Date", "VWC_5"))
    parts: list[tuple[Integers, Integers, NDArray[np.float64]]] = []
    for station, block in by_station(table, names, (date,), (moisture,)):
        day = calendar.places(written_days(block[date], path, date))
        parts.append((day, station, block[moisture]))
    if not parts:
        raise DataError("has a header and no rows", where=str(path), fix="Give a table with ground truth.")
    day, stations, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    ours = (stations >= 0) & (day >= 0)
    fill = ours & (value <= _LEAST)
    notes.count(int(fill.sum()), "rows of ground truth hold a fill value such as -9999; they are missing.")
    usable = ours & ~fill & np.isfinite(value)
    rows = Rows(day[usable], stations[usable], np.zeros(int(usable.sum()), dtype=np.int64), value[usable, None])
    refuse_several(rows, str(path), names, calendar)
    notes.count(repeated(rows), "rows of ground truth repeat a station and day with the same value.")
    return panel(rows, ("VWC_5",), (calendar.days, len(names.names)), "first")["VWC_5"]


def _archive(
    sensors: Sequence[ismn.SensorFile],
    options: SmapOptions,
    names: StationNames,
    calendar: Calendar,
    notes: Notes,
) -> Floats:
    depth = (options.depth_from, options.depth_to)
    empty = sum(not sensor.has_rows for sensor in sensors)
    notes.count(empty, "files of the archive hold a header and no reading; they are left out.")
    sensors = [sensor for sensor in sensors if sensor.has_rows]
    by_station: dict[int, dict[str, list[ismn.SensorFile]]] = {}
    for number, sensor in zip(_stations(sensors, names), sensors, strict=True):
        if number >= 0 and ismn.within(sensor, depth):
            by_station.setdefault(number, {}).setdefault(sensor.name, []).append(sensor)
    values = np.full((calendar.days, len(names.names)), np.nan, dtype=np.float32)
    missing = repeats = differing = several = 0
    for number, files in sorted(by_station.items()):
        daily, each = _Daily(calendar, options), list[Readings]()
        for same in files.values():
            readings, again = joined([ismn.read(sensor, depth) for sensor in same])
            repeats, differing = repeats + again.rows, differing + again.differing
            each += readings.by_depth()
            if each and options.sensors == "first":
                break
        several += len(files) > 1 or len(each) > 1
        for readings in each[: 1 if options.sensors == "first" else None]:
            missing += int((~np.isfinite(readings.value)).sum())
            daily.add(readings)
        values[:, number] = daily.mean()
    notes.count(missing, "hourly values are fill values such as -9999 (flag M); they are missing.")
    other = f", of which {differing} are others" if differing else ""
    notes.count(repeats, f"hourly values stand a second time in the files of a sensor{other}; the first counts.")
    notes.count(several, f"stations have several sensors between {depth[0]:g} and {depth[1]:g} m: {options.sensors}.")
    return values


def _stations(sensors: Sequence[ismn.SensorFile], names: StationNames) -> list[int]:
    """Return the number of the station of every sensor, -1 where it is none of the table's.

    Raises:
        DataError: Two stations could be one of the table's, or lie elsewhere.
    """
    identities = []
    for sensor in sensors:
        place = (f"{angle:g}" if np.isfinite(angle) else "" for angle in (sensor.latitude, sensor.longitude))
        identities.append(Identity(sensor.station, sensor.network, *place))
    found = names.resolved(identities, sensors[0].archive)
    networks: dict[int, ismn.SensorFile] = {}
    for number, sensor in zip(found, sensors, strict=True):
        other = networks.setdefault(number, sensor)
        if number >= 0 and other.network != sensor.network:
            raise DataError(
                f"station {sensor.station} is one of {other.network} and one of {sensor.network}",
                where=sensor.where,
                fix="Add a column Network to the table of stations, or leave one of the two out of the archive.",
            )
    return found


class _Daily:
    """Daily means of one station's sensors."""

    def __init__(self, calendar: Calendar, options: SmapOptions) -> None:
        self._calendar, self._options = calendar, options
        self._total, self._count = np.zeros(calendar.days), np.zeros(calendar.days)
        self._hours_D24 = np.zeros((calendar.days, 24), dtype=np.bool_)
        """Hours with a good value of any sensor: values of several sensors at one hour are one hour."""

    def add(self, readings: Readings) -> None:
        """Add the good hourly values of a sensor."""
        day = self._calendar.places(readings.time.astype("datetime64[D]").astype(np.int64))
        good = readings.good(self._options.flags) & (day >= 0)
        total = np.bincount(day[good], weights=readings.value[good], minlength=self._calendar.days)
        count = np.bincount(day[good], minlength=self._calendar.days).astype(np.float64)
        enough = count >= self._options.hours
        if self._options.sensors == "all":
            self._total += total
            self._count += count
            hour = readings.time.astype("datetime64[h]").astype(np.int64) % 24
            self._hours_D24[day[good], hour[good]] = True
        else:
            self._total[enough] += total[enough] / count[enough]
            self._count += enough

    def mean(self) -> Floats:
        """Return the daily means [D], NaN on days with too few values."""
        enough = self._count > 0
        if self._options.sensors == "all":
            enough = self._hours_D24.sum(axis=1) >= self._options.hours
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(enough, self._total / self._count, np.nan).astype(np.float32)
