"""Means over pixels that lean to the raster's rows and columns, against means of many places by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer

from geoml_cli.errors import DataError
from geoml_cli.readers import warping
from geoml_cli.readers.mosaics import RasterFile
from geoml_cli.readers.rasters import Band
from geoml_cli.readers.stacks import Stack, open_bands

Write = Callable[..., Path]
Values = NDArray[np.float64]
SIDE, PLACES = 12, 80
CASES = {
    "45 degrees: polar stereographic at 0 E, degrees": ("EPSG:3413", (0.0, 79.0), 1000, "EPSG:4326", 0.002),
    "Iceland: LAEA, degrees": ("EPSG:3035", (-19.0, 65.0), 1000, "EPSG:4326", 0.002),
    "Iceland: LAEA, UTM": ("EPSG:3035", (-19.0, 65.0), 1000, "EPSG:32628", 100),
    "Hudson Bay: polar stereographic, UTM": ("EPSG:3413", (-90.0, 62.0), 1000, "EPSG:32615", 100),
    "the next UTM zone": ("EPSG:32633", (21.0, 60.0), 1000, "EPSG:32634", 100),
    "degrees, polar stereographic": ("EPSG:4326", (10.0, 80.0), 0.02, "EPSG:3413", 250),
    "degrees across 180, polar stereographic": ("EPSG:3413", (180.0, 75.0), 2000, "EPSG:4326", 0.005),
    "of 30 m, of which 12 are 360": ("EPSG:3413", (15.2, 46.8), 300, "EPSG:32633", 30),
    "of 1 m, south of the equator": ("EPSG:6933", (25.0, -30.0), 9, "EPSG:32735", 1),
    "few pixels of the raster": ("EPSG:3035", (-19.0, 65.0), 1000, "EPSG:32628", 450),
}


def by_hand(grid: tuple[str, Affine], raster: tuple[str, Affine], values: Values) -> Values:
    """Return the mean over PLACES x PLACES places of each pixel of a grid, [SIDE, SIDE]."""
    along = (np.arange(SIDE * PLACES) + 0.5) / PLACES
    column, row = np.meshgrid(along, along)
    x, y = Transformer.from_crs(grid[0], raster[0], always_xy=True).transform(*(grid[1] @ (column, row)))
    x = np.where(x < raster[1].c, x + 360, x) if raster[0] == "EPSG:4326" else x
    column, row = (np.floor(each).astype(int) for each in ~raster[1] @ (x, y))
    found = values[row, column].reshape(SIDE, PLACES, SIDE, PLACES)
    return np.asarray(np.nanmean(found, axis=(1, 3)))


def checkerboard(shape: tuple[int, int]) -> Values:
    row, column = np.ogrid[: shape[0], : shape[1]]
    board = 100.0 * ((row // 15 + column // 15) % 2)
    return np.asarray(board + np.random.default_rng(2).normal(size=shape))


def covering(crs: str, grid: tuple[str, Affine], pixel: float) -> tuple[Affine, tuple[int, int]]:
    """Return the transform and shape of a raster that covers a grid with a margin."""
    edge = np.linspace(0, SIDE, 5)
    column, row = np.meshgrid(edge, edge)
    x, y = Transformer.from_crs(grid[0], crs, always_xy=True).transform(*(grid[1] @ (column, row)))
    x = np.where(x < x.max() - 180, x + 360, x) if crs == "EPSG:4326" else x
    west, north = x.min() - 9 * pixel, y.max() + 9 * pixel
    shape = round((north - y.min()) / pixel) + 9, round((x.max() - west) / pixel) + 9
    return Affine(pixel, 0, west, 0, -pixel, north), shape


def read(write: Write, folder: Path, grid: tuple[str, Affine], raster: tuple[str, Affine], values: Values) -> Values:
    reference = write(folder / "grid.tif", np.ones((SIDE, SIDE), np.float32), crs=grid[0], transform=grid[1])
    noise = write(folder / "noise.tif", values.astype(np.float32), crs=raster[0], transform=raster[1])
    bands = open_bands([Band(RasterFile(reference), "grid"), Band(RasterFile(noise), "noise")])
    stack = Stack(bands, frozenset(), "grid")
    assert stack.resampling == {"noise": "average"}
    whole = stack.read(slice(0, SIDE), slice(0, SIDE))[1]
    part = stack.read(slice(3, 5), slice(7, 11))[1]
    np.testing.assert_array_equal(part, whole[3:5, 7:11])
    stack.close()
    return np.asarray(whole, dtype=np.float64)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("holes", [False, True])
def test_means_are_of_the_pixels_area_however_it_leans(raster: Write, tmp_path: Path, name: str, holes: bool) -> None:
    crs, place, side, of, pixel = CASES[name]
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*place)
    grid = crs, Affine(side, 0, x - side * SIDE / 2, 0, -side, y + side * SIDE / 2)
    transform, shape = covering(of, grid, pixel)
    values = checkerboard(shape)
    if holes:
        values[np.random.default_rng(4).random(shape) < 0.3] = np.nan
    expected = by_hand(grid, (of, transform), values)
    found = read(raster, tmp_path, grid, (of, transform), values)
    apart = found - expected
    assert np.std(apart) < 1 and np.abs(apart).max() < 6  # of 0 and 100


def test_a_raster_that_is_turned_itself(raster: Write, tmp_path: Path) -> None:
    grid = "EPSG:32634", Affine(1000, 0, 500_000, 0, -1000, 4_600_000)
    turned = Affine.translation(500_000 - 2000, 4_600_000 - 6000) @ Affine.rotation(40) @ Affine.scale(60, -60)
    values = checkerboard((400, 400))
    transform = turned @ Affine.translation(0, -200)
    inside = read(raster, tmp_path, grid, ("EPSG:32634", transform), values)
    lies = ~transform @ (grid[1] @ (6.5, 6.5))
    assert all(20 < each < 380 for each in lies)
    middle = slice(5, 8)
    along = (np.arange(3 * PLACES) + 0.5) / PLACES + 5
    column, row = np.meshgrid(along, along)
    column, row = (np.floor(each).astype(int) for each in ~transform @ (grid[1] @ (column, row)))
    expected = values[row, column].reshape(3, PLACES, 3, PLACES).mean(axis=(1, 3))
    np.testing.assert_allclose(inside[middle, middle], expected, atol=1.0)


def test_a_raster_of_degrees_that_is_turned_by_a_quarter(raster: Write, tmp_path: Path) -> None:
    grid = "EPSG:32634", Affine(1000, 0, 500_000, 0, -1000, 4_600_000)
    transform, shape = covering("EPSG:4326", grid, 0.001)
    values = checkerboard(shape)
    plain = read(raster, tmp_path, grid, ("EPSG:4326", transform), values)
    # The same pixels, of which rows are stored as columns.
    turned = Affine(0, transform.a, transform.c, transform.e, 0, transform.f)
    found = read(raster, tmp_path, grid, ("EPSG:4326", turned), values.T)
    assert np.abs(found - plain).max() < 6  # by places, of 0 and 100


def test_a_part_whose_raster_is_too_large_is_read_in_quarters(
    raster: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = "EPSG:32634", Affine(1000, 0, 500_000, 0, -1000, 4_600_000)
    transform, shape = covering("EPSG:32634", grid, 50)
    values = checkerboard(shape)
    whole = read(raster, tmp_path, grid, ("EPSG:32634", transform), values)
    monkeypatch.setattr(warping, "_MOST", 5000)
    sizes: list[int] = []
    plain = warping.read_window
    monkeypatch.setattr(warping, "read_window", lambda of, window: (sizes.append(window.size), plain(of, window))[1])
    np.testing.assert_allclose(read(raster, tmp_path, grid, ("EPSG:32634", transform), values), whole, atol=1e-4)
    assert len(sizes) > 16 and max(sizes) <= 5000


WORLD = 20_037_508.342789244
ACROSS_180 = {
    "Fiji": ("EPSG:32760", Affine(25_000, 0, 600_000, 0, -25_000, 8_300_000)),
    "Chukotka, polar": ("EPSG:3413", Affine(25_000, 0, -2_100_000, 0, -25_000, 2_200_000)),
    "degrees on": ("EPSG:4326", Affine(0.25, 0, 178.375, 0, -0.25, 12)),
    "whole degrees": ("EPSG:4326", Affine(1, 0, 174, 0, -1, 12)),
}


@pytest.mark.parametrize("name", ACROSS_180)
@pytest.mark.parametrize("of", ["EPSG:3857", "EPSG:6933"])
def test_a_projected_map_of_the_world_goes_on_across_180(raster: Write, tmp_path: Path, name: str, of: str) -> None:
    """Its edges lie there: places on both are far apart in the raster, and next to each other on Earth."""
    east = WORLD if of == "EPSG:3857" else 17_367_530.445161372
    transform = Affine(east / 2000, 0, -east, 0, -east / 2000, 12e6 if of == "EPSG:3857" else 7.3e6)
    column = np.abs(np.arange(4000) + 0.5 - 2000) / 2000 * 180  # degrees from Greenwich
    values = np.tile(np.where(column > 150, 2000 + (180 - column) * 10, 0.0), (1680 if of == "EPSG:6933" else 2400, 1))
    found = read(raster, tmp_path, ACROSS_180[name], (of, transform), values)
    along = np.arange(SIDE) + 0.5
    x, y = ACROSS_180[name][1] @ np.array(np.meshgrid(along, along))
    lon, _ = Transformer.from_crs(ACROSS_180[name][0], "EPSG:4326", always_xy=True).transform(x, y)
    assert np.ptp(lon % 360) < 60 and (lon % 360 > 180).any() and (lon % 360 < 180).any()
    expected = 2000 + np.abs(lon % 360 - 180) * 10
    np.testing.assert_allclose(found, expected, atol=4)


@pytest.mark.parametrize("turn", [0.0, 1.2, 3.0, 30.0])
def test_many_fine_pixels_are_all_counted(raster: Write, tmp_path: Path, turn: float) -> None:
    """Lines of a pixel in sixteen, 300 of which lie in a pixel of the grid: places between them would see few."""
    values = np.zeros((3600, 3600))
    values[:, ::16] = 200
    values += np.kron(np.random.default_rng(3).normal(0, 10, (150, 150)), np.ones((24, 24)))
    centre = Affine.translation(500_000, 4_600_000)
    transform = centre @ Affine.rotation(turn) @ Affine.scale(1, -1) @ Affine.translation(-1800, -1800)
    grid = "EPSG:32634", centre @ Affine.scale(100, -100) @ Affine.translation(-SIDE / 2, -SIDE / 2)
    found = read(raster, tmp_path, grid, ("EPSG:32634", transform), values)
    column, row = np.meshgrid(*2 * [np.arange(3600) + 0.5])
    on, down = (np.floor(each).astype(int) for each in ~grid[1] @ (transform @ (column, row)))
    inside = (on >= 0) & (on < SIDE) & (down >= 0) & (down < SIDE)
    cell = (down * SIDE + on)[inside]
    expected = (np.bincount(cell, values[inside]) / np.bincount(cell)).reshape(SIDE, SIDE)
    assert np.std(found - expected) < 0.2 * np.std(expected) and abs(np.mean(found - expected)) < 0.05


@pytest.mark.parametrize("size", [4, 10, 20, 45])
def test_noise_of_the_rasters_pixels_is_averaged_by_their_areas(raster: Write, tmp_path: Path, size: int) -> None:
    """White noise is the worst there is: its means deviate by a pixel's noise over `size`, and weights err most."""
    count = int(1.6 * SIDE * size)
    values = np.random.default_rng(4).normal(size=(count, count))
    centre = Affine.translation(500_000, 4_600_000)
    fine = "EPSG:32634", centre @ Affine.scale(100 / size, -100 / size) @ Affine.translation(-count / 2, -count / 2)
    turned = centre @ Affine.rotation(20) @ Affine.scale(100, -100) @ Affine.translation(-SIDE / 2, -SIDE / 2)
    found = read(raster, tmp_path, ("EPSG:32634", turned), fine, values)
    along = (np.arange(SIDE * 400) + 0.5) / 400
    column, row = ~fine[1] @ (turned @ np.array(np.meshgrid(along, along)))
    expected = values[row.astype(int), column.astype(int)].reshape(SIDE, 400, SIDE, 400).mean(axis=(1, 3))
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.09 * np.std(expected)


