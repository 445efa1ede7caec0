"""Scores of probabilities beside scikit-learn's, and where they are undefined."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics as sk

from geoml_cli.metrics import classification as c

RANDOM = np.random.default_rng(4)
OBSERVED = (RANDOM.random(400) < 0.3).astype(float)
PROBABILITY = np.clip(np.round(0.3 + 0.25 * (OBSERVED - 0.3) + RANDOM.normal(0, 0.2, 400), 2), 0, 1)
DECIDED = PROBABILITY > 0.5
ACCURACY, BALANCED_ACCURACY, PRECISION, RECALL, F1 = c.decision_metrics()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ACCURACY, sk.accuracy_score(OBSERVED, DECIDED)),
        (BALANCED_ACCURACY, sk.balanced_accuracy_score(OBSERVED, DECIDED)),
        (PRECISION, sk.precision_score(OBSERVED, DECIDED)),
        (RECALL, sk.recall_score(OBSERVED, DECIDED)),
        (F1, sk.f1_score(OBSERVED, DECIDED)),
        (c.ROC_AUC, sk.roc_auc_score(OBSERVED, PROBABILITY)),
        (c.PR_AUC, sk.average_precision_score(OBSERVED, PROBABILITY)),
        (c.BRIER, sk.brier_score_loss(OBSERVED, PROBABILITY)),
    ],
)
def test_a_score_is_scikit_learns_ties_included(ours, theirs):
    assert ours(OBSERVED, PROBABILITY) == pytest.approx(theirs, rel=1e-12)


def test_decisions_follow_the_threshold():
    accuracy, _, precision, recall, _ = c.decision_metrics(0.2)
    decided = PROBABILITY > 0.2
    assert accuracy(OBSERVED, PROBABILITY) == pytest.approx(sk.accuracy_score(OBSERVED, decided), rel=1e-12)
    assert precision(OBSERVED, PROBABILITY) == pytest.approx(sk.precision_score(OBSERVED, decided), rel=1e-12)
    assert recall(OBSERVED, PROBABILITY) == pytest.approx(sk.recall_score(OBSERVED, decided), rel=1e-12)
    assert accuracy.statistics is precision.statistics is not ACCURACY.statistics
    assert c.count_decisions(OBSERVED, PROBABILITY, 0.2).rows == len(OBSERVED)


def test_scores_without_one_of_the_classes_are_undefined():
    ones, half = np.ones(3), np.full(3, 0.4)
    assert np.isnan([c.ROC_AUC(ones, half), BALANCED_ACCURACY(ones, half), PRECISION(ones, half)]).all()
    assert np.isnan([c.PR_AUC(0 * ones, half), F1(0 * ones, half), RECALL(0 * ones, half)]).all()
    assert ACCURACY(ones, half) == 0 and RECALL(ones, half) == 0


def test_reliability_counts_every_row_once():
    curve = c.reliability(np.array([0.0, 1, 1, 1]), np.array([0.05, 0.06, 0.95, 1.0]))
    np.testing.assert_allclose(curve.predicted, [0.055, 0.975])
    np.testing.assert_allclose(curve.observed, [0.5, 1.0])
    np.testing.assert_array_equal(curve.rows, [2, 2])


@pytest.mark.parametrize(("observed", "probability"), [([0, 2], [0.1, 0.2]), ([0, 1], [0.1, 1.2]), ([], [])])
def test_what_is_no_probability_is_refused(observed, probability):
    with pytest.raises(ValueError, match=r"must|needs"):
        c.count_decisions(np.array(observed, dtype=float), np.array(probability))
