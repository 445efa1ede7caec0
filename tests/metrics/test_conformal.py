"""Split-conformal quantiles, against crepes, against the definition, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from crepes import ConformalRegressor

from geoml_cli.metrics.conformal import chosen, distances, fewest, held_out_quantiles, interval_score
from geoml_cli.runs.calibration import Difference, KeptDistances


def alone(distance: np.ndarray) -> np.ndarray:
    return np.arange(len(distance))


@pytest.mark.parametrize("rows", [20, 57, 400])
@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
def test_intervals_of_rows_are_those_of_crepes(rows: int, coverage: float) -> None:
    generator = np.random.default_rng(rows)
    residual, predicted = generator.normal(size=rows), generator.normal(size=30)
    theirs = ConformalRegressor().fit(residual).predict_int(predicted, confidence=coverage)
    quantile = distances(np.abs(residual), alone(residual)).quantile(coverage)
    lower, upper = Difference().bounds(predicted, None, np.array([quantile]))
    np.testing.assert_allclose(np.stack([lower, upper], axis=1), theirs)


def test_intervals_normalised_by_spread_are_those_of_crepes() -> None:
    generator = np.random.default_rng(3)
    spread, residual = generator.uniform(0.1, 2, 200), generator.normal(size=200)
    new_spread, predicted, observed = (
        generator.uniform(0.1, 2, 50),
        generator.normal(size=50),
        generator.normal(size=50),
    )
    regressor = ConformalRegressor().fit(residual, sigmas=spread + 0.3)
    theirs = regressor.predict_int(predicted, sigmas=new_spread + 0.3, confidence=0.9)
    difference = Difference(least_spread=0.3)
    distance = difference.distance(residual, np.zeros(200), spread)
    quantile = distances(distance, alone(residual)).quantile(0.9)
    lower, upper = difference.bounds(predicted, new_spread, np.array([quantile]))
    np.testing.assert_allclose(np.stack([lower, upper], axis=1), theirs)
    scores = regressor.evaluate(
        predicted, observed, sigmas=new_spread + 0.3, confidence=0.9, metrics=["error", "eff_mean"]
    )
    assert 1 - scores["error"] == pytest.approx(((observed >= lower) & (observed <= upper)).mean())
    assert scores["eff_mean"] == pytest.approx((upper - lower).mean())


def test_a_group_counts_once_however_many_rows_it_has() -> None:
    # Group 0 has the distances 1 and 3, group 1 has 2, 4, 6 and 8; each weighs 1/3, and the new group the last third.
    found = distances(np.array([1.0, 3, 2, 4, 6, 8]), np.array([0, 0, 1, 1, 1, 1]))
    assert found.distance_K.tolist() == [1, 2, 3, 4, 6, 8]
    np.testing.assert_allclose(found.share_K, np.array([2, 3, 5, 6, 7, 8]) / 12)
    assert found.quantile(5 / 12) == 3 and found.quantile(0.5) == 4
    assert found.quantile(0.67) == np.inf, "two groups promise two thirds at most"


def test_nine_groups_promise_nine_tenths() -> None:
    assert (fewest(0.9), fewest(0.95), fewest(0.5)) == (9, 19, 9)
    assert distances(np.arange(9.0), np.arange(9)).quantile(0.9) == 8
    assert distances(np.arange(8.0), np.arange(8)).quantile(0.9) == np.inf


def test_of_many_distances_those_kept_are_never_too_near() -> None:
    generator = np.random.default_rng(1)
    distance = generator.exponential(size=100_000)
    kept, shares = distances(distance, alone(distance)), np.linspace(0.01, 0.99, 99)
    exact = np.sort(distance)[np.ceil(shares * (len(distance) + 1) - 1e-6).astype(int) - 1]
    found = np.array([KeptDistances.of(kept).quantile(share) for share in shares])
    assert len(kept.distance_K) == 4096
    assert (found >= exact * (1 - 1e-8)).all()
    np.testing.assert_allclose(found, exact, rtol=0.03, atol=1e-3)


def test_new_groups_are_held_as_promised_where_rows_of_a_group_are_alike() -> None:
    """Of groups with an error of their own, intervals of rows hold too few rows of a new one, those of groups do."""
    generator = np.random.default_rng(5)
    by_group, by_row = [], []
    for _ in range(400):
        sizes = generator.integers(1, 30, size=12)
        group = np.repeat(np.arange(12), sizes)
        residual = np.abs(generator.normal(size=12)[group] + 0.2 * generator.normal(size=len(group)))
        new = np.abs(generator.normal() + 0.2 * generator.normal(size=20))
        by_group.append((new <= distances(residual, group).quantile(0.9)).mean())
        by_row.append((new <= distances(residual, alone(residual)).quantile(0.9)).mean())
    assert np.mean(by_group) > 0.88
    assert np.mean(by_row) < np.mean(by_group)


def test_a_row_is_looked_at_from_other_groups_alone() -> None:
    distance, group = np.array([1.0, 1, 1, 100, 100]), np.array([0, 1, 2, 3, 3])
    [found] = held_out_quantiles(distance, group, (0.5,))
    assert found[3:].tolist() == [1, 1], "the group of large distances does not see itself"
    changed = distance.copy()
    changed[3:] = 7
    assert (held_out_quantiles(changed, group, (0.5,))[0][3:] == found[3:]).all()


def test_rows_of_one_group_are_looked_at_from_other_rows() -> None:
    [found] = held_out_quantiles(np.arange(40.0), np.zeros(40, dtype=int), (0.8,))
    assert np.isfinite(found).all() and found.max() <= 39


def test_the_interval_score_by_hand() -> None:
    observed, lower, upper = np.array([0.0, 5.0, -2.0]), np.zeros(3) - 1, np.ones(3) * 3
    assert interval_score(observed, lower, upper, 0.9).tolist() == pytest.approx([4, 4 + 20 * 2, 4 + 20 * 1])


@pytest.mark.parametrize(("coverage", "groups"), [(0.9, 8), (0.9, 9), (0.9, 10), (0.95, 12), (0.95, 19), (0.95, 20)])
def test_intervals_are_looked_at_as_they_are_made(coverage: float, groups: int) -> None:
    """By group or by row, as the number of all groups decides, though those that are not looked at are fewer."""
    generator = np.random.default_rng(groups)
    group = np.repeat(np.arange(groups), 100)
    distance = np.exp(generator.normal(size=groups))[group] * np.abs(generator.normal(size=len(group)))
    rows = held_out_quantiles(distance, group, (coverage,))[0]
    for own in range(groups):
        others = distance[group != own]
        grouped, by_row = distances(others, group[group != own]), np.quantile(others, coverage, method="higher")
        of_groups = min(grouped.quantile(min(coverage, groups / (groups + 1))), others.max())
        expected = {True: of_groups, False: by_row if groups < 9 else max(of_groups, by_row)}[
            groups >= fewest(coverage)
        ]
        assert rows[group == own] == pytest.approx(expected, rel=0.02)
    assert np.unique(rows).size > 1 and (groups == 8 or (rows > np.quantile(distance, coverage)).mean() > 0.8)


@pytest.mark.parametrize("groups", [5, 9, 12, 46])
@pytest.mark.parametrize("are_new", [True, False])
def test_a_larger_promise_has_no_narrower_interval(groups: int, are_new: bool) -> None:
    """Also past what the groups are enough for, where rows count as well."""
    generator = np.random.default_rng(groups)
    group = np.repeat(np.arange(groups), generator.integers(2, 40, groups))
    distance = np.exp(2 * generator.normal(size=groups))[group] * np.abs(generator.normal(size=len(group)))
    by_group, by_row = (distances(distance, labels).quantile for labels in (group, alone(distance)))
    coverages = np.linspace(0.5, 0.995, 200)
    found = [chosen(coverage, groups, by_group, by_row, are_new) for coverage in coverages]
    assert found == sorted(found) and (groups < 9 or np.isfinite(found).all())
    enough = [groups >= fewest(coverage) and are_new for coverage in coverages]
    assert [one for one, is_grouped in zip(found, enough, strict=True) if is_grouped] == [
        by_group(coverage) for coverage, is_grouped in zip(coverages, enough, strict=True) if is_grouped
    ]


def test_each_row_a_group_is_looked_at_as_it_is_made() -> None:
    distance = np.arange(12.0)
    assert np.isfinite(held_out_quantiles(distance, alone(distance), (0.9,))).all()
    assert not np.isfinite(held_out_quantiles(distance, alone(distance), (0.95,))).any()
    nine = np.arange(9.0)
    assert held_out_quantiles(nine, alone(nine), (0.9,))[0].tolist() == [8.0] * 8 + [7.0]
