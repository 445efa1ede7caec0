"""Days of the exports: a calendar without gaps, and dates in the names of scenes.

Legend: D days of the calendar, N rows of a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.arrow_tables import location

Integers = NDArray[np.int64]
Texts = NDArray[np.str_]


@dataclass(frozen=True)
class Calendar:
    """Days from the first of January of the first year to the end of the last.

    Attributes:
        first: Days since 1970-01-01.
        days: How many.
    """

    first: int
    days: int

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """Return the days, [D]."""
        return np.datetime64(self.first, "D") + np.arange(self.days).astype("timedelta64[D]")

    @property
    def years(self) -> Integers:
        """Return the year of every day, [D]."""
        return np.asarray(self.dates.astype("datetime64[Y]").astype(np.int64) + 1970)

    @property
    def day_of_year(self) -> Integers:
        """Return 1 to 366, [D]."""
        begin = self.dates.astype("datetime64[Y]").astype("datetime64[D]")
        return np.asarray((self.dates - begin).astype(np.int64) + 1)

    def places(self, day: Integers) -> Integers:
        """Return the place of days since 1970-01-01, -1 outside, [N]."""
        place = day - self.first
        return np.asarray(np.where((place >= 0) & (place < self.days), place, -1))


def calendar_of(years: tuple[int, ...]) -> Calendar:
    """Return the calendar of the years from the first to the last."""
    begin, end = (np.datetime64(f"{year}-01-01", "D").astype(np.int64) for year in (years[0], years[-1] + 1))
    return Calendar(int(begin), int(end - begin))


def days_of(texts: Texts, path: Path, column: str, fix: str = "") -> Integers:
    """Read dates written YYYYMMDD, [N], as days since 1970-01-01; `fix` is what to do about others.

    Raises:
        DataError: One is no date.
    """
    try:
        number = texts.astype("U8").astype(np.int64)
    except ValueError:
        number = np.array([int(text[:8]) if text[:8].isdecimal() else -1 for text in texts.tolist()], dtype=np.int64)
    year, month, day = number // 10_000, number // 100 % 100, number % 100
    right = (number > 0) & (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1970)
    months = (np.where(right, year - 1970, 0) * 12 + np.where(right, month - 1, 0)).astype("datetime64[M]")
    found = months.astype("datetime64[D]").astype(np.int64) + day - 1
    following = months + np.timedelta64(1, "M")
    right &= day <= (following.astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    if not right.all():
        wrong = texts[~right][0]
        raise DataError(
            f"{str(wrong)!r} begins with no date YYYYMMDD",
            where=location(path, column, str(wrong)),
            fix=fix or _FIX,
        )
    return found


def written_days(texts: Texts, path: Path, column: str) -> Integers:
    """Read dates that people wrote, YYYYMMDD or YYYY-MM-DD, [N], as `days_of`.

    Raises:
        DataError: One is no date, does not exist, or is a time that says how far it is from UTC.
    """
    if zoned := [text for text in np.unique(texts).tolist() if _ZONED.search(text)]:
        raise DataError(
            f"{zoned[0]!r} is a time at a distance from UTC, which may be of another day",
            where=location(path, column, zoned[0]),
            fix=OWN_TABLE,
        )
    return days_of(np.char.replace(texts, "-", ""), path, column, OWN_TABLE)


_ZONED = re.compile(
    r"[T ]\d{2}:\d{2}.*(?:[+-](?!00(?::?00)?$)\d{2}(?::?\d{2})?"
    r"|(?<![A-Za-z])(?!(?:UTC|GMT)\]?$|[AP]M$)[A-Za-z][\w/+-]+\]?)$"
)
OWN_TABLE = "Write dates as YYYYMMDD or YYYY-MM-DD."
_FIX = "Keep the names that Earth Engine gives its rows (system:index), or export the file again."


def first_word(texts: Texts) -> Texts:
    """`20190101_0`: the date begins the name."""
    return texts


def three_words(texts: Texts) -> Texts:
    """`2019_01_01_0`: the date is the first three words."""
    return np.char.replace(texts.astype("U10"), "_", "")


def word(number: int) -> Callable[[Texts], Texts]:
    """Return what takes one word of a name, counted from 0: `T13SDA_20190105T173923_0`."""

    def taken(texts: Texts) -> Texts:
        parts = (text.split("_") for text in texts.tolist())
        return np.array([words[number] if len(words) > number else "" for words in parts], dtype=np.str_)

    return taken


def seconds(stamps: Texts) -> Integers:
    """Return the time of day of stamps such as `20190105T173923` [s], 0 where there is none, [N]."""
    clocks = [stamp[9:15] for stamp in stamps.tolist()]
    return np.array(
        [int(c[:2]) * 3600 + int(c[2:4]) * 60 + int(c[4:]) if len(c) == 6 and c.isdecimal() else 0 for c in clocks],
        dtype=np.int64,
    )
