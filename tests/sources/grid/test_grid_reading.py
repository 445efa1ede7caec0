"""What real files do: fills, packing, orders of dimensions, calendars, many files; the values come out the same."""

from __future__ import annotations

from pathlib import Path

import cftime
import netCDF4
import numpy as np
import pytest
from grid_files import FIRST_DAYS, LAT, LON, MONTHLY, coordinate, curvilinear, field, prepared, write

from geoml_cli.dataset.grid import EARTH_RADIUS_M, GridFacts
from geoml_cli.errors import DataError

VALUES = field()
FIRST_DAYS_OF_2001 = np.array([0.0, 31, 59, 90, 120])


def check(raw: Path, values=VALUES, rtol=1e-6, **options):
    dataset = prepared(raw, **options)
    np.testing.assert_allclose(dataset.array("sst"), values, rtol=rtol)
    return dataset


def facts(dataset) -> GridFacts:
    return dataset.manifest.facts_as(GridFacts)


def stored(fill, kind=np.float32):
    return np.where(np.isnan(VALUES), fill, VALUES).astype(kind)


def test_a_plain_file_comes_out_as_it_is(tmp_path):
    dataset = check(write(tmp_path / "a.nc"))
    found = facts(dataset)
    assert (found.variable, found.unit, str(found.step), found.calendar) == ("sst", "degC", "month", "standard")
    assert found.regular and found.land_from == "never valid" and found.paper is None
    np.testing.assert_array_equal(dataset.array("land"), np.isnan(VALUES[0]))
    np.testing.assert_array_equal(dataset.array("lat"), LAT)
    np.testing.assert_array_equal(dataset.array("lon"), LON)
    assert dataset.unit("time") == "days since 1970-01-01 00:00:00" and dataset.array("time")[0] == 11323
    assert dataset.manifest.variables["sst"].dims == ("time", "lat", "lon")


def test_a_prepared_file_decodes_in_xarray(tmp_path):
    import xarray as xr

    dataset = prepared(write(tmp_path / "a.nc", times=[15.0, 45.0, 75.0, 105.0], time_attrs=DAYS_360))
    with xr.open_dataset(dataset.folder / "dataset.nc") as opened:
        assert [f"{time:%Y-%m}" for time in opened.time.values] == ["2001-01", "2001-02", "2001-03", "2001-04"]
        assert opened.sst.dtype == np.float32 and set(opened.coords) == {"time", "lat", "lon"}


DAYS_360 = {"units": "days since 2001-01-01", "calendar": "360_day"}


@pytest.mark.parametrize("fill", [-999.0, -9999.0, 9.96921e36, 1e20, -9.223372036854775808e18])
@pytest.mark.parametrize("attribute", ["_FillValue", "missing_value", None])
def test_fills_with_and_without_attributes_are_missing(tmp_path, fill, attribute):
    attrs = {attribute: np.float32(fill)} if attribute else {}
    dataset = check(write(tmp_path / "a.nc", stored(fill), attrs=attrs))
    noted = any("taken as missing though not declared" in note for note in dataset.manifest.funnel.notes)
    assert noted == (attribute is None)


@pytest.mark.parametrize("fill", [9999.0, 99999.0, 1e15, 65535.0])
def test_other_undeclared_fills_are_those_of_tables_and_rasters(tmp_path, fill):
    values = stored(fill)
    counted = f"{int((values == fill).sum())} numbers {fill:g}"
    notes = check(write(tmp_path / "a.nc", values)).manifest.funnel.notes
    assert any("taken as missing though not declared" in note and counted in note for note in notes), notes
    np.testing.assert_array_equal(
        prepared(tmp_path / "a.nc", nodata=("sst=none",), range="-9,2e15").array("sst"), values
    )


@pytest.mark.parametrize(("fill", "kind"), [(32767, np.int16), (-32768, np.int16), (2147483647, np.int32)])
@pytest.mark.parametrize("attribute", ["_FillValue", None])
def test_packed_numbers_with_a_type_s_limit_for_missing(tmp_path, fill, kind, attribute):
    packed = np.where(np.isnan(VALUES), fill, np.rint((np.nan_to_num(VALUES).astype(float) - 10) / 0.001)).astype(kind)
    attrs = {"scale_factor": 0.001, "add_offset": 10.0} | ({attribute: kind(fill)} if attribute else {})
    check(write(tmp_path / "a.nc", packed, attrs=attrs), rtol=1e-3)


