"""Pixel stacks in a folder of GeoTIFFs by band and date.

Legend: D days of the calendar, R rows and C columns of a window.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from geoml_cli.dataset.raw_files import visible
from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.band_tags import band_unit
from geoml_cli.readers.mosaics import RasterFile
from geoml_cli.readers.raster_damage import raster_damage
from geoml_cli.readers.raster_files import bands
from geoml_cli.readers.stacks import same_grid
from geoml_cli.samples.input import Grid
from geoml_cli.sources.smap.cube_files import Days, Floats, Window, state_of
from geoml_cli.sources.smap.cube_grids import DEGREES, DEGREES_EPSG, turned
from geoml_cli.sources.smap.cube_values import filled

_DAILY_FILE = re.compile(r"(?P<band>.+)_(?P<date>\d{8})\.tiff?", re.IGNORECASE)
_FIXED_FILE = re.compile(r"(?P<band>.+)\.tiff?", re.IGNORECASE)


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
    numbers: dict[Path, int] = field(default_factory=dict)

    @staticmethod
    def opened(path: Path) -> TiffCube:
        """List the files; errors as for `open_cube`."""
        files: dict[tuple[str, str], Path] = {}
        for file in visible(path):
            if hit := _DAILY_FILE.fullmatch(file.name) or _FIXED_FILE.fullmatch(file.name):
                band = hit["band"], hit.groupdict().get("date", "")
                if band in files:
                    both = f"{files[band].name} and {file.name} both hold {' of '.join(filter(None, band))}"
                    raise DataError(both, where=str(path), fix="Keep one of them.")
                files[band] = file
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
                self.units[name] = band_unit(file, self._number(name, path))
        return self.units[name]

    def digest(self) -> str:
        """Name the content."""
        return state_of(self.path)

    @property
    def _size(self) -> tuple[int, int]:
        return self.grid.height, self.grid.width

    def _number(self, name: str, path: Path) -> int:
        """Return the number of a band in its file, whose grid is that of the others."""
        if path not in self.numbers:
            if not same_grid(_tiff_grid(path), self.grid):
                first = next(iter(self.files.values())).name
                raise DataError(f"has another grid than {first}", where=str(path), fix="Align them.")
            self.numbers[path] = _number_of(name, path)
        return self.numbers[path]

    def _read(self, name: str, path: Path, window: Window) -> Floats:
        import rasterio
        from rasterio.windows import Window as Part

        rows, columns = (part.indices(size) for part, size in zip(window, self._size, strict=True))
        part = Part(columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0])
        number = self._number(name, path)
        with raster_damage(path), rasterio.open(path) as file:
            stored = file.read(number, window=part, masked=True).astype(np.float64).filled(np.nan)
            scale, offset, unit = file.scales[number - 1], file.offsets[number - 1], band_unit(file, number)
            is_declared = file.nodatavals[number - 1] is not None
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


def _number_of(name: str, path: Path) -> int:
    """Return the number of a band in its file: of several the one that is described so."""
    numbers = bands(RasterFile(path))
    if len(numbers) == 1:
        return next(iter(numbers.values()))
    described = {text.removeprefix(f"{path.stem}_"): number for text, number in numbers.items()}
    if name not in described:
        raise DataError(
            f"has {len(numbers)} bands ({', '.join(described)}), none of which is called {name}",
            where=str(path),
            fix=f"Take the band of {name} out (gdal_translate -b NUMBER), or describe it as {name}.",
        )
    return described[name]


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
