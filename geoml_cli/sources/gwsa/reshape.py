"""From one row a cell to one row a cell and time, without a loop over rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.readers.columns import Part
from geoml_cli.sources.gwsa.layout import Wide

Values = NDArray[np.float64]


def lengthen(part: Part, layout: Wide) -> dict[str, Values]:
    """Turn columns VAR_YYYY into one column VAR.

    Args:
        part: Some cells, C of them.
        layout: What the columns are; T times.

    Returns:
        Each factor, shape [C * T], cell by cell, a cell's times in order; NaN where a factor has no column of a time.
    """
    times = len(layout.stamps)
    long = {name: np.repeat(part.numbers(column), times) for name, column in layout.fixed.items()}
    for name, columns in layout.timed.items():
        values_CT = np.full((len(part), times), np.nan)
        for time, stamp in enumerate(layout.stamps):
            if stamp in columns:
                values_CT[:, time] = part.numbers(columns[stamp])
        long[name] = values_CT.ravel()
    return long
