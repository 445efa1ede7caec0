"""Which columns of a CSV tell the time of its rows: one of whole times, or parts of dates and of the time of day."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
    "local lt lst mst mdt edt cst cdt pst pdt akst akdt hst brt wib cet cest eet eest msk jst kst aest aedt acst awst "
    "nzst nzdt".split()
)
_LOCAL_CAPITALS = frozenset(("EST", "IST", "ART", "SAST", "EAT"))
"""Words in the name of a column whose times are of a zone; in small letters some are words of their own."""
_OFFSET = re.compile(r"(?:utc|gmt|ut) ?[+-] ?0*[1-9]\d?(?::?\d\d)?(?! ?(?:m|s))", re.IGNORECASE)
_BARE = frozenset((*TIME_NAMES, "times", "dates", "timestamps", "obstime", "observationtime", "sampletime"))
_OF_RECORDS = frozenset(
    "updated created written processed processing downloaded download modified inserted received ingested".split()
)
"""Words in the name of a column that tells when a row was written, not when it was measured."""
_COMPARED = 1000
"""Rows whose times of day and dates are compared with those of other columns."""
_MOSTLY, _DAY = 0.5, 24 * 60.0


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
    if found["minute"] and _is_minimum(table, found["minute"]):
        found["minute"] = None
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
            if column in (*known, *clock.values()) or _is_minimum(table, column):
                continue
            if pattern.fullmatch(plain_name(column)):
                raise DataError(
                    f"column {column} may be the {part} of times whose hour is {clock['hour']}, and is not read",
                    where=f"{table.path}, line {table.header}",
                    fix=f"Call it {part} if it is, or take it out.",
                )


def _is_minimum(table: Table, column: str) -> bool:
    """Return whether a column called `min` is a minimum: a maximum is next to it."""
    return plain_name(column) == "min" and any(plain_name(name) == "max" for name in table.columns)


def time_columns(table: Table) -> list[str]:
    """Return the columns that may hold the time, the one that is preferred first."""
    named = [name for wanted in TIME_NAMES for name in table.columns if plain_name(name) == wanted]
    going_on = [name for name in table.columns if plain_name(name).startswith(_BEGINNINGS) and name not in named]
    further = [name for name in table.columns if _bare(name) in _BARE and name not in (*named, *going_on)]
    found = [*named, *going_on, *further]
    kept = [name for name in found if not _words(name) & _OF_RECORDS]
    return kept or ([] if date_columns(table) else found)


def time_column(table: Table, frame: pd.DataFrame) -> str | None:
    """Return the column that holds the time, or None where none does.

    Args:
        table: The opened file.
        frame: Its first rows, as text; the index is the line.

    Raises:
        DataError: Several hold whole times that differ, and none says that it is in UTC; one is in local time by its
            name; or two have one name.
    """
    found = time_columns(table)
    if not found:
        return None
    if len(set(found)) < len(found):
        column_called(table, [plain_name(max(found, key=found.count))])
    share = {name: _share_whole(frame[name]) for name in found}
    whole = [name for name, of_cells in share.items() if of_cells == 1]
    whole = [name for name in whole if plain_name(name) != "date"] or whole  # spreadsheets write dates with midnight
    # A damaged cell or a fill must not leave the time to a local column next to it: it is refused as it is read.
    stated = [name for name in found if _is_utc(name) and share[name] > _MOSTLY]
    if not stated and (not whole or (found[0] not in whole and _is_joined(table, frame, found[0]))):
        return _joined_time(table, frame, found[0])
    first = _only(table, frame, stated or whole)
    if _is_local(first) and not frame[first].str.strip().str.fullmatch(rf".*\d{_ZONE}").all():
        raise _not_utc(table, first)
    rows = frame.head(_COMPARED)
    time_N = times(rows[first], table.path)
    _refuse_other_months(table, rows, first, time_N)
    minutes = (time_N - time_N.astype("datetime64[D]")).astype("timedelta64[m]").astype(np.float64)
    _refuse_other_clock(table, rows, first, minutes)
    return first


def _share_whole(cells: pd.Series[str]) -> float:
    """Return the share of cells that hold dates with their time of day, of those that are not empty; 0 of none."""
    texts = cells.str.strip()
    return float(texts.str.fullmatch(_WHOLE).sum() / max(int((texts != "").sum()), 1))


def _is_joined(table: Table, frame: pd.DataFrame, column: str) -> bool:
    """Return whether a column without whole times is a time of day next to dates, or a date with one next to it."""
    if plain_name(column) == "date":
        return any(clock_columns(table, []).values())
    has_date = column_called(table, ["date"]) is not None or bool(date_columns(table))
    return has_date and _minutes(frame[column].head(_COMPARED)) is not None


def _joined_time(table: Table, frame: pd.DataFrame, column: str) -> str:
    """Return a column of dates or of times of day; refuse it where one of what is joined is local by its name."""
    found = column_called(table, [plain_name(column)]) or column
    for name in (found, column_called(table, ["date"]), column_called(table, _CLOCK_NAMES["hour"])):
        if name is not None and _is_local(name):
            raise _not_utc(table, name)
    rows = frame.head(_COMPARED)
    if (minutes := _minutes(rows[found])) is not None:
        _refuse_other_clock(table, rows, found, minutes)
    return found


def _only(table: Table, frame: pd.DataFrame, names: Sequence[str]) -> str:
    """Return the first of some columns of whole times, all of which hold the same, up to rounding to seconds."""
    first, *others = names
    known = frame[(frame[list(names)].map(str.strip) != "").all(axis=1)] if others else frame
    for other in others:
        apart = np.abs(times(known[first], table.path) - times(known[other], table.path))
        if (apart > np.timedelta64(1, "s")).any():
            row = int((apart > np.timedelta64(1, "s")).argmax())
            raise DataError(
                f"columns {first} and {other} hold different times",
                where=f"{table.path}, line {known.index[row]}",
                fix="Keep the one that tells when it was measured, in UTC, and take the other out.",
            )
    return first


def _not_utc(table: Table, name: str) -> DataError:
    return DataError(
        f"column {name} is not in UTC, by its name",
        where=f"{table.path}, line {table.header}",
        fix="Bring the times to UTC, and call the column time; or hour, next to a date.",
    )


def _refuse_other_months(table: Table, rows: pd.DataFrame, column: str, time_N: Times) -> None:
    """Refuse times that are of other months than the parts of dates next to them: of processing, for example."""
    parts = date_columns(table)[:2]
    texts = [rows[name].str.strip().str.partition(".")[0] for name in parts]
    if len(date_columns(table)) < 3 or not all(text.str.fullmatch(r"\d{1,4}").all() for text in texts):
        return
    year, month = (text.astype(np.int64).to_numpy() for text in texts)
    own = time_N.astype("datetime64[M]").astype(np.int64)
    apart = np.abs((year - 1970) * 12 + month - 1 - own) > 1
    if apart.any():
        row = int(apart.argmax())
        raise DataError(
            f"column {column} has {time_N[row]}, columns {', '.join(parts)} have {year[row]}, {month[row]}",
            where=f"{table.path}, line {rows.index[row]}",
            fix="Keep the one that tells when it was measured, in UTC, and take the others out.",
        )


def _refuse_other_clock(table: Table, rows: pd.DataFrame, column: str, minutes_N: NDArray[np.float64]) -> None:
    """Refuse times of day that never are those of a column of universal time next to them: they are local."""
    clock = column_called(table, ["ut"])
    if clock is None or column == clock or (others := _minutes(rows[clock])) is None:
        return
    apart = np.abs(minutes_N - others) % _DAY
    if (np.minimum(apart, _DAY - apart) > 1).all():
        raise DataError(
            f"column {column} has {rows[column].iloc[0].strip()}, column {clock} has {rows[clock].iloc[0].strip()}",
            where=f"{table.path}, line {rows.index[0]}",
            fix="Write times in UTC, and take the other column out.",
        )


def _minutes(cells: pd.Series[str]) -> NDArray[np.float64] | None:
    """Return times of day such as 9:30 or 0930 in minutes; None where cells are none."""
    texts = cells.str.strip()
    if not texts.str.fullmatch(r"\d{1,2}:\d{2}(:\d{2}(\.\d*)?)?Z?|\d{4}(\d{2})?").all():
        return None
    parts = texts.str.extract(r"^(\d{1,2}):?(\d{2})").astype(np.float64)
    return np.asarray(parts[0] * 60 + parts[1])


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()))


def _bare(name: str) -> str:
    """Spell a column that says that it is in UTC without saying so; empty for others."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    return re.sub("utc|gmt", "", plain) or "utc" if re.search("utc|gmt", plain) else ""


def _is_utc(name: str) -> bool:
    return bool(_words(name) & _UTC or plain_name(name).endswith("utc")) and not _is_local(name)


def _is_local(name: str) -> bool:
    if _words(name) & _LOCAL or plain_name(name).endswith("local") or _OFFSET.search(name):
        return True
    return bool(set(re.findall(r"[A-Za-z]+", name)) & _LOCAL_CAPITALS)
