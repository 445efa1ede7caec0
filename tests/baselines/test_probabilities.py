"""Baselines that give probabilities, and the climatology of places, hours and activity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geoml_cli.baselines.baseline import Rows, baseline, baselines, predictions, probabilities
from geoml_cli.errors import DataError
from geoml_cli.metrics.classification import roc_auc

NAMES = ["L", "MLT", "SME", "noise"]
LIKELY = [name for name in baselines() if baseline(name).classify is not None]


def table(rows, seed):
    random = np.random.default_rng(seed)
    features = np.stack([random.uniform(3, 7, rows), random.uniform(0, 24, rows), random.gamma(2, 150, rows)], axis=1)
    features = np.column_stack([features, random.normal(size=rows)]).astype(np.float32)
    logit = 2 * (features[:, 0] - 5) + 0.006 * (features[:, 2] - 300)
    return features, (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.float64)


@pytest.fixture(scope="module")
def rows():
    train, target = table(2000, 1)
    return Rows(train, target, table(500, 2)[0], NAMES)


@pytest.mark.parametrize("name", LIKELY)
def test_probabilities_rank_unseen_rows_as_well_as_their_kind_can(name, rows):
    found = probabilities(name, rows, 1)
    assert found.min() >= 0 and found.max() <= 1
    area = roc_auc(table(500, 2)[1], found)
    assert area == 0.5 if name == "mean" else 0.75 < area < 0.98
    np.testing.assert_array_equal(found, probabilities(name, rows, 1))


@pytest.mark.parametrize("name", LIKELY)
def test_rows_of_one_kind_give_its_share(name, rows):
    np.testing.assert_allclose(probabilities(name, replace(rows, target_N=np.zeros(2000)), 1), 0, atol=1e-9)


def test_climatology_is_the_mean_of_the_class_and_falls_back():
    train = np.array([[5.1, 1, 50], [5.2, 2, 60], [5.3, 2, 500], [3.1, 13, 50]], dtype=np.float32)
    test = np.array([[5.4, 0.5, 90], [5.4, 0.5, 450], [5.4, 10, 90], [6.9, 1, 50]], dtype=np.float32)
    rows = Rows(train, np.array([1.0, 3.0, 10.0, 2.0]), test, ["L", "MLT", "SME"])
    np.testing.assert_allclose(predictions("climatology", rows, 0), [2.0, 10.0, 14 / 3, 4.0])


def test_climatology_says_which_covariate_it_lacks(rows):
    with pytest.raises(DataError, match="climatology needs L, MLT, SME; this model's covariates have no L"):
        predictions("climatology", replace(rows, names=["a", "b", "c", "d"]), 0)
