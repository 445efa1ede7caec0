"""GeoTIFF maps, one a time, as parts of a gridded variable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import GridAxes
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.grid_files import damage_named
from geoml_cli.readers.grid_values import decoding
from geoml_cli.readers.gridded import FilePart
from geoml_cli.readers.nodata import Declared
from geoml_cli.readers.tiff_structure import check_tiff


def open_raster(path: Path, time: Callable[[], Any], *, name: str, declared: Declared) -> FilePart:
    """Open a GeoTIFF with one band.

    Args:
        path: The file.
        time: Gives that of its map; called once the file is known to hold one.
        name: As `--nodata` calls the variable.
        declared: What is said of fills, besides the file's own.

    Raises:
        DataError: It is damaged, has several bands, or lies nowhere on the globe.
        SettingsError: rasterio is not installed.
    """
    rasterio = rasterio_package()
    with damage_named(path), rasterio.open(path) as file:
        if file.count != 1:
            raise DataError(
                f"has {file.count} bands, not one",
                where=str(path),
                fix="Write one file a time, e.g. with gdal_translate -b 1.",
            )
        attributes: dict[str, Any] = {"scale_factor": file.scales[0], "add_offset": file.offsets[0]}
        if file.nodata is not None:
            attributes["_FillValue"] = file.nodata
        is_masked = rasterio.enums.MaskFlags.per_dataset in file.mask_flag_enums[0]
        stored = decoding(attributes, np.dtype(np.float64 if is_masked else file.dtypes[0]), name, declared)
        described = {"units": file.units[0] or "", "long_name": file.descriptions[0] or ""}
        axes = axes_of(file, path)
        check_tiff(path, has_fill=bool(stored.fills))
    read = partial(_read_masked if is_masked else read_bands, str(path))
    return FilePart(path, [time()], axes, described, read, stored)


def rasterio_package() -> Any:  # noqa: ANN401  an extra
    """Import rasterio.

    Raises:
        SettingsError: It is not installed.
    """
    try:
        import rasterio
    except ImportError as error:
        raise SettingsError(
            "GeoTIFF and HDF4 are read with rasterio, which cannot be imported.",
            fix="pip install 'geoml[raster]'",
        ) from error
    return rasterio


def axes_of(file: Any, path: Path) -> GridAxes:  # noqa: ANN401
    """Return degrees of the pixels' centres; those of a projection are two-dimensional.

    Raises:
        DataError: It lies nowhere on the globe.
    """
    from rasterio.warp import transform

    turned = file.transform.b or file.transform.d
    if file.crs is None or (file.crs.is_geographic and turned):
        state = "has no coordinate reference system" if file.crs is None else "is a rotated raster of degrees"
        raise DataError(state, where=str(path), fix="Give north-up rasters, e.g. with gdalwarp -t_srs EPSG:4326.")
    columns, rows = np.arange(file.width) + 0.5, np.arange(file.height) + 0.5
    if file.crs.is_geographic:
        return GridAxes(file.transform.f + file.transform.e * rows, file.transform.c + file.transform.a * columns)
    column, row, place = *(a.ravel() for a in np.meshgrid(columns, rows)), file.transform
    x, y = place.c + place.a * column + place.b * row, place.f + place.d * column + place.e * row
    lon, lat = (np.asarray(part).reshape(file.height, file.width) for part in transform(file.crs, "EPSG:4326", x, y))
    if not np.isfinite([lat, lon]).all():
        raise DataError("reaches beyond its projection", where=str(path), fix="Cut it with gdalwarp -te.")
    return GridAxes(lat, lon)


def _read_masked(source: str, steps: slice) -> NDArray[np.float64]:
    """Read stored numbers, [t, Y, X]; what a mask in or next to the file leaves out is NaN."""
    with rasterio_package().open(source) as file:
        return np.where(file.read_masks() == 0, np.nan, file.read().astype(np.float64))[steps]


def read_bands(source: str, steps: slice) -> NDArray[Any]:
    """Read stored numbers of what GDAL opens under this name, [t, Y, X]."""
    with rasterio_package().open(source) as file:
        return np.asarray(file.read())[steps]
