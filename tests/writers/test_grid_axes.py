"""Axes and grid mapping of maps: what the CRS says of them, and the refusal of a grid that has none."""

from __future__ import annotations

import cf
import numpy as np
import pyproj
import pytest
import xarray

from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import SettingsError
from geoml_cli.inference.inputs.pixel_days import _axes, _check
from geoml_cli.samples.input import Grid
from geoml_cli.writers import raster, time_maps
from geoml_cli.writers.grid_axes import axes_of, grid_mapping

UTM = Grid("EPSG:32614", (100.0, 0.0, 5e5, 0.0, -100.0, 4e6), 3, 4)
LEANING = Grid("EPSG:32614", (100.0, 20.0, 5e5, 20.0, -100.0, 4e6), 3, 4)
DAYS = np.array(["2021-06-01", "2021-06-02"], dtype="datetime64[D]")


@pytest.mark.parametrize(
    ("crs", "unit"),
    [("EPSG:32614", "m"), ("EPSG:2267", "US_survey_foot"), ("+proj=utm +zone=14 +units=km", "km")],
)
def test_projected_axes_have_the_unit_of_the_crs(crs: str, unit: str) -> None:
    grid = Grid(pyproj.CRS.from_user_input(crs).to_wkt(), UTM.transform, 3, 4)
    assert [attributes["units"] for _, _, attributes in axes_of(grid)] == [unit, unit]


def test_a_rotated_grid_is_refused_for_a_netcdf_before_it_is_predicted(tmp_path) -> None:
    with pytest.raises(SettingsError, match="the grid is rotated, NetCDF axes are not"):
        _check(LEANING, tmp_path / "a.nc")
    _check(LEANING, tmp_path / "a.tif")
    _check(UTM, tmp_path / "a.nc")
    for name in ("a.nc", "a.zarr"):
        with pytest.raises(SettingsError, match="the grid is rotated, NetCDF axes are not"):
            raster.check(LEANING, tmp_path / name)
        raster.check(UTM, tmp_path / name)
    raster.check(LEANING, tmp_path / "a.tif")


@pytest.mark.parametrize("grid", [UTM, Grid("EPSG:4267", (0.1, 0.0, -99.0, 0.0, -0.1, 37.0), 3, 4)])
def test_maps_of_days_name_their_crs_as_cf_has_it(tmp_path, grid: Grid) -> None:
    band = Variable("soil_moisture", "m3 m-3", "soil moisture")
    content = time_maps.TimeMaps(_axes(grid), (band,), {"title": "x"}, grid_mapping(grid))
    time_maps.write(tmp_path / "a.nc", content, [(day, np.ones((1, 3, 4), dtype=np.float32)) for day in DAYS])
    with xarray.open_dataset(tmp_path / "a.nc") as found:
        assert "bounds" not in found["time"].attrs, "maps of moments"
    with xarray.open_dataset(tmp_path / "a.nc", decode_coords="all") as found:
        assert found["soil_moisture"].encoding["grid_mapping"] == "crs"
        assert pyproj.CRS.from_cf(found["crs"].attrs) == pyproj.CRS.from_user_input(grid.crs)
        rows, columns = (found[name] for name in found["soil_moisture"].dims[1:])
        assert (rows.attrs["axis"], columns.attrs["axis"]) == ("Y", "X")
        assert columns.values[0] == pytest.approx(grid.transform[2] + grid.transform[0] / 2)


@pytest.mark.parametrize(
    ("period", "times", "ends"),
    [
        ("day", ["2020-02-28", "2020-02-29"], ["2020-02-29", "2020-03-01"]),
        ("month", ["2019-12-01", "2020-02-01"], ["2020-01-01", "2020-03-01"]),
        ("year", ["1969-01-01", "2020-01-01"], ["1970-01-01", "2021-01-01"]),
    ],
)
def test_maps_of_days_months_and_years_say_when_these_end(tmp_path, period, times, ends) -> None:
    band = Variable("soil_moisture", "m3 m-3", "soil moisture")
    begins = [np.datetime64(time) for time in times]
    content = time_maps.TimeMaps(_axes(UTM), (band,), {"title": "x"}, period=period)
    time_maps.write(tmp_path / "a.nc", content, [(begin, np.ones((1, 3, 4), dtype=np.float32)) for begin in begins])
    with xarray.open_dataset(tmp_path / "a.nc") as found:
        expected = np.array([times, ends], dtype="datetime64[ns]").T
        np.testing.assert_array_equal(found["time_bnds"].values, expected)
    assert cf.complaints(tmp_path / "a.nc", tmp_path)["high"] == []