@pytest.mark.parametrize("declared", [True, False])
def test_packed_numbers_pass_through_the_usual_fills(tmp_path, declared):
    """-999 is a value like -998 there; but a fill where it is far more frequent."""
    packed = np.arange(-1200, -600, dtype=np.int16).reshape(2, 15, 20)
    attrs = {"scale_factor": 0.1} | ({"_FillValue": np.int16(-32768)} if declared else {})
    lat, lon = np.arange(15.0), np.arange(20.0)
    check(write(tmp_path / "a.nc", packed, attrs=attrs, lat=lat, lon=lon), packed * 0.1, rtol=1e-5)
    packed[:, :5] = -999
    expected = packed * np.where((packed == -999) & (not declared), np.nan, 0.1)
    if declared:
        check(write(tmp_path / "a.nc", packed, attrs=attrs, lat=lat, lon=lon), expected, rtol=1e-5)


def test_unsigned_numbers_stored_as_signed(tmp_path):
    packed = np.where(np.isnan(VALUES), 255, np.rint(np.nan_to_num(VALUES) * 10)).astype(np.uint8).view(np.int8)
    attrs = {"_Unsigned": "true", "_FillValue": np.int8(-1), "scale_factor": 0.1}
    check(write(tmp_path / "a.nc", packed, attrs=attrs, format="NETCDF3_CLASSIC"), rtol=1e-2)


def test_values_beyond_the_valid_range_are_missing(tmp_path):
    values = VALUES.copy()
    values[2, 0, 0] = 99
    expected = np.where(values == 99, np.nan, values)
    check(write(tmp_path / "a.nc", values, attrs={"valid_range": np.array([-5, 50], dtype=np.float32)}), expected)


def test_a_number_that_may_be_a_fill_or_a_value_is_asked_for(tmp_path):
    values = np.nan_to_num(VALUES, nan=-999) * 100
    values[values == -99900] = -999
    values[0, 0, 0] = -1500
    asked = r"time 2001-01-01.*-999 occurs \d+ times and may be a fill value.*--nodata sst=-999, .*--nodata sst=none"
    with pytest.raises(DataError, match=asked):
        prepared(write(tmp_path / "a.nc", values))
    expected = np.where(values == -999, np.nan, values)
    check(tmp_path / "a.nc", expected, nodata=("sst=-999",))
    check(tmp_path / "a.nc", values, nodata=("sst=none",))


@pytest.mark.parametrize("dims", [("lon", "lat", "time"), ("lat", "time", "lon"), ("time", "lon", "lat")])
def test_dimensions_in_any_order(tmp_path, dims):
    check(write(tmp_path / "a.nc", dims=dims))


def test_latitudes_from_the_north_and_longitudes_to_360(tmp_path):
    dataset = check(write(tmp_path / "a.nc", lat=LAT[::-1], lon=LON + 180))
    np.testing.assert_array_equal(dataset.array("lat"), LAT[::-1])
    np.testing.assert_array_equal(dataset.array("lon"), LON + 180)
    assert (dataset.array("cell_area") > 0).all()


def test_longitudes_across_the_date_line_rise_throughout(tmp_path):
    dataset = check(write(tmp_path / "a.nc", lon=np.array([160.0, 170.0, 180.0, -170.0])))
    assert dataset.array("lon").tolist() == [160, 170, 180, 190]


@pytest.mark.parametrize(
    ("attributes", "times", "calendar", "first"),
    [
        ({"units": "months since 2001-01-15", "calendar": "standard"}, [0, 1, 2, 3], "standard", "2001-01-15"),
        ({"units": "months since 2000-12-01"}, [1, 2, 3, 4], "standard", "2001-01-01"),
        ({"units": "days since 1970-01-01"}, [11323, 11354, 11382, 11413], "standard", "2001-01-01"),
        ({"units": "days since 2001-01-01", "calendar": "360_day"}, [15, 45, 75, 105], "360_day", "2001-01-16"),
        ({"units": "days since 2000-01-01", "calendar": "noleap"}, [365, 396, 424, 455], "noleap", "2001-01-01"),
        ({"units": "years since 2001-01-01"}, [0, 1, 2, 3], "standard", "2001-01-01"),
    ],
)
def test_times_of_any_calendar(tmp_path, attributes, times, calendar, first):
    dataset = check(write(tmp_path / "a.nc", times=times, time_attrs=attributes))
    found = facts(dataset)
    assert found.calendar == calendar and found.step.kind == "month"
    assert found.step.count == (12 if "years" in attributes["units"] else 1)
    assert str(cftime.num2date(dataset.array("time")[0], found.time_unit, calendar))[:10] == first


