"""Intervals of single stations resample their months."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.evaluation.station_scores import FEWEST_MONTHS, _scored
from geoml_cli.metrics.intervals import Bootstrap
from geoml_cli.metrics.regression import MAE, RMSE
from geoml_cli.metrics.sums import GroupedRows

DAYS = 30


def series(months: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors that are alike within a month and differ between months."""
    random = np.random.default_rng(2)
    month = np.repeat(np.arange(months), DAYS)
    observed = random.normal(0.2, 0.05, len(month))
    return observed, observed + random.normal(0, 0.05, months)[month], month


def test_bounds_are_those_of_months_drawn_by_hand():
    observed, predicted, month = series(24)
    bootstrap = Bootstrap(200, 1)
    found = _scored(GroupedRows(observed, month), {"mmnet": predicted}, (RMSE, MAE), bootstrap)["mmnet"]
    [counts] = bootstrap.counts(24)
    square = np.array([((predicted - observed)[month == k] ** 2).mean() for k in range(24)])
    drawn = np.sqrt(counts @ square / 24)
    name, value, low, high = found[0]
    assert name == "RMSE" and value == pytest.approx(np.sqrt(square.mean()))
    np.testing.assert_allclose((low, high), np.quantile(drawn, [0.025, 0.975]))
    # Single days would pretend to know far more.
    alone = _scored(GroupedRows(observed, np.arange(len(month))), {"mmnet": predicted}, (RMSE, MAE), bootstrap)["mmnet"]
    assert high - low > 3 * (alone[0][3] - alone[0][2])


def test_few_months_give_no_bounds():
    observed, predicted, month = series(FEWEST_MONTHS - 1)
    [(_, value, low, high), _] = _scored(
        GroupedRows(observed, month), {"mmnet": predicted}, (RMSE, MAE), Bootstrap(100, 1)
    )["mmnet"]
    assert np.isfinite(value) and np.isnan(low) and np.isnan(high)
