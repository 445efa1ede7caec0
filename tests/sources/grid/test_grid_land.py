"""Land as files write it: a constant, and positions that are missing; and what keeps a file from being read."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest
import xarray as xr
from grid_files import LAT, LON, MONTHLY, field, prepared, write

from geoml_cli.errors import DataError

ROWS, COLUMNS = 20, 30
LAND = np.zeros((ROWS, COLUMNS), dtype=bool)
LAND[5:12, 8:20] = LAND[15:, 25:] = True
Y, X = np.mgrid[0:ROWS, 0:COLUMNS].astype(float)
TRUE = (40 + 0.25 * Y + 0.02 * X, np.mod(175 + 0.3 * X - 0.02 * Y + 180, 360) - 180)
"""Latitudes and longitudes of a turned grid that crosses the date line."""


def ocean(path, lat, lon, fill=None):
    """Write months of an ocean model, whose coordinates have two dimensions."""
    values = np.random.default_rng(0).normal(10, 1, (4, ROWS, COLUMNS)).astype(np.float32)
    values[:, LAND] = np.nan
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", 4), ("y", ROWS), ("x", COLUMNS)):
            file.createDimension(name, size)
        for name, degrees, unit in (("nav_lat", lat, "degrees_north"), ("nav_lon", lon, "degrees_east")):
            variable = file.createVariable(name, "f8", ("y", "x"), fill_value=fill)
            variable.set_auto_mask(False)
            variable[:], variable.units = degrees, unit
        time = file.createVariable("time", "f8", ("time",))
        time[:] = [0, 31, 59, 90]
        time.setncatts(MONTHLY)
        sst = file.createVariable("sst", "f4", ("time", "y", "x"))
        sst.units, sst.coordinates = "degC", "nav_lat nav_lon"
        sst[:] = values
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return prepared(ocean(tmp_path_factory.mktemp("ocean") / "a.nc", *TRUE))


@pytest.mark.parametrize(
    ("stored", "fill"), [(0.0, None), (np.nan, None), (-1e20, None), (-999.0, -999.0), (-999.0, None), (-1.0, None)]
)
def test_land_without_positions_does_not_change_areas_at_its_coast(whole, tmp_path, stored, fill):
    found = prepared(ocean(tmp_path / "a.nc", *(np.where(LAND, stored, true) for true in TRUE), fill=fill), var=None)
    sea = ~LAND
    np.testing.assert_array_equal(found.array("lat")[sea], whole.array("lat")[sea])
    np.testing.assert_array_equal(found.array("lon")[sea], whole.array("lon")[sea])
    # At a coast the step is that to the neighbour in the sea alone.
    for cells, rtol in ((sea, 5e-3), (LAND, 0.05)):
        np.testing.assert_allclose(found.array("cell_area")[cells], whole.array("cell_area")[cells], rtol=rtol)
    note = f"{LAND.sum()} cells have no position (nav_lat, nav_lon); they hold no value either"
    assert note in found.manifest.funnel.notes and note not in whole.manifest.funnel.notes


def test_values_without_a_position_are_refused(tmp_path):
    lat, lon = (true.copy() for true in TRUE)
    lat[0, :5] = lon[0, :5] = np.nan
    with pytest.raises(DataError, match=r"5 cells with values have no position.*mesh file"):
        prepared(ocean(tmp_path / "a.nc", lat, lon))


def test_positions_that_are_rounded_or_stand_twice_are_kept(tmp_path):
    """Such as kilometres with two decimals, five kilometres repeated for one, and the seam of a tripolar grid."""
    rounded = (np.round(40 + 0.0025 * Y, 2), np.round(20 + 0.0025 * X, 2))
    repeated = tuple(np.repeat(np.repeat(true[::5, ::5], 5, axis=0), 5, axis=1) for true in TRUE)
    seam = tuple(np.concatenate([true[:, :-2], true[:, :2]], axis=1) for true in TRUE)
    for number, (lat, lon) in enumerate((rounded, repeated, seam)):
        found = prepared(ocean(tmp_path / f"{number}.nc", lat, lon))
        np.testing.assert_array_equal(found.array("lat"), lat)
        np.testing.assert_array_equal(found.array("lon"), lon)
        assert not [note for note in found.manifest.funnel.notes if "no position" in note]


@pytest.mark.parametrize("stored", [0.0, np.nan])
def test_a_grid_without_positions_is_refused(tmp_path, stored):
    nowhere = np.full((ROWS, COLUMNS), stored)
    with pytest.raises(DataError, match=r"600 of 600 cells have no position.*mesh file|nan to nan cannot be degrees"):
        prepared(ocean(tmp_path / "a.nc", nowhere, nowhere))


@pytest.mark.parametrize("constant", [-1.0, -88.0, 400.0, 271.351234, -0.123456789, 1234567.0])
def test_land_of_a_constant_is_told_with_a_remedy_that_works(tmp_path, constant):
    values = field(6)
    values[:, 0, 1] = values[:, 2, 3] = constant
    write(tmp_path / "a.nc", values)
    notes = [note for note in prepared(tmp_path / "a.nc").manifest.funnel.notes if "at every time" in note]
    assert len(notes) == 1 and notes[0].startswith("2 cells are ")
    said = notes[0].rpartition("--nodata ")[2]
    assert float(said.removeprefix("sst=")) == pytest.approx(constant, rel=1e-6)
    found = prepared(tmp_path / "a.nc", nodata=(said,))
    assert np.isnan(found.array("sst")[:, 0, 1]).all()


def test_land_of_a_packed_constant_is_told_by_its_stored_number(tmp_path):
    stored = np.round(field(6) / 0.0122).astype(np.float64)
    stored = np.where(np.isnan(stored), -32768, stored).astype(np.int16)
    stored[:, 0, 1] = stored[:, 2, 3] = 5555
    packed = {"scale_factor": 0.0122, "add_offset": 3.3, "_FillValue": np.int16(-32768)}
    path = write(tmp_path / "a.nc", stored, attrs=packed)
    [told] = [note for note in prepared(path).manifest.funnel.notes if "at every time" in note]
    assert told.startswith("2 cells are 71.071 at every time") and told.endswith("--nodata sst=5555")
    assert np.isnan(prepared(path, nodata=("sst=5555",)).array("sst")[:, 0, 1]).all()


def test_values_that_are_often_the_least_or_the_largest_are_values(tmp_path):
    cover = np.clip(np.random.default_rng(1).normal(0.7, 0.4, (6, 3, 4)), 0.1, 1).astype(np.float32)
    cover[:, 0, :2] = 1.0  # always covered
    notes = prepared(write(tmp_path / "a.nc", cover)).manifest.funnel.notes
    assert not [note for note in notes if "at every time" in note]
    wet = np.random.default_rng(2).integers(0, 19, (6, 3, 4)).astype(np.float32)
    wet[:, 0, :2], wet[3, 2, 2] = 0.0, 0.0  # a desert, and a month without rain elsewhere
    notes = prepared(write(tmp_path / "c.nc", wet)).manifest.funnel.notes
    assert not [note for note in notes if "at every time" in note]
    lake = field(6)
    lake[:, 0, 1] = -1.0  # a single cell that never changes
    notes = prepared(write(tmp_path / "b.nc", lake)).manifest.funnel.notes
    assert not [note for note in notes if "at every time" in note]


def test_the_reason_why_a_file_s_only_variable_is_no_map_is_said(tmp_path):
    write(tmp_path / "a.nc", lat=[10.0, np.nan, 30.0])
    with pytest.raises(DataError, match="variable lat: is missing at 1 of 3 places"):
        prepared(tmp_path / "a.nc", var=None)
    write(tmp_path / "b.nc", time_attrs={"units": "years"})
    with netCDF4.Dataset(tmp_path / "b.nc", "a") as file:  # neither are bounds a map
        file.createDimension("nv", 2)
        file.createVariable("time_edges", "f8", ("time", "nv"))[:] = 0
    with pytest.raises(DataError, match="its dimension time has no unit such as"):
        prepared(tmp_path / "b.nc", var=None)


def test_years_and_months_are_one_time(tmp_path):
    values = np.random.default_rng(2).normal(10, 1, (3, 12, 3, 4)).astype(np.float32)
    file = xr.Dataset(
        {"sst": (("year", "month", "lat", "lon"), values, {"units": "degC"})},
        {
            "lat": ("lat", LAT, {"units": "degrees_north"}),
            "lon": ("lon", LON, {"units": "degrees_east"}),
            "year": [2001, 2002, 2003],
            "month": np.arange(1, 13),
        },
    )
    file.to_netcdf(tmp_path / "a.nc")
    with pytest.raises(
        DataError, match=r"further dimension month of 12 places.*Put years and months into one dimension"
    ):
        prepared(tmp_path / "a.nc")
    stacked = file.sst.values.reshape(36, 3, 4)  # the remedy
    times = [365 * (month // 12) + (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)[month % 12]
             for month in range(36)]  # fmt: skip
    attributes = {"units": "days since 2001-01-01", "calendar": "noleap"}
    assert prepared(write(tmp_path / "b.nc", stacked, times=times, time_attrs=attributes)).array("sst").shape[0] == 36


def test_files_whose_longitudes_begin_elsewhere_are_told_as_such(tmp_path):
    (tmp_path / "raw").mkdir()
    lon = np.arange(0.0, 360, 90)
    write(tmp_path / "raw/a.nc", field(4), lon=lon)
    later = {"times": [0, 31, 61, 92], "time_attrs": {"units": "days since 2001-05-01", "calendar": "standard"}}
    west = np.sort((lon + 180) % 360 - 180)
    write(tmp_path / "raw/b.nc", field(4, 1), lon=west, **later)
    with pytest.raises(DataError, match=r"grids differ \(longitudes begin at 0 and -180\).*sellonlatbox"):
        prepared(tmp_path / "raw")
    write(tmp_path / "raw/a.nc", np.roll(field(4), 2, axis=2), lon=west)  # the remedy
    assert prepared(tmp_path / "raw").array("lon").tolist() == west.tolist()


def test_a_month_without_values_is_left_out_at_the_end_alone(tmp_path):
    values = field(6)
    values[5] = np.nan
    with pytest.raises(DataError, match=r"no valid value at 2001-06-01.*at the begin or end of the series, leave"):
        prepared(write(tmp_path / "a.nc", values))
    assert prepared(tmp_path / "a.nc", end="2001-05").array("sst").shape[0] == 5


def test_land_of_0_in_value_and_position_names_the_remedy_that_works(tmp_path):
    path = ocean(tmp_path / "a.nc", *(np.where(LAND, 0.0, true) for true in TRUE))
    with netCDF4.Dataset(path, "a") as file:
        values = file["sst"][:].filled(np.nan)
        file["sst"][:] = np.where(LAND, 0.0, values)
    with pytest.raises(
        DataError, match=r"cells with values have no position. 109 cells are 0 .*--nodata sst=0"
    ) as caught:
        prepared(path)
    assert "mesh file" in caught.value.fix
    assert np.isnan(prepared(path, nodata=("sst=0",)).array("sst")[:, LAND]).all()


@pytest.mark.parametrize("said", ["none", "", 10.0])
def test_what_an_axis_says_of_missing_values_does_not_take_its_own_away(tmp_path, said):
    path = write(tmp_path / "a.nc", lat_attrs={"missing_value": said})
    np.testing.assert_array_equal(prepared(path).array("lat"), LAT)