@pytest.mark.parametrize(
    ("unit", "times", "step"),
    [("days", [0, 1, 2, 3], "day"), ("days", [0, 8, 16, 24], "8 days"), ("hours", [0, 6, 12, 18], "6 hours"),
     ("hours", [0.5, 1.5, 2.5, 3.5], "hour"), ("seconds", [0, 86400, 172800, 259200], "day")],
)  # fmt: skip
def test_daily_and_hourly_steps(tmp_path, unit, times, step):
    dataset = check(write(tmp_path / "a.nc", times=times, time_attrs={"units": f"{unit} since 2001-01-01"}))
    assert str(facts(dataset).step) == step


def stamps(dataset) -> list[str]:
    found = facts(dataset)
    return [str(time)[:19] for time in cftime.num2date(dataset.array("time"), found.time_unit, found.calendar)]


@pytest.mark.parametrize(
    ("unit", "times", "step", "expected"),
    [
        # 1 October 2017 and after, in single precision: half of them are rounded down.
        ("days since 1900-01-01", (43007 + np.arange(4) / 24).astype("f4"), "hour",
         ["2017-10-01 00:00:00", "2017-10-01 01:00:00", "2017-10-01 02:00:00", "2017-10-01 03:00:00"]),
        ("days since 2001-01-01", np.arange(4) - 6e-6, "day",
         ["2001-01-01 00:00:00", "2001-01-02 00:00:00", "2001-01-03 00:00:00", "2001-01-04 00:00:00"]),
        ("minutes since 2001-01-31", 180 * np.arange(4) - 1, "3 hours",
         ["2001-01-31 00:00:00", "2001-01-31 03:00:00", "2001-01-31 06:00:00", "2001-01-31 09:00:00"]),
        # The last second of an hour or a day, by design; scatter that is no rounding.
        ("seconds since 2001-01-01", 3600 * np.arange(4) + 3599, "hour",
         ["2001-01-01 00:00:00", "2001-01-01 01:00:00", "2001-01-01 02:00:00", "2001-01-01 03:00:00"]),
        ("seconds since 2001-01-01", 86400 * np.arange(4) + 86399, "day",
         ["2001-01-01 00:00:00", "2001-01-02 00:00:00", "2001-01-03 00:00:00", "2001-01-04 00:00:00"]),
        ("seconds since 2001-01-01", 86400 * np.arange(4) + 85800 + np.array([0, 300, -300, 0]), "day",
         ["2001-01-01 23:50:00", "2001-01-02 23:50:00", "2001-01-03 23:50:00", "2001-01-04 23:50:00"]),
        # Centres of hours, and times that are so by design.
        ("seconds since 2001-01-01", 3600 * np.arange(4) + [1801, 1800, 1799, 1800], "hour",
         ["2001-01-01 00:30:00", "2001-01-01 01:30:00", "2001-01-01 02:30:00", "2001-01-01 03:30:00"]),
        ("minutes since 2001-01-01", 60 * np.arange(4) + 10, "hour",
         ["2001-01-01 00:10:00", "2001-01-01 01:10:00", "2001-01-01 02:10:00", "2001-01-01 03:10:00"]),
    ],
)  # fmt: skip
def test_times_a_little_off_their_steps_are_taken_to_these(tmp_path, unit, times, step, expected):
    exact = np.asarray(times, dtype=np.float64)
    dataset = check(write(tmp_path / "a.nc", times=exact, time_attrs={"units": unit}))
    assert str(facts(dataset).step) == step and stamps(dataset) == expected
    noted = [note for note in dataset.manifest.funnel.notes if "off steps of" in note]
    assert bool(noted) == (not unit.startswith("minutes since 2001-01-01"))


