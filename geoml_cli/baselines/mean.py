"""One value for every place: what a network must beat to have learnt anything."""

from __future__ import annotations

import numpy as np

from geoml_cli.baselines.baseline import Baseline, Table, Values


def fit(train_NF: Table, target_N: Values, test_MF: Table, seed: int) -> Values:
    """Predict the mean of the training target; under a log transform this is the geometric mean."""
    return np.full(len(test_MF), target_N.mean())


def choose(train_NF: Table, target_N: Values, test_MF: Table, seed: int) -> Values:
    """Predict the commonest class of the training rows."""
    names, rows = np.unique(target_N, return_counts=True)
    return np.full(len(test_MF), names[rows.argmax()])


BASELINE = Baseline("Mean of the training rows' (transformed) target, whatever the covariates", fit, fit, choose)
