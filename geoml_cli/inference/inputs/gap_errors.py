"""How far a filling of gaps lies from observations: measured on gaps that are cut into the series themselves.

Blocks of a day, a week, a month and a quarter are left out in turn and filled from all that remains. The spread of the
values that a filling averages is that of single records, most of which cancels in a sum; what does not cancel is the
error that neighbours have in common, and means over whole blocks hold both.

Legend: R records of all stations, A records that are left out, B blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.runs.calibration import BlockDistances, Calibration
from geoml_cli.work.reporting import Reporter

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Fill = Callable[[Dataset, Floats, Rows], Floats]
"""Data set, flux of every record [R], NaN where it is not known, and records [A] to what fills these, [A]."""
_DAY = 1440
_LENGTHS = tuple(days * _DAY for days in (1, 7, 30, 91))
_PASSES = 4
"""Every fourth block is left out at a time, so that each has neighbours to be filled from."""
_MOST = 60
"""Blocks of a length and station: more cost time, and tell no more."""
_OBSERVED = 0.5
"""Share of a block's records that are observed; of fewer, the mean is another period's."""


class ObservedSeries(NamedTuple):
    """Observations of all stations, [R] each.

    Attributes:
        value: NaN where there is none.
        station: Number of the station.
        minute: Begin [min].
        step: Length of a record [min].
    """

    value: Floats
    station: Rows
    minute: Rows
    step: int


LONGEST = _LENGTHS[-1]
"""Longest gap whose error is measured [min]: of longer ones, what a filling averages is of another season."""


def in_long_gaps(observed_R: NDArray[np.bool_], station_R: Rows, minutes_R: Floats) -> NDArray[np.bool_]:
    """Return which records lie in a stretch of their station without observations that is longer than `LONGEST`, [R].

    Args:
        observed_R: Which records are observed.
        station_R: Number of the station of each; records of a station lie together, in the order of time.
        minutes_R: Length of each [min].
    """
    begins_R = np.ones(len(observed_R), dtype=np.bool_)
    begins_R[1:] = (observed_R[1:] != observed_R[:-1]) | (station_R[1:] != station_R[:-1])
    stretch_R = np.cumsum(begins_R) - 1
    long_S = np.bincount(stretch_R, weights=minutes_R) > LONGEST
    return np.asarray(~observed_R & long_S[stretch_R])


def gap_calibration(dataset: Dataset, series: ObservedSeries, fill: Fill, reporter: Reporter) -> Calibration | None:
    """Leave blocks of every length out and fill them; None where the series are too short or have too few observations.

    Args:
        dataset: Which holds what the filling goes by.
        series: What was observed.
        fill: Fills records from the others of their station.
        reporter: Receives progress.
    """
    errors: list[Floats] = []
    left_out: list[Rows] = []
    found: list[BlockDistances] = []
    with reporter.task("artificial gaps", len(_LENGTHS)) as advance:
        for length in _LENGTHS:
            row_A, block_A = _blocks(series, length)
            error_A = _errors(dataset, series, (row_A, block_A), fill)
            known = np.isfinite(error_A)
            errors.append(error_A[known])
            left_out.append(row_A[known])
            if known.any():
                found += [_of_blocks(series, errors[-1], row_A[known], length, block_A[known])]
            advance(1)
    if not found:
        return None
    error, rows = np.concatenate(errors), np.concatenate(left_out)
    record = _of_blocks(series, error, rows, series.step, np.arange(len(rows)))
    variance = float(series.value[rows].var())
    return Calibration(
        difference=None,
        rows=len(error),
        groups=len(np.unique(series.station[rows])),
        group="station",
        by_group=(),
        of_means=(record, *found),
        skill=1 - float((error**2).mean()) / variance if variance > 0 else None,
    )


def _blocks(series: ObservedSeries, length: int) -> tuple[Rows, Rows]:
    """Return the observed records of the blocks that are left out, and the number of each one's block, [A] each."""
    rows, numbers, drawn = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)], 0
    for station in np.unique(series.station):
        own = np.flatnonzero((series.station == station) & np.isfinite(series.value))
        if not len(own):
            continue
        first = series.minute[series.station == station].min()
        block, place, count = np.unique((series.minute[own] - first) // length, return_inverse=True, return_counts=True)
        usable = np.flatnonzero(count >= _OBSERVED * length / series.step)
        chosen = usable[np.unique(np.linspace(0, len(usable) - 1, min(len(usable), _MOST)).round().astype(np.int64))]
        number = np.full(len(block), -1)
        number[chosen] = drawn + np.arange(len(chosen))
        own_number, drawn = number[place.reshape(-1)], drawn + len(chosen)
        rows.append(own[own_number >= 0])
        numbers.append(own_number[own_number >= 0])
    return np.concatenate(rows), np.concatenate(numbers)


def _errors(dataset: Dataset, series: ObservedSeries, left_out: tuple[Rows, Rows], fill: Fill) -> Floats:
    """Return what was filled less what was observed, [A]; NaN where nothing fills."""
    row_A, block_A = left_out
    error_A = np.full(len(row_A), np.nan)
    for turn in range(_PASSES):
        now = block_A % _PASSES == turn
        if now.any():
            known = series.value.copy()
            known[row_A[now]] = np.nan
            error_A[now] = fill(dataset, known, row_A[now]) - series.value[row_A[now]]
    return error_A


def _of_blocks(series: ObservedSeries, error_A: Floats, row_A: Rows, length: int, block_A: Rows) -> BlockDistances:
    _, first_B, place_A, count_B = np.unique(block_A, return_index=True, return_inverse=True, return_counts=True)
    mean_B = np.bincount(place_A.reshape(-1), weights=error_A) / count_B
    return BlockDistances.of(float(length), mean_B, series.station[row_A[first_B]])
