"""Names of groups."""

from __future__ import annotations

import numpy as np

from geoml_cli.samples.labels import labels_of_numbers, names_in_use


def test_numbers_are_named_in_their_order() -> None:
    names, place_N, rows = names_in_use(labels_of_numbers(np.array([10, 9, 2002, 9])))
    assert names == ["9", "10", "2002"] and place_N.tolist() == [1, 0, 2, 0] and rows.tolist() == [2, 1, 1]


def test_blocks_of_numbers_are_named_by_their_first_and_last() -> None:
    years = np.array([2003, 2004, 2002, 2005, 2000])
    found = labels_of_numbers(years // 2, 2)
    assert list(found) == ["2002-2003", "2004-2005", "2002-2003", "2004-2005", "2000-2001"]
    assert list(found.categories) == ["2000-2001", "2002-2003", "2004-2005"]
