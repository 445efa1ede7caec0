"""The soc source on rasters: every value beside one read independently."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.warp import transform as warp_points

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.sources.soc import SOURCE

RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)


def sampled(path: Path, dataset: Dataset) -> np.ndarray:
    """Read a raster at the data set's points with rasterio's own sampler."""
    places = zip(dataset.array("lon"), dataset.array("lat"), strict=True)
    with rasterio.open(path) as file:
        return np.array([value[0] for value in file.sample(places)], dtype=np.float32)


@pytest.fixture(scope="module")
def coast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coast")
    SOURCE.synthesise(folder, 7)
    return folder


COAST = {"classes": ("land_cover",)}


def test_centres_equal_what_rasterio_samples(coast, prepared):
    dataset, _ = prepared(coast, **COAST)
    static, names = dataset.array("static"), dataset.labels("covariate")
    for name in ("height", "rainfall", "slope", "temperature", "wetness"):
        found = sampled(coast / "covs" / f"{name}.tif", dataset)
        np.testing.assert_array_equal(static[:, names.index(name), 2, 2], found)
    cover = sampled(coast / "covs" / "land_cover.tif", dataset)
    for code in (1, 2, 3, 4):
        np.testing.assert_array_equal(static[:, names.index(f"land_cover={code}"), 2, 2], cover == code)


def test_series_are_ordered_by_year_and_feature(coast, prepared):
    dataset, _ = prepared(coast, **COAST)
    assert dataset.labels("feature") == ["evi", "los", "sos"]
    assert dataset.array("year").tolist() == [2016, 2017, 2018, 2019, 2020]
    for year in range(5):
        for place, feature in enumerate(["evi", "los", "sos"]):
            found = sampled(coast / "covs" / f"{feature}_{2016 + year}.tif", dataset)
            np.testing.assert_array_equal(dataset.array("series")[:, year, place], found)


def test_whole_windows_equal_windowed_reads(coast, prepared):
    dataset, _ = prepared(coast, **COAST, window=7)
    static = dataset.array("static")
    with rasterio.open(coast / "covs" / "slope.tif") as file:
        for sample in range(0, len(static), 50):
            row, column = file.index(dataset.array("lon")[sample], dataset.array("lat")[sample])
            found = file.read(1, window=((row - 3, row + 4), (column - 3, column + 4)))
            np.testing.assert_array_equal(static[sample, dataset.labels("covariate").index("slope")], found)


def test_nothing_kept_misses_a_value_and_classes_add_up(coast, prepared):
    dataset, _ = prepared(coast, **COAST)
    assert np.isfinite(dataset.array("static")).all()
    assert np.isfinite(dataset.array("series")).all()
    channels = [i for i, name in enumerate(dataset.labels("covariate")) if name.startswith("land_cover=")]
    np.testing.assert_array_equal(dataset.array("static")[:, channels].sum(axis=1), 1.0)


def test_synthetic_carbon_depends_on_the_neighbourhood_and_repeats_by_seed(tmp_path, coast, prepared):
    SOURCE.synthesise(tmp_path / "again", 7)
    assert (tmp_path / "again/points.csv").read_bytes() == (coast / "points.csv").read_bytes()
    dataset, _ = prepared(coast, **COAST)
    window = dataset.array("static")[:, dataset.labels("covariate").index("height")]
    around = np.corrcoef(window.mean(axis=(1, 2)), dataset.array("soc"))[0, 1]
    assert around > 0.5
    assert around > np.corrcoef(window[:, 2, 2], dataset.array("soc"))[0, 1]


def test_scene_gives_the_samples_of_the_data_set(coast, prepared):
    dataset, _ = prepared(coast, **COAST)
    scene = SOURCE.scene(coast, dataset.manifest)
    longitude, latitude = np.asarray(dataset.array("lon")), np.asarray(dataset.array("lat"))
    points = scene.points(longitude, latitude)
    assert points.valid.all()
    np.testing.assert_array_equal(points.variables.array("static"), dataset.array("static"))
    np.testing.assert_array_equal(points.variables.array("series"), dataset.array("series"))
    assert points.variables.labels("covariate") == dataset.labels("covariate")
    block = scene.block(slice(0, 120), slice(0, 160))
    number = np.cumsum(block.valid.ravel()).reshape(block.valid.shape) - 1
    rows, columns = ((42 - latitude) // 0.0025).astype(int), ((longitude - 21) // 0.0025).astype(int)
    np.testing.assert_array_equal(block.variables.array("static")[number[rows, columns]], dataset.array("static"))


def test_points_without_a_sample_are_not_valid(coast, prepared):
    dataset, _ = prepared(coast, **COAST)
    scene = SOURCE.scene(coast, dataset.manifest)
    longitude = np.array([21.2, 0.0, np.nan, 21.0001, 21.03])  # land, far away, unknown, the edge, the sea
    points = scene.points(longitude, np.full(5, 41.85))
    assert points.valid.tolist() == [True, False, False, False, False]
    assert points.variables.array("static").shape == (1, 9, 5, 5)


def test_blocks_fit_together_as_if_read_at_once(coast, prepared, raster):
    """Also where a raster is resampled: the value of a pixel must not depend on the block."""
    fine = np.random.default_rng(1).normal(size=(240, 300)).astype(np.float32)
    extra = coast / "covs" / "extra.tif"
    raster(extra, fine, transform=Affine(0.0017, 0, 20.99, 0, -0.0017, 42.01))
    try:
        dataset, _ = prepared(coast, **COAST, reference="height")
        scene = SOURCE.scene(coast, dataset.manifest)
        whole = scene.block(slice(0, 120), slice(0, 160))
        cut = scene.block(slice(37, 101), slice(70, 133))
    finally:
        extra.unlink()
    np.testing.assert_array_equal(cut.valid, whole.valid[37:101, 70:133])
    inside = np.zeros_like(whole.valid)
    inside[37:101, 70:133] = True
    expected = whole.variables.array("static")[inside[whole.valid]]
    np.testing.assert_array_equal(cut.variables.array("static"), expected)


def test_scene_of_another_folder_wants_every_covariate(coast, prepared, tmp_path):
    dataset, _ = prepared(coast, **COAST)
    for path in (coast / "covs").iterdir():
        if path.name != "wetness.tif":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(DataError, match=r"the raster of wetness, wetness\.tif, is missing") as caught:
        SOURCE.scene(tmp_path, dataset.manifest)
    assert caught.value.exit_code == 3


def test_scene_refuses_pixels_of_another_size_and_digests_content(coast, prepared, raster, table, tmp_path):
    raw = tmp_path / "raw"
    raster(raw / "dem.tif", RAMP)
    table(raw / "p.csv", [(10, 10, 5)])
    dataset, _ = prepared(raw)
    digest = SOURCE.scene(raw, dataset.manifest).digest()
    raster(raw / "dem.tif", RAMP + 1)
    assert SOURCE.scene(raw, dataset.manifest).digest() != digest
    raster(raw / "dem.tif", RAMP, transform=Affine(0.2, 0, 20, 0, -0.2, 10))
    with pytest.raises(DataError, match="pixels differ from the data set's"):
        SOURCE.scene(raw, dataset.manifest)


def test_losses_are_counted_by_reason(raster, table, prepared, tmp_path):
    values = RAMP.copy()
    values[5, 5] = -9999
    raster(tmp_path / "raw/dem.tif", values, nodata=-9999)
    rows = [(10, 10, 5), (7, 7, 4), (8, 8, 3), (1, 10, 2), (10, 28, 2), (50, 10, 1), (17, 27, 9)]
    table(tmp_path / "raw/p.csv", rows)
    dataset, reporter = prepared(tmp_path / "raw")
    funnel = dataset.manifest.funnel
    assert (funnel.read, funnel.kept) == (7, 3)
    assert funnel.dropped == {
        "outside the rasters": 1,
        "window across the edge of the rasters": 2,
        "no data in the window": 1,
    }
    assert "no data in the window, by raster: dem 1" in funnel.notes
    assert any("1 samples are left out" in text for text in reporter.warned)
    assert dataset.labels("id") == ["P0", "P2", "P6"]
    assert dataset.array("soc").tolist() == [5, 3, 9]


def test_rows_without_a_sample_are_counted_by_reason(raster, tmp_path, prepared):
    raster(tmp_path / "raw/dem.tif", RAMP)
    lines = [
        "name,lon,lat,soc", "a,21.05,8.95,5", "b,21.05,8.95,5", "c,21.05,8.95,6", "d,21.05,8.95,NA",
        "e,,8.95,5", "f,21.05,8.95,-9999", "g,21.05,8.95,-1", "h,21.05,8.95,inf", "i,-9999,-9999,2", "",
    ]  # fmt: skip
    (tmp_path / "raw/p.csv").write_text("\n".join(lines))
    dataset, reporter = prepared(tmp_path / "raw")
    assert dataset.manifest.funnel.dropped == {
        "no coordinates": 2,
        "no target value": 2,
        "target infinite": 1,
        "target negative": 1,
        "repeats an earlier row": 1,
    }
    assert dataset.array("soc").tolist() == [5, 6]
    assert any("1 rows lie where an earlier one does" in text for text in reporter.warned)
    assert dataset.labels("id") == ["1", "3"]


@pytest.mark.parametrize(
    ("kind", "nodata", "stored"),
    [
        ("float32", -3.3999999521443642e38, -3.4e38),  # the tag is a double, the value its float32
        ("float32", None, -3.4028234663852886e38),  # no tag, but no quantity is as large
        ("float32", -1.7e308, np.nan),
        ("float32", np.nan, np.nan),
        ("float32", None, np.inf),
        ("float64", -99999.0, -99999.0),
        ("int16", -32768, -32768),
        ("uint8", 255, 255),
    ],
)
def test_every_convention_of_no_data(raster, table, prepared, tmp_path, kind, nodata, stored):
    values = (RAMP % 97).astype(kind)
    values[10, 10] = np.array(stored).astype(kind)
    file = "float64" if nodata is not None and abs(nodata) > 1e308 else kind
    raster(tmp_path / "raw/dem.tif", values.astype(file), nodata=nodata)
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (12, 12, 1), (13, 13, 2)])
    dataset, _ = prepared(tmp_path / "raw")
    assert dataset.manifest.funnel.dropped == {"no data in the window": 2}
    np.testing.assert_array_equal(dataset.array("static")[0, 0], values[11:16, 11:16])


def test_a_mask_and_a_scale_in_the_file_are_heeded(table, prepared, raster, tmp_path):
    path = raster(tmp_path / "raw/t.tif", RAMP.astype("int16"), scale=0.02, offset=-273.0)
    with rasterio.open(path, "r+") as file:
        mask = np.full(RAMP.shape, 255, dtype="uint8")
        mask[10, 10] = 0
        file.write_mask(mask)
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (13, 13, 2)])
    dataset, reporter = prepared(tmp_path / "raw")
    assert dataset.manifest.funnel.dropped == {"no data in the window": 1}
    np.testing.assert_allclose(dataset.array("static")[0, 0, 2, 2], 1313 * 0.02 - 273, rtol=1e-6)
    assert "t: values are raw x 0.02 + -273, as the file says" in reporter.said


def test_unmarked_fills_are_told_and_left_out_when_named(raster, table, prepared, tmp_path):
    values = RAMP.copy()
    values[10, 10:12] = -9999
    raster(tmp_path / "raw/dem.tif", values)
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (15, 15, 2)])
    dataset, reporter = prepared(tmp_path / "raw")
    assert dataset.manifest.funnel.kept == 2
    assert any("2 pixels are -9999" in text and "--nodata dem=-9999" in text for text in reporter.warned)
    dataset, reporter = prepared(tmp_path / "raw", nodata=("dem=-9999",))
    assert dataset.manifest.funnel.dropped == {"no data in the window": 1}
    assert not any("--nodata" in text for text in reporter.warned)


def test_classes_are_detected_named_or_asked_for(raster, table, prepared, tmp_path):
    codes = (RAMP % 3).astype("uint8")
    raster(tmp_path / "raw/soil.tif", codes, colours={0: (1, 2, 3, 255), 1: (9, 9, 9, 255), 2: (0, 0, 0, 255)})
    raster(tmp_path / "raw/cover.tif", codes.astype("float32") + 4)
    table(tmp_path / "raw/p.csv", [(10, 10, 1)])
    dataset, reporter = prepared(tmp_path / "raw")
    assert dataset.labels("covariate") == ["cover", "soil=0", "soil=1", "soil=2"]
    assert any("soil: taken as classes" in text for text in reporter.said)
    assert any("--classes cover" in text for text in reporter.warned)
    dataset, _ = prepared(tmp_path / "raw", classes=("cover",))
    assert dataset.labels("covariate")[:3] == ["cover=4", "cover=5", "cover=6"]
    assert dataset.manifest.facts["covariates"][0]["classes"] == [4, 5, 6]


def test_a_class_that_was_never_seen_makes_no_sample_in_a_map(raster, table, prepared, tmp_path):
    codes = np.ones((20, 30), dtype="uint8")
    raster(tmp_path / "raw/cover.tif", codes)
    table(tmp_path / "raw/p.csv", [(10, 10, 1)])
    dataset, _ = prepared(tmp_path / "raw", classes=("cover",), window=1)
    codes[3, 4] = 9
    raster(tmp_path / "raw/cover.tif", codes)
    valid = SOURCE.scene(tmp_path / "raw", dataset.manifest).block(slice(0, 20), slice(0, 30)).valid
    assert (~valid).sum() == 1 and not valid[3, 4]


def test_projected_points_are_brought_to_the_rasters(raster, prepared, tmp_path):
    raster(tmp_path / "raw/dem.tif", RAMP)
    longitude, latitude = [21.05, 21.55], [8.95, 9.15]
    easting, northing = warp_points("EPSG:4326", "EPSG:32634", longitude, latitude)
    lines = [f"{x:.3f};{y:.3f};{soc}" for x, y, soc in zip(easting, northing, ("1,5", "2"), strict=True)]
    (tmp_path / "raw/p.csv").write_bytes(("\ufeffEasting;Northing;OC\r\n" + "\r\n".join(lines)).encode())
    dataset, _ = prepared(tmp_path / "raw", crs="EPSG:32634", unit="%")
    assert dataset.array("static")[:, 0, 2, 2].tolist() == [1010, 815]
    np.testing.assert_allclose(dataset.array("lon"), longitude, atol=1e-7)
    assert dataset.array("soc").tolist() == [1.5, 2.0]
    assert dataset.unit("soc") == "%"


def test_longitudes_to_360_meet_rasters_to_180(raster, prepared, tmp_path):
    raster(tmp_path / "raw/dem.tif", RAMP, transform=Affine(0.1, 0, -20, 0, -0.1, 10))
    (tmp_path / "raw/p.csv").write_text("lon,lat,soc\n341.05,8.95,3\n-18.95,8.95,4\n")
    dataset, _ = prepared(tmp_path / "raw")
    assert dataset.array("static")[:, 0, 2, 2].tolist() == [1010, 1010]


def test_alignment_needs_a_reference_and_is_told(raster, table, prepared, tmp_path):
    """Finer by four: means of 4 x 4; coarser: a ramp stays a ramp; classes: the nearest."""
    fine = np.random.default_rng(0).normal(size=(80, 120)).astype(np.float32)
    ramp = (np.arange(15)[None, :] * 2 + 0.5 + np.zeros((10, 1))).astype(np.float32)  # = column of the reference
    cover = np.random.default_rng(1).integers(0, 3, (10, 15)).astype("uint8")
    raster(tmp_path / "raw/a_dem.tif", RAMP)
    raster(tmp_path / "raw/fine.tif", fine, transform=Affine(0.025, 0, 20, 0, -0.025, 10))
    for name, values in (("ramp", ramp), ("cover", cover)):
        raster(tmp_path / f"raw/{name}.tif", values, transform=Affine(0.2, 0, 20, 0, -0.2, 10))
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (6, 17, 2)])
    with pytest.raises(DataError, match=r"lie on 3 grids.*--reference \w+"):
        prepared(tmp_path / "raw", classes=("cover",))
    dataset, reporter = prepared(tmp_path / "raw", classes=("cover",), reference="a_dem")
    names, static = dataset.labels("covariate"), dataset.array("static")
    means = fine.reshape(20, 4, 30, 4).mean(axis=(1, 3))
    for sample, (row, column) in enumerate([(10, 10), (6, 17)]):
        area = slice(row - 2, row + 3), slice(column - 2, column + 3)
        np.testing.assert_allclose(static[sample, names.index("fine")], means[area], atol=1e-5)
        expected = np.broadcast_to(np.arange(30)[area[1]], (5, 5))
        np.testing.assert_allclose(static[sample, names.index("ramp")], expected, atol=1e-4)
        near = cover.repeat(2, axis=0).repeat(2, axis=1)[area]
        found = [static[sample, names.index(f"cover={code}")] for code in (0, 1, 2)]
        np.testing.assert_array_equal(np.argmax(found, axis=0), near)
    for text in ("fine: aligned to the reference's grid (average)", "ramp: aligned to the reference's grid (bilinear)"):
        assert text in reporter.said and text in dataset.manifest.funnel.notes
    kept = {one["name"]: one["resampling"] for one in dataset.manifest.facts["covariates"]}
    assert kept == {"a_dem": None, "fine": "average", "ramp": "bilinear", "cover": "nearest"}


def test_alignment_across_crs_follows_the_place(raster, table, prepared, tmp_path):
    """A projected raster whose value is its northing [km] agrees with the northing of each pixel."""
    raster(tmp_path / "raw/a_dem.tif", RAMP)
    row = np.arange(300, dtype=np.float32)
    northing = np.repeat(1120 - 0.5 - row[:, None], 420, axis=1)
    raster(
        tmp_path / "raw/north.tif",
        northing.astype(np.float32),
        crs="EPSG:32634",
        transform=Affine(1000, 0, 340000, 0, -1000, 1120000),
    )
    table(tmp_path / "raw/p.csv", [(10, 10, 1), (4, 6, 2)])
    dataset, _ = prepared(tmp_path / "raw", reference="a_dem", window=1)
    _, expected = warp_points("EPSG:4326", "EPSG:32634", dataset.array("lon"), dataset.array("lat"))
    found = dataset.array("static")[:, dataset.labels("covariate").index("north"), 0, 0]
    np.testing.assert_allclose(found, np.array(expected) / 1000, atol=0.6)


def test_noise_in_coordinates_is_the_same_grid(raster, table, prepared, tmp_path):
    raster(tmp_path / "raw/a.tif", RAMP)
    raster(tmp_path / "raw/b.tif", RAMP, transform=Affine(0.1000000001, 0, 20.0000001, 0, -0.1, 10))
    table(tmp_path / "raw/p.csv", [(10, 10, 1)])
    dataset, _ = prepared(tmp_path / "raw")
    assert [one["resampling"] for one in dataset.manifest.facts["covariates"]] == [None, None]


def test_names_with_blanks_and_letters_bands_and_a_single_year(raster, table, prepared, tmp_path):
    raw = tmp_path / "Ré gion"
    raster(raw / "covs/höhe ü NN.tif", RAMP)
    raster(raw / "covs/climate.tif", np.stack([RAMP, RAMP + 0.5]), names=["MAP", "MAT"])
    raster(raw / "covs/cover_2012.tif", RAMP + 0.25)
    table(raw / "Proben äöü.csv", [(10, 10, 1)])
    dataset, _ = prepared(raw)
    assert dataset.labels("covariate") == ["climate_MAP", "climate_MAT", "cover_2012", "höhe ü NN"]
    assert dataset.array("static")[0, :, 2, 2].tolist() == [1010, 1010.5, 1010.25, 1010]
    assert not dataset.has("series")


def test_only_series_make_samples_of_single_pixels(raster, table, prepared, tmp_path):
    for year in (2001, 2002):
        raster(tmp_path / f"raw/evi_{year}.tif", RAMP + year)
    table(tmp_path / "raw/p.csv", [(0, 0, 1)])
    dataset, _ = prepared(tmp_path / "raw")
    assert dataset.array("series").tolist() == [[[2001.0], [2002.0]]]
    assert not dataset.has("static")


def test_the_file_opens_as_cf(coast, prepared):
    import xarray

    dataset, _ = prepared(coast, **COAST)
    with xarray.open_dataset(dataset.folder / "dataset.nc") as opened:
        assert opened.attrs["Conventions"] == "CF-1.11"
        assert opened["soc"].attrs["units"] == "g kg-1"
        assert opened["lon"].attrs["standard_name"] == "longitude"
        assert opened["static"].dims == ("sample", "covariate", "row", "col")
        assert opened["covariate"].values.tolist() == dataset.labels("covariate")


def test_the_module_is_light():
    code = (
        "import sys, geoml_cli.sources.soc as s; heavy = {'pandas', 'xarray', 'torch', 'rasterio', 'netCDF4', 'scipy'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
