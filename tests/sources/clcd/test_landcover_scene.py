"""Maps: the samples of pixels equal those of the data set."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import rasterio
from affine import Affine
from raw_files import points_in_degrees

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.samples.input import POINT_REASONS
from geoml_cli.sources.clcd.source import SOURCE
from geoml_cli.work.reporting import NullReporter

PrepareClcd = Callable[..., tuple[Dataset, NullReporter]]
WriteRaster = Callable[..., Path]
RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)


@pytest.fixture
def yearly(cover: Path, raster: WriteRaster) -> Path:
    """Give the folder with a yearly covariate of three years, and one on another grid."""
    for year in (2019, 2020, 2021):
        raster(cover / f"covariates/ndvi_{year}.tif", RAMP + 10000 * (year - 2019))
    raster(cover / "covariates/coarse.tif", np.arange(16.0).reshape(4, 4), transform=Affine(1, 0, 19.5, 0, -1, 10.5))
    return cover


def test_a_map_is_made_of_the_samples_of_the_data_set(yearly: Path, prepare_clcd: PrepareClcd) -> None:
    dataset, _ = prepare_clcd(yearly, samples=540, map_year=2020)
    scene = SOURCE.stack(yearly, dataset.manifest)
    assert (scene.grid.height, scene.grid.width) == (20, 30)
    whole = scene.block(slice(0, 20), slice(0, 30))
    assert whole.valid.all()
    at = {value: row for row, value in enumerate(whole.variables.array("pixel").tolist())}
    chosen = [at[value] for value in np.array(dataset.array("pixel")).tolist()]
    for name in (*dataset.labels("dynamic"), *dataset.labels("static"), "lat", "lon", "time", "year", "category"):
        np.testing.assert_allclose(whole.variables.array(name)[chosen], dataset.array(name), rtol=1e-12, err_msg=name)
        assert whole.variables.unit(name) == dataset.unit(name)
    for name in ("dynamic", "static", "target", "class_name", "category_name"):
        assert whole.variables.labels(name) == dataset.labels(name)
    assert whole.variables.array("class_code").tolist() == dataset.array("class_code").tolist()


def test_classes_of_a_covariate_are_those_of_the_data_set(
    yearly: Path, prepare_clcd: PrepareClcd, raster: WriteRaster
) -> None:
    kinds = np.where(RAMP % 100 < 15, 40, 7).astype(np.uint8)
    for year, shift in ((2019, 0), (2020, 1), (2021, 2)):  # the code grows fivefold, which is no other scale
        raster(yearly / f"covariates/zone_{year}.tif", kinds // 5**shift)
    raster(yearly / "covariates/soil.tif", kinds)
    dataset, _ = prepare_clcd(yearly, samples=540, categorical=("soil", "zone"))
    assert dataset.manifest.facts["categorical"] == {"soil": [7, 40], "zone": [1, 8]}, "the land cover is of 2020"
    kinds[3, 4], kinds[3, 5] = 9, 0
    raster(yearly / "covariates/soil.tif", kinds)
    for year in (2020, 2021):
        raster(yearly / f"covariates/zone_{year}.tif", np.where(RAMP % 100 < 15, 8, 1).astype(np.uint8))
    scene = SOURCE.stack(yearly, dataset.manifest)
    block = scene.block(slice(3, 4), slice(3, 17))
    strange = "a class of soil that the training samples lack"
    assert [scene.reasons[place] if place >= 0 else "" for place in block.reason[0, :4]] == ["", strange, strange, ""]
    np.testing.assert_array_equal(block.variables.array("soil=40"), [1] * 10 + [0] * 2)
    np.testing.assert_array_equal(block.variables.array("zone=1"), [0] * 10 + [1] * 2)
    lon = 20.05 + 0.1 * np.arange(3, 17)
    points = scene.points(points_in_degrees(lon, np.full(14, 9.65)))
    assert points.valid.tolist() == block.valid[0].tolist()
    for name in (*dataset.labels("dynamic"), *dataset.labels("static")):
        np.testing.assert_array_equal(points.variables.array(name), block.variables.array(name), err_msg=name)


def test_a_data_set_keeps_the_units_of_its_rasters(cover: Path, prepare_clcd: PrepareClcd) -> None:
    with rasterio.open(cover / "covariates/pixel.tif", "r+") as file:
        file.units = ("cm",)
    dataset, _ = prepare_clcd(cover, samples=100)
    assert dataset.manifest.file_units() == {"pixel": "cm"}
    assert not {"pixel", "wave"} & dataset.manifest.units().keys(), "units of rasters are known from their files alone"
    with netCDF4.Dataset(dataset.folder / "dataset.nc") as file:
        assert (file["pixel"].units, file["wave"].units) == ("cm", "1")
    block = SOURCE.stack(cover, dataset.manifest).block(slice(3, 4), slice(3, 6)).variables
    assert (block.unit("pixel"), block.unit("wave")) == ("cm", "1")


def test_windows_and_points_give_the_same(yearly: Path, prepare_clcd: PrepareClcd) -> None:
    scene = SOURCE.stack(yearly, prepare_clcd(yearly, samples=100)[0].manifest)
    whole = scene.block(slice(0, 20), slice(0, 30))
    part = scene.block(slice(5, 9), slice(7, 17))
    inside = [row * 30 + column for row in range(5, 9) for column in range(7, 17)]
    lon, lat = whole.variables.array("lon"), whole.variables.array("lat")
    points = scene.points(points_in_degrees(np.append(lon[inside], [np.nan, 60.0]), np.append(lat[inside], [9.0, 9.0])))
    assert points.valid.tolist() == [True] * 40 + [False] * 2
    assert points.reason is not None and points.reason.tolist() == [-1] * 40 + [0, 1]
    for name in ("ndvi", "coarse", "pixel", "wave"):
        np.testing.assert_array_equal(part.variables.array(name), whole.variables.array(name)[inside])
        np.testing.assert_array_equal(points.variables.array(name), whole.variables.array(name)[inside])


def test_the_year_of_a_map(yearly: Path, prepare_clcd: PrepareClcd) -> None:
    dataset, _ = prepare_clcd(yearly, samples=100)
    latest = SOURCE.stack(yearly, dataset.manifest)
    assert latest.year == 2021 and latest.block(slice(0, 1), slice(0, 1)).variables.array("ndvi")[0] == 20000
    given, _ = prepare_clcd(yearly, samples=100, map_year=2019)
    earlier = SOURCE.stack(yearly, given.manifest)
    assert earlier.year == 2019 and earlier.digest() != latest.digest()


def test_a_map_lies_on_the_grid_of_the_latest_classes_whatever_their_names(
    yearly: Path, raster: WriteRaster, prepare_clcd: PrepareClcd
) -> None:
    dataset, _ = prepare_clcd(yearly, samples=100)
    raster(yearly / "classes/A_2021.tif", np.ones((7, 9), dtype=np.uint8))
    assert [path.name for path in sorted((yearly / "classes").iterdir())] == ["A_2021.tif", "CLCD_v01_2020.tif"]
    grid = SOURCE.stack(yearly, dataset.manifest).grid
    assert (grid.height, grid.width) == (7, 9)


def test_missing_pixels_carry_no_sample(cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd) -> None:
    dataset, _ = prepare_clcd(cover, samples=50)
    before = SOURCE.stack(cover, dataset.manifest).digest()
    holed = RAMP.copy()
    holed[3, 4] = np.nan
    raster(cover / "covariates/pixel.tif", holed)
    scene = SOURCE.stack(cover, dataset.manifest)
    block = scene.block(slice(3, 4), slice(3, 6))
    assert block.valid.tolist() == [[True, False, True]] and block.variables.array("pixel").tolist() == [303, 305]
    assert scene.digest() != before


def test_without_a_class_raster_the_grid_is_that_of_most_pixels(yearly: Path, prepare_clcd: PrepareClcd) -> None:
    dataset, _ = prepare_clcd(yearly, samples=50)
    scene = SOURCE.stack(yearly / "covariates", dataset.manifest)
    assert (scene.grid.height, scene.grid.width) == (20, 30)


def test_what_a_map_lacks(yearly: Path, prepare_clcd: PrepareClcd) -> None:
    dataset, _ = prepare_clcd(yearly, samples=50)
    with pytest.raises(DataError, match="nowhere: there is no such folder"):
        SOURCE.stack(yearly / "nowhere", dataset.manifest)
    (yearly / "covariates/wave.tif").unlink()
    with pytest.raises(DataError, match=r"the raster of wave is missing\. The map needs wave.tif, as the data set had"):
        SOURCE.stack(yearly, dataset.manifest)
    given = dataset.manifest.model_copy(update={"facts": dataset.manifest.facts | {"map_year": 1999}})
    (yearly / "covariates/pixel.tif").rename(yearly / "covariates/wave.tif")
    (yearly / "covariates/ndvi_2019.tif").rename(yearly / "covariates/pixel.tif")
    with pytest.raises(DataError, match=r"ndvi have no year 1999\. Add the rasters; all have: 2020, 2021"):
        SOURCE.stack(yearly, given)
    broken = dataset.manifest.model_copy(update={"facts": {"kind": "rasters"}})
    with pytest.raises(DataError, match="facts are damaged or from another version"):
        SOURCE.stack(yearly, broken)


def test_pixels_without_a_sample_name_the_covariate_that_they_lack(
    yearly: Path, prepare_clcd: PrepareClcd, raster: WriteRaster
) -> None:
    dataset, _ = prepare_clcd(yearly, samples=100)
    holes = RAMP + 20000
    holes[3, 4] = np.nan
    raster(yearly / "covariates/ndvi_2021.tif", holes)
    scene = SOURCE.stack(yearly, dataset.manifest)
    block = scene.block(slice(0, 20), slice(0, 30))
    assert block.reason is not None
    assert [scene.reasons[place] for place in block.reason[block.reason >= 0]] == ["no data in ndvi"]
    assert not block.valid[3, 4] and block.valid.sum() == 599


def test_a_band_that_is_taken_as_a_mask_is_told(yearly: Path, raster: WriteRaster, prepare_clcd: PrepareClcd) -> None:
    """Of class rasters and of covariates, in the data set and before a map."""
    full = np.full((1, 20, 30), 255, dtype=np.uint8)
    values = (np.arange(600, dtype=np.uint8) % 200).reshape(1, 20, 30)
    raster(yearly / "covariates/soil.tif", np.concatenate([values, values + 1, values + 2, full]))
    dataset, reporter = prepare_clcd(yearly, samples=100)
    note = "soil.tif: band 4, which is marked as alpha, is taken as a mask; where it is 0, data are missing"
    assert note in reporter.said and note in dataset.manifest.funnel.notes
    assert list(SOURCE.stack(yearly, dataset.manifest).notes) == [note]
    names = ["clay", "silt", "sand", "stones"]
    raster(yearly / "covariates/soil.tif", np.concatenate([values, values + 1, values + 2, values + 3]), names=names)
    described, reporter = prepare_clcd(yearly, samples=100)
    assert not any("alpha" in text for text in reporter.said)
    np.testing.assert_array_equal(described.array("soil_stones"), np.array(described.array("soil_clay")) + 3)


def test_points_on_borders_of_pixels_are_found_in_their_own_crs(
    raster: WriteRaster, prepare_clcd: PrepareClcd, tmp_path: Path
) -> None:
    metric = {"crs": "EPSG:32634", "transform": Affine(100, 0, 500_000, 0, -100, 4_600_000)}
    raster(tmp_path / "raw/classes/CLCD_v01_2020.tif", (RAMP % 2 + 1).astype(np.uint8), **metric)
    for name, values in (("pixel", RAMP), ("wave", np.sin(RAMP))):
        raster(tmp_path / f"raw/covariates/{name}.tif", values, **metric)
    scene = SOURCE.stack(tmp_path / "raw", prepare_clcd(tmp_path / "raw", samples=100)[0].manifest)
    corners = [(row, column) for row in range(20) for column in range(30)]
    lines = [f"{500_000 + 100 * column},{4_600_000 - 100 * row}" for row, column in corners]
    table = tmp_path / "p.csv"
    table.write_text("x,y\n" + "\n".join([*lines, ",4600000", "0,0"]) + "\n")
    (points,) = SOURCE.points(table, "EPSG:32634", 1000)
    block = scene.points(points)
    assert block.variables.array("pixel").tolist() == RAMP.ravel().tolist()
    assert block.reason is not None and block.reason.tolist() == [-1] * 600 + [0, 1]


def test_points_are_of_their_own_year(yearly: Path, prepare_clcd: PrepareClcd) -> None:
    dataset, _ = prepare_clcd(yearly, samples=100)
    scene = SOURCE.stack(yearly, dataset.manifest)
    place = scene.block(slice(3, 4), slice(5, 6)).variables
    lon, lat = (np.repeat(place.array(name), 6) for name in ("lon", "lat"))
    lon[5] = 60.0
    own = np.array([2019.0, 2021.0, 2020.0, 1985.0, np.nan, 1985.0])
    points = scene.points(replace(points_in_degrees(lon, lat), year=own))
    assert points.valid.tolist() == [True, True, True, False, False, False]
    assert points.variables.array("ndvi").tolist() == [305.0, 20305.0, 10305.0]
    assert points.variables.array("year").tolist() == [2019, 2021, 2020]
    starts = np.array(["2019-01-01", "2021-01-01", "2020-01-01"], dtype="datetime64[m]")
    assert points.variables.array("time").tolist() == starts.astype(np.int64).tolist()
    assert points.reason is not None
    named = [(*POINT_REASONS, *scene.reasons)[place] for place in points.reason[~points.valid]]
    assert named == ["no year, or no rasters of it", "no year, or no rasters of it", "outside the rasters"]
    plain = scene.points(points_in_degrees(lon[:1], lat[:1]))
    assert plain.variables.array("year").tolist() == [2021] and plain.variables.array("ndvi").tolist() == [20305.0]


def test_rasters_of_other_years_are_part_of_a_prediction_of_points(yearly: Path, prepare_clcd: PrepareClcd) -> None:
    dataset, _ = prepare_clcd(yearly, samples=100)
    before = [SOURCE.stack(yearly, dataset.manifest).digest(all_years=which) for which in (False, True)]
    os.utime(yearly / "covariates/ndvi_2019.tif", ns=(1, 1))
    after = [SOURCE.stack(yearly, dataset.manifest).digest(all_years=which) for which in (False, True)]
    assert before[0] == after[0] and before[1] != after[1]


def test_a_fill_in_another_year_is_refused_when_a_point_asks_for_it(
    yearly: Path, prepare_clcd: PrepareClcd, raster: WriteRaster
) -> None:
    dataset, _ = prepare_clcd(yearly, samples=100)
    holes = RAMP.copy()
    holes[:10] = -9999
    raster(yearly / "covariates/ndvi_2019.tif", holes)
    scene = SOURCE.stack(yearly, dataset.manifest)
    place = scene.block(slice(3, 4), slice(5, 6)).variables
    points = points_in_degrees(place.array("lon"), place.array("lat"))
    assert scene.points(replace(points, year=np.array([2020.0]))).valid.all()
    with pytest.raises(DataError, match="-9999"):
        scene.points(replace(points, year=np.array([2019.0])))


def test_years_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("lon,lat,Year\n1,2,2019\n1,2,\n1,2,2020.0\n")
    [points] = SOURCE.points(tmp_path / "t.csv", "EPSG:4326", 10)
    assert points.year is not None
    np.testing.assert_array_equal(points.year, [2019, np.nan, 2020])
    (tmp_path / "t.csv").write_text("lon,lat\n1,2\n")
    assert next(SOURCE.points(tmp_path / "t.csv", "EPSG:4326", 10)).year is None
    (tmp_path / "t.csv").write_text("lon,lat,year\n1,2,2019.5\n")
    with pytest.raises(DataError, match=r"t.csv, line 2: year is 2019.5, which is no calendar year"):
        list(SOURCE.points(tmp_path / "t.csv", "EPSG:4326", 10))


def test_fills_are_no_years_and_other_numbers_neither(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("lon,lat,year\n1,2,-9999\n1,2,2019\n")
    [points] = SOURCE.points(tmp_path / "t.csv", "EPSG:4326", 10)
    np.testing.assert_array_equal(points.year, [np.nan, 2019])
    for text in ("20190", "1", "1e20", "18"):
        (tmp_path / "t.csv").write_text(f"lon,lat,year\n1,2,{text}\n")
        with pytest.raises(DataError, match=r"which is no calendar year. Write years such as 2020"):
            list(SOURCE.points(tmp_path / "t.csv", "EPSG:4326", 10))
    (tmp_path / "t.csv").write_text("lon,lat,year,Year\n1,2,2019,2018\n")
    with pytest.raises(DataError, match=r"the year may be any of year, Year. Keep one of these columns"):
        list(SOURCE.points(tmp_path / "t.csv", "EPSG:4326", 10))


def test_a_year_of_maps_that_is_not_there_is_told(yearly: Path, prepare_clcd: PrepareClcd) -> None:
    _, reporter = prepare_clcd(yearly, samples=100, map_year=1999)
    assert any("no covariates of 1999, the year of maps, are here" in text for text in reporter.warned)
    _, reporter = prepare_clcd(yearly, samples=100, map_year=2019)
    assert not any("the year of maps" in text for text in reporter.warned)


def test_dates_without_a_year_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("lon,lat,Date\n1,2,2019-05-01\n")
    with pytest.raises(DataError, match=r"has dates \(Date\) and no year.* Add a column year, or take Date out"):
        list(SOURCE.points(tmp_path / "t.csv", "EPSG:4326", 10))
    for remedied in ("lon,lat,Date,year\n1,2,2019-05-01,2019\n", "lon,lat\n1,2\n"):
        (tmp_path / "t.csv").write_text(remedied)
        assert len(list(SOURCE.points(tmp_path / "t.csv", "EPSG:4326", 10))) == 1


@pytest.mark.parametrize("date", ["2019-05-01", "20190501", "01.05.2019", "2019-05-01T10:00"])
def test_years_that_are_not_those_of_their_dates_are_refused(tmp_path: Path, date: str) -> None:
    (tmp_path / "t.csv").write_text(f"lon,lat,year,date\n1,2,2019,{date}\n1,2,2020,{date}\n")
    with pytest.raises(
        DataError, match=r"line 3: year is 2020, and date is .* Correct the row, or take date out"
    ) as found:
        list(SOURCE.points(tmp_path / "t.csv", "EPSG:4326", 10))
    assert date in str(found.value)
    (tmp_path / "t.csv").write_text("lon,lat,year\n1,2,2019\n1,2,2020\n")
    assert len(list(SOURCE.points(tmp_path / "t.csv", "EPSG:4326", 10))) == 1


@pytest.mark.parametrize("date", ["01052019", "20052019", "1/5/19", "day 121", "", "1930"])
def test_dates_that_tell_no_year_or_the_same_pass(tmp_path: Path, date: str) -> None:
    (tmp_path / "t.csv").write_text(f"lon,lat,year,date\n1,2,2018,{date}\n")
    assert len(list(SOURCE.points(tmp_path / "t.csv", "EPSG:4326", 10))) == 1
