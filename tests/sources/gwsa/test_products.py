"""The target made from mascons and GLDAS, with factors from grids; worked out again with plain formulas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.grids import GridVariable
from geoml_cli.sources.gwsa import synthetic_products as made
from geoml_cli.sources.gwsa.options import read_box
from geoml_cli.work.reporting import NullReporter

PrepareGwsa = Callable[..., tuple[Dataset, NullReporter]]
OPTIONS = {"baseline": "2004-2005"}
LATITUDE, LONGITUDE = made.axes(0.25)


@pytest.fixture
def products(tmp_path: Path) -> Path:
    """Give a folder of products."""
    return made.write(tmp_path / "products é")


def on_cells(values: np.ndarray, dataset: Dataset, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
    """Take values on GLDAS's grid where samples lie."""
    row = np.rint((np.array(dataset.array("lat"))[rows] - LATITUDE[0]) / 0.25).astype(int)
    column = np.rint((np.array(dataset.array("lon"))[rows] - LONGITUDE[0]) / 0.25).astype(int)
    return values[row, column]


def above_ground(month: int) -> np.ndarray:
    return sum(made.layers(month, LATITUDE, LONGITUDE).values()) / 10


def mascons(month: int) -> np.ndarray:
    """Each cell of 0.25 degree has the value of the cell of 0.5 degree that holds it."""
    return np.kron(made.thickness(month, *made.axes(0.5)), np.ones((2, 2)))


def anomaly(month: int) -> np.ndarray:
    baseline = np.mean([above_ground(m) for m in range(24)], axis=0)
    return mascons(month) - (above_ground(month) - baseline)


