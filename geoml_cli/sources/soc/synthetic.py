"""A synthetic coast with soil samples: rasters as different providers write them, and a table of points.

Soil organic carbon rises with height and wetness of the neighbourhood and with the greenness of the years
before, and differs by land cover; the rest is noise. A network that sees windows and series can therefore
learn more than one that sees the centre pixel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.sources.soc.options import SocOptions

HEIGHT, WIDTH, SAMPLES = 120, 160, 600
YEARS = tuple(range(2016, 2021))
LAND_COVER = {1: "cropland", 2: "grassland", 3: "forest", 4: "bare"}
_WEST, _NORTH, _PIXEL = 21.0, 42.0, 0.0025  # degrees; about 250 m
_COVER_EFFECT = np.array([0.0, -4.0, 1.0, 6.0, -7.0])  # by code [g kg-1]
Values = NDArray[np.float64]


class _Land(NamedTuple):
    """Fields of the synthetic land, shape [HEIGHT, WIDTH]; series have years before."""

    sea: NDArray[np.bool_]
    static: dict[str, Values]
    cover: NDArray[np.int64]
    series: dict[str, Values]


def write_synthetic(folder: Path, seed: int) -> SocOptions:
    """Write `points.csv` and `covs/*.tif`.

    Args:
        folder: Is made where it does not exist.
        seed: Gives the same files whenever it is the same.

    Returns:
        The options to prepare them with.
    """
    random = np.random.default_rng(seed)
    land = _land(random)
    (folder / "covs").mkdir(parents=True, exist_ok=True)
    _write_rasters(folder / "covs", land)
    _write_points(folder / "points.csv", land, random)
    return SocOptions(points="points.csv", covariates="covs", classes=("land_cover",))


def _field(random: np.random.Generator, smooth: float) -> Values:
    """Return a smooth random field of mean 0 and deviation 1."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(random.standard_normal((HEIGHT, WIDTH)), smooth, mode="reflect")
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float64)


def _land(random: np.random.Generator) -> _Land:
    from scipy.ndimage import sobel

    west = np.linspace(-1.2, 1.0, WIDTH)[None, :] + 0.25 * _field(random, 8)
    height = np.clip(400 * west + 350 + 120 * _field(random, 3), 0, None)
    slope = np.hypot(sobel(height, axis=0), sobel(height, axis=1)) / 50
    warmth = 14.5 - 0.006 * height + 0.3 * _field(random, 10)
    rain = 520 + 0.45 * height + 60 * _field(random, 12)
    wetness = 9 - 0.4 * slope + 1.5 * _field(random, 2)
    cover = np.digitize(_field(random, 4) + (height - 400) / 600, [-0.5, 0.3, 1.2]) + 1
    static = {"height": height, "slope": slope, "temperature": warmth, "rainfall": rain, "wetness": wetness}
    return _Land(west < -0.75, static, cover, _series(random, rain, warmth))


def _series(random: np.random.Generator, rain: Values, warmth: Values) -> dict[str, Values]:
    evi, start, length = [], [], []
    for _ in YEARS:
        good = random.normal(0, 0.04)
        evi.append(np.clip(0.25 + rain / 2500 + good + 0.05 * _field(random, 3), 0, 1))
        start.append(100 - 2.5 * (warmth - 10) + 4 * _field(random, 3))
        length.append(190 + 5 * (warmth - 10) + 100 * good + 5 * _field(random, 3))
    return {"evi": np.stack(evi), "sos": np.stack(start), "los": np.stack(length)}


def _write_rasters(folder: Path, land: _Land) -> None:
    """Write each raster with another convention for the sea, as rasters of several providers come."""
    tagged: dict[str, tuple[str, float]] = {
        "height": ("int16", -32768),
        "slope": ("float32", -99999.0),
        "temperature": ("float32", np.nan),
        "rainfall": ("float32", -3.3999999521443642e38),  # the tag is a double that no float32 equals
        "wetness": ("float32", -9999.0),
    }
    for name, values in land.static.items():
        _write(folder / f"{name}.tif", values, land.sea, *tagged[name])
    _write(folder / "land_cover.tif", land.cover.astype(np.float64), land.sea, "uint8", 255)
    for name, years in land.series.items():
        for year, values in zip(YEARS, years, strict=True):
            _write(folder / f"{name}_{year}.tif", values, land.sea, "float32", -9999.0)


def _write(path: Path, values: Values, sea: NDArray[np.bool_], kind: str, nodata: float) -> None:
    import rasterio
    from affine import Affine

    rounded: NDArray[Any] = np.rint(values) if kind != "float32" else values
    profile = {
        "driver": "GTiff", "dtype": kind, "count": 1, "height": HEIGHT, "width": WIDTH, "nodata": nodata,
        "crs": "EPSG:4326", "transform": Affine(_PIXEL, 0, _WEST, 0, -_PIXEL, _NORTH),
        "tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.where(sea, nodata, rounded).astype(kind), 1)


def carbon(land: _Land) -> Values:
    """Return the content without noise [g kg-1], shape [HEIGHT, WIDTH]."""
    from scipy.ndimage import uniform_filter

    around = uniform_filter(land.static["height"], 5) / 100
    wet = uniform_filter(land.static["wetness"], 5)
    green = land.series["evi"].mean(axis=0)
    content = 4 + 1.6 * around + 1.2 * (wet - 9) + 25 * (green - 0.4) + _COVER_EFFECT[land.cover]
    return np.asarray(np.maximum(content + 6, 0.5), dtype=np.float64)


def _write_points(path: Path, land: _Land, random: np.random.Generator) -> None:
    rows, columns = np.nonzero(~land.sea)
    chosen = random.choice(len(rows), SAMPLES, replace=False)
    east, south = random.uniform(0.1, 0.9, (2, SAMPLES))
    content = carbon(land)[rows[chosen], columns[chosen]] * random.lognormal(0, 0.12, SAMPLES)
    lines = ["id,lon,lat,soc"]
    for number in range(SAMPLES):
        longitude = _WEST + (columns[chosen[number]] + east[number]) * _PIXEL
        latitude = _NORTH - (rows[chosen[number]] + south[number]) * _PIXEL
        lines.append(f"P{number + 1:04d},{longitude:.6f},{latitude:.6f},{content[number]:.2f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
