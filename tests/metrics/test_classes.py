"""Scores of classes, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from geoml_cli.metrics.classes import accuracy, balanced_accuracy, confusion, kappa, macro_f1


@pytest.fixture(params=[1, 2, 3])
def pair(request):
    random = np.random.default_rng(request.param)
    seen = random.choice([0.0, 2.0, 5.0, 9.0], 400, p=[0.6, 0.2, 0.15, 0.05])
    told = np.where(random.random(400) < 0.7, seen, random.choice([0.0, 2.0, 5.0, 7.0], 400))
    return seen, told


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_scores_are_scikit_learns(pair):
    assert accuracy(*pair) == pytest.approx(metrics.accuracy_score(*pair))
    assert balanced_accuracy(*pair) == pytest.approx(metrics.balanced_accuracy_score(*pair))
    assert macro_f1(*pair) == pytest.approx(metrics.f1_score(*pair, average="macro"))
    assert kappa(*pair) == pytest.approx(metrics.cohen_kappa_score(*pair))
    np.testing.assert_array_equal(confusion(*pair), metrics.confusion_matrix(*pair))


def test_what_chance_does():
    seen = np.array([1.0, 1.0, 2.0, 2.0])
    assert kappa(seen, np.array([1.0, 2.0, 1.0, 2.0])) == 0
    assert np.isnan(kappa(np.ones(3), np.ones(3)))
    assert macro_f1(seen, np.array([1.0, 1.0, 1.0, 3.0])) == pytest.approx(0.8 / 3)


def test_what_no_score_is_defined_for_is_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        accuracy(np.empty(0), np.empty(0))
    with pytest.raises(ValueError, match="finite"):
        kappa(np.array([1.0, np.nan]), np.ones(2))
