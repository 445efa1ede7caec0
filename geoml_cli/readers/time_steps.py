"""Times of gridded files in any CF calendar, and the regular step between them."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import Step
from geoml_cli.errors import DataError
from geoml_cli.work.reasons import FaultError

Times = list[Any]
"""cftime datetimes of one calendar."""

_MONTHLY_FROM_HOURS = 25 * 24
_SHOWN = 12
_HOUR_S = 3600
_HALF_HOUR_S = 1800
_TOLERANCE = 0.1
_FEWEST = 2
_ROUNDED_S = 900
"""Largest scatter of rounded times: of days since 1800, single precision distinguishes 11 minutes."""
EARLY_S = 120
"""Times that are even, and so far off the hour, are off by mistake."""
_NOTED_S = 0.5
_ROUNDING = 0.01
_EVEN = "Give a series with a regular step, or a period of it with --start and --end."
_EPOCH = "1970-01-01 00:00:00"


def begun(stamps: Times, ends: Times) -> Times:
    """Return times, T of them, of which those at an end of their interval, up to rounding, are moved to its beginning.

    A mean of January that is stamped 1 February, as climate models do, is one of January.

    Args:
        stamps: T times.
        ends: Both ends of each interval, one after another, 2 T times; none where they are not known.

    Raises:
        ValueError: A time lies outside its interval, so one of the two is wrong.
    """
    if len(ends) != 2 * len(stamps):
        return stamps
    pairs = zip(ends[::2], ends[1::2], strict=True)
    return [_begun(stamp, min(pair), max(pair)) for stamp, pair in zip(stamps, pairs, strict=True)]


def _begun(stamp: Any, begin: Any, end: Any) -> Any:  # noqa: ANN401  cftime is untyped
    if begin == end:  # never filled in
        return stamp
    rounding = (end - begin) * _ROUNDING
    if not begin - rounding <= stamp <= end + rounding:
        raise FaultError(f"time {stamp} lies outside its bounds, {begin} to {end}")
    return begin if stamp < begin or stamp >= end - rounding else stamp


def encode(times: Times, step: Step) -> tuple[list[float], str]:
    """Return times as numbers, to the second, and their unit."""
    import cftime

    seconds = np.rint(cftime.date2num(times, f"seconds since {_EPOCH}", times[0].calendar))
    kind, length = ("hours", _HOUR_S) if step.kind == "hour" else ("days", 24 * _HOUR_S)
    return [float(second) / length for second in seconds], f"{kind} since {_EPOCH}"


def label(time: Any, step: Step | None = None) -> str:  # noqa: ANN401
    """Name a time as finely as its step needs."""
    if step is not None and step.kind == "month":
        return f"{time.year:04d}-{time.month:02d}"
    day = f"{time.year:04d}-{time.month:02d}-{time.day:02d}"
    return day if (time.hour, time.minute, time.second) == (0, 0, 0) else f"{day}T{time.hour:02d}:{time.minute:02d}"


@dataclass(frozen=True)
class Stamped:
    """Times with the file of each."""

    times: Times
    files: Sequence[str]

    def at(self, place: int) -> str:
        """Name a time and its file."""
        return f"{label(self.times[place])} ({self.files[place]})"


def regular_step(stamped: Stamped, location: str) -> Step:
    """Find the step between times.

    Raises:
        DataError: There are fewer than two; one is there twice; they go back; or steps are missing or uneven. The
            message names times and files.
    """
    if len(stamped.times) < 2:
        only = f" ({stamped.at(0)})" if stamped.times else ""
        raise DataError(
            f"there is one time step{only}; a series needs at least two", where=location, fix="Give all of its files."
        )
    import cftime

    calendar = stamped.times[0].calendar
    seconds = np.asarray(cftime.date2num(stamped.times, f"seconds since {_EPOCH}", calendar))
    _refuse_disorder(stamped, np.diff(seconds), location)
    if float(np.median(np.diff(seconds))) >= _MONTHLY_FROM_HOURS * _HOUR_S:
        return _monthly(stamped, location)
    return _hourly(stamped, seconds - seconds[0], location)


def evened(times: Times) -> tuple[Times, str]:
    """Return times with those of a series of hours or days on its steps, and a note where they were not.

    In single precision they are off by minutes, and rounded down a map of 02:00 is one of 01:59:59: hours, days and
    months would be those of the map before. Times that fit no step stay for `regular_step` to name.
    """
    if len(times) < _FEWEST:
        return times, ""
    import cftime

    seconds = np.asarray(cftime.date2num(times, f"seconds since {_EPOCH}", times[0].calendar), dtype=np.float64)
    gap = float(np.median(np.diff(seconds)))
    step_s = round(gap / _HOUR_S) * _HOUR_S
    if gap >= _MONTHLY_FROM_HOURS * _HOUR_S:
        return times, _of_month_ends(times)
    exact = _on_steps(seconds, step_s) if step_s >= _HOUR_S else None
    if exact is None or (off_s := np.abs(exact - seconds)).max() < _NOTED_S:
        return times, ""
    moved = [
        time if off < _NOTED_S else cftime.num2date(value, f"seconds since {_EPOCH}", time.calendar)
        for time, value, off in zip(times, exact, off_s, strict=True)
    ]
    note = f"times are up to {math.ceil(off_s.max())} s off steps of {step_s // _HOUR_S} h and are taken to these, "
    return moved, f"{note}the first as {label(moved[0])}"


def _of_month_ends(times: Times) -> str:
    """Note months whose times lie so shortly before the next month that they may mean it."""
    late = [time for time in times if (time + datetime.timedelta(seconds=EARLY_S)).month != time.month]
    if not late:
        return ""
    return f"{len(late)} times lie shortly before a month begins and are taken to be of the one that ends: {late[0]}"


def _on_steps(seconds: NDArray[np.float64], step_s: int) -> NDArray[np.float64] | None:
    """Return seconds on a series of steps, all of them within a tenth of one; None where they are on none."""
    middle = seconds[len(seconds) // 2]
    places = np.rint((seconds - middle) / step_s)
    off = seconds - middle - places * step_s
    if np.abs(off).max() > _TOLERANCE * step_s or (np.diff(places) <= 0).any():
        return None
    begin, scatter = middle + float(np.median(off)), float(np.ptp(off))
    # Rounded times lie about the half hour that they were, or below it; those that scatter more are so by nature.
    half = round(begin / _HALF_HOUR_S) * _HALF_HOUR_S
    allowed = max(scatter / 2 + 1, EARLY_S) if scatter <= _ROUNDED_S else EARLY_S
    if scatter < _NOTED_S and abs(half - begin - 1) < _NOTED_S / 10 and half % min(step_s, 24 * _HOUR_S) == 0:
        half -= step_s  # the last second of an hour or a day
        allowed = step_s
    begin = half if abs(begin - half) <= allowed else round(begin)
    return np.asarray(begin + places * step_s)


def _refuse_disorder(stamped: Stamped, gaps: NDArray[np.float64], location: str) -> None:
    wrong = np.flatnonzero(gaps <= 0)
    if not len(wrong):
        return
    first = int(wrong[0])
    files = list(dict.fromkeys(stamped.files[first : first + 2]))
    kind, fix = "goes back", "Times must ascend: sort them, or leave the place out with --start and --end."
    if len(files) > 1:
        fix = f"Files must follow one another: join {files[0]} and {files[1]} by time (cdo mergetime), cut what both "
        fix += "have out of one of them, or leave the place out with --start and --end."
    if gaps[first] == 0:
        kind, fix = "is there twice", "Keep one step of each time, or leave the place out with --start and --end."
        if len(files) > 1:
            fix = f"Keep one step of each time: take out {files[0]} or {files[1]} where one is a copy, or "
            fix += "cut the times that both have out of one of them."
    more = f"; and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    raise DataError(
        f"time {kind}: {stamped.at(first)} is followed by {stamped.at(first + 1)}{more}", where=location, fix=fix
    )


def _monthly(stamped: Stamped, location: str) -> Step:
    months = [time.year * 12 + time.month - 1 for time in stamped.times]
    if len(set(months)) < len(months):
        place = next(k for k in range(1, len(months)) if months[k] == months[k - 1])
        raise DataError(
            f"a month is there twice: {stamped.at(place - 1)} and {stamped.at(place)}",
            where=location,
            fix="Keep one of them: every month may be there once.",
        )
    count = _common_gap(months)
    _refuse_gaps(months, count, location, lambda month: f"{month // 12:04d}-{month % 12 + 1:02d}")
    return Step(kind="month", count=count)


def _hourly(stamped: Stamped, seconds: NDArray[np.float64], location: str) -> Step:
    """Find a step of hours or days; times may be off by a tenth of it, as in single precision they are."""
    gap = float(np.median(np.diff(seconds)))
    step_s = max(round(gap / _HOUR_S), 1) * _HOUR_S
    if abs(gap - step_s) > _TOLERANCE * step_s:
        raise DataError(
            f"the time step is {gap:g} s",
            where=location,
            fix="Steps must be whole hours, days or months; average first.",
        )
    places = np.rint(seconds / step_s).astype(np.int64)
    odd = np.flatnonzero(np.abs(seconds - step_s * places) > _TOLERANCE * step_s)
    if len(odd) or len(set(places.tolist())) < len(places):
        first = int(odd[0]) if len(odd) else int(np.flatnonzero(np.diff(places) == 0)[0]) + 1
        raise DataError(
            f"times are not evenly spaced: {stamped.at(first)} does not fit steps of {step_s} s from {stamped.at(0)}",
            where=location,
            fix=_EVEN,
        )

    def named(place: int) -> str:
        time = stamped.times[0] + datetime.timedelta(seconds=place * step_s)
        return f"{time.isoformat()[:16]}" if step_s % (24 * _HOUR_S) else label(time)

    _refuse_gaps(places.tolist(), 1, location, named)
    hours = step_s // _HOUR_S
    return Step(kind="day", count=hours // 24) if hours % 24 == 0 else Step(kind="hour", count=hours)


def _common_gap(values: Sequence[int]) -> int:
    """Return the most frequent gap; of several the smallest."""
    counts = Counter(int(gap) for gap in np.diff(values))
    most = max(counts.values())
    return min(gap for gap, count in counts.items() if count == most)


def _refuse_gaps(values: Sequence[int], gap: int, location: str, named: Callable[[int], str]) -> None:
    expected = range(values[0], values[-1] + 1, gap)
    if odd := sorted(set(values) - set(expected)):
        raise DataError(
            f"times are not evenly spaced: {named(odd[0])} does not fit a step of {gap} from {named(values[0])}",
            where=location,
            fix=_EVEN,
        )
    if missing := sorted(set(expected) - set(values)):
        names = ", ".join(named(value) for value in missing[:_SHOWN])
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise DataError(
            f"{len(missing)} of {len(expected)} time steps are missing: {names}{more}",
            where=location,
            fix="Add their files, or choose a period without gaps with --start and --end.",
        )
