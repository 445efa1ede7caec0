"""Numbers of a CF time to times, with what cftime leaves to the caller."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.readers.time_steps import Times
from geoml_cli.work.reasons import FaultError

_SINCE = re.compile(r"^\s*(months?|mon|years?|yr)\s+since\s+(.+)$", re.IGNORECASE)
_WEEKS = re.compile(r"^\s*weeks?\s+since\s+", re.IGNORECASE)
_ORIGIN = re.compile(
    r"(?P<since>\bsince\s+)(?P<date>-?\d{1,5}(?:-\d{1,2}){0,2})"
    r"(?:(?:T|\s+)(?P<hour>\d{1,2})(?::?(?P<minute>\d\d?)(?::?(?P<second>\d\d?(?:\.\d*)?))?)?"
    r"\s*(?:Z|UTC|GMT|0?0:00)?(?:(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?)?|\s*(?:Z|UTC|GMT))?$",
    re.IGNORECASE,
)
"""Where times are counted from. cftime drops hours without minutes and zones of one digit, and refuses a year alone."""
_CALENDARS = {"": "standard", "none": "standard", "360": "360_day"}
"""Names that CF does not know: `360` is that of the IRI Data Library."""


def decode(values: NDArray[np.float64], unit: str, calendar: str) -> Times:
    """Turn numbers into times.

    `months since` and `years since` count calendar months, which cftime leaves to the caller: 1.5 months are a month
    and half of the month that follows.

    Raises:
        ValueError: A number is missing, or the unit or calendar cannot be understood.
    """
    import cftime

    if not np.isfinite(values).all():
        raise FaultError("a time is missing")
    named = _CALENDARS.get(calendar.lower(), calendar.lower())
    if not _ORIGIN.search(unit := unit.strip()):
        raise FaultError(f"unit {unit!r} does not count from a moment such as 2002-01-01 06:00")
    unit = _ORIGIN.sub(_whole_origin, unit)
    if _WEEKS.match(unit):
        values, unit = 7 * values, _WEEKS.sub("days since ", unit)
    if counted := _SINCE.match(unit):
        per = 12 if counted[1].lower().startswith("y") else 1
        origin = cftime.num2date(0, f"days since {counted[2]}", named, only_use_cftime_datetimes=True)
        return [_months_later(origin, float(value) * per) for value in values]
    return list(np.atleast_1d(cftime.num2date(values, unit, named, only_use_cftime_datetimes=True)))


def _whole_origin(found: re.Match[str]) -> str:
    """Write a moment in full: `1990-1-1 6:00:00 +01:00`."""
    date = found["date"] + "-1" * (2 - found["date"].lstrip("-").count("-"))
    clock = f"{found['hour'] or 0}:{found['minute'] or '00'}:{found['second'] or '00'}"
    zone = f" {found['sign']}{int(found['hours']):02d}:{found['minutes'] or '00'}" if found["sign"] else ""
    return f"{found['since']}{date} {clock}{zone}"


def _months_later(origin: Any, months: float) -> Any:  # noqa: ANN401  cftime is untyped
    whole = int(np.floor(months))
    start = _shifted(origin, whole)
    return start + (_shifted(origin, whole + 1) - start) * (months - whole)


def _shifted(origin: Any, months: int) -> Any:  # noqa: ANN401
    index = origin.year * 12 + origin.month - 1 + months
    first = origin.replace(year=index // 12, month=index % 12 + 1, day=1)
    return first.replace(day=min(origin.day, first.daysinmonth))
