"""Options of `geoml prepare grid`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from geoml_cli.readers.limits import limits
from geoml_cli.readers.nodata import Nodata
from geoml_cli.source import Options

_MONTHS, _DAYS = 12, 31
_SHORT = {2: 30, 4: 30, 6: 30, 9: 30, 11: 30}
"""Days of the shorter months; 30 of February, as calendars of 360 days have them."""


def _period(text: str) -> str:
    if text and not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", text):
        raise ValueError("give a year, month or day, such as 2003, 2003-05 or 2003-05-17")
    _, month, day = (int(part) for part in f"{text}-01-01".split("-")[:3]) if text else (0, 1, 1)
    # Calendars of models have 30 February: a day is checked against the longest month only.
    if not (1 <= month <= _MONTHS and 1 <= day <= _DAYS):
        raise ValueError(f"there is no month {month}" if not 1 <= month <= _MONTHS else f"no month has a day {day}")
    if month in _SHORT and day > _SHORT[month]:
        raise ValueError(f"month {month} has no day {day}")
    return text


def _numbers(text: str, count: int, example: str) -> str:
    parts = text.split(",") if text else []
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if text and len(values) != count:
        raise ValueError(f"give {count} numbers, such as {example}")
    return text


def _box(text: str) -> str:
    _numbers(text, 4, "117,21,130,42")
    if text and float(text.split(",")[1]) >= float(text.split(",")[3]):
        raise ValueError("the second number, SOUTH, must be below the fourth, NORTH")
    return text


def _levels(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if not re.fullmatch(r"[^=]+=[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", text):
            raise ValueError("give DIMENSION=VALUE, such as depth=0")
    return texts


def _pattern(text: str) -> str:
    try:
        names = set(re.compile(text).groupindex)
    except re.error as error:
        raise ValueError(f"it is not a regular expression: see character {(error.pos or 0) + 1}") from error
    if unknown := sorted(names - {"year", "month", "day", "doy", "hour", "minute"}):
        raise ValueError(f"{unknown[0]} is no group; there are year, month, day, doy, hour and minute")
    if text and ("year" not in names or not names & {"month", "doy"}):
        raise ValueError("it needs the groups (?P<year>...) and (?P<month>...) or (?P<doy>...)")
    return text


class GridOptions(Options):
    """Options of `prepare grid`."""

    var: str | None = None
    """Variable to read, with its group where it has one (group/name) [the only one on a grid]."""

    unit: str = ""
    """Unit of the values, where the files have none, in the spelling of UDUNITS. Values are not converted."""

    pattern: str = "*"
    """Read only files whose name fits, such as 'sst_*.nc'."""

    start: Annotated[str, AfterValidator(_period)] = ""
    """First year, month or day to read [the first]."""

    end: Annotated[str, AfterValidator(_period)] = ""
    """Last year, month or day to read, inclusive [the last]."""

    crop: Annotated[str, AfterValidator(_box)] = ""
    """WEST,SOUTH,EAST,NORTH: read only cells whose centres lie within [degrees]."""

    select: Annotated[tuple[str, ...], AfterValidator(_levels)] = ()
    """DIMENSION=VALUE: which value of a further dimension to read, such as depth=0 [m]; of a dimension without values,
    its place, counted from 0."""

    nodata: Nodata = ()
    """NAME=VALUE: stored number of the variable NAME that stands for missing values, besides those that the files
    declare; NAME=none: no other does. Of GeoTIFF, NAME is `value`."""

    range: Annotated[str, AfterValidator(limits)] = ""
    """LOW,HIGH: refuse values beyond. By default, values far beyond those of other times are refused."""

    land: str | None = None
    """Variable of the first file that is 1 (or 100 %) on land [cells that never have a value]."""

    date_pattern: Annotated[str, AfterValidator(_pattern)] = ""
    """Regular expression of dates in names of files without a time: groups year, month, day (or doy), hour, minute."""
