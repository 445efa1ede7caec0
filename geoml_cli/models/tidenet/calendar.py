"""Names and seasons of the steps of a gridded series."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.calendar import label, times_of
from geoml_cli.dataset.grid import TIME, GridFacts
from geoml_cli.dataset.store import Dataset

_MONTHS = 12
# A month is a twelfth of 365.25 days.
_HOURS = {"month": 730.5, "day": 24.0, "hour": 1.0}


class Clock(NamedTuple):
    """When the maps of a series are.

    Attributes:
        labels: Name of every step, [T].
        season: Month of the year from 0, and of hourly steps the hour of the day as well, [T].
        hours: Length of a step [h], of months their mean.
    """

    labels: list[str]
    season: NDArray[np.int64]
    hours: float


def clock(dataset: Dataset, facts: GridFacts) -> Clock:
    """Read the times of a data set of maps."""
    times = times_of(np.asarray(dataset.array(TIME), dtype=np.float64), facts)
    season = [time.month - 1 + (_MONTHS * time.hour if facts.step.kind == "hour" else 0) for time in times]
    hours = _HOURS[facts.step.kind] * facts.step.count
    return Clock([label(time, facts.step) for time in times], np.array(season, dtype=np.int64), hours)
