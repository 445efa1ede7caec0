"""Times of a data set of maps in its own calendar: their names, and the steps that follow."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import GridFacts, Step

_FORMS = {"month": "%Y-%m", "day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H"}
_MONTHS = 12
_ROUNDING = datetime.timedelta(minutes=10)


def times_of(values: NDArray[np.float64], facts: GridFacts) -> list[Any]:
    """Return times [T] of the data set's calendar; cftime is untyped."""
    import cftime

    found = cftime.num2date(values, facts.time_unit, facts.calendar, only_use_cftime_datetimes=True)
    return list(np.atleast_1d(found))


def numbers_of(times: list[Any], facts: GridFacts) -> NDArray[np.float64]:
    """Return times as numbers in the data set's unit, [T]."""
    import cftime

    return np.atleast_1d(np.asarray(cftime.date2num(times, facts.time_unit, facts.calendar), dtype=np.float64))


def label(time: Any, step: Step) -> str:  # noqa: ANN401  cftime is untyped
    """Name a time as fine as its step: 2015-03, 2015-03-17, 2015-03-17T06."""
    return str(time.strftime(_FORMS[step.kind]))


def later(times: Sequence[Any], step: Step, count: int) -> Any:  # noqa: ANN401
    """Return the time some steps after the last; of months as the series places times in them.

    Those are centres of months, or the same day of each, or the last there is.
    """
    last = times[-1]
    if step.kind != "month":
        return last + datetime.timedelta(hours=count * step.count * (24 if step.kind == "day" else 1))
    of_year = times[-_MONTHS:]
    index = last.year * _MONTHS + last.month - 1 + count * step.count
    first = last.replace(year=index // _MONTHS, month=index % _MONTHS + 1, day=1)
    if all(abs(time - _centre(time)) <= _ROUNDING for time in of_year):
        return _centre(first)
    return first.replace(day=min(max(time.day for time in of_year), first.daysinmonth))


def _centre(time: Any) -> Any:  # noqa: ANN401
    begin = time.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return begin + datetime.timedelta(days=time.daysinmonth) / 2
