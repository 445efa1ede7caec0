"""Rasters of degrees on grids that lie across 180 degrees, or about a pole, against values by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer

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
