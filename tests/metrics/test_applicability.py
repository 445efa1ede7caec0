"""Area of applicability, against the published steps on a case made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.metrics.applicability import fit, nearest


def test_a_case_by_hand() -> None:
    """Two features of the same deviation, of which only the first matters, and two folds."""
    features = np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 3.0], [6.0, 3.0]])
    folds = [(np.array([0, 1]), np.array([2, 3])), (np.array([2, 3]), np.array([0, 1]))]
    area = fit(features, np.array([1.0, 0.0]), folds)
    deviation = np.sqrt(5.0)  # of 0, 2, 4, 6
    # Distances between the four: 2, 4, 6, 2, 4, 2, each twice: a mean of 20 / 6.
    assert area.mean_distance == pytest.approx(20 / 6 / deviation)
    # Nearest training sample of another fold: 4 to 2, 6 to 2, 0 to 4, 2 to 4.
    assert area.threshold == pytest.approx(4 / (20 / 6))
    found = area.dissimilarity(np.array([[0.0, 99.0], [7.0, 0.0], [20.0, 0.0]]))
    np.testing.assert_allclose(found, np.array([0.0, 1.0, 14.0]) / (20 / 6))


def test_an_outlier_among_the_tested_does_not_widen_the_area() -> None:
    features = np.concatenate([np.arange(40.0), [500.0]])[:, None]
    train, test = np.arange(0, 40, 2), np.append(np.arange(1, 40, 2), 40)
    area = fit(features, np.ones(1), [(train, test)])
    assert area.dissimilarity(np.array([[500.0]]))[0] > 10 * area.threshold
    assert area.dissimilarity(np.array([[21.0]]))[0] == pytest.approx(area.threshold)


def test_without_importance_all_features_weigh_alike_and_a_constant_one_nothing() -> None:
    generator = np.random.default_rng(2)
    features = np.column_stack([generator.normal(size=(50, 2)), np.full(50, 3.0)])
    area = fit(features, np.zeros(3), [(np.arange(25), np.arange(25, 50))])
    assert area.weight_F[2] == 0 and (area.weight_F[:2] > 0).all()
    assert np.isfinite(area.dissimilarity(np.array([[0.0, 0.0, 1e9]]))).all()


@pytest.mark.parametrize("features", [3, 40])
def test_a_tree_and_products_find_the_same_neighbours(features: int) -> None:
    generator = np.random.default_rng(features)
    points, reference = generator.normal(size=(30, features)), generator.normal(size=(200, features))
    expected = np.linalg.norm(points[:, None] - reference[None], axis=2).min(axis=1)
    np.testing.assert_allclose(nearest(points, reference), expected, rtol=1e-6)


def test_few_points_have_the_distance_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    points, reference = generator.normal(size=(5, 4)), generator.normal(size=(30, 4))
    few = nearest(points, reference)
    monkeypatch.setattr("geoml_cli.metrics.applicability._FEW", 0)
    np.testing.assert_allclose(few, nearest(points, reference), rtol=1e-12)