@pytest.mark.parametrize("crs", ["ESRI:54009", "ESRI:54030", "EPSG:6933"])
@pytest.mark.parametrize("is_class", [False, True])
def test_a_map_of_the_world_has_corners_beyond_it(raster: Write, tmp_path: Path, crs: str, is_class: bool) -> None:
    """Pixels and whole tiles off the outline are missing; all others have the latitude that they lie at."""
    latitude = 90 - (np.arange(180) + 0.5)
    values = np.tile(latitude[:, None], (1, 360)).astype(np.float32)
    degrees = raster(tmp_path / "noise.tif", values, crs="EPSG:4326", transform=Affine(1, 0, -180, 0, -1, 90))
    side, height, width = 200_000, 100, 200
    transform = Affine(side, 0, -side * width / 2, 0, -side, side * height / 2)
    grid = raster(tmp_path / "grid.tif", np.ones((height, width), np.float32), crs=crs, transform=transform)
    bands = open_bands([Band(RasterFile(grid), "grid"), Band(RasterFile(degrees), "noise")])
    stack = Stack(bands, frozenset(["noise"] if is_class else []), "grid")
    assert stack.resampling == {"noise": "nearest" if is_class else "average"}
    found = stack.read(slice(0, height), slice(0, width))[1]
    stack.close()
    column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*(transform @ (column, row)))
    on_earth = np.isfinite(lon) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    # Beyond 180 degrees east a cylinder goes on in the west: that is no part of the map.
    on_earth &= (np.abs((transform @ (column, row))[0]) < 17_367_530) | (crs != "EPSG:6933")
    corners = [np.roll(on_earth, shift, axis=axis) for axis in (0, 1) for shift in (1, -1)]
    deep = on_earth & np.all(corners, axis=0)
    deep[[0, -1]] = deep[:, [0, -1]] = False
    assert deep.sum() > 5000 and np.isfinite(found[on_earth]).all(), "all whose middle is on Earth"
    np.testing.assert_allclose(found[deep], lat[deep], atol=0.6 if is_class else 0.5)
    far = ~on_earth & ~np.any(corners, axis=0) & ((crs != "EPSG:6933") | ~np.isfinite(lat))
    assert far.sum() > 1000 and np.isnan(found[far]).all()


