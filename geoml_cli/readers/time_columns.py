"""Which columns of a CSV tell the time of its rows: one of whole times, or parts of dates and of the time of day."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.tables import Table
from geoml_cli.readers.time_series import Times, plain_name
from geoml_cli.readers.time_texts import times

if TYPE_CHECKING:
    import pandas as pd

TIME_NAMES = ("time", "datetime", "dateutc", "utc", "timestamp", "isotime", "epoch", "date")
"""Names of a time column, as `plain_name` spells them; the first that is there is taken."""
_BEGINNINGS = ("epoch", "datetime", "timestamp")
"""What the name of a time column may begin with, where it goes on with its format: CDAWeb's EPOCH_TIME_yyyy-mm-dd..."""
_CLOCK_NAMES = {
    "hour": ("hour", "hours", "hr", "hh"),
    "minute": ("minute", "minutes", "min", "mins", "mn"),
    "second": ("second", "seconds", "sec", "secs", "ss"),
}
"""Columns of the time of day, next to one of dates."""
_DATE_NAMES = {
    "year": ("year", "yyyy", "yr"),
    "month": ("month", "mon", "mm"),
    "day": ("day", "dd", "dayofmonth", "dom"),
    "day of year": ("doy", "dayofyear", "ddd"),
}
"""Columns of the parts of a date, where no column is a time."""
_MAY_BE_PART = {
    "minute": re.compile(r"(ut|utc|gmt)?(mi|mm|mn|mins?|minutes?|minut)(ut|utc|gmt|ofhour|oftheday|ofday)?"),
    "second": re.compile(r"(ut|utc|gmt)?(ss|secs?|seconds?)(ut|utc|gmt|ofminute|ofday)?"),
}
"""Names, as `plain_name` spells them, of columns that may be minutes or seconds and are not read."""
_ZONE = r"(?: ?Z|[+-]\d{2}:?\d{2})"
_WHOLE = rf"(?:\d{{4}}[-/]?\d{{2}}[-/]?\d{{2}}|\d{{4}}-\d{{3}})[T ]\d{{1,2}}(?::?\d{{2}})*(?:\.\d*)?{_ZONE}?"
"""A date with its time of day."""
_UTC = frozenset({"utc", "ut", "gmt"})
_LOCAL = frozenset(
    "local loc lt lst mst mdt est edt cst cdt pst pdt akst akdt hst brt art clt wib cet cest eet eest msk ist jst kst "
    "aest aedt acst awst nzst nzdt sast eat".split()
)
"""Words in the name of a column whose times are of a zone."""
_OFFSET = re.compile(r"(?:utc|gmt|ut) ?[+-] ?0*[1-9]", re.IGNORECASE)
_COMPARED = 1000
"""Rows of which columns of times are compared."""


def column_called(table: Table, names: Sequence[str], plain: Callable[[str], str] = plain_name) -> str | None:
    """Return the column of the first of some names that there is, or None.

    Args:
        table: The opened file.
        names: As `plain` spells them, the one that is preferred first.
        plain: Spells a column without what does not matter.

    Raises:
        DataError: Several columns have that name.
    """
    for wanted in names:
        found = [name for name in table.columns if plain(name) == wanted]
        if wanted == "mm" and set(found) == {"MM", "mm"}:
            found = found[:1]  # months come before minutes, whichever of them is written large
        if len(found) > 1:
            raise DataError(
                f"several columns could be {wanted}: {', '.join(found)}",
                where=f"{table.path}, line {table.header}",
                fix="Keep one of them, or give the others another name.",
            )
        if found:
            return found[0]
    return None


def date_columns(table: Table) -> list[str]:
    """Return the columns of year, month and day, or of year and day of the year; empty where the table has neither.

    Raises:
        DataError: Several columns could be one of these.
    """
    found = {part: column_called(table, names) for part, names in _DATE_NAMES.items()}
    for parts in (("year", "day of year"), ("year", "month", "day")):
        columns = [column for part in parts if (column := found[part])]
        if len(columns) == len(parts):
            return columns
    return []


def clock_columns(table: Table, of_date: Sequence[str]) -> dict[str, str | None]:
    """Return the columns of hour, minute and second.

    Args:
        table: The opened file.
        of_date: Columns of year, month and day, or of year and day of the year; empty where a column has dates.

    Raises:
        DataError: Several columns could be one of these.
    """
    found = {part: column_called(table, names) for part, names in _CLOCK_NAMES.items()}
    if of_date and (hour := found["hour"]):
        behind = table.columns[table.columns.index(hour) :]
        others = [name for name in behind if plain_name(name) == "mm" and name not in of_date]
        found["minute"] = found["minute"] or next(iter(others), None)
    return found


