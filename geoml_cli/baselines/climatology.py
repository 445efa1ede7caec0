"""What was usual at such a place, hour and activity: the mean of the training rows of the same class."""

from __future__ import annotations

import numpy as np

from geoml_cli.baselines.baseline import Baseline, Table, Values

_L_WIDTH, _MLT_WIDTH = 0.5, 3.0
"""Sides of a class [Earth radii, hours]."""
_SME_EDGES = (100.0, 200.0, 400.0, 800.0)
"""Borders of the classes of activity [nT]."""


def fit(train_NF: Table, target_N: Values, test_MF: Table, seed: int) -> Values:
    """Predict the mean of the class of L, MLT and SME; where the training rows have none, of L, then of all rows.

    There is nothing random in it.
    """
    found = np.full(len(test_MF), target_N.mean())
    for columns in ((0,), (0, 1), (0, 1, 2)):
        train, test = _class(train_NF, columns), _class(test_MF, columns)
        names, place, counts = np.unique(train, return_inverse=True, return_counts=True)
        means = np.bincount(place, weights=target_N) / counts
        spot = np.searchsorted(names, test).clip(max=len(names) - 1)
        found = np.where(names[spot] == test, means[spot], found)
    return found


def _class(table: Table, columns: tuple[int, ...]) -> Values:
    """Number the class of every row, by some of the three columns."""
    parts = (
        np.floor(table[:, 0] / _L_WIDTH),
        np.floor(table[:, 1] / _MLT_WIDTH),
        np.digitize(table[:, 2], _SME_EDGES).astype(np.float64),
    )
    return np.asarray(sum(parts[column] * 1000.0**column for column in columns), dtype=np.float64)


BASELINE = Baseline(
    "Mean of the training rows of the same L (half Earth radii), MLT (three hours) and SME class",
    fit,
    classify=fit,
    columns=("L", "MLT", "SME"),
)
