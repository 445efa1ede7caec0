"""Rasters of other grids are brought onto a named one, and this is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.warp import transform as warp_points

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.readers.mosaics import RasterFile
from geoml_cli.readers.rasters import Band
from geoml_cli.readers.stacks import Stack, open_bands
from geoml_cli.work.reporting import NullReporter

Prepare = Callable[..., tuple[Dataset, NullReporter]]
Write = Callable[..., Path]
RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)


def test_alignment_needs_a_reference_and_is_told(
    raster: Write, table: Write, prepared: Prepare, tmp_path: Path
) -> None:
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
    for text in (
        "fine: aligned to the reference's grid (average)",
        "ramp: aligned to the reference's grid (bilinear)",
    ):
        assert text in reporter.said and text in dataset.manifest.funnel.notes
    kept = {one["name"]: one["resampling"] for one in dataset.manifest.facts["covariates"]}
    assert kept == {"a_dem": None, "fine": "average", "ramp": "bilinear", "cover": "nearest"}


@pytest.mark.parametrize(
    ("share", "expected"), [(0.7, "bilinear"), (1.1, "bilinear"), (1.4, "bilinear"), (1.6, "average")]
)
def test_how_rasters_are_aligned_does_not_rest_on_where_their_pixels_begin(
    raster: Write, tmp_path: Path, share: float, expected: str
) -> None:
    """By how many pixels of the raster a side of the grid's pixel has."""
    whole = np.ones((20, 20), dtype=np.float32)
    bands = [Band(RasterFile(raster(tmp_path / "grid.tif", whole, transform=Affine(0.1, 0, 20, 0, -0.1, 10))), "grid")]
    side = 0.1 / share
    for shift in (0.0, 0.25, 0.5, 0.75):
        path = raster(tmp_path / f"{shift}.tif", np.ones((90, 90), dtype=np.float32),
                      transform=Affine(side, 0, 19.5 - shift * side, 0, -side, 10.5 + shift * side))  # fmt: skip
        bands.append(Band(RasterFile(path), str(shift)))
    opened = open_bands(bands)
    stack = Stack(opened, frozenset(), "grid")
    assert set(stack.resampling.values()) == {expected} and len(stack.resampling) == 4
    stack.close()


def test_alignment_across_crs_follows_the_place(raster: Write, table: Write, prepared: Prepare, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("is_class", [False, True], ids=["interpolated", "classes"])
def test_values_of_another_crs_are_those_of_the_exact_place(raster: Write, tmp_path: Path, is_class: bool) -> None:
    """Noise of 0.01 degrees on a grid of 1 km: GDAL's usual transform errs by 0.03 pixels, and noise shows it."""
    side, origin = 0.01, (20.0, 42.0)
    noise = np.random.default_rng(3).normal(size=(200, 260)).astype(np.float32)
    values = np.round(noise) + 5 if is_class else noise
    grid_transform = Affine(1000, 0, 440_000, 0, -1000, 4_640_000)
    paths = [
        raster(tmp_path / "grid.tif", np.ones((120, 120), np.float32), crs="EPSG:32634", transform=grid_transform),
        raster(tmp_path / "noise.tif", values, transform=Affine(side, 0, origin[0], 0, -side, origin[1])),
    ]
    stack = Stack(
        open_bands([Band(RasterFile(path), path.stem) for path in paths]), frozenset(["noise"] * is_class), "grid"
    )
    assert stack.resampling == {"noise": "nearest" if is_class else "bilinear"}
    found = stack.read(slice(10, 110), slice(10, 110))[1]
    stack.close()
    column, row = np.meshgrid(np.arange(10, 110) + 0.5, np.arange(10, 110) + 0.5)
    x, y = 440_000 + 1000 * column, 4_640_000 - 1000 * row
    lon, lat = (np.reshape(part, x.shape) for part in warp_points("EPSG:32634", "EPSG:4326", x.ravel(), y.ravel()))
    column, row = (lon - origin[0]) / side, (origin[1] - lat) / side
    if is_class:
        inside = np.minimum(np.abs(column - np.round(column)), np.abs(row - np.round(row))) > 1e-6
        np.testing.assert_array_equal(found[inside], values[row.astype(int), column.astype(int)][inside])
        return
    left, top = np.floor(column - 0.5).astype(int), np.floor(row - 0.5).astype(int)
    right, low = column - 0.5 - left, row - 0.5 - top
    above = values[top, left] * (1 - right) + values[top, left + 1] * right
    below = values[top + 1, left] * (1 - right) + values[top + 1, left + 1] * right
    np.testing.assert_allclose(found, above * (1 - low) + below * low, atol=2e-6)


def test_noise_in_coordinates_is_the_same_grid(raster: Write, table: Write, prepared: Prepare, tmp_path: Path) -> None:
    raster(tmp_path / "raw/a.tif", RAMP)
    raster(tmp_path / "raw/b.tif", RAMP, transform=Affine(0.1000000001, 0, 20.0000001, 0, -0.1, 10))
    table(tmp_path / "raw/p.csv", [(10, 10, 1)])
    dataset, _ = prepared(tmp_path / "raw")
    assert [one["resampling"] for one in dataset.manifest.facts["covariates"]] == [None, None]
