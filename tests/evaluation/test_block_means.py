"""Errors of means over blocks of held-out records, against means worked out by hand and errors that are made alike."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from geoml_cli.evaluation.block_means import block_distances
from geoml_cli.samples.samples import StationRecords

DAY = 1440


def inputs(station, minute, step=DAY):
    samples = SimpleNamespace(records=StationRecords(np.asarray(station), np.asarray(minute), step))
    return SimpleNamespace(samples=samples, task=SimpleNamespace(probabilities=None))


def pooled(rows, error):
    error = np.asarray(error, dtype=float)
    return SimpleNamespace(rows_P=np.asarray(rows), observed_P=np.zeros(len(error)), predicted_P=error)


def by_length(found):
    return {block.minutes / DAY: block for block in found}


def test_blocks_are_consecutive_records_of_one_station():
    minute = np.tile(np.arange(14) * DAY, 2)
    error = np.concatenate([np.ones(7), -np.ones(7), np.tile([1.0, -1.0], 7)])
    found = by_length(block_distances(inputs(np.repeat([0, 1], 14), minute), pooled(np.arange(28), error)))
    assert set(found) == {1.0, 7.0}, "no block of a month is half full"
    assert found[1.0].blocks == 28 and set(found[1.0].distance.distance) == {1.0}
    assert found[7.0].blocks == 4
    np.testing.assert_allclose(found[7.0].distance.distance, [1 / 7, 1 / 7, 1, 1])


def test_a_block_that_is_mostly_missing_is_no_block():
    rows = np.array([0, 1, 2, 7, 8, 9, 10])  # three of the first week, four of the second
    found = by_length(block_distances(inputs(np.zeros(14, int), np.arange(14) * DAY), pooled(rows, np.ones(7))))
    assert found[7.0].blocks == 1


def test_a_record_tested_by_several_folds_counts_once():
    rows, error = np.array([0, 1, 0, 1]), [1.0, 2.0, 3.0, 4.0]
    found = by_length(block_distances(inputs([0, 0], [0, DAY]), pooled(rows, error)))
    np.testing.assert_allclose(found[1.0].distance.distance, [2.0, 3.0])


def test_errors_that_last_do_not_shrink_with_the_length_and_others_do():
    random, days = np.random.default_rng(1), 4 * 365
    minute, own = np.arange(days) * DAY, np.zeros(days, int)
    noise = random.normal(size=days)
    apart = by_length(block_distances(inputs(own, minute), pooled(np.arange(days), noise)))
    lasting = np.repeat(random.normal(size=days // 73), 73)
    alike = by_length(block_distances(inputs(own, minute), pooled(np.arange(days), lasting)))
    assert apart[30.0].distance.quantile(0.5) < 0.3 * apart[1.0].distance.quantile(0.5)
    assert alike[30.0].distance.quantile(0.5) > 0.6 * alike[1.0].distance.quantile(0.5)


def test_stations_enough_weigh_the_same_whatever_their_records():
    lengths = [200, *[20] * 11]
    station = np.repeat(np.arange(12), lengths)
    minute = np.concatenate([np.arange(length) * DAY for length in lengths])
    error = np.where(station == 0, 9.0, 1.0)
    found = by_length(block_distances(inputs(station, minute), pooled(np.arange(len(station)), error)))
    assert found[1.0].distance.quantile(0.8) == 1.0, "one station of twelve"


def test_samples_that_are_no_records_have_none():
    nothing = SimpleNamespace(samples=SimpleNamespace(records=None), task=SimpleNamespace(probabilities=None))
    assert block_distances(nothing, pooled([0], [1.0])) == ()


def test_months_and_years_have_lengths_too():
    found = block_distances(inputs(np.zeros(24, int), np.arange(24) * 43_830, 0), pooled(np.arange(24), np.ones(24)))
    assert [round(block.minutes / DAY) for block in found] == [30, 91, 365]
    assert [block.minutes for block in block_distances(inputs([0], [0], -1), pooled([0], [1.0]))] == [365.25 * DAY]
