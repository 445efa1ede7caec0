"""Pixel stacks by day: one NetCDF or Zarr, or a folder of GeoTIFFs by band and date.

Legend: D days of the calendar, R rows and C columns of a window.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.raw_files import visible
from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.band_tags import band_unit
from geoml_cli.readers.grid_values import Decoding
from geoml_cli.readers.raster_damage import raster_damage
from geoml_cli.readers.time_steps import EARLY_S, begun
from geoml_cli.samples.input import Grid
from geoml_cli.sources.smap.cube_grids import DEGREES, DEGREES_EPSG, grid_of, turned
from geoml_cli.sources.smap.cube_values import decoded, decoding_of, filled

Floats = NDArray[np.float32]
Days = NDArray[np.datetime64]
Window = tuple[slice, slice]
_Y, _X = ("lat", "latitude", "y"), ("lon", "longitude", "x")


class Cube(Protocol):
    """Daily and fixed bands of one grid."""

    grid: Grid
    days: Days
    daily_names: frozenset[str]
    fixed_names: frozenset[str]

    def daily(self, name: str, window: Window, step: int = 1) -> Floats:
        """Read a band of every `step`-th day, [D, R, C], NaN where it has no value."""

    def fixed(self, name: str, window: Window) -> Floats:
        """Read a band that does not change, [R, C]."""

    def unit(self, name: str) -> str:
        """Return the unit that a band names, or nothing."""

    def digest(self) -> str:
        """Name the content by files, sizes and times of change."""


def open_cube(path: Path) -> Cube:
    """Open a stack by what it is.

    Raises:
        DataError: It is none, its grid is irregular, or its files differ in their grids.
    """
    if not path.exists():
        raise DataError("there is no such file or folder", where=str(path), fix="Name a stack with --stack.")
    if path.is_dir() and not _is_zarr(path):
        return TiffCube.opened(path)
    return XarrayCube.opened(path)


def _is_zarr(path: Path) -> bool:
    return path.suffix == ".zarr" or any((path / name).exists() for name in ("zarr.json", ".zgroup"))


def state_of(path: Path) -> str:
    """Digest names, sizes and times of change of files; stacks are too large to be read twice for their content."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    states = [(str(file.relative_to(path)), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(json.dumps(states).encode()).hexdigest()


@dataclass
class XarrayCube:
    """A NetCDF file or Zarr store with dimensions time, y and x; read window by window."""

    path: Path
    data: Any  # stored numbers: fills that nobody declared are known before a scale is applied
    grid: Grid
    days: Days
    daily_names: frozenset[str]
    fixed_names: frozenset[str]
    stored: dict[str, Decoding] = field(default_factory=dict)

    @staticmethod
    def opened(path: Path) -> XarrayCube:
        """Open lazily; errors as for `open_cube`."""
        import xarray

        try:
            own: dict[str, Any] = {"engine": "zarr", "consolidated": False} if path.is_dir() else {}
            data, stored = (xarray.open_dataset(path, mask_and_scale=scaled, **own) for scaled in (True, False))
        except (OSError, ValueError, KeyError) as error:
            raise DataError(
                f"cannot be read as NetCDF or Zarr ({' '.join(str(error).split())[:200]})",
                where=str(path),
                fix="Get it again; a stack has the dimensions time, lat and lon (or y and x).",
            ) from error
        y, x = (next((name for name in names if name in data.dims), None) for names in (_Y, _X))
        if y is None or x is None or not _has_dates(path, data):
            if "time" in data.dims and y is not None and x is not None:
                raise _no_dates(path, data)
            raise DataError(
                f"has the dimensions {', '.join(map(str, data.dims))}",
                where=str(path),
                fix="A stack has the dimensions time (with dates), lat and lon (or y and x).",
            )
        stored = stored.assign_coords({name: data[name] for name in (y, x)})  # which may be packed
        if len(data[y]) > 1 and float(data[y][1]) > float(data[y][0]):
            data, stored = (each.isel({y: slice(None, None, -1)}) for each in (data, stored))  # north first, as rasters
        grid = grid_of(path, data, (y, x))
        days = _days(path, data)
        daily = frozenset(str(name) for name, item in data.data_vars.items() if set(item.dims) == {"time", y, x})
        fixed = frozenset(str(name) for name, item in data.data_vars.items() if set(item.dims) == {y, x})
        return XarrayCube(path, stored.rename({y: "y", x: "x"}), grid, days, daily, fixed)

    def daily(self, name: str, window: Window, step: int = 1) -> Floats:
        """Read a band of every `step`-th day."""
        item = self.data[name].isel(time=slice(None, None, step), y=window[0], x=window[1])
        return self._decoded(name, item.transpose("time", "y", "x").values)

    def fixed(self, name: str, window: Window) -> Floats:
        """Read a band that does not change."""
        return self._decoded(name, self.data[name].isel(y=window[0], x=window[1]).transpose("y", "x").values)

    def _decoded(self, name: str, stored: NDArray[Any]) -> Floats:
        if name not in self.stored:
            self.stored[name] = decoding_of(self.path, name, self.data[name].attrs, stored.dtype)
        return decoded(stored, self.stored[name])

    def unit(self, name: str) -> str:
        """Return the unit that a band names."""
        return str(self.data[name].attrs.get("units", "")).strip()

    def digest(self) -> str:
        """Name the content."""
        return state_of(self.path)


