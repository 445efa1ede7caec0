"""What was usual in such circumstances: the mean of the training rows of the same classes."""

from __future__ import annotations

import numpy as np

from geoml_cli.baselines.baseline import Baseline, Table, Values


def fit(train_NF: Table, target_N: Values, test_MF: Table, seed: int) -> Values:
    """Predict the mean of the rows that share all classes; where training rows have none, those that share the first.

    The columns are numbers of classes, the coarsest first: of rows that share the first k, the mean counts for the
    largest k that has training rows, and the mean of all for none. There is nothing random in it.
    """
    found = np.full(len(test_MF), target_N.mean())
    for columns in range(1, train_NF.shape[1] + 1):
        both = np.concatenate([train_NF[:, :columns], test_MF[:, :columns]])
        _, number = np.unique(both, axis=0, return_inverse=True)
        train, test = np.split(number.reshape(-1), [len(train_NF)])
        rows = np.bincount(train, minlength=int(number.max()) + 1)
        means = np.bincount(train, weights=target_N, minlength=len(rows)) / np.maximum(rows, 1)
        found = np.where(rows[test] > 0, means[test], found)
    return found


def choose(train_NF: Table, target_N: Values, test_MF: Table, seed: int) -> Values:
    """Predict the commonest class among the rows that `fit` would average."""
    names = np.unique(target_N)
    share = np.stack([fit(train_NF, (target_N == name).astype(np.float64), test_MF, seed) for name in names])
    return np.asarray(names[share.argmax(axis=0)], dtype=np.float64)


BASELINE = Baseline(
    "Mean of the training rows of the same classes, as the model names them (such as place and month)",
    fit,
    classify=fit,
    choose=choose,
    of_classes=True,
)
