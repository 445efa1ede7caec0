"""Scores of classes that stand for pixels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from geoml_cli.metrics.class_accuracy import class_scores, map_scores

COUNTS = np.array([[40, 10, 0], [5, 30, 15], [0, 4, 46]])
"""Fifty rows of each class were drawn."""
SHARE = np.array([0.9, 0.08, 0.02])


def rows_of(counts):
    observed, predicted = np.nonzero(counts)
    times = counts[observed, predicted]
    return np.repeat(observed, times), np.repeat(predicted, times)


def scored(found, counts):
    return {metric.name: metric.value(counts.reshape(-1).astype(np.float64)) for metric in found}


def test_scores_of_rows_are_those_of_scikit_learn():
    precision, recall, f1, n = metrics.precision_recall_fscore_support(*rows_of(COUNTS))
    found = scored(class_scores(3), COUNTS)
    np.testing.assert_allclose(found["user's accuracy"], precision)
    np.testing.assert_allclose(found["producer's accuracy"], recall)
    np.testing.assert_allclose(found["F1"], f1)
    np.testing.assert_allclose(found["share observed"], n / n.sum())
    np.testing.assert_allclose(found["share predicted"], COUNTS.sum(axis=0) / COUNTS.sum())


def test_scores_of_pixels_are_those_of_a_map_that_the_rows_were_drawn_from():
    """A map of 100,000 pixels with the same mistakes in each class."""
    every = (SHARE[:, None] * 100_000 * COUNTS / 50).round().astype(int)
    expected, found = scored(class_scores(3), every), scored(class_scores(3, SHARE), COUNTS)
    assert list(found) == list(expected)
    for name in found:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-12, err_msg=name)
    accuracy, kappa = scored(map_scores(3, SHARE), COUNTS).values()
    assert accuracy == pytest.approx(metrics.accuracy_score(*rows_of(every)))
    assert kappa == pytest.approx(metrics.cohen_kappa_score(*rows_of(every)))
    # Of what is called the rarest class, most is of others.
    assert found["user's accuracy"][2] < 0.5 < precision_of_rows()[2]


def test_one_class_everywhere_agrees_no_better_than_by_chance():
    share = np.array([0.4728, 0.2076, 0.1525, 0.1022, 0.0649])
    for place in range(5):
        counts = np.zeros((5, 5))
        counts[:, place] = [87, 86, 87, 88, 87]
        assert scored(map_scores(5, share), counts)["kappa"] == 0


def precision_of_rows():
    return scored(class_scores(3), COUNTS)["user's accuracy"]


def test_a_class_without_pixels_may_be_predicted():
    counts = np.array([[4, 0, 1], [2, 3, 0], [0, 0, 0]])
    found = scored(class_scores(3, np.array([0.5, 0.5, 0.0])), counts)
    assert found["user's accuracy"][2] == 0 and np.isnan(found["producer's accuracy"][2])
    assert found["share predicted"][2] == pytest.approx(0.1)


def test_a_draw_that_misses_a_class_says_nothing_of_the_map():
    counts = np.array([[4, 1, 0], [1, 3, 0], [0, 0, 0]])
    found = scored(class_scores(3, SHARE), counts)
    assert np.isnan(found["user's accuracy"]).all() and found["producer's accuracy"][0] == pytest.approx(0.8)
