"""Half-hourly text files as REddyProc and the gap-filling services of Jena read them, given as AmeriFlux BASE.

Columns are separated by tabs or blanks, a line of units follows the names, and Year, DoY and Hour stamp the END of a
record: hour 0.5 of day 1 ends the year's first half-hour, hour 24 its last.
Wutzler et al. 2018, doi:10.5194/bg-15-5015-2018.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from itertools import chain, islice, pairwise
from typing import IO

from geoml_cli.errors import DataError
from geoml_cli.readers.unpacking import bounded_lines

_NO_TIME = "no time: "
MARK = "# REddyProc:"
"""Begin of the comment that stands in place of the names."""
_CLOCK = ("Year", "DoY", "Hour")
_FIRST = 50
"""Rows that tell how long a record is."""
_NAMES = {
    "Rg": "SW_IN", "Tair": "TA", "Tsoil": "TS", "rH": "RH", "Ustar": "USTAR", "PAR": "PPFD", "PotRad": "SW_IN_POT",
}  # fmt: skip
_UNITS = {
    "NEE": ("umolm-2s-1", "umolco2m-2s-1"), "LE": ("wm-2",), "H": ("wm-2",), "Rg": ("wm-2",), "Tair": ("degc", "c"),
    "Tsoil": ("degc", "c"), "rH": ("%",), "VPD": ("hpa", "mbar"), "Ustar": ("ms-1", "m/s"),
}  # fmt: skip
"""How the units are spelled, without blanks, dots and the like."""
_ODD = str.maketrans({"µ": "u", "μ": "u", "°": None, "_": None, ".": None, "*": None, "^": None, " ": None})
_SITE = re.compile(r"(?:^|[^A-Za-z])([A-Z]{2})-?([A-Z][A-Za-z0-9]{2})(?=\d\d|[^A-Za-z0-9]|$)")


def is_header(line: str) -> bool:
    """Return whether a file's first line names REddyProc's columns of time."""
    return set(_CLOCK) <= set(_cells(line))


def site_of(name: str) -> str:
    """Return the site that a file's name tells, such as DE-Tha of Example_DETha98.txt; empty where it tells none."""
    found = _SITE.search(name)
    return f"{found[1]}-{found[2]}" if found else ""


def converted(header: str, stream: IO[str], location: str) -> Iterator[str]:
    """Give the lines as AmeriFlux BASE has them, one for one: names as a comment, units as the header, rows as rows.

    Args:
        header: The first line, already read.
        stream: The lines after it.
        location: The file, for messages.

    Raises:
        DataError: A column is in another unit, or times stamp the begin of a record.
    """
    names = _cells(header)
    lines = bounded_lines(stream, location, 2)
    units = next(lines, "")
    clock = [names.index(name) for name in _CLOCK]
    others = [place for place in range(len(names)) if place not in clock]
    yield f"{MARK} {header}"
    yield ",".join(("TIMESTAMP_START", "TIMESTAMP_END", *(_NAMES.get(names[p], names[p]) for p in others))) + "\n"
    # Refused after the header: only then is it known that the file is one of fluxes.
    _refuse_other_units(dict(zip(names, _cells(units), strict=False)), location)
    begin_rows = list(islice(lines, _FIRST))
    step = _step([_moment(_cells(line), clock) for line in begin_rows])
    if begin_rows and _cells(begin_rows[0])[clock[2] : clock[2] + 1] in (["0"], ["0.0"]):
        raise DataError(
            "begins with hour 0, the begin of a record; this layout stamps its end (0.5 for the first half-hour)",
            where=f"{location}, line 3",
            fix="Add half an hour (an hour to hourly records) to each time.",
        )
    for number, line in enumerate(chain(begin_rows, lines), start=3):
        if "," in line and "\t" in line:
            raise DataError(
                "numbers are written with commas",
                where=f"{location}, line {number}",
                fix="Save the file with points in numbers.",
            )
        row = _row(_cells(line), len(names), (clock, others), step) if line.strip() else line
        if row.startswith(_NO_TIME):
            raise DataError(
                f"{row.removeprefix(_NO_TIME)} is no end of a record",
                where=f"{location}, line {number}",
                fix="Correct the time: Hour is 0.5 to 24, with a point.",
            )
        yield row


def _cells(line: str) -> list[str]:
    text = line.rstrip("\r\n")
    return [cell.strip() for cell in text.split("\t")] if "\t" in text else text.split()


def _row(cells: list[str], columns: int, places: tuple[list[int], list[int]], step: datetime.timedelta) -> str:
    """Give a row; where cells are missing or too many, as many as there are, which is refused with its line."""
    clock, others = places
    if len(cells) != columns:
        return ",".join(cells) + ("," if len(cells) == columns - 1 else "") + "\n"
    end = _moment(cells, clock)
    if end is None:
        return _NO_TIME + ", ".join(f"{name} {cells[place]}" for name, place in zip(_CLOCK, clock, strict=True))
    stamps = [f"{moment:%Y%m%d%H%M}" for moment in (end - step, end)]
    return ",".join([*stamps, *(cells[place] for place in others)]) + "\n"


def _moment(cells: list[str], clock: list[int]) -> datetime.datetime | None:
    """Return the end of a record; None where its cells are no time."""
    try:
        year, day, hour = (float(cells[place]) for place in clock)
        begin = datetime.datetime(int(year), 1, 1)
        found = begin + datetime.timedelta(days=day - 1, minutes=round(hour * 60))
    except (ValueError, IndexError, OverflowError):
        return None
    is_time = year == int(year) and day == int(day) and 1 <= day <= 366 and 0 <= hour <= 24
    return found if is_time and found.year - int(year) in (0, 1) else None


def _step(moments: list[datetime.datetime | None]) -> datetime.timedelta:
    """Return the length of a record: the least distance of neighbouring rows, half an hour where it is no hour."""
    known = [moment for moment in moments if moment is not None]
    apart = [second - first for first, second in pairwise(known) if second > first]
    hour = datetime.timedelta(hours=1)
    return hour if min(apart, default=hour / 2) == hour else hour / 2


def _refuse_other_units(units: dict[str, str], location: str) -> None:
    if any(re.fullmatch(r"-?[\d.,]*\d", units.get(name, "")) for name in _CLOCK):
        raise DataError(
            "there is no line of units below the names",
            where=f"{location}, line 2",
            fix="Add it, such as `- - - umolm-2s-1 Wm-2 degC hPa`, a unit for each name.",
        )
    for name, known in _UNITS.items():
        given = units.get(name, "-")
        if given.translate(_ODD).lower() not in (*known, "-", "--", ""):
            raise DataError(
                f"{name} is in {given}, and is read in {known[0]}",
                where=f"{location}, line 2",
                fix="Convert the column, or correct its unit.",
            )