def test_rasters_whose_crs_has_no_place_for_the_grid_are_refused(raster: Write, tmp_path: Path) -> None:
    grid = raster(
        tmp_path / "grid.tif", np.ones((9, 9), np.float32), crs="EPSG:4326", transform=Affine(1, 0, 0, 0, -1, 9)
    )
    far = Affine(1, 0, 9e7, 0, -1, 9e7)
    off = raster(tmp_path / "off.tif", np.ones((9, 9), np.float32), crs="ESRI:54009", transform=far)
    bands = open_bands([Band(RasterFile(off), "grid"), Band(RasterFile(grid), "noise")])
    with pytest.raises(DataError, match=r"grid\.tif: cannot be brought onto the reference's CRS\. Check the CRS"):
        Stack(bands, frozenset(), "grid")


def found_on(
    write: Write, folder: Path, grid: tuple[str, Affine, tuple[int, int]], raster: Path, *, is_class: bool
) -> Values:
    crs, transform, shape = grid
    reference = write(folder / "reference.tif", np.ones(shape, np.float32), crs=crs, transform=transform)
    bands = open_bands([Band(RasterFile(reference), "grid"), Band(RasterFile(raster), "noise")])
    stack = Stack(bands, frozenset(["noise"] if is_class else []), "grid")
    found = stack.read(slice(0, shape[0]), slice(0, shape[1]))[1]
    stack.close()
    return np.asarray(found, dtype=np.float64)


