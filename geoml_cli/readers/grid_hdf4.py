"""HDF4, as older NASA products are: one array of each file, read by GDAL where it was built with HDF4.

The wheels of rasterio are built without. GDAL then does not know the format at all.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.grid_files import damage_named
from geoml_cli.readers.grid_rasters import axes_of, rasterio_package, read_bands
from geoml_cli.readers.grid_values import decoding
from geoml_cli.readers.gridded import FilePart
from geoml_cli.readers.nodata import Declared

DRIVER = "HDF4"
_NAMED = re.compile(r"\[[^\]]*\] (.+) \([^()]*\)")
"""GDAL's description of an array: `[2160x4320] poc_flux (32-bit floating-point)`."""
_NUMBERS = ("_FillValue", "missing_value", "valid_range", "valid_min", "valid_max")
_PLAIN = {"scale_factor": 1.0, "add_offset": 0.0}
_CONVERT = "gdal_translate -a_srs EPSG:4326 -a_ullr WEST NORTH EAST SOUTH HDF4_SDS:UNKNOWN:FILE:0 FILE.tif"
_NUMBERED = "The last number is that of the array: gdalinfo FILE lists them from 0."
_NOTE = "HDF4 has no checksums, and its structure is not checked for damage"


def open_hdf4(path: Path, time: Callable[[], Any], *, name: str, declared: Declared) -> FilePart:
    """Open an array of an HDF4 file.

    Args:
        path: The file.
        time: Gives that of its map; called once the file is known to hold one.
        name: Of the array.
        declared: What is said of fills, besides the file's own.

    Raises:
        DataError: GDAL cannot read HDF4, the file is damaged, or the array is packed or lies nowhere on the globe.
        SettingsError: rasterio is not installed.
    """
    arrays = arrays_of(path)
    if name not in arrays:
        raise DataError(
            f"has no variable {name}; it has {', '.join(arrays)}", where=str(path), fix="Name one with --var."
        )
    where = f"{path}, variable {name}"
    with _opened(path, arrays[name]) as file:
        tags = {**file.tags(), **file.tags(1)}
        if file.count != 1:
            raise DataError(f"has {file.count} layers, not one", where=where, fix="Write one file a time.")
        _refuse_packed(tags, where)
        if file.crs is None:
            raise DataError(
                "lies nowhere: GDAL finds no coordinates in this HDF4 file",
                where=where,
                fix=f"Convert it with the edges of its map, e.g. {_CONVERT}. {_NUMBERED}",
            )
        attributes: dict[str, Any] = {key: _numbers(tags[key]) for key in _NUMBERS if key in tags}
        if file.nodata is not None:
            attributes["_FillValue"] = file.nodata
        stored = decoding(attributes, np.dtype(file.dtypes[0]), name, declared)
        described = {key: tags[key].strip() for key in ("units", "long_name") if key in tags}
        axes = axes_of(file, path)
    return FilePart(path, [time()], axes, described, partial(read_bands, arrays[name]), stored, (_NOTE,))


def the_only_array(path: Path) -> str:
    """Name the array of a file that has one.

    Raises:
        DataError: It has several, or GDAL cannot read HDF4.
    """
    names = list(arrays_of(path))
    if len(names) > 1:
        raise DataError(f"has several variables: {', '.join(names)}", where=str(path), fix="Name one with --var.")
    return names[0]


def arrays_of(path: Path) -> dict[str, str]:
    """Return what GDAL calls each array of two dimensions, by its name in the file.

    Raises:
        DataError: There is none, the file is damaged, or GDAL cannot read HDF4.
    """
    require_driver(path)
    with _opened(path, str(path)) as file:
        if not file.subdatasets and file.count:
            return {path.stem: str(path)}  # of a single array, GDAL does not tell the name
        tags = file.tags(ns="SUBDATASETS")
    found = {}
    for key, source in tags.items():
        described = _NAMED.fullmatch(tags.get(key.replace("_NAME", "_DESC"), ""))
        if key.endswith("_NAME") and described:
            found[source.rpartition(":")[2] if source.startswith("HDF4_EOS") else described[1]] = source
    if not found:
        raise DataError("holds no array of two dimensions", where=str(path), fix="Give maps.")
    return found


def require_driver(path: Path) -> None:
    """Refuse HDF4 where the installed GDAL was built without it.

    Raises:
        DataError: It was.
    """
    rasterio = rasterio_package()
    with rasterio.Env() as environment:
        known = DRIVER in environment.drivers()
    if not known:
        raise DataError(
            f"is HDF4, another format than HDF5, and the GDAL {rasterio.__gdal_version__} of the installed rasterio is "
            "built without it",
            where=str(path),
            fix="Install one that reads it (conda install -c conda-forge rasterio libgdal-hdf4), or convert each file "
            f"with the GDAL of Debian or Ubuntu (apt install gdal-bin): {_CONVERT}. {_NUMBERED}",
        )


@contextmanager
def _opened(path: Path, source: str) -> Iterator[Any]:
    rasterio = rasterio_package()
    with damage_named(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)  # said in our own words
        with rasterio.open(source) as file:
            yield file


def _numbers(text: str) -> list[float] | str:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return text  # refused by name


def _refuse_packed(tags: Mapping[str, str], location: str) -> None:
    """Refuse scaled numbers: some products multiply by the factor, others divide by it, and the files do not say."""
    for key, plain in _PLAIN.items():
        if key in tags and _numbers(tags[key]) != [plain]:
            raise DataError(
                f"is packed ({key} = {tags[key]}), and HDF4 products differ in whether they multiply or divide by it",
                where=location,
                fix="Convert it to values as the product's guide says, e.g. with gdal_calc.py, to GeoTIFF.",
            )
