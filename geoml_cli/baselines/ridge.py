"""A straight line through the covariates."""

from __future__ import annotations

import numpy as np

from geoml_cli.baselines.baseline import Baseline, Table, Values

_ALPHAS = np.logspace(-3, 5, 17)
"""From hardly any to nearly full shrinkage of standardised covariates, two values a decade."""


def fit(train_NF: Table, target_N: Values, test_MF: Table, seed: int) -> Values:
    """Ridge regression on standardised covariates, its penalty chosen by leave-one-out on the training rows.

    Hoerl and Kennard 1970, doi:10.1080/00401706.1970.10488634. There is nothing random in it.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # float64: in float32, a temperature in kelvin loses the digits that standardising brings out.
    model = make_pipeline(StandardScaler(), RidgeCV(alphas=_ALPHAS))
    model.fit(train_NF.astype(np.float64), target_N)
    return np.asarray(model.predict(test_MF.astype(np.float64)), dtype=np.float64)


BASELINE = Baseline("Ridge regression on standardised covariates, penalty by leave-one-out", fit)
