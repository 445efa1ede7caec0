from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from geoml_cli.metrics.compare import compare
from geoml_cli.metrics.intervals import Bootstrap
from geoml_cli.metrics.regression import rmse

Values = NDArray[np.float64]
ROWS = np.arange(200)
DRAWS = Bootstrap(400, seed=2)


def predictions(first: float, second: float) -> tuple[Values, tuple[Values, Values]]:
    generator = np.random.default_rng(4)
    observed = generator.normal(20, 5, 200)
    return observed, (observed + generator.normal(0, first, 200), observed + generator.normal(0, second, 200))


def test_a_clear_winner_is_named_on_either_side() -> None:
    observed, (good, bad) = predictions(1.0, 4.0)
    forward, backward = (
        compare(observed, (good, bad), ROWS, DRAWS),
        compare(observed, (bad, good), ROWS, DRAWS),
    )
    assert (forward.better, backward.better) == ("first", "second")
    assert forward.difference == rmse(observed, good) - rmse(observed, bad) == -backward.difference
    assert forward.interval == pytest.approx((-backward.interval.high, -backward.interval.low))
    assert forward.p_value == backward.p_value < 1e-6


def test_equal_errors_show_no_difference() -> None:
    observed, pair = predictions(3.0, 3.0)
    found = compare(observed, pair, ROWS, DRAWS)
    assert found.better == "none" and found.interval.covers(0) and found.p_value > 0.05


def test_a_prediction_against_itself() -> None:
    observed, (one, _) = predictions(3.0, 3.0)
    found = compare(observed, (one, one), ROWS, DRAWS)
    assert (found.difference, found.interval, found.p_value) == (0.0, (0.0, 0.0), 1.0)
    assert found.better == "none"


def test_wilcoxon_is_scipys_on_absolute_errors() -> None:
    observed, (first, second) = predictions(2.0, 2.5)
    expected = stats.wilcoxon(np.abs(first - observed), np.abs(second - observed)).pvalue
    assert compare(observed, (first, second), ROWS, DRAWS).p_value == pytest.approx(expected)


def test_repeated_draws_of_a_sample_count_once() -> None:
    observed, (first, second) = predictions(2.0, 2.5)
    once = compare(observed, (first, second), ROWS, DRAWS)
    five = compare(np.tile(observed, 5), (np.tile(first, 5), np.tile(second, 5)), np.tile(ROWS, 5), DRAWS)
    assert five.groups == once.groups == 200
    assert five.p_value == pytest.approx(once.p_value)
    assert five.interval == pytest.approx(once.interval)


def test_one_group_is_no_test() -> None:
    observed, pair = predictions(1.0, 4.0)
    found = compare(observed, pair, np.zeros(200, dtype=np.int64), DRAWS)
    assert math.isnan(found.p_value) and math.isnan(found.interval.low) and found.better == "none"
