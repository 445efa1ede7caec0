"""Scores of classes, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from geoml_cli.metrics.multiclass import class_metrics, confusion, error_rate

CLASSES = 10
ACCURACY, BALANCED, MACRO_F1, KAPPA = class_metrics(CLASSES)


@pytest.fixture(params=[1, 2, 3])
def pair(request):
    random = np.random.default_rng(request.param)
    seen = random.choice([0.0, 2.0, 5.0, 9.0], 400, p=[0.6, 0.2, 0.15, 0.05])
    told = np.where(random.random(400) < 0.7, seen, random.choice([0.0, 2.0, 5.0, 7.0], 400))
    return seen, told


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_scores_are_scikit_learns(pair):
    assert ACCURACY(*pair) == pytest.approx(metrics.accuracy_score(*pair))
    assert error_rate(CLASSES)(*pair) == pytest.approx(1 - metrics.accuracy_score(*pair))
    assert BALANCED(*pair) == pytest.approx(metrics.balanced_accuracy_score(*pair))
    assert MACRO_F1(*pair) == pytest.approx(metrics.f1_score(*pair, average="macro"))
    assert KAPPA(*pair) == pytest.approx(metrics.cohen_kappa_score(*pair))
    every = metrics.confusion_matrix(*pair, labels=range(CLASSES))
    np.testing.assert_array_equal(confusion(*pair, CLASSES), every)


def test_what_chance_does():
    seen = np.array([1.0, 1.0, 2.0, 2.0])
    assert KAPPA(seen, np.array([1.0, 2.0, 1.0, 2.0])) == 0
    assert np.isnan(KAPPA(np.ones(3), np.ones(3)))
    assert MACRO_F1(seen, np.array([1.0, 1.0, 1.0, 3.0])) == pytest.approx(0.8 / 3)


def test_what_no_score_is_defined_for_is_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        ACCURACY(np.empty(0), np.empty(0))
    with pytest.raises(ValueError, match="finite"):
        KAPPA(np.array([1.0, np.nan]), np.ones(2))
