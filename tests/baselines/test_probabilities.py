"""Baselines that give probabilities, and the climatology of places, hours and activity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geoml_cli.baselines.tabular import FeatureTable, names_giving, predict
from geoml_cli.errors import SettingsError
from geoml_cli.metrics.classification import ROC_AUC

NAMES = ["L", "MLT", "SME", "noise", "class of L", "class of SME"]
LIKELY = names_giving("probability")


def table(rows, seed):
    random = np.random.default_rng(seed)
    features = np.stack([random.uniform(3, 7, rows), random.uniform(0, 24, rows), random.gamma(2, 150, rows)], axis=1)
    classes = np.floor(features[:, 0] * 2), np.floor(features[:, 2] / 200)
    features = np.column_stack([features, random.normal(size=rows), *classes]).astype(np.float32)
    logit = 2 * (features[:, 0] - 5) + 0.006 * (features[:, 2] - 300)
    return features, (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.float64)


@pytest.fixture(scope="module")
def rows():
    train, target = table(2000, 1)
    return FeatureTable(train, target, table(500, 2)[0], NAMES)


@pytest.mark.parametrize("name", LIKELY)
def test_probabilities_rank_unseen_rows_as_well_as_their_kind_can(name, rows):
    found = predict(name, rows, "probability", 1)
    assert found.min() >= 0 and found.max() <= 1
    area = ROC_AUC(table(500, 2)[1], found)
    assert area == 0.5 if name == "mean" else 0.75 < area < 0.98
    np.testing.assert_array_equal(found, predict(name, rows, "probability", 1))


@pytest.mark.parametrize("name", LIKELY)
def test_rows_of_one_kind_give_its_share(name, rows):
    np.testing.assert_allclose(predict(name, replace(rows, target_N=np.zeros(2000)), "probability", 1), 0, atol=1e-9)


def classes(target):
    train = np.array([[5, 0, 0], [5, 0, 0], [5, 0, 2], [3, 4, 0]], dtype=np.float32)
    test = np.array([[5, 0, 0], [5, 0, 2], [5, 3, 0], [6, 0, 0]], dtype=np.float32)
    names = ["class of L", "class of MLT", "class of SME"]
    return FeatureTable(train, np.array(target), test, names)


def test_climatology_is_the_mean_of_the_class_and_falls_back():
    found = predict("climatology", classes([1.0, 3.0, 10.0, 2.0]), "regression", 0)
    np.testing.assert_allclose(found, [2.0, 10.0, 14 / 3, 4.0])


def test_climatology_of_classes_is_the_commonest_and_falls_back():
    found = predict("climatology", classes([7.0, 7.0, 4.0, 2.0]), "class", 0)
    np.testing.assert_array_equal(found, [7, 4, 7, 7])


def test_climatology_says_that_it_lacks_classes(rows):
    with pytest.raises(SettingsError, match="climatology needs groups of rows, such as station or month; this model"):
        predict("climatology", replace(rows, names=list("abcdef")), "regression", 0)


@pytest.mark.parametrize("name", names_giving("class"))
def test_classes_are_told_apart_as_well_as_its_kind_can(name, rows):
    def truth(table_NF):
        return np.digitize(table_NF[:, 0], [4.0, 5.0]) * 3.0 + 1

    chosen = replace(rows, target_N=truth(rows.train_NF))
    found = predict(name, chosen, "class", 1)
    assert set(found) <= {1.0, 4.0, 7.0}
    right = np.mean(found == truth(rows.test_MF))
    assert right < 0.6 if name == "mean" else right > 0.9
    np.testing.assert_array_equal(found, predict(name, chosen, "class", 1))
    np.testing.assert_array_equal(predict(name, replace(rows, target_N=np.full(2000, 5.0)), "class", 1), 5.0)
