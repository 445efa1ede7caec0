"""Pixels drawn from class rasters: how many of each class, and with which covariates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.warp import transform

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.sources.clcd.options import ClcdOptions
from geoml_cli.sources.clcd.source import SOURCE
from geoml_cli.sources.clcd.stratified import allot
from geoml_cli.work.reporting import NullReporter

PrepareClcd = Callable[..., tuple[Dataset, NullReporter]]
WriteRaster = Callable[..., Path]
CODES = np.zeros((20, 30), dtype=np.uint8)
CODES[2:, :10], CODES[2:, 10:28], CODES[2:, 28:] = 1, 2, 7
RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)


def pixels(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the samples, told by their place; pixels of a tenth of a degree."""
    rows = np.floor((10 - np.array(dataset.array("lat"))) / 0.1 + 1e-9).astype(int)
    return rows, np.floor((np.array(dataset.array("lon")) - 20) / 0.1 + 1e-9).astype(int)


def test_each_sample_is_a_pixel_with_its_class_and_covariates(cover: Path, prepare_clcd: PrepareClcd) -> None:
    dataset, _ = prepare_clcd(cover, samples=90)
    rows, columns = pixels(dataset)
    codes = np.array(dataset.array("class_code"))
    np.testing.assert_array_equal(codes[dataset.array("class")], CODES[rows, columns])
    np.testing.assert_array_equal(dataset.array("pixel"), RAMP[rows, columns])
    np.testing.assert_allclose(dataset.array("wave"), np.sin(RAMP)[rows, columns], rtol=1e-6)
    assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == 90, "a pixel is drawn once"
    assert dataset.labels("class_name") == ["cropland", "forest", "barren"] and codes.tolist() == [1, 2, 7]
    assert dataset.labels("target") == ["class"] and dataset.labels("category_name") == ["none"]
    assert set(dataset.array("year")) == {2020} and set(dataset.array("category")) == {0}
    assert set(np.array(dataset.array("time")).astype("datetime64[m]").astype(str)) == {"2020-01-01T00:00"}


def test_a_covariate_of_classes_is_named(cover: Path, prepare_clcd: PrepareClcd, raster: WriteRaster) -> None:
    soil = raster(cover / "covariates/soil.tif", CODES + 1, colours={1: (0, 0, 0), 2: (255, 0, 0)})
    dataset, reporter = prepare_clcd(cover, samples=90)
    [told] = [text for text in reporter.warned if "classes" in text]
    assert told.startswith("soil: the file names or colours classes") and told in dataset.manifest.funnel.notes
    raster(soil, CODES + 1, colours={grey: (grey, grey, grey) for grey in range(256)})
    assert not prepare_clcd(cover, samples=90)[1].warned, "a quantity shown in grey"
    raster(soil, CODES + 1, colours={1: (0, 0, 0), 2: (255, 0, 0)})
    _, reporter = prepare_clcd(cover, samples=90, categorical=("soil",))  # as the message says
    assert not reporter.warned


def test_classes_of_a_covariate_become_factors(cover: Path, prepare_clcd: PrepareClcd, raster: WriteRaster) -> None:
    raster(cover / "covariates/soil.tif", CODES + 1)
    dataset, _ = prepare_clcd(cover, samples=90, categorical=("soil",))
    names = [f"soil={code}" for code in (2, 3, 8)]
    assert [name for name in dataset.labels("static") + dataset.labels("dynamic") if "soil" in name] == names
    assert not dataset.has("soil") and dataset.manifest.facts["categorical"] == {"soil": [2, 3, 8]}
    codes = np.array(dataset.array("class_code"))[np.array(dataset.array("class"))] + 1
    for name, code in zip(names, (2, 3, 8), strict=True):
        np.testing.assert_array_equal(dataset.array(name), codes == code)
    assert dataset.manifest.variables["soil=8"].long_name == "1 where soil is of class 8, else 0"


