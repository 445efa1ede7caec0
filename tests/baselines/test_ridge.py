"""Ridge by blocks against scikit-learn's, which holds all rows."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from geoml_cli.baselines import ridge
from geoml_cli.baselines.ridge import BlockwiseRidge

PENALTIES = np.logspace(-3, 5, 17)


@pytest.mark.parametrize(
    ("rows", "features", "noise"),
    [(2_000, 12, 1.0), (2_000, 12, 1e3), (200, 6, 1e-6), (50, 5, 1.0), (20, 40, 0.1), (3, 2, 1.0)],
)
def test_it_is_the_ridge_of_scikit_learn(
    rows: int, features: int, noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ridge, "_ROWS", 64)  # several blocks, the last of them shorter
    rng = np.random.default_rng(rows)
    table = (rng.normal(size=(rows, features)) * rng.uniform(0.01, 100, features) + 300).astype(np.float32)
    table[:, -1] = 2 * table[:, 0]  # says nothing new
    target = table[:, :3].astype(np.float64) @ rng.normal(size=min(3, features)) + noise * rng.normal(size=rows)
    theirs = make_pipeline(StandardScaler(), RidgeCV(alphas=PENALTIES)).fit(table.astype(np.float64), target)
    ours = BlockwiseRidge(PENALTIES).fit(table, target)
    assert ours.penalty_ == theirs[-1].alpha_
    expected = theirs.predict(table.astype(np.float64))
    np.testing.assert_allclose(ours.predict(table), expected, rtol=0, atol=1e-6 * expected.std())


def test_a_single_row_and_a_constant_column_are_harmless() -> None:
    one = BlockwiseRidge(PENALTIES).fit(np.array([[1.0, 2.0]], np.float32), np.array([5.0]))
    assert one.predict(np.array([[1.0, 2.0], [3.0, 9.0]], np.float32)) == pytest.approx([5.0, 5.0])
    table = np.column_stack([np.arange(50), np.full(50, 273.15)]).astype(np.float32)
    fitted = BlockwiseRidge(PENALTIES).fit(table, np.arange(50.0))
    assert fitted.predict(table) == pytest.approx(np.arange(50.0), abs=0.01)


def test_rows_are_not_copied() -> None:
    rng = np.random.default_rng(1)
    table, target = rng.normal(size=(400_000, 20)).astype(np.float32), rng.normal(size=400_000)
    ridge.BlockwiseRidge(PENALTIES[:2]).fit(table[:1000], target[:1000])  # imports
    tracemalloc.start()
    try:
        BlockwiseRidge(PENALTIES).fit(table, target)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < table.nbytes  # scikit-learn takes ten times that