@pytest.mark.parametrize("early", [0.0, 1 / 86400, 0.005])
@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize(
    ("unit", "ends", "expected"),
    [
        ("days since 2001-01-01", FIRST_DAYS_OF_2001, ["2001-01-01 00:00:00", "2001-02-01 00:00:00"]),
        ("days since 2001-01-01", np.arange(5.0), ["2001-01-01 00:00:00", "2001-01-02 00:00:00"]),
        ("days since 2001-01-01", np.arange(5) / 24, ["2001-01-01 00:00:00", "2001-01-01 01:00:00"]),
    ],
)
def test_bounds_say_which_step_a_time_just_before_another_is_of(tmp_path, unit, ends, expected, at_end, early):
    stamped = (ends[1:] if at_end else ends[:-1]) - early * np.diff(ends)
    path = write(tmp_path / "a.nc", times=stamped, time_attrs={"units": unit, "bounds": "time_bnds"})
    with netCDF4.Dataset(path, "a") as file:
        file.createDimension("bnds", 2)
        file.createVariable("time_bnds", "f8", ("time", "bnds"))[:] = np.stack([ends[:-1], ends[1:]], axis=1)
    assert stamps(check(path))[:2] == expected


def test_months_that_end_a_second_before_the_next_are_noted(tmp_path):
    times = np.array(FIRST_DAYS[1:5]) - 1 / 86400
    dataset = check(write(tmp_path / "a.nc", times=times, time_attrs=MONTHLY))
    assert stamps(dataset)[0] == "2001-01-31 23:59:59"
    assert any(
        "4 times lie shortly before a month begins and are taken to be of the one that ends: 2001-01-31" in note
        for note in dataset.manifest.funnel.notes
    )


def test_a_period_of_an_uneven_series_is_read_as_it_is_alone(tmp_path):
    """Days, then hours: those within a tenth of a day of midnight are hours all the same."""
    times = np.concatenate([np.arange(5.0), 5 + np.arange(4) / 24 - 6e-6])
    values = np.concatenate([VALUES[[0, 1, 2, 3, 0]], VALUES])
    path = write(tmp_path / "a.nc", values, times=times, time_attrs={"units": "days since 2001-01-01"})
    with pytest.raises(DataError, match=r"times are not evenly spaced|time steps are missing"):
        prepared(path)
    dataset = check(path, VALUES[1:], start="2001-01-06")
    assert stamps(dataset)[0] == "2001-01-06 01:00:00"


def test_a_period_is_chosen_by_times_that_are_on_their_steps(tmp_path):
    path = write(tmp_path / "a.nc", times=np.arange(4) - 6e-6, time_attrs={"units": "days since 2001-01-31"})
    dataset = check(path, VALUES[1:3], start="2001-02-01", end="2001-02-02")
    assert stamps(dataset) == ["2001-02-01 00:00:00", "2001-02-02 00:00:00"]


@pytest.mark.parametrize("names", ["sst_{}.nc", "{}.nc"])
@pytest.mark.parametrize("scalar", [True, False])
def test_one_file_a_month_in_any_order_of_names(tmp_path, names, scalar):
    (tmp_path / "raw").mkdir()
    for number, name in enumerate(["d", "a", "c", "b"]):
        dims = {"dims": ("lat", "lon"), "scalar_time": True} if scalar else {}
        write(tmp_path / "raw" / names.format(name), VALUES[[number]], times=[FIRST_DAYS[number]], **dims)
    check(tmp_path / "raw")


def test_dates_in_names_where_files_hold_no_time(tmp_path):
    (tmp_path / "raw").mkdir()
    for number in range(4):
        write(tmp_path / "raw" / f"sst_v2_2001-0{number + 1}.nc", VALUES[[number]], dims=("lat", "lon"), times=None)
    check(tmp_path / "raw")


