"""Errors of a filling over artificial gaps, against fillings whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.inference.inputs.gap_errors import ObservedSeries, gap_calibration, in_long_gaps
from geoml_cli.work.reporting import NullReporter

STEP, DAYS = 60, 400
COUNT = DAYS * 24


def series(stations: int = 1) -> ObservedSeries:
    random = np.random.default_rng(4)
    value = random.normal(0, 3, stations * COUNT)
    value[random.permutation(len(value))[: len(value) // 4]] = np.nan
    minute = np.tile(np.arange(COUNT, dtype=np.int64) * STEP, stations)
    return ObservedSeries(value, np.repeat(np.arange(stations), COUNT), minute, STEP)


def calibration(observed: ObservedSeries, error):
    """Fill with the truth and an error of each record; what is left out must not be known to the filling."""
    asked_of = []

    def fill(dataset, known, asked):
        assert np.isnan(known[asked]).all() and np.isfinite(known).sum() >= np.isfinite(observed.value).sum() / 2
        asked_of.append(asked)
        return observed.value[asked] + error(asked)

    return gap_calibration(None, observed, fill, NullReporter()), asked_of


def test_a_common_error_stays_in_means_and_an_alternating_one_goes():
    common, asked = calibration(series(), lambda rows: np.full(len(rows), 0.3))
    assert [block.minutes for block in common.of_means] == [60, 1440, 7 * 1440, 30 * 1440, 91 * 1440]
    assert [block.blocks for block in common.of_means[1:]] == [60, 57, 13, 4]
    assert [common.mean_distance(minutes, 0.9) for minutes in (60, 5000, 80_000)] == pytest.approx([0.3] * 3)
    assert len(asked) == 4 * 4, "four passes a length"
    assert common.skill == pytest.approx(1 - 0.3**2 / 9, abs=0.002)
    noise = np.random.default_rng(5).normal(0, 1, COUNT)
    alone, _ = calibration(series(), lambda rows: noise[rows])
    day, month = alone.mean_distance(1440, 0.9), alone.mean_distance(31 * 1440, 0.9)
    assert alone.mean_distance(60, 0.9) == pytest.approx(1.64, abs=0.1)
    assert day == pytest.approx(1.64 / np.sqrt(18), rel=0.25) and month < 0.1


def test_a_filling_that_is_no_better_than_the_mean_has_no_skill():
    observed = series()
    found, _ = calibration(observed, lambda rows: 0.1 - observed.value[rows])
    assert found.skill == pytest.approx(0, abs=0.01) and found.skill < 0


def test_without_a_day_that_is_half_observed_nothing_is_known():
    observed = series()
    sparse = observed._replace(value=np.where(np.arange(COUNT) % 3 == 0, observed.value, np.nan))
    assert calibration(sparse, lambda rows: np.zeros(len(rows)))[0] is None


def test_gaps_that_are_longer_than_the_longest_block_are_known_by_station():
    """What a filling averages about them is of another season."""
    day, stations = 1440.0, np.repeat([0, 1], 200)
    observed = np.ones(400, dtype=bool)
    observed[50:141] = False  # 91 days
    observed[150:199] = False
    observed[199:300] = False  # 50 days of one station, and 100 of the next
    found = in_long_gaps(observed, stations, np.full(400, day))
    assert np.flatnonzero(found).tolist() == list(range(200, 300))
    assert not in_long_gaps(observed, stations, np.full(400, day / 2)).any()
    assert not in_long_gaps(observed[:0], stations[:0], np.empty(0)).any()


def test_stations_weigh_the_same_where_there_are_enough():
    found, _ = calibration(series(10), lambda rows: np.where(rows < COUNT, 5.0, 0.1))
    assert found.mean_distance(1440, 0.8) == pytest.approx(0.1)
    assert found.mean_distance(1440, 0.9) == pytest.approx(5.0), "one station in ten, and that of new ones is eleven"
