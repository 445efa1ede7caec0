"""Times of the rows of a CSV: a column of them, or dates and their parts, joined with the time of day.

Dates alone would put all of a day at midnight.
"""

from __future__ import annotations

import re
from functools import cached_property, reduce
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.tables import Table
from geoml_cli.readers.time_columns import clock_columns, column_called, date_columns, refuse_unread_parts
from geoml_cli.readers.time_series import Times, TimeSeries, plain_name
from geoml_cli.readers.time_texts import times

if TYPE_CHECKING:
    import pandas as pd

_DAY = r"(?:\d{4}[-/]\d{2}[-/]\d{2}|\d{4}-\d{3}|\d{8})"
_MIDNIGHT = rf"({_DAY})(?:[ T]0?0:00(?::00(?:\.0*)?)?)?(?: ?Z|[+-]00:?00)?"
"""A date, as it is or as a moment: so spreadsheets and databases write columns of dates."""
_DIGITS = r"\d+(?:\.\d*)?"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}(\.\d*)?)?Z?"
_HALVES = ("ampm", "meridiem")
_MAY_BE_CLOCK = re.compile(r"^(ut|gmt|time|clock|hour|hh|sod|sec)")
"""Names, as `plain_name` spells them, of columns that may be a time of day in a form that is not read."""


