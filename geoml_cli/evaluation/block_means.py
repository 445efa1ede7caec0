"""How far means over consecutive held-out records lie from the observed ones: errors of neighbours are alike.

The sum over a gap of a month errs by more than single records would tell if they erred by themselves. So means over
blocks of several lengths are compared, from a single record to a year.

Legend: P pooled rows, B blocks.
"""

from __future__ import annotations

import numpy as np

from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.member_rows import PooledRows
from geoml_cli.metrics.metric import Values
from geoml_cli.runs.calibration import BlockDistances
from geoml_cli.splits.split import Rows

_DAY = 1440.0
_LENGTHS = tuple(days * _DAY for days in (1, 7, 30, 91, 365))
"""Lengths of blocks [min], in addition to the record itself."""
_CALENDAR = {0: 30.4375 * _DAY, -1: 365.25 * _DAY}
"""Mean lengths of months and years, which have none of their own."""
_COVERED = 0.5
"""Share of a block's records that are held out and observed; of fewer, the mean is another period's."""


def block_distances(inputs: EvaluationInputs, pooled: PooledRows) -> tuple[BlockDistances, ...]:
    """Return the sizes of mean errors over blocks of every length that there are any of; none without records.

    Blocks of a station weigh as one where there are stations enough, else each by itself.
    """
    records = inputs.samples.records
    if records is None or inputs.task.probabilities is not None:
        return ()
    row_B, place_P = np.unique(pooled.rows_P, return_inverse=True)
    error_P = pooled.predicted_P - pooled.observed_P
    error_B = np.bincount(place_P.reshape(-1), weights=error_P) / np.bincount(place_P.reshape(-1))
    station_B, minute_B = records.station_N[row_B], records.minute_N[row_B]
    step = float(records.step_minutes) if records.step_minutes > 0 else _CALENDAR[records.step_minutes]
    lengths = [step, *(length for length in _LENGTHS if length > step)]
    by_length = [_of_length(error_B, station_B, minute_B, length, step) for length in lengths]
    return tuple(block for block in by_length if block is not None)


def _of_length(error_B: Values, station_B: Rows, minute_B: Rows, length: float, step: float) -> BlockDistances | None:
    block_B = np.floor(minute_B / length).astype(np.int64) if length > step else np.arange(len(minute_B))
    pair_B = np.stack([station_B, block_B])
    (station, _), place_B, count = np.unique(pair_B, axis=1, return_inverse=True, return_counts=True)
    mean = np.bincount(place_B.reshape(-1), weights=error_B) / count
    whole = count >= max(_COVERED * length / step, 1) if length > step else np.ones(len(count), dtype=bool)
    if not whole.any():
        return None
    return BlockDistances.of(length, mean[whole], station[whole])
