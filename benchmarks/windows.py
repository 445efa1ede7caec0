"""Windows of wide rasters, stored in tiles and in rows: geoml's stack of bands, and rasterio's own windows.

Both read the same windows of 256 x 256 pixels of the same files, row by row of windows, with the same cache of GDAL,
and give the same values. Processor time of both, some windows of the second row of windows.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from benchmarks import _table
from geoml_cli.readers.mosaics import RasterFile
from geoml_cli.readers.rasters import TILE, Band, tiles
from geoml_cli.readers.stacks import Stack, open_bands
from geoml_cli.work.raster_cache import small_cache

WIDTHS, RASTERS, WINDOWS = (6_000, 20_000), 6, 20
_STORED = {"in tiles": {"tiled": True, "blockxsize": TILE, "blockysize": TILE}, "in rows": {}}
Window = tuple[slice, slice]
Read = Callable[[Window], NDArray[np.float32]]


def write(folder: Path, width: int, count: int, stored: str) -> list[Path]:
    """Write rasters of two rows of windows: waves with a little noise, which pack like terrain."""
    folder.mkdir()
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": 1, "height": 2 * TILE, "width": width, "crs": "EPSG:32634",
        "transform": rasterio.Affine(30, 0, 0, 0, -30, 0), "compress": "deflate", **_STORED[stored],
    }  # fmt: skip
    y, x = np.mgrid[: 2 * TILE, :width].astype(np.float32)
    paths = [folder / f"covariate_{number}.tif" for number in range(count)]
    for number, path in enumerate(paths):
        noise = np.random.default_rng(number).standard_normal(x.shape, dtype=np.float32)
        with rasterio.open(path, "w", **profile) as file:
            file.write(np.sin(x / (37 + 11 * number)) + np.cos(y / 53) + 0.05 * noise, 1)
    return paths


def compared(paths: Sequence[Path], count: int) -> tuple[float, float]:
    """Return processor time a window [ms] of geoml and of rasterio.

    Raises:
        AssertionError: Their values differ.
    """
    stack = Stack(open_bands([Band(RasterFile(path), path.stem) for path in paths]), frozenset(), None)
    files = [rasterio.open(path) for path in paths]

    def plain(window: Window) -> NDArray[np.float32]:
        with small_cache():
            return np.stack([file.read(1, window=rasterio.windows.Window.from_slices(*window)) for file in files])

    second = [window for window in tiles(stack.grid) if window[0].start == TILE]
    windows = list(islice(second, count))
    ours, theirs = _spent(lambda window: stack.read(*window), windows), _spent(plain, windows)
    assert np.array_equal(stack.read(*windows[-1]), plain(windows[-1])), "both ways give the same values"
    stack.close()
    for file in files:
        file.close()
    return ours, theirs


def _spent(read: Read, windows: Sequence[Window]) -> float:
    started = time.process_time()
    for window in windows:
        read(window)
    return 1e3 * (time.process_time() - started) / len(windows)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.windows", description=__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=list(WIDTHS), metavar="PIXELS")
    parser.add_argument("--rasters", type=int, default=RASTERS)
    parser.add_argument("--windows", type=int, default=WINDOWS)
    given = parser.parse_args(arguments)
    rows = []
    for width in given.widths:
        for stored in _STORED:
            with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
                costs = compared(write(Path(name) / "covs", width, given.rasters, stored), given.windows)
            rows.append((f"{width} pixels, {stored}", *costs, costs[1] / costs[0]))
    headers = ("rasters", "geoml ms a window", "rasterio ms a window", "ratio")
    _table.show(f"Windows of {given.rasters} rasters", headers, rows)
    print()
    for row in rows:
        _table.ratio(f"rasterio's windows / geoml's, {row[0]}", float(row[-1]))


if __name__ == "__main__":
    main(sys.argv[1:])
