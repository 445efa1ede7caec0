"""What the baselines see, the classes by which scores are given, and where and when a sample is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.dataset.variables import Variable
from geoml_cli.models.geomamba.settings import GeoMambaTables
from geoml_cli.models.geomamba.task import ends_of
from geoml_cli.models.spec import Values
from geoml_cli.samples.coordinates import lon_lat_of_samples, stations_of_samples
from geoml_cli.samples.samples import Samples
from geoml_cli.samples.times import begin_of, read_clock

_ROWS_AT_ONCE = 65_536
# 366, so that the last day of a leap year is still of the twelfth class.
_MONTH_DAYS = 366 / 12
Named = list[tuple[str, NDArray[np.float32]]]


def table(tables: GeoMambaTables, samples: Samples) -> tuple[NDArray[np.float32], list[str]]:
    """Lay samples out for the baselines: all that the network sees, and for the climatology month and place.

    Several steps are summed up by the last one and their mean; classes of land cover are columns of 0 and 1; of a time
    scale cosine and sine.

    Returns:
        Table [N, F] in physical units, and F names.
    """
    periods = dict(zip(tables.network.clocks, tables.network.periods, strict=True))
    starts = range(0, max(len(samples), 1), _ROWS_AT_ONCE)
    parts = [list(_columns(samples, slice(start, start + _ROWS_AT_ONCE), periods)) for start in starts]
    names = [name for name, _ in parts[0]]
    own = np.concatenate([np.stack([values for _, values in part], axis=1) for part in parts])
    if "land_cover" not in names:
        return _with_clock_classes(own, names, samples)
    return _with_classes(own, names, tables.network.categories)


def _columns(samples: Samples, rows: slice, periods: Mapping[str, float]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for name, item in samples.inputs.items():
        values_RTV = item.values[rows]
        for place, variable in enumerate(item.names):
            last = values_RTV[:, -1, place]
            if name == "time":
                angle = 2 * np.pi * last / periods[variable]
                yield f"cos {variable}", np.cos(angle)
                yield f"sin {variable}", np.sin(angle)
            yield variable, last
            if name == "dynamic" and values_RTV.shape[1] > 1:
                yield f"mean {variable}", values_RTV[:, :, place].mean(axis=1)


def _with_classes(own: NDArray[np.float32], names: list[str], categories: int) -> tuple[NDArray[np.float32], list[str]]:
    """Turn land cover into columns of 0 and 1, the clocks into the month, and number the places."""
    cover = own[:, names.index("land_cover")]
    place = np.unique(own[:, [names.index("lat"), names.index("lon")]], axis=0, return_inverse=True)[1].reshape(-1)
    month = _month(own, names)
    classes = [] if month is None else [("class of month", month)]
    classes.append(("class of place", place.astype(np.float32)))
    codes = [code for code in range(categories) if (cover == code).any()]
    classes += [(f"land_cover={code}", (cover == code).astype(np.float32)) for code in codes]
    kept = [k for k, name in enumerate(names) if name not in ("land_cover", *_BARE_CLOCKS)]
    found = np.column_stack([*(values for _, values in classes), own[:, kept]])
    return found.astype(np.float32, copy=False), [*(name for name, _ in classes), *(names[k] for k in kept)]


def _with_clock_classes(
    own: NDArray[np.float32], names: list[str], samples: Samples
) -> tuple[NDArray[np.float32], list[str]]:
    """Put the month, and the station where there are any, before what a network without the site sees."""
    month = _month(own, names)
    classes = [] if month is None else [("class of month", month)]
    if samples.records is not None:
        classes.append(("class of place", samples.records.station_N.astype(np.float32)))
    kept = [k for k, name in enumerate(names) if name not in _BARE_CLOCKS]
    found = np.column_stack([*(values for _, values in classes), own[:, kept]])
    return found.astype(np.float32, copy=False), [*(name for name, _ in classes), *(names[k] for k in kept)]


_BARE_CLOCKS = ("month", "day", "day-of-year", "hour", "minute")
"""Clocks whose number turns back: their cosine and sine tell more to a straight line."""


def _month(own: NDArray[np.float32], names: list[str]) -> NDArray[np.float32] | None:
    """Return the month of every row as far as its clocks tell it, from 1; None where they count years only."""
    if "month" in names:
        return own[:, names.index("month")]
    if "day-of-year" in names:
        return np.asarray(np.floor((own[:, names.index("day-of-year")] - 1) / _MONTH_DAYS) + 1, dtype=np.float32)
    return None


def groups(samples: Samples, variables: Variables) -> Mapping[str, NDArray[np.str_]]:
    """Return the station (where there are any), the year and the land cover of every sample, each [N]."""
    ends = ends_of(variables)
    years = read_clock(variables.array("time"), variables.unit("time"), "year")[ends].astype(int).astype(str)
    found: dict[str, NDArray[np.str_]] = {}
    if variables.has("station"):
        found["station"] = stations_of_samples(variables)
    found["year"] = years
    names = np.array(variables.labels("category_name"))
    if len(names) > 1:
        code = np.asarray(variables.array("category"), dtype=np.int64)
        own = variables.array("station_index") if variables.has("station_index") else ends
        found["land cover"] = names[code[own]]
    if samples.target.classes and (place_N := samples.target.rows) is not None:
        # Rows without an observed class are in no score; a name is needed all the same.
        known = np.where(np.isfinite(place_N), place_N, 0).astype(np.int64)
        found["observed class"] = np.array(samples.target.classes)[known]
    return found


def coordinates(variables: Variables, rows: NDArray[np.int64]) -> list[tuple[Variable, Values]]:
    """Return longitude, latitude and time of samples."""
    ends = ends_of(variables)
    lon, lat = lon_lat_of_samples(variables, len(ends))[rows].T
    minutes = np.asarray(variables.array("time"))[ends[rows]].astype(np.float64)
    return [
        (Variable("lon", "degrees_east", "longitude"), lon),
        (Variable("lat", "degrees_north", "latitude"), lat),
        (Variable("time", f"minutes since {begin_of(variables.unit('time'))}", "begin of the step"), minutes),
    ]
