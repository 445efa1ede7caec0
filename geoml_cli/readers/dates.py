"""Times of records: those that exist, among those of the other rows, on the steps of a series."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError

Values = NDArray[np.float64]
Integers = NDArray[np.int64]
Times = NDArray[np.datetime64]

FIRST_YEAR, PAST_YEAR = 1900, 2200
_CLOCK = {"hour": 24.0, "minute": 60.0, "second": 60.0}
"""Parts of the time of day, and what each is less than."""
_FEWEST_ROWS, _FEWEST_MOMENTS = 10, 4
"""Fewer rows or times tell no usual range."""
_FAR_SECONDS, _FAR_STEPS = 300 * 86_400, 10
"""A row apart from all others by more than both is suspected: a year with a wrong digit is off by 365 days or more."""
_FEW_SHARE = 100
"""A group of rows is stray where it holds less than one in so many; a season measured apart holds more."""
_JITTER_SHARE = 10
"""Clocks and rounding put a time off its step by less than the step's tenth."""


def calendar_times(parts: Mapping[str, Values], line: Integers, path: Path) -> Times:
    """Put dates and times of day together, to the nearest second.

    Args:
        parts: `year`; `month` and `day`, or `day_of_year`; and as far as they are there `hour`, `minute`, `second`.
        line: Line of each row, for messages.
        path: The file, for messages.

    Raises:
        DataError: A part is missing, not whole, or out of its range, or the date does not exist.
    """
    wrong = np.zeros(len(line), dtype=np.bool_)
    for name, values in parts.items():
        wrong |= ~np.isfinite(values) | (values < 0) | ((np.trunc(values) != values) if name != "second" else False)
        wrong |= values >= _CLOCK.get(name, np.inf)
    wrong |= (parts["year"] < FIRST_YEAR) | (parts["year"] >= PAST_YEAR)
    whole = {name: np.where(wrong, 1, values).astype(np.int64) for name, values in parts.items() if name != "second"}
    years = (whole["year"] - 1970).astype("datetime64[Y]")
    if "day_of_year" in parts:
        begin: Times = years.astype("datetime64[D]")
        day, same = whole["day_of_year"], "datetime64[Y]"
    else:
        wrong |= (whole["month"] < 1) | (whole["month"] > 12)
        months = (np.where(wrong, 1, whole["month"]) - 1).astype("timedelta64[M]")
        begin = (years.astype("datetime64[M]") + months).astype("datetime64[D]")
        day, same = whole["day"], "datetime64[M]"
    date = begin + (np.where(wrong, 1, day) - 1).astype("timedelta64[D]")
    wrong |= date.astype(same) != begin.astype(same)
    if wrong.any():
        raise _no_date(parts, int(wrong.argmax()), f"{path}, line {line[wrong.argmax()]}")
    seconds = (whole.get("hour", 0) * 60 + whole.get("minute", 0)) * 60 + np.rint(parts.get("second", 0.0))
    return np.asarray(date.astype("datetime64[s]") + np.asarray(seconds).astype("timedelta64[s]"))


def _no_date(parts: Mapping[str, Values], row: int, location: str) -> DataError:
    listed = ", ".join(f"{name.replace('_', ' ')} {values[row]:g}" for name, values in parts.items())
    return DataError(
        f"{listed}: there is no such time", where=location, fix="Correct the row, take it out, or get the file again."
    )


def refuse_years(time: Times, line: Integers, path: Path) -> None:
    """Refuse times before 1900 and after 2199.

    Raises:
        DataError: There is one; with its line.
    """
    year = time.astype("datetime64[Y]").astype(np.int64) + 1970
    wrong = (year < FIRST_YEAR) | (year >= PAST_YEAR)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"the year is {year[row]}, which is not within {FIRST_YEAR} to {PAST_YEAR - 1}",
            where=f"{path}, line {line[row]}",
            fix="Correct the time, or take the row out.",
        )


def refuse_stray(time: Times, line: Integers, location: str) -> None:
    """Refuse a few rows that lie far from all others: a series between them would be years of gaps.

    Args:
        time: Of the rows, in any order.
        line: Their lines.
        location: The file, for messages.

    Raises:
        DataError: There are some; with the first line, and the times of the other rows.
    """
    moments, first, counts = np.unique(time, return_index=True, return_counts=True)
    stray = stray_moments(moments, counts)
    if stray.any():
        row = int(first[stray].min())
        raise out_of_range(time[row], moments[~stray], f"{location}, line {line[row]}")


def stray_moments(moments: Times, counts: Integers) -> NDArray[np.bool_]:
    """Tell which times hold few rows and are far from all others.

    Args:
        moments: Different times, ascending, shape [M].
        counts: Rows of each.

    Returns:
        Shape [M].
    """
    found = np.zeros(len(moments), dtype=np.bool_)
    if counts.sum() < _FEWEST_ROWS or len(moments) < _FEWEST_MOMENTS:
        return found
    gaps = np.diff(moments.astype("datetime64[s]").astype(np.int64))
    far = max(_FAR_SECONDS, int(_FAR_STEPS * np.median(gaps)))
    for group in np.split(np.arange(len(moments)), np.flatnonzero(gaps > far) + 1):
        found[group] = counts[group].sum() <= max(1, counts.sum() // _FEW_SHARE)
    return found if not found.all() else np.zeros_like(found)


def out_of_range(moment: np.datetime64, others: Times, location: str) -> DataError:
    """Say that a row's time is not among those of the other rows."""
    return DataError(
        f"{_clock(moment)} is far from the other rows' times ({_clock(others.min())} to {_clock(others.max())})",
        where=location,
        fix="Correct the time, or take the row out.",
    )


def _clock(moment: np.datetime64) -> str:
    return str(moment.astype("datetime64[m]")).replace("T", " ")


def nearest_steps(seconds: Integers, step: int) -> tuple[Integers, NDArray[np.bool_]]:
    """Round times to the steps of a series.

    Args:
        seconds: Since a step's begin, shape [N].
        step: [s].

    Returns:
        The nearest step's number, and whether the time is off it by no more than a tenth of a step.
    """
    number = (seconds + step // 2) // step
    return number, np.abs(seconds - number * step) <= step // _JITTER_SHARE
