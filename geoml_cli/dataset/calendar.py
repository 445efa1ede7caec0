"""Times of a data set of maps in its own calendar: their names, and the steps that follow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import GridFacts, Step

_FORMS = {"month": "%Y-%m", "day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H"}
_MONTHS = 12


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


def later(time: Any, step: Step, count: int) -> Any:  # noqa: ANN401
    """Return the time some steps later; of months the same day, or the last that there is."""
    import datetime

    if step.kind != "month":
        return time + datetime.timedelta(hours=count * step.count * (24 if step.kind == "day" else 1))
    index = time.year * _MONTHS + time.month - 1 + count * step.count
    first = time.replace(year=index // _MONTHS, month=index % _MONTHS + 1, day=1)
    return first.replace(day=min(time.day, first.daysinmonth))