@pytest.mark.parametrize("crs", ["EPSG:3413", "EPSG:3031"])
def test_pixels_about_a_pole_are_long_and_thin_in_a_map_of_the_world(raster: Write, tmp_path: Path, crs: str) -> None:
    """Hundreds of columns of equal latitude, and few rows: blocks as wide as high would hold several pixels."""
    side = 20_037_508.342789244 / 1000
    latitude = 90 - (np.arange(1000) + 0.5) * 0.18
    values = np.tile(latitude[:, None], (1, 2000)).astype(np.float32)
    world = raster(
        tmp_path / "w.tif", values, crs="EPSG:4087", transform=Affine(side, 0, -1000 * side, 0, -side, 500 * side)
    )
    pixel = 60_000
    grid = crs, Affine(pixel, 0, -12 * pixel, 0, -pixel, 12 * pixel), (24, 24)
    found = found_on(raster, tmp_path, grid, world, is_class=False)
    along = (np.arange(24 * 16) + 0.5) / 16
    x, y = grid[1] @ np.array(np.meshgrid(along, along))
    _, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    expected = lat.reshape(24, 16, 24, 16).mean(axis=(1, 3))
    np.testing.assert_allclose(found, expected, atol=0.04)  # a pixel is half a degree high


@pytest.mark.parametrize("offset", [0.0, 0.8, 63.8])
@pytest.mark.parametrize("size", [0.4, 3.7, 10.4])
def test_pixels_that_a_raster_covers_in_part_have_its_mean_there(
    raster: Write, tmp_path: Path, offset: float, size: float
) -> None:
    """Whatever part of a tile of 64 pixels the raster covers."""
    fine = int(size * 1000 / 20)
    corner = 500_000 + offset * 1000, 4_600_000 - offset * 1000
    plain = raster(tmp_path / "r.tif", np.full((fine, fine), 7, np.float32), crs="EPSG:32634",
                   transform=Affine(20, 0, corner[0], 0, -20, corner[1]))  # fmt: skip
    grid = "EPSG:32634", Affine(1000, 0, 500_000, 0, -1000, 4_600_000), (80, 80)
    found = found_on(raster, tmp_path, grid, plain, is_class=False)
    edge = np.arange(80)
    part = np.clip(np.minimum(edge + 1, offset + fine * 0.02) - np.maximum(edge, offset), 0, 1)
    covered = np.outer(part, part)
    assert (found[covered > 0.1] == 7).all() and np.isnan(found[covered == 0]).all()


