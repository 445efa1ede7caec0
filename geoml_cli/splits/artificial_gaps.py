"""Artificial gaps in measured series (Moffat et al. 2007): where they lie.

Agricultural and Forest Meteorology 147, doi:10.1016/j.agrformet.2007.08.011: gaps of several lengths are cut into the
records of each station, filled from what is left, and scored by length.

Legend: N samples of the data set, S samples of one station in order of time.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.splits.sample_times import minutes_of_samples
from geoml_cli.splits.settings import SplitSettings

Rows = NDArray[np.int64]
_HOUR, _DAY = 60, 24
_NONE = -1


class Gaps(NamedTuple):
    """The gaps that samples lie in.

    Attributes:
        number_N: Number of the gap, -1 outside of all.
        hours_N: Its length [h], 0 outside of all.
    """

    number_N: Rows
    hours_N: NDArray[np.float64]


def gaps_of_samples(variables: Variables, settings: SplitSettings, rows: int, *, share: float, seed: int) -> Gaps:
    """Draw gaps of every length of `gap_hours` in the series of every station; no two touch.

    Each length takes an equal part of `share` of a station's samples, and at least one gap of each fits.

    Raises:
        DataError: The data set is no series, or a station's series is too short.
    """
    if not (variables.has("station_index") and variables.has("time") and variables.has("index")):
        raise DataError(
            "samples are no series of stations, in which there are gaps",
            where="[split] kind = 'gaps'",
            fix="Use --set split.kind=random, or data of towers (geoml prepare fluxnet).",
        )
    minute_N = minutes_of_samples(variables, rows)
    station_N = np.asarray(variables.array("station_index"), dtype=np.int64)
    found = Gaps(np.full(rows, _NONE), np.zeros(rows))
    # One generator for all stations and lengths, in this order: one more of either changes the gaps after it.
    random, drawn = np.random.default_rng(seed), 0
    for station in np.unique(station_N):
        own = np.flatnonzero(station_N == station)
        own = own[np.argsort(minute_N[own], kind="stable")]
        for hours in sorted(settings.gap_hours, reverse=True):  # long ones while there is room
            least = max(round(share * len(own) / len(settings.gap_hours)), 1)
            cut = _cut(minute_N[own], found.number_N[own] >= 0, (round(hours * _HOUR), least), random)
            if not cut:
                raise _too_short(variables, int(station), hours)
            for first, last in cut:
                found.number_N[own[first:last]], found.hours_N[own[first:last]] = drawn, hours
                drawn += 1
    return found


def _cut(
    minute_S: Rows, taken_S: NDArray[np.bool_], wanted: tuple[int, int], random: np.random.Generator
) -> list[tuple[int, int]]:
    """Cut gaps of a length [min] until they hold so many samples: their first sample, and that after their last.

    A gap begins at a sample; its neighbours before and after are left, so that gaps stay apart.
    """
    length, least = wanted
    taken, found, samples = taken_S.copy(), [], 0
    for first in random.permutation(len(minute_S)):
        # By time, not by a number of samples: records may be missing.
        last = int(np.searchsorted(minute_S, minute_S[first] + length))
        # A gap at either end would have measurements on one side only.
        whole = last < len(minute_S) and first > 0
        if not whole or taken[first - 1 : last + 1].any():
            continue
        taken[first:last] = True
        found.append((int(first), last))
        samples += last - int(first)
        if samples >= least:
            break
    return found


def _too_short(variables: Variables, station: int, hours: float) -> DataError:
    name = variables.labels("station")[station] if variables.has("station") else str(station)
    return DataError(
        f"a gap of {gap_called(hours)} finds no place in the series of {name}",
        where="[split] gap_hours",
        fix="Leave long gaps out (split.gap_hours), hold out less (split.test), or prepare a longer series.",
    )


def gap_called(hours: float) -> str:
    """Name a length: `30 min`, `4 h`, `7 d`."""
    if hours < 1:
        return f"{hours * _HOUR:g} min"
    return f"{hours:g} h" if hours < _DAY else f"{hours / _DAY:g} d"


def gap_length(name: str) -> float:
    """Return the length [h] that `gap_called` names, infinite for other text."""
    number, _, unit = name.partition(" ")
    hours = {"min": 1 / _HOUR, "h": 1.0, "d": _DAY}.get(unit)
    return float(number) * hours if hours and number.replace(".", "", 1).isdigit() else math.inf


def tested_gaps(variables: Variables, settings: SplitSettings, rows: int) -> Gaps:
    """Draw the gaps that are tested; the same settings draw the same."""
    return gaps_of_samples(variables, settings, rows, share=settings.test, seed=settings.seed)
