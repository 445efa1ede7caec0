"""Where points lie: in degrees, and in the pixels of a grid."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.raster_files import same_crs
from geoml_cli.samples.input import Grid

DEGREES = "EPSG:4326"
_FAR_FILLS = (-9999.0, -99999.0, -32768.0, -999.0, -9999.9)
_ON_BORDER = 1e-6
"""Pixels: a point on the border of two lies in the lower or right one, however its coordinates are rounded."""
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


@cache
def is_geographic(crs: str) -> bool:
    """Return whether a CRS given by the user counts in degrees.

    Raises:
        SettingsError: It is not known.
    """
    import rasterio
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        with rasterio.Env():  # keeps GDAL's own complaint off stderr
            return bool(CRS.from_user_input(crs).is_geographic)
    except CRSError as error:
        raise SettingsError(f"{crs!r} is no known CRS", where="--crs", fix="Give a code such as EPSG:32634.") from error


def drop_fill_values(points: Pair, geographic: bool) -> Pair:
    """Mark coordinates as missing where a fill stands in their place; those of a projection may be places."""
    if not geographic:
        return points
    x, y = (np.where(np.isin(axis, _FAR_FILLS), np.nan, axis) for axis in points)
    return x, y


def check_degrees(points: Pair, lines: NDArray[np.int64], file: str, crs: str, swapped: str) -> None:
    """Refuse coordinates that are no longitudes and latitudes.

    Args:
        points: x and y.
        lines: Of the file.
        file: Its name.
        crs: Of the points.
        swapped: What to do about swapped columns, for the message.

    Raises:
        DataError: Names the first line at fault.
    """
    x, y = points
    wrong = (x < -180) | (x > 360) | (np.abs(y) > 90)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DataError(
            f"x = {x[first]:g}, y = {y[first]:g} are no longitude and latitude (CRS {crs})",
            where=f"{file}, line {lines[first]}",
            fix=f"Projected coordinates need --crs EPSG:... (their CRS); {swapped}; "
            "leave coordinates that are not known empty.",
        )


def transform(points: Pair, source: str, target: str) -> Pair:
    """Bring coordinates from one CRS to another; NaN where that is not possible.

    Raises:
        DataError: It is possible for none of them.
    """
    if same_crs(source, target):
        return points
    x, y = points
    placed = np.full((2, len(x)), np.nan)
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    pieces = [known]
    # PROJ refuses all points together for one that lies nowhere in the CRS: it is looked for by halves.
    while pieces:
        piece = pieces.pop()
        found = _transformed((x[piece], y[piece]), source, target)
        if found is not None:
            placed[:, piece] = found
        elif len(piece) > 1:
            pieces += [piece[: len(piece) // 2], piece[len(piece) // 2 :]]
    placed[~np.isfinite(placed)] = np.nan
    if len(known) and np.isnan(placed).all():
        raise DataError(
            f"coordinates cannot be brought from {_named(source)} to {_named(target)}",
            fix="Check what the rasters say of theirs (gdalinfo), and of points --crs.",
        )
    return placed[0], placed[1]


def _transformed(points: Pair, source: str, target: str) -> NDArray[np.float64] | None:
    """Return coordinates in another CRS, shape [2, N]; None where one of them cannot be brought there."""
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError
    from rasterio.warp import transform as warp

    try:
        return np.array(warp(source, target, points[0], points[1]), dtype=np.float64)
    except (RasterioError, CPLE_BaseError):
        return None


def _named(crs: str) -> str:
    """Name a CRS in a word or two; as WKT it fills a page."""
    from rasterio.crs import CRS

    code = CRS.from_user_input(crs).to_epsg()
    return f"EPSG:{code}" if code else crs.partition('"')[2].partition('"')[0] or crs[:40]


def pixels(points: Pair, crs: str, grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the pixels in which points lie.

    Args:
        points: x and y in `crs`, shape [N]; no NaN.
        crs: Their CRS.
        grid: The rasters' grid.

    Returns:
        Rows and columns, shape [N]; -1 for points outside the grid.
    """
    x, y = transform(points, crs, grid.crs)
    rows, columns = _pixels(x, y, grid)
    if is_geographic(grid.crs):  # 359 degrees east may be 1 degree west, in points or in rasters
        for turn in (-360.0, 360.0):
            outside = rows < 0
            rows[outside], columns[outside] = _pixels(x[outside] + turn, y[outside], grid)
    return rows, columns


def _pixels(x: NDArray[np.float64], y: NDArray[np.float64], grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    from affine import Affine

    inverse = ~Affine(*grid.transform)
    columns = np.floor(inverse.a * x + inverse.b * y + inverse.c + _ON_BORDER)
    rows = np.floor(inverse.d * x + inverse.e * y + inverse.f + _ON_BORDER)
    inside = (rows >= 0) & (rows < grid.height) & (columns >= 0) & (columns < grid.width)
    return np.where(inside, rows, -1).astype(np.int64), np.where(inside, columns, -1).astype(np.int64)
