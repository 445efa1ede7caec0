"""Paired comparisons of two predictions, through their sums per group."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from geoml_cli.metrics.compare import Comparison, compare, fewest_groups, holm
from geoml_cli.metrics.intervals import Bootstrap, Interval
from geoml_cli.metrics.regression import MAE, RMSE
from geoml_cli.metrics.sums import GroupedRows

Values = NDArray[np.float64]
ROWS = np.arange(200)
DRAWS = Bootstrap(400, seed=2)


def predictions(first: float, second: float) -> tuple[Values, tuple[Values, Values]]:
    generator = np.random.default_rng(4)
    observed = generator.normal(20, 5, 200)
    return observed, (observed + generator.normal(0, first, 200), observed + generator.normal(0, second, 200))


def compared(observed: Values, pair: tuple[Values, Values], groups: NDArray[np.int64]) -> Comparison:
    rows = GroupedRows(observed, groups)
    drawn = rows.score(dict(zip("ab", pair, strict=True)), [RMSE], DRAWS)
    one, two = drawn["a"], drawn["b"]
    errors = rows.by_group(MAE, pair[0]), rows.by_group(MAE, pair[1])
    return compare((one.value_M[0], two.value_M[0]), (one.drawn_DM[:, 0], two.drawn_DM[:, 0]), errors)


def test_a_clear_winner_is_named_on_either_side() -> None:
    observed, (good, bad) = predictions(1.0, 4.0)
    forward, backward = compared(observed, (good, bad), ROWS), compared(observed, (bad, good), ROWS)
    assert (forward.better, backward.better) == ("first", "second")
    assert forward.difference == pytest.approx(RMSE(observed, good) - RMSE(observed, bad))
    assert forward.difference == -backward.difference
    assert forward.interval == pytest.approx((-backward.interval.high, -backward.interval.low))
    assert forward.p_value == backward.p_value < 1e-6


def test_equal_errors_show_no_difference() -> None:
    observed, pair = predictions(3.0, 3.0)
    found = compared(observed, pair, ROWS)
    assert found.better == "none" and found.interval.covers(0) and found.p_value > 0.05


def test_a_prediction_against_itself() -> None:
    observed, (one, _) = predictions(3.0, 3.0)
    found = compared(observed, (one, one), ROWS)
    assert (found.difference, found.interval, found.p_value) == (0.0, (0.0, 0.0), 1.0)
    assert found.better == "none"


@pytest.mark.parametrize(
    ("p_value", "ranks", "better"),
    [(0.001, -300.0, "first"), (0.1, -300.0, "none"), (0.001, 300.0, "none"), (math.nan, -300.0, "none")],
)
def test_a_winner_is_named_where_interval_and_test_say_the_same(p_value: float, ranks: float, better: str) -> None:
    forward = Comparison(-1.0, Interval(-2.0, -0.5), p_value, 40, ranks)
    assert forward.better == better
    backward = Comparison(1.0, Interval(0.5, 2.0), p_value, 40, -ranks)
    assert backward.better == {"first": "second", "none": "none"}[better]


def test_signed_ranks_are_those_of_the_test() -> None:
    observed, (first, second) = predictions(2.0, 2.5)
    gap = np.abs(first - observed) - np.abs(second - observed)
    least = stats.wilcoxon(gap).statistic  # the lesser of the sums of either sign
    found = compared(observed, (first, second), ROWS)
    assert found.ranks == pytest.approx(-(200 * 201 / 2 - 2 * least)) and found.better == "first"


def test_wilcoxon_is_scipys_on_absolute_errors() -> None:
    observed, (first, second) = predictions(2.0, 2.5)
    expected = stats.wilcoxon(np.abs(first - observed), np.abs(second - observed)).pvalue
    assert compared(observed, (first, second), ROWS).p_value == pytest.approx(expected)


def test_repeated_draws_of_a_sample_count_once() -> None:
    observed, (first, second) = predictions(2.0, 2.5)
    once = compared(observed, (first, second), ROWS)
    five = compared(np.tile(observed, 5), (np.tile(first, 5), np.tile(second, 5)), np.tile(ROWS, 5))
    assert five.groups == once.groups == 200
    assert five.p_value == pytest.approx(once.p_value)
    assert five.interval == pytest.approx(once.interval)


def test_one_group_is_no_test() -> None:
    observed, pair = predictions(1.0, 4.0)
    found = compared(observed, pair, np.zeros(200, dtype=np.int64))
    assert math.isnan(found.p_value) and math.isnan(found.interval.low) and found.better == "none"


def test_holm_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04; none below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []
    known, missing = holm([0.02, float("nan")])
    assert known == 0.02 and np.isnan(missing)


def test_so_many_groups_are_needed_that_the_test_can_reach_five_percent() -> None:
    # The least two-sided p of n pairs is 2 / 2^n: 0.031 of six, times four baselines 0.125; 0.0078 of eight.
    assert [fewest_groups(tests) for tests in (1, 2, 4)] == [6, 7, 8]
    for tests in (1, 2, 4):
        groups = fewest_groups(tests)
        assert tests * stats.wilcoxon(np.arange(1.0, groups + 1)).pvalue <= 0.05