@pytest.mark.parametrize("turn", [0.0, 10.0])
@pytest.mark.parametrize(("of", "east"), [("EPSG:3857", WORLD), ("EPSG:6933", 17_367_530.445161372)])
def test_classes_along_180_are_found_in_projected_maps_of_the_world(
    raster: Write, tmp_path: Path, turn: float, of: str, east: float
) -> None:
    side = east / 2000
    values = np.random.default_rng(9).integers(1, 9, (1400, 4000)).astype(np.uint8)
    transform = Affine(side, 0, -east, 0, -side, 700 * side)
    world = raster(tmp_path / "w.tif", values, crs=of, transform=transform)
    centre = Affine.translation(830_000, 8_200_000) @ Affine.rotation(turn)
    grid = "EPSG:32760", centre @ Affine.scale(5000, -5000) @ Affine.translation(-50, -50), (100, 100)
    found = found_on(raster, tmp_path, grid, world, is_class=True)
    along = np.arange(100) + 0.5
    x, y = Transformer.from_crs(grid[0], of, always_xy=True).transform(*(grid[1] @ np.array(np.meshgrid(along, along))))
    column, row = ~transform @ np.array([x, y])
    clear = np.minimum(np.abs(column - np.round(column)), np.abs(row - np.round(row))) > 1e-6
    expected = values[row.astype(int), column.astype(int).clip(0, 3999)]
    assert (x > 0).any() and (x < 0).any()
    np.testing.assert_array_equal(found[clear], expected[clear])


@pytest.mark.parametrize("of", ["EPSG:4617", "EPSG:4269", "EPSG:4284"])
@pytest.mark.parametrize("west", [177.25, -182.75])
def test_a_column_across_180_is_found_whatever_the_datum(raster: Write, tmp_path: Path, of: str, west: float) -> None:
    latitude = 90 - (np.arange(1800) + 0.5) * 0.1
    values = np.tile(latitude[:, None], (1, 3600)).astype(np.float32)
    degrees = raster(tmp_path / "r.tif", values, crs=of, transform=Affine(0.1, 0, -180, 0, -0.1, 90))
    grid = "EPSG:4326", Affine(0.5, 0, west, 0, -0.5, 60), (6, 12)
    found = found_on(raster, tmp_path, grid, degrees, is_class=False)
    np.testing.assert_allclose(found, np.tile(60 - (np.arange(6)[:, None] + 0.5) / 2, (1, 12)), atol=0.01)