def test_means_stamped_at_the_end_of_their_interval_belong_to_it(tmp_path):
    path = write(tmp_path / "a.nc", times=FIRST_DAYS[1:5], time_attrs={**MONTHLY, "bounds": "time_bnds"})
    ends = np.array(FIRST_DAYS[:5])
    with netCDF4.Dataset(path, "a") as file:
        file.createDimension("bnds", 2)
        file.createVariable("time_bnds", "f8", ("time", "bnds"))[:] = np.stack([ends[:-1], ends[1:]], axis=1)
    dataset = check(path)
    assert dataset.array("time")[0] == 11323  # 2001-01-01, as in a file without bounds
    with netCDF4.Dataset(path, "a") as file:
        file["time_bnds"].units = "hours since 2000-12-31"
        file["time_bnds"][:] = (np.stack([ends[:-1], ends[1:]], axis=1) + 1) * 24
    assert prepared(path).array("time")[0] == 11323
    with netCDF4.Dataset(path, "a") as file:
        file["time_bnds"][:] = 0  # bounds that were never filled in
    assert prepared(path).array("time")[0] == 11323 + 31


def test_a_latitude_with_another_standard_name(tmp_path):
    dataset = check(write(tmp_path / "a.nc", lat_attrs={"standard_name": "longitude"}))
    assert "lat is taken for the latitude, although its standard_name is longitude" in dataset.manifest.funnel.notes
    check(write(tmp_path / "b.nc", lat_attrs={"standard_name": "sea_surface_temperature", "units": "degrees_north"}))


def test_scalar_and_auxiliary_coordinates_and_a_depth_of_one(tmp_path):
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", 4), ("depth", 1), ("lat", 3), ("lon", 4)):
            file.createDimension(name, size)
        coordinate(file, "lat", LAT, {"units": "degrees_north"})
        coordinate(file, "lon", LON, {"units": "degrees_east"})
        coordinate(file, "time", FIRST_DAYS[:4], MONTHLY)
        coordinate(file, "depth", [0.5], {"units": "m", "positive": "down"})
        coordinate(file, "height", [2.0], {"units": "m"}, ())
        coordinate(file, "forecast_reference_time", FIRST_DAYS[:4],
                   {**MONTHLY, "standard_name": "forecast_reference_time"}, ("time",))  # fmt: skip
        sst = file.createVariable("sst", "f4", ("time", "depth", "lat", "lon"))
        sst.setncatts({"units": "degC", "coordinates": "height forecast_reference_time"})
        sst[:] = VALUES[:, None]
    assert "depth, of size 1, is left out" in check(path).manifest.funnel.notes


def test_a_place_of_a_further_dimension_is_chosen(tmp_path):
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", 4), ("depth", 2), ("lat", 3), ("lon", 4)):
            file.createDimension(name, size)
        for name, values, attributes in (("lat", LAT, {"units": "degrees_north"}), ("time", FIRST_DAYS[:4], MONTHLY),
                                         ("lon", LON, {"units": "degrees_east"})):  # fmt: skip
            coordinate(file, name, values, attributes)
        sst = file.createVariable("sst", "f4", ("time", "depth", "lat", "lon"))
        sst.units = "degC"
        sst[:, 0], sst[:, 1] = VALUES + 1, VALUES
    check(path, select=("depth=1",))
    check(path, select=("depth=1",), var=None)


def test_a_curvilinear_grid_keeps_its_coordinates(tmp_path):
    lat, lon = np.meshgrid(LAT, LON, indexing="ij")
    lat, lon = lat + 0.02 * lon, lon - 0.1 * lat
    path = curvilinear(tmp_path / "a.nc", lat, lon)
    dataset = check(path)
    assert not facts(dataset).regular
    np.testing.assert_allclose(dataset.array("lat"), lat)
    np.testing.assert_allclose(dataset.array("lon"), lon)
    variable = dataset.manifest.variables["sst"]
    assert variable.dims == ("time", "y", "x") and variable.attributes["coordinates"] == "lat lon"
    assert "approximate" in dataset.manifest.variables["cell_area"].long_name


def test_times_beside_a_dimension_without_a_unit(tmp_path):
    dataset = check(curvilinear(tmp_path / "a.nc", *np.meshgrid(LAT, LON, indexing="ij")))
    assert "times are those of time_centered: time_counter has no unit that counts from a date" in (
        dataset.manifest.funnel.notes
    )


def test_a_box_is_cut_out_across_the_seam_of_longitudes(tmp_path):
    values = VALUES.copy()
    values[:, 1, 2] = 3
    write(tmp_path / "a.nc", values, lon=np.array([0.0, 90.0, 180.0, 270.0]))
    dataset = check(tmp_path / "a.nc", values[:, 1:][:, :, [3, 0, 1]], crop="-100,15,95,31")
    assert dataset.array("lon").tolist() == [-90, 0, 90] and dataset.array("lat").tolist() == [20, 30]


