"""When samples are: the time step and the year of each.

Legend: N samples of the data set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.samples.times import read_clock

Rows = NDArray[np.int64]


def minutes_of_samples(variables: Variables, rows: int) -> Rows:
    """Return the time of every sample, [N], in the unit of the data set's `time`.

    Raises:
        DataError: The data set has no times.
    """
    if not variables.has("time"):
        raise DataError(
            "the data set has no times", where="[split]", fix="Use --set split.kind=random, or prepare data with times."
        )
    time = np.asarray(variables.array("time"), dtype=np.int64)
    found = time[np.asarray(variables.array("index"))] if variables.has("index") else time
    assert found.shape == (rows,), "a time a sample"
    return found


def years_of_samples(variables: Variables, rows: int) -> Rows:
    """Return the year of every sample, [N]: the variable `year` where there is one, else that of its time."""
    if variables.has("year"):
        found = np.asarray(variables.array("year"), dtype=np.int64)
        # A `year` of another length is one of stations or of time steps.
        if found.shape == (rows,):
            return found
    return read_clock(minutes_of_samples(variables, rows), variables.unit("time"), "year").astype(np.int64)
