"""Frames in another scale than the others, such as one file of many in g where the others are in kg.

A frame's size is a high quantile of the magnitudes of its values. Two groups of frames have different scales where the
sizes of one are all far above those of the other, and sizes hardly change within a group. Seasons are taken out where
months are there in two years or more.

Legend: T time steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.readers.time_steps import Times

Sizes = NDArray[np.float64]
Mask = NDArray[np.bool_]

_HIGH = 0.9
"""Quantile of magnitudes that is a frame's size: one damaged cell does not change it, nor do many that are 0."""
_MOST_VALUES = 1 << 16
"""Values of a frame from which its size is found."""
_FACTOR = {True: 10.0, False: 30.0}
"""How far two groups lie apart at least, by whether seasons are taken out: snow may set in within a day."""
_NOISE = {True: 0.75, False: 0.9}
"""Quantile of changes from time to time that is their usual size: two changes of 11 may be the ends of a season."""
_OF_FILES, _USUALLY = 4.0, 8.0
"""How far groups lie apart at least, and usually, that are whole files of months, seasons taken out: g C for mol of C
is 12 times. Snow and rain that are 0 at times differ by more from year to year."""
_CLEAR = 4.0
"""How many times larger than usual changes, as logarithms, the distance of the groups is: desert rain changes a lot."""
_NOTHING = 1e-7
"""Share of the largest size below which a frame is one of zeros: units differ by less."""
_TWO_YEARS = 0.9
"""Share of frames whose month is there in two years, from which on seasons are taken out."""
_LEAST_GROUP = 3
"""Frames in a row that another scale has on average: months of nearly no rain or light come singly or in pairs. What is
far beyond is refused anyway."""


@dataclass(frozen=True)
class ScaleBreak:
    """Frames of another scale.

    Attributes:
        places: Which they are; the fewer of the two groups.
        factor: Their size over that of the others.
    """

    places: NDArray[np.int64]
    factor: float


def frame_size(values: NDArray[np.float32]) -> float:
    """Return a high quantile of the magnitudes of the valid values, found from evenly chosen ones."""
    stride = -(-values.size // _MOST_VALUES)
    return float(np.quantile(np.abs(values[::stride]), _HIGH))


def scale_break(sizes: Sizes, times: Times, files: Sequence[str] = ()) -> ScaleBreak | None:
    """Find frames of another scale; None where there are none or it is not clear.

    Args:
        sizes: Of the frames, [T]; a frame of zeros has no scale and is left out.
        times: Of the frames.
        files: That of each frame, where it is known.
    """
    # What packing makes of 0 is no size: night of 1e-10 J m-2.
    logs = np.log(np.where(sizes > _NOTHING * sizes.max(initial=0.0), sizes, np.nan))
    relative = logs - _usual_of_month(logs, times)
    seasonless = bool(np.isfinite(relative).sum() > _TWO_YEARS * np.isfinite(logs).sum())
    if not seasonless and np.isnan(logs).any():
        return None  # what is 0 at times grows from nearly 0
    series = relative if seasonless else logs
    known = np.flatnonzero(np.isfinite(series))
    never_zero = len(files) and not np.isnan(logs).any()
    of_file = [files[int(place)] for place in known] if never_zero else []
    high = _upper_group(series[known], seasonless, of_file)
    if high is None:
        return None
    # Of two halves it is the later one.
    fewer = high if 2 * int(high.sum()) < len(high) + (not high[0]) else ~high
    blocks = int((np.diff(fewer.astype(np.int8), prepend=0) > 0).sum())
    if fewer.sum() < _LEAST_GROUP * blocks:
        return None
    distance = np.median(series[known][fewer]) - np.median(series[known][~fewer])
    return ScaleBreak(known[fewer], float(np.exp(distance)))


def _usual_of_month(logs: Sizes, times: Times) -> Sizes:
    """Return the median over years of a frame's month of the year; NaN where only one year has it."""
    year, month = (np.array([getattr(time, part) for time in times]) for part in ("year", "month"))
    usual = np.full(len(logs), np.nan)
    for one in np.unique(month):
        inside = (month == one) & np.isfinite(logs)
        by_year = [float(np.median(logs[inside & (year == each)])) for each in np.unique(year[inside])]
        if len(by_year) > 1:
            usual[month == one] = sorted(by_year)[(len(by_year) - 1) // 2]  # of two the lower, never one in between
    return usual


def _upper_group(series: Sizes, seasonless: bool, files: Sequence[str]) -> Mask | None:
    """Return which logarithms lie above the widest gap, if it is one between scales."""
    ordered = np.sort(series)
    inner = np.diff(ordered)[_LEAST_GROUP - 1 : 1 - _LEAST_GROUP]
    if not len(inner):
        return None
    widest = int(inner.argmax())
    noise = float(np.quantile(np.abs(np.diff(series)), _NOISE[seasonless]))
    if inner[widest] < max(np.log(_OF_FILES), _CLEAR * noise):
        return None
    upper = np.asarray(series > ordered[widest + _LEAST_GROUP - 1])
    usually = np.median(series[upper]) - np.median(series[~upper])
    are_files = seasonless and usually >= np.log(_USUALLY) and _are_files(upper, files)
    return upper if are_files or inner[widest] >= np.log(_FACTOR[seasonless]) else None


def _are_files(upper: Mask, files: Sequence[str]) -> bool:
    """Return whether the frames of every file are in one group, and there are several of each."""
    if not len(files):
        return False
    _, place, count = np.unique(np.asarray(files), return_inverse=True, return_counts=True)
    above = np.bincount(place.reshape(-1), upper, minlength=len(count))
    whole = (above == 0) | (above == count)
    return bool((count >= _LEAST_GROUP).sum() > 1 and whole.all())
