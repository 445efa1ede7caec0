"""Points of the map that a network is to make: from a file, or spread evenly over the region of the samples.

Legend: N samples, P points.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.samples.coordinates import on_sphere
from geoml_cli.work.distinct import distinct_rows
from geoml_cli.work.reasons import reason

Values = NDArray[np.float64]
_SETTING = "[split] map_points"
_MOST = 2000
"""Points that are used: quantiles of their distances need no more."""
_TABLES, _RASTERS = (".csv",), (".tif", ".tiff")
_EVERYWHERE = 1e-9
"""Length of the mean of points of the unit sphere below which they lie all around it and have no middle."""


def map_points(path: str, place_N2: Values) -> Values:
    """Return longitude and latitude of points of the map [degrees], [P, 2].

    Args:
        path: A CSV file with columns lon and lat, or a GeoTIFF whose valid pixels are mapped; empty takes points
            spread evenly over the convex hull of the samples.
        place_N2: Longitude and latitude of the samples [degrees].

    Raises:
        DataError: There is no such file, or it holds no points.
        SettingsError: It is of another kind, or rasterio is not installed.
    """
    if not path:
        return _hull_points(place_N2)
    file = file_of_points(path)
    found = _table(file) if file.suffix.lower() in _TABLES else _raster(file)
    if not len(found):
        raise DataError("holds no points", where=path, fix="Give points or pixels of the map.")
    # Every n-th in the order of the file: nothing is drawn, and a file gives the same points each time.
    return found[:: -(-len(found) // _MOST)]


def file_of_points(path: str) -> Path:
    """Return the file of a setting.

    Raises:
        DataError: There is none.
        SettingsError: It is of another kind.
    """
    file = Path(path)
    if file.suffix.lower() not in _TABLES + _RASTERS:
        raise SettingsError(
            f"{path!r} is neither a table nor a raster",
            where=_SETTING,
            fix=f"Name a file that ends in {', '.join(_TABLES + _RASTERS)}.",
        )
    if not file.is_file():
        raise DataError(
            f"there is no file {path!r}",
            where=_SETTING,
            fix="Name one, or leave it out (--set split.map_points=) for the region of the samples.",
        )
    return file


def _table(file: Path) -> Values:
    try:
        # Excel begins CSV files in UTF-8 with a byte order mark, which would be part of the first column's name.
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            lacking = [name for name in ("lon", "lat") if name not in (reader.fieldnames or ())]
            if lacking:
                raise DataError(
                    f"has no column {' and no column '.join(lacking)}",
                    where=str(file),
                    fix="Name the columns lon and lat, separated by commas [degrees].",
                )
            return np.array([_pair(row, f"{file}, line {reader.line_num}") for row in reader]).reshape(-1, 2)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot be read as CSV: {reason(error)}", where=str(file), fix="Write it in UTF-8.") from error


def _pair(row: dict[str, str | None], location: str) -> tuple[float, float]:
    try:
        lon, lat = float(row["lon"] or ""), float(row["lat"] or "")
    except ValueError:
        lon = lat = np.nan
    # Grids of climate models count longitude from 0 to 360.
    if not (-180 <= lon <= 360 and -90 <= lat <= 90):
        raise DataError(
            f"lon = {row['lon']}, lat = {row['lat']} is no place", where=location, fix="Give degrees east and north."
        )
    return lon, lat


def _raster(file: Path) -> Values:
    """Return centres of valid pixels of the first band, of every few rows and columns of a large raster."""
    rasterio = _rasterio()
    from rasterio.warp import transform

    try:
        with rasterio.open(file) as raster:
            if raster.crs is None:
                raise DataError(
                    "has no coordinate reference system", where=str(file), fix="Set it with gdal_edit.py -a_srs."
                )
            # Read at about four pixels a point wanted, as some are not valid; `map_points` thins what is too many.
            every = max(int((raster.height * raster.width / (4 * _MOST)) ** 0.5), 1)
            shape = max(raster.height // every, 1), max(raster.width // every, 1)
            row, column = np.nonzero(raster.read_masks(1, out_shape=shape))
            scale_y, scale_x = raster.height / shape[0], raster.width / shape[1]
            right, down, at = (column + 0.5) * scale_x, (row + 0.5) * scale_y, raster.transform
            x, y = at.a * right + at.b * down + at.c, at.d * right + at.e * down + at.f
            lon, lat = transform(raster.crs, "EPSG:4326", x, y)
    except (OSError, rasterio.errors.RasterioError) as error:
        raise DataError(
            f"cannot be read as a raster: {reason(error)}", where=str(file), fix="Give a GeoTIFF."
        ) from error
    return np.stack([lon, lat], axis=1)


def _rasterio() -> Any:  # noqa: ANN401  an extra
    try:
        import rasterio
    except ImportError as error:
        raise SettingsError(
            "rasters need rasterio, which is not installed",
            where=_SETTING,
            fix="Run pip install 'geoml[raster]', or give a CSV of points.",
        ) from error
    return rasterio


def _hull_points(place_N2: Values) -> Values:
    """Spread points evenly over the convex hull of the samples; samples on a line are their own points."""
    from scipy.spatial import ConvexHull, Delaunay, QhullError

    point_N3 = distinct_rows(on_sphere(place_N2))[0]
    axes_33 = _axes(point_N3.mean(axis=0))
    # On an equal-area plane points that are evenly spread there are so on the globe.
    plane_N2 = _projected(point_N3, axes_33)
    try:
        # What scipy calls the volume of a hull is an area in a plane.
        hull = ConvexHull(plane_N2)
        # Triangles of the corners alone cover the hull as those of all samples do, of which there may be millions.
        area, inside = hull.volume, Delaunay(plane_N2[hull.vertices])
    except QhullError:
        return place_N2
    low, high, step = plane_N2.min(axis=0), plane_N2.max(axis=0), (area / _MOST) ** 0.5
    sides = [np.arange(start + step / 2, end, step) for start, end in zip(low, high, strict=True)]
    plane_P2 = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    plane_P2 = plane_P2[inside.find_simplex(plane_P2) >= 0]
    if not len(plane_P2):  # thinner than the points are apart
        return place_N2
    x, y, z = _unprojected(plane_P2, axes_33).T
    return np.stack([np.degrees(np.arctan2(y, x)), np.degrees(np.arcsin(np.clip(z, -1, 1)))], axis=1)


def _axes(middle: Values) -> Values:
    """Return the direction of the region's middle, and two across it, [3, 3]."""
    size = np.linalg.norm(middle)
    up = middle / size if size > _EVERYWHERE else np.array([0.0, 0.0, 1.0])
    # Right singular vectors of a single row: the row itself, then two at right angles to it.
    return np.vstack([up, np.linalg.svd(up[None])[2][1:]])


def _projected(point_N3: Values, axes_33: Values) -> Values:
    """Project points of the unit sphere: Lambert's azimuthal equal-area projection, [N, 2].

    The date line and the poles are like any other place. Snyder 1987, doi:10.3133/pp1395, chapter 24.
    """
    up, *across = axes_33 @ point_N3.T
    # The point opposite the middle has 1 + up = 0.
    stretch_N = np.sqrt(2 / np.clip(1 + up, _EVERYWHERE, None))
    return np.stack([axis * stretch_N for axis in across], axis=1)


def _unprojected(plane_P2: Values, axes_33: Values) -> Values:
    """Return projected points on the unit sphere, [P, 3]."""
    square = (plane_P2**2).sum(axis=1)
    across = plane_P2 * np.sqrt(np.clip(1 - square / 4, 0, None))[:, None]
    return np.asarray(np.column_stack([1 - square / 2, across]) @ axes_33)