def test_what_is_no_covariate_of_classes_is_refused(
    cover: Path, prepare_clcd: PrepareClcd, raster: WriteRaster
) -> None:
    with pytest.raises(
        SettingsError, match=r"--categorical soil: there is no covariate soil\. The names are: pixel, wave"
    ):
        prepare_clcd(cover, samples=90, categorical=("soil",))
    with pytest.raises(DataError, match=r"wave holds -?0\.\d+, which is no class"):
        prepare_clcd(cover, samples=90, categorical=("wave",))
    with pytest.raises(DataError, match=r"pixel holds \d+ classes, of which at most 64 are taken"):
        prepare_clcd(cover, samples=90, categorical=("pixel",))
    raster(cover / "covariates/soil.tif", CODES.astype(np.int32) + 555_555_624)
    with pytest.raises(DataError, match=r"soil holds codes of 16,777,216 and more, which are not distinguished"):
        prepare_clcd(cover, samples=90, categorical=("soil",))
    raster(cover / "covariates/soil.tif", CODES + 1)
    raster(cover / "covariates/soil=8.tif", CODES + 1)
    with pytest.raises(DataError, match=r"a class of soil would have the name of the covariate soil=8"):
        prepare_clcd(cover, samples=90, categorical=("soil",))


def test_balanced_and_proportional(cover: Path, prepare_clcd: PrepareClcd) -> None:
    balanced = Counter(np.array(prepare_clcd(cover, samples=90)[0].array("class")).tolist())
    assert balanced == {0: 30, 1: 30, 2: 30}
    shares = Counter(np.array(prepare_clcd(cover, samples=60, strategy="proportional")[0].array("class")).tolist())
    assert shares == {0: 20, 1: 36, 2: 4}


@pytest.mark.parametrize(
    ("counts", "strategy", "expected"),
    [
        ({1: 5, 2: 1000, 3: 1000}, "balanced", {1: 5, 2: 47, 3: 48}),
        ({1: 10, 2: 20}, "balanced", {1: 10, 2: 20}),
        ({1: 1, 2: 10**10}, "proportional", {1: 1, 2: 100}),
        ({1: 30, 2: 70}, "proportional", {1: 30, 2: 70}),
    ],
)
def test_numbers_of_pixels(counts: dict[int, int], strategy: str, expected: dict[int, int]) -> None:
    assert allot(Counter(counts), ClcdOptions(samples=100, strategy=strategy)) == expected


def test_every_pixel_of_a_class_is_as_likely(raster: WriteRaster, tmp_path: Path, prepare_clcd: PrepareClcd) -> None:
    """Half of the pixels, drawn by 40 seeds: none is drawn always or never."""
    raw = tmp_path / "even"
    raster(raw / "CLCD_v01_2020_albert.tif", np.where(RAMP % 2, 1, 2).astype(np.uint8))
    for name in "ab":
        raster(raw / f"covariates/{name}.tif", RAMP)
    times: Counter[float] = Counter()
    for seed in range(40):
        times.update(np.array(prepare_clcd(raw, samples=300, seed=seed)[0].array("a")).tolist())
    assert len(times) == 600 and 5 <= min(times.values()) and max(times.values()) <= 35


def test_the_seed_decides(cover: Path, prepare_clcd: PrepareClcd) -> None:
    one, two, other = (np.array(prepare_clcd(cover, samples=60, seed=s)[0].array("pixel")) for s in (1, 1, 2))
    assert one.tolist() == two.tolist() != other.tolist()


