"""Maps to GeoTIFF, CF NetCDF or Zarr, by suffix, block by block: memory is bounded by a block."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from geoml_cli.dataset.files import atomic_write
from geoml_cli.errors import SettingsError
from geoml_cli.samples.input import Grid
from geoml_cli.writers import geotiff
from geoml_cli.writers.attributes import attributes_of
from geoml_cli.writers.grid_axes import axes_of, grid_mapping
from geoml_cli.writers.map import Map, Part
from geoml_cli.writers.suffixes import require_suffix

_CONVENTIONS = "CF-1.11"


def check(grid: Grid, path: Path) -> None:
    """Refuse a file that cannot become a map of a grid.

    Raises:
        SettingsError: The suffix is not that of a map, or the grid is rotated and the file has axes.
    """
    require_suffix(path, _WRITERS, "map")
    if _WRITERS[path.suffix.lower()] is not geotiff.write:
        axes_of(grid)


def copies(path: Path) -> int:
    """Return how often the values lie on disk while a map is written, at most."""
    return geotiff.COPIES if _WRITERS[path.suffix.lower()] is geotiff.write else 1


def write(path: Path, content: Map, parts: Iterable[Part]) -> None:
    """Write a map by its suffix, float32, missing pixels NaN.

    Raises:
        SettingsError: The suffix is not that of a map, or the package behind it is not installed.
    """
    check(content.grid, path)
    try:
        _WRITERS[path.suffix.lower()](path, content, parts)
    except ImportError as error:
        raise SettingsError(
            f"needs the package {error.name}.",
            where=str(path),
            fix="Install it with `pip install 'geoml[raster,dask]'`.",
        ) from error


def _netcdf(path: Path, content: Map, parts: Iterable[Part]) -> None:
    import netCDF4

    grid = content.grid
    with atomic_write(path) as temporary, netCDF4.Dataset(temporary, "w", format="NETCDF4") as file:
        file.setncatts({"Conventions": _CONVENTIONS, "history": _history(), **content.attributes})
        for name, centres, attributes in axes_of(grid):
            file.createDimension(name, len(centres))
            file.createVariable(name, "f8", (name,))[:] = centres
            file[name].setncatts(attributes)
        file.createVariable("crs", "i4").setncatts(grid_mapping(grid))
        dims = tuple(name for name, _, _ in axes_of(grid))
        tile = (min(content.tile, grid.height), min(content.tile, grid.width))
        for band in content.bands:
            layer = file.createVariable(
                band.name, "f4", dims, fill_value=np.float32(np.nan), zlib=True, complevel=4, chunksizes=tile
            )
            layer.setncatts({**attributes_of(band), "grid_mapping": "crs"})
        for rows, columns, values in parts:
            for band, numbers in zip(content.bands, values, strict=True):
                file[band.name][rows, columns] = numbers


def _zarr(path: Path, content: Map, parts: Iterable[Part]) -> None:
    import zarr

    grid = content.grid
    temporary = path.with_name(f".{path.stem}.tmp{path.suffix}")
    shutil.rmtree(temporary, ignore_errors=True)
    root: Any = zarr.open_group(temporary, mode="w", zarr_format=2)
    root.attrs.update({"Conventions": _CONVENTIONS, "history": _history(), **content.attributes})
    dims = []
    for name, values, attributes in axes_of(grid):
        axis = root.create_array(name, shape=values.shape, dtype="f8")
        axis[:] = values
        _describe(axis, [name], attributes)
        dims.append(name)
    _describe(root.create_array("crs", shape=(), dtype="i4"), [], grid_mapping(grid))
    shape = (grid.height, grid.width)
    chunks = (min(content.tile, grid.height), min(content.tile, grid.width))
    for band in content.bands:
        layer = root.create_array(band.name, shape=shape, dtype="f4", chunks=chunks, fill_value=float("nan"))
        _describe(layer, dims, {**attributes_of(band), "grid_mapping": "crs"})
    for rows, columns, layers in parts:
        for band, numbers in zip(content.bands, layers, strict=True):
            root[band.name][rows, columns] = numbers
    zarr.consolidate_metadata(root.store)
    shutil.rmtree(path, ignore_errors=True)
    temporary.rename(path)


def _describe(array: Any, dims: list[str], attributes: dict[str, Any]) -> None:  # noqa: ANN401  zarr.Array
    plain = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in attributes.items()}
    array.attrs.update({"_ARRAY_DIMENSIONS": dims, **plain})


def _history() -> str:
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ} geoml predict"


_WRITERS: dict[str, Callable[[Path, Map, Iterable[Part]], None]] = {
    ".tif": geotiff.write,
    ".tiff": geotiff.write,
    ".nc": _netcdf,
    ".zarr": _zarr,
}
