"""Raw files of about an asked size, by source: the sources' own synthetic writers, given larger grids or longer series.

A size is met within some tenths: it is estimated from a small set of the same files.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.source import Options

MB = 1e6
Writer = Callable[[Path, float], Options]
"""Takes a folder and a size [MB]; returns the options to prepare the files with."""


def size(folder: Path) -> float:
    """Return the size of all files in a folder [MB]."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MB


@contextmanager
def _changed(module: ModuleType, **constants: Any) -> Iterator[None]:  # noqa: ANN401
    """Give a synthetic writer other sizes than those of demonstrations and tests."""
    before = {name: getattr(module, name) for name in constants}
    vars(module).update(constants)
    try:
        yield
    finally:
        vars(module).update(before)


def _soc(folder: Path, megabytes: float) -> Options:
    """Points on six large covariates; 230 points a MB, as many as the rasters have blocks, and more."""
    from benchmarks.raster import COVARIATES, write_points, write_rasters
    from geoml_cli.sources.soc.options import SocOptions

    side = max(int(np.sqrt(megabytes * MB / (COVARIATES * 3.7))), 64)
    write_rasters(folder / "covs", side)
    write_points(folder / "points.csv", side, max(int(230 * megabytes), 50))
    return SocOptions(points="points.csv", covariates="covs", crs="EPSG:32634")


def _clcd(folder: Path, megabytes: float) -> Options:
    from geoml_cli.sources.clcd import synthetic

    side = max(int(np.sqrt(megabytes * MB / 19)), 90)
    pixel = 2.4 / side  # the small scene's extent, so that metres stay those of its UTM zone
    samples = min(20_000, side * side // 20)
    with _changed(synthetic, HEIGHT=side, WIDTH=side, SAMPLES=samples, _PIXEL=pixel, _METRIC_PIXEL=111_000.0 * pixel):
        return synthetic.write_synthetic(folder, 1)


def _gwsa(folder: Path, megabytes: float) -> Options:
    from benchmarks.evaluation import write_cells
    from geoml_cli.sources.gwsa.options import GwsaOptions

    write_cells(folder, max(int(megabytes * MB / 240), 200))
    return GwsaOptions()


def _gwsa_products(folder: Path, megabytes: float) -> Options:
    """Two years of 147 by 98 degrees at most, about 240 MB; with noise, for formulas alone pack to a hundredth."""
    from geoml_cli.sources.gwsa import synthetic_products
    from geoml_cli.sources.gwsa.options import GwsaOptions

    random, put = np.random.default_rng(1), synthetic_products._put

    def rough(file: Any, name: str, dims: tuple[str, ...], values: NDArray[np.float64], *about: Any) -> None:  # noqa: ANN401
        noise = 1 + 1e-3 * random.standard_normal(values.shape)
        put(file, name, dims, np.where((values == about[1]) | (name == "LC"), values, values * noise), *about)

    degrees = float(np.clip(round(np.sqrt(megabytes * 9.9)), 1, 49))
    limits = {"WEST": 0.0, "SOUTH": -9.0, "EAST": 3 * degrees, "NORTH": 2 * degrees - 9.0}
    with _changed(synthetic_products, _put=rough, **limits):
        synthetic_products.write(folder)
    return GwsaOptions(kind="products", baseline="2004-2005", dynamic=("E", "rf"), static=("DEM",))


def _fluxnet(folder: Path, megabytes: float) -> Options:
    """Sites of nineteen years of days."""
    from geoml_cli.sources.fluxnet import synthetic
    from geoml_cli.sources.fluxnet.options import FluxnetOptions

    folder.mkdir(parents=True, exist_ok=True)
    random, days = np.random.default_rng(1), np.arange("1996-01-01", "2015-01-01", dtype="datetime64[D]")
    stamps = {"TIMESTAMP": synthetic.stamp(days, 8)}
    towers = [
        synthetic.TOWERS[number % len(synthetic.TOWERS)]._replace(site=f"XX-{number:03d}")
        for number in range(max(round(megabytes / 1.85), 2))
    ]
    for tower in towers:
        name = f"FLX_{tower.site}_FLUXNET2015_SUBSET_DD_1996-2014_1-4.csv"
        synthetic.write(folder / name, stamps, synthetic.daily(tower, days, random))
    synthetic.site_table(folder / "siteinfo_fluxnet2015.csv", tuple(towers))
    return FluxnetOptions()


def _ech(folder: Path, megabytes: float) -> Options:
    """Indices, positions and amplitudes of every minute."""
    return minutes_of_ech(folder, max(int(megabytes / 0.65), 5))


def minutes_of_ech(folder: Path, days: int) -> Options:
    """Write indices, positions and amplitudes of every minute."""
    from geoml_cli.sources.ech import synthetic

    with _changed(synthetic, DAYS=days, EVERY=1):
        return synthetic.write_synthetic(folder, 1)


def _smap(folder: Path, megabytes: float) -> Options:
    from geoml_cli.sources.smap import synthetic
    from geoml_cli.sources.smap.options import SmapOptions

    names = [f"Station-{number}" for number in range(max(round(megabytes / 0.83), 12))]
    synthetic.write_exports(folder, 1, names, synthetic.YEARS)
    return SmapOptions()


def _carbon_ecs(folder: Path, megabytes: float) -> Options:
    from geoml_cli.sources.carbon_ecs import synthetic

    scale = max(np.sqrt(megabytes * MB / (42 * 26 * 4 * 96)), 1.0)
    with _changed(synthetic, ROWS=round(42 * scale), COLUMNS=round(26 * scale)):
        return synthetic.write_synthetic(folder, 1)


def _grid(folder: Path, megabytes: float) -> Options:
    """A year a file of packed months; half a degree over the globe, a coarser grid where little is asked for."""
    from benchmarks import grids
    from geoml_cli.sources.grid.options import GridOptions

    months = int(np.clip(12 * round(megabytes * MB / (360 * 720 * 0.9) / 12), 24, 1200))
    shape = (360, 720) if megabytes > 1 else (36, 72)
    grids.files(folder, "packed", 12, argparse.Namespace(shape=shape, months=months))
    return GridOptions(var="sst")


WRITERS: dict[str, Writer] = {
    "soc": _soc,
    "clcd": _clcd,
    "gwsa": _gwsa,
    "gwsa-products": _gwsa_products,
    "fluxnet": _fluxnet,
    "ech": _ech,
    "smap": _smap,
    "carbon-ecs": _carbon_ecs,
    "grid": _grid,
}
"""By source; `gwsa-products` are the grids that the table of `gwsa` is made from."""


def source(case: str) -> str:
    """Return the name of a case's source."""
    return case.removesuffix("-products")
