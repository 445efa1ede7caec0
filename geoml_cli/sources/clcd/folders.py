"""Which files are class rasters of which year, and which are covariates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from geoml_cli.errors import DataError
from geoml_cli.readers.mosaics import RasterFile, put_together, vrt_sources
from geoml_cli.readers.nodata import Declared
from geoml_cli.readers.raster_files import SUFFIXES, bands, raster_paths
from geoml_cli.readers.raster_years import YearInName, years_in_names
from geoml_cli.readers.rasters import Band, add_unique
from geoml_cli.sources.clcd.options import ClcdOptions

FOLDER = "classes"
_CLCD = "clcd"
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True)
class Covariates:
    """Bands of covariates.

    Attributes:
        static: Those that do not change, by name.
        yearly: Those that do, by name and year.
    """

    static: dict[str, Band]
    yearly: dict[str, dict[int, Band]]

    def names(self) -> list[str]:
        """Name all, those that do not change first."""
        return [*self.static, *self.yearly]

    def years(self) -> list[int]:
        """Return the years that all yearly ones have, ascending."""
        year_sets = [set(bands) for bands in self.yearly.values()]
        return sorted(set.intersection(*year_sets)) if year_sets else []

    def of(self, names: Sequence[str], year: int) -> list[Band]:
        """Return the bands of a year, in the order of `names`."""
        return [self.static[name] if name in self.static else self.yearly[name][year] for name in names]

    def files(self) -> list[RasterFile]:
        """Name all rasters."""
        bands = [*self.static.values(), *(band for years in self.yearly.values() for band in years.values())]
        return sorted({band.file for band in bands}, key=lambda file: file.path)

    @property
    def folder(self) -> Path:
        """Return where they lie."""
        return self.files()[0].path.parent

    def declared(self, fills: dict[str, Declared]) -> Covariates:
        """Add what the user says of fills, by name.

        Raises:
            DataError: A name is no covariate's.
        """
        if strange := sorted(set(fills) - set(self.names())):
            raise DataError(
                f"--nodata names no covariate: {', '.join(strange)}",
                where=str(self.folder),
                fix=f"The names are: {', '.join(sorted(self.names()))}.",
            )
        static = {name: _declared(band, fills.get(name)) for name, band in self.static.items()}
        yearly = {
            name: {year: _declared(band, fills.get(name)) for year, band in by_year.items()}
            for name, by_year in self.yearly.items()
        }
        return Covariates(static, yearly)


def _declared(band: Band, said: Declared | None) -> Band:
    if said is None:
        return band
    return replace(band, nodata=(*band.nodata, *said.fills), valid=band.valid or said.valid)


def find_classes(raw: Path, options: ClcdOptions) -> dict[int, RasterFile]:
    """Find the class rasters by year, ascending.

    Raises:
        DataError: There are none, a year is unclear, or two have the same.
    """
    files = class_files(raw, options.classes)
    if not files:
        looked = f"no raster is called {options.classes}" if options.classes else "there is no class raster"
        raise DataError(
            looked,
            where=str(raw),
            fix=f"Class rasters lie in {FOLDER}/ or are called CLCD_..._YYYY.tif; or name them: --classes PATTERN.",
        )
    if options.year is not None and len(files) > 1:
        names = ", ".join(file.path.name for file in files)
        raise DataError(
            f"--year {options.year} is given, and there are {len(files)} class rasters: {names}",
            where=str(raw),
            fix="Write the year into the name of each, or name one with --classes.",
        )
    found: dict[int, RasterFile] = {}
    for file in files:
        year = options.year or _year(file.path)
        if year in found:
            raise DataError(
                f"{file.path.name} and {found[year].path.name} are both of {year}",
                where=str(raw),
                fix=f"Keep one of them; of tiles make one file: gdalbuildvrt CLCD_{year}.vrt TILES.",
            )
        found[year] = file
    return dict(sorted(found.items()))


def latest_classes(raw: Path, pattern: str | None) -> RasterFile | None:
    """Return the class raster of the latest year in its name; None where there is none."""
    files = class_files(raw, pattern)
    return max(files, key=lambda file: (_YEAR.findall(file.path.stem)[-1:], file.path.name), default=None)


def class_files(raw: Path, pattern: str | None) -> list[RasterFile]:
    """Find class rasters by the pattern, in the folder `classes`, or by the name of CLCD.

    Tiles are put together, and parts of a virtual raster are no rasters of their own.
    """
    if not raw.is_dir():
        raise DataError("is no folder", where=str(raw), fix="Give the folder that holds the rasters.")
    below = raw / FOLDER
    if pattern is not None:
        called = raw.glob(pattern)
    else:
        called = below.iterdir() if below.is_dir() else (p for p in raw.iterdir() if p.name.lower().startswith(_CLCD))
    paths = raster_paths(called)
    parts = {source.resolve() for path in paths if _YEAR.search(path.stem) for source in vrt_sources(path)}
    return put_together([path for path in paths if path.resolve() not in parts])


def class_bands(classes: Mapping[int, RasterFile], options: ClcdOptions) -> dict[int, Band]:
    """Return the band of each year's class raster, with what the options say of no data; errors as of `class_band`."""
    said = options.class_fills()
    return {year: replace(class_band(file), nodata=said.fills, valid=said.valid) for year, file in classes.items()}


def class_band(file: RasterFile) -> Band:
    """Return the one band of a class raster.

    Raises:
        DataError: It has several.
    """
    numbers = bands(file)
    if len(numbers) > 1:
        raise DataError(
            f"has {len(numbers)} bands, and a class raster has one",
            where=str(file.path),
            fix="Take the band of the classes out: gdal_translate -b NUMBER.",
        )
    return Band(file, file.path.stem, next(iter(numbers.values())))


def _year(path: Path) -> int:
    found = sorted(set(_YEAR.findall(path.stem)))
    if len(found) == 1:
        return int(found[0])
    shown = f"several years: {', '.join(found)}" if found else "no year"
    raise DataError(
        f"its name holds {shown}", where=str(path), fix="Name it such as CLCD_v01_2020.tif, or give --year YYYY."
    )


def find_covariates(folder: Path) -> Covariates:
    """Find the covariates of a folder.

    Raises:
        DataError: There are none, or two have the same name.
    """
    if not folder.is_dir():
        raise DataError("there is no folder of covariates", where=str(folder), fix="Name it with --covariates FOLDER.")
    static: dict[str, Band] = {}
    yearly: dict[str, dict[int, Band]] = {}
    files = put_together(raster_paths(folder.iterdir()))
    years = years_in_names(file.path.stem for file in files)
    for file in files:
        for name, year, band in _bands(file, years.get(file.path.stem)):
            group: dict[str, Band] | dict[int, Band] = static if year is None else yearly.setdefault(name, {})
            add_unique(group, name if year is None else year, band)
    if not static and not yearly:
        raise DataError(
            "there are no covariate rasters",
            where=str(folder),
            fix=f"Covariates end in {', '.join(SUFFIXES)}; name their folder with --covariates.",
        )
    if both := sorted(set(static) & set(yearly)):
        raise DataError(
            f"{both[0]} is there with and without a year", where=str(folder), fix="Keep one kind or rename the other."
        )
    return Covariates(static, yearly)


def _bands(file: RasterFile, named: YearInName | None) -> Iterator[tuple[str, int | None, Band]]:
    stem = file.path.stem
    for description, index in bands(file).items():
        name = description.replace("/", "_")  # netCDF takes what stands before a slash for a group
        band = Band(file, name, index)
        if named is None:
            yield name, None, band
        else:
            yield named.feature + name[len(stem) :], named.year, band