class RowTimes:
    """Times of rows: a column of them, or a column of dates, or columns of their parts, and others of the time of day.

    Args:
        table: The opened file.
        time: Its column of times or dates; None where it has columns of a date's parts.

    Raises:
        DataError: Several columns could be one of these, or one tells halves of the day.
    """

    def __init__(self, table: Table, time: str | None) -> None:
        self._table, self._path = table, table.path
        if half := column_called(table, _HALVES):
            raise DataError(
                f"column {half} tells halves of the day, which are not read",
                where=f"{table.path}, line {table.header}",
                fix="Write hours from 0 to 23, and take the column out.",
            )
        self._time = time or ""
        self._date = column_called(table, ["date"])
        self._unclear: list[NDArray[np.bool_]] = []
        """Rows so far that have a date, and perhaps their time of day elsewhere, which was not taken."""
        self._own: list[NDArray[np.bool_]] = []
        """Rows so far that have a time of day of their own in a column where dates may stand."""
        self._is_joined = False

    @cached_property
    def _parts(self) -> list[str]:
        """Return the columns of a date's parts; looked for where no column holds whole times."""
        return date_columns(self._table)

    @cached_property
    def _ut(self) -> str | None:
        """Return the column of universal time; looked for next to dates alone."""
        return column_called(self._table, ["ut"])

    @cached_property
    def _clock(self) -> dict[str, str | None]:
        """Return the columns of the time of day; looked for next to dates alone, as `min` may be a minimum."""
        return clock_columns(self._table, self._parts)

    def of(self, frame: pd.DataFrame) -> Times:
        """Return the times of rows; errors as of `times`."""
        cells = frame[self._time].str.strip() if self._time else self._joined_dates(frame)
        dated = cells.str.fullmatch(_MIDNIGHT).to_numpy(dtype=bool)
        unclear = own = np.zeros(len(cells), dtype=bool)
        is_beside_date = self._date not in (None, self._time)
        if cells.str.fullmatch(_CLOCK).all() and (is_beside_date or self._parts):
            days = frame[self._date] if is_beside_date else self._joined_dates(frame)
            cells = self._days(days) + "T" + self._clock_texts(frame, self._time)
        elif not is_beside_date and cells.str.fullmatch(r"\d{4}|\d{6}").all() and self._parts:
            cells = self._joined_dates(frame) + "T" + self._clock_texts(frame, self._time)
        elif is_beside_date and cells.str.fullmatch(_DIGITS).any():
            cells = self._days(frame[self._date]) + "T" + self._clock_texts(frame, self._time)
        elif dated.all() and self._ut and frame[self._ut].str.strip().str.fullmatch(rf"{_CLOCK}|\d{{4}}|\d{{6}}").all():
            cells = self._joined(cells, self._clock_texts(frame, self._ut))
        elif dated.all() and any(self._clock.values()):
            cells = self._joined(cells, self._time_of_day(frame))
        else:
            own = ~dated
            if dated.any():
                unclear = dated & self._may_lack_time(cells, frame)
        self._unclear.append(unclear)
        self._own.append(own)
        return times(cells, self._path)

    def _joined(self, cells: pd.Series[str], clock: pd.Series[str]) -> pd.Series[str]:
        """Join dates with times of day; of midnights alone, the column may hold whole times elsewhere."""
        self._is_joined |= not clock.str.fullmatch(r"[0:]+(\.0*)?").all()
        return self._days(cells) + "T" + clock

    def _may_lack_time(self, cells: pd.Series[str], frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which rows, where they show midnight, are of another time of day or of none that is known."""
        hour = self._clock["hour"]
        if hour is None:
            return cells.str.fullmatch(_DAY).to_numpy(dtype=bool)
        return ~frame[hour].str.fullmatch(r"\s*0{1,2}(\.0*)?\s*").to_numpy(dtype=bool)

    def refuse_missing(self, timed: TimeSeries) -> None:
        """Refuse rows of the whole file whose time of day is missing, or stands now in one column and now in others.

        Dates alone, of several rows of a series, would all be midnight's.
        """
        unclear, own = np.concatenate(self._unclear), np.concatenate(self._own)
        if own.any() and (self._is_joined or unclear.sum() > own.sum()):
            raise DataError(
                "the row has its time of day next to the date, where others have a date alone",
                where=timed.where(int(own.argmax())),
                fix="Write all times alike: as 2013-03-17T06:00:00, in UTC, or with columns hour and minute.",
            )
        if unclear.any() and (other := next(filter(self._may_be_clock, self._table.columns), None)):
            row = int(unclear.argmax())
            raise DataError(
                f"{str(timed.time[row])[:10]} has no time of day, unless column {other} is one, which is not read",
                where=timed.where(row),
                fix="Write times as 2013-03-17T06:00:00, in UTC, or give columns hour and minute next to the date: "
                "whole hours, no decimal ones.",
            )
        again = unclear & _repeated(timed, unclear)
        if again.any():
            row = int(again.argmax())
            raise DataError(
                f"{str(timed.time[row])[:10]} is the date of several rows, and none has a time of day",
                where=timed.where(row),
                fix="Write times as 2013-03-17T06:00:00, in UTC, or give columns hour and minute next to the date.",
            )

    def _may_be_clock(self, column: str) -> bool:
        known = {self._time, self._date, *self._parts, *self._clock.values()}
        return column not in known and _MAY_BE_CLOCK.match(plain_name(column)) is not None

    def _days(self, cells: pd.Series[str]) -> pd.Series[str]:
        """Return dates without the midnight that may stand behind them; what is no date is refused as no time."""
        return cells.str.strip().str.replace(rf"^{_MIDNIGHT}$", r"\1", regex=True)

    def _joined_dates(self, frame: pd.DataFrame) -> pd.Series[str]:
        """Return dates such as 2013-03-17 or 2013-076 of columns of their parts."""
        assert self._parts, "asked for before"
        year, *others = self._parts
        width = 2 if len(others) == 2 else 3
        texts = [self._digits(frame, year, 4, least=4)] + [self._digits(frame, name, width) for name in others]
        return reduce(lambda one, other: one + "-" + other, texts)

    def _clock_texts(self, frame: pd.DataFrame, column: str) -> pd.Series[str]:
        """Read times of day such as 9:30, 0930 or 093000; hours, seconds or a year would be another number."""
        cells = frame[column].str.strip()
        if cells.str.fullmatch(_CLOCK).all():
            return cells.where(cells.str.match(r"\d\d"), "0" + cells)
        for digits in (4, 6):
            if cells.str.fullmatch(rf"\d{{{digits}}}").all():
                parts = [cells.str[start : start + 2] for start in range(0, digits, 2)]
                return reduce(lambda one, other: one + ":" + other, parts)
        row = int((~cells.str.fullmatch(r"\d{4}")).to_numpy(dtype=bool).argmax())
        raise DataError(
            f"{cells.iloc[row]!r} in column {column} is no time of day, and the date stands in "
            f"{self._date or ', '.join(self._parts)}",
            where=f"{self._path}, line {cells.index[row]}",
            fix="Write times of day as 09:30 or 0930, all alike.",
        )

    def _time_of_day(self, frame: pd.DataFrame) -> pd.Series[str]:
        hour, minute, second = self._clock.values()
        if hour is None:
            there = next(name for name in self._clock.values() if name)
            raise DataError(
                f"has dates and a column {there}, but none of the hour",
                where=f"{self._path}, line {frame.index[0]}",
                fix="Call it hour, or write times as 2013-03-17T06:00:00, in UTC.",
            )
        refuse_unread_parts(self._table, self._clock, [self._time, self._date, *self._parts])
        if second and not minute:
            raise DataError(
                f"has columns {hour} and {second}, but none of the minute",
                where=f"{self._path}, line {self._table.header}",
                fix="Call it minute, or write times as 2013-03-17T06:00:00, in UTC.",
            )
        clock = self._digits(frame, hour, 2) + ":" + (self._digits(frame, minute, 2) if minute else "00")
        return clock + ":" + self._seconds(frame, second) if second else clock

    def _seconds(self, frame: pd.DataFrame, column: str) -> pd.Series[str]:
        """Return seconds, which may have a fraction."""
        cells = frame[column].str.strip()
        if not cells.str.fullmatch(r"\d{1,2}(\.\d*)?").all():
            return self._digits(frame, column, 2)
        return cells.where(cells.str.match(r"\d\d"), "0" + cells)

    def _digits(self, frame: pd.DataFrame, column: str, most: int, *, least: int = 1) -> pd.Series[str]:
        """Return whole numbers of a column with zeros before them."""
        cells = frame[column].str.strip()
        wrong = ~cells.str.fullmatch(rf"\d{{{least},{most}}}(\.0*)?").to_numpy(dtype=bool)
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(
                f"{frame[column].iloc[row]!r} is no {column}",
                where=f"{self._path}, line {frame.index[row]}, column {column}",
                fix="Write it as a whole number" + (" of four digits." if least == most else "."),
            )
        return cells.str.partition(".")[0].str.zfill(most)


def _repeated(timed: TimeSeries, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which of some rows have the time of an earlier one of them, in the same series."""
    series = np.array(next(iter(timed.labels.values()), [""] * len(timed.time)))
    order = np.lexsort((timed.time, series))
    order = order[mask[order]]
    again = (timed.time[order][1:] == timed.time[order][:-1]) & (series[order][1:] == series[order][:-1])
    found = np.zeros(len(timed.time), dtype=bool)
    found[order[1:][again]] = True
    return found
