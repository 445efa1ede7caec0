"""Dates in names of files that hold one map each and no time."""

from __future__ import annotations

import calendar
import re
from itertools import product
from pathlib import Path
from typing import Any

from geoml_cli.errors import DataError

_YEAR, _MONTH, _DAY = r"(?P<year>(?:18|19|20|21)\d\d)", r"(?P<month>0[1-9]|1[0-2])", r"(?P<day>0[1-9]|[12]\d|3[01])"
_PATTERNS = (
    rf"(?<!\d){_YEAR}([-_.]?){_MONTH}\2{_DAY}(?!\d)",
    rf"(?<!\d){_YEAR}[-_.]?{_MONTH}(?!\d)",
    rf"(?<!\d){_YEAR}(?P<doy>[0-3]\d\d)(?!\d)",
)
_DIGITS = 4
_FOLDERS = 4
_FEWEST_LETTERS = 3
_FIX = (
    "Name files such as sst_2003-01.tif, or give --date-pattern with the groups year and month, and day or doy, "
    "such as '(?P<year>\\d{4})m(?P<month>\\d\\d)'."
)


def date_in_name(path: Path, pattern: str = "") -> Any:  # noqa: ANN401  cftime is untyped
    """Return the date in a file's name, in the standard calendar; a month counts from its first day.

    Args:
        path: The file.
        pattern: Of the user, with groups; what it does not find in the name it looks for with the folders before.

    Raises:
        DataError: There is none, several, or one that is no date.
    """
    names = (path.stem, "/".join([*path.parts[-_FOLDERS:-1], path.stem])) if pattern else (path.stem,)
    for tried, name in product((pattern,) if pattern else _PATTERNS, names):
        matches = list(re.finditer(tried, name))
        # Folders far above the file may have numbers of their own.
        found = {_date(match.groupdict(), path) for match in (matches if name == path.stem else matches[-1:])}
        if len(found) > 1:
            dates = ", ".join(sorted(str(date)[:10] for date in found))
            raise DataError(f"its name holds several dates: {dates}", where=str(path), fix=_FIX)
        if found:
            return found.pop()
    lacking = f"its name nothing that --date-pattern {pattern!r} describes" if pattern else "its name no date"
    raise DataError(f"holds no time, and {lacking}", where=str(path), fix=_FIX)


def _month(text: str) -> int:
    """Return the number of a month, which may be its name in English, or its first letters; 0 where it is none."""
    if text.isdecimal():
        return int(text)
    found = [number for number, name in enumerate(calendar.month_name) if name.lower().startswith(text.lower())]
    return found[0] if len(text) >= _FEWEST_LETTERS and len(found) == 1 else 0


def _date(groups: dict[str, str | None], path: Path) -> Any:  # noqa: ANN401
    import cftime

    year, month, day = groups.get("year") or "", groups.get("month") or "1", groups.get("day") or "1"
    if len(year) < _DIGITS:
        raise DataError(f"the year {year!r} in its name has no four digits", where=str(path), fix=_FIX)
    if not (number := _month(month)):
        raise DataError(f"{month!r} in its name is no month", where=str(path), fix=_FIX)
    try:
        hour, minute = (int(groups.get(name) or 0) for name in ("hour", "minute"))
        if groups.get("doy"):
            day_of_year = cftime.datetime.strptime(f"{year}-{groups['doy']}", "%Y-%j", calendar="standard")
            return day_of_year.replace(hour=hour, minute=minute)
        return cftime.datetime(int(year), number, int(day), hour, minute, calendar="standard")
    except ValueError as error:
        raise DataError("the date in its name does not exist", where=str(path), fix=_FIX) from error
