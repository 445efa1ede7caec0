"""What files state of their numbers and places counts: packing of coordinates, unsigned bounds, masks, own axes."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest
import xarray as xr
from grid_files import FIRST_DAYS, LAT, LON, MONTHLY, coordinate, field, prepared, write

from geoml_cli.dataset.grid import EARTH_RADIUS_M, GridFacts
from geoml_cli.errors import DataError
from geoml_cli.sources.grid.options import GridOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

VALUES = field()


@pytest.mark.parametrize(
    "bounds",
    [
        {"valid_range": np.array([0, -6], "i1")},
        {"valid_min": np.int8(0), "valid_max": np.int8(-6)},
        {"valid_range": np.array([0, 250], "i2")},
    ],
)
@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF4"])
def test_bounds_of_unsigned_numbers_may_be_written_as_signed_ones(tmp_path, bounds, form):
    numbers = np.arange(48).reshape(4, 3, 4) * 5 % 256
    numbers[:, 1, 2] = 255
    attributes = {"_Unsigned": "true", "_FillValue": np.int8(-1), "scale_factor": np.float32(0.004), **bounds}
    raw = write(tmp_path / "a.nc", numbers.astype(np.uint8).view(np.int8), format=form, attrs=attributes)
    expected = np.where(numbers <= 250, numbers * np.float32(0.004), np.nan)
    np.testing.assert_allclose(prepared(raw).array("sst"), expected, rtol=1e-6)


def with_bounds(path, lat, lat_pairs, lon, lon_pairs):
    """Write months with where rows and columns begin and end."""
    write(path, lat=lat, lon=lon, lat_attrs={"bounds": "lat_bnds"}, lon_attrs={"bounds": "lon_bnds"})
    with netCDF4.Dataset(path, "a") as file:
        file.createDimension("nv", 2)
        for name, pairs in (("lat", lat_pairs), ("lon", lon_pairs)):
            file.createVariable(f"{name}_bnds", "f8", (name, "nv"))[:] = pairs
    return path


LAT_PAIRS = np.array([[-90.0, -30.0], [-30.0, 45.0], [45.0, 90.0]])
LON_PAIRS = np.array([[-5.0, 7.0], [7.0, 15.0], [15.0, 26.0], [26.0, 40.0]])
ROWS, COLUMNS = np.array([-60.0, 0.0, 75.0]), np.array([0.0, 10.0, 20.0, 30.0])


@pytest.mark.parametrize("turn", [False, True])
@pytest.mark.parametrize("east", [0.0, 330.0, 100.0])
def test_cells_end_at_their_bounds(tmp_path, turn, east):
    """Halfway between centres a row of a stretched grid would be of another size, and weigh otherwise in scores."""
    rows = slice(None, None, -1 if turn else 1)
    columns, pairs = (COLUMNS + east) % 360, (LON_PAIRS + east) % 360
    path = with_bounds(tmp_path / "a.nc", ROWS[rows], LAT_PAIRS[rows, ::-1], columns, pairs)
    for crop, chosen in (({}, slice(None)), ({"crop": f"{1 + east},-90,{31 + east},90"}, slice(1, None))):
        dataset = prepared(path, **crop)
        height = np.diff(np.sin(np.radians(LAT_PAIRS[rows])), axis=1)
        width = np.radians(np.diff(LON_PAIRS, axis=1))[chosen, 0]
        expected = EARTH_RADIUS_M**2 * height * width
        np.testing.assert_allclose(dataset.array("cell_area"), expected, rtol=1e-12)
        assert not dataset.manifest.funnel.notes


@pytest.mark.parametrize(
    ("lat_pairs", "lon_pairs"),
    [
        (LAT_PAIRS + 40, LON_PAIRS),  # they do not enclose the centres
        (LAT_PAIRS * np.pi / 180, LON_PAIRS),
        (np.where(LAT_PAIRS == -30, [[-30.0, -39.0]] * 3, LAT_PAIRS), LON_PAIRS),  # with a gap
        (np.full((3, 2), np.nan), LON_PAIRS),
        (LAT_PAIRS, np.zeros((4, 2))),
    ],
)
def test_bounds_that_hold_no_cells_are_noted_and_left_out(tmp_path, lat_pairs, lon_pairs):
    one = prepared(with_bounds(tmp_path / "a.nc", ROWS, lat_pairs, COLUMNS, lon_pairs))
    wrong = "lon" if lat_pairs is LAT_PAIRS else "lat"
    assert one.manifest.funnel.notes == [
        f"{wrong}_bnds does not hold the cells of {wrong}: they end halfway between their centres"
    ]
    other = prepared(with_bounds(tmp_path / "b.nc", ROWS, LAT_PAIRS, COLUMNS, LON_PAIRS))
    plain = prepared(write(tmp_path / "c.nc", lat=ROWS, lon=COLUMNS))
    areas = [np.array(dataset.array("cell_area")) for dataset in (one, other, plain)]
    part = np.s_[:1] if wrong == "lon" else np.s_[:, :1]
    shares = [area[part] / area[part].sum() for area in areas]
    np.testing.assert_allclose(shares[0], shares[2], rtol=1e-12)
    assert np.abs(shares[1] - shares[2]).max() > 0.01


def test_bounds_halfway_leave_the_data_set_as_it_is(tmp_path):
    pairs = [np.stack([axis - 5, axis + 5], axis=1).astype(np.float32) + 1e-5 for axis in (LAT, LON)]
    one = prepared(with_bounds(tmp_path / "a.nc", LAT, pairs[0], LON, pairs[1]))
    other = prepared(write(tmp_path / "b.nc"))
    np.testing.assert_array_equal(one.array("cell_area"), other.array("cell_area"))


@pytest.mark.parametrize(("stated", "uneven"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("crop", ["95,15,135,25", "105,5,115,35", "105,15,115,25", "95,15,135,35"])
def test_cells_of_a_part_are_as_large_as_in_the_whole(tmp_path, crop, stated, uneven):
    """Of a single row or column the neighbours say how large it is."""
    lat = np.array([10.0, 20.0, 32.0]) if uneven else LAT
    pairs = [np.stack([axis - 5, axis + 5], axis=1) for axis in (lat, LON)]
    pairs[0][1, 1] = pairs[0][2, 0] = 26.0 if uneven else 25.0
    path = with_bounds(tmp_path / "a.nc", lat, pairs[0], LON, pairs[1])
    if not stated:
        path = write(path, lat=lat)
    whole, part = prepared(path), prepared(path, crop=crop)
    rows, columns = (np.isin(whole.array(name), part.array(name)) for name in ("lat", "lon"))
    np.testing.assert_allclose(part.array("cell_area"), whole.array("cell_area")[np.ix_(rows, columns)], rtol=1e-12)
    assert not part.manifest.funnel.notes


def test_a_file_of_one_row_says_how_high_it_is_or_it_is_noted(tmp_path):
    path, values = tmp_path / "a.nc", VALUES[:, :1]
    lacking = prepared(write(path, values, lat=LAT[:1]))
    assert lacking.manifest.funnel.notes == ["lat has one value and no bounds: its cells are taken as one degree wide"]
    write(path, values, lat=LAT[:1], lat_attrs={"bounds": "lat_bnds"})
    with netCDF4.Dataset(path, "a") as file:
        file.createDimension("nv", 2)
        file.createVariable("lat_bnds", "f8", ("lat", "nv"))[:] = [[9.5, 10.5]]
    stated = prepared(path)
    assert not stated.manifest.funnel.notes
    np.testing.assert_allclose(stated.array("cell_area"), lacking.array("cell_area"))


def packed_time(path, attributes, with_bounds):
    """Write months whose times are packed, which the library does, and bounds that are packed as they are."""
    days = np.array([*FIRST_DAYS[:4], 120.0])
    write(path, times=days[:4], time_attrs={**MONTHLY, **attributes, **({"bounds": "b"} if with_bounds else {})})
    if with_bounds:
        with netCDF4.Dataset(path, "a") as file:
            file.createDimension("two", 2)
            file.createVariable("b", "f8", ("time", "two"))[:] = 2 * np.stack([days[:-1], days[1:]], axis=1)
    return path


def test_files_with_and_without_bounds_of_times_do_not_follow_one_another(tmp_path):
    """Of months that end at their stamps only those with bounds are known to."""
    days, raw = np.array([0.0, 31, 59, 90, 120, 151, 181]), tmp_path / "raw"
    raw.mkdir()

    def ending(name, first, last, attributes):
        write(raw / name, field(last - first), times=days[first + 1 : last + 1], time_attrs={**MONTHLY, **attributes})
        with netCDF4.Dataset(raw / name, "a") as file:
            file.createDimension("two", 2)
            pairs = np.stack([days[first:last], days[first + 1 : last + 1]], axis=1)
            file.createVariable("b", "f8", ("time", "two"))[:] = pairs

    ending("b.nc", 3, 6, {"bounds": "b"})
    ending("a.nc", 0, 3, {})
    with pytest.raises(
        DataError, match=r"in b\.nc, but there are no such bounds in a\.nc\)\. Give every file bounds of"
    ):
        prepared(raw)
    ending("a.nc", 0, 3, {"bounds": "b"})  # the remedy
    assert len(prepared(raw).array("time")) == 6


@pytest.mark.parametrize("with_bounds", [False, True])
def test_times_may_be_packed(tmp_path, with_bounds):
    dataset = prepared(packed_time(tmp_path / "a.nc", {"scale_factor": 0.5}, with_bounds))
    np.testing.assert_array_equal(dataset.array("time"), 11323 + np.array(FIRST_DAYS[:4]))
    late = write(tmp_path / "b.nc", time_attrs={**MONTHLY, "add_offset": 5.0})
    np.testing.assert_array_equal(prepared(late).array("time"), dataset.array("time"))


def test_a_level_of_packed_depths_is_chosen_by_its_value(tmp_path):
    depths, values = np.array([5.0, 10.0, 20.0]), np.stack([VALUES, VALUES + 1, VALUES + 2], axis=1)
    coords = {"time": xr.date_range("2001-01-01", periods=4, freq="MS"), "depth": depths, "lat": LAT, "lon": LON}
    data = xr.DataArray(values, coords, ("time", "depth", "lat", "lon"), attrs={"units": "degC"})
    packing = {"depth": {"dtype": "i2", "scale_factor": 0.5, "add_offset": 5.0, "_FillValue": None}}
    data.to_dataset(name="sst").to_netcdf(tmp_path / "a.nc", encoding=packing)
    chosen = prepared(tmp_path / "a.nc", select=("depth=10",))
    np.testing.assert_allclose(chosen.array("sst"), VALUES + 1, rtol=1e-6)
    with pytest.raises(DataError, match="depth has no value 0; it has 5, 10, 20"):
        prepared(tmp_path / "a.nc", select=("depth=0",))


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("kind", ["float32", "int16"])
def test_a_mask_of_a_geotiff_counts(tmp_path, kind, beside):
    rasterio = pytest.importorskip("rasterio")
    numbers = (np.arange(48).reshape(4, 3, 4) + 3).astype(kind)
    numbers[:, 1, 2] = 0
    profile = {"driver": "GTiff", "width": 4, "height": 3, "count": 1, "dtype": kind, "crs": "EPSG:4326",
               "transform": rasterio.Affine(10, 0, 95, 0, -10, 35)}  # fmt: skip
    (tmp_path / "raw").mkdir()
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=not beside):
        for number, month in enumerate(numbers):
            with rasterio.open(tmp_path / "raw" / f"sst_2001-0{number + 1}.tif", "w", **profile) as file:
                file.write(month, 1)
                file.write_mask(month != 0)
    assert len(list((tmp_path / "raw").glob("*.msk"))) == (4 if beside else 0)
    dataset = prepared(tmp_path / "raw", var=None, unit="degC")
    np.testing.assert_array_equal(dataset.array("value"), np.where(numbers == 0, np.nan, numbers))
    assert dataset.array("land").sum() == 1


def test_what_lies_beside_a_geotiff_makes_another_data_set(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    raw = tmp_path / "raw"
    raw.mkdir()
    profile = {"driver": "GTiff", "width": 4, "height": 3, "count": 1, "dtype": "int16", "crs": "EPSG:4326",
               "transform": rasterio.Affine(10, 0, 95, 0, -10, 35)}  # fmt: skip
    for number in range(4):
        with rasterio.open(raw / f"sst_2001-0{number + 1}.tif", "w", **profile) as file:
            file.write(np.full((3, 4), 100 + number, "i2"), 1)
    source, folder = Raw("grid", raw, GridOptions(unit="degC")), tmp_path / "data"
    assert prepare(source, folder, NullReporter()).fresh and not prepare(source, folder, NullReporter()).fresh
    for path in raw.glob("*.tif"):
        text = '<PAMDataset><PAMRasterBand band="1"><Scale>0.5</Scale></PAMRasterBand></PAMDataset>'
        path.with_name(path.name + ".aux.xml").write_text(text)
    again = prepare(source, folder, NullReporter())
    assert again.fresh and sum(file.name.endswith(".aux.xml") for file in again.manifest.files) == 4


def globe(columns, west):
    return np.array([west + 30.0 * column for column in range(columns)])


@pytest.mark.parametrize("west", [0.0, -180.0])
@pytest.mark.parametrize("crop", ["", "100,-90,140,90", "-40,-90,40,90"])
def test_a_column_that_closes_the_globe_counts_once(tmp_path, west, crop):
    values = np.random.default_rng(1).normal(15, 1, (4, 3, 13)).astype("f4")
    values[..., -1] = values[..., 0]
    lat = np.array([-60.0, 0.0, 60.0])
    closed = write(tmp_path / "closed.nc", values, lat=lat, lon=globe(13, west))
    open_ = write(tmp_path / "open.nc", values[..., :-1], lat=lat, lon=globe(12, west))
    one, other = (prepared(path, crop=crop) for path in (closed, open_))
    for name in ("sst", "lon", "cell_area"):
        np.testing.assert_array_equal(one.array(name), other.array(name))
    notes = one.manifest.funnel.notes
    assert any("360 degrees from the first" in note for note in notes), notes
    if not crop:
        assert one.array("cell_area").sum() / 1e12 == pytest.approx(510, rel=0.01)  # 1e6 km2: the globe's


def with_land(path, lat, lon):
    write(path)
    land = np.zeros((3, 4))
    land[0], land[1, 2] = 1, 1  # the south, and the cell that is never valid
    with netCDF4.Dataset(path, "a") as file:
        for name, values, unit in (("y", lat, "degrees_north"), ("x", lon, "degrees_east")):
            file.createDimension(name, len(values))
            coordinate(file, name, values, {"units": unit}, (name,))
        turned = land[:: 1 if lat[0] < lat[-1] else -1, :: 1 if lon[0] < lon[-1] else -1]
        file.createVariable("lsm", "f4", ("y", "x"))[:] = turned
    return path, land.astype(bool)


@pytest.mark.parametrize("lat", [LAT, LAT[::-1]])
@pytest.mark.parametrize("lon", [LON, LON[::-1]])
def test_a_land_mask_on_axes_of_its_own_is_turned(tmp_path, lat, lon):
    path, land = with_land(tmp_path / "a.nc", lat, lon)
    np.testing.assert_array_equal(prepared(path, land="lsm").array("land"), land)


@pytest.mark.parametrize("crop", ["", "-40,-90,40,90"])
@pytest.mark.parametrize("lon", [globe(13, 0.0), np.array([0.0, 10.0, 20.0, 330.0, 340.0, 350.0])])
def test_a_land_mask_lies_as_the_columns_that_are_read(tmp_path, lon, crop):
    """Of a globe that is closed, and of a part of it that is stored in two pieces."""
    values = np.random.default_rng(1).normal(15, 1, (4, 3, len(lon))).astype("f4")
    land = np.zeros((3, len(lon)), dtype=bool)
    land[0, 1], land[2, -2] = True, True
    values[:, land] = np.nan
    lat = np.array([-60.0, 0.0, 60.0])
    path = write(tmp_path / "a.nc", values, lat=lat, lon=lon)
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("lsm", "f4", ("lat", "lon"))[:] = land
    dataset = prepared(path, land="lsm", crop=crop)
    np.testing.assert_array_equal(dataset.array("land"), np.isnan(dataset.array("sst")[0]))
    assert np.asarray(dataset.array("land")).sum() == 2


def test_a_land_mask_of_other_places_is_refused(tmp_path):
    path, _ = with_land(tmp_path / "a.nc", LAT + 1, LON)
    with pytest.raises(DataError, match="lsm: lies on other latitudes or longitudes than the grid"):
        prepared(path, land="lsm")


def test_facts_of_a_closed_globe_name_no_seam(tmp_path):
    values = np.random.default_rng(1).normal(15, 1, (4, 3, 13)).astype("f4")
    path = write(tmp_path / "closed.nc", values, lat=np.array([-60.0, 0.0, 60.0]), lon=globe(13, 0.0))
    assert prepared(path).manifest.facts_as(GridFacts).regular
