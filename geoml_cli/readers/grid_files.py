"""Files of gridded data by format: how each is found, checked for damage and opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from geoml_cli.dataset.raw_files import visible
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.hdf5_structure import check_hdf5
from geoml_cli.readers.netcdf3_structure import check_netcdf3
from geoml_cli.readers.sidecars import sidecars
from geoml_cli.work.reasons import reason

Format = Literal["netcdf3", "hdf5", "zarr", "geotiff", "hdf4"]
SUFFIXES = (".nc", ".nc4", ".cdf", ".h5", ".hdf5", ".he5", ".hdf", ".tif", ".tiff")
_ZARR_MARKS = (".zgroup", ".zarray", "zarr.json")
_RASTERS = (".tif", ".tiff", ".hdf")
_MAGIC: dict[bytes, Format] = {
    b"CDF": "netcdf3",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"II*\x00": "geotiff",
    b"MM\x00*": "geotiff",
    b"II+\x00": "geotiff",
    b"\x0e\x03\x13\x01": "hdf4",
}
_SPELT = {"hdf4": "HDF4", "geotiff": "GeoTIFF"}
_CF_ATTRIBUTES = (
    "units", "calendar", "bounds", "long_name", "standard_name", "axis", "_FillValue", "missing_value", "scale_factor",
    "add_offset", "valid_min", "valid_max", "valid_range",
)  # fmt: skip
_LISTED = 12
_DAMAGED = "It is damaged: fetch it again."
_GRIB, _GRIBS = b"GRIB", (".grib", ".grb", ".grib2", ".grb2")
_OF_GRIB = "Convert it to NetCDF, e.g. with `cdo -f nc4 copy IN OUT.nc`."


def find(raw: Path, pattern: str) -> list[Path]:
    """Find gridded files in a folder and its sub-folders; a Zarr store counts as one.

    Raises:
        DataError: There is none.
    """
    if raw.is_file() or _is_zarr(raw):
        return [raw]
    if not raw.is_dir():
        raise DataError("there is no such file or folder.", where=str(raw), fix="Check the path.")
    found = sorted(_walk(raw, pattern))
    if not found:
        if grib := next((path for path in sorted(raw.rglob("*")) if path.suffix.lower() in _GRIBS), None):
            raise DataError("is GRIB, which is not read", where=str(grib), fix=_OF_GRIB)
        kinds = ", ".join(SUFFIXES)
        raise DataError(
            f"no gridded file here whose name fits {pattern!r}", where=str(raw), fix=f"Give {kinds} files, or .zarr."
        )
    return found


def _walk(folder: Path, pattern: str, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield files; a link to a folder in which it lies is not followed."""
    above = (*above, folder.resolve())
    for path in visible(folder):
        if path.is_dir() and not _is_zarr(path):
            if path.resolve() not in above:
                yield from _walk(path, pattern, above)
        elif path.match(pattern) and (path.is_dir() or path.suffix.lower() in SUFFIXES):
            yield path


def members(path: Path) -> list[Path]:
    """Name the files of a Zarr store, or the file itself and what GDAL reads next to it."""
    if path.is_dir():
        return sorted(inner for inner in path.rglob("*") if inner.is_file())
    return [path, *(sidecars(path) if path.suffix.lower() in _RASTERS else ())]


def _is_zarr(path: Path) -> bool:
    return path.is_dir() and any((path / mark).is_file() for mark in _ZARR_MARKS)


def format_of(path: Path) -> Format:
    """Tell the format from the first bytes.

    Raises:
        DataError: It is none that is read.
    """
    if _is_zarr(path):
        return "zarr"
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        raise DataError(f"cannot be read ({reason(error)})", where=str(path), fix="Check the file.") from error
    found = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    if head.startswith(_GRIB):
        raise DataError("is GRIB, which is not read", where=str(path), fix=_OF_GRIB)
    if found is None:
        state = "is empty" if not head else "is not NetCDF, HDF5, Zarr, GeoTIFF or HDF4"
        raise DataError(state, where=str(path), fix=_DAMAGED)
    return found


