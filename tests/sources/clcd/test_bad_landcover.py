"""What goes wrong with class rasters and covariates: three parts, exit code 3, nothing half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pydantic import ValidationError

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.sources.clcd.options import ClcdOptions
from geoml_cli.work.reporting import NullReporter

PrepareClcd = Callable[..., tuple[Dataset, NullReporter]]
WriteRaster = Callable[..., Path]
RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)


@pytest.fixture
def fails(cover: Path, prepare_clcd: PrepareClcd) -> Callable[..., None]:
    """Give a function that prepares and expects a message."""

    def run(message: str, **options: object) -> None:
        with pytest.raises(DataError, match=message) as caught:
            prepare_clcd(cover, **{"samples": 90, **options})
        assert caught.value.where and caught.value.fix
        left = [path for path in (cover.parent / "prepared").glob("*") if not path.name.endswith(".lock")]
        assert not left, "half a data set is left"

    return run


Fails = Callable[..., None]


def test_files_that_are_not_there(cover: Path, fails: Fails) -> None:
    fails(r"no raster is called nlcd\*\. Class rasters lie in classes/", classes="nlcd*")
    fails("covs: there is no folder of covariates. Name it with --covariates", covariates="covs")
    fails("classes: .*only one covariate", covariates="classes")
    (cover / "covariates/wave.tif").unlink()
    fails(r"covariates: there is only one covariate, pixel\. Add another; the network needs two")
    (cover / "covariates/pixel.tif").unlink()
    fails("covariates: there are no covariate rasters. Covariates end in .tif")
    (cover / "classes/CLCD_v01_2020.tif").unlink()
    fails("there is no class raster")


def test_years(cover: Path, raster: WriteRaster, fails: Fails) -> None:
    classes = cover / "classes"
    (classes / "CLCD_v01_2020.tif").rename(classes / "cover.tif")
    fails(r"cover.tif: its name holds no year\. Name it such as CLCD_v01_2020.tif, or give --year")
    (classes / "cover.tif").rename(classes / "of_2001_from_2016.tif")
    fails(r"its name holds several years: 2001, 2016\.")
    codes = np.ones((20, 30), dtype=np.uint8)
    raster(classes / "CLCD_v01_2001.tif", codes)
    fails("--year 2001 is given, and there are 2 class rasters", year=2001)
    (classes / "of_2001_from_2016.tif").rename(classes / "other_2001.tif")
    fails(r"other_2001.tif and CLCD_v01_2001.tif are both of 2001\. Keep one")


def test_tiles_of_a_year_become_one_raster(cover: Path, prepare_clcd: PrepareClcd) -> None:
    classes = cover / "classes"
    whole = prepare_clcd(cover, samples=90)[0]
    expected = {name: np.array(whole.array(name)) for name in ("x", "y") if whole.has(name)}
    with rasterio.open(classes / "CLCD_v01_2020.tif") as file:
        codes, profile, transform = file.read(1), file.profile, file.transform
    (classes / "CLCD_v01_2020.tif").unlink()
    for name, first in (("tile0", 0), ("tile1", 15)):
        own = {**profile, "width": 15, "transform": transform @ rasterio.Affine.translation(first, 0)}
        with rasterio.open(classes / f"CLCD_v01_2020_{name}.tif", "w", **own) as file:
            file.write(codes[:, first : first + 15], 1)
    with pytest.raises(
        DataError, match=r"both of 2020\. Keep one of them; of tiles make one file: gdalbuildvrt CLCD_2020"
    ):
        prepare_clcd(cover, samples=90)
    parts = "".join(
        f'<SimpleSource><SourceFilename relativeToVRT="1">CLCD_v01_2020_tile{number}.tif</SourceFilename><SourceBand>1'
        f'</SourceBand><SrcRect xOff="0" yOff="0" xSize="15" ySize="20"/><DstRect xOff="{15 * number}" yOff="0" '
        f'xSize="15" ySize="20"/></SimpleSource>'
        for number in (0, 1)
    )
    geo = ",".join(map(str, transform.to_gdal()))
    (classes / "CLCD_2020.vrt").write_text(
        f'<VRTDataset rasterXSize="30" rasterYSize="20"><SRS>EPSG:4326</SRS><GeoTransform>{geo}</GeoTransform>'
        f'<VRTRasterBand dataType="Byte" band="1">{parts}</VRTRasterBand></VRTDataset>'
    )
    found = prepare_clcd(cover, samples=90)[0]
    assert found.manifest.funnel.kept == whole.manifest.funnel.kept
    for name, values in expected.items():
        np.testing.assert_array_equal(found.array(name), values)


def test_a_year_that_a_covariate_lacks(cover: Path, raster: WriteRaster, fails: Fails) -> None:
    raster(cover / "covariates/dem_2000.tif", RAMP)
    fails(
        r"dem has no raster of 2020, and the land cover has\. Add dem_2020.tif, or rename dem_2000.tif if it is no year"
    )
    raster(cover / "covariates/dem.tif", RAMP)
    fails("dem is there with and without a year")


def test_names_of_covariates(cover: Path, raster: WriteRaster, fails: Fails) -> None:
    raster(cover / "covariates/lat.tif", RAMP)
    fails("a covariate is called lat, which the data set uses. Rename it")
    (cover / "covariates/lat.tif").rename(cover / "covariates/index.tif")  # by which windows are found
    fails("a covariate is called index, which the data set uses. Rename it")
    (cover / "covariates/index.tif").rename(cover / "covariates/wave.tiff")
    fails("wave.tiff and wave.tif both hold wave. Keep one")


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((20, 30), dtype=np.uint8), "no class is left in 1 class rasters"),
        (np.full((20, 30), 4, dtype=np.uint8), "only the class 4 is left"),
        (RAMP + 0.5, "holds fractions or negative values, so it is no raster of classes"),
        (-RAMP, "holds fractions or negative values"),
        (RAMP, "holds more than 256 values, so it is no raster of classes"),
        (RAMP * 1e4, "holds more than 256 values"),
        ((RAMP > 900) + np.int32(555_555_621), "holds codes of 16,777,216 and more, which are not distinguished"),
        (np.where(RAMP > 900, 12, 1).astype(np.uint8), r"there is no class 12 in the legend clcd.*--legend none"),
    ],
)
def test_rasters_of_no_classes(cover: Path, raster: WriteRaster, fails: Fails, codes: np.ndarray, message: str) -> None:
    raster(cover / "classes/CLCD_v01_2020.tif", codes)
    fails(message, legend="clcd")


@pytest.mark.parametrize("name", ["classes/CLCD_v01_2020.tif", "covariates/wave.tif"])
@pytest.mark.parametrize("keep", [0, 9, 0.6])
def test_truncated_rasters(cover: Path, raster: WriteRaster, fails: Fails, name: str, keep: float) -> None:
    noise = np.random.default_rng(0).integers(1, 9, (200, 300)).astype(np.uint8)
    whole = raster(cover / name, noise, compress="deflate").read_bytes()
    (cover / name).write_bytes(whole[: keep if isinstance(keep, int) else int(len(whole) * keep)])
    fails(rf"{name.split('/')[1]}: is damaged or not a raster")


def test_places_on_earth(cover: Path, raster: WriteRaster, fails: Fails) -> None:
    raster(cover / "covariates/wave.tif", RAMP, crs=None)
    fails("wave.tif: has no CRS, so its place on Earth is not known. Write its CRS")
    raster(cover / "covariates/wave.tif", RAMP, crs="EPSG:32634")
    fails(r"none of 90 pixels has all covariates \(lacking: wave 90\)\. Check that the covariates cover the class")


def test_a_file_in_place_of_a_folder(cover: Path, fails: Fails, prepare_clcd: PrepareClcd) -> None:
    with pytest.raises(DataError, match=r"CLCD_v01_2020\.tif: is no folder\. Give the folder that holds the rasters"):
        prepare_clcd(cover / "classes/CLCD_v01_2020.tif")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"samples": 1}, "greater than or equal to 2"),
        ({"strategy": "even"}, "'balanced' or 'proportional'"),
        ({"legend": "corine"}, "'auto', 'clcd', 'nlcd' or 'none'"),
        ({"year": 20}, "greater than or equal to 1900"),
    ],
)
def test_options(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ClcdOptions(**given)


def test_a_single_class_that_is_left(cover: Path, raster: WriteRaster, fails: Fails) -> None:
    raster(cover / "covariates/west.tif", np.where(np.arange(30) < 9, 1.0, np.nan) * np.ones((20, 1)))
    fails(r"only one class, cropland, is left of 3\. Check where the covariates have data, or draw more pixels")


def test_a_year_of_a_covariate_in_another_scale(
    cover: Path, raster: WriteRaster, prepare_clcd: PrepareClcd, fails: Fails
) -> None:
    classes = cover / "classes/CLCD_v01_2020.tif"
    for year in (2018, 2019):
        (cover / f"classes/CLCD_v01_{year}.tif").write_bytes(classes.read_bytes())
        raster(cover / f"covariates/ndvi_{year}.tif", (RAMP + 100) / 2500)
    whole = ((RAMP + 100) * 4).astype(np.int16)
    raster(cover / "covariates/ndvi_2020.tif", whole)
    fails(r"ndvi_2020\.tif: the median magnitude of ndvi is .*write the scale and offset that it was packed with")
    dataset, _ = prepare_clcd(cover, samples=90, any_scale=("ndvi",))  # as the message says
    assert np.nanmax(dataset.array("ndvi")) > 1000
    with pytest.raises(
        SettingsError, match=r"--any-scale wave: is no covariate of several years\. The names are: ndvi"
    ):
        prepare_clcd(cover, samples=90, any_scale=("wave",))
    raster(cover / "covariates/ndvi_2020.tif", whole, scale=0.0001)
    dataset, _ = prepare_clcd(cover, samples=90)
    assert np.nanmax(dataset.array("ndvi")) < 1
