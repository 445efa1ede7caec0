"""A synthetic valley with yearly land cover in the form of CLCD, and covariates on other grids.

The class follows height, slope, greenness and a distance to a town; greenness changes by year, and cover with it. Land
cover comes in degrees, one covariate in metres and shifted by a fraction of a pixel, one coarser.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.sources.clcd.options import ClcdOptions

HEIGHT, WIDTH, SAMPLES = 90, 110, 900
YEARS = (2018, 2019, 2020)
_WEST, _NORTH, _PIXEL = 103.0, 31.0, 0.027  # degrees; about 3 km, so that a few pixels make blocks to hold out
_METRIC_CRS, _METRIC_PIXEL = "EPSG:32648", 3000.0
_CLASSES = {"cropland": 1, "forest": 2, "shrub": 3, "grassland": 4, "water": 5, "barren": 7, "impervious": 8}
Values = NDArray[np.float64]


class _Land(NamedTuple):
    """Fields on the grid of the land cover, shape [HEIGHT, WIDTH]."""

    height: Values
    slope: Values
    town: Values
    green: dict[int, Values]


def write_synthetic(folder: Path, seed: int) -> ClcdOptions:
    """Write `classes/CLCD_v01_YYYY.tif` and `covariates/*.tif`.

    Args:
        folder: Is made where it does not exist.
        seed: Gives the same files whenever it is the same.

    Returns:
        The options to prepare them with.
    """
    random = np.random.default_rng(seed)
    land = _land(random)
    for name in ("classes", "covariates"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    grid = _grid("EPSG:4326", (_WEST, _NORTH), _PIXEL, (HEIGHT, WIDTH))
    for year in YEARS:
        codes = _classes(land, year, random)
        codes[:, :3] = 0  # beyond the border
        _write(folder / "classes" / f"CLCD_v01_{year}.tif", codes.astype("uint8"), {**grid, "nodata": None})
        green = np.where(random.random((HEIGHT, WIDTH)) < 0.004, -9999.0, land.green[year])
        _write(folder / "covariates" / f"ndvi_{year}.tif", green.astype("float32"), {**grid, "nodata": -9999.0})
    _write_static(folder / "covariates", land, grid)
    return ClcdOptions(samples=SAMPLES, seed=seed)


def _write_static(folder: Path, land: _Land, grid: dict[str, Any]) -> None:
    _write(folder / "slope.tif", land.slope.astype("float32"), {**grid, "nodata": -3.4e38})
    coarse = land.town[::4, ::4]
    _write(folder / "town.tif", coarse.astype("float32"), _grid("EPSG:4326", (_WEST, _NORTH), 4 * _PIXEL, coarse.shape))
    _write(folder / "dem.tif", *_in_metres(land.height))


def _in_metres(height: Values) -> tuple[NDArray[Any], dict[str, Any]]:
    """Bring the height onto a grid in metres whose pixels lie across those of the land cover."""
    from rasterio.warp import transform

    corners = transform("EPSG:4326", _METRIC_CRS, [_WEST, _WEST + WIDTH * _PIXEL], [_NORTH, _NORTH - HEIGHT * _PIXEL])
    west, north = min(corners[0]) - 17_000.0, max(corners[1]) + 17_000.0
    shape = (int((north - min(corners[1])) / _METRIC_PIXEL) + 12, int((max(corners[0]) - west) / _METRIC_PIXEL) + 12)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5
    x, y = west + columns * _METRIC_PIXEL, north - rows * _METRIC_PIXEL
    longitude, latitude = np.array(transform(_METRIC_CRS, "EPSG:4326", x.ravel(), y.ravel())).reshape(2, *shape)
    row = np.clip(((_NORTH - latitude) / _PIXEL).astype(int), 0, HEIGHT - 1)
    column = np.clip(((longitude - _WEST) / _PIXEL).astype(int), 0, WIDTH - 1)
    grid = _grid(_METRIC_CRS, (west, north), _METRIC_PIXEL, shape)
    return np.rint(height[row, column]).astype("int16"), {**grid, "nodata": -32768}


def _land(random: np.random.Generator) -> _Land:
    from scipy.ndimage import sobel

    along = np.linspace(-1, 1, HEIGHT)[:, None] ** 2
    height = 400 + 1500 * along + 250 * _smooth(random, 6)
    slope = np.hypot(sobel(height, axis=0), sobel(height, axis=1)) / 60
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    town = np.hypot(rows - 0.5 * HEIGHT, columns - 0.3 * WIDTH) * 0.3
    moist = 0.5 + 0.12 * _smooth(random, 5) - 0.15 * (height - 900) / 1000
    green = {year: np.clip(moist + random.normal(0, 0.02) + 0.05 * _smooth(random, 3), 0, 1) for year in YEARS}
    return _Land(height, slope, town, green)


def _smooth(random: np.random.Generator, width: float) -> Values:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(random.standard_normal((HEIGHT, WIDTH)), width, mode="reflect")
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float64)


def _classes(land: _Land, year: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Decide the cover of a year by rules; one pixel in thirty is wrong, as in a real map."""
    green = land.green[year]
    rules = {
        "water": land.height < 330,
        "impervious": land.town < 4,
        "barren": (land.height > 1900) | (green < 0.25),
        "cropland": (land.slope < 4) & (land.height < 900),
        "forest": green > 0.52,
        "shrub": green > 0.42,
    }
    codes = np.select(list(rules.values()), [_CLASSES[name] for name in rules], _CLASSES["grassland"])
    wrong = random.random(codes.shape) < 1 / 30
    codes[wrong] = random.choice(list(_CLASSES.values()), int(wrong.sum()))
    return np.asarray(codes, dtype=np.int64)


def _grid(crs: str, corner: tuple[float, float], pixel: float, shape: tuple[int, ...]) -> dict[str, Any]:
    from affine import Affine

    place = {"crs": crs, "transform": Affine(pixel, 0, corner[0], 0, -pixel, corner[1])}
    return {**place, "height": shape[0], "width": shape[1]}


def _write(path: Path, values: NDArray[Any], profile: dict[str, Any]) -> None:
    import rasterio

    form = {"driver": "GTiff", "count": 1, "dtype": values.dtype, "compress": "deflate"}
    with rasterio.open(path, "w", **form, **profile) as file:
        file.write(values, 1)
