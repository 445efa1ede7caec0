"""Different numbers, as NumPy's set routines find them."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.work.distinct import common, distinct, distinct_rows

SEVERAL = np.array([5, -3, 5, 2**40, 0, -3])


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8])
def test_numbers_are_once_and_ascending(dtype):
    values = np.array([[3, 1], [3, -2]], dtype=dtype)
    assert distinct(values).tolist() == [-2, 1, 3]
    assert distinct(values).dtype == np.int64
    assert values.tolist() == [[3, 1], [3, -2]]


def test_of_several_arrays_all_count():
    assert distinct(SEVERAL, SEVERAL[:0], np.array([7])).tolist() == [-3, 0, 5, 7, 2**40]
    assert distinct().tolist() == distinct(SEVERAL[:0]).tolist() == []


def test_they_are_those_of_numpy():
    random = np.random.default_rng(1)
    one, other = random.integers(-50, 50, 300), random.integers(0, 90, 200)
    np.testing.assert_array_equal(distinct(one), np.unique(one))
    np.testing.assert_array_equal(distinct(one, other), np.union1d(one, other))
    np.testing.assert_array_equal(common(one, other), np.intersect1d(one, other))
    assert common(one, other[:0]).tolist() == common(one[:0], other).tolist() == []


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_rows_are_those_of_numpy(columns):
    table = np.random.default_rng(2).integers(-2, 3, (200, columns)).astype(np.float32)
    table[::7] *= -1  # zeros of both signs are one number
    rows, number = distinct_rows(table)
    expected, places = np.unique(table, axis=0, return_inverse=True)
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(number, places.reshape(-1))
    np.testing.assert_array_equal(rows[number], table)


def test_rows_without_a_number_are_all_different_and_of_none_there_is_none():
    rows, number = distinct_rows(np.array([[1.0, np.nan], [0.0, 5.0], [1.0, np.nan]]))
    assert len(rows) == 3
    assert sorted(number) == [0, 1, 2]
    assert [len(found) for found in distinct_rows(np.empty((0, 2)))] == [0, 0]
