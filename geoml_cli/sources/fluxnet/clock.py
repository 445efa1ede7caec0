"""What shows that times are not local standard time: the course of sunlight, and hours that are twice or missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet.times import Integers, Step, format_time, starts

Values = NDArray[np.float64]
SUNLIGHT = "SW_IN_F"
_NOON, _OFF_NOON, _HOURS = 12.0, 4.0, 24
"""The sun's course is centred on noon; standard time is 3 hours apart from it at most (the west of China)."""
_BRIGHT, _DARK = 45.0, 0.25
"""Sunlight of a month's brightest hour that tells its noon [W m-2], and the share of it that is night or nearly."""
_UNEVEN = 1.0
"""Of the brightest hour: the least sum of the hours, as vectors, that has a direction; a usual day has about 5."""
_FEWEST, _NIGHT_HOURS = 15, 14
"""Records that tell the mean of an hour of a month, and hours that may be missing together, which are the night."""
_DAY, _MORNING, _MIDNIGHT = 1440, 240, 1380
"""Minutes of a day, and when clocks are put forward and back: before 4 h, and at 23 h."""
_SPRING, _AUTUMN, _APART = (3, 4), (9, 10, 11), 100
"""Months in which clocks are put forward and back in the north (in the south it is the other way), and days between."""
_FORWARD, _WEEK, _THURSDAY = (0, 60, 120, 180), 7, 4
"""Minutes of a day (1 h in Britain, 3 h in Finland); days of a week; the first day of 1970, where Sunday is 0."""
_SAID = 3
"""Missing hours of a station that are named."""
_AROUND, _SHIFTED = 30, (0.6, 1.4)
"""Days before and after a missing hour that tell noon; hours by which clocks move it, the sun by 0.2 in that time."""


class SummerTime(NamedTuple):
    """An hour that stands twice, and one that is missing, as clocks of summer time have them: places of records."""

    twice: int
    missing: int

    @property
    def between(self) -> bool:
        """Return whether it is summer time between the two; else it is before and after them."""
        return self.missing < self.twice


def refuse_other_clock(site: str, first: int, sunlight: Values, step: Step) -> None:
    """Refuse half-hours or hours that are not local: of UTC, towers far from Greenwich have their noon in the evening.

    Raises:
        DataError: Sunlight of a month of the year is not centred on noon.
    """
    finite = np.isfinite(sunlight)
    minute = starts(first + np.flatnonzero(finite), step)
    month = minute.astype("datetime64[m]").astype("datetime64[M]").astype(np.int64)
    hour = minute % _DAY // 60
    for begin, end in _runs(month):
        noon = _noon(hour[begin:end], sunlight[finite][begin:end])
        if noon is not None and abs(noon - _NOON) > _OFF_NOON:
            raise DataError(
                f"the day of {SUNLIGHT} is centred on {noon:.1f} h in the month from "
                f"{format_time(int(minute[begin] // step.minutes), step)}, and the sun's on noon: times are not local",
                where=site,
                fix="Give times in local standard time, as FLUXNET and AmeriFlux do, not in UTC; or leave it out of "
                "--dynamic and --extra, where its own clock alone is wrong.",
            )


def refuse_summer_time(site: str, first: int, sunlight: Values, lost: Sequence[int], step: Step) -> None:
    """Refuse half-hours or hours of clocks with summer time, also where the hour that they repeat stands once.

    Args:
        site: For messages.
        first: Place of the first record.
        sunlight: [W m-2], NaN where unknown, [T].
        lost: Places of missing hours, of `lost_hours`.
        step: Half-hourly or hourly.

    Raises:
        DataError: Noon is an hour later from a missing hour on.
    """
    hour = starts(first + np.arange(len(sunlight)), step) % _DAY // 60
    around = _AROUND * _DAY // step.minutes
    for missing in lost:
        place = missing - first
        before, after = slice(max(place - around, 0), place), slice(place, place + around)
        noons = [_noon(hour[rows][known], sunlight[rows][known])
                 for rows in (before, after) for known in [np.isfinite(sunlight[rows])]]  # fmt: skip
        if noons[0] is not None and noons[1] is not None and _SHIFTED[0] < noons[1] - noons[0] < _SHIFTED[1]:
            raise DataError(
                f"times are those of clocks with summer time: the hour from {format_time(missing, step)} is missing, "
                f"and from then on the day of {SUNLIGHT} is centred on {noons[1]:.1f} h, before on {noons[0]:.1f} h",
                where=site,
                fix="Give local standard time, the whole year without summer time: take an hour off the times of "
                "summer.",
            )


