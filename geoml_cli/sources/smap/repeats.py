"""Rows of a product that stand for the same station and day."""

from __future__ import annotations

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.sources.smap.calendar import Calendar
from geoml_cli.sources.smap.exports import Rows, differing
from geoml_cli.sources.smap.names import StationNames


def repeated(rows: Rows) -> int:
    """Count the rows of a station and day beyond the first."""
    stations = int(rows.station.max(initial=0)) + 1
    return len(rows.day) - len(np.unique(rows.day * stations + rows.station))


DAILY = "Give one row a station and day, such as its daily mean."
"""What to do where a product has one value a day."""


def refuse_several(rows: Rows, location: str, names: StationNames, calendar: Calendar, fix: str = DAILY) -> None:
    """Refuse different values of a station and time, such as hourly ones of a day: the first would be no daily mean.

    Of Sentinel-1 those of one image: archives hold a scene that was processed twice as two.

    Raises:
        DataError: With the first such station and day.
    """
    # A row without any value stands between no others.
    some = np.flatnonzero(np.isfinite(rows.values).any(axis=1))
    image = rows.image if len(rows.image) else np.zeros(len(rows.day), dtype=np.int64)
    parts = [part[some] for part in (image, rows.second, rows.day, rows.station)]
    order = some[np.lexsort((some, *parts))]
    day, station, values = rows.day[order], rows.station[order], rows.values[order]
    same = np.ones(max(len(order) - 1, 0), dtype=np.bool_)
    for part in (day, station, rows.second[order], image[order]):
        same &= part[1:] == part[:-1]
    # A missing value is no other value.
    other = same[:, None] & differing(values[:-1], values[1:])
    if other.any():
        place, variable = (int(number[0]) for number in np.nonzero(other))
        days = len(np.unique(np.column_stack((station, day))[1:][other.any(axis=1)], axis=0))
        raise DataError(
            f"station {names.names[station[place]]} has {values[place, variable]:g} and "
            f"{values[place + 1, variable]:g} on {calendar.dates[day[place]]} ({days} such "
            f"{'days' if days > 1 else 'day'})",
            where=location,
            fix=fix,
        )