def test_monthly_anomalies(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    dataset, _ = prepare_gwsa(products, period="month", **OPTIONS)
    time = np.array(dataset.array("time")).astype("datetime64[m]").astype("datetime64[M]")
    months = [month for month in made.MONTHS if str(month) != made.GAP]
    assert np.unique(time).tolist() == [month.tolist() for month in months], "a gap stays a gap"
    storage = np.array(dataset.array("GWS"))
    for month in (0, 7, 23):
        rows = time == made.MONTHS[month]
        np.testing.assert_allclose(storage[rows], on_cells(anomaly(month), dataset, rows), atol=1e-3)
        rain = 100 * month + LATITUDE[:, None] + LONGITUDE
        np.testing.assert_allclose(np.array(dataset.array("rf"))[rows], on_cells(rain, dataset, rows), rtol=1e-6)
    assert dataset.manifest.facts["step"] == "month" and dataset.unit("GWS") == "cm"


def test_annual_means(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    dataset, reporter = prepare_gwsa(products, **OPTIONS)
    years = np.array(dataset.array("year"))
    gap = made.MONTHS.tolist().index(np.datetime64(made.GAP).tolist())
    for year, months in ((2004, range(12)), (2005, [m for m in range(12, 24) if m != gap])):
        rows = years == year
        expected = np.mean([anomaly(month) for month in months], axis=0)
        np.testing.assert_allclose(np.array(dataset.array("GWS"))[rows], on_cells(expected, dataset, rows), atol=1e-3)
        rain = 100 * (5.5 + 12 * (year - 2004)) + LATITUDE[:, None] + LONGITUDE
        np.testing.assert_allclose(np.array(dataset.array("rf"))[rows], on_cells(rain, dataset, rows), rtol=1e-6)
        classes = np.broadcast_to((np.arange(12) + year - 2004) % 17, (8, 12))
        assert np.array(dataset.array("category"))[rows].tolist() == on_cells(classes, dataset, rows).tolist()
    height = 1000 * LATITUDE[:, None] + LONGITUDE
    np.testing.assert_allclose(dataset.array("DEM"), on_cells(height, dataset), rtol=1e-6)
    assert reporter.warned[0].startswith("Mascons are anomalies from 2004-2009, GLDAS from 2004-2005")


def test_factors_are_brought_to_the_cell_by_the_nearest_one(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    """Of GLEAM's cells of 0.1 degree, the one that holds the centre."""
    dataset, _ = prepare_gwsa(products, **OPTIONS)
    nearest = np.floor(np.round(np.array(dataset.array("lat")) / 0.1, 6)) * 0.1 + 0.05
    np.testing.assert_allclose(dataset.array("E"), nearest + 5.5, rtol=1e-5)
    assert dataset.unit("E") == "mm month-1", "the file's own unit"


def test_cells_without_data_are_left_out(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    """The sea of GLDAS is no cell; a mascon without data costs its four cells."""
    dataset, _ = prepare_gwsa(products, **OPTIONS)
    funnel = dataset.manifest.funnel
    assert funnel.read == 2 * 8 * (12 - made.SEA) and funnel.dropped == {"no value": 8}
    assert np.array(dataset.array("lon")).max() < made.EAST - made.SEA * 0.25
    assert funnel.notes == [
        "rows left out, by column that lacks a value: GWS 8",
        "mascons lack month 3 of 2005: GWS of the year leans to the months that are there (--months 12 leaves such "
        "years out)",
    ]


def test_bounds_and_years_with_few_months(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    dataset, _ = prepare_gwsa(products, bounds="100.5,30.5,101.5,31.5", months=12, **OPTIONS)
    assert len(dataset.array("lat")) == 16 and set(dataset.array("year")) == {2004}
    funnel = dataset.manifest.funnel
    assert (funnel.read, funnel.kept) == (32, 16)
    assert funnel.dropped == {"year with fewer than 12 months of mascons and GLDAS": 16}
    assert "2005 is left out: it has 11 months of both; mascons lack month 3" in funnel.notes


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("359,50,1,52", (-1, 50, 1, 52)),
        ("-1,50,1,52", (-1, 50, 1, 52)),
        ("358,50,360,52", (-2, 50, 0, 52)),
        ("170,50,190,52", (170, 50, -170, 52)),
        ("0,-60,360,80", (-180, -60, 180, 80)),
        ("10,50,180,52", (10, 50, 180, 52)),
    ],
)
def test_boxes_of_both_ways_to_count_longitudes(text: str, box: tuple[float, ...]) -> None:
    assert read_box(text) == box


@pytest.mark.parametrize("bounds", ["179.5,30.5,-179.5,31.5", "179.5,30.5,180.5,31.5"])
def test_bounds_across_the_date_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepare_gwsa: PrepareGwsa, bounds: str
) -> None:
    monkeypatch.setattr(made, "WEST", 178.5)
    monkeypatch.setattr(made, "EAST", 181.5)
    dataset, _ = prepare_gwsa(made.write(tmp_path / "raw"), bounds=bounds, **OPTIONS)
    longitude = np.unique(np.array(dataset.array("lon")) % 360)
    np.testing.assert_allclose(longitude, [179.625, 179.875, 180.125, 180.375])


def cut(products: Path, name: str, months: list[int]) -> None:
    """Leave some months of the year, 0 to 11, in a factor's file of each year."""
    for path in (products / "factors").glob(f"{name}_*.nc"):
        with xarray.open_dataset(path) as file:
            kept = file.isel(time=[step for step in range(file.sizes["time"]) if step % 12 in months]).load()
        kept.to_netcdf(path)


@pytest.mark.parametrize("year", [2004, 2005])
def test_a_year_of_a_factor_that_lacks_months_is_refused_or_told(
    products: Path, prepare_gwsa: PrepareGwsa, year: int
) -> None:
    path = products / f"factors/E_{year}_GLEAM_v4.2a_MO.nc"
    with xarray.open_dataset(path) as file:
        half = file.isel(time=slice(6)).load()
    half.to_netcdf(path)
    fails(
        prepare_gwsa,
        products,
        rf"E has 6 of 12 months of {year}: their mean would lean to a season\. "
        ".*or ask for less, of GRACE as well, with --months 6",
    )
    dataset, reporter = prepare_gwsa(products, months=6, **OPTIONS)  # the remedy
    lost = "7, 8, 9, 10, 11, 12"
    assert reporter.warned[-1] == (
        f"E lacks month {lost} of {year}: the mean of the year leans to the months that are there"
    )
    assert reporter.warned[-1] in dataset.manifest.funnel.notes


@pytest.mark.parametrize(
    ("months", "told"),
    [
        ([0, 1, 2, 3, 4, 8, 9, 10, 11], "E lacks month 6, 7, 8 of 2004, 2005: the mean of the year leans to"),
        ([1, 4, 7, 10], ""),  # quarters
        ([6], ""),  # a value a year
    ],
)
def test_a_summer_that_every_year_lacks_is_told(
    products: Path, prepare_gwsa: PrepareGwsa, months: list[int], told: str
) -> None:
    cut(products, "E", months)
    _, reporter = prepare_gwsa(products, **OPTIONS)
    found = [text for text in reporter.warned if text.startswith("E ")]
    assert len(found) == bool(told) and all(text.startswith(told) for text in found)


def test_a_year_of_which_january_alone_is_there_is_refused(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    path = products / "factors/E_2005_GLEAM_v4.2a_MO.nc"
    with xarray.open_dataset(path) as file:
        january = file.isel(time=[0]).load()
    january.to_netcdf(path)
    fails(prepare_gwsa, products, "E has 1 of 12 months of 2005: their mean would lean to a season")


def test_steps_of_30_days_lack_no_month(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    for year in (2004, 2005):
        path = products / f"factors/E_{year}_GLEAM_v4.2a_MO.nc"
        times = np.datetime64("2004-01-01") + 30 * np.arange(25).astype("timedelta64[D]")
        times = times[times.astype("datetime64[Y]").astype(int) + 1970 == year]
        with xarray.open_dataset(path) as file:
            steps = file.isel(time=np.arange(len(times)) % 12).assign_coords(time=times.astype("datetime64[ns]")).load()
        steps.to_netcdf(path)
    _, reporter = prepare_gwsa(products, **OPTIONS)
    assert not [text for text in reporter.warned if text.startswith("E lacks")]


def test_a_year_of_fewer_days_is_told(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    for year, days in ((2004, 366), (2005, 300)):
        path = products / f"factors/E_{year}_GLEAM_v4.2a_MO.nc"
        with xarray.open_dataset(path) as file:
            times = np.datetime64(f"{year}-01-01") + np.linspace(0, 364, days).astype("timedelta64[D]")
            file.isel(time=np.arange(days) % 12).assign_coords(time=times.astype("datetime64[ns]")).load().to_netcdf(
                path.with_suffix(".new")
            )
        path.with_suffix(".new").rename(path)
    _, reporter = prepare_gwsa(products, **OPTIONS)
    assert reporter.warned[-1] == "E has 366 steps in most years, fewer in: 2005 (300)"


def test_months_that_the_land_model_lacks_are_told_as_its_own(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    """Not as those of GRACE: who adds months of mascons gains nothing."""
    for month in ("04", "05"):
        next(products.rglob(f"GLDAS_NOAH025_M.A2005{month}*")).unlink()
    _, reporter = prepare_gwsa(products, **OPTIONS | {"baseline": "2004-2004"})
    assert any(
        text.startswith("mascons lack month 3 and GLDAS lacks month 4, 5 of 2005: GWS of the year leans to")
        for text in reporter.warned
    )
    told = "GLDAS has no file of 2005-04, 2005-05, which mascons have: left out"
    assert told in reporter.warned
    assert told in prepare_gwsa(products, period="month", **OPTIONS | {"baseline": "2004-2004"})[1].warned
    dataset, _ = prepare_gwsa(products, months=10, **OPTIONS | {"baseline": "2004-2004"})
    told = "2005 is left out: it has 9 months of both; mascons lack month 3 and GLDAS lacks month 4, 5"
    assert told in dataset.manifest.funnel.notes


def test_rows_are_cut_to_the_memory_given(
    products: Path, prepare_gwsa: PrepareGwsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = np.array(prepare_gwsa(products, **OPTIONS)[0].array("GWS"))
    monkeypatch.setattr("geoml_cli.sources.gwsa.products._ROW_COPIES", 10_000)
    part = prepare_gwsa(products, memory="64MB", **OPTIONS)[0]
    np.testing.assert_array_equal(part.array("GWS"), whole)


def test_mascons_and_a_land_model_of_no_common_month_are_refused(
    products: Path, prepare_gwsa: PrepareGwsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geoml_cli.sources.gwsa.products.spans_of", lambda *_: ({}, {}))
    with pytest.raises(DataError, match="none of 0 rows can be used"):
        prepare_gwsa(products, period="month", **OPTIONS)


def test_every_map_is_read_once_where_the_memory_holds_them_and_gives_the_same_where_not(
    products: Path, prepare_gwsa: PrepareGwsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[tuple[Path, str, int]] = Counter()
    frame = GridVariable._frame

    def counted(self: GridVariable, step: int) -> np.ndarray:
        read[self.path, self.name, step] += 1
        return frame(self, step)

    monkeypatch.setattr(GridVariable, "_frame", counted)
    dataset, _ = prepare_gwsa(products, **OPTIONS)
    assert len(read) > 100 and set(read.values()) == {1}
    expected = {name: np.array(dataset.array(name)) for name in ("GWS", "rf", "lat")}
    read.clear()
    monkeypatch.setattr("geoml_cli.sources.gwsa.products._KEPT", 10**9)
    again, _ = prepare_gwsa(products, memory="64MB", **OPTIONS)
    assert max(read.values()) > 2
    for name, values in expected.items():
        np.testing.assert_array_equal(again.array(name), values)


def fails(prepare_gwsa: PrepareGwsa, raw: Path, message: str, **options: object) -> None:
    with pytest.raises(DataError, match=message) as caught:
        prepare_gwsa(raw, **(OPTIONS | options))
    assert caught.value.where and caught.value.fix


def test_files_that_are_missing(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    fails(prepare_gwsa, products, r"GLDAS of 2006-01, 2006-02, 2006-03, 2006-04 and 44 more is missing from the "
          r"baseline 2004-2009\. Add the files", baseline="2004-2009")  # fmt: skip
    fails(prepare_gwsa, products, r"there is no grid of SMs\. Add SMs_.*Found: .*rf", dynamic=("rf", "SMs"))
    fails(prepare_gwsa, products, r"DEM has no time\. Make it static: --static DEM", dynamic=("DEM",), static=("rf",))
    fails(prepare_gwsa, products, "rf is static, and has 24 steps in 1 files", dynamic=("E",), static=("rf",))
    (products / "GLDAS/GLDAS_NOAH025_M.A200412.021.nc4").unlink()
    fails(prepare_gwsa, products, "GLDAS of 2004-12 is missing from the baseline 2004-2005")
    fails(prepare_gwsa, products, "GLDAS has no land within the bounds", bounds="1,2,3,4", baseline="2005-2005")
    mascon = next(products.glob("GRC*"))
    (products / "CSR.nc").write_bytes(mascon.read_bytes())
    fails(prepare_gwsa, products, "there are 2 files of mascons: CSR.nc, GRC.*Keep one file with lwe_thickness")
    (products / "CSR.nc").unlink()
    mascon.unlink()
    fails(prepare_gwsa, products, "there is no file of mascons")


def test_years_without_enough_months(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    for month in ("200406", "200507"):
        (products / f"GLDAS/GLDAS_NOAH025_M.A{month}.021.nc4").unlink()
    message = r"no year has 12 months with mascons and GLDAS \(there are: 2004 11, 2005 10\)"
    fails(prepare_gwsa, products, message, months=12)


def test_damaged_files(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    mascon = next(products.glob("GRC*"))
    whole = mascon.read_bytes()
    mascon.write_bytes(whole[: len(whole) // 2])
    fails(prepare_gwsa, products, r"GRC.*: cannot be read \(.*\)\. It is damaged: fetch it again")
    mascon.write_bytes(b"not NetCDF")
    fails(prepare_gwsa, products, r"GRC.*: is not NetCDF, HDF5, Zarr, GeoTIFF or HDF4")
    mascon.write_bytes(whole)
    with netCDF4.Dataset(mascon, "a") as file:
        file["lwe_thickness"].units = "m"
    fails(prepare_gwsa, products, "lwe_thickness is in m, not in cm. Give the mascon file")
    mascon.write_bytes(whole)
    with netCDF4.Dataset(mascon, "a") as file:
        file["time"].units = "months ago"
    fails(prepare_gwsa, products, "its dimension time has no unit such as")
    mascon.write_bytes(whole)
    with netCDF4.Dataset(products / "GLDAS/GLDAS_NOAH025_M.A200407.021.nc4", "a") as file:
        file.renameVariable("SWE_inst", "SWE")
    fails(prepare_gwsa, products, r"A200407.021.nc4: there is no SWE_inst\. Get the whole monthly file")


def test_a_class_that_is_none_is_named_with_its_place(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    with netCDF4.Dataset(products / "factors/LC_MCD12C1.nc", "a") as file:
        file["LC"][0, 2, 3] = 17
    fails(prepare_gwsa, products, r"LC_MCD12C1.nc, LC in 2004-01, lat 30.625, lon 100.875: LC is 17, not a MODIS")


def test_a_solution_stamped_in_the_month_before_is_of_its_own(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    """As that of May 2015, whose middle is 27 April."""
    before, _ = prepare_gwsa(products, period="month", **OPTIONS)
    mascon = next(products.glob("GRC*"))
    with netCDF4.Dataset(mascon, "a") as file:
        file["time"][3] = file["time"][2] + 11  # April's solution lies in March
    dataset, reporter = prepare_gwsa(products, period="month", **OPTIONS)
    assert dataset.manifest.content == before.manifest.content
    assert any("is taken as that of 2004-04: 2004-03 has another, and 2004-04 none" in said for said in reporter.warned)


def test_mascons_in_a_calendar_of_30_days_are_read(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    expected, _ = prepare_gwsa(products, period="month", **OPTIONS)
    with netCDF4.Dataset(next(products.glob("GRC*")), "a") as file:
        months = np.arange(len(file["time"]))
        file["time"].units, file["time"].calendar = "days since 2004-01-30", "360_day"
        file["time"][:] = 30 * months
    dataset, _ = prepare_gwsa(products, period="month", **OPTIONS)
    np.testing.assert_array_equal(dataset.array("GWS"), expected.array("GWS"))


def test_cells_halfway_between_points_take_the_same_in_any_order(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    found = []
    for order in (1, -1):
        with netCDF4.Dataset(products / "factors/climate.nc", "a") as file:
            lat = np.sort(file["lat"][:])[::order]
            shift = 0.125 if order == 1 else 0.0
            file["lat"][:] = lat - shift
            shape = file["rf"].shape
            at = file["rf"].dimensions.index("lat")
            file["rf"][:] = np.broadcast_to(
                np.expand_dims(100 * (lat - shift), [k for k in range(len(shape)) if k != at]), shape
            )
        dataset, reporter = prepare_gwsa(products, period="month", **OPTIONS)
        found.append(np.array(dataset.array("rf")))
        assert any(said.startswith("rf: cells lie halfway between two points of its grid") for said in reporter.warned)
    np.testing.assert_allclose(found[0], found[1])


def climate(folder: Path, dims: tuple[str, ...], change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Write the grid of rainfall anew as another provider lays it out; `change` reorders its values."""
    path = folder / "factors/climate.nc"
    with netCDF4.Dataset(path) as file:
        axes = {"lat": file["lat"][:], "lon": file["lon"][:]}
        values = file["rf"][:].filled(np.nan)
    path.unlink()
    time = next(dim for dim in dims if "time" in dim)
    axes = {dim: axes[dim[:3]] for dim in dims if dim[:3] in axes}
    axes[time] = made.MONTHS.astype("datetime64[s]").astype(np.int64)
    changed = change(values)
    with netCDF4.Dataset(path, "w") as file:
        for dim, size in zip(dims, changed.shape, strict=True):
            file.createDimension(dim, size)
            if dim in axes:
                file.createVariable(dim, "f8", (dim,))[:] = axes[dim]
        file[time].units = "seconds since 1970-01-01"
        variable = file.createVariable("rf", "f4", dims, fill_value=np.nan)
        variable[:] = changed
        variable.Units = "mm month-1"


def merged(values: np.ndarray) -> np.ndarray:
    """Lay final values of 20 months and preliminary ones of the last 4 along a dimension of their own."""
    late = (np.arange(len(values)) >= 20)[:, None, None]
    return np.stack([np.where(late, np.nan, values), np.where(late, values, np.nan)], axis=1)


@pytest.mark.parametrize(
    ("dims", "change"),
    [
        (("valid_time", "latitude", "longitude"), np.array),
        (("time", "expver", "latitude", "longitude"), merged),
        (("time", "lon", "lat"), lambda values: values.transpose(0, 2, 1)),
    ],
)
def test_factors_as_providers_lay_them_out(
    products: Path, prepare_gwsa: PrepareGwsa, dims: tuple[str, ...], change: Callable[[np.ndarray], np.ndarray]
) -> None:
    expected = np.array(prepare_gwsa(products, **OPTIONS)[0].array("rf"))
    climate(products, dims, change)
    dataset, _ = prepare_gwsa(products, **OPTIONS)
    np.testing.assert_allclose(dataset.array("rf"), expected, rtol=1e-6)
    assert dataset.unit("rf") == "mm month-1", "Units counts as units"


def test_months_stamped_at_the_end_of_their_interval(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    expected = np.array(prepare_gwsa(products, period="month", **OPTIONS)[0].array("rf"))
    days = (np.append(made.MONTHS, made.MONTHS[-1] + 1).astype("datetime64[D]") - made.MONTHS[0]).astype(float)
    with netCDF4.Dataset(products / "factors/climate.nc", "a") as file:
        file["time"][:] = days[1:]
        file["time"].bounds = "time_bnds"
        file.createDimension("bnds", 2)
        file.createVariable("time_bnds", "f8", ("time", "bnds"))[:] = np.stack([days[:-1], days[1:]], axis=1)
    dataset, _ = prepare_gwsa(products, period="month", **OPTIONS)
    np.testing.assert_array_equal(dataset.array("rf"), expected)
    words = "rf begins a month after mascons and GLDAS and ends a month after them"
    assert not any(words in note for note in dataset.manifest.funnel.notes)
    with netCDF4.Dataset(products / "factors/climate.nc", "a") as file:
        del file["time"].bounds
    for period in ("month", "year"):
        _, reporter = prepare_gwsa(products, period=period, **OPTIONS)
        assert sum(words in text and "(cdo shifttime,-1month)" in text for text in reporter.warned) == 1
    with netCDF4.Dataset(products / "factors/climate.nc", "a") as file:
        file["time"][:] = days[:-1]  # as the remedy does
    dataset, _ = prepare_gwsa(products, period="month", **OPTIONS)
    np.testing.assert_array_equal(dataset.array("rf"), expected)


def test_a_grid_that_is_none_is_named_with_its_dimensions(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    with netCDF4.Dataset(products / "factors/climate.nc", "a") as file:
        file.renameVariable("lat", "row")
        file["row"].units = "m"
    fails(prepare_gwsa, products, r"climate\.nc, variable rf: has no latitude: dimensions \(time, lat, lon\)")


def test_undeclared_fills_of_factors_are_missing_and_told(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    with netCDF4.Dataset(products / "factors/E_2004_GLEAM_v4.2a_MO.nc", "a") as file:
        file["E"].set_auto_mask(False)
        file["E"][:, :3, :] = -9999.0  # the file declares -999
    dataset, _ = prepare_gwsa(products, **OPTIONS)
    assert any("-9999 missing though not declared" in n for n in dataset.manifest.funnel.notes)
    assert np.array(dataset.array("E")).min() > 0


def test_a_fill_that_may_be_a_value_is_asked_for_and_may_be_declared(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    path = products / "factors/climate.nc"
    with netCDF4.Dataset(path, "a") as file:
        file["rf"][0] = np.linspace(-2000, 100, file["rf"][0].size).reshape(file["rf"].shape[1:])
        file["rf"][0, 0, 0] = -999.0
    fails(
        prepare_gwsa, products, r"climate\.nc, variable rf: -999 occurs 1 times and may be a fill.*--nodata rf=-999, "
    )
    prepare_gwsa(products, **OPTIONS, nodata=("rf=-999",))
    with pytest.raises(SettingsError, match=r"strange is not read\. It can name: rf, E, "):
        prepare_gwsa(products, **OPTIONS, nodata=("strange=-999",))
    with netCDF4.Dataset(path, "a") as file:
        file["rf"].missing_value = np.float32(-999.0)
    prepare_gwsa(products, **OPTIONS)


def copied(products: Path, name: str, change: Callable[[netCDF4.Dataset], None], old: str = "") -> Path:
    """Write a file of factors anew under a name, changed."""
    path = products / "factors" / name
    path.write_bytes((products / "factors" / (old or name)).read_bytes())
    with netCDF4.Dataset(path, "a") as file:
        change(file)
    return path


def test_files_of_a_factor_in_two_units_are_refused(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    copied(products, "E_2005_GLEAM_v4.2a_MO.nc", lambda file: file["E"].setncattr("units", "mm day-1"))
    message = "E_2005.*: E is in mm day-1 here, and in mm month-1 in E_2004.*--units 'E=mm month-1'"
    fails(prepare_gwsa, products, message)
    dataset, _ = prepare_gwsa(products, units=("E=mm month-1",), **OPTIONS)
    assert dataset.unit("E") == "mm month-1"
    for same in ("mm  month^-1", "kg m-2 month-1"):
        copied(products, "E_2005_GLEAM_v4.2a_MO.nc", lambda file, same=same: file["E"].setncattr("units", same))
        assert prepare_gwsa(products, **OPTIONS)[0].unit("E") == "mm month-1"
    copied(products, "E_2005_GLEAM_v4.2a_MO.nc", lambda file: file["E"].delncattr("units"))
    fails(prepare_gwsa, products, "E_2005.*: E is in no unit that is named here, and in mm month-1 in E_2004")
    copied(products, "E_2004_GLEAM_v4.2a_MO.nc", lambda file: file["E"].delncattr("units"))
    dataset, _ = prepare_gwsa(products, **OPTIONS)
    assert dataset.unit("E") == "1" and "E" not in dataset.manifest.units(), "months, or days: not sums of a year"
    assert prepare_gwsa(products, units=("E=mm month-1",), **OPTIONS)[0].unit("E") == "mm month-1"


@pytest.mark.parametrize("year", [2004, 2005])
def test_two_files_of_a_factor_and_time_are_refused(products: Path, prepare_gwsa: PrepareGwsa, year: int) -> None:
    """Another version of the same months, stamped at another day."""

    def later(file: netCDF4.Dataset) -> None:
        file["time"][:] = np.asarray(file["time"][:]) + 2

    other = copied(products, f"E_{year}_GLEAM_v4.1a_MO.nc", later, f"E_{year}_GLEAM_v4.2a_MO.nc")
    fails(prepare_gwsa, products, rf"v4\.2a_MO.nc: E of {year}-01 is in E_{year}_GLEAM_v4\.1a_MO.nc as well\. Keep one")
    with netCDF4.Dataset(other, "a") as file:
        file["lon"][:] = np.asarray(file["lon"][:]) + 20
    fails(prepare_gwsa, products, "as well, there of other cells. Keep one, or join tiles to one file")


def single_steps(products: Path, name: str) -> list[Path]:
    """Divide a factor's years into files of one step each, as some providers ship months."""
    found = []
    for path in sorted((products / "factors").glob(f"{name}_*.nc")):
        with xarray.open_dataset(path) as file:
            for step in range(file.sizes["time"]):
                found.append(path.with_name(f"{name}_v1_{path.stem[2:6]}{step + 1:02d}.nc"))
                file.isel(time=[step]).load().to_netcdf(found[-1])
        path.unlink()
    return found


def test_two_versions_of_a_month_in_files_of_one_step_are_refused(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    expected = prepare_gwsa(products, **OPTIONS)[0].array("E")[:]
    steps = single_steps(products, "E")
    np.testing.assert_array_equal(prepare_gwsa(products, **OPTIONS)[0].array("E")[:], expected)
    with xarray.open_dataset(steps[14]) as file:
        other = (file.load() * 2).assign_coords(time=file.time + np.timedelta64(11, "D"))
    version = steps[14].with_name("E_v2_200503.nc")
    other.to_netcdf(version)
    fails(prepare_gwsa, products, rf"E of 2005-03 is in {steps[14].name} as well\. Keep one of them")
    version.unlink()
    np.testing.assert_array_equal(prepare_gwsa(products, **OPTIONS)[0].array("E")[:], expected)


@pytest.mark.parametrize("steps", [1, 3])
def test_a_part_of_a_year_beside_the_year_is_refused(products: Path, prepare_gwsa: PrepareGwsa, steps: int) -> None:
    """Such as the months that were fetched first, by another version, with other days."""
    with xarray.open_dataset(products / "factors/E_2005_GLEAM_v4.2a_MO.nc") as file:
        part = file.isel(time=slice(4, 4 + steps)).load()
    part = part.assign_coords(time=part.time + np.timedelta64(2, "D"))
    part.to_netcdf(products / "factors/E_2005_GLEAM_v4.1a.nc")
    fails(prepare_gwsa, products, r"E of 2005-05.* is in E_2005_GLEAM_.*as well\. Keep one of them")


def test_tiles_are_joined_as_the_message_says(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    expected = np.array(prepare_gwsa(products, **OPTIONS)[0].array("E"))
    for year in (2004, 2005):
        path = products / f"factors/E_{year}_GLEAM_v4.2a_MO.nc"
        with xarray.open_dataset(path) as file:
            whole = file.load()
        middle = len(whole.lon) // 2
        path.unlink()
        whole.isel(lon=slice(middle)).to_netcdf(path.with_stem(f"{path.stem}_west"))
        whole.isel(lon=slice(middle, None)).to_netcdf(path.with_stem(f"{path.stem}_east"))
    fails(prepare_gwsa, products, r"there of other cells.*xarray.open_mfdataset\(\[A, B\]\)\.to_netcdf\(OUT\)")
    for year in (2004, 2005):
        tiles = sorted((products / "factors").glob(f"E_{year}_*_*st.nc"))
        with xarray.open_mfdataset(tiles) as joined:
            joined.load().to_netcdf(products / f"factors/E_{year}_joined.nc")
        for tile in tiles:
            tile.unlink()
    np.testing.assert_allclose(prepare_gwsa(products, **OPTIONS)[0].array("E"), expected, rtol=1e-6)


def test_a_land_model_in_another_unit_is_refused(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    with netCDF4.Dataset(products / "GLDAS/GLDAS_NOAH025_M.A200502.021.nc4", "a") as file:
        file["SoilMoi10_40cm_inst"].units = "m3 m-3"
    fails(prepare_gwsa, products, "A200502.*: SoilMoi10_40cm_inst is in m3 m-3, not in kg m-2")
    with netCDF4.Dataset(products / "GLDAS/GLDAS_NOAH025_M.A200502.021.nc4", "a") as file:
        file["SoilMoi10_40cm_inst"].delncattr("units")
    fails(prepare_gwsa, products, "A200502.*: SoilMoi10_40cm_inst is in no unit, not in kg m-2")


@pytest.mark.parametrize("months", [("200502",), tuple(f"2004{month:02d}" for month in range(1, 13))])
def test_soil_moisture_as_a_share_is_refused_whatever_the_file_says(
    products: Path, prepare_gwsa: PrepareGwsa, months: tuple[str, ...]
) -> None:
    for month in months:
        with netCDF4.Dataset(products / f"GLDAS/GLDAS_NOAH025_M.A{month}.021.nc4", "a") as file:
            file["SoilMoi10_40cm_inst"][:] = file["SoilMoi10_40cm_inst"][:] / 300
    message = f"A{months[0]}.*: SoilMoi10_40cm_inst is 0.* in 99 of 100 cells, which no layer of soil is in kg m-2"
    fails(prepare_gwsa, products, message)


def test_mascons_in_metres_are_refused_whatever_the_file_says(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    [path] = products.glob("GRCTellus*.nc")
    with netCDF4.Dataset(path, "a") as file:
        thickness = file["lwe_thickness"]
        thickness[:] = np.clip(thickness[:], -15, 15) / 100
    fails(prepare_gwsa, products, "half of the values of lwe_thickness are 0.* or less in each of 12 months")


@pytest.mark.parametrize("change", ["smaller box", "rows from the north", "0 to 360"])
def test_files_of_the_land_model_may_lie_on_grids_of_their_own(
    products: Path, prepare_gwsa: PrepareGwsa, change: str
) -> None:
    """As subsets of two orders do; cells are those of the first file, and values those of the same places."""

    def table() -> dict[tuple[float, float, int], float]:
        dataset, _ = prepare_gwsa(products, **OPTIONS)
        columns = (dataset.array(name)[:].tolist() for name in ("lat", "lon", "time", "GWS"))
        return {(lat, lon, time): value for lat, lon, time, value in zip(*columns, strict=True)}

    before = table()
    for path in sorted((products / "GLDAS").glob("*A2005*")):
        with xarray.open_dataset(path, decode_times=False) as file:
            found = file.load()
        if change == "smaller box":
            found = found.isel(lat=slice(2, None), lon=slice(1, None))
        elif change == "rows from the north":
            found = found.isel(lat=slice(None, None, -1))
        else:
            found = found.assign_coords(lon=found.lon % 360)
        found.to_netcdf(path)
    after = table()
    assert after and set(after) <= set(before) and (len(after) == len(before)) == (change != "smaller box")
    np.testing.assert_allclose([after[place] for place in after], [before[place] for place in after], atol=1e-5)


def test_a_land_model_of_another_month_than_its_name_is_refused(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    paths = sorted((products / "GLDAS").glob("*A2005*"))[:2]
    first, second = (path.read_bytes() for path in paths)
    paths[0].write_bytes(second)
    fails(prepare_gwsa, products, r"SoilMoi0_10cm_inst is of 2005-02, and the name of the file of 2005-01")
    paths[0].write_bytes(first)
    with xarray.open_mfdataset(paths) as file:
        both = file.load()
    both.to_netcdf(paths[0])
    fails(prepare_gwsa, products, r"is of 2005-01, 2005-02, and the name of the file of 2005-01.*one month each")


def test_years_of_days_differ_by_a_leap_day(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    latitude, longitude = made.axes(0.25)
    with netCDF4.Dataset(products / "factors/climate.nc", "w") as file:
        for name, values, unit in (("lat", latitude, "degrees_north"), ("lon", longitude, "degrees_east")):
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,))[:] = values
            file[name].units = unit
        made._time(file, list(map(float, range(731))), "days since 2004-01-01", "standard")
        made._put(file, "rf", ("time", "lat", "lon"), np.ones((731, len(latitude), len(longitude))), "mm day-1", 1e20)
    _, reporter = prepare_gwsa(products, **OPTIONS)
    assert not [text for text in reporter.warned if "steps in most" in text]


def test_land_cover_of_other_years_is_told_and_may_be_of_all(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    path = next(products.rglob("LC_MCD12C1.nc"))
    with xarray.open_dataset(path, decode_times=False) as file:
        cover = file.load().drop_encoding()
    early = cover.assign_coords(time=cover.time.assign_attrs(units="days since 2001-01-01"))
    early.to_netcdf(path)
    fails(prepare_gwsa, products, "LC is needed of these times, or without a time: one map of all", **OPTIONS)
    cover.isel(time=0, drop=True).to_netcdf(path)
    dataset, _ = prepare_gwsa(products, **OPTIONS)
    assert dataset.manifest.funnel.kept


def test_what_mascons_hold_without_saying_so_is_told(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    """A month of zeros, and one of an undeclared fill."""
    [path] = products.rglob("GRCTellus*.nc")
    with netCDF4.Dataset(path, "r+") as file:
        values = file["lwe_thickness"][:]
        file["lwe_thickness"][3], file["lwe_thickness"][5] = 0.0, -999.0
    dataset, reporter = prepare_gwsa(products, period="month", **OPTIONS)
    notes = dataset.manifest.funnel.notes
    assert values.shape[0] > 5 and any(
        "lwe_thickness: " in note and "-999 missing though not" in note for note in notes
    )
    [zero] = [note for note in notes if "mascons are 0 at all cells in" in note]
    assert zero in reporter.warned and "--nodata lwe_thickness=0" in zero
    kept = dataset.manifest.funnel.kept
    dataset, _ = prepare_gwsa(products, period="month", nodata=("lwe_thickness=0", "lwe_thickness=-999"), **OPTIONS)
    assert dataset.manifest.funnel.kept < kept
    assert not any("mascons are 0" in note for note in dataset.manifest.funnel.notes)


def test_gain_factors_of_mascons_are_not_applied_which_is_noted(products: Path, prepare_gwsa: PrepareGwsa) -> None:
    dataset, _ = prepare_gwsa(products, period="month", **OPTIONS)
    plain = np.array(dataset.array("GWS"))
    assert not any("scale_factor" in note for note in dataset.manifest.funnel.notes)
    [path] = products.rglob("GRCTellus*.nc")
    with netCDF4.Dataset(path, "r+") as file:
        file.createVariable("scale_factor", "f4", ("lat", "lon"))[:] = 2.0
    dataset, reporter = prepare_gwsa(products, period="month", **OPTIONS)
    assert np.array_equal(dataset.array("GWS"), plain)
    [note] = [note for note in dataset.manifest.funnel.notes if "scale_factor" in note]
    assert note == f"lwe_thickness is taken as {path.name} has it: its scale_factor is not applied"
    assert note not in reporter.warned