@pytest.mark.parametrize("falling", [False, True])
def test_a_map_across_greenwich_in_two_parts_is_put_together(tmp_path, falling):
    """A cut out of a map from 0 to 360; otherwise the cells beside the gap would be thousands of kilometres wide."""
    turn = slice(None, None, -1) if falling else slice(None)
    lon = np.array([0.0, 10.0, 340.0, 350.0])[turn]
    dataset = check(write(tmp_path / "a.nc", VALUES[:, :, turn], lon=lon), VALUES[:, :, [2, 3, 0, 1]][:, :, turn])
    assert dataset.array("lon").tolist() == [-20.0, -10.0, 0.0, 10.0][turn]
    area = np.asarray(dataset.array("cell_area"))
    np.testing.assert_allclose(area, np.broadcast_to(area[:, :1], area.shape))
    assert any("where files have two separate parts" in note for note in dataset.manifest.funnel.notes)


@pytest.mark.parametrize("lon", [[0.0, 90.0, 180.0, 270.0], [358.0, 359.0, 0.0, 1.0], [1.0, 0.0, 359.0, 358.0]])
def test_other_longitudes_stay_in_their_order(tmp_path, lon):
    """The whole globe; parts that go on across Greenwich."""
    dataset = check(write(tmp_path / "a.nc", lon=np.array(lon)))
    np.testing.assert_allclose(dataset.array("lon")[:] % 360, lon)


def test_a_period_is_chosen_and_counted(tmp_path):
    dataset = check(write(tmp_path / "a.nc"), VALUES[1:3], start="2001-02", end="2001-03")
    assert dataset.manifest.funnel.dropped == {"outside of --start and --end": 2}


