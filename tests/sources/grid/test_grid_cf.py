"""A CF checker accepts prepared grids, of any calendar, regular or not."""

from __future__ import annotations

import cf
import numpy as np
import pytest
from grid_files import LAT, LON, curvilinear, prepared, write


@pytest.mark.parametrize("calendar", ["standard", "360_day", "noleap"])
def test_a_regular_grid(tmp_path, calendar):
    units = {"units": "days since 2001-01-01", "calendar": calendar}
    dataset = prepared(write(tmp_path / "a.nc", times=[15.0, 45.0, 75.0, 105.0], time_attrs=units))
    assert cf.complaints(dataset.folder / "dataset.nc", tmp_path) == {"high": [], "medium": []}


def test_a_curvilinear_grid(tmp_path):
    dataset = prepared(curvilinear(tmp_path / "a.nc", *np.meshgrid(LAT, LON, indexing="ij")))
    found = cf.complaints(dataset.folder / "dataset.nc", tmp_path)
    # Rows and columns of such a grid are no coordinates; the checker does not know what they are.
    assert found["high"] == [] and all("not in the recommended order" in text for text in found["medium"])