def _no_dates(path: Path, data: Any) -> DataError:  # noqa: ANN401  xarray is untyped
    """Say what the dimension time has in place of dates."""
    found = f"numbers such as {data['time'].values.flat[0]}" if "time" in data.coords and data.sizes["time"] else "none"
    return DataError(
        f"its times are no dates: it has {found}",
        where=f"{path}, time",
        fix="Write dates, with xarray: stack.assign_coords(time=pandas.to_datetime(stack.time.astype(str))).",
    )


def _has_dates(path: Path, data: Any) -> bool:  # noqa: ANN401  xarray is untyped
    """Return whether a stack has dates.

    Raises:
        DataError: They are of another calendar.
    """
    time = data.coords.get("time")
    if time is None or time.dtype.kind != "O" or not time.size or not hasattr(time.values.flat[0], "calendar"):
        return time is not None and time.dtype.kind == "M"
    raise DataError(
        f"its days are of the calendar {time.values.flat[0].calendar}, and samples are days of the standard one",
        where=f"{path}, time",
        fix='Convert it, for example with xarray: stack.convert_calendar("standard", align_on="date").',
    )


def _days(path: Path, data: Any) -> Days:  # noqa: ANN401  xarray is untyped
    """Return the day of each step; one that is stamped at the end of its interval is the day on which that begins."""
    time = data["time"]
    bounds = data.variables.get(str({**time.attrs, **time.encoding}.get("bounds", "")))
    ends = [] if bounds is None or bounds.dtype.kind != "M" else list(bounds.values.ravel())
    try:
        # A time rounded to a second before midnight is of the day that begins.
        days = (np.array(begun(list(time.values), ends)) + np.timedelta64(EARLY_S, "s")).astype("datetime64[D]")
    except ValueError as error:
        raise DataError(str(error), where=f"{path}, time", fix="Correct the stack's times or their bounds.") from error
    if not len(days) or not (np.diff(days) > np.timedelta64(0, "D")).all():
        raise DataError(
            "its days are not in order, or one is there twice",
            where=f"{path}, time",
            fix="Sort the stack by time, one step a day.",
        )
    return days


_DAILY_FILE = re.compile(r"(.+)_(\d{8})\.tiff?", re.IGNORECASE)
_FIXED_FILE = re.compile(r"(.+)\.tiff?", re.IGNORECASE)


