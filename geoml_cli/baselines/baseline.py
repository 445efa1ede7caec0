"""The contract of baselines: anything that is fitted on training rows and predicts others.

Legend: N samples, M rows to predict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.samples.samples import Samples

Rows = NDArray[np.int64]
Values = NDArray[np.float64]
BaselinePredictor = Callable[[Samples, Rows], Values]
"""Samples and rows [M] to predictions [M] in the target's unit."""


@dataclass(frozen=True)
class Baseline:
    """A prediction that a network has to beat.

    Attributes:
        summary: One line for the report.
        fit: Samples, training rows and a seed to a predictor; the same arguments give the same predictions.
        records: Of series of stations: data set, flux of every record, [R] and NaN where it is not known, and the
            records that are to be filled, [M], to what fills those, [M]; records that are no samples, for want of a
            driver, as well. None where it cannot.
        fills: Whether it predicts rows of the samples that it was fitted on, and no others.
        reference: Whether it is the estimate that the network is made to improve, and heads the baselines in tables.
    """

    summary: str
    fit: Callable[[Samples, Rows, int], BaselinePredictor]
    records: Callable[[Variables, Values, Rows], Values] | None = None
    fills: bool = False
    reference: bool = False
