"""What is refused: each message says what is wrong with which value, where, and what to do."""

from __future__ import annotations

import re
import shutil

import netCDF4
import numpy as np
import pytest
import xarray as xr
from grid_files import FIRST_DAYS, LAT, LON, MONTHLY, coordinate, field, prepared, write

from geoml_cli.errors import DataError
from geoml_cli.readers.limits import limits, pair

VALUES = field()
MIDDLES = 15 + 30.4 * np.arange(12)


def refused(raw, *texts, **options):
    with pytest.raises(DataError) as error:
        prepared(raw, **options)
    message = str(error.value)
    assert error.value.what and error.value.where and error.value.fix, message
    for text in texts:
        assert re.search(text, message), message


def months(folder, numbers, **odd):
    folder.mkdir(exist_ok=True)
    for number in numbers:
        write(folder / f"sst_{number + 1:02d}.nc", field(1, number), times=[FIRST_DAYS[number]], **odd)
    return folder


def test_no_coordinates_at_all(tmp_path):
    path = write(tmp_path / "a.nc", lat=None, lon=None)
    refused(path, r"a\.nc, variable sst: has no latitude: dimensions \(time, lat, lon\) have no coordinates")
    refused(write(tmp_path / "b.nc", times=None), r"its dimension time has no coordinate")
    refused(write(tmp_path / "c.nc", time_attrs={}), r"its dimension time has no unit such as `days since")
    refused(write(tmp_path / "d.nc", dims=("lat", "lon"), times=None), "holds no time, and its name no date",
            "--date-pattern")  # fmt: skip


def test_months_that_are_missing_are_named(tmp_path):
    refused(months(tmp_path / "raw", [0, 1, 2, 4, 5, 7]), "2 of 8 time steps are missing: 2001-04, 2001-07",
            "--start and --end")  # fmt: skip