def test_windows_do_not_matter(cover: Path, prepare_clcd: PrepareClcd, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = set(np.array(prepare_clcd(cover, samples=90)[0].array("pixel")).tolist())
    monkeypatch.setattr("geoml_cli.sources.clcd.stratified._PIXELS_AT_ONCE", 64)
    assert set(np.array(prepare_clcd(cover, samples=90, legend="clcd")[0].array("pixel")).tolist()) == whole


def test_covariates_on_other_grids_are_read_where_the_pixel_lies(
    cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd
) -> None:
    """One shifted by 0.3 of a pixel, one coarser and longer, one in metres and finer."""
    shifted = Affine(0.1, 0, 20.03, 0, -0.1, 9.97)
    raster(cover / "covariates/shifted.tif", RAMP, transform=shifted)
    coarse = np.arange(16, dtype=np.float32).reshape(4, 4)
    raster(cover / "covariates/coarse.tif", coarse, transform=Affine(1, 0, 19.5, 0, -1, 10.5))
    fine = np.random.default_rng(0).normal(size=(900, 1300)).astype(np.float32)
    metres = Affine(300, 0, 180_000, 0, -300, 1_125_000)
    raster(cover / "covariates/metres.tif", fine, crs="EPSG:32634", transform=metres)
    dataset, _ = prepare_clcd(cover, samples=90)
    lon, lat = np.array(dataset.array("lon")), np.array(dataset.array("lat"))
    for name in ("shifted", "coarse", "metres"):
        with rasterio.open(cover / f"covariates/{name}.tif") as file:
            x, y = transform("EPSG:4326", file.crs, lon, lat)
            found = [value[0] for value in file.sample(zip(x, y, strict=True))]
        np.testing.assert_array_equal(dataset.array(name), np.array(found, dtype=np.float32), err_msg=name)
    assert dataset.manifest.funnel.kept < 90, "the first row of the shifted one lies outside"


def test_pixels_without_a_covariate_are_left_out_and_counted(
    cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd
) -> None:
    holes = np.where(np.arange(30) < 5, -32768, 3).astype(np.int16) * np.ones((20, 1), dtype=np.int16)
    raster(cover / "covariates/holes.tif", holes, nodata=-32768)
    dataset, _ = prepare_clcd(cover, samples=540)
    funnel = dataset.manifest.funnel
    assert funnel.dropped == {"no data in a covariate": 90} and (funnel.read, funnel.kept) == (540, 450)
    assert funnel.notes[0] == "no data in a covariate, by covariate: holes 90"
    assert funnel.notes[1] == "60 pixels of code 0 are taken as no data, which the files do not say"
    assert funnel.notes[2] == "pixels: cropland 180, forest 324, barren 36"


def test_a_class_that_loses_all_pixels_is_none(cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd) -> None:
    raster(cover / "covariates/west.tif", np.where(np.arange(30) < 28, 1.0, np.nan) * np.ones((20, 1)))
    dataset, reporter = prepare_clcd(cover, samples=90)
    assert dataset.labels("class_name") == ["cropland", "forest"] and set(dataset.array("class")) == {0, 1}
    assert reporter.warned == ["no pixel is left of: barren; it is no class of the data set"]


def test_yearly_covariates_belong_to_the_years_of_the_classes(
    cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd
) -> None:
    raster(cover / "classes/CLCD_v01_2021.tif", CODES[::-1].copy())
    for year in (2019, 2020, 2021):
        raster(cover / f"covariates/ndvi_{year}.tif", RAMP + 10000 * (year - 2019))
    dataset, _ = prepare_clcd(cover, samples=200)
    years, rows = np.array(dataset.array("year")), pixels(dataset)[0]
    np.testing.assert_array_equal(dataset.array("ndvi"), dataset.array("pixel") + 10000 * (years - 2019))
    codes = np.array(dataset.array("class_code"))[dataset.array("class")]
    expected = np.where(years == 2020, CODES[pixels(dataset)], CODES[::-1][pixels(dataset)])
    np.testing.assert_array_equal(codes, expected)
    assert dataset.labels("dynamic") == ["ndvi"] and dataset.labels("static") == ["pixel", "wave"]
    places = {}
    for row, column, cell in zip(rows, pixels(dataset)[1], dataset.array("cell"), strict=True):
        assert places.setdefault((row, column), cell) == cell
    assert len(set(places.values())) == len(places), "a number a place, over the years"


def test_roles_without_yearly_or_static_ones(cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd) -> None:
    dataset, _ = prepare_clcd(cover, samples=20)
    assert (dataset.labels("dynamic"), dataset.labels("static")) == (["wave"], ["pixel"])
    for name in ("pixel", "wave"):
        (cover / f"covariates/{name}.tif").rename(cover / f"covariates/{name}_2020.tif")
    dataset, _ = prepare_clcd(cover, samples=20)
    assert (dataset.labels("dynamic"), dataset.labels("static")) == (["pixel"], ["wave"])


def test_legends(raster: WriteRaster, tmp_path: Path, prepare_clcd: PrepareClcd) -> None:
    raw = tmp_path / "nlcd"
    raster(raw / "nlcd2011.tif", np.where(CODES == 1, 11, np.where(CODES == 2, 42, 255)).astype(np.uint8), nodata=255)
    for name in "ab":
        raster(raw / f"covariates/{name}.tif", RAMP)
    dataset, _ = prepare_clcd(raw, samples=20, classes="nlcd*.tif")
    assert dataset.labels("class_name") == ["open water", "evergreen forest"]
    assert set(dataset.array("year")) == {2011}
    dataset, _ = prepare_clcd(raw, samples=20, classes="nlcd*.tif", legend="none")
    assert dataset.labels("class_name") == ["class 11", "class 42"]


def test_memory_does_not_grow_with_the_raster(cover: Path, prepare_clcd: PrepareClcd) -> None:
    """A raster stored in strips is read in whole strips, each once."""
    from geoml_cli.sources.clcd.stratified import _PIXELS_AT_ONCE
    from geoml_cli.sources.clcd.stratified import cover as cover_of

    class Wide:
        pieces = (1, 200_000)
        grid = type("G", (), {"height": 1000, "width": 200_000})()

    class Tiled(Wide):
        pieces = (512, 512)

    for sheet in (Wide(), Tiled()):
        covered = 0
        for rows, columns in cover_of(sheet):
            pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
            assert pixels <= _PIXELS_AT_ONCE and rows.start % sheet.pieces[0] == 0
            assert columns.start % sheet.pieces[1] == 0
            covered += pixels
        assert covered == 200_000 * 1000


def test_a_code_that_looks_like_no_data_is_refused_until_it_is_declared(
    cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd
) -> None:
    raster(cover / "classes/CLCD_v01_2020.tif", np.where(CODES == 0, 255, CODES).astype(np.uint8))
    with pytest.raises(DataError, match=r"CLCD_v01_2020\.tif: 60 pixels are 255, which looks like no data") as caught:
        prepare_clcd(cover, samples=90)
    assert "--nodata 0 --nodata 255 where it means no data, --nodata 0 --nodata none where" in str(caught.value)
    dataset, _ = prepare_clcd(cover, samples=90, nodata=("0", "255"))
    assert dataset.array("class_code").tolist() == [1, 2, 7]
    dataset, reporter = prepare_clcd(cover, samples=90, nodata=("0", "none"))
    assert dataset.array("class_code").tolist() == [1, 2, 7, 255]
    assert dataset.labels("class_name") == ["cropland", "forest", "barren", "class 255"]
    assert any("60 pixels of code 255 are no class of the legend clcd; kept" in text for text in reporter.warned)


def test_a_negative_fill_of_class_rasters_is_told(cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd) -> None:
    raster(cover / "classes/CLCD_v01_2020.tif", np.where(CODES == 0, -9999, CODES.astype(np.int16)))
    with pytest.raises(DataError, match=r"60 pixels are -9999, .*--nodata 0 --nodata -9999 where it means no data"):
        prepare_clcd(cover, samples=90)
    dataset, _ = prepare_clcd(cover, samples=90, nodata=("0", "-9999"))
    assert dataset.array("class_code").tolist() == [1, 2, 7]


def test_pixels_that_the_default_takes_as_no_data_are_told(
    cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd
) -> None:
    (cover / "classes/CLCD_v01_2020.tif").unlink()
    raster(cover / "classes/cover_2020.tif", CODES)
    dataset, reporter = prepare_clcd(cover, samples=90)
    told = "60 pixels of code 0 are taken as no data, which the files do not say"
    assert told in dataset.manifest.funnel.notes
    assert f"{told}. If 0 is a class, give --nodata none." in reporter.warned
    dataset, _ = prepare_clcd(cover, samples=90, nodata=("none",))
    assert dataset.array("class_code").tolist() == [0, 1, 2, 7]
    raster(cover / "classes/cover_2020.tif", CODES, nodata=0)
    dataset, reporter = prepare_clcd(cover, samples=90)
    assert told not in dataset.manifest.funnel.notes


def test_undeclared_fills_of_covariates_are_refused(
    cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd
) -> None:
    raster(cover / "covariates/wave.tif", np.where(RAMP < 200, -9999, np.sin(RAMP)))
    with pytest.raises(DataError, match=r"wave: 60 pixels are -9999, .*--nodata wave=-9999 where"):
        prepare_clcd(cover, samples=90)
    dataset, _ = prepare_clcd(cover, samples=90, nodata=("wave=-9999",))
    assert dataset.array("class_code").tolist() == [1, 2, 7], "0 still means no data"
    with pytest.raises(DataError, match="--nodata names no covariate: soil"):
        prepare_clcd(cover, samples=90, nodata=("soil=-9999",))
    scene = SOURCE.stack(cover, dataset.manifest, ())
    assert not scene.block(slice(0, 2), slice(0, 30)).valid.any()


def test_a_class_raster_of_several_bands_is_refused(
    cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd
) -> None:
    raster(cover / "classes/CLCD_v01_2020.tif", np.stack([CODES, CODES]))
    with pytest.raises(DataError, match="has 2 bands, and a class raster has one"):
        prepare_clcd(cover, samples=90)


def test_tiles_of_a_class_raster_are_put_together(cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd) -> None:
    whole, _ = prepare_clcd(cover, samples=90)
    (cover / "classes/CLCD_v01_2020.tif").unlink()
    for column in (0, 16):
        part = CODES[:, column : 16 if column == 0 else None]
        place = Affine(0.1, 0, 20 + 0.1 * column, 0, -0.1, 10)
        raster(cover / f"classes/CLCD_v01_2020-0000000000-{column:010d}.tif", part, transform=place)
    tiled, _ = prepare_clcd(cover, samples=90)
    np.testing.assert_array_equal(tiled.array("pixel"), whole.array("pixel"))


def test_tiles_of_a_class_raster_with_other_no_data_are_refused(
    cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd
) -> None:
    (cover / "classes/CLCD_v01_2020.tif").unlink()
    for column, nodata in ((0, 0), (16, 15)):
        part = np.where(CODES == 0, nodata, CODES).astype(np.uint8)[:, column : 16 if column == 0 else None]
        place = Affine(0.1, 0, 20 + 0.1 * column, 0, -0.1, 10)
        path = cover / f"classes/CLCD_v01_2020-0000000000-{column:010d}.tif"
        raster(path, part, transform=place, nodata=nodata)
    with pytest.raises(
        DataError, match=r"0000000016\.tif: the no-data value is 15, and 0 in the tile .* the same no-da"
    ):
        prepare_clcd(cover, samples=90)
    raster(path, np.where(part == 15, 0, part).astype(np.uint8), transform=place, nodata=0)
    assert prepare_clcd(cover, samples=90)[0].labels("class_name") == ["cropland", "forest", "barren"]


def test_pixels_without_a_covariate_weigh_nothing(cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd) -> None:
    """Scores of a map count classes by what a map predicts: of class 2 only a third has the covariate."""
    wave = np.where((CODES == 2) & (np.arange(30)[None] >= 16), -9999, np.sin(RAMP)).astype(np.float32)
    raster(cover / "covariates/wave.tif", wave, nodata=-9999)
    dataset, _ = prepare_clcd(cover, samples=10_000)
    assert dataset.manifest.facts["pixels"] == [180, 108, 36]
    dataset, _ = prepare_clcd(cover, samples=300, seed=3)
    first, second, third = dataset.manifest.facts["pixels"]
    assert (first, third) == (180, 36) and second == pytest.approx(108, abs=20)


def test_a_year_in_another_legend_is_told(cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd) -> None:
    other = np.select([CODES == 1, CODES == 2, CODES == 7], [41, 82, 7]).astype(np.uint8)
    raster(cover / "classes/nlcd_2010.tif", other)
    dataset, reporter = prepare_clcd(cover, legend="none", samples=200)
    words = "most pixels of {} are of classes that no other year has ({})"
    both = [words.format(2010, "41 class 41, 82 class 82"), words.format(2020, "1 class 1, 2 class 2")]
    assert [note for note in dataset.manifest.funnel.notes if "no other year" in note] == both
    assert sum("are all years in one legend?" in text for text in reporter.warned) == 2
    raster(cover / "classes/nlcd_2010.tif", CODES)
    dataset, reporter = prepare_clcd(cover, legend="none", samples=201)
    assert not any("no other year" in note for note in dataset.manifest.funnel.notes)


def asked(dataset: Dataset) -> list[str]:
    return [note for note in dataset.manifest.funnel.notes if "one legend" in note or "of another class in" in note]


@pytest.mark.parametrize(("one", "other"), [(1, 7), (2, 7)])
def test_classes_that_are_exchanged_in_one_year_are_told(
    cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd, one: int, other: int
) -> None:
    """Also those of nearly the same share."""
    swapped = np.where(CODES == one, other, np.where(CODES == other, one, CODES)).astype(np.uint8)
    raster(cover / "classes/clcd_2010.tif", swapped)
    dataset, reporter = prepare_clcd(cover, legend="none", samples=200)
    words = f"most pixels of {one} class {one} in 2010 are {other} class {other} in 2020, and the other way round"
    assert len(asked(dataset)) == 1 and asked(dataset)[0].startswith(words) and asked(dataset)[0] in reporter.warned
    grown = np.where((CODES == 1) & (np.arange(30)[None] < 14), 2, CODES).astype(np.uint8)  # three quarters of a class
    raster(cover / "classes/clcd_2010.tif", grown)
    assert asked(prepare_clcd(cover, legend="none", samples=201)[0]) == []


def test_a_map_that_is_moved_is_told(cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd) -> None:
    bands = np.repeat([1, 2, 7], CODES.shape[0] // 3 + 1)[: CODES.shape[0], None] * np.ones_like(CODES)
    for year, codes in ((2010, bands), (2020, np.roll(bands, CODES.shape[0] // 3, axis=0))):
        raster(next((cover / "classes").glob(f"*{year}.tif"), cover / f"classes/clcd_{year}.tif"), codes)
    [note] = asked(prepare_clcd(cover, legend="none", samples=200)[0])
    assert re.match(r"\d[\d.]* % of the pixels are of one class in 2010 and 2020: are both maps in one legend", note)


@pytest.mark.parametrize("nothing", [0, 99])
def test_halves_of_one_grid_that_each_year_covers_have_no_pixel_to_compare(
    cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd, nothing: int
) -> None:
    """Code 0, and one that --nodata names, are no classes."""
    west = np.arange(CODES.shape[1])[None] < CODES.shape[1] // 2
    for year, there in ((2010, west), (2020, ~west)):
        codes = np.where(there, np.where(CODES > 0, CODES, 1), nothing).astype(np.uint8)
        raster(next((cover / "classes").glob(f"*{year}.tif"), cover / f"classes/clcd_{year}.tif"), codes)
    dataset, _ = prepare_clcd(cover, legend="none", samples=200, nodata=("0", str(nothing)))
    assert asked(dataset) == [] and nothing not in dataset.array("class_code")


def test_years_of_other_grids_are_compared_by_shares(
    cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd
) -> None:
    swapped = np.select([CODES == 1, CODES == 2, CODES == 7], [7, 2, 1]).astype(np.uint8)
    raster(cover / "classes/clcd_2010.tif", swapped[:, :29])
    [note] = asked(prepare_clcd(cover, legend="none", samples=200)[0])
    assert "% of the map are of another class in 2020 than in 2010, at least (" in note
