"""The usual method of digital soil mapping."""

from __future__ import annotations

from typing import Any

import numpy as np

from geoml_cli.baselines.baseline import JOBS, Baseline, Table, Values

_TREES = 500
_LEAF = 3
"""Fewest training rows in a leaf; single-sample leaves follow the noise of laboratory values."""
_MOST_ROWS = 30_000
"""Rows a tree is grown on where there are more: 500 whole trees of 300,000 rows would take gigabytes."""
_SHARE = 1 / 3
"""Share of covariates tried at a split: Breiman's advice for regression."""


def fit(train_NF: Table, target_N: Values, test_MF: Table, seed: int) -> Values:
    """Random forest. Breiman 2001, doi:10.1023/A:1010933404324."""
    from sklearn.ensemble import RandomForestRegressor

    model = RandomForestRegressor(max_features=_SHARE, max_samples=_rows_a_tree(train_NF), random_state=seed, **_COMMON)
    model.fit(train_NF, target_N)
    # Threads add up their trees in the order they finish in, and that changes the last digits between runs.
    model.set_params(n_jobs=1)
    return np.asarray(model.predict(test_MF), dtype=np.float64)


def choose(train_NF: Table, target_N: Values, test_MF: Table, seed: int) -> Values:
    """Random forest of classification trees; covariates tried at a split are the root of all, as Breiman advises."""
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(max_samples=_rows_a_tree(train_NF), random_state=seed, **_COMMON)
    model.fit(train_NF, target_N.astype(np.int64))
    model.set_params(n_jobs=1)  # as in `fit`
    return np.asarray(model.predict(test_MF), dtype=np.float64)


def _rows_a_tree(train_NF: Table) -> int | None:
    return _MOST_ROWS if len(train_NF) > _MOST_ROWS else None


_COMMON: dict[str, Any] = {"n_estimators": _TREES, "min_samples_leaf": _LEAF, "n_jobs": JOBS}
BASELINE = Baseline(f"Random forest of {_TREES} trees, each on {_MOST_ROWS:,} rows at most", fit, choose=choose)
