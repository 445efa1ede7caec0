"""Maps as Cloud Optimized GeoTIFF: tiles and overviews, so that a viewer reads what it shows and no more."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geoml_cli.dataset.files import atomic_write
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DiskError
from geoml_cli.work.processors import cores
from geoml_cli.work.raster_cache import small_cache
from geoml_cli.work.reasons import reason
from geoml_cli.writers.map import Map, Part

if TYPE_CHECKING:
    from rasterio.io import DatasetReader, DatasetWriter

TILE = 512
"""Side of the file's tiles and longest side of the last overview [pixels]: GDAL's default of this layout."""
_THREADS = 8
"""Most threads that pack tiles: each holds some of all bands, 1 MiB a band."""
COPIES = 3
"""How often the values lie on disk at most: without and with the layout, and a third more for overviews of both."""


def write(path: Path, content: Map, parts: Iterable[Part]) -> None:
    """Write a map as a Cloud Optimized GeoTIFF, float32, missing pixels NaN.

    The layout puts overviews before the pixels that they are made of, so a plain GeoTIFF is made first. Values are
    packed in the last step alone, on as many threads as there are cores, at most eight, or as `GDAL_NUM_THREADS` says.

    Raises:
        DiskError: It could not be written.
    """
    from rasterio._err import CPLE_BaseError
    from rasterio.shutil import copy

    plain_path = path.with_name(f".{path.stem}.tmp.plain{path.suffix}")
    with atomic_write(path) as temporary, _removed(plain_path) as plain, small_cache():
        _plain(plain, content, parts)
        _add_overviews(plain, content.bands)
        _require_whole(plain, path)
        try:
            copy(
                str(plain), str(temporary), driver="COG", blocksize=TILE, compress="deflate",
                predictor="floating_point", overviews="force_use_existing", bigtiff="if_safer",
                num_threads=os.environ.get("GDAL_NUM_THREADS", str(min(cores(), _THREADS))),
            )  # fmt: skip
        except CPLE_BaseError as error:
            raise DiskError(path, reason(error)) from error


@contextmanager
def _removed(path: Path) -> Iterator[Path]:
    """Give a path whose file is removed in the end."""
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _plain(path: Path, content: Map, parts: Iterable[Part]) -> None:
    import rasterio

    grid, side = content.grid, content.tile  # each tile is written once
    profile = {
        "driver": "GTiff", "dtype": "float32", "nodata": float("nan"), "count": len(content.bands),
        "height": grid.height, "width": grid.width, "crs": grid.crs, "transform": rasterio.Affine(*grid.transform),
        "tiled": True, "blockxsize": side, "blockysize": side,
        "bigtiff": "if_safer",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.update_tags(**content.attributes)
        for number, band in enumerate(content.bands, start=1):
            file.set_band_description(number, band.label)
            file.set_band_unit(number, band.unit)
            file.update_tags(number, name=band.name, long_name=band.long_name, **_classes(band))
        for rows, columns, values in parts:
            file.write(values, window=rasterio.windows.Window.from_slices(rows, columns))


def _classes(band: Variable) -> dict[str, str]:
    return {"classes": ", ".join(f"{code} {name}" for code, name in band.classes.items())} if band.classes else {}


def _add_overviews(path: Path, bands: tuple[Variable, ...]) -> None:
    """Halve the map until it fits a tile: means of quantities, and of classes and masks every second pixel."""
    import rasterio
    from rasterio.enums import Resampling

    with rasterio.open(path, "r+") as file:
        levels = next(count for count in range(32) if -(-max(file.shape) // 2**count) <= TILE)
        if levels:
            file.build_overviews([2**level for level in range(1, levels + 1)], Resampling.average)
    discrete = [number for number, band in enumerate(bands, start=1) if band.classes]
    for level in range(levels) if discrete else ():
        finer = {"overview_level": level - 1} if level else {}
        with rasterio.open(path, **finer) as source, rasterio.open(path, "r+", overview_level=level) as halved:
            _put_every_second(source, halved, discrete)


def _require_whole(plain: Path, path: Path) -> None:
    """Refuse a file in which blocks are missing: what GDAL cannot write when it closes a file is lost without an error.

    Raises:
        DiskError: It is smaller than its pixels.
    """
    import rasterio

    with rasterio.open(plain) as file:
        levels = len(file.overviews(1))
    needed = 0
    for level in range(-1, levels):
        with rasterio.open(plain, **({"overview_level": level} if level >= 0 else {})) as file:
            rows, columns = file.block_shapes[0]
            blocks = -(-file.height // rows) * -(-file.width // columns)
            needed += blocks * rows * columns * file.count * np.dtype(file.dtypes[0]).itemsize
    if plain.stat().st_size < needed:
        raise DiskError(path, "a part of it was lost on the way to the disk, which may be full")


def _put_every_second(source: DatasetReader, halved: DatasetWriter, bands: list[int]) -> None:
    """GDAL has one kind of overview for all bands, and a mean of codes is none: write those of some bands again."""
    from rasterio.windows import Window

    for _, window in halved.block_windows(1):
        top, left = 2 * window.row_off, 2 * window.col_off
        height, width = min(2 * window.height, source.height - top), min(2 * window.width, source.width - left)
        values = source.read(bands, window=Window(left, top, width, height))
        halved.write(np.ascontiguousarray(values[:, ::2, ::2]), bands, window=window)
