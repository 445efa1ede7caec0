"""`prepare clcd` on American and Swiss land cover: other codes, other projections, grids off by part of a pixel."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.warp import transform

from geoml_cli.dataset.store import Dataset
from geoml_cli.sources.clcd.options import ClcdOptions
from geoml_cli.sources.clcd.source import SOURCE
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

RealData = Callable[[str], Path]


def prepared(raw: Path, **options: Any) -> Dataset:
    return Dataset(prepare(Raw("clcd", raw, ClcdOptions(**options)), raw.parent / "clcd", NullReporter()).folder)


def made_up(path: Path, like: Path, shift: float, step: int = 1) -> None:
    """Write a covariate over another raster's area, shifted by part of a pixel and perhaps coarser."""
    with rasterio.open(like) as file:
        own, shape, crs = file.transform, file.shape, file.crs
    grid = Affine(own.a * step, 0, own.c + shift * own.a, 0, own.e * step, own.f + shift * own.e)
    rows, columns = np.mgrid[0 : shape[0] // step, 0 : shape[1] // step]
    values = (rows * 10_000 + columns).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    place = {"crs": crs, "transform": grid, "height": values.shape[0], "width": values.shape[1]}
    with rasterio.open(path, "w", driver="GTiff", count=1, dtype="float32", **place) as file:
        file.write(values, 1)


def sampled(path: Path, dataset: Dataset) -> NDArray[Any]:
    """Read a raster where samples lie, with rasterio alone."""
    with rasterio.open(path) as file:
        x, y = transform("EPSG:4326", file.crs, dataset.array("lon"), dataset.array("lat"))
        return np.array([value[0] for value in file.sample(zip(x, y, strict=True))])


def test_the_original_codes_of_nlcd(real_data: RealData, tmp_path: Path) -> None:
    """A raster whose CRS has no code and an unknown datum; covariates in another CRS, and coarser."""
    cover = real_data("landcover/nlcd2011.tif")
    raw = tmp_path / "raw"
    made_up(raw / "covariates/place.tif", cover, 0.3)
    made_up(raw / "covariates/coarse.tif", real_data("landcover/nlcd.tif"), 0.0, step=7)
    shutil.copy(cover, raw / cover.name)
    dataset = prepared(raw, classes="nlcd*.tif", samples=1400)
    assert dataset.manifest.funnel.read == 1400 and dataset.manifest.funnel.kept > 1350
    names = dict(zip(dataset.array("class_code").tolist(), dataset.labels("class_name"), strict=True))
    assert len(names) == 14 and names[11] == "open water" and names[95] == "emergent herbaceous wetlands"
    codes = np.array(dataset.array("class_code"))[dataset.array("class")]
    np.testing.assert_array_equal(sampled(raw / cover.name, dataset), codes)
    np.testing.assert_array_equal(sampled(raw / "covariates/place.tif", dataset), dataset.array("place"))
    np.testing.assert_array_equal(sampled(raw / "covariates/coarse.tif", dataset), dataset.array("coarse"))
    notes = " ".join(dataset.manifest.funnel.notes)
    assert "evergreen forest 564668" in notes and "emergent herbaceous wetlands 75" in notes


def test_reclassified_codes_are_not_taken_for_another_legend(real_data: RealData, tmp_path: Path) -> None:
    """Classes 1 to 8 of a file called nlcd are neither NLCD's codes nor CLCD's."""
    raw = tmp_path / "raw"
    made_up(raw / "covariates/place.tif", real_data("landcover/nlcd.tif"), 0.0)
    made_up(raw / "covariates/coarse.tif", real_data("landcover/nlcd.tif"), 0.0, step=9)
    shutil.copy(real_data("landcover/nlcd.tif"), raw / "nlcd.tif")
    dataset = prepared(raw, classes="nlcd.tif", year=2011, samples=800, strategy="proportional")
    assert dataset.labels("class_name") == [f"class {code}" for code in range(1, 9)]
    shares = np.bincount(dataset.array("class"))
    assert shares[0] == 1 and abs(shares[3] - 800 * 767537 / 1458207) < 15


def test_a_pair_that_is_off_by_part_of_a_pixel(real_data: RealData, tmp_path: Path) -> None:
    """Swiss land cover of two years; each year's pixels lie where that year's raster says."""
    raw = tmp_path / "raw"
    (raw / "classes").mkdir(parents=True)
    for name, year in (("ls100_06", 2006), ("ls100_12", 2012)):
        shutil.copy(real_data(f"landcover/{name}.tif"), raw / "classes" / f"ls100_{year}.tif")
        made_up(raw / f"covariates/place_{year}.tif", raw / "classes" / f"ls100_{year}.tif", 0.0)
    made_up(raw / "covariates/coarse.tif", raw / "classes/ls100_2006.tif", 0.4, step=5)
    dataset = prepared(raw, samples=2000)
    years = np.array(dataset.array("year"))
    codes = np.array(dataset.array("class_code"))[dataset.array("class")]
    for year in (2006, 2012):
        of_year = years == year
        assert of_year.sum() > 500
        for name, found in ((f"classes/ls100_{year}", codes), (f"covariates/place_{year}", dataset.array("place"))):
            np.testing.assert_array_equal(sampled(raw / f"{name}.tif", dataset)[of_year], found[of_year])
    assert dataset.labels("dynamic") == ["place"] and 255 not in dataset.array("class_code")
    assert np.bincount(dataset.array("class"))[0] == pytest.approx(2000 / 21, abs=30)


def test_a_map_over_real_rasters(real_data: RealData, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    cover = real_data("landcover/nlcd2011.tif")
    made_up(raw / "covariates/place.tif", cover, 0.0)
    made_up(raw / "covariates/coarse.tif", cover, 0.0, step=7)
    shutil.copy(cover, raw / cover.name)
    dataset = prepared(raw, classes="nlcd*.tif", samples=300)
    scene = SOURCE.stack(raw, dataset.manifest)
    assert (scene.grid.height, scene.grid.width) == (1359, 1073)
    block = scene.block(slice(700, 764), slice(1030, 1073))
    rows, columns = np.mgrid[700:764, 1030:1073]
    assert block.valid[:, : 153 * 7 - 1030].all() and not block.valid[:, 153 * 7 - 1030 :].any()
    np.testing.assert_array_equal(block.variables.array("place"), (rows * 10_000 + columns)[block.valid])
    np.testing.assert_array_equal(
        block.variables.array("coarse"), (rows // 7 * 10_000 + columns // 7)[block.valid].astype("f4")
    )
