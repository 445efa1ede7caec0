from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from geoml_cli.baselines import tabular
from geoml_cli.baselines.table_rows import TableRows
from geoml_cli.baselines.tabular import BASELINES, FeatureTable, names_giving, predict
from geoml_cli.errors import DataError
from geoml_cli.metrics.regression import R2

NAMES = ["rain", "slope", "noise"]
GENERAL = [name for name in names_giving("regression") if not BASELINES[name].of_groups]
"""Those that predict values from whatever covariates there are."""


def table(rows: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """A target that is linear in rain, bent in slope, and knows nothing of noise."""
    generator = np.random.default_rng(seed)
    features = generator.normal([800, 10, 0], [200, 5, 1], (rows, 3))
    target = 0.02 * features[:, 0] + 6 * np.sin(features[:, 1] / 4) + generator.normal(0, 0.5, rows)
    return features.astype(np.float32), target


@pytest.fixture(scope="module")
def rows() -> FeatureTable:
    train, target = table(400, 1)
    return FeatureTable(train, target, table(200, 2)[0], NAMES)


@pytest.fixture(scope="module")
def truth() -> NDArray[np.float64]:
    return table(200, 2)[1]


def test_every_baseline_is_described() -> None:
    assert list(BASELINES) == ["climatology", "gradient-boosting", "logistic", "mean", "random-forest", "ridge"]
    assert all(len(baseline.summary) > 10 for baseline in BASELINES.values())


def test_naming_them_imports_no_scikit_learn() -> None:
    code = "import sys; from geoml_cli.baselines.tabular import BASELINES; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", GENERAL)
def test_the_same_seed_gives_the_same_bits(name: str, rows: FeatureTable) -> None:
    np.testing.assert_array_equal(predict(name, rows, "regression", 5), predict(name, rows, "regression", 5))


@pytest.mark.parametrize("name", GENERAL)
def test_predicts_unseen_rows_as_well_as_its_kind_can(
    name: str, rows: FeatureTable, truth: NDArray[np.float64]
) -> None:
    score = R2(truth, predict(name, rows, "regression", 1))
    least, most = {
        "mean": (-0.1, 0.0),
        "ridge": (0.3, 0.78),  # the sine is not a line
        "random-forest": (0.8, 1.0),
        "gradient-boosting": (0.8, 1.0),
    }[name]
    assert least <= score <= most


@pytest.mark.parametrize("name", ["random-forest", "gradient-boosting"])
def test_trees_stay_within_the_training_target(name: str, rows: FeatureTable) -> None:
    far = replace(rows, test_MF=rows.test_MF + np.float32(1e6))
    found = predict(name, far, "regression", 1)
    assert rows.target_N.min() <= found.min() and found.max() <= rows.target_N.max()


def test_mean_is_the_mean(rows: FeatureTable) -> None:
    found = predict("mean", rows, "regression", 0)
    np.testing.assert_allclose(found, np.full(200, rows.target_N.mean()))


def test_ridge_chooses_the_penalty_that_leave_one_out_prefers() -> None:
    """Against leave-one-out done the long way, one fit a left-out row."""
    features, target = table(40, 3)
    scaled = (features - features.mean(axis=0, dtype=np.float64)) / features.std(axis=0, dtype=np.float64)

    def solved(train: NDArray[np.float64], values: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
        centre, level = train.mean(axis=0), values.mean()
        inner = (train - centre).T @ (train - centre) + alpha * np.eye(3)
        slope = np.linalg.solve(inner, (train - centre).T @ (values - level))
        return np.append(slope, level - centre @ slope)

    def left_out_error(alpha: float) -> float:
        kept = ~np.eye(40, dtype=bool)
        fits = [solved(scaled[keep], target[keep], alpha) for keep in kept]
        return float(np.mean([(target[i] - scaled[i] @ f[:3] - f[3]) ** 2 for i, f in enumerate(fits)]))

    best = min(tabular._ALPHAS, key=left_out_error)
    weights = solved(scaled, target, best)
    found = predict("ridge", FeatureTable(features, target, features, NAMES), "regression", 0)
    np.testing.assert_allclose(found, scaled @ weights[:3] + weights[3], rtol=1e-5)


def test_a_covariate_that_does_not_vary_is_harmless(rows: FeatureTable) -> None:
    constant = np.full((400, 1), 7, dtype=np.float32)
    wider = FeatureTable(
        np.hstack([rows.train_NF, constant]),
        rows.target_N,
        np.hstack([rows.test_MF, constant[:200]]),
        [*NAMES, "flat"],
    )
    np.testing.assert_allclose(
        predict("ridge", wider, "regression", 1), predict("ridge", rows, "regression", 1), rtol=1e-6
    )


@pytest.mark.parametrize("name", GENERAL)
def test_missing_covariates_are_refused_not_filled(name: str, rows: FeatureTable) -> None:
    train, test = rows.train_NF.copy(), rows.test_MF.copy()
    train[:3, 1], test[0, 1], test[5, 2] = np.nan, np.inf, np.nan
    with pytest.raises(DataError) as refusal:
        predict(name, FeatureTable(train, rows.target_N, test, NAMES), "regression", 1)
    assert str(refusal.value) == (
        "baselines: 5 values of 2 covariates are missing or infinite, 4 of them in 'slope'. "
        "Prepare the data set again without these samples, or use --set evaluate.baselines=[]."
    )


@pytest.mark.parametrize("name", GENERAL)
def test_rows_taken_from_one_table_are_predicted_as_their_copies(name: str, rows: FeatureTable) -> None:
    both = np.concatenate([np.asarray(rows.test_MF[:]), np.asarray(rows.train_NF[:])])
    random = np.random.default_rng(5)
    test_N, train_N = (random.permutation(part) for part in (np.arange(200), 200 + np.arange(len(rows.train_NF))))
    target_N = rows.target_N[train_N - 200]
    copied = FeatureTable(both[train_N], target_N, both[test_N], NAMES)
    taken = FeatureTable(TableRows(both, train_N), target_N, TableRows(both, test_N), NAMES)
    np.testing.assert_array_equal(predict(name, taken, "regression", 1), predict(name, copied, "regression", 1))
