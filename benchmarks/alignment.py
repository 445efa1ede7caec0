"""A raster brought onto another grid: geoml's stack of bands, and rasterio's WarpedVRT.

A raster of 30 m with missing pixels is read on grids of degrees: one that is finer, and one whose pixels hold many; and
on a polar grid whose pixels hold many and lean to the raster's by 60 degrees, where GDAL's means are of other areas.
Both read the whole grid and, again, blocks of 50 x 50 pixels. Printed is by how much a value of the blocks differs from
that of the whole, in standard deviations of the values, by how much both ways differ, and the ratio of processor times.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform
from rasterio.windows import Window

from benchmarks import _table
from geoml_cli.readers.mosaics import RasterFile
from geoml_cli.readers.rasters import Band
from geoml_cli.readers.stacks import Stack, open_bands

SIZE, BLOCK = 2400, 50
_FILL = -9999.0
_CASES = {
    "bilinear": ("EPSG:4326", 0.0003, (15.05, 46.9)),
    "average": ("EPSG:4326", 0.003, (15.05, 46.9)),
    "average, leaning": ("EPSG:3413", 300.0, None),
}
"""CRS of the grid, side of its pixels, and its corner; without one it lies about the middle of the raster."""
Read = Callable[[int, int, int, int], NDArray[np.float32]]


def write(folder: Path, size: int, case: str) -> tuple[Path, Path, int]:
    """Write the raster and a grid of degrees within it; return both, and the pixels of a side of the grid."""
    random = np.random.default_rng(0)
    values = random.normal(size=(size, size)).cumsum(0).cumsum(1)
    values = ((values - values.mean()) / values.std()).astype(np.float32)
    values[random.random(values.shape) < 0.1] = _FILL
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "height": size, "width": size, "nodata": _FILL}
    profile |= {"crs": "EPSG:32633", "transform": rasterio.Affine(30, 0, 500_000, 0, -30, 5_200_000), "tiled": True}
    fine, grid, (crs, step, corner) = folder / "fine.tif", folder / "grid.tif", _CASES[case]
    side = int(size * 30 * 0.6 / (step if corner is None else step * 111_000))
    if corner is None:
        (x,), (y,) = transform("EPSG:32633", crs, [500_000 + 15 * size], [5_200_000 - 15 * size])
        side = side // 2 * 2
        corner = (x - side / 2 * step, y + side / 2 * step)
    with rasterio.open(fine, "w", **profile) as file:
        file.write(values, 1)
    profile |= {"crs": crs, "transform": rasterio.Affine(step, 0, corner[0], 0, -step, corner[1])}
    with rasterio.open(grid, "w", **{**profile, "height": side, "width": side, "tiled": False}) as file:
        file.write(np.ones((side, side), dtype=np.float32), 1)
    return fine, grid, side


def in_blocks(read: Read, side: int, block: int) -> NDArray[np.float32]:
    """Read the grid block by block."""
    found = np.empty((side, side), dtype=np.float32)
    for top in range(0, side, block):
        for left in range(0, side, block):
            height, width = min(block, side - top), min(block, side - left)
            found[top : top + height, left : left + width] = read(top, left, height, width)
    return found


def largest(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float]:
    """Return the largest difference [standard deviations], and the share of pixels that one of both alone has."""
    both = np.isfinite(one) & np.isfinite(other)
    difference = float(np.abs(one - other)[both].max() / np.std(one[both]))
    return difference, float(np.mean(np.isfinite(one) != np.isfinite(other)))


def measured(folder: Path, size: int, block: int, case: str) -> list[object]:
    """Compare both; return a row of the table."""
    fine, grid, side = write(folder, size, case)
    method = case.partition(",")[0]
    bands = [Band(RasterFile(path), path.stem) for path in (grid, fine)]
    stack = Stack(open_bands(bands), frozenset(), "grid")
    assert stack.resampling == {"fine": method}, stack.resampling
    ours, own_time = _timed(lambda: stack.read(slice(0, side), slice(0, side))[1])
    own = in_blocks(lambda y, x, h, w: stack.read(slice(y, y + h), slice(x, x + w))[1], side, block)
    stack.close()
    with rasterio.open(fine) as source, rasterio.open(grid) as reference:
        options = {"crs": reference.crs, "transform": reference.transform, "height": side, "width": side}
        with WarpedVRT(source, resampling=Resampling[method], nodata=_FILL, **options) as vrt:
            theirs, other_time = _timed(lambda: _valid(vrt.read(1)))
            other = in_blocks(lambda y, x, h, w: _valid(vrt.read(1, window=Window(x, y, w, h))), side, block)
    blocks = [*largest(ours, own), *largest(theirs, other)]
    return [case, *blocks, *largest(ours, theirs), own_time / other_time]


def _valid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(values == _FILL, np.float32(np.nan), values)


def _timed(read: Callable[[], NDArray[np.float32]]) -> tuple[NDArray[np.float32], float]:
    start = time.process_time()
    return read(), time.process_time() - start


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alignment", description=__doc__)
    parser.add_argument("--size", type=int, default=SIZE, help="pixels of a side of the raster")
    parser.add_argument("--block", type=int, default=BLOCK, help="pixels of a side of a block of the grid")
    given = parser.parse_args(arguments)
    rows = []
    for case in _CASES:
        with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
            rows.append(measured(Path(name), given.size, given.block, case))
    heads = ["", "blocks, geoml", "missing", "blocks, WarpedVRT", "missing", "geoml, WarpedVRT", "missing"]
    _table.show("Largest difference [standard deviations], share missing in one alone", heads, [r[:-1] for r in rows])
    for row in rows:
        _table.ratio(f"processor time, geoml / WarpedVRT, {row[0]}", float(str(row[-1])))


if __name__ == "__main__":
    main(sys.argv[1:])
