"""Stored numbers of maps: which are fills though nothing declares them."""

from __future__ import annotations

import numpy as np
import pytest

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
