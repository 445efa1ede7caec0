"""What the columns of a table of cells are: long (one row a cell and time) or wide (one row a cell)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.columns import TableFile
from geoml_cli.sources.gwsa.options import GwsaOptions
from geoml_cli.work.closest import closest

Months = NDArray[np.datetime64]
"""Times as months, `datetime64[M]`; a year is its January."""

IDENTITY = ("pointid", "grid_code", "OID_")
_LATITUDE, _LONGITUDE = ("lat", "latitude"), ("lon", "longitude", "long")
_TIME = ("year_month", "year", "time", "date")
_YEAR = ("jahr", "annee", "année", "año")
"""Of other languages: looked for where a table has no column of these."""
_MONTH = ("month", "mon", "monat", "mois", "mes")
"""Next to a column of years, whatever its name."""
_CENTURY = "(?:1[89]|20|21)"
_STAMP = re.compile(rf"(?P<year>{_CENTURY}\d\d)(?:[_-](?P<month>0?[1-9]|1[0-2])|(?P<digits>0[1-9]|1[0-2]))?")
_DATE = re.compile(
    rf"(?P<year>{_CENTURY}\d\d)(?P<between>[-/_]?)(?P<month>\d\d)(?P=between)(?P<day>\d\d)"
    r"(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:?00)?)?"
)
"""As pandas and spreadsheets write the month of a row, and downloads that of a column."""
_TIMED = re.compile(r"(?P<name>.+?)_(?P<stamp>\d{4}(?:[_-]\d\d?(?:[_-]\d\d)?)?|\d{6}|\d{8})")


@dataclass(frozen=True)
class Roles:
    """Names of the factors by what they are to the network; `target` may have no column.

    Attributes:
        are_learnt: A network knows them already: they cannot be chosen any more.
    """

    dynamic: tuple[str, ...]
    static: tuple[str, ...]
    category: str
    target: str
    are_learnt: bool = False

    @staticmethod
    def of(options: GwsaOptions) -> Roles:
        """Take them from the options."""
        return Roles(options.dynamic, options.static, options.category, options.target)

    @staticmethod
    def remembered(facts: dict[str, Any]) -> Roles:
        """Take them from a data set's facts."""
        dynamic, static = tuple(facts["dynamic"]), tuple(facts["static"])
        return Roles(dynamic, static, facts["category"], facts["target"], are_learnt=True)

    @property
    def needed(self) -> tuple[str, ...]:
        """Names that every row needs."""
        return (*self.dynamic, *self.static, self.category)

    def used(self, labelled: bool) -> tuple[str, ...]:
        """Names that every row needs, with the target where rows carry it."""
        return (*self.needed, self.target) if labelled else self.needed


@dataclass(frozen=True)
class Long:
    """A table with one row a cell and time.

    Attributes:
        place: Columns of the latitude and longitude.
        time: Column of the year or month.
        values: Column of each factor, and of the target where there is one.
        month: Column of the month within the year, where it has one of its own.
        unread: Column of another time, next to one of the year without a month.
        other: Column of another time, which is not to contradict this one.
    """

    place: tuple[str, str]
    time: str
    values: dict[str, str]
    month: str | None = None
    unread: str = ""
    other: str = ""

    @property
    def has(self) -> frozenset[str]:
        """Names that have a column."""
        return frozenset(self.values)

    def columns(self) -> dict[str, str]:
        """Return the column of each name."""
        return self.values


@dataclass(frozen=True)
class Wide:
    """A table with one row a cell.

    Attributes:
        place: Columns of the latitude and longitude.
        fixed: Column of each factor that does not change.
        timed: Columns of each other factor, and of the target where there is one, by time.
        stamps: All times, as they are written.
    """

    place: tuple[str, str]
    fixed: dict[str, str]
    timed: dict[str, dict[str, str]]
    stamps: tuple[str, ...]

    @property
    def has(self) -> frozenset[str]:
        """Names that have columns."""
        return frozenset((*self.fixed, *self.timed))

    def columns(self) -> dict[str, str]:
        """Return a column of each name."""
        return self.fixed | {name: next(iter(columns.values())) for name, columns in self.timed.items()}


def find_layout(sheet: TableFile, roles: Roles) -> Long | Wide:
    """Find out which column is what.

    Raises:
        DataError: A column is missing; with those that are there.
    """
    place = _place(sheet, roles, _LATITUDE, "latitude"), _place(sheet, roles, _LONGITUDE, "longitude")
    times = [name for name in _TIME if _column(sheet, name)] or [name for name in _YEAR if _column(sheet, name)]
    if times:
        found = {name: _column(sheet, name) for name in (*roles.needed, roles.target)}
        values = {name: column for name, column in found.items() if column is not None}
        if any(name not in values for name in _timed_columns(sheet, roles.dynamic)):
            return _wide(sheet, roles, place)  # the day of a download, or the like
        _refuse_missing(sheet, roles, values, "")
        # A factor that is called month is a factor.
        month = next(filter(None, (_column(sheet, name) for name in _MONTH if name not in found)), None)
        other = str(_column(sheet, times[1])) if times[1:] else ""
        unread = other if times[0] == "year" and month is None else ""
        return Long(place, str(_column(sheet, times[0])), values, month, unread, other)
    return _wide(sheet, roles, place)


