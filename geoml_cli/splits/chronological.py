"""The past trains, the time after it validates, the last time tests; equal times are on one side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.splits.drawn import ALL, Folds
from geoml_cli.splits.kind import SplitKind
from geoml_cli.splits.sample_times import minutes_of_samples
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.window_times import ALL_TIMES
from geoml_cli.work.distinct import distinct

Rows = NDArray[np.int64]
# One for each subset.
_FEWEST_TIMES = 3


def folds(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> Folds:
    """Hold out the last `test` share of the time steps; of windows of maps, those that begin in it."""
    times = distinct(minutes_of_samples(variables, rows)[usable])
    if len(times) < _FEWEST_TIMES:
        raise DataError(
            f"{len(times)} time step(s) cannot be split into training, validation and test",
            where="[split] kind = 'chronological'",
            fix="Prepare a longer period, or use another kind of split.",
        )
    if variables.has(ALL_TIMES):
        return {ALL: _last_windows(variables, usable, settings.test)}
    return {ALL: last_in_time(variables, usable, settings.test, rows)}


def _last_windows(variables: Variables, usable: Rows, share: float) -> tuple[Rows, Rows]:
    """Count the share in steps of the series: 20 % of 54 months are its last 11 months."""
    steps = np.asarray(variables.array(ALL_TIMES))
    begin = steps[-max(round(share * len(steps)), 1)]
    # `time` of a window is that of its first map: all maps of a test window lie in the time of the test.
    out = np.asarray(variables.array("time"))[usable] >= begin
    if not out.any() or out.all():
        raise DataError(
            f"{'every' if out.any() else 'no'} window lies in the last {share:g} of {len(steps)} time steps",
            where="[split] test",
            fix="Set split.test so that windows lie on both sides, or prepare a longer period.",
        )
    return usable[~out], usable[out]


def validate(variables: Variables, settings: SplitSettings, learn: Rows, rows: int) -> tuple[Rows, Rows]:
    """Hold out the last `validation` share of the time steps before the test."""
    return last_in_time(variables, learn, settings.validation, rows)


def last_in_time(variables: Variables, chosen: Rows, share: float, rows: int) -> tuple[Rows, Rows]:
    """Hold out the rows of the last share of time steps; at least one step is held out and one is kept."""
    minute = minutes_of_samples(variables, rows)[chosen]
    times = distinct(minute)
    if len(times) < 2:
        raise DataError(
            f"{len(chosen)} samples of {len(times)} time step(s) cannot be split in time",
            where="[split]",
            fix="Prepare a longer period, or use another kind of split.",
        )
    # Shares are of time steps, so that all stations of a step are on one side.
    steps = min(max(round(share * len(times)), 1), len(times) - 1)
    out = minute >= times[-steps]
    return chosen[~out], chosen[out]


KIND = SplitKind(folds, validate)
