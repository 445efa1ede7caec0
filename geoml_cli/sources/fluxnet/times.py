"""Time stamps and steps: every record has a place (an integer) on the regular grid of its resolution.

All times are the site's local standard time, without daylight saving, at the start of a record.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
WEEKS = 52
"""Weeks of a year start on 1 January; the last one has 8 or 9 days."""


class Step(NamedTuple):
    """A resolution: its code, the length of a record [min] (0 a month, -1 a year), and digits of a time stamp."""

    code: str
    minutes: int
    digits: int
    word: str


STEPS = {
    "HH": Step("HH", 30, 12, "half-hourly"),
    "HR": Step("HR", 60, 12, "hourly"),
    "DD": Step("DD", 1440, 8, "daily"),
    "WW": Step("WW", 10080, 8, "weekly"),
    "MM": Step("MM", 0, 6, "monthly"),
    "YY": Step("YY", -1, 4, "yearly"),
}


def is_subdaily(step: Step) -> bool:
    """Return whether quality is a class and carbon is in umol: at HH and HR."""
    return step.digits == 12


def layout(step: Step) -> str:
    """Return how a time stamp is written."""
    return "YYYYMMDDHHMM"[: step.digits]


def places(stamps: Integers, step: Step) -> tuple[Integers, NDArray[np.bool_]]:
    """Turn time stamps into places on the grid of the resolution.

    Args:
        stamps: Such as 20050101, shape [N].
        step: The resolution.

    Returns:
        Places, shape [N], and which of the stamps are times that begin a record.
    """
    filled = stamps * 10 ** (12 - step.digits)
    year, month, day = filled // 10**8, filled // 10**6 % 100, filled // 10**4 % 100
    hour, minute = filled // 100 % 100, filled % 100
    month, day = (np.ones_like(year) if step.digits < digits else part for part, digits in ((month, 6), (day, 8)))
    right = (year >= 1900) & (year < 2200) & (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60)
    months = np.where(right, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (np.where(right, day, 1) - 1).astype("timedelta64[D]")
    right &= days.astype("datetime64[M]") == months
    found, begins = _places(days.astype(np.int64) * 1440 + hour * 60 + minute, step)
    return found, right & begins


def _places(minutes: Integers, step: Step) -> tuple[Integers, NDArray[np.bool_]]:
    days = (minutes // 1440).astype("datetime64[D]")
    if step.minutes == 0:
        return days.astype("datetime64[M]").astype(np.int64), np.ones(len(days), dtype=bool)
    years = days.astype("datetime64[Y]")
    if step.minutes == -1:
        return years.astype(np.int64), np.ones(len(days), dtype=bool)
    if step.code == "WW":
        since = (days - years.astype("datetime64[D]")).astype(np.int64)
        return years.astype(np.int64) * WEEKS + since // 7, (since % 7 == 0) & (since < 7 * WEEKS)
    return minutes // step.minutes, minutes % step.minutes == 0


def starts(time_index: Integers, step: Step) -> Integers:
    """Return when records begin [minutes since 1970-01-01], shape as `time_index`."""
    if step.minutes == 0:
        days = time_index.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    elif step.minutes == -1:
        days = time_index.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    elif step.code == "WW":
        days = (time_index // WEEKS).astype("datetime64[Y]").astype("datetime64[D]").astype(
            np.int64
        ) + time_index % WEEKS * 7
    else:
        return np.asarray(time_index * step.minutes)
    return np.asarray(days * 1440)


def lengths(time_index: Integers, step: Step) -> NDArray[np.float64]:
    """Return how long records last [days], shape as `time_index`."""
    return np.asarray((starts(time_index + 1, step) - starts(time_index, step)) / 1440)


def years(time_index: Integers, step: Step) -> NDArray[np.int32]:
    """Return the calendar years in which records begin, shape as `time_index`."""
    return (starts(time_index, step).astype("datetime64[m]").astype("datetime64[Y]").astype(np.int32) + 1970).astype(
        np.int32
    )


def format_time(place: int, step: Step) -> str:
    """Write when a record begins, for messages."""
    moment = str(starts(np.array([place]), step).astype("datetime64[m]")[0])
    return moment.replace("T", " ") if is_subdaily(step) else moment[:10]
