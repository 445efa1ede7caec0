from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from geoml_cli.metrics.intervals import Bootstrap, Interval, intervals, percentiles
from geoml_cli.metrics.regression import bias, ccc, mae, r2, rmse, rpiq

SIX = {"RMSE": rmse, "MAE": mae, "R2": r2, "bias": bias, "CCC": ccc, "RPIQ": rpiq}
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def noisy(size: int, seed: int = 0) -> Pair:
    generator = np.random.default_rng(seed)
    observed = generator.gamma(2.0, 10.0, size)
    return observed, observed + generator.normal(0, 5, size)


@given(arrays(np.int64, st.integers(1, 30), elements=st.integers(-3, 5)))
def test_draws_whole_groups(groups: NDArray[np.int64]) -> None:
    held = {int(group): set(np.flatnonzero(groups == group).tolist()) for group in groups}
    for rows in Bootstrap(draws=5, seed=3).rows(groups):
        assert len(rows) > 0
        counts = np.bincount(rows, minlength=len(groups))
        for members in held.values():
            assert len({int(counts[row]) for row in members}) == 1, "a group came in parts"
        drawn = sum(int(counts[min(members)]) for members in held.values())
        assert drawn == len(held), "as many groups are drawn as there are"


def test_the_same_seed_gives_the_same_interval() -> None:
    pair, groups = noisy(200), np.arange(200)
    first = intervals(pair, groups, SIX, Bootstrap(100, seed=7))
    assert first == intervals(pair, groups, SIX, Bootstrap(100, seed=7))
    assert first != intervals(pair, groups, SIX, Bootstrap(100, seed=8))


def test_agrees_with_scipys_bootstrap_on_single_rows() -> None:
    observed, predicted = noisy(300)
    low, high = intervals((observed, predicted), np.arange(300), {"bias": bias}, Bootstrap(4000))["bias"]
    reference = stats.bootstrap(
        (predicted - observed,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(5)
    ).confidence_interval
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=0.04)


def test_repeating_every_row_does_not_narrow_the_interval() -> None:
    """Five draws of one sample carry no more than one, when they are one group."""
    pair, groups = noisy(100), np.arange(100)
    once = intervals(pair, groups, SIX, Bootstrap(300))
    repeated = intervals((np.tile(pair[0], 5), np.tile(pair[1], 5)), np.tile(groups, 5), SIX, Bootstrap(300))
    for name in SIX:
        assert repeated[name] == pytest.approx(once[name])
    naive = intervals((np.tile(pair[0], 5), np.tile(pair[1], 5)), np.arange(500), SIX, Bootstrap(300))
    assert naive["RMSE"].high - naive["RMSE"].low < 0.7 * (once["RMSE"].high - once["RMSE"].low)


def test_holds_the_true_value_about_as_often_as_it_says() -> None:
    held = [
        intervals(noisy(80, seed), np.arange(80), {"bias": bias}, Bootstrap(200, seed))["bias"].covers(0.0)
        for seed in range(150)
    ]
    assert 0.88 <= np.mean(held) <= 0.99


def test_one_group_has_no_interval() -> None:
    found = intervals(noisy(10), np.zeros(10, dtype=np.int64), SIX, Bootstrap(10))
    assert all(math.isnan(bound) for interval in found.values() for bound in interval)


def test_undefined_draws_are_left_out_until_they_are_most() -> None:
    nan = float("nan")
    assert percentiles(np.array([1.0, 1.0, 1.0, nan])) == Interval(1.0, 1.0)
    assert math.isnan(percentiles(np.array([1.0, nan])).low)


def test_a_thousand_draws_of_four_thousand_samples_take_seconds() -> None:
    pair, groups = noisy(4000), np.random.default_rng(0).integers(0, 300, 4000)
    start = time.process_time()
    intervals(pair, groups, SIX, Bootstrap(1000))
    assert time.process_time() - start < 5
