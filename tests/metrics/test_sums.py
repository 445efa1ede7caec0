"""Scores from sums per group: equal to scores of the rows, draw by draw."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from geoml_cli.metrics import classification, multiclass, regression
from geoml_cli.metrics.intervals import Bootstrap, Interval, percentiles
from geoml_cli.metrics.metric import Metric
from geoml_cli.metrics.regression import BIAS, CCC, MAE, R2, RMSE, RPIQ
from geoml_cli.metrics.sums import GroupedRows

SIX = (RMSE, MAE, R2, BIAS, CCC, RPIQ)
CLASSES = 4
Values = NDArray[np.float64]


def of(module: object) -> list[Metric]:
    return [each for each in vars(module).values() if isinstance(each, Metric)]


EVERY = [
    *(("regression", metric) for metric in of(regression)),
    *(("probability", metric) for metric in of(classification)),
    *(("class", metric) for metric in (*multiclass.class_metrics(CLASSES), multiclass.error_rate(CLASSES))),
]


def case(kind: str, rows: int, seed: int) -> tuple[Values, Values]:
    random = np.random.default_rng(seed)
    if kind == "regression":
        observed = random.gamma(2.0, 3.0, rows) + 290
        return observed, observed + random.normal(0, 2, rows)
    if kind == "probability":
        observed = (random.random(rows) < 0.4).astype(np.float64)
        return observed, np.round(np.clip(0.3 * observed + 0.7 * random.random(rows), 0, 1), 2)
    observed = random.integers(0, CLASSES, rows).astype(np.float64)
    return observed, np.where(random.random(rows) < 0.6, observed, random.integers(0, CLASSES, rows))


@pytest.mark.parametrize(("kind", "metric"), EVERY, ids=lambda each: each if isinstance(each, str) else each.name)
@pytest.mark.parametrize("seed", [1, 2])
def test_draws_from_sums_are_draws_from_rows(kind: str, metric: Metric, seed: int) -> None:
    observed, predicted = case(kind, 300, seed)
    groups = np.random.default_rng(seed).integers(0, 40, 300)
    bootstrap = Bootstrap(30, seed)
    found = GroupedRows(observed, groups).score({"a": predicted}, [metric], bootstrap)["a"]
    assert found.value_M[0] == pytest.approx(metric(observed, predicted), nan_ok=True)
    names = np.unique(groups)
    counts = np.concatenate(list(bootstrap.counts(len(names)))).astype(int)
    for drawn, count_G in zip(found.drawn_DM[:, 0], counts, strict=True):
        rows = np.concatenate(
            [np.repeat(np.flatnonzero(groups == name), k) for name, k in zip(names, count_G, strict=True)]
        )
        expected = metric(observed[rows], predicted[rows])
        assert drawn == pytest.approx(expected, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize(("kind", "metric"), EVERY, ids=lambda each: each if isinstance(each, str) else each.name)
def test_scores_by_group_are_scores_of_the_groups_rows(kind: str, metric: Metric) -> None:
    observed, predicted = case(kind, 200, 5)
    groups = np.random.default_rng(0).integers(3, 9, 200) * 7
    found = GroupedRows(observed, groups).by_group(metric, predicted)
    for value, name in zip(found, np.unique(groups), strict=True):
        here = groups == name
        assert value == pytest.approx(metric(observed[here], predicted[here]), nan_ok=True)


@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 3))
def test_chunks_do_not_matter(rows: int, chunk: int, seed: int) -> None:
    observed, predicted = case("regression", rows, seed)
    groups = np.random.default_rng(seed).integers(0, 5, rows)
    with pytest.MonkeyPatch.context() as patch:
        whole = GroupedRows(observed, groups).sums(regression.moments, predicted)
        patch.setattr("geoml_cli.metrics.sums._STATISTICS_AT_ONCE", chunk * 9)
        np.testing.assert_allclose(GroupedRows(observed, groups).sums(regression.moments, predicted), whole, rtol=1e-12)


@given(st.integers(1, 30), st.integers(1, 9))
def test_a_draw_holds_as_many_groups_as_there_are(groups: int, seed: int) -> None:
    counts = np.concatenate(list(Bootstrap(draws=5, seed=seed).counts(groups)))
    assert counts.shape == (5, groups) and (counts.sum(axis=1) == groups).all()


def test_blocks_of_draws_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    once = np.concatenate(list(Bootstrap(20, seed=7).counts(11)))
    monkeypatch.setattr("geoml_cli.metrics.intervals._COUNTS_AT_ONCE", 33)
    np.testing.assert_array_equal(np.concatenate(list(Bootstrap(20, seed=7).counts(11))), once)
    assert not np.array_equal(np.concatenate(list(Bootstrap(20, seed=8).counts(11))), once)


def intervals(pair: tuple[Values, Values], groups: NDArray[np.int64], bootstrap: Bootstrap) -> dict[str, Interval]:
    found = GroupedRows(pair[0], groups).score({"a": pair[1]}, SIX, bootstrap)["a"]
    return {metric.name: percentiles(found.drawn_DM[:, k]) for k, metric in enumerate(SIX)}


def test_agrees_with_scipys_bootstrap_on_single_rows() -> None:
    observed, predicted = case("regression", 300, 0)
    low, high = intervals((observed, predicted), np.arange(300), Bootstrap(4000))["bias"]
    reference = stats.bootstrap(
        (predicted - observed,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(5)
    ).confidence_interval
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=0.03)


def test_repeating_every_row_does_not_narrow_the_interval() -> None:
    """Five draws of one sample carry no more than one, when they are one group."""
    pair, groups = case("regression", 100, 0), np.arange(100)
    five = np.tile(pair[0], 5), np.tile(pair[1], 5)
    once, repeated = intervals(pair, groups, Bootstrap(300)), intervals(five, np.tile(groups, 5), Bootstrap(300))
    for name, interval in once.items():
        assert repeated[name] == pytest.approx(interval)
    naive = intervals(five, np.arange(500), Bootstrap(300))
    assert naive["RMSE"].high - naive["RMSE"].low < 0.7 * (once["RMSE"].high - once["RMSE"].low)


def test_holds_the_true_value_about_as_often_as_it_says() -> None:
    inside = [
        intervals(case("regression", 80, seed), np.arange(80), Bootstrap(200, seed))["bias"].covers(0.0)
        for seed in range(150)
    ]
    assert 0.88 <= np.mean(inside) <= 0.99


def test_one_group_has_no_interval() -> None:
    found = intervals(case("regression", 10, 0), np.zeros(10, dtype=np.int64), Bootstrap(10))
    assert all(math.isnan(bound) for interval in found.values() for bound in interval)


def test_undefined_draws_are_left_out_until_they_are_most() -> None:
    nan = float("nan")
    assert percentiles(np.array([1.0, 1.0, 1.0, nan])) == Interval(1.0, 1.0)
    assert math.isnan(percentiles(np.array([1.0, nan])).low)
