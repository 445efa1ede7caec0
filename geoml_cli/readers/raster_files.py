"""Opening of raster files: their bands by name, their place on Earth north-up."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.raw_files import is_hidden
from geoml_cli.errors import DataError
from geoml_cli.readers.band_tags import alpha_band
from geoml_cli.readers.mosaics import RasterFile, tiles_as_vrt
from geoml_cli.readers.raster_damage import raster_damage
from geoml_cli.samples.input import Grid

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.io import DatasetReader

SUFFIXES = (".tif", ".tiff", ".img", ".vrt", ".asc", ".bil", ".sdat", ".jp2")
_LOCAL = ("LOCAL_CS", "ENGCRS", "ENGINEERINGCRS")
_LEVEL = 1e-9
"""Part of a pixel's side that a rotation may be off: the cosine of 90 degrees is not 0 in a computer."""
Span = tuple[int, int]


class Orientation(NamedTuple):
    """What brings the stored pixels north-up: first the axes are swapped, then each is flipped."""

    swapped: bool
    rows_flipped: bool
    columns_flipped: bool

    def stored(self, window: tuple[Span, Span], size: tuple[int, int]) -> tuple[Span, Span]:
        """Return where a north-up window of a north-up raster of `size` is stored."""
        rows, columns = window
        if self.rows_flipped:
            rows = size[0] - rows[1], size[0] - rows[0]
        if self.columns_flipped:
            columns = size[1] - columns[1], size[1] - columns[0]
        return (columns, rows) if self.swapped else (rows, columns)

    def turned(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Bring stored pixels north-up."""
        values = stored.T if self.swapped else stored
        values = values[::-1] if self.rows_flipped else values
        return values[:, ::-1] if self.columns_flipped else values


def raster_paths(paths: Iterable[Path]) -> list[Path]:
    """Choose the raster files among paths that are not hidden, sorted.

    Raises:
        DataError: One is called like a raster and is a pipe, a device, or a link to nothing.
    """
    named = [path for path in paths if path.suffix.lower() in SUFFIXES and not is_hidden(path.name)]
    called = sorted(path for path in named if not path.is_dir())
    for path in called:
        if not path.is_file():
            state = "is no file, but a pipe or a device" if path.exists() else "is a link to a file that is not there"
            raise DataError(state, where=str(path), fix="Put the raster itself there, or remove it.")
    return called


def open_file(raster: RasterFile) -> DatasetReader:
    """Open a raster.

    Raises:
        DataError: It is missing, damaged, may not be read, or has no band of real numbers.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    path = raster.path
    if not raster.tiles and not path.is_file():
        kind = "is a folder, not a raster" if path.is_dir() else "there is no such raster"
        raise DataError(kind, where=str(path), fix="Give the file itself.")
    raster.files()  # refuses what is missing or may not be read, which GDAL tells in words of its own
    with raster_damage(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # becomes a DataError in grid_of
        file = rasterio.open(tiles_as_vrt(raster.tiles) if raster.tiles else path)
    if file.count == 0 or any(kind.startswith("complex") for kind in file.dtypes):
        file.close()
        raise DataError("has no band of real numbers", where=str(path), fix="Give one value a pixel.")
    return file


def bands(raster: RasterFile) -> dict[str, int]:
    """Name the bands of a file, masks apart: by the file, and by their description or number where there are several.

    Returns:
        Number of each band, from 1.

    Raises:
        DataError: The file is damaged or no raster.
    """
    with open_file(raster) as file, raster_damage(raster.path):
        texts = [(text or "").strip() for text in file.descriptions]
        numbers = [number for number in range(1, file.count + 1) if number != alpha_band(file)]
    if len(numbers) == 1:
        return {raster.path.stem: numbers[0]}
    named = [texts[number - 1] for number in numbers]
    described = all(named) and len(set(named)) == len(named)
    return {f"{raster.path.stem}_{texts[number - 1] if described else number}": number for number in numbers}


def grid_of(file: DatasetReader, path: Path) -> tuple[Grid, Orientation]:
    """Return the grid of a raster with the north up, and how its pixels are brought there.

    Longitudes from 180 on become negative.

    Raises:
        DataError: It has no CRS, a local one, or no place.
    """
    wkt = _crs(file, path)
    affine = file.transform
    corner = (affine.a, affine.b, affine.c, affine.d, affine.e, affine.f)
    if affine.is_identity or not np.isfinite(corner).all() or affine.determinant == 0:
        raise DataError(
            "says nothing of the place and size of its pixels",
            where=str(path),
            fix="Georeference it (gdal_translate -a_ullr).",
        )
    affine, orientation, (height, width) = _north_up(affine, (file.height, file.width))
    west = min(affine.c, affine.c + affine.b * height)
    turn = -360.0 if file.crs.is_geographic and west >= 180.0 else 0.0
    return Grid(wkt, (affine.a, affine.b, affine.c + turn, affine.d, affine.e, affine.f), height, width), orientation


def _crs(file: DatasetReader, path: Path) -> str:
    from rasterio.errors import RasterioError

    fix = "Write its CRS into it, for example: gdal_edit.py -a_srs EPSG:4326 FILE."
    try:
        crs = file.crs.to_wkt() if file.crs else ""
    except (RasterioError, ValueError) as error:
        raise DataError("its CRS cannot be understood", where=str(path), fix=fix) from error
    if not crs:
        raise DataError("has no CRS, so its place on Earth is not known", where=str(path), fix=fix)
    if crs.startswith(_LOCAL):
        name = crs.partition('"')[2].partition('"')[0]
        raise DataError(f"its CRS {name!r} is a local one, tied to no place on Earth", where=str(path), fix=fix)
    return str(crs)


def _north_up(affine: Affine, size: tuple[int, int]) -> tuple[Affine, Orientation, tuple[int, int]]:
    """Turn a transform so that rows run south and columns east, as far as quarter turns and mirrors allow."""
    from affine import Affine

    height, width = size
    a, b, c, d, e, f = affine[:6]
    swapped = abs(b) > abs(a) and abs(d) > abs(e)
    if swapped:
        a, b, d, e, height, width = b, a, e, d, width, height
    if max(abs(b), abs(d)) < _LEVEL * min(abs(a), abs(e)):
        b, d = 0.0, 0.0
    rows_flipped, columns_flipped = e > 0, a < 0
    if rows_flipped:
        b, c, e, f = -b, c + b * height, -e, f + e * height
    if columns_flipped:
        a, c, d, f = -a, c + a * width, -d, f + d * width
    return Affine(a, b, c, d, e, f), Orientation(swapped, rows_flipped, columns_flipped), (height, width)


@lru_cache(maxsize=64)
def same_crs(one: str, other: str) -> bool:
    """Return whether two CRS are one, however they are spelled (WKT of ESRI, EPSG's code, OGC:CRS84)."""
    import pyproj
    from rasterio.crs import CRS

    if one == other:
        return True
    first, second = CRS.from_user_input(one), CRS.from_user_input(other)
    code = first.to_epsg()
    if first == second or (code is not None and code == second.to_epsg()):
        return True
    # GDAL's names of ESRI's CRS have no code: their parameters are compared. Coordinates are x, y in any case.
    return bool(pyproj.CRS(one).equals(pyproj.CRS(other), ignore_axis_order=True))