def _runs(values: Integers) -> Iterator[tuple[int, int]]:
    borders = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return pairwise(borders)


def _noon(hour: Integers, values: Values) -> float | None:
    """Return the centre of the mean course of a day [h]; None where too few hours are known, or there is no sun."""
    count = np.bincount(hour, minlength=_HOURS)
    known = count >= _FEWEST
    if not known.any():
        return None
    mean = np.bincount(hour, values, minlength=_HOURS) / np.maximum(count, 1)
    brightest = float(mean[known].max())
    if brightest < _BRIGHT or not _are_nights(known, mean < _DARK * brightest):
        return None
    course = np.where(known, mean - mean[known].min(), 0.0)
    angle = (np.arange(_HOURS) + 0.5) * (2 * np.pi / _HOURS)
    centre = (course * np.exp(1j * angle)).sum()
    if abs(centre) < _UNEVEN * brightest:  # the same at all hours: a filled gap, or a day at a pole
        return None
    return float(np.angle(centre) / (2 * np.pi) * _HOURS % _HOURS)


def _are_nights(known: NDArray[np.bool_], dark: NDArray[np.bool_]) -> bool:
    """Return whether the hours that are missing are one block between dark ones; other hours would move the centre."""
    if known.all():
        return True
    edges = np.flatnonzero(known & (~np.roll(known, 1) | ~np.roll(known, -1)))
    blocks = int((known & ~np.roll(known, 1)).sum())
    return bool(blocks == 1 and (~known).sum() <= _NIGHT_HOURS and dark[edges].all())


def summer_time(place: Integers, twice: Integers, step: Step) -> SummerTime | None:
    """Return the hours that clocks of summer time repeat and leave out; None where rows do not show it.

    Args:
        place: Of all records, ascending, [N].
        twice: Which of them stand a second time and differ, numbers of `place`.
        step: Half-hourly or hourly.
    """
    hour = 60 // step.minutes
    for missing in skipped_hours(place, step):
        year, month = _year_and_month(np.array([missing]), step)
        years, months = _year_and_month(place[twice], step)
        own = twice[years == year[0]]
        apart = np.abs(starts(place[own], step) - starts(np.array([missing]), step)[0]) / _DAY
        others = _AUTUMN if month[0] in _SPRING else _SPRING
        of_night = _is_night(place[own], step)
        if 0 < len(own) <= hour and of_night.all() and (apart > _APART).all() and np.isin(months, others).all():
            return SummerTime(int(place[own[0]]), missing)
    return None


def skipped_hours(place: Integers, step: Step) -> list[int]:
    """Return places of single hours that are missing at night in a month in which clocks are changed."""
    before = np.flatnonzero(np.diff(place) == 60 // step.minutes + 1)
    missing = place[before] + 1
    _, month = _year_and_month(missing, step)
    return [int(one) for one in missing[_is_night(missing, step) & np.isin(month, (*_SPRING, *_AUTUMN))]]


def lost_hours(place: Integers, step: Step) -> tuple[int, ...]:
    """Return places of hours that are missing where clocks are put forward: on a Sunday of spring, from 0 to 3 h."""
    found = np.array(skipped_hours(place, step), dtype=np.int64)
    minute = starts(found, step)
    is_sunday = (minute // _DAY + _THURSDAY) % _WEEK == 0
    return tuple(found[np.isin(minute % _DAY, _FORWARD) & is_sunday].tolist())


def lost_notes(lost: Sequence[int], step: Step) -> Iterator[str]:
    """Say which hours are missing where clocks are put forward, the first of many."""
    for number, missing in enumerate(lost[:_SAID], start=1):
        more = f" (and {len(lost) - _SAID} more)" * (number == _SAID < len(lost))
        yield (
            f"the hour from {format_time(missing, step)} is missing, as in times of clocks with summer time: times are "
            f"taken as local standard time{more}"
        )


def _year_and_month(place: Integers, step: Step) -> tuple[Integers, Integers]:
    month = starts(place, step).astype("datetime64[m]").astype("datetime64[M]").astype(np.int64)
    return month // 12 + 1970, month % 12 + 1


def _is_night(place: Integers, step: Step) -> NDArray[np.bool_]:
    minute = starts(place, step) % _DAY
    return np.asarray((minute < _MORNING) | (minute >= _MIDNIGHT))
