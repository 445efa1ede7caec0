"""Coordinates brought from one CRS to another, and rows that lie nowhere in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers.locating import transform
from geoml_cli.readers.places import read_points

UTM, DEGREES = "EPSG:32734", "EPSG:4326"


@pytest.mark.parametrize("wrong", [1e20, 99999999.0, -99999999.0, np.nan, np.inf])
def test_a_row_that_lies_nowhere_is_missing_and_the_others_stay(wrong: float) -> None:
    x, y = np.full(9, 330500.0) + np.arange(9), np.full(9, 6159500.0)
    expected = transform((x, y), UTM, DEGREES)
    assert np.isfinite(expected).all()
    x[4], y[7] = wrong, np.nan
    found = transform((x, y), UTM, DEGREES)
    good = np.setdiff1d(np.arange(9), [4, 7])
    for values, before in zip(found, expected, strict=True):
        np.testing.assert_array_equal(values[good], before[good])
        assert np.isnan(values[[4, 7]]).all()


def test_coordinates_of_which_none_can_be_brought_there_are_refused() -> None:
    with pytest.raises(DataError, match=r"cannot be brought from EPSG:32734 to EPSG:4326\. Check .*--crs"):
        transform((np.full(3, 1e20), np.full(3, 1e20)), UTM, DEGREES)
    assert np.isnan(transform((np.full(2, np.nan), np.full(2, np.nan)), UTM, DEGREES)).all()


def test_a_table_with_such_a_row_keeps_its_order(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,X,Y\n1,330500,6159500\n3,1e20,1e20\n2,330600,6159500\n")
    [points] = read_points(tmp_path / "t.csv", UTM, 10)
    assert points.identity == ["1", "3", "2"]
    assert np.isfinite(points.longitude).tolist() == [True, False, True]
