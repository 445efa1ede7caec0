"""Pixel stacks by day: one NetCDF or Zarr, or a folder of GeoTIFFs by band and date.

Legend: D days of the calendar, R rows and C columns of a window.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.grid_values import Decoding
from geoml_cli.readers.time_steps import EARLY_S, begun
from geoml_cli.samples.input import Grid
from geoml_cli.sources.smap.cube_files import Days, Floats, Window, state_of
from geoml_cli.sources.smap.cube_grids import grid_of
from geoml_cli.sources.smap.cube_values import decoded, decoding_of
from geoml_cli.sources.smap.tiff_cube import TiffCube

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
