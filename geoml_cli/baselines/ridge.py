"""Ridge regression whose rows are read in blocks: memory does not grow with them.

Legend: N rows, B rows of a block, F features, A penalties.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from geoml_cli.baselines.table_rows import Columns

Values = NDArray[np.float64]
_ROWS = 32_768
"""Rows of which there is a copy in float64 at a time."""


class BlockwiseRidge:
    """Ridge on standardised features, its penalty by the leave-one-out error of the training rows.

    The estimator of scikit-learn's `StandardScaler` and `RidgeCV`, which copy all rows several times: from the products
    F x F of the features alone, and one more pass for the errors of all penalties.
    """

    def __init__(self, penalties: Sequence[float] | Values) -> None:
        self._penalty_A = np.asarray(penalties, dtype=np.float64)

    def fit(self, train_NF: NDArray[np.floating] | Columns, target_N: Values) -> BlockwiseRidge:
        """Fit; features and target are finite."""
        from sklearn.preprocessing import StandardScaler

        self._scaler = StandardScaler()
        for rows in _blocks(len(train_NF)):
            self._scaler.partial_fit(train_NF[rows].astype(np.float64))
        self._mean = float(target_N.mean())
        gram_FF, products_F = np.zeros((train_NF.shape[1],) * 2), np.zeros(train_NF.shape[1])
        for rows in _blocks(len(train_NF)):
            scaled_BF = self._scaled(train_NF[rows])
            gram_FF += scaled_BF.T @ scaled_BF
            products_F += scaled_BF.T @ (target_N[rows] - self._mean)
        eigenvalues_F, vectors_FF = np.linalg.eigh(gram_FF)
        shrunk_FA = 1.0 / (np.maximum(eigenvalues_F, 0.0)[:, None] + self._penalty_A)
        weights_FA = shrunk_FA * (vectors_FF.T @ products_F)[:, None]
        squares_A = np.zeros(len(self._penalty_A))
        for rows in _blocks(len(train_NF)):
            rotated_BF = self._scaled(train_NF[rows]) @ vectors_FF
            residual_BA = (target_N[rows] - self._mean)[:, None] - rotated_BF @ weights_FA
            # A row's own weight in its fitted value, with that of the mean; e / (1 - h) is the error without the row.
            leverage_BA = rotated_BF**2 @ shrunk_FA + 1.0 / len(train_NF)
            with np.errstate(invalid="ignore"):  # of a single row, without which there is no fit
                squares_A += ((residual_BA / (1.0 - leverage_BA)) ** 2).sum(axis=0)
        best = int(np.argmin(squares_A))
        self.penalty_ = float(self._penalty_A[best])
        self._weights_F = vectors_FF @ weights_FA[:, best]
        return self

    def predict(self, test_MF: NDArray[np.floating]) -> Values:
        """Predict rows, [M, F] to [M]."""
        return np.asarray(self._scaled(test_MF) @ self._weights_F + self._mean)

    def _scaled(self, rows_BF: NDArray[np.floating]) -> Values:
        return np.asarray(self._scaler.transform(rows_BF.astype(np.float64)))


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS) for start in range(0, rows, _ROWS))