@dataclass
class TiffCube:
    """A folder of GeoTIFFs: `eto_20210601.tif` a band and day, `elevation.tif` what does not change."""

    path: Path
    grid: Grid
    days: Days
    daily_names: frozenset[str]
    fixed_names: frozenset[str]
    files: dict[tuple[str, str], Path] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def opened(path: Path) -> TiffCube:
        """List the files; errors as for `open_cube`."""
        files: dict[tuple[str, str], Path] = {}
        for file in visible(path):
            if hit := _DAILY_FILE.fullmatch(file.name):
                files[hit[1], hit[2]] = file
            elif hit := _FIXED_FILE.fullmatch(file.name):
                files[hit[1], ""] = file
        dates = sorted({date for _, date in files if date})
        if not dates:
            raise DataError(
                "holds no GeoTIFF such as eto_20210601.tif", where=str(path), fix="Name bands and dates so."
            )
        try:
            days = np.array([f"{date[:4]}-{date[4:6]}-{date[6:]}" for date in dates], dtype="datetime64[D]")
        except ValueError as error:
            raise DataError("the date in its name does not exist", where=str(path), fix="Write YYYYMMDD.") from error
        daily = frozenset(name for name, date in files if date)
        fixed = frozenset(name for name, date in files if not date)
        first = next(iter(files.values()))
        return TiffCube(path, _tiff_grid(first), days, daily, fixed, files)

    def daily(self, name: str, window: Window, step: int = 1) -> Floats:
        """Read a band of every `step`-th day, NaN on days without a file."""
        shape = tuple(len(range(*part.indices(size))) for part, size in zip(window, self._size, strict=True))
        empty = np.full(shape, np.nan, dtype=np.float32)
        stamps = [str(day).replace("-", "") for day in self.days[::step]]
        paths = [self.files.get((name, stamp)) for stamp in stamps]
        return np.stack([empty if path is None else self._read(name, path, window) for path in paths])

    def fixed(self, name: str, window: Window) -> Floats:
        """Read a band that does not change."""
        return self._read(name, self.files[name, ""], window)

    def unit(self, name: str) -> str:
        """Return the unit that the first file of a band names; the others are compared with it when they are read."""
        import rasterio

        if name not in self.units:
            path = next(file for (band, _), file in self.files.items() if band == name)
            with raster_damage(path), rasterio.open(path) as file:
                self.units[name] = band_unit(file, 1)
        return self.units[name]

    def digest(self) -> str:
        """Name the content."""
        return state_of(self.path)

    @property
    def _size(self) -> tuple[int, int]:
        return self.grid.height, self.grid.width

    def _read(self, name: str, path: Path, window: Window) -> Floats:
        import rasterio
        from rasterio.windows import Window as Part

        if _tiff_grid(path) != self.grid:
            raise DataError("has another grid than the first file of the folder", where=str(path), fix="Align them.")
        rows, columns = (part.indices(size) for part, size in zip(window, self._size, strict=True))
        part = Part(columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0])
        with raster_damage(path), rasterio.open(path) as file:
            stored = file.read(1, window=part, masked=True).astype(np.float64).filled(np.nan)
            scale, offset, unit = file.scales[0], file.offsets[0], band_unit(file, 1)
            is_declared = file.nodatavals[0] is not None
        if unit and not same_unit(unit, self.unit(name)):
            first = f"the first of its files {self.unit(name) or 'none'}"
            raise DataError(
                f"names the unit {unit} of {name}, and {first}",
                where=str(path),
                fix="Bring all files of the band to one unit, and write it into all of them or into none.",
            )
        stored = stored[:: rows[2], :: columns[2]]
        is_fill = filled(stored, is_packed=(scale, offset) != (1.0, 0.0), is_declared=is_declared)
        clean = np.where(is_fill, np.nan, stored)
        return np.asarray(clean * scale + offset, dtype=np.float32)


def _tiff_grid(path: Path) -> Grid:
    try:
        import rasterio
    except ImportError as error:
        raise SettingsError(
            "GeoTIFFs are read with rasterio, which is not installed",
            where=str(path),
            fix='Install it: pip install "geoml[raster]".',
        ) from error
    with raster_damage(path), rasterio.open(path) as file:
        if not file.crs:
            raise DataError("has no coordinate reference system", where=str(path), fix="Add its CRS.")
        crs = DEGREES if file.crs.to_epsg() == DEGREES_EPSG else file.crs.to_wkt()
        return turned(path, Grid(crs, tuple(file.transform)[:6], file.height, file.width))