def open_file(path: Path, group: str = "") -> Any:  # noqa: ANN401  xarray.Dataset
    """Open NetCDF, HDF5 or Zarr as stored: lazily, nothing decoded.

    Raises:
        DataError: It is of another format, damaged, or has no such group.
    """
    kind = format_of(path)
    if kind in ("hdf4", "geotiff"):
        raise DataError(f"is {_SPELT[kind]}, not NetCDF, HDF5 or Zarr", where=str(path), fix="Convert it to NetCDF.")
    with damage_named(path):
        if kind == "netcdf3":
            check_netcdf3(path)
        elif kind == "hdf5":
            check_hdf5(path)
        engine: Literal["zarr", "netcdf4"] = "zarr" if kind == "zarr" else "netcdf4"
        plain: dict[str, Any] = {
            "decode_cf": False,
            "cache": False,
            "group": group or None,
            "create_default_indexes": False,
        }
        if kind == "zarr":
            _needs_zarr()
            plain["consolidated"] = False  # a copy of the metadata may be older than the store
        file = _opened(path, engine, plain)
    for variable in file.variables.values():
        _spell(variable.attrs)
    return file


def _opened(path: Path, engine: Literal["zarr", "netcdf4"], plain: dict[str, Any]) -> Any:  # noqa: ANN401
    import xarray as xr

    try:
        return xr.open_dataset(path, engine=engine, **plain)
    except (OSError, KeyError) as error:
        if not plain["group"] or "group" not in str(error).lower():
            raise
        names = ", ".join(names_in_groups(path)[:_LISTED])
        raise DataError(
            f"has no group {plain['group']}" + f"; its groups hold {names}" * bool(names),
            where=str(path),
            fix="Name the variable with its group: --var GROUP/NAME.",
        ) from error


def names_in_groups(path: Path) -> list[str]:
    """Name the variables of all groups of a file that have two dimensions or more, as `--var` takes them."""
    if format_of(path) != "hdf5":
        return []
    import netCDF4

    def walk(group: Any) -> Iterator[str]:  # noqa: ANN401  netCDF4.Group
        for inner in group.groups.values():
            stem = inner.path.removeprefix("/")
            yield from (f"{stem}/{name}" for name, variable in inner.variables.items() if variable.ndim > 1)
            yield from walk(inner)

    with damage_named(path), netCDF4.Dataset(path) as file:
        return list(walk(file))


def _spell(attributes: dict[str, Any]) -> None:
    """Give attributes that CF knows their CF names: some files write `Units`."""
    by_lower = {name.lower(): name for name in attributes}
    for name in _CF_ATTRIBUTES:
        if name not in attributes and name.lower() in by_lower:
            attributes[name] = attributes[by_lower[name.lower()]]


@contextmanager
def damage_named(path: Path, at_time: str = "") -> Iterator[None]:
    """Turn whatever a library says of a damaged file into an error that names it.

    Raises:
        DataError: Instead of the library's error.
    """
    try:
        yield
    except (DataError, SettingsError):
        raise
    except MemoryError as error:
        raise DataError(f"is damaged{at_time}: its sizes cannot be", where=str(path), fix=_DAMAGED) from error
    except Exception as error:  # damaged bytes make libraries fail in whatever way they lead to
        raise DataError(f"cannot be read{at_time} ({reason(error)})", where=str(path), fix=_DAMAGED) from error


def _needs_zarr() -> None:
    try:
        import zarr  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "Zarr stores need the package zarr, which cannot be imported.",
            fix="Install it with `pip install 'geoml[dask]'`.",
        ) from error


def check_chunks(path: Path, name: str, fills: tuple[float, ...]) -> None:
    """Refuse a Zarr array with missing chunks that would be read as a value.

    Writers leave out chunks that hold the fill value alone, so where that is declared as missing nothing is lost.

    Args:
        path: The store.
        name: The array.
        fills: Numbers that are declared as missing.

    Raises:
        DataError: There are such chunks.
    """
    import numpy as np
    import zarr

    array: Any = zarr.open_array(path, path=name, mode="r")
    absent = array.nchunks - array.nchunks_initialized
    fill = float(array.fill_value or 0)
    if absent and not np.isnan(fill) and fill not in fills:
        raise DataError(
            f"{absent} of {array.nchunks} chunks are missing, and would be read as {fill:g}",
            where=f"{path}, variable {name}",
            fix=f"Copy the store again; or say that this number is missing with --nodata {name}={fill:g}.",
        )
