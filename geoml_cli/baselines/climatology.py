"""Climatology: mean of the training rows of the same groups, such as place and month.

Legend: N training rows, M rows to predict, F columns that number groups, the coarsest first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.work.distinct import distinct_rows

Values = NDArray[np.float64]


class Climatology:
    """Mean of the training rows that share all groups with a row; where there are none, of those that share the first.

    Of rows that share the first k groups, the mean counts for the largest k that has training rows, and the mean of all
    for none. There is nothing random in it.
    """

    def fit(self, train_NF: Values, target_N: Values) -> Climatology:
        """Keep the training rows."""
        self._train_NF, self._target_N = train_NF, target_N
        return self

    def predict(self, test_MF: Values) -> Values:
        """Return the mean of the training rows of the same groups, [M]."""
        return self._means(self._target_N, test_MF)

    def _means(self, target_N: Values, test_MF: Values) -> Values:
        found = np.full(len(test_MF), target_N.mean())
        for columns in range(1, self._train_NF.shape[1] + 1):
            both = np.concatenate([self._train_NF[:, :columns], test_MF[:, :columns]])
            number = distinct_rows(both)[1]
            train, test = np.split(number, [len(self._train_NF)])
            rows = np.bincount(train, minlength=int(number.max()) + 1)
            means = np.bincount(train, weights=target_N, minlength=len(rows)) / np.maximum(rows, 1)
            found = np.where(rows[test] > 0, means[test], found)
        return found


class ClassClimatology(Climatology):
    """The most frequent class of the training rows of the same groups."""

    def predict(self, test_MF: Values) -> Values:
        """Return the class of the highest share, [M]."""
        names = np.unique(self._target_N)
        share = np.stack([self._means((self._target_N == name).astype(np.float64), test_MF) for name in names])
        return np.asarray(names[share.argmax(axis=0)], dtype=np.float64)
