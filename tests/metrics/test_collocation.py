"""Errors of three series from their covariances."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from geoml_cli.metrics.collocation import triple_collocation

TRUTH = np.array([1.0, 1, 1, 1, -1, -1, -1, -1])
ERRORS = (
    np.array([1.0, 1, -1, -1, 1, 1, -1, -1]),
    np.array([1.0, -1, 1, -1, 1, -1, 1, -1]),
    np.array([1.0, -1, -1, 1, 1, -1, -1, 1]),
)
"""Columns of a Hadamard matrix: none is correlated with another, so that every covariance is known by hand."""


def test_errors_of_a_hand_made_case():
    # Variance of each column 8/7 (ddof 1): error 0.5, 2 / 2 and 0.3 / 3 of the truth's unit, scaled by 8/7's root.
    series = (TRUTH + 0.5 * ERRORS[0], 5 + 2 * TRUTH + 2 * ERRORS[1], 3 * TRUTH + 0.3 * ERRORS[2])
    found = triple_collocation(*series)
    np.testing.assert_allclose(found.error_std, np.sqrt(8 / 7) * np.array([0.5, 1.0, 0.1]))
    np.testing.assert_allclose(found.correlation, 1 / np.sqrt(1 + np.array([0.25, 1.0, 0.01])))
    np.testing.assert_allclose(found.snr, [10 * np.log10(4), 0.0, 20.0], atol=1e-12)


def test_errors_that_two_series_share_are_ascribed_to_the_third():
    shared = 0.5 * ERRORS[0]
    series = (TRUTH + 0.5 * ERRORS[1], TRUTH + shared, TRUTH + shared)
    found = triple_collocation(*series)
    # Of 1.25 in all, 1.25 / 1 are common to the two that share: they have no error, and the first has more than it has.
    np.testing.assert_allclose(found.error_std[1:], 0.0, atol=1e-7)
    assert found.error_std[0] == pytest.approx(np.sqrt(8 / 7 * (1.25 - 1 / 1.25)))


@pytest.mark.parametrize(
    "series",
    [
        (TRUTH, -TRUTH + 0.1 * ERRORS[0], TRUTH + 0.1 * ERRORS[1]),
        (TRUTH, np.ones(8), TRUTH),
        (TRUTH[:1], TRUTH[:1], TRUTH[:1]),
    ],
)
def test_series_that_do_not_increase_together_define_nothing(series):
    assert all(np.isnan(values).all() for values in triple_collocation(*series))


def test_a_negative_variance_of_an_error_is_undefined_for_that_series_alone():
    first, second = TRUTH + ERRORS[0], TRUTH + ERRORS[0] + 0.2 * ERRORS[1]
    found = triple_collocation(first, second, TRUTH + 0.5 * ERRORS[0] - 0.9 * ERRORS[1])
    assert np.isnan(found.error_std).tolist() == [True, False, False]
    assert np.isnan(found.snr).tolist() == np.isnan(found.correlation).tolist() == [True, False, False]


def test_all_agrees_with_pytesmo():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports
        oracle = pytest.importorskip("pytesmo.metrics", reason="pytesmo is the oracle; it is in the extra `test`")
    random = np.random.default_rng(5)
    truth = random.normal(0.2, 0.06, 700)
    series = (
        truth + random.normal(0, 0.03, 700),
        0.1 + 0.5 * truth + random.normal(0, 0.01, 700),
        1.7 * truth + random.normal(0, 0.09, 700),
    )
    snr, error_std, _ = oracle.tcol_metrics(*series)
    found = triple_collocation(*series)
    np.testing.assert_allclose(found.snr, snr, rtol=1e-9)
    np.testing.assert_allclose(found.error_std, error_std, rtol=1e-9)
    np.testing.assert_allclose(found.correlation, 1 / np.sqrt(1 + 10 ** (-snr / 10)), rtol=1e-9)