def test_a_year_with_ten_of_twelve_files(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    for month in (m for m in range(12) if m not in (3, 8)):
        write(folder / f"{month}.nc", field(1), times=[month], time_attrs={"units": "months since 2005-01-01"})
    refused(folder, "2 of 12 time steps are missing: 2005-04, 2005-09")


def test_a_time_that_is_there_twice(tmp_path):
    refused(
        write(tmp_path / "a.nc", times=[0, 31, 31, 90]), r"time is there twice: 2001-02-01 \(a\.nc\) is followed by"
    )
    folder = months(tmp_path / "raw", [0, 1, 2])
    shutil.copy(folder / "sst_02.nc", folder / "sst_02 copy.nc")
    refused(folder, r"2001-02-01 \(sst_02.*\.nc\) is followed by 2001-02-01 \(sst_02.*Keep one step of each time")
    refused(write(tmp_path / "b.nc", times=[0, 31, 45, 90]), r"a month is there twice: 2001-02-01 .* and 2001-02-15")


def test_times_out_of_order(tmp_path):
    refused(write(tmp_path / "a.nc", times=[0, 59, 31, 90]), r"time goes back: 2001-03-01 .* followed by 2001-02-01")


def test_uneven_times(tmp_path):
    days = {"units": "days since 2001-01-01"}
    refused(write(tmp_path / "a.nc", field(5), times=[0, 1, 2, 2.5, 4], time_attrs=days), "times are not evenly spaced",
            "2001-01-03T12:00")  # fmt: skip
    refused(write(tmp_path / "b.nc", times=[0, 0.01, 0.02, 0.03], time_attrs=days), "the time step is 864 s")


@pytest.mark.parametrize(
    ("attributes", "times", "text"),
    [
        ({"units": "days since yesterday"}, FIRST_DAYS[:4], "its time cannot be understood"),
        ({"units": "days since 2001-01-01", "calendar": "martian"}, FIRST_DAYS[:4], "its time cannot be understood"),
        ({"units": "days since 2001-01-01", "_FillValue": None}, [0, np.nan, 59, 90], "a time is missing"),
        ({"units": "days since 2001-02-30", "calendar": "standard"}, FIRST_DAYS[:4], "its time cannot be understood"),
    ],
)
def test_times_that_cannot_be_understood(tmp_path, attributes, times, text):
    refused(write(tmp_path / "a.nc", times=times, time_attrs=attributes), text, "variable time")


def test_one_time_is_no_series(tmp_path):
    refused(write(tmp_path / "a.nc", VALUES[:1]), r"there is one time step \(2001-01-01 \(a\.nc\)\)")


def test_a_frame_without_a_value(tmp_path):
    values = VALUES.copy()
    values[2] = np.nan
    refused(write(tmp_path / "a.nc", values), r"has no valid value at 2001-03-01 \(a\.nc\)")


def test_an_infinite_value(tmp_path):
    values = VALUES.copy()
    values[2, 0, 0] = np.inf
    refused(write(tmp_path / "a.nc", values, attrs={"units": "K"}), r"time 2001-03-01.*an infinite value",
            nodata=("sst=none",))  # fmt: skip


def test_a_file_in_another_scale(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    for year, scale in ((0, 1), (1, 1), (2, 100)):
        write(raw / f"{2001 + year}.nc", field(12, year) * np.float32(scale), times=365.0 * year + MIDDLES)
    refused(
        raw,
        r"the values at 2003-01-16 \(2003\.nc\) and 11 more times are about \d+(\.\d)? times larger than those of",
        r"convert them, or write scale_factor into the file\. If they are real, give --range LOW,HIGH",
    )
    assert prepared(raw, range="0,3000").array("time").size == 36
    write(raw / "2003.nc", field(12, 2) * np.float32(100), times=730 + MIDDLES, attrs={"scale_factor": 0.01})
    assert prepared(raw).array("time").size == 36


@pytest.mark.parametrize("value", [4e12, -3e5, 1.2e3])
def test_a_value_far_beyond_those_of_other_times(tmp_path, value):
    values = field(8)
    values[5, 0, 0] = value
    path = write(tmp_path / "a.nc", values)
    refused(
        path,
        rf"value {re.escape(f'{value:g}')} at 2001-06-01 \(a\.nc\) is far beyond",
        "--range",
        nodata=("sst=none",),
    )
    if value > 1e4:
        return
    assert prepared(path, range="-1e6,1e6").array("sst")[5, 0, 0] == np.float32(value)


def test_a_change_far_beyond_those_between_other_times(tmp_path):
    """A value within the range of all, where none of its kind has ever been: 300 on a field from 0 to 400."""
    base = np.linspace(0, 400, 12).reshape(3, 4)
    values = (base + np.random.default_rng(1).normal(0, 1, (8, 3, 4))).astype(np.float32)
    values[5, 0, 0] = 300
    refused(write(tmp_path / "a.nc", values), r"changes by 299.* from 2001-05-01 \(a\.nc\) to 2001-06-01")


@pytest.mark.parametrize("calendars", [("standard", "proleptic_gregorian"), ("proleptic_gregorian", "gregorian")])
def test_calendars_that_are_one_since_1582_may_be_mixed(tmp_path, calendars):
    """Models write the one and xarray the other."""
    alike = {}
    for name, both in (("mixed", calendars), ("one", calendars[:1] * 2)):
        (tmp_path / name).mkdir()
        for number, calendar in enumerate(both):
            times = list(FIRST_DAYS[4 * number : 4 * number + 4])
            attributes = MONTHLY | {"calendar": calendar}
            write(tmp_path / name / f"{number}.nc", field(4, number), times=times, time_attrs=attributes)
        alike[name] = prepared(tmp_path / name).array("time").tolist()
    assert alike["mixed"] == alike["one"] and len(alike["one"]) == 8
    old = {"units": "days since 1500-01-01", "calendar": calendars[1]}
    write(tmp_path / "mixed" / "1.nc", field(4, 1), times=[0, 31, 59, 90], time_attrs=old)
    refused(tmp_path / "mixed", "calendars differ")


def test_values_beyond_the_given_range(tmp_path):
    refused(write(tmp_path / "a.nc"), r"value .* at 2001-0\d-01 .* is not within 15 to 99", range="15,99")


def test_files_that_do_not_fit_together(tmp_path):
    for odd, text in (
        (
            {"lat": LAT + 1},
            rf"differ \(latitudes begin at {LAT[0]:g} and {LAT[0] + 1:g} and are up to 1 degrees apart\)",
        ),
        ({"lat": LAT[::-1]}, r"grids differ \(latitudes run the other way\)"),
        ({"attrs": {"units": "K"}}, "units differ"),
        ({"time_attrs": MONTHLY | {"calendar": "noleap"}}, r"calendars differ \(standard and noleap\)"),
    ):
        folder = months(tmp_path / text[:5], [0, 1, 2])
        write(folder / "sst_04.nc", field(1), times=[90], **odd)
        refused(folder, text, r"sst_01\.nc and .*sst_04\.nc")


def test_a_variable_that_is_not_there_or_not_clear(tmp_path):
    path = write(tmp_path / "a.nc")
    refused(path, "has no variable tos; it has sst", var="tos")
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("ice", "f4", ("time", "lat", "lon"))[:] = 0
    refused(path, "has several variables on a grid: sst, ice", "--var", var=None)
    refused(path, "has no latitude", var="time")


def test_a_series_is_not_a_map(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("time", 4)
        coordinate(file, "time", FIRST_DAYS[:4], MONTHLY)
        file.createVariable("rmm1", "f8", ("time",))[:] = 1
    refused(tmp_path / "a.nc", "has no variable on a grid of latitudes and longitudes; it holds rmm1", var=None)


def test_a_unit_is_needed_and_not_converted(tmp_path):
    path = write(tmp_path / "a.nc")
    refused(path, "the unit of sst is 'degC', not 'K'", unit="K")
    with netCDF4.Dataset(path, "a") as file:
        del file["sst"].units
    refused(path, "variable sst has no unit", "--unit K")
    assert prepared(path, unit="degC").unit("sst") == "degC"


def test_another_spelling_of_a_unit_is_that_unit(tmp_path):
    folder = months(tmp_path / "both", [0, 1, 2])
    write(folder / "sst_04.nc", field(1), times=[90], attrs={"units": "Celsius"})
    assert prepared(folder).unit("sst") == "degC"
    assert prepared(folder, unit="degrees_Celsius").unit("sst") == "degrees_Celsius"


def test_a_further_dimension(tmp_path):
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", 4), ("depth", 2), ("lat", 3), ("lon", 4)):
            file.createDimension(name, size)
        coordinate(file, "lat", LAT, {"units": "degrees_north"})
        coordinate(file, "lon", LON, {"units": "degrees_east"})
        coordinate(file, "time", FIRST_DAYS[:4], MONTHLY)
        file.createVariable("sst", "f4", ("time", "depth", "lat", "lon"))[:] = 1
    refused(path, "has the further dimension depth of 2 places", "--select depth=0")
    refused(path, "depth has no value 2; it has 0, 1", select=("depth=2",))
    refused(path, "level is not a dimension", select=("level=0",))


def test_a_group_that_is_not_there_is_no_damage(tmp_path):
    path = write(tmp_path / "a.nc")
    refused(path, "has no group nix", r"with its group: --var GROUP/NAME", var="nix/sst")


def test_files_of_a_variable_each_are_chosen_from_as_the_message_says(tmp_path):
    """As CMIP and reanalyses come: one variable a file."""
    raw = tmp_path / "raw"
    raw.mkdir()
    write(raw / "tos.nc")
    with netCDF4.Dataset(raw / "tos.nc", "a") as file:
        file.renameVariable("sst", "tos")
    shutil.copy(raw / "tos.nc", raw / "sos.nc")
    with netCDF4.Dataset(raw / "sos.nc", "a") as file:
        file.renameVariable("tos", "sos")
    refused(raw, r"tos\.nc: has no variable sos; it has tos\.", "--var, and the files with --pattern", var=None)
    refused(raw, r"sos\.nc: has no variable tos; it has sos\.", r"--pattern, such as 'tos\*'", var="tos")
    assert prepared(raw, var="tos", pattern="tos*").has("tos")


def test_variables_in_groups_are_named(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        group = file.createGroup("level3").createGroup("sea")
        for name, size in (("time", 4), ("lat", 3), ("lon", 4)):
            group.createDimension(name, size)
        coordinate(group, "lat", LAT, {"units": "degrees_north"})
        coordinate(group, "lon", LON, {"units": "degrees_east"})
        coordinate(group, "time", FIRST_DAYS[:4], MONTHLY)
        stored = group.createVariable("sst", "f4", ("time", "lat", "lon"))
        stored[:], stored.units = 1, "degC"
    inside = "level3/sea/sst"
    refused(tmp_path / "a.nc", f"it holds {inside}", f"--var {inside}", var=None)
    refused(tmp_path / "a.nc", f"has no variable tos; it has {inside}", var="tos")
    refused(tmp_path / "a.nc", f"has no group nix; its groups hold {inside}", var="nix/sst")
    assert prepared(tmp_path / "a.nc", var=inside).unit("sst") == "degC"


def test_a_range_is_two_rising_numbers():
    assert pair("") is None and pair("-2,40") == (-2.0, 40.0)
    for text in ("1", "1,2,3", "5,1", "nan,1", "1,nan", "a,b"):
        with pytest.raises(ValueError, match=r"give 2 numbers|the first number must be below the second"):
            limits(text)


@pytest.mark.parametrize(
    ("odd", "text"),
    [
        ({"lat": [10.0, 200.0, 30.0]}, "10 to 200 cannot be degrees"),
        ({"lat": [10.0, 30.0, 20.0]}, "values do not rise or fall throughout"),
        ({"lat": [10.0, np.nan, 20.0]}, "is missing at 1 of 3 places"),
        ({"attrs": {"scale_factor": 0.0}}, "scale_factor 0 and add_offset 0 cannot be"),
        ({"attrs": {"missing_value": "none"}}, "its attribute missing_value is 'none', not a number"),
    ],
)
def test_coordinates_and_attributes_that_cannot_be(tmp_path, odd, text):
    refused(write(tmp_path / "a.nc", **odd), text, r"variable (lat|sst)")


def test_an_empty_folder_an_empty_file_and_another_format(tmp_path):
    (tmp_path / "raw").mkdir()
    refused(tmp_path / "raw", "no gridded file here")
    (tmp_path / "raw" / "a.nc").write_bytes(b"")
    refused(tmp_path / "raw", r"a\.nc: is empty")
    (tmp_path / "raw" / "a.nc").write_bytes(b"PK\x03\x04 and more")
    refused(tmp_path / "raw", "is not NetCDF, HDF5, Zarr, GeoTIFF or HDF4")


@pytest.mark.parametrize("kind", ["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.97])
def test_a_truncated_file_among_many_is_named(tmp_path, kind, share):
    """The netCDF library alone would read zeros from the classic ones."""
    folder = months(tmp_path / "raw", range(6), format=kind)
    content = (folder / "sst_04.nc").read_bytes()
    (folder / "sst_04.nc").write_bytes(content[: int(share * len(content))])
    refused(folder, r"sst_04\.nc")


def test_a_damaged_block_is_named_with_its_month(tmp_path):
    options = {"chunksizes": (1, 3, 4), "zlib": True, "fletcher32": True}
    path = write(tmp_path / "a.nc", field(6), options=options)
    import h5py

    with h5py.File(path) as file:
        place = file["sst"].id.get_chunk_info(3).byte_offset
    content = bytearray(path.read_bytes())
    content[place + 5] ^= 16
    path.write_bytes(content)
    refused(path, r"a\.nc: cannot be read at 2001-04-01")


def test_a_missing_chunk_of_a_zarr_store(tmp_path):
    import xarray as xr

    with xr.open_dataset(
        write(tmp_path / "a.nc", np.rint(np.nan_to_num(VALUES)).astype(np.int16)), decode_cf=False
    ) as opened:
        plain = opened.drop_encoding().chunk({"time": 1})
        plain.to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False)
    (tmp_path / "a.zarr" / "sst" / "c" / "2" / "0" / "0").unlink()
    refused(tmp_path / "a.zarr", "1 of 4 chunks are missing, and would be read as 0", "variable sst")


def test_missing_blocks_of_a_geotiff(tmp_path):
    """Sparse files leave blocks out, which are read as 0 where the file declares no fill value."""
    rasterio = pytest.importorskip("rasterio")
    (tmp_path / "raw").mkdir()
    profile = {"driver": "GTiff", "width": 32, "height": 32, "count": 1, "dtype": "float32", "crs": "EPSG:4326",
               "transform": rasterio.Affine(1, 0, 95, 0, -1, 35), "sparse_ok": True, "tiled": True, "blockxsize": 16,
               "blockysize": 16}  # fmt: skip
    with rasterio.open(tmp_path / "raw" / "sst_2001-01.tif", "w", **profile) as file:
        file.write(np.ones((16, 16), np.float32), 1, window=((0, 16), (0, 16)))
    refused(tmp_path / "raw", r"sst_2001-01\.tif: 3 of its blocks are missing, and would be read as 0")


def test_grib_is_named_with_a_converter(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "era5.nc").write_bytes(b"GRIB" + bytes(100))  # a download under the wrong name
    refused(tmp_path / "raw", r"era5\.nc: is GRIB, which is not read", "cdo -f nc4 copy")
    (tmp_path / "raw" / "era5.nc").rename(tmp_path / "raw" / "era5.GRB2")
    refused(tmp_path / "raw", r"era5\.GRB2: is GRIB, which is not read", "cdo -f nc4 copy")


def test_bands_are_counted_before_a_date_is_looked_for(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    (tmp_path / "raw").mkdir()
    profile = {"driver": "GTiff", "width": 4, "height": 4, "count": 3, "dtype": "float32", "crs": "EPSG:4326"}
    profile["transform"] = rasterio.Affine(1, 0, 0, 0, -1, 40)
    with rasterio.open(tmp_path / "raw" / "sst_2001.tif", "w", **profile) as file:
        file.write(np.ones((3, 4, 4), np.float32))
    refused(tmp_path / "raw", r"sst_2001\.tif: has 3 bands, not one", "gdal_translate -b 1")


def test_a_land_mask_of_all_times_that_changes(tmp_path):
    land = np.repeat(np.isnan(VALUES[:1]), len(VALUES), axis=0)
    land[2, 0, 0] = ~land[2, 0, 0]
    with netCDF4.Dataset(write(tmp_path / "a.nc"), "a") as file:
        file.createVariable("lsm", "f4", ("time", "lat", "lon"))[:] = land
    remedy = r"--land one. In xarray: file\['one'\] = file\['lsm'\]\.isel\(time=0, drop=True\)"
    refused(tmp_path / "a.nc", r"variable lsm: changes along time", remedy, land="lsm")
    with xr.open_dataset(tmp_path / "a.nc") as file:
        file["one"] = file["lsm"].isel(time=0, drop=True)
        file.to_netcdf(tmp_path / "b.nc")
    dataset = prepared(tmp_path / "b.nc", land="one")
    np.testing.assert_array_equal(dataset.array("land"), land[0])


def test_dates_in_names_that_are_not_clear(tmp_path):
    (tmp_path / "raw").mkdir()
    write(tmp_path / "raw" / "sst_200101-200112.nc", VALUES[:1], dims=("lat", "lon"), times=None)
    refused(tmp_path / "raw", "its name holds several dates: 2001-01-01, 2001-12-01")
    pattern = r"sst_(?P<year>\d{4})(?P<month>\d\d)-"
    refused(tmp_path / "raw", "there is one time step", date_pattern=pattern)


def test_a_mask_of_sea_is_not_a_mask_of_land(tmp_path):
    path = write(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("mask", "i1", ("lat", "lon"))[:] = ~np.isnan(VALUES[0])
        file.createVariable("codes", "i1", ("lat", "lon"))[:] = 3
    refused(
        path, "the land mask is 1 at 11 of the 11 cells that have values: it seems to be a mask of sea", land="mask"
    )
    refused(path, "holds other values than 0 to 1", land="codes")
    refused(path, "has no variable lsm", land="lsm")


def test_a_share_of_land_in_percent(tmp_path):
    path = write(tmp_path / "a.nc")
    with netCDF4.Dataset(path, "a") as file:
        for name, most in (("sftlf", 100), ("share", 1)):
            file.createVariable(name, "f4", ("lat", "lon"))[:] = most * np.isnan(VALUES[0])
            file[name].units = "%"
    np.testing.assert_array_equal(prepared(path, land="sftlf").array("land"), np.isnan(VALUES[0]))
    refused(path, "variable share: is in %, and holds 0 and 1 alone", land="share")


def test_a_share_of_land_as_files_store_it(tmp_path):
    path = write(tmp_path / "a.nc")
    land = np.isnan(VALUES[0])
    with netCDF4.Dataset(path, "a") as file:
        packed = file.createVariable("packed", "i1", ("lat", "lon"))
        packed.setncatts({"units": "%", "scale_factor": 2.0})
        packed.set_auto_maskandscale(False)
        packed[:] = 50 * land
        filled = file.createVariable("filled", "f4", ("lat", "lon"), fill_value=1e20)
        filled.units = "%"
        filled[:] = np.where(land, 100.00002, 1e20)
        little = file.createVariable("little", "f4", ("lat", "lon"))
        little.units = "%"
        little[:] = 0.5
    for name in ("packed", "filled"):
        np.testing.assert_array_equal(prepared(path, land=name).array("land"), land)
    assert not np.asarray(prepared(path, land="little").array("land")).any()


def test_no_cell_in_the_box_and_no_time_in_the_period(tmp_path):
    path = write(tmp_path / "a.nc")
    refused(path, "no cell lies within 0,0,5,5", "grid from 10 to 30 N, 100 to 130 E", crop="0,0,5,5")
    refused(path, "no time step is from 2005 to the last", "2001-01-01 to 2001-04-01", start="2005")


def test_options_that_cannot_be(geoml, tmp_path):
    path = write(tmp_path / "a.nc")
    done = geoml("prepare", "grid", path, "--crop", "1,2,3", "--start", "May", "--range", "5,1", "--select", "depth")
    assert done.code == 2
    for text in ("give 4 numbers, such as 117,21,130,42", "give a year, month or day", "the first number must be below",
                 "give DIMENSION=VALUE"):  # fmt: skip
        assert text in done.err
    done = geoml("prepare", "grid", path, "--date-pattern", r"(\d+)", "--crop", "1,9,3,4")
    assert "it needs the groups" in done.err and "SOUTH, must be below the fourth" in done.err
    assert geoml("prepare", "grid", path, "--var", "tos", "--data", tmp_path / "d").code == 3


@pytest.mark.parametrize("start", ["2003-13", "2003-00", "2003-02-31", "2003-04-31", "2003-05-32"])
def test_dates_that_there_are_not_are_refused(geoml, tmp_path, start):
    done = geoml("prepare", "grid", tmp_path, "--start", start)
    assert done.code == 2 and "--start" in done.err
    if len(start) == 7:
        done = geoml("prepare", "carbon-ecs", tmp_path, "--end", start)
        assert done.code == 2 and "--end" in done.err


def test_a_hole_between_columns_is_refused(tmp_path):
    lon = np.concatenate([np.arange(2.0), 100 + np.arange(2.0)])
    refused(write(tmp_path / "a.nc", VALUES, lon=lon), "columns are missing between longitudes 1 and 100", "--crop")
    lon = np.array([0.0, 1.0, 2.0, 350.0])
    refused(write(tmp_path / "b.nc", VALUES, lon=lon), "columns are missing between longitudes 2 and 350", "--crop")


@pytest.mark.parametrize("turn", [0.0, 360.0])
def test_a_box_about_the_far_side_of_the_globe_has_a_hole_however_longitudes_are_written(tmp_path, turn):
    lon = np.sort(np.arange(-2, 3, 0.5) % turn) if turn else np.arange(-2, 3, 0.5)
    values = np.random.default_rng(1).normal(15, 5, (*VALUES.shape[:2], len(lon))).astype(np.float32)
    path = write(tmp_path / "a.nc", values, lon=lon)
    prepared(path, crop="359,-90,1,90" if turn else "-1,-90,1,90")
    refused(path, "columns are missing between longitudes 2.5 and (-2|358)", "--crop", crop="1,-90,-1,90")


def test_a_hole_between_rows_is_refused_and_a_grid_that_is_stretched_is_none(tmp_path):
    lat = np.concatenate([np.arange(-60.0, -20, 4), np.arange(20.0, 60, 4)])
    values = np.random.default_rng(1).normal(15, 5, (VALUES.shape[0], len(lat), 4)).astype(np.float32)
    path = write(tmp_path / "a.nc", values, lat=lat)
    refused(path, "rows are missing between latitudes -24 and 20, which are 44 apart, 4 next to it", "--crop")
    prepared(path, crop="-180,-60,180,-20")  # the remedy
    stretched = np.cumsum(1.15 ** np.arange(len(lat))) / 2
    prepared(write(tmp_path / "c.nc", values[:, :3].repeat(5, axis=2), lat=np.arange(3.0), lon=stretched[:20]))


@pytest.mark.parametrize(
    ("lon", "expected"), [([0.0, 5, 355], [-5, 0, 5]), ([0.0, 355], [-5, 0]), ([10.0, 190], [10, 190])]
)
def test_two_or_three_columns_go_on_across_greenwich(tmp_path, lon, expected):
    values = np.random.default_rng(1).normal(15, 5, (VALUES.shape[0], 3, len(lon))).astype(np.float32)
    dataset = prepared(write(tmp_path / "a.nc", values, lon=np.array(lon)))
    np.testing.assert_allclose(dataset.array("lon")[:] % 360, np.array(expected) % 360)
    area = np.asarray(dataset.array("cell_area"))
    np.testing.assert_allclose(area, np.broadcast_to(area[:, :1], area.shape))


def test_a_frame_with_one_value_is_mentioned(tmp_path):
    """It may stand for a file that could not be read, or be a month without rain."""
    values = field(8)
    values[5] = np.where(np.isfinite(values[5]), np.float32(20), np.nan)
    notes = prepared(write(tmp_path / "a.nc", values)).manifest.funnel.notes
    assert "1 frames have one value in all cells, e.g. 20 at 2001-06-01 (a.nc)" in notes
    assert not any("one value" in note for note in prepared(write(tmp_path / "b.nc", field(8))).manifest.funnel.notes)


def test_a_box_of_land_alone_is_told(tmp_path):
    values = VALUES.copy()
    values[:, :2, :2] = np.nan
    path = write(tmp_path / "a.nc", values)
    half = abs(LON[1] - LON[0]) / 2
    south, north = sorted(LAT[:2])
    box = f"{LON[0] - half},{south - half},{LON[1] + half},{north + half}"
    refused(path, "has no valid value at", "If no time has one within --crop, choose another box", crop=box)


@pytest.mark.parametrize(
    ("names", "pattern", "text"),
    [
        (("0101", "0102"), r"(?P<year>\d\d)(?P<month>\d\d)", r"the year '01' in its name has no four digits"),
        (("Jun2001", "Xyz2001"), r"(?P<month>[A-Z][a-z]{2})(?P<year>\d{4})", r"'Xyz' in its name is no month"),
        (("J2001", "F2001"), r"_(?P<month>[A-Z])(?P<year>\d{4})", r"'[JF]' in its name is no month"),
        (("2001-01", "2001-02"), r"y(?P<year>\d{4})-(?P<month>\d\d)", "its name nothing that --date-pattern 'y"),
        (("2001-13", "2001-14"), r"(?P<year>\d{4})-(?P<month>\d\d)", r"the date in its name does not exist\. "),
    ],
)
def test_dates_in_names_that_are_none(tmp_path, names, pattern, text):
    (tmp_path / "raw").mkdir()
    for name in names:
        write(tmp_path / "raw" / f"sst_{name}.nc", VALUES[:1], dims=("lat", "lon"), times=None)
    refused(tmp_path / "raw", text, date_pattern=pattern)


def test_files_that_overlap_or_interleave_are_to_be_joined(tmp_path):
    (tmp_path / "raw").mkdir()
    write(tmp_path / "raw" / "a.nc", VALUES, times=FIRST_DAYS[:4])
    write(tmp_path / "raw" / "b.nc", VALUES, times=FIRST_DAYS[2:6])
    refused(
        tmp_path / "raw", r"2001-04-01 \(a\.nc\) is followed by 2001-03-01", "cut what both have out of one of them"
    )
    whole = write(tmp_path / "whole.nc", field(6), times=FIRST_DAYS[:6])
    with xr.open_dataset(whole, decode_times=False) as file:
        for name, steps in (("a.nc", slice(0, None, 2)), ("b.nc", slice(1, None, 2))):
            file.isel(time=steps).to_netcdf(tmp_path / "raw" / name)
    refused(tmp_path / "raw", "time goes back", r"join a\.nc and b\.nc by time \(cdo mergetime\)")
    parts = [xr.load_dataset(tmp_path / "raw" / name, decode_times=False) for name in ("a.nc", "b.nc")]
    xr.concat(parts, "time").sortby("time").to_netcdf(tmp_path / "joined.nc")
    np.testing.assert_array_equal(prepared(tmp_path / "joined.nc").array("sst"), field(6))


def test_members_are_selected_by_their_number_as_the_message_says(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        for name, size in (("time", 4), ("member", 2), ("lat", 3), ("lon", 4)):
            file.createDimension(name, size)
        coordinate(file, "lat", LAT, {"units": "degrees_north"})
        coordinate(file, "lon", LON, {"units": "degrees_east"})
        coordinate(file, "member", [1.0, 2.0], {})
        coordinate(file, "time", FIRST_DAYS[:4], MONTHLY)
        sst = file.createVariable("sst", "f4", ("time", "member", "lat", "lon"))
        sst.units = "degC"
        sst[:] = np.stack([VALUES, VALUES + 1], axis=1)
    refused(tmp_path / "a.nc", "further dimension member of 2 places", "--select member=1")
    np.testing.assert_array_equal(prepared(tmp_path / "a.nc", select=("member=1",)).array("sst"), VALUES)


def test_coordinates_in_radians_are_said_to_be_so(tmp_path):
    lat, lon = np.deg2rad(LAT), np.deg2rad(LON)
    path = write(tmp_path / "a.nc", lat=lat, lon=lon, lat_attrs={"units": "radian"}, lon_attrs={"units": "radian"})
    refused(path, r"has no latitude: .* have no coordinates of degrees \(lat is in 'radian', lon is in 'radian'\)")


def test_a_missing_hour_is_named_with_it(tmp_path):
    hours = {"units": "hours since 2001-01-01"}
    path = write(tmp_path / "a.nc", field(5), times=[6.0, 12, 18, 30, 36], time_attrs=hours)
    refused(path, "1 of 6 time steps are missing: 2001-01-02T00:00")
