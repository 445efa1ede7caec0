"""Dates in names of files that hold one map each and no time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from geoml_cli.errors import DataError

_YEAR, _MONTH, _DAY = r"(?P<year>(?:18|19|20|21)\d\d)", r"(?P<month>0[1-9]|1[0-2])", r"(?P<day>0[1-9]|[12]\d|3[01])"
_PATTERNS = (
    rf"(?<!\d){_YEAR}([-_.]?){_MONTH}\2{_DAY}(?!\d)",
    rf"(?<!\d){_YEAR}[-_.]?{_MONTH}(?!\d)",
    rf"(?<!\d){_YEAR}(?P<doy>[0-3]\d\d)(?!\d)",
)
_FIX = (
    "Name files such as sst_2003-01.tif, or give --date-pattern with the groups year and month, and day or doy, "
    "such as '(?P<year>\\d{4})m(?P<month>\\d\\d)'."
)


def date_in_name(path: Path, pattern: str = "") -> Any:  # noqa: ANN401  cftime is untyped
    """Return the date in a file's name, in the standard calendar; a month counts from its first day.

    Raises:
        DataError: There is none, several, or one that is no date.
    """
    for tried in (pattern,) if pattern else _PATTERNS:
        found = {_date(match.groupdict(), path) for match in re.finditer(tried, path.stem)}
        if len(found) > 1:
            dates = ", ".join(sorted(str(date)[:10] for date in found))
            raise DataError(f"its name holds several dates: {dates}", where=str(path), fix=_FIX)
        if found:
            return found.pop()
    raise DataError("holds no time, and its name no date", where=str(path), fix=_FIX)


def _date(groups: dict[str, str | None], path: Path) -> Any:  # noqa: ANN401
    import cftime

    year, month, day = (int(groups.get(name) or 1) for name in ("year", "month", "day"))
    try:
        if groups.get("doy"):
            return cftime.datetime.strptime(f"{year:04d}-{groups['doy']}", "%Y-%j", calendar="standard")
        return cftime.datetime(year, month, day, calendar="standard")
    except ValueError as error:
        raise DataError("the date in its name does not exist", where=str(path), fix=_FIX) from error
