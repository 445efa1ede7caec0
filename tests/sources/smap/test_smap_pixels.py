"""Stacks of pixels give the samples that the same values give at a station, whatever they are stored in."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import xarray
from affine import Affine
from smap_case import BANDS, DAYS, PLACES, SOIL, WEATHER, exported

from geoml_cli import registry
from geoml_cli.config.load import load
from geoml_cli.errors import DataError
from geoml_cli.inference.inputs import pixel_days
from geoml_cli.inference.inputs.pixel_days import strips
from geoml_cli.samples.input import Grid
from geoml_cli.sources.smap.cubes import open_cube
from geoml_cli.sources.smap.pixels import pixels
from geoml_cli.sources.smap.scales import days_of_another

SIDE = 0.01
LATITUDE, LONGITUDE = PLACES["Alpha-1"]
SHAPE = (3, 4)


def bands():
    """Make the bands whose values every pixel shares with the stations: the exports of Alpha-1, day by day."""
    days = [day for day, date in enumerate(DAYS) if exported(date)]
    daily = {name: [value for _ in days] for name, value in WEATHER.items()}
    daily["pr"] = [float(day) for day in days]
    daily["SMAP"] = [round(0.2 + day / 1000, 4) for day in days]
    daily["LST"] = [15000.0 + day if day % 2 == 0 else np.nan for day in days]
    daily["VV"] = [-10.0 - day / 10 if day % 4 == 0 else np.nan for day in days]
    daily["VH"] = [-17.0 if day % 4 == 0 else np.nan for day in days]
    daily |= {name: [value if day % 3 == 0 else np.nan for day in days] for name, value in BANDS.items()}
    return DAYS[days], daily, {**SOIL, "land_cover": 71.0}


def dataset_of(lake=False):
    dates, daily, fixed = bands()
    y = LATITUDE - SIDE * np.arange(SHAPE[0])
    x = LONGITUDE + SIDE * np.arange(SHAPE[1])
    variables = {
        name: (("time", "lat", "lon"), np.broadcast_to(np.float32(values)[:, None, None], (len(dates), *SHAPE)))
        for name, values in daily.items()
    }
    variables |= {name: (("lat", "lon"), np.full(SHAPE, value, dtype=np.float32)) for name, value in fixed.items()}
    if lake:
        variables["land_cover"][1][0, 0] = 11
        variables["eto"] = (variables["eto"][0], variables["eto"][1].copy())
        variables["eto"][1][40, 1, 1] = np.nan
    return xarray.Dataset(variables, {"time": dates.astype("datetime64[ns]"), "lat": y, "lon": x})


def netcdf(folder, content):
    content.to_netcdf(folder / "stack.nc")
    return folder / "stack.nc"


def south_first(folder, content):
    content.isel(lat=slice(None, None, -1)).to_netcdf(folder / "stack.nc")
    return folder / "stack.nc"


def zarr(folder, content):
    content.to_zarr(folder / "stack.zarr", consolidated=False)
    return folder / "stack.zarr"


def packed(folder, content):
    return geotiff(folder, content, scale=0.5, offset=3.0)


def geotiff(folder, content, crs="EPSG:4326", scale=1.0, offset=0.0):
    folder = folder / "tiffs"
    folder.mkdir()
    west, north = float(content.lon[0]) - SIDE / 2, float(content.lat[0]) + SIDE / 2
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "height": SHAPE[0], "width": SHAPE[1]}
    profile |= {"crs": crs, "transform": Affine(SIDE, 0, west, 0, -SIDE, north), "nodata": -9999.0}
    for name, item in content.data_vars.items():
        layers = {"": item.values}
        if "time" in item.dims:
            layers = {
                f"_{str(t)[:10].replace('-', '')}": layer
                for t, layer in zip(item.time.values, item.values, strict=True)
            }
        for date, layer in layers.items():
            if np.isfinite(layer).any():  # a day without a scene has no file
                with rasterio.open(folder / f"{name}{date}.tif", "w", **profile) as file:
                    file.write(np.nan_to_num((layer - offset) / scale, nan=-9999.0).astype(np.float32), 1)
                    file.scales, file.offsets = (scale,), (offset,)
    return folder


def network():
    return registry.spec("mmnet").networks(load("mmnet", "onsite", None, {}).own)[""]


WHOLE = (slice(0, SHAPE[0]), slice(0, SHAPE[1]))


LINEAR = {"fill": "linear"}


@pytest.mark.parametrize(
    ("store", "rules"),
    [
        *((store, LINEAR) for store in (netcdf, south_first, zarr, geotiff, packed)),
        (netcdf, {"fill": "previous"}),
        (geotiff, {"window": "days", "lst": "kelvin"}),
    ],
)
def test_a_pixel_has_the_samples_of_a_station_with_the_same_values(raw, prepared, tmp_path, store, rules):
    dataset = prepared(raw, **rules)
    stack = pixels(store(tmp_path, dataset_of()), dataset.manifest)
    day = slice(20, 45)
    block = stack.block(*WHOLE, day)
    found = network().samples(block.variables)
    expected = network().samples(dataset)
    dates = np.asarray(dataset.array("time"))[np.asarray(dataset.array("index"))] // 1440
    ours = stack.days[day].astype(np.int64)
    at = np.flatnonzero((np.asarray(dataset.array("station_index")) == 0) & np.isin(dates, ours))
    valid = block.valid
    # 31 December is not there; calendar windows lack the ten days after it as well.
    lost = 11 if "window" in rules else 1
    assert valid.shape == (25, *SHAPE) and valid.any(axis=(1, 2)).sum() == len(at) == 25 - lost
    assert found.complete.all() and len(found) == valid.sum()
    first = np.cumsum(np.r_[0, valid.sum(axis=(1, 2))])[:-1][valid.any(axis=(1, 2))]  # the north-western pixel
    for name, item in expected.inputs.items():
        np.testing.assert_allclose(
            found.inputs[name].values[first], item.values[at], rtol=1e-5, atol=1e-5, err_msg=name
        )


def test_packed_values_may_be_what_is_a_fill_elsewhere(raw, prepared, tmp_path):
    """Of a file that declares -9999."""
    content = dataset_of()
    folder = geotiff(tmp_path, content, scale=0.01)
    with rasterio.open(min(folder.glob("eto_*.tif")), "r+") as file:
        stored = file.read(1)
        stored[0, :3] = -999, -9999, -32768
        file.write(stored, 1)
    found = open_cube(folder).daily("eto", (slice(0, 1), slice(0, 3)))[0, 0]
    np.testing.assert_allclose(found, [-9.99, np.nan, np.nan], rtol=1e-6)


@pytest.mark.parametrize("crs", ["EPSG:4326", "OGC:CRS84", "EPSG:4269"])
def test_maps_of_rasters_in_degrees_have_latitude_and_longitude(raw, prepared, tmp_path, crs):
    stack = pixels(geotiff(tmp_path, dataset_of(), crs), prepared(raw).manifest)
    rows, columns = pixel_days._axes(stack.grid)
    assert [(axis.name, axis.unit) for axis, _ in (rows, columns)] == [
        ("lat", "degrees_north"),
        ("lon", "degrees_east"),
    ]
    np.testing.assert_allclose(rows[1][:2], [LATITUDE, LATITUDE - SIDE], rtol=1e-6)


def test_pixels_lie_at_their_centres(raw, prepared, tmp_path):
    stack = pixels(netcdf(tmp_path, dataset_of()), prepared(raw).manifest)
    part = stack.block(slice(1, 3), slice(2, 4), slice(40, 41)).variables
    np.testing.assert_allclose(part.array("lat"), LATITUDE - SIDE * np.array([1, 1, 2, 2]), rtol=1e-6)
    np.testing.assert_allclose(part.array("lon"), LONGITUDE + SIDE * np.array([2, 3, 2, 3]), rtol=1e-6)


def test_missing_pixels_have_their_reason(raw, prepared, tmp_path):
    stack = pixels(netcdf(tmp_path, dataset_of(lake=True)), prepared(raw).manifest)
    reason = stack.block(*WHOLE, slice(0, len(stack.days))).reason
    names = {name: int((reason == place).sum()) for place, name in enumerate(stack.reasons)}
    # 61 days: a lake on all; ten days at the beginning without ten before, of eleven pixels; and ten days after a gap.
    assert names["land cover of no class"] == 61
    day = list(stack.days).index(bands()[0][40])
    assert reason[day, 1, 1] == 1 and (reason[day + 1 : day + 11, 1, 1] == 2).all() and reason[day + 11, 1, 1] == -1
    assert (reason[:10, 2, 2] == 2).all() and reason[10, 2, 2] == -1


def test_windows_of_a_stack_give_what_the_whole_gives(raw, prepared, tmp_path):
    stack = pixels(netcdf(tmp_path, dataset_of(lake=True)), prepared(raw).manifest)
    whole = stack.block(*WHOLE, slice(30, 50))
    for rows, columns in strips(stack.grid, 5):
        part = stack.block(rows, columns, slice(30, 50))
        np.testing.assert_array_equal(part.reason, whole.reason[:, rows, columns])
        np.testing.assert_array_equal(part.valid, whole.valid[:, rows, columns])


@pytest.mark.parametrize("pixels_at_once", [1, 3, 7, 100])
def test_strips_cover_a_grid_once(pixels_at_once):
    grid, seen = Grid("EPSG:4326", (1, 0, 0, 0, -1, 0), 5, 7), np.zeros((5, 7), dtype=int)
    for rows, columns in strips(grid, pixels_at_once):
        seen[rows, columns] += 1
        assert (rows.stop - rows.start) * (columns.stop - columns.start) <= pixels_at_once
    assert (seen == 1).all()


def with_fixed_bands_by_day(content):
    return content.assign(elevation=content["elevation"].expand_dims(time=content["time"]))


def with_whole_numbers_as_times(content):
    return content.assign_coords(time=[int(f"{day:%Y%m%d}") for day in pd.to_datetime(content["time"].values)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_fixed_bands_by_day, r"there is no band elevation or .* Its elevation has a value a day"),
        (with_whole_numbers_as_times, r"odd\.nc, time: its times are no dates: it has numbers such as 20\d{6}\."),
    ],
)
def test_the_line_of_xarray_that_a_refusal_gives_mends_the_stack(raw, prepared, tmp_path, change, message):
    manifest, content = prepared(raw).manifest, dataset_of()
    odd = change(content)
    odd.to_netcdf(tmp_path / "odd.nc")
    with pytest.raises(DataError, match=message) as refused:
        pixels(tmp_path / "odd.nc", manifest)
    line = refused.value.fix.partition("xarray")[2].strip(" :.")
    eval(line, {"stack": odd, "pandas": pd}).to_netcdf(tmp_path / "mended.nc")
    content.to_netcdf(tmp_path / "plain.nc")
    mended, plain = (pixels(tmp_path / name, manifest) for name in ("mended.nc", "plain.nc"))
    np.testing.assert_array_equal(mended.days, plain.days)


def test_stacks_that_are_none_are_refused(raw, prepared, tmp_path):
    manifest = prepared(raw).manifest
    content = dataset_of()
    content.drop_vars("vpd").to_netcdf(tmp_path / "lacks.nc")
    with pytest.raises(DataError, match=r"lacks\.nc: there is no band vpd with a value a day a pixel"):
        pixels(tmp_path / "lacks.nc", manifest)
    content.assign_coords(lat=[36.1, 36.0, 35.0]).to_netcdf(tmp_path / "uneven.nc")
    with pytest.raises(DataError, match="the 3 values of lat are not evenly spaced"):
        pixels(tmp_path / "uneven.nc", manifest)
    content.assign(vpd=content["vpd"] * 0 + 20).to_netcdf(tmp_path / "hectopascals.nc")
    with pytest.raises(DataError, match=r"hectopascals\.nc, vpd: .* which is no vpd in kPa"):
        stack = pixels(tmp_path / "hectopascals.nc", manifest)
        stack.block(slice(0, 1), slice(0, 1), slice(0, 1))
    content.isel(lat=[0]).to_netcdf(tmp_path / "row.nc")
    with pytest.raises(DataError, match="lat has a single value, which does not tell how large a pixel is"):
        pixels(tmp_path / "row.nc", manifest)
    pixels(content.isel(lat=[0, 1]).to_netcdf(tmp_path / "rows.nc") or tmp_path / "rows.nc", manifest)
    (tmp_path / "broken.nc").write_bytes(b"CDF but not really")
    with pytest.raises(DataError, match="cannot be read as NetCDF or Zarr"):
        pixels(tmp_path / "broken.nc", manifest)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds no GeoTIFF such as eto_20210601\.tif"):
        pixels(tmp_path / "empty", manifest)
    with pytest.raises(DataError, match="there is no such file or folder"):
        pixels(tmp_path / "none.nc", manifest)


def test_longitudes_east_of_greenwich_to_360_are_turned(raw, prepared, tmp_path):
    manifest, content = prepared(raw).manifest, dataset_of()
    content.assign_coords(lon=content.lon % 360).to_netcdf(tmp_path / "east.nc")
    stack = pixels(tmp_path / "east.nc", manifest)
    part = stack.block(*WHOLE, slice(40, 41)).variables
    np.testing.assert_allclose(np.unique(part.array("lon")), LONGITUDE + SIDE * np.arange(SHAPE[1]), rtol=1e-6)
    content.assign_coords(lat=content.lat + 100).to_netcdf(tmp_path / "north.nc")
    with pytest.raises(DataError, match="degrees north and"):
        pixels(tmp_path / "north.nc", manifest)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4269"])
def test_geotiffs_east_of_greenwich_to_360_are_turned(raw, prepared, tmp_path, crs):
    content = dataset_of().isel(time=slice(42))
    stack = pixels(geotiff(tmp_path, content.assign_coords(lon=content.lon % 360), crs), prepared(raw).manifest)
    assert stack.grid.transform[2] == pytest.approx(LONGITUDE - SIDE / 2)
    part = stack.block(*WHOLE, slice(40, 41)).variables
    np.testing.assert_allclose(np.unique(part.array("lon")), LONGITUDE + SIDE * np.arange(SHAPE[1]), rtol=1e-6)


def test_days_stamped_at_their_end_are_those_that_they_cover(raw, prepared, tmp_path):
    content = dataset_of()
    first, day = content.time.values, np.timedelta64(1, "D")
    bounds = (("time", "bnds"), np.stack([first, first + day], axis=1))
    late = content.assign_coords(time=first + day).assign(time_bnds=bounds)
    late.time.attrs["bounds"] = "time_bnds"
    late.to_netcdf(tmp_path / "late.nc", encoding={"time": {"units": "days since 2019-01-01"}})
    manifest = prepared(raw).manifest
    assert (
        pixels(tmp_path / "late.nc", manifest).days.tolist()
        == pixels(netcdf(tmp_path, content), manifest).days.tolist()
    )


def test_days_rounded_to_before_midnight_are_those_that_begin(raw, prepared, tmp_path):
    content = dataset_of()
    early = content.assign_coords(time=content.time.values - np.timedelta64(500, "ms"))
    manifest = prepared(raw).manifest
    found, exact = (pixels(netcdf(tmp_path, stack), manifest).days.tolist() for stack in (early, content))
    assert found == exact and len(exact) > 40


def test_a_day_with_another_scale_than_the_stack_is_refused(raw, prepared, tmp_path):
    content = dataset_of()
    for name in BANDS:
        values = content[name].values.copy()
        values[3] *= 100  # five of a hundred values: no mixture by their number
        content[name] = (content[name].dims, values)
    content.to_netcdf(tmp_path / "mixed.nc")
    with pytest.raises(DataError, match=r"HLS of 1 days, the first 2019-12-04, has another scale than the stack's 0"):
        pixels(tmp_path / "mixed.nc", prepared(raw).manifest).block(*WHOLE, slice(40, 41))


def test_one_band_of_a_day_with_another_scale_is_refused(raw, prepared, tmp_path):
    content = dataset_of()
    power = content["VV"].values.copy()
    power[4] = 10 ** (power[4] / 10)
    content["VV"] = (content["VV"].dims, power)
    content.to_netcdf(tmp_path / "mixed.nc")
    with pytest.raises(DataError, match="Sentinel-1 of 1 days, the first 2019-12-05, has another scale"):
        pixels(tmp_path / "mixed.nc", prepared(raw).manifest).block(*WHOLE, slice(40, 41))


def test_a_pixel_of_water_that_is_seen_once_is_no_other_scale():
    values = np.full((2, 6, 2, 2), np.nan)
    values[:, :5, 0] = 2000.0
    values[:, 5, 1] = 50.0
    assert days_of_another(values, "x 10,000") == []
    values[:, 5, 1] = 20.0
    assert days_of_another(values, "x 10,000") == [5]


@pytest.mark.parametrize("scale", [10000.0, 1.0])
def test_a_day_that_is_clear_over_water_alone_has_the_scale_of_the_stack(raw, prepared, tmp_path, scale):
    """Water of 0.025, which is 250 where 1 is 10,000; and a little below 0, as HLS has it."""
    content = dataset_of()
    for name in BANDS:
        values = content[name].values * np.float32(scale)
        values[:, 0, 0] = np.where(np.isfinite(values[:, 0, 0]), 0.0045 * scale if scale > 1 else -0.001, np.nan)
        values[3] = np.nan
        values[3, 0, 0] = 0.0025 * scale if scale > 1 else -0.002
        content[name] = (content[name].dims, values)
    content.to_netcdf(tmp_path / "lake.nc")
    manifest = prepared(raw).manifest
    pixels(tmp_path / "lake.nc", manifest).block(*WHOLE, slice(40, 41))
    for name in BANDS:
        content[name][3] = content[name][3] / 100 if scale > 1 else content[name][3] * 100
    content.to_netcdf(tmp_path / "mixed.nc")
    with pytest.raises(DataError, match="HLS of 1 days, the first 2019-12-04, has another scale than the stack's"):
        pixels(tmp_path / "mixed.nc", manifest).block(*WHOLE, slice(40, 41))


def test_a_raster_without_its_crs_is_refused(raw, prepared, tmp_path):
    (tmp_path / "stack").mkdir()
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "height": 3, "width": 4}
    with rasterio.open(
        tmp_path / "stack" / "eto_20200101.tif", "w", **profile, transform=Affine(30, 0, 5e5, 0, -30, 4.4e6)
    ) as file:
        file.write(np.ones((1, 3, 4), dtype=np.float32))
    with pytest.raises(DataError, match="has no coordinate reference system"):
        pixels(tmp_path / "stack", prepared(raw).manifest)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("LST", lambda values: values * 0.02 - 273.15, "0 kelvin, and"),
        ("LST", lambda values: np.where(np.arange(len(values))[:, None, None] % 3, values, values * 0.02), "kelvin"),
        ("SMAP", lambda values: values * 100, "values of soil moisture are above 1"),
    ],
)
def test_bands_of_another_unit_are_refused(raw, prepared, tmp_path, name, change, message):
    content = dataset_of()
    content[name] = (content[name].dims, np.float32(change(content[name].values)))
    content.to_netcdf(tmp_path / "unit.nc")
    with pytest.raises(DataError, match=message):
        pixels(tmp_path / "unit.nc", prepared(raw).manifest).block(*WHOLE, slice(40, 41))


UNITS = {
    "eto": "mm/day", "etr": "mm", "pr": "kg m-2", "sph": "kg/kg", "srad": "W/m^2", "vpd": "kilopascal", "vs": "m/s",
    "SMAP": "m3/m3", "LST": "K", "VV": "dB", "VH": "1", "B2": "1", "elevation": "metres", "slope": "degrees",
    "aspect": "deg", "clay_5": "percent", "sand_5": "% (kg / kg)", "bd_5": "cg/cm³",
}  # fmt: skip
"""As providers spell units of the same numbers."""


def with_units(content, **units):
    for name, unit in units.items():
        content[name].attrs["units"] = unit
    return content


def test_spellings_of_the_units_of_bands_are_known(raw, prepared, tmp_path):
    stack = pixels(netcdf(tmp_path, with_units(dataset_of(), **UNITS)), prepared(raw).manifest)
    assert stack.block(*WHOLE, slice(40, 41)).valid.any()


@pytest.mark.parametrize(
    ("name", "unit", "own", "factor"),
    [
        ("pr", "cm", "mm d-1", 10),
        ("vpd", "hPa", "kPa", 0.1),
        ("slope", "%", "degree", 0.57),
        ("aspect", "rad", "degree", 57.3),
        ("bd_5", "kg m-3", "10 kg m-3", 0.1),
        ("LST", "degC", "0.02 K", 1),
    ],
)
def test_a_band_in_another_unit_is_refused_and_the_remedy_helps(raw, prepared, tmp_path, name, unit, own, factor):
    content, manifest = dataset_of(), prepared(raw).manifest
    path = netcdf(tmp_path, with_units(content, **{name: unit}))
    with pytest.raises(DataError, match=rf"stack\.nc: {name} is in {unit}, and the data set's in {own}\. Convert"):
        pixels(path, manifest)
    content[name] = content[name] * np.float32(factor)
    pixels(netcdf(tmp_path, with_units(content, **{name: own})), manifest)


def test_rasters_of_a_band_in_another_unit_are_refused(raw, prepared, tmp_path):
    folder, manifest = geotiff(tmp_path, dataset_of().isel(time=slice(42))), prepared(raw).manifest

    def write(files, unit):
        for path in files:
            with rasterio.open(path, "r+") as file:
                file.units = (unit,)

    rain = sorted(folder.glob("pr_*.tif"))
    write(rain[:1], "cm")
    with pytest.raises(DataError, match=r"tiffs: pr is in cm, and the data set's in mm d-1"):
        pixels(folder, manifest)
    write(rain[:1], "mm")
    assert pixels(folder, manifest).block(*WHOLE, slice(40, 41)).valid.any(), "of the others nothing is known"
    write(rain[1:2], "cm")
    with pytest.raises(DataError, match=r"pr_20191202\.tif: names the unit cm of pr, and the first of its files mm"):
        pixels(folder, manifest).block(*WHOLE, slice(40, 41))
    write(rain[:1], "")
    with pytest.raises(DataError, match=r"the first of its files none\. Bring all files of the band to one unit"):
        pixels(folder, manifest).block(*WHOLE, slice(40, 41))
    for unit in ("mm", ""):  # into all of them, or into none
        write(rain, unit)
        assert pixels(folder, manifest).block(*WHOLE, slice(40, 41)).valid.any()


def test_days_of_another_calendar_are_refused_by_its_name(raw, prepared, tmp_path):
    other = dataset_of().convert_calendar("noleap")
    words = r"days are of the calendar noleap.*convert_calendar\(\"standard\", align_on=\"date\"\)"
    with pytest.raises(DataError, match=words):
        pixels(netcdf(tmp_path, other), prepared(raw).manifest)
    (tmp_path / "stack.nc").unlink()
    stack = pixels(netcdf(tmp_path, other.convert_calendar("standard", align_on="date")), prepared(raw).manifest)
    assert len(stack.days) == 61


def test_undeclared_fills_of_a_band_are_missing(raw, prepared, tmp_path):
    content = dataset_of()
    rain = content["pr"].values.copy()
    rain[20] = -32768
    content["pr"] = (content["pr"].dims, rain)
    content.to_netcdf(tmp_path / "fill.nc")
    stack = pixels(tmp_path / "fill.nc", prepared(raw).manifest)
    day = list(stack.days).index(bands()[0][20])
    assert (stack.block(*WHOLE, slice(day, day + 1)).reason == 1).all()


@pytest.mark.parametrize("ending", ["nc", "zarr"])
def test_packed_numbers_pass_through_what_is_a_fill_elsewhere(tmp_path, ending):
    """-9999 next to a declared fill, and 32768 and 55537 meant without a sign, are values."""
    content = dataset_of()
    eto = content["eto"].values.copy()
    eto[0, 0, 0] = -99.99 + 200
    content["eto"] = (content["eto"].dims, eto)
    packing = {"scale_factor": 0.01, "add_offset": 200.0, "_FillValue": np.int16(-32767), "dtype": "int16"}
    signed = np.array([[32768, 55537, 15000, 15001]], dtype=np.uint16).view(np.int16)
    lst = np.broadcast_to(signed, (len(content.time), 3, 4))
    content["LST"] = (content["LST"].dims, lst, {"_Unsigned": "true"})
    write = content.to_netcdf if ending == "nc" else partial(content.to_zarr, consolidated=False)
    write(tmp_path / f"packed.{ending}", encoding={"eto": packing})
    cube = open_cube(tmp_path / f"packed.{ending}")
    np.testing.assert_allclose(cube.daily("eto", WHOLE)[0, 0, 0], 100.01, rtol=1e-6)
    assert cube.daily("LST", WHOLE)[0, 0].tolist() == [32768, 55537, 15000, 15001]


def test_missing_chunks_of_a_store_are_refused(tmp_path):
    """They would be read as 0; a store that was written whole is not."""
    content = dataset_of().chunk(time=20)
    store = tmp_path / "s.zarr"
    content.to_zarr(store, consolidated=False, zarr_format=3, encoding={"pr": {"fill_value": 0.0}})
    next(path for path in (store / "pr" / "c").rglob("*") if path.is_file()).unlink()
    with pytest.raises(DataError, match=r"1 of 3 chunks are missing, and would be read as 0\. Copy the store again"):
        open_cube(store).daily("pr", WHOLE)
    open_cube(store).daily("eto", WHOLE)
    dry = content.assign(pr=content["pr"] * 0)
    zeros = {"pr": {"fill_value": 0.0, "_FillValue": None}}
    dry.to_zarr(tmp_path / "dry.zarr", zarr_format=3, consolidated=False, encoding=zeros)
    with pytest.raises(DataError, match="3 of 3 chunks are missing"):
        open_cube(tmp_path / "dry.zarr").daily("pr", WHOLE)
    dry.to_zarr(tmp_path / "w.zarr", zarr_format=3, consolidated=False, encoding=zeros, write_empty_chunks=True)
    assert (open_cube(tmp_path / "w.zarr").daily("pr", WHOLE) == 0).all()


def test_a_rotated_pole_is_refused(tmp_path):
    content = dataset_of().rename(lat="y", lon="x")
    rotated = {"grid_north_pole_latitude": 39.0, "grid_north_pole_longitude": -162.0}
    crs = pyproj.CRS.from_cf({"grid_mapping_name": "rotated_latitude_longitude", **rotated})
    content["crs"] = ((), 0, {"crs_wkt": crs.to_wkt()})
    content.to_netcdf(tmp_path / "rotated.nc")
    with pytest.raises(DataError, match="degrees are those of a rotated pole"):
        open_cube(tmp_path / "rotated.nc")


@pytest.mark.parametrize("ending", ["nc", "zarr"])
def test_fills_and_limits_of_packed_bands_are_those_of_stored_numbers(tmp_path, ending):
    """Neither -9999 that nobody declared, nor what lies beyond `valid_range`, is a value; -999 may be one."""
    content = dataset_of()
    packing = {"scale_factor": 0.01, "add_offset": 0.0, "_FillValue": np.int16(-32767), "dtype": "int16"}
    clay = content["clay_5"].values.copy()
    clay.flat[:4] = -99.99, -9.99, -327.67, 99.0
    content["clay_5"] = (content["clay_5"].dims, clay, {"valid_range": np.array([-1000, 9000], dtype=np.int16)})
    write = content.to_netcdf if ending == "nc" else partial(content.to_zarr, consolidated=False)
    write(tmp_path / f"packed.{ending}", encoding={"clay_5": packing})
    found = open_cube(tmp_path / f"packed.{ending}").fixed("clay_5", WHOLE).ravel()
    np.testing.assert_allclose(found[:4], [np.nan, -9.99, np.nan, np.nan], rtol=1e-5)
    np.testing.assert_allclose(found[4:], clay.ravel()[4:], rtol=1e-5)


@pytest.mark.parametrize(("unit", "metres"), [("km", 1000.0), ("kilometers", 1000.0), ("m", 1.0), (None, 1.0)])
def test_projected_axes_may_be_in_kilometres(tmp_path, unit, metres):
    content = dataset_of().rename(lat="y", lon="x")
    y, x = 4.0e6 - 30.0 * np.arange(SHAPE[0]), 5.0e5 + 30.0 * np.arange(SHAPE[1])
    attrs = {} if unit is None else {"units": unit}
    content = content.assign_coords(y=("y", y / metres, attrs), x=("x", x / metres, attrs))
    content["crs"] = ((), 0, {"crs_wkt": pyproj.CRS(32614).to_wkt()})
    content.to_netcdf(tmp_path / "projected.nc")
    grid = open_cube(tmp_path / "projected.nc").grid
    np.testing.assert_allclose(grid.transform, (30.0, 0.0, 5.0e5 - 15, 0.0, -30.0, 4.0e6 + 15), rtol=1e-9)


def test_projected_axes_in_another_unit_are_refused_and_the_remedy_helps(tmp_path):
    content = dataset_of().rename(lat="y", lon="x")
    content["crs"] = ((), 0, {"crs_wkt": pyproj.CRS(32614).to_wkt()})
    content["x"].attrs["units"] = "degrees_east"
    content.to_netcdf(tmp_path / "projected.nc")
    with pytest.raises(DataError, match=r"x is in 'degrees_east', and its CRS in metres\. Give projected axes in m"):
        open_cube(tmp_path / "projected.nc")
    content["x"].attrs["units"] = "m"
    content.to_netcdf(tmp_path / "again.nc")
    assert open_cube(tmp_path / "again.nc").grid.width == SHAPE[1]


def with_terrain(content, **bands):
    return content.assign({name: (("lat", "lon"), np.float32(values)) for name, values in bands.items()})


@pytest.mark.parametrize(
    ("names", "factor", "message"),
    [
        (("aspect",), np.pi / 180, r"stack\.nc, aspect: aspect of 12 pixels that name no unit are .* as in radians"),
        (
            ("clay_5", "sand_5"),
            0.01,
            "clay and sand: clay and sand of 12 pixels that name no unit are .* as in shares of 1",
        ),
    ],
)
def test_terrain_in_another_unit_is_refused(raw, prepared, tmp_path, names, factor, message):
    """A unit that the file names is compared as such, and then nothing is to be guessed from values."""
    dataset, slopes = prepared(raw), np.linspace(20, 340, 12).reshape(SHAPE)
    content = with_terrain(dataset_of(), aspect=slopes)
    other = content.assign({name: content[name] * np.float32(factor) for name in names})
    with pytest.raises(DataError, match=message):
        pixels(netcdf(tmp_path, other), dataset.manifest).block(*WHOLE, slice(20, 22))
    units = {"aspect": "degree", "clay_5": "%", "sand_5": "%"}
    if len(names) == 2:  # of two that are compared together one that is named is enough
        mixed = other.copy()
        mixed["sand_5"] = mixed["sand_5"].assign_attrs(units="%")
        (tmp_path / "stack.nc").unlink()
        pixels(netcdf(tmp_path, mixed), dataset.manifest).block(*WHOLE, slice(20, 22))
    for name in names:
        other[name].attrs["units"] = units[name]
    (tmp_path / "stack.nc").unlink()
    pixels(netcdf(tmp_path, other), dataset.manifest).block(*WHOLE, slice(20, 22))


def test_a_fill_of_terrain_that_no_file_declares_is_refused(raw, prepared, tmp_path):
    """Turned into an angle it would be as good as any."""
    dataset, slopes = prepared(raw), np.linspace(20, 340, 12).reshape(SHAPE)
    slopes[1, 1] = 999
    content = with_terrain(dataset_of(), aspect=slopes)
    with pytest.raises(DataError, match=r"aspect is 999, outside -1 to 360.*declare it \(999\) as _FillValue, of"):
        pixels(netcdf(tmp_path, content), dataset.manifest).block(*WHOLE, slice(20, 22))
    (tmp_path / "stack.nc").unlink()
    content.to_netcdf(tmp_path / "stack.nc", encoding={"aspect": {"_FillValue": np.float32(999)}})
    block = pixels(tmp_path / "stack.nc", dataset.manifest).block(*WHOLE, slice(20, 22))
    assert not block.valid[:, 1, 1].any() and block.valid[:, 0].all()


def test_soil_of_a_lake_may_be_anything(raw, prepared, tmp_path):
    """Exports of soil give 0 or 255 over water, which no pixel is predicted of."""
    content = dataset_of(lake=True)
    soil = np.full(SHAPE, SOIL["bd_5"], dtype=np.float32)
    soil[0, 0] = 0
    stack = pixels(netcdf(tmp_path, with_terrain(content, bd_5=soil)), prepared(raw).manifest)
    block = stack.block(*WHOLE, slice(20, 22))
    assert not block.valid[:, 0, 0].any() and block.valid[:, 0, 1].all()
