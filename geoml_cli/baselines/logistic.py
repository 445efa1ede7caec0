"""The logit as a straight line through the covariates."""

from __future__ import annotations

import numpy as np

from geoml_cli.baselines.baseline import Baseline, Table, Values

_ITERATIONS = 1000


def classify(train_NF: Table, target_N: Values, test_MF: Table, seed: int) -> Values:
    """Logistic regression on standardised covariates. Cox 1958, doi:10.1111/j.2517-6161.1958.tb00292.x."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(target_N)) < 2:  # a fold without any wave, or with nothing else
        return np.full(len(test_MF), target_N.mean())
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_ITERATIONS))
    model.fit(train_NF.astype(np.float64), target_N)
    return np.asarray(model.predict_proba(test_MF.astype(np.float64))[:, 1], dtype=np.float64)


def choose(train_NF: Table, target_N: Values, test_MF: Table, seed: int) -> Values:
    """Multinomial logistic regression, otherwise as `classify`; gives the likeliest class."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(target_N)) < 2:
        return np.full(len(test_MF), target_N.mean())
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_ITERATIONS))
    model.fit(train_NF.astype(np.float64), target_N.astype(np.int64))
    return np.asarray(model.predict(test_MF.astype(np.float64)), dtype=np.float64)


BASELINE = Baseline("Logistic regression on standardised covariates", None, classify=classify, choose=choose)
