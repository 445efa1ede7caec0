"""Rows that can be predicted: their windows lie inside the series and hold no missing value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.readers.dates import nearest_steps
from geoml_cli.sources.ech.indices import FINE, HOUR, Series
from geoml_cli.sources.ech.orbit import Orbit

HOURS, FINE_VALUES = 49, 61
"""Values of the hourly and of the fine window (t-48 h .. t, t-300 min .. t)."""
_STORMS_APART_HOURS = 24
"""Two dips of SYM-H nearer than this belong to one storm."""
FEWEST_STORMS = 3
"""One for each subset of a split by storm."""
_SHALLOWER = (-40.0, -30.0, -25.0, -20.0, -15.0, -10.0)
"""Thresholds of SYM-H that are tried where there are too few storms [nT]."""
OFF_STEPS = "time is not on a step of the series"
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]


def place(series: Series, orbit: Orbit, funnel: Funnel) -> tuple[Index, Flags]:
    """Return each row's place in the series, and which rows are kept; the others are counted by reason."""
    assert series.start is not None, "rows of a pickle come with their places"
    seconds = (orbit.time - series.start).astype(np.int64)
    index, on = nearest_steps(seconds, series.step)
    funnel.drop(f"{OFF_STEPS} ({series.step} s)", int((~on).sum()))
    reach = (HOURS - 1) * HOUR // series.step
    inside = on & (index >= reach) & (index < len(series.sme))
    funnel.drop("window reaches outside the index series", int((on & ~inside).sum()))
    whole = np.zeros_like(inside)
    whole[inside] = complete(series)[index[inside]]
    funnel.drop("a value in the windows is missing", int((inside & ~whole).sum()))
    return index, whole


def complete(series: Series) -> Flags:
    """Tell, for every step of the series, whether all values of the windows that end there are known."""
    known = np.isfinite(series.sme) & np.isfinite(series.symh)
    found = np.ones(len(known), dtype=bool)
    for window, values in ((HOUR, HOURS), (FINE, FINE_VALUES)):
        if window % series.step:
            continue  # hourly series have no fine window
        stride = window // series.step
        for number in range(values):
            back = number * stride
            found[back:] &= known[: len(known) - back]
            found[:back] = False
    return found


def storms(series: Series, below: float) -> Index:
    """Number, for every step of the series, the storm whose minimum of SYM-H is nearest; all 0 without storms.

    A storm is a period of SYM-H under `below` [nT]; periods less than a day apart are one.
    """
    deep = np.flatnonzero(series.symh < below)
    if not len(deep):
        return np.zeros(len(series.symh), dtype=np.int64)
    apart = np.flatnonzero(np.diff(deep) * series.step > _STORMS_APART_HOURS * HOUR)
    runs = np.split(deep, apart + 1)
    minima = np.array([run[series.symh[run].argmin()] for run in runs])
    borders = (minima[1:] + minima[:-1]) / 2
    return np.searchsorted(borders, np.arange(len(series.symh))).astype(np.int64)


def few_storms(series: Series, index_N: Index, below: float) -> str:
    """Say that the samples are of too few storms for a split by storm, and what helps; empty where they are not."""
    count = len(np.unique(storms(series, below)[index_N]))
    if not len(index_N) or count >= FEWEST_STORMS:
        return ""
    lowest = float(np.nanmin(series.symh))
    begin = f"The samples are of {count} storm(s) of SYM-H below {below:g} nT"
    if lowest >= below:
        begin = f"There is no storm of SYM-H below {below:g} nT (the lowest value is {lowest:g} nT)"
    enough = (nt for nt in _SHALLOWER if nt > below and len(np.unique(storms(series, nt)[index_N])) >= FEWEST_STORMS)
    again = "Prepare a longer period" if (found := next(enough, None)) is None else f"Prepare with --storm-nt {found:g}"
    return (
        f"{begin}: a split by storm (preset storm) needs {FEWEST_STORMS}. {again}, or train with "
        "--set split.kind=chronological."
    )


def days(series: Series) -> Index:
    """Number, for every step of the series, the day (UTC; without times, 24 hours from the series' begin)."""
    seconds = np.arange(len(series.sme), dtype=np.int64) * series.step
    first = 0 if series.start is None else int(series.start.astype(np.int64)) % 86_400
    return np.asarray((seconds + first) // 86_400, dtype=np.int64)
