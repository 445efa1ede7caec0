"""Different numbers, as NumPy's set routines find them."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.work.distinct import common, distinct

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
