"""Classes and interpolated values of world and polar maps on grids of degrees, by hand, at the maps' outlines."""

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
Shape = tuple[int, int]
NORTH = Affine(300_000, 0, -4.5e6, 0, -300_000, 4.5e6)
EASE = Affine(36_032.22, 0, -17_367_530.45, 0, -36_032.22, 7_314_540.83)
MAPS = {
    "EPSG:3413": (NORTH, (30, 30)),
    "EPSG:6933": (EASE, (406, 964)),
    "ESRI:54009": (Affine(60_134, 0, -18_040_096, 0, -58_194, 9_020_048), (310, 600)),
    "ESRI:54008": (Affine(66_792, 0, -20_037_508, 0, -64_529, 10_001_966), (310, 600)),
    "ESRI:54030": (Affine(56_687, 0, -17_005_833, 0, -55_646, 8_625_155), (310, 600)),
    "EPSG:3035": (Affine(300_000, 0, -4.5e6, 0, -300_000, 12e6), (60, 60)),
}


def found_on(write: Write, folder: Path, degrees: tuple[Affine, Shape], raster: Path, *, is_class: bool) -> Values:
    transform, shape = degrees
    reference = write(folder / "grid.tif", np.ones(shape, np.float32), crs="EPSG:4326", transform=transform)
    bands = open_bands([Band(RasterFile(reference), "grid"), Band(RasterFile(raster), "noise")])
    stack = Stack(bands, frozenset(["noise"] if is_class else []), "grid")
    # By themselves fine rasters are averaged.
    stack.resampling["noise"] = "nearest" if is_class else "bilinear"
    found = stack.read(slice(0, shape[0]), slice(0, shape[1]))[1]
    stack.close()
    return np.asarray(found, dtype=np.float64)


def places(crs: str, transform: Affine, degrees: tuple[Affine, Shape]) -> tuple[Values, Values]:
    """Return rows and columns of a map's pixels in which middles of a grid lie."""
    of, shape = degrees
    column, row = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    to_map = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = np.array(to_map.transform(of.a * column + of.c, of.e * row + of.f))
    x, y = np.where(np.isfinite(x + y), x, 1e12), np.where(np.isfinite(x + y), y, 1e12)
    inverse = ~transform
    return inverse.e * y + inverse.f, inverse.a * x + inverse.c


@pytest.mark.parametrize("is_class", [True, False], ids=["classes", "interpolated"])
@pytest.mark.parametrize("side", [1.5, 3.0])
@pytest.mark.parametrize("west", [0.0, -180.0, 256.0], ids=["0 to 360", "-180 to 180", "256 on"])
@pytest.mark.parametrize("crs", MAPS)
def test_every_middle_that_lies_in_a_map_has_its_value_and_no_other(
    raster: Write, tmp_path: Path, crs: str, west: float, side: float, is_class: bool
) -> None:
    """GDAL read too small a part of maps that a tile crosses the edge of, and gave other memory where it read none."""
    transform, shape = MAPS[crs]
    values = np.random.default_rng(3).integers(1, 9, shape).astype(np.uint8)
    path = raster(tmp_path / "map.tif", values, crs=crs, transform=transform)
    degrees = Affine(side, 0, west, 0, -side, 90), (int(180 / side), int((104 if west == 256 else 360) / side))
    found = found_on(raster, tmp_path, degrees, path, is_class=is_class)
    row, column = places(crs, transform, degrees)
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    clear = np.minimum(np.abs(row - np.round(row)), np.abs(column - np.round(column))) > 1e-6
    assert inside.any() and not np.isfinite(found[~inside & clear]).any()
    own = values[row.clip(0, shape[0] - 1).astype(int), column.clip(0, shape[1] - 1).astype(int)]
    if is_class:
        np.testing.assert_array_equal(found[inside & clear], own[inside & clear])
        return
    # Pixels of the outermost half have fewer than four about them.
    well = inside & (row > 0.5) & (row < shape[0] - 0.5) & (column > 0.5) & (column < shape[1] - 0.5)
    top, left = (
        np.floor(each - 0.5).clip(0, size - 2).astype(int) for each, size in zip((row, column), shape, strict=True)
    )
    down, on = row - 0.5 - top, column - 0.5 - left
    upper = values[top, left] * (1 - on) + values[top, left + 1] * on
    lower = values[top + 1, left] * (1 - on) + values[top + 1, left + 1] * on
    assert well.any() and np.isfinite(found[inside & clear]).all()
    np.testing.assert_allclose(found[well], (upper * (1 - down) + lower * down)[well], atol=1e-4)


def test_a_pixel_that_is_missing_is_not_made_up_of_its_neighbours(raster: Write, tmp_path: Path) -> None:
    """Weights are of the pixels that are there, as long as the middle lies in one of them."""
    values = np.array([[1, 2, np.nan], [4, np.nan, 6]], np.float32)
    path = raster(tmp_path / "map.tif", values, crs="EPSG:4326", transform=Affine(1, 0, 10, 0, -1, 50))
    degrees = Affine(0.5, 0, 10, 0, -0.5, 50), (4, 6)
    found = found_on(raster, tmp_path, degrees, path, is_class=False)
    a = 9 / 16, 3 / 16, 1 / 16
    expected = [
        [1, 1.25, 1.75, 2, np.nan, np.nan],
        [
            1.75,
            (9 + 6 + 12) / 15,
            (2 * a[0] + 1 * a[1] + 4 * a[2]) / (a[0] + a[1] + a[2]),
            (9 * 2 + 6) / 10,
            np.nan,
            np.nan,
        ],
        [3.25, (a[0] * 4 + a[1] + a[2] * 2) / sum(a), np.nan, np.nan, (9 * 6 + 2) / 10, 6],
        [4, 4, np.nan, np.nan, 6, 6],
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)
