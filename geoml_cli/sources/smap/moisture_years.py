"""Years of soil moisture in another scale than the others: all stations together, or one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.readers.year_scales import cells_of, other_halves, refuse_other_years, said
from geoml_cli.sources.smap.calendar import Calendar

_FEW = 5
"""Values of a station and month, from which on it is compared with other years."""


def notes_on_years(
    moisture_DS: NDArray[Any], stations: Sequence[str], name: str, location: str, calendar: Calendar
) -> list[str]:
    """Compare the soil moisture of years, at the same stations and in the same months.

    Args:
        moisture_DS: By day and station, NaN where missing.
        stations: Their names.
        name: Of the variable, for messages.
        location: For messages.
        calendar: Of the days.

    Returns:
        What is said of single stations of which some years are in another scale.

    Raises:
        DataError: Some years of all stations together are in another unit than the others.
    """
    days, count = moisture_DS.shape
    values, dates = moisture_DS.astype(np.float64), np.broadcast_to(calendar.dates[:, None], moisture_DS.shape)
    place = np.broadcast_to(np.arange(count), moisture_DS.shape)
    cells = cells_of(values.ravel(), dates.ravel(), place.ravel(), _FEW)
    refuse_other_years(cells, name, location, "Bring all years to m3 m-3.")
    here = np.zeros(days, dtype=np.int64)
    alone = (other_halves(cells_of(one, calendar.dates, here, _FEW)) for one in values.T)
    return [
        f"at {station} {said(found, name)}: another unit, or a sensor that failed?"
        for station, found in zip(stations, alone, strict=True)
        if found is not None
    ]
