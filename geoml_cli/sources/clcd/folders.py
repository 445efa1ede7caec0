"""Which files are class rasters of which year, and which are covariates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from geoml_cli.errors import DataError
from geoml_cli.readers import rasters
from geoml_cli.readers.rasters import Band, keep_once
from geoml_cli.sources.clcd.options import ClcdOptions

FOLDER = "classes"
_CLCD = "clcd"
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_YEARLY = re.compile(r"(?P<name>.+?)[_\-. ](?P<year>(?:19|20)\d\d)")


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

    def paths(self) -> list[Path]:
        """Name all files."""
        bands = [*self.static.values(), *(band for years in self.yearly.values() for band in years.values())]
        return sorted({band.path for band in bands})


def find_classes(raw: Path, options: ClcdOptions) -> dict[int, Path]:
    """Find the class rasters by year, ascending.

    Raises:
        DataError: There are none, a year is unclear, or two have the same.
    """
    paths = class_paths(raw, options.classes)
    if not paths:
        looked = f"no raster is called {options.classes}" if options.classes else "there is no class raster"
        raise DataError(
            looked,
            where=str(raw),
            fix=f"Class rasters lie in {FOLDER}/ or are called CLCD_..._YYYY.tif; or name them: --classes PATTERN.",
        )
    if options.year is not None and len(paths) > 1:
        names = ", ".join(path.name for path in paths)
        raise DataError(
            f"--year {options.year} is given, and there are {len(paths)} class rasters: {names}",
            where=str(raw),
            fix="Write the year into the name of each, or name one with --classes.",
        )
    found: dict[int, Path] = {}
    for path in paths:
        year = options.year or _year(path)
        if year in found:
            raise DataError(
                f"{path.name} and {found[year].name} are both of {year}", where=str(raw), fix="Keep one of them."
            )
        found[year] = path
    return dict(sorted(found.items()))


def class_paths(raw: Path, pattern: str | None) -> list[Path]:
    """Find class rasters: by the pattern, in the folder `classes`, or by the name of CLCD."""
    if not raw.is_dir():
        raise DataError("is no folder", where=str(raw), fix="Give the folder that holds the rasters.")
    if pattern is not None:
        return sorted(path for path in raw.glob(pattern) if _is_raster(path))
    below = raw / FOLDER
    if below.is_dir():
        return sorted(path for path in below.iterdir() if _is_raster(path))
    return sorted(path for path in raw.iterdir() if _is_raster(path) and path.name.lower().startswith(_CLCD))


def _is_raster(path: Path) -> bool:
    return path.suffix.lower() in rasters.SUFFIXES and path.is_file()


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
    for path in sorted(path for path in folder.iterdir() if _is_raster(path)):
        for name, year, band in _bands(path):
            group: dict[str, Band] | dict[int, Band] = static if year is None else yearly.setdefault(name, {})
            keep_once(group, name if year is None else year, band)
    if not static and not yearly:
        raise DataError(
            "there are no covariate rasters",
            where=str(folder),
            fix=f"Covariates end in {', '.join(rasters.SUFFIXES)}; name their folder with --covariates.",
        )
    if both := sorted(set(static) & set(yearly)):
        raise DataError(
            f"{both[0]} is there with and without a year", where=str(folder), fix="Keep one kind or rename the other."
        )
    return Covariates(static, yearly)


def _bands(path: Path) -> Iterator[tuple[str, int | None, Band]]:
    match = _YEARLY.fullmatch(path.stem)
    for index, description in enumerate(rasters.bands(path), start=1):
        name = description.replace("/", "_")  # netCDF takes what stands before a slash for a group
        band = Band(path, name, index)
        if match is None:
            yield name, None, band
        else:
            yield match["name"] + name[len(path.stem) :], int(match["year"]), band
