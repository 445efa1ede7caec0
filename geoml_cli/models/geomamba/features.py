"""What the baselines see, the classes by which scores are given, and where and when a sample is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.dataset.variables import Variable
from geoml_cli.models.geomamba.settings import GeoMambaTables
from geoml_cli.models.geomamba.task import ends_of
from geoml_cli.models.spec import Values
from geoml_cli.samples.coordinates import labels_of_stations, lon_lat_of_samples
from geoml_cli.samples.labels import Labels, labelled, labels_of_numbers
from geoml_cli.samples.samples import Samples
from geoml_cli.samples.times import begin_of, read_clock
from geoml_cli.work.distinct import distinct_rows

_ROWS_AT_ONCE = 65_536
# 366, so that the last day of a leap year is still of the twelfth class.
_MONTH_DAYS = 366 / 12
Named = list[tuple[str, NDArray[np.float32] | NDArray[np.bool_]]]


def table(tables: GeoMambaTables, samples: Samples) -> tuple[NDArray[np.float32], list[str]]:
    """Lay samples out for the baselines: all that the network sees, and for the climatology month and place.

    Several steps are summed up by the last one and their mean; classes of land cover are columns of 0 and 1; of a time
    scale cosine and sine.

    Returns:
        Table [N, F] in physical units, and F names.
    """
    periods = dict(zip(tables.network.clocks, tables.network.periods, strict=True))
    names = [name for name, _ in _columns(samples, slice(0, 1), periods)]
    classes = _classes(samples, names, tables.network.categories, periods)
    # A network with a term of years sees them twice, as a number and as a clock.
    again = {k for k, name in enumerate(names) if name in periods and name in names[:k]}
    kept = [k for k, name in enumerate(names) if name not in ("land_cover", *_BARE_CLOCKS) and k not in again]
    found = np.empty((len(samples), len(classes) + len(kept)), dtype=np.float32)
    for place, (_, values) in enumerate(classes):
        found[:, place] = values
    for rows in _blocks(samples):
        columns = [values for _, values in _columns(samples, rows, periods)]
        for place, k in enumerate(kept, len(classes)):
            found[rows, place] = columns[k]
    return found, [*(name for name, _ in classes), *(names[k] for k in kept)]


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


def _classes(samples: Samples, names: list[str], categories: int, periods: Mapping[str, float]) -> Named:
    """Return the columns of classes: month, place, and those of 0 and 1 that land cover becomes.

    A network without the site sees the station, where there are any, in place of coordinates and land cover.
    """
    wanted = {"month", "day-of-year", "lat", "lon", "land_cover"} & set(names)
    seen = _all_rows(samples, wanted, periods)
    month = _month(seen)
    classes: Named = [] if month is None else [("class of month", month)]
    if "land_cover" in seen:
        sites = np.column_stack([seen["lat"], seen["lon"]])
        place = distinct_rows(sites)[1]
        classes.append(("class of place", place.astype(np.float32)))
        flags = ((code, seen["land_cover"] == code) for code in range(categories))
        return [*classes, *((f"land_cover={code}", flag) for code, flag in flags if flag.any())]
    if samples.records is not None:
        classes.append(("class of place", samples.records.station_N.astype(np.float32)))
    return classes


def _all_rows(
    samples: Samples, wanted: Collection[str], periods: Mapping[str, float]
) -> dict[str, NDArray[np.float32]]:
    """Return some columns of all samples, read in blocks."""
    found = {name: np.empty(len(samples), dtype=np.float32) for name in wanted}
    for rows in _blocks(samples):
        for name, values in _columns(samples, rows, periods):
            if name in found:
                found[name][rows] = values
    return found


def _blocks(samples: Samples) -> Iterator[slice]:
    return (slice(start, start + _ROWS_AT_ONCE) for start in range(0, len(samples), _ROWS_AT_ONCE))


_BARE_CLOCKS = ("month", "day", "day-of-year", "hour", "minute")
"""Clocks whose number turns back: their cosine and sine tell more to a straight line."""


def _month(seen: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32] | None:
    """Return the month of every row as far as its clocks tell it, from 1; None where they count years only."""
    if "month" in seen:
        return seen["month"]
    if "day-of-year" in seen:
        return np.asarray(np.floor((seen["day-of-year"] - 1) / _MONTH_DAYS) + 1, dtype=np.float32)
    return None


def groups(samples: Samples, variables: Variables) -> Mapping[str, Labels]:
    """Return the station (where there are any), the year and the land cover of every sample, each [N]."""
    ends = ends_of(variables)
    years = read_clock(variables.array("time"), variables.unit("time"), "year")[ends].astype(np.int64)
    found: dict[str, Labels] = {}
    if variables.has("station"):
        found["station"] = labels_of_stations(variables)
    found["year"] = labels_of_numbers(years)
    names = variables.labels("category_name")
    if len(names) > 1:
        code = np.asarray(variables.array("category"), dtype=np.int64)
        own = variables.array("station_index") if variables.has("station_index") else ends
        found["land cover"] = labelled(code[own], names)
    if samples.target.classes and (place_N := samples.target.rows) is not None:
        # Rows without an observed class are in no score; a name is needed all the same.
        known = np.where(np.isfinite(place_N), place_N, 0).astype(np.int64)
        found["observed class"] = labelled(known, samples.target.classes)
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
