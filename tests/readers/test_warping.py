"""Rasters of degrees on grids that lie across 180 degrees, or about a pole, against values by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.warp import transform as warp_points

from geoml_cli.readers.mosaics import RasterFile
from geoml_cli.readers.rasters import Band
from geoml_cli.readers.stacks import Stack, open_bands

Write = Callable[..., Path]
Values = NDArray[np.float64]
FIJI = ("EPSG:32760", Affine(2000, 0, 700_000, 0, -2000, 8_220_000), (100, 200))
CHUKOTKA = ("EPSG:32660", Affine(500, 0, 600_000, 0, -500, 7_300_000), (100, 240))
ARCTIC = ("EPSG:3413", Affine(20_000, 0, -2e6, 0, -20_000, 2e6), (200, 200))
ANTARCTIC = ("EPSG:3031", Affine(40_000, 0, -2e6, 0, -40_000, 2e6), (100, 100))


def lon_lat(crs: str, transform: Affine, shape: tuple[int, int]) -> tuple[Values, Values]:
    """Return the degrees of the middles of pixels."""
    column, row = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    x, y = transform.a * column + transform.c, transform.e * row + transform.f
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    return np.asarray(lon), np.asarray(lat)


def stacked(
    write: Write, folder: Path, onto: tuple[str, Affine, tuple[int, int]], raster: Path, is_class: bool
) -> Stack:
    crs, transform, shape = onto
    grid = write(folder / "grid.tif", np.ones(shape, np.float32), crs=crs, transform=transform)
    classes = frozenset(["noise"]) if is_class else frozenset[str]()
    return Stack(open_bands([Band(RasterFile(grid), "grid"), Band(RasterFile(raster), "noise")]), classes, "grid")


@pytest.mark.parametrize("west", [-180.0, 0.0, 170.0, -190.0], ids=["-180 to 180", "0 to 360", "170 on", "to -170"])
@pytest.mark.parametrize("onto", [FIJI, CHUKOTKA, ARCTIC, ANTARCTIC], ids=["Fiji", "Chukotka", "Arctic", "Antarctic"])
@pytest.mark.parametrize("is_class", [False, True], ids=["interpolated", "classes"])
def test_a_raster_of_degrees_goes_on_across_180(
    raster: Write, tmp_path: Path, west: float, onto: tuple[str, Affine, tuple[int, int]], is_class: bool
) -> None:
    """Noise, so that a value of another place shows; a part of the longitudes gives values there alone."""
    side, width = 1.0, 360 if west in (-180.0, 0.0) else 40
    height = int(180 / side)
    noise = np.random.default_rng(7).normal(size=(height, width)).astype(np.float32)
    noise = np.round(noise) if is_class else noise
    path = raster(tmp_path / "noise.tif", noise, transform=Affine(side, 0, west, 0, -side, 90))
    stack = stacked(raster, tmp_path, onto, path, is_class)
    assert stack.resampling == {"noise": "nearest" if is_class else "bilinear"}
    found = stack.read(slice(0, onto[2][0]), slice(0, onto[2][1]))[1]
    stack.close()
    lon, lat = lon_lat(*onto)
    column, row = (lon - west) % 360 / side, (90 - lat) / side
    is_round = width * side == 360
    if is_class:
        inside = (column < width) & (np.abs(column - np.round(column)) > 1e-6) & (np.abs(row - np.round(row)) > 1e-6)
        expected = np.where(column < width, noise[row.astype(int), column.astype(int) % width], np.nan)
        np.testing.assert_array_equal(found[inside], expected[inside])
        assert np.isnan(found[column >= width]).all()
        return
    # Within half a pixel of a pole, or of an end of a raster that has one, there is nothing to interpolate with.
    inside = (row > 0.5) & (row < height - 0.5) & (is_round | ((column > 0.5) & (column < width - 0.5)))
    left, top = np.floor(column - 0.5).astype(int), np.floor(row - 0.5).astype(int).clip(0, height - 2)
    on, down = column - 0.5 - left, row - 0.5 - top
    at = (
        noise[:, np.arange(-1, width + 1) % width]
        if is_round
        else noise[:, np.arange(-1, width + 1).clip(0, width - 1)]
    )
    left = (left + 1).clip(0, width)
    above = at[top, left] * (1 - on) + at[top, left + 1] * on
    below = at[top + 1, left] * (1 - on) + at[top + 1, left + 1] * on
    assert inside.sum() > 50
    np.testing.assert_allclose(found[inside], (above * (1 - down) + below * down)[inside], atol=3e-5)
    assert np.isnan(found[column > width]).all() and np.isfinite(found[inside]).all()


def averaged(
    write: Write, folder: Path, onto: tuple[str, Affine, tuple[int, int]], raster: Path
) -> NDArray[np.float32]:
    stack = stacked(write, folder, onto, raster, False)
    assert stack.resampling == {"noise": "average"}
    found = stack.read(slice(0, onto[2][0]), slice(0, onto[2][1]))[1]
    stack.close()
    return found


@pytest.mark.parametrize("shift", [9, 20, 50, 70, -50, -93])
@pytest.mark.parametrize("rows", [1, 3, 40])
def test_pixels_at_a_rasters_edge_count_once_in_a_mean(raster: Write, tmp_path: Path, shift: int, rows: int) -> None:
    """A raster of 10 m whose values are its columns, on a grid of 100 m; the mean is by area, of few rows as well."""
    values = np.tile(np.arange(40, dtype=np.float32), (rows, 1))
    path = raster(tmp_path / "noise.tif", values, crs="EPSG:32634", transform=Affine(10, 0, 500_000, 0, -10, 4_600_000))
    onto = ("EPSG:32634", Affine(100, 0, 500_000 + shift - 100, 0, -100, 4_600_000), (1, 6))
    edges = np.arange(41) * 10.0
    for pixel, got in enumerate(averaged(raster, tmp_path, onto, path)[0]):
        low = shift - 100 + 100 * pixel
        shares = np.clip(np.minimum(edges[1:], low + 100) - np.maximum(edges[:-1], low), 0, None)
        if shares.sum() > 0:
            assert got == pytest.approx((shares * np.arange(40)).sum() / shares.sum(), abs=1e-4), pixel
        else:
            assert np.isnan(got), pixel


@pytest.mark.parametrize("west", [-180.0, 0.0, 179.0, -181.0])
def test_means_are_taken_across_180(raster: Write, tmp_path: Path, west: float) -> None:
    """Degrees on a grid of 2 km: a plane has the mean of its middle."""
    onto = ("EPSG:32760", Affine(2000, 0, 790_000, 0, -2000, 8_120_000), (30, 40))
    side = 0.005
    width = round((360 if west in (-180.0, 0.0) else 2) / side)
    middle = (west + (np.arange(width) + 0.5) * side) % 360
    latitude = -16 - (np.arange(400) + 0.5) * side
    plane = (middle[None, :] * 3 + latitude[:, None] * 7).astype(np.float32)
    path = raster(tmp_path / "noise.tif", plane, transform=Affine(side, 0, west, 0, -side, -16))
    found = averaged(raster, tmp_path, onto, path)
    lon, lat = lon_lat(*onto)
    assert (lon > 179.9).any() and (lon < -179.9).any()
    np.testing.assert_allclose(found, lon % 360 * 3 + lat * 7, atol=4e-3)  # of 12 places a side


def test_a_raster_with_the_meridian_at_both_ends_is_interpolated_across_it(raster: Write, tmp_path: Path) -> None:
    """As grids of points have it: 361 columns of 1 degree, of which the first and the last are the same."""
    noise = np.random.default_rng(5).normal(size=(180, 360)).astype(np.float32)
    whole = Affine(1, 0, -180.5, 0, -1, 90)
    paths = [raster(tmp_path / f"{name}.tif", values, transform=whole)
             for name, values in (("noise", np.c_[noise, noise[:, :1]]), ("bare", noise))]  # fmt: skip
    found = []
    for path in paths:
        (tmp_path / path.stem).mkdir()
        crs, transform, shape = CHUKOTKA
        grid = raster(tmp_path / path.stem / "grid.tif", np.ones(shape, np.float32), crs=crs, transform=transform)
        stack = Stack(
            open_bands([Band(RasterFile(grid), "grid"), Band(RasterFile(path), "noise")]), frozenset(), "grid"
        )
        found.append(stack.read(slice(0, shape[0]), slice(0, shape[1]))[1])
        stack.close()
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("size", [20, 21], ids=["a corner", "the middle of a pixel"])
@pytest.mark.parametrize("crs", ["EPSG:6931", "EPSG:3031"])
def test_means_about_a_pole_are_of_each_pixel(raster: Write, tmp_path: Path, size: int, crs: str) -> None:
    """A field that is smooth at the pole; a ring of latitude would have a mean of 0."""
    onto = (crs, Affine(100_000, 0, -50_000 * size, 0, -100_000, 50_000 * size), (size, size))
    lon, lat = np.meshgrid(-180 + (np.arange(1440) + 0.5) * 0.25, 90 - (np.arange(720) + 0.5) * 0.25)
    field = 40 * np.cos(np.radians(lat)) * np.cos(np.radians(lon))
    path = raster(tmp_path / "noise.tif", field.astype(np.float32), transform=Affine(0.25, 0, -180, 0, -0.25, 90))
    found = averaged(raster, tmp_path, onto, path)
    lon, lat = lon_lat(*onto)
    expected = 40 * np.cos(np.radians(lat)) * np.cos(np.radians(lon))
    np.testing.assert_allclose(found, expected, atol=0.2)  # a pixel has 0.6 more than its neighbour


@pytest.mark.parametrize("method", ["bilinear", "average"])
def test_the_datum_of_a_raster_is_kept(raster: Write, tmp_path: Path, method: str) -> None:
    """Tokyo's lies some 400 m from WGS 84; a raster whose values are its longitudes in arcseconds."""
    onto = ("EPSG:32654", Affine(2000, 0, 380_000, 0, -2000, 3_960_000), (20, 20))
    side = 0.02 if method == "bilinear" else 0.002
    width = round(4 / side)
    longitude = (np.arange(width) + 0.5) * side * 3600
    values = np.tile(longitude.astype(np.float32), (width, 1))
    path = raster(tmp_path / "noise.tif", values, crs="EPSG:4301", transform=Affine(side, 0, 138, 0, -side, 38))
    stack = stacked(raster, tmp_path, onto, path, False)
    assert stack.resampling == {"noise": method}
    found = stack.read(slice(0, 20), slice(0, 20))[1]
    stack.close()
    column, row = np.meshgrid(np.arange(20) + 0.5, np.arange(20) + 0.5)
    x, y = onto[1].a * column + onto[1].c, onto[1].e * row + onto[1].f
    lon, _ = warp_points("EPSG:32654", "EPSG:4301", x.ravel(), y.ravel())
    np.testing.assert_allclose(found, (np.reshape(lon, x.shape) - 138) * 3600, atol=0.5)  # 11 arcseconds between datums
