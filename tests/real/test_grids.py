"""Grids of providers' NetCDF files, read as factors would be."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import netCDF4
import numpy as np

from geoml_cli.readers.grids import fields_of, open_variables

RealData = Callable[[str], Path]


def test_a_monthly_grid_counts_its_longitudes_from_zero(real_data: RealData) -> None:
    """Sea temperature with 1e20 on land; a longitude of -0.83 lies in the last columns."""
    path = real_data("grids/ostia_monthly.nc")
    found = open_variables(path, ["surface_temperature"], ExitStack())["surface_temperature"]
    assert found.unit == "K" and found.months is not None
    assert str(found.months[0]) == "2006-04" and str(found.months[-1]) == "2010-09" and len(found.months) == 54
    wanted = np.array([-0.9, 0.1, 179.9])
    rows, columns = found.place(found.latitude[::-1], wanted)
    assert rows.tolist() == list(range(18))[::-1] and columns.tolist() == [431, 0, 216]
    values = found.read(7, rows, columns)
    with netCDF4.Dataset(path) as file:
        raw = file["surface_temperature"]
        raw.set_auto_mask(False)
        expected = raw[7][::-1][:, columns].astype(float)
    np.testing.assert_array_equal(np.isnan(values), expected == np.float32(1e20))
    np.testing.assert_array_equal(values[~np.isnan(values)], expected[expected != np.float32(1e20)])
    assert 270 < np.nanmin(values) < np.nanmax(values) < 310


def test_a_fill_value_that_is_declared_otherwise(real_data: RealData) -> None:
    """Anomalies with missing_value and no _FillValue; what lies outside the grid is missing too."""
    found = open_variables(real_data("grids/sst_ndjfm_anom.nc"), ["sst"], ExitStack())["sst"]
    assert found.months is not None and str(found.months[0]) == "1963-01"
    rows, columns = found.place(found.latitude, np.array([117.5, 100.0, -177.5]))
    assert columns[1] == -1 and found.longitude[columns[2]] == 182.5
    values = found.read(0, rows, columns)
    assert np.isnan(values[:, 1]).all() and np.isfinite(values[:, 2]).any()
    assert np.nanmax(np.abs(values)) < 10


def test_files_without_such_a_grid_have_none(real_data: RealData) -> None:
    """A series, and a model grid whose latitudes are two-dimensional."""
    for name in ("RMM1.observed.interannual.1974-06.2017-07.nc", "nemo_1m_20150101-20150201_grid-T.nc"):
        assert fields_of(real_data(f"grids/{name}")) == []