def test_a_land_mask_of_the_file(tmp_path):
    path = write(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("lsm", "f4", ("lat", "lon"))[:] = np.isnan(VALUES[0]) * 0.9
    dataset = check(path, land="lsm")
    assert facts(dataset).land_from == "file"
    np.testing.assert_array_equal(dataset.array("land"), np.isnan(VALUES[0]))


@pytest.mark.parametrize("dims", [("time", "lat", "lon"), ("lon", "lat", "time")])
def test_a_land_mask_that_is_repeated_at_all_times(tmp_path, dims):
    """As reanalyses are downloaded."""
    path, mask = write(tmp_path / "a.nc"), np.repeat(np.isnan(VALUES[:1]) * 0.9, len(VALUES), axis=0)
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("lsm", "f4", dims)[:] = mask if dims[0] == "time" else mask.T
    np.testing.assert_array_equal(check(path, land="lsm").array("land"), np.isnan(VALUES[0]))


def with_land_that_has_a_value(path):
    """Write a file with a mask of land, one cell of which has values; return the mask as well."""
    land = np.isnan(VALUES[0])
    land[tuple(np.argwhere(~land)[0])] = True
    with netCDF4.Dataset(write(path), "a") as file:
        file.createVariable("lsm", "f4", ("lat", "lon"))[:] = land
    return path, land


def test_values_on_land_are_left_out(tmp_path):
    """As of a land model or of skin temperature; they would be scaled and averaged with the sea's."""
    path, land = with_land_that_has_a_value(tmp_path / "a.nc")
    dataset = check(path, np.where(land, np.nan, VALUES), land="lsm")
    np.testing.assert_array_equal(dataset.array("land"), land)
    assert "1 cells on land have values, which are left out" in dataset.manifest.funnel.notes


def test_a_month_without_a_value_at_sea_is_refused(tmp_path):
    path, land = with_land_that_has_a_value(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "a") as file:
        file["sst"][2] = np.where(land, file["sst"][2], np.nan)
    with pytest.raises(DataError, match="has no valid value at 2001-03"):
        prepared(path, land="lsm")


@pytest.mark.parametrize("kind", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA", "NETCDF4_CLASSIC"])
def test_older_formats(tmp_path, kind):
    check(write(tmp_path / "a.nc", format=kind))


def test_zarr_stores_are_read(tmp_path):
    import xarray as xr

    with xr.open_dataset(write(tmp_path / "a.nc")) as opened:
        opened.to_zarr(tmp_path / "a.zarr", zarr_format=2, consolidated=False)
    check(tmp_path / "a.zarr")


def test_a_group_of_a_file(tmp_path):
    import xarray as xr

    with xr.open_dataset(write(tmp_path / "a.nc")) as opened:
        opened.to_netcdf(tmp_path / "b.h5", group="level3", engine="netcdf4")
    check(tmp_path / "b.h5", var="level3/sst")


@pytest.mark.parametrize("layout", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate"},
                                    {"bigtiff": "yes"}, {"nodata": None, "compress": "lzw"}])  # fmt: skip
def test_geotiff_layouts(tmp_path, layout):
    rasterio = pytest.importorskip("rasterio")
    (tmp_path / "raw").mkdir()
    values = np.random.default_rng(0).random((3, 40, 50)).astype(np.float32)
    profile = {"driver": "GTiff", "width": 50, "height": 40, "count": 1, "dtype": "float32", "crs": "EPSG:4326",
               "transform": rasterio.Affine(1, 0, 95, 0, -1, 35), "nodata": -1.0} | layout  # fmt: skip
    for number, frame in enumerate(values):
        with rasterio.open(tmp_path / "raw" / f"sst_2001-0{number + 1}.tif", "w", **profile) as file:
            file.write(frame, 1)
            file.build_overviews([2])
    np.testing.assert_array_equal(prepared(tmp_path / "raw", unit="K").array("sst"), values)


@pytest.mark.parametrize("projected", [False, True])
def test_geotiff_maps_one_a_month(tmp_path, projected):
    rasterio = pytest.importorskip("rasterio")
    (tmp_path / "raw").mkdir()
    step, west, north = (1000.0, 500_000.0, 4_000_000.0) if projected else (10.0, 95.0, 35.0)
    profile = {"driver": "GTiff", "width": 4, "height": 3, "count": 1, "dtype": "float32", "nodata": -999.0,
               "crs": "EPSG:32651" if projected else "EPSG:4326",
               "transform": rasterio.Affine(step, 0, west, 0, -step, north)}  # fmt: skip
    for number in range(4):
        with rasterio.open(tmp_path / "raw" / f"sst_20010{number + 1}.tif", "w", **profile) as file:
            file.write(np.nan_to_num(VALUES[number], nan=-999), 1)
    dataset = prepared(tmp_path / "raw", unit="degC")
    np.testing.assert_allclose(dataset.array("sst"), VALUES)
    assert facts(dataset).regular != projected
    if projected:
        np.testing.assert_allclose(dataset.array("lon")[0, 0], 123 + 500 / 1000 * 0.0111, atol=2e-4)
        np.testing.assert_allclose(dataset.array("cell_area"), 1e6, rtol=0.01)
    else:
        assert dataset.array("lat").tolist() == [30, 20, 10] and dataset.array("lon").tolist() == [100, 110, 120, 130]


def test_cell_areas_of_the_globe_add_up_to_the_sphere(tmp_path):
    lat, lon = np.arange(-85.0, 90, 10), np.arange(5.0, 360, 10)
    values = np.random.default_rng(0).random((4, 18, 36)).astype(np.float32)
    area = prepared(write(tmp_path / "a.nc", values, lat=lat, lon=lon)).array("cell_area")
    np.testing.assert_allclose(area.sum(), 4 * np.pi * EARTH_RADIUS_M**2, rtol=1e-6)
    from geoml_cli.dataset.grid import GridAxes

    near = GridAxes(*np.meshgrid(np.arange(-60.0, 61, 2), np.arange(0.0, 90, 2), indexing="ij"))
    exact = GridAxes(near.lat[:, 0], near.lon[0]).cell_area()
    np.testing.assert_allclose(near.cell_area()[1:-1, 1:-1], exact[1:-1, 1:-1], rtol=0.01)


def test_land_that_is_0_is_told_with_a_remedy_that_works(tmp_path):
    values = field(6)
    values[:, 0, 1] = values[:, 2, 3] = 0
    write(tmp_path / "a.nc", values)
    told = [note for note in prepared(tmp_path / "a.nc").manifest.funnel.notes if "are 0 at every time" in note]
    assert len(told) == 1 and told[0].startswith(
        "2 cells are 0 at every time, and no other value is nearer to 0 than 1"
    )
    assert told[0].endswith("prepare again with --nodata sst=0")
    values[:, 0, 1] = values[:, 2, 3] = np.nan
    check(tmp_path / "a.nc", values, nodata=("sst=0",))


@pytest.mark.parametrize("nearly", [0.4, -0.01])
def test_zeros_among_values_near_0_are_values(tmp_path, nearly):
    values = field(6)
    values[:, 0, 1], values[3, 2, 2] = 0, nearly
    write(tmp_path / "a.nc", values)
    assert not [note for note in prepared(tmp_path / "a.nc").manifest.funnel.notes if "are 0" in note]
    once = field(6)
    once[:5, 0, 1] = 0  # not at every time
    write(tmp_path / "b.nc", once)
    assert not [note for note in prepared(tmp_path / "b.nc").manifest.funnel.notes if "are 0" in note]


@pytest.mark.parametrize("name", ["index", "station_index", "cell", "split"])
def test_a_variable_whose_name_models_look_up_gets_another(tmp_path, name):
    with netCDF4.Dataset(write(tmp_path / "a.nc"), "a") as file:
        file.renameVariable("sst", name)
    dataset = prepared(tmp_path / "a.nc", var=name)
    assert facts(dataset).variable == f"{name}_field" and not dataset.has(name)
    np.testing.assert_allclose(dataset.array(f"{name}_field"), VALUES, rtol=1e-6)


def test_instants_with_bounds_stay_where_they_are(tmp_path):
    """A program wrote bounds for all of its variables; a mean over the same interval is moved, and that is noted."""
    hours, attributes = np.arange(6.0, 30.0, 6), {"units": "hours since 2001-01-01", "bounds": "time_bnds"}
    for method, first in (("time: point", 6), ("TIME: lat: lon: point", 6), ("area: mean time: mean", 0)):
        path = write(tmp_path / "a.nc", times=hours, time_attrs=attributes, attrs={"cell_methods": method})
        with netCDF4.Dataset(path, "r+") as file:
            file.createDimension("bnds", 2)
            file.createVariable("time_bnds", "f8", ("time", "bnds"))[:] = np.stack([hours - 6, hours], axis=1)
        dataset = prepared(path)
        start = np.array(dataset.array("time"))[0]
        assert start == 11323 * 24 + first  # hours since 1970
        moved = [note for note in dataset.manifest.funnel.notes if "at the end of their intervals" in note]
        assert len(moved) == (first == 0)


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (("Jan2001", "Feb2001", "Mar2001", "Apr2001"), r"(?P<month>[A-Z][a-z]{2})(?P<year>\d{4})"),
        (("january_2001", "february_2001", "march_2001", "april_2001"), r"_(?P<month>[a-z]+)_(?P<year>\d{4})"),
        (("2001/01", "2001/02", "2001/03", "2001/04"), r"(?P<year>\d{4})/sst_(?P<month>\d\d)"),
        (("2001/January/a", "2001/February/a", "2001/March/a", "2001/April/a"), r"(?P<year>\d{4})/(?P<month>\w+)/sst"),
    ],
)
def test_dates_in_names_of_files_and_folders(tmp_path, names, pattern):
    (tmp_path / "raw").mkdir()
    for number, name in enumerate(names):
        folder, _, stem = name.rpartition("/")
        path = tmp_path / "raw" / folder / f"sst_{stem}.nc"
        path.parent.mkdir(exist_ok=True, parents=True)
        write(path, VALUES[number : number + 1], dims=("lat", "lon"), times=None)
    dataset = check(tmp_path / "raw", date_pattern=pattern)
    assert np.array(dataset.array("time")).tolist() == [11323 + day for day in FIRST_DAYS[:4]]


def test_hours_in_names_are_read(tmp_path):
    (tmp_path / "raw").mkdir()
    pattern = r"_(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?P<hour>\d\d)"
    for number in range(4):
        path = tmp_path / "raw" / f"sst_20010101{6 * number:02d}.nc"
        write(path, VALUES[number : number + 1], dims=("lat", "lon"), times=None)
    dataset = check(tmp_path / "raw", date_pattern=pattern)
    assert np.array(dataset.array("time")).tolist() == [11323 * 24 + 6 * number for number in range(4)]
