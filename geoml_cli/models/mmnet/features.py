"""What the baselines see, the classes by which scores are given, and where and when a sample is.

Legend: N samples, F features.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from geoml_cli.baselines.baseline import Baseline, BaselinePredictor, Rows, Values
from geoml_cli.dataset.store import Variables
from geoml_cli.dataset.variables import Variable
from geoml_cli.models.mmnet.task import SMAP
from geoml_cli.samples.coordinates import lon_lat_of_samples
from geoml_cli.samples.labels import Labels, labelled, labels_of_numbers
from geoml_cli.samples.samples import Samples
from geoml_cli.samples.times import begin_of, read_clock
from geoml_cli.work.distinct import distinct_rows

_ROWS_AT_ONCE = 65_536
_SEASONS = ("DJF", "DJF", "MAM", "MAM", "MAM", "JJA", "JJA", "JJA", "SON", "SON", "SON", "DJF")
_DRYNESS = (0.1, 0.2, 0.3)
"""Bounds of classes of observed soil moisture [m3 m-3]."""
_DRYNESS_NAMES = ("below 0.1", "0.1 to 0.2", "0.2 to 0.3", "0.3 or more")


def table(samples: Samples) -> tuple[NDArray[np.float32], list[str]]:
    """Lay samples out for the baselines: the snapshot, the day's weather and its mean over the window.

    Returns:
        Table [N, F] in physical units, and F names.
    """
    starts = range(0, max(len(samples), 1), _ROWS_AT_ONCE)
    parts = [_columns(samples, slice(start, start + _ROWS_AT_ONCE)) for start in starts]
    static = samples.inputs["static"].names
    dynamic = samples.inputs["dynamic"].names if "dynamic" in samples.inputs else ()
    names = [*static, *dynamic, *(f"mean {name}" for name in dynamic)]
    rows = np.concatenate(parts)
    place = rows[:, [names.index("lat"), names.index("lon")]]
    # DoY_normalized turned back, in twelfths of the year; 12 would make a thirteenth of the last day of a leap year.
    month = np.floor(np.arccos(np.clip(rows[:, names.index("DoY_normalized")], -1, 1)) / np.pi * 11.99)
    station = distinct_rows(place)[1]
    grouped = np.column_stack([month, station, rows]).astype(np.float32)
    return grouped, ["class of month", "class of place", *names]


def _columns(samples: Samples, rows: slice) -> NDArray[np.float32]:
    static = samples.inputs["static"].values[rows]
    if "dynamic" not in samples.inputs:
        return np.asarray(static)
    dynamic = samples.inputs["dynamic"].values[rows]
    return np.concatenate([static, dynamic[:, -1], dynamic.mean(axis=1)], axis=1)


def _smap_itself(samples: Samples, rows: Rows, seed: int) -> BaselinePredictor:
    """Fit nothing: the estimate stands in the snapshot."""
    column = samples.inputs["static"].names.index(SMAP)

    def predicted(given: Samples, chosen: Rows) -> Values:
        return np.asarray(given.inputs["static"].values[chosen, column], dtype=np.float64)

    return predicted


BASELINES = {
    "smap": Baseline("SMAP L4 surface soil moisture of the station's cell, not fitted", _smap_itself, reference=True)
}


def groups(samples: Samples, variables: Variables) -> Mapping[str, Labels]:
    """Return year, season, land cover, network, region and class of observed moisture of every sample, each [N]."""
    index = np.asarray(variables.array("index"))
    time, unit = np.asarray(variables.array("time"))[index], variables.unit("time")
    month = read_clock(time, unit, "month").astype(np.int64)
    cover = np.asarray(variables.array("land_cover"))[index]
    # A record of no class has the code -1, and so the last name.
    names = [*variables.labels("land_cover_name"), "none"]
    found = {
        "year": labels_of_numbers(read_clock(time, unit, "year").astype(np.int64)),
        "season": labelled(month - 1, _SEASONS),
        "land cover": labelled(cover, names),
    }
    station = np.asarray(variables.array("station_index"))
    for name in ("network", "region"):
        if variables.has(name):
            found[name] = labelled(station, variables.labels(name))
    if (moisture_N := samples.target.rows) is not None:
        found["observed moisture"] = labelled(np.digitize(moisture_N, _DRYNESS), _DRYNESS_NAMES)
    return found


def coordinates(variables: Variables, rows: NDArray[np.int64]) -> list[tuple[Variable, Values]]:
    """Return longitude, latitude and day of samples."""
    index = np.asarray(variables.array("index"))[rows]
    lon, lat = lon_lat_of_samples(variables, len(variables.array("index")))[rows].T
    minutes = np.asarray(variables.array("time"))[index].astype(np.float64)
    return [
        (Variable("lon", "degrees_east", "longitude"), lon),
        (Variable("lat", "degrees_north", "latitude"), lat),
        (Variable("time", f"minutes since {begin_of(variables.unit('time'))}", "day"), minutes),
    ]