def _wide(sheet: TableFile, roles: Roles, place: tuple[str, str]) -> Wide:
    timed = _timed_columns(sheet, (*roles.dynamic, roles.category, roles.target))
    if not timed:
        raise _no_time(sheet)
    if roles.category in timed:
        timed[roles.category] = _for_months(timed.pop(roles.category), timed)
    found = {name: _column(sheet, name) for name in (*roles.static, roles.category) if name not in timed}
    fixed = {name: column for name, column in found.items() if column is not None}
    _refuse_missing(sheet, roles, {**timed, **fixed}, "_YYYY")
    stamps = sorted({stamp for columns in timed.values() for stamp in columns}, key=lambda text: str(months([text])[0]))
    return Wide(place, fixed, timed, tuple(stamps))


def _for_months(yearly: dict[str, str], others: dict[str, dict[str, str]]) -> dict[str, str]:
    """Take the land cover of a year, as it is published, for each of its months where all else is of months."""
    stamps = list(dict.fromkeys(stamp for columns in others.values() for stamp in columns))
    if any(map(is_monthly, yearly)) or not stamps or not all(map(is_monthly, stamps)):
        return yearly
    return {stamp: yearly[stamp[:4]] for stamp in stamps if stamp[:4] in yearly} or yearly


def _timed_columns(sheet: TableFile, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Find the column of every name and time. Columns that differ in case count where none has the exact name.

    Raises:
        DataError: Two could be that of a name and time.
    """
    found = [(column, match) for column in sheet.columns if (match := _TIMED.fullmatch(column)) is not None]
    matches = [(column, match["name"], month_of_date(match["stamp"])) for column, match in found]
    matches = [match for match in matches if _STAMP.fullmatch(match[2])]
    # Of `p_2003` and `P_2004` the second is another variable: one name is not read from both.
    exact = {name for _, name, _ in matches} & set(names)
    alike = {name.lower(): name for name in names if name not in exact}
    written: dict[tuple[str, bool], str] = {}  # `2003_1` and `2003_01` are one time: it is called as it is met first
    timed: dict[str, dict[str, str]] = {}
    for column, own, time in matches:
        name = own if own in exact else alike.get(own.lower())
        if name is None:
            continue
        key = str(months([time])[0]), is_monthly(time)
        stamp = written.setdefault(key, time)
        if (other := timed.setdefault(name, {}).setdefault(stamp, column)) != column:
            raise DataError(
                f"{other} and {column} could both be {name} of {stamp}",
                where=str(sheet.path),
                fix="Keep one of them, or give the other another name.",
            )
    return timed


def _no_time(sheet: TableFile) -> DataError:
    return DataError(
        "neither a column of the year nor columns VAR_YYYY or VAR_YYYY_MM are there",
        where=str(sheet.path),
        fix="Name the column of the year `year` (2003, or 2003_07), or, where a row is a cell, columns by variable and "
        f"time (rf_2003, or rf_2003_07). {_columns_of(sheet)}",
    )


def _place(sheet: TableFile, roles: Roles, names: Sequence[str], subject: str) -> str:
    for name in names:
        if column := _column(sheet, name):
            return column
    raise DataError(
        f"there is no column of the {subject}",
        where=str(sheet.path),
        fix=f"Name it {names[0]!r}{_or(roles, 'leave the file out with --tables PATTERN')}. {_columns_of(sheet)}",
    )


def _column(sheet: TableFile, name: str) -> str | None:
    """Find a column by its name, or by the only one that differs in case."""
    if name in sheet.columns:
        return name
    alike = [column for column in sheet.columns if column.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _refuse_missing(sheet: TableFile, roles: Roles, columns: dict[str, Any], suffix: str) -> None:
    missing = [name for name in roles.needed if name not in columns]
    if not missing:
        return
    named = [f"{name}{suffix if name in roles.dynamic else ''}" for name in missing]
    choice = "--dynamic" if missing[0] in roles.dynamic else "--static"
    choice = "--category" if missing[0] == roles.category else choice
    near = near_column(sheet, missing[0])
    hint = f" Did you mean {near}?" if near else ""
    raise DataError(
        f"there is no column {', '.join(named)}",
        where=str(sheet.path),
        fix=f"Add it{_or(roles, f'choose others with {choice}')}.{hint} {_columns_of(sheet)}",
    )


def near_column(sheet: TableFile, name: str) -> str:
    """Return the column whose name is close to one, such as `GWS [mm]` or `gwsa`; empty where none is."""
    begun = [column for column in sheet.columns if re.match(rf"{re.escape(name)}(?![a-z0-9])", column, re.IGNORECASE)]
    return begun[0] if begun else closest(name, sheet.columns)


def _or(roles: Roles, alternative: str) -> str:
    """Name another way out, which a network that is trained does not leave."""
    return "" if roles.are_learnt else f", or {alternative}"


def _columns_of(sheet: TableFile) -> str:
    names = [name or '""' for name in sheet.columns]
    listed = ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
    return f"The columns are: {listed}."


def months(stamps: Sequence[str]) -> Months:
    """Read times such as `2003`, `2003_07` or `200307`; what is none is not-a-time.

    Returns:
        Shape [stamps].
    """
    found = [_STAMP.fullmatch(text.strip().removesuffix(".0")) for text in stamps]
    texts = [
        f"{match['year']}-{int(match['month'] or match['digits'] or 1):02d}" if match else "NaT" for match in found
    ]
    return np.array(texts, dtype="datetime64[M]")


def month_of_date(text: str) -> str:
    """Return the month of a date such as `2003-07-16` or `20030716`, as `2003-07`, and any other text as it is."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return text
    month = f"{match['year']}-{match['month']}"
    try:
        np.datetime64(f"{month}-{match['day']}")
    except ValueError:
        return text
    return month


def is_monthly(stamp: str) -> bool:
    """Return whether a time names a month."""
    match = _STAMP.fullmatch(stamp.strip().removesuffix(".0"))
    return bool(match and (match["month"] or match["digits"]))
