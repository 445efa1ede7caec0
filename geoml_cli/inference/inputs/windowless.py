"""Records that the network cannot fill for want of a whole window of drivers, filled by another.

Legend: R records of all stations.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import GeomlError
from geoml_cli.inference.inputs.gap_errors import Fill
from geoml_cli.inference.inputs.period_sums import GapFilledSeries, Period, share_of_period

_MOST = 0.01
"""Share of a period that may be filled so: the interval of its sum tells the network's errors."""


def fill_the_rest(
    dataset: Dataset, series: GapFilledSeries, period: Period, others: Mapping[str, Fill]
) -> GapFilledSeries:
    """Fill the records that have no sample, as the first of a series, in periods where they are few.

    Args:
        dataset: Which holds what the others go by.
        series: As the network fills it.
        period: Of the sums.
        others: What else fills records, by name; the first that can is taken.
    """
    lacking = np.isnan(series.value)
    lacking &= share_of_period(series, lacking, period) <= _MOST
    observed = np.where(series.observed, series.value, np.nan)
    # One at least, so that the file has the same columns whatever lacks.
    rows = np.flatnonzero(lacking) if lacking.any() else np.zeros(1, np.int64)
    for name, fill in others.items():
        try:
            found = fill(dataset, observed, rows)
        except GeomlError:  # made for other records, or without what it goes by
            continue
        value = series.value.copy()
        value[lacking] = found[: lacking.sum()]
        return series._replace(value=value, otherwise=lacking & np.isfinite(value), otherwise_by=name)
    return series
