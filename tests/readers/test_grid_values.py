"""Stored numbers of maps: which are fills though nothing declares them."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers.grid_values import decoding
from geoml_cli.readers.nodata import Declared

NONE = Declared()


@pytest.mark.parametrize("kind", ["i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("number", [127, 255, -128])
def test_a_map_of_one_number_that_is_a_fill_of_bytes_has_values(kind, number):
    """Such as one of a few coarse cells: 25.5 degC as 255 x 0.1."""
    values = np.full((2, 3), number, dtype=kind)
    how = decoding({"_FillValue": np.dtype(kind).type(-9999)}, values.dtype, "tmp", NONE)
    np.testing.assert_array_equal(how.decode(values.copy()), values.astype(np.float32))
    assert not how.found
    values[0, 0] = -9999
    assert np.isnan(how.decode(values.copy())).sum() == 1


@pytest.mark.parametrize(("kind", "number"), [("u1", 255), ("i1", 127), ("f4", -9999), ("i2", -9999), ("i2", -32768)])
def test_a_map_of_a_type_s_own_fill_or_of_nines_is_missing(kind, number):
    values = np.full((2, 3), number, dtype=kind)
    how = decoding({}, values.dtype, "tmp", NONE)
    assert np.isnan(how.decode(values.copy())).all() and how.found.total() == 6


@pytest.mark.parametrize("kind", ["i2", "f4"])
def test_a_fill_of_bytes_apart_from_other_values_is_missing(kind):
    values = np.arange(12, dtype=kind).reshape(3, 4)
    values[1, 1:3] = 255
    assert np.isnan(decoding({}, values.dtype, "tmp", NONE).decode(values.copy())).sum() == 2


@pytest.mark.parametrize("fill", [np.float32(-99.99), -99.99])
def test_a_fill_of_unpacked_values_is_the_number_stored_for_it(fill):
    """Packed integers with a fill that is none: as an integer it would be -99, which is a value."""
    values = np.array([[-9999, -99, 500]], dtype="i2")
    how = decoding({"missing_value": fill, "scale_factor": 0.01}, values.dtype, "sst", NONE)
    np.testing.assert_allclose(how.decode(values.copy()), [[np.nan, -0.99, 5.0]], rtol=1e-6)
    given = decoding({"scale_factor": 0.01}, values.dtype, "sst", Declared((-99.99,)))
    np.testing.assert_allclose(given.decode(values.copy()), [[np.nan, -0.99, 5.0]], rtol=1e-6)


@pytest.mark.parametrize("attributes", [{"missing_value": -99.9}, {"missing_value": -99.995, "scale_factor": 0.01}])
def test_a_fill_that_no_integer_stands_for_declares_nothing(attributes):
    values = np.array([[-99, -99, -9999, 20]], dtype="i2")
    values = np.concatenate([values, np.arange(-200, 900).reshape(-1, 4).astype("i2")])
    how = decoding(attributes, values.dtype, "sst", NONE)
    found = how.decode(values.copy())
    assert np.isnan(found).sum() == 1 and how.found == {-9999.0: 1}
    with pytest.raises(DataError, match=r"stored as integers, and -99\.9 is none.*--nodata sst=NUMBER"):
        decoding({}, values.dtype, "sst", Declared((-99.9,)))