def refuse_unread_parts(table: Table, clock: dict[str, str | None], known: Sequence[str | None]) -> None:
    """Refuse a column that may be the minutes or seconds of hours that are read: rows would be put at whole hours.

    Raises:
        DataError: There is one.
    """
    for part, pattern in _MAY_BE_PART.items():
        if clock[part]:
            continue
        for column in table.columns:
            if column not in known and column not in clock.values() and pattern.fullmatch(plain_name(column)):
                raise DataError(
                    f"column {column} may be the {part} of times whose hour is {clock['hour']}, and is not read",
                    where=f"{table.path}, line {table.header}",
                    fix=f"Call it {part} if it is, or take it out.",
                )


def time_columns(table: Table) -> list[str]:
    """Return the columns that may hold the time, the one that is preferred first."""
    named = [name for wanted in TIME_NAMES for name in table.columns if plain_name(name) == wanted]
    going_on = [name for name in table.columns if plain_name(name).startswith(_BEGINNINGS) and name not in named]
    return [*named, *going_on]


def time_column(table: Table, frame: pd.DataFrame) -> str | None:
    """Return the column that holds the time, or None where none does.

    Args:
        table: The opened file.
        frame: Its first rows, as text; the index is the line.

    Raises:
        DataError: Several hold whole times that differ, and none or several say that they are in UTC; or the only one
            is in local time by its name.
    """
    found = time_columns(table)
    rows = frame.head(_COMPARED)
    whole = [name for name in found if rows[name].str.strip().str.fullmatch(_WHOLE).all()]
    if not whole or (found[0] not in whole and _has_its_clock(table, found[0])):
        return (column_called(table, [plain_name(found[0])]) or found[0]) if found else None
    read = {name: times(rows[name], table.path) for name in whole}
    first = whole[0]
    differing = [name for name in whole if (read[name] != read[first]).any()]
    if differing:
        in_utc = [name for name in whole if _words(name) & _UTC and not _is_local(name)]
        if len(in_utc) != 1:
            raise DataError(
                f"columns {first} and {differing[0]} hold different times",
                where=f"{table.path}, line {rows.index[0]}",
                fix="Keep the one that is in UTC, and take the other out.",
            )
        first = in_utc[0]
    if _is_local(first) and not rows[first].str.strip().str.fullmatch(rf".*\d{_ZONE}").all():
        raise DataError(
            f"column {first} is not in UTC, by its name",
            where=f"{table.path}, line {table.header}",
            fix="Bring the times to UTC, and call the column time.",
        )
    _refuse_other_days(table, rows, first, read[first])
    _refuse_other_clock(table, rows, first, read[first])
    return first


def _has_its_clock(table: Table, column: str) -> bool:
    """Return whether a column that holds no whole times is a time of day, or a date that others give one."""
    return plain_name(column) != "date" or any(clock_columns(table, []).values())


def _refuse_other_days(table: Table, rows: pd.DataFrame, column: str, time_N: Times) -> None:
    """Refuse times that are of other days than the parts of dates next to them: of processing, for example."""
    import pandas as pd

    parts = date_columns(table)
    texts = [rows[name].str.strip().str.partition(".")[0] for name in parts]
    if len(texts) < 3 or not all(text.str.fullmatch(r"\d{1,4}").all() for text in texts):
        return
    joined = texts[0] + "-" + texts[1].str.zfill(2) + "-" + texts[2].str.zfill(2)
    days = pd.to_datetime(joined, format="%Y-%m-%d", errors="coerce").to_numpy(dtype="datetime64[D]")
    apart = np.abs(time_N.astype("datetime64[D]") - days) > np.timedelta64(1, "D")
    if apart.any():
        row = int(apart.argmax())
        raise DataError(
            f"column {column} has {time_N[row]}, columns {', '.join(parts)} have {days[row]}",
            where=f"{table.path}, line {rows.index[row]}",
            fix="Keep the one that tells when it was measured, in UTC, and take the others out.",
        )


def _refuse_other_clock(table: Table, rows: pd.DataFrame, column: str, time_N: Times) -> None:
    """Refuse times that never are those of a column of universal time next to them: they are local."""
    clock = column_called(table, ["ut"])
    if clock is None or column == clock:
        return
    texts = rows[clock].str.strip()
    own = np.array([text[11:16] for text in time_N.astype(str)])
    if texts.str.fullmatch(r"\d{2}:\d{2}(:\d{2}(\.\d*)?)?").all() and (texts.str.slice(0, 5).to_numpy() != own).all():
        raise DataError(
            f"column {column} has {time_N[0]}, column {clock} has {texts.iloc[0]}",
            where=f"{table.path}, line {rows.index[0]}",
            fix="Write times in UTC, and take the other column out.",
        )


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()))


def _is_local(name: str) -> bool:
    return bool(_words(name) & _LOCAL) or _OFFSET.search(name) is not None or plain_name(name).endswith("local")
