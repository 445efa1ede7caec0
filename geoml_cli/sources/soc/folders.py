"""Which files of a folder are covariates, and which of them are years of a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from geoml_cli.dataset.raw_files import visible
from geoml_cli.errors import DataError
from geoml_cli.readers.mosaics import RasterFile, put_together
from geoml_cli.readers.nodata import Declared, refuse_unknown
from geoml_cli.readers.raster_files import SUFFIXES, bands, raster_paths
from geoml_cli.readers.raster_years import years_in_names
from geoml_cli.readers.rasters import Band, add_unique


@dataclass(frozen=True)
class RawFiles:
    """Bands of a folder, sorted by name.

    Attributes:
        static: Bands without a year.
        features: Names of the yearly series.
        years: Their years, without a gap.
        yearly: Their bands, year by year.
    """

    static: tuple[Band, ...]
    features: tuple[str, ...]
    years: tuple[int, ...]
    yearly: tuple[Band, ...]


def find_rasters(raw: Path, given: str | None) -> list[RasterFile]:
    """Find the rasters: in the folder given, in `raw`, or in its only folder that holds some.

    Raises:
        DataError: There are none, or it is not clear which folder is meant.
    """
    if given is not None:
        return _some(raw / given)
    if not raw.is_dir():
        raise DataError("there is no such folder", where=str(raw), fix="Give the folder of the raw files.")
    below = [path for path in visible(raw) if path.is_dir()]
    holders = [folder for folder in (raw, *below) if raster_paths(folder.iterdir())]
    if len(holders) > 1:
        names = ", ".join("." if folder == raw else folder.name for folder in holders)
        raise DataError(
            f"several folders hold rasters: {names}",
            where=str(raw),
            fix=f"Say which holds the covariates: --covariates {holders[-1].name}.",
        )
    return _some(holders[0] if holders else raw)


def _some(folder: Path) -> list[RasterFile]:
    if not folder.is_dir():
        raise DataError("there is no such folder", where=str(folder), fix="Check --covariates.")
    if found := raster_paths(folder.iterdir()):
        return put_together(found)
    raise DataError(
        "there are no rasters here",
        where=str(folder),
        fix=f"Covariates end in {', '.join(SUFFIXES)}; name their folder: --covariates.",
    )


def sort_bands(files: Sequence[RasterFile], fills: dict[str, Declared]) -> RawFiles:
    """Open the files shortly and sort their bands into static ones and years of features.

    Args:
        files: Rasters.
        fills: What the user says of no data, by name of band, file or feature.

    Raises:
        DataError: Names collide, or a year of a series is missing.
        SettingsError: `fills` names no raster.
    """
    static: dict[str, Band] = {}
    yearly: dict[str, dict[int, Band]] = {}
    years = years_in_names(file.path.stem for file in files)
    for file in files:
        named = years.get(file.path.stem)
        for name, index in bands(file).items():
            band = Band(file, name, index)
            if named is None:
                add_unique(static, name, band)
            else:
                feature = named.feature + name[len(file.path.stem) :]
                add_unique(yearly.setdefault(feature, {}), named.year, band)
    if all(len(by_year) == 1 for by_year in yearly.values()):  # a single year makes no series
        for by_year in yearly.values():
            for band in by_year.values():
                add_unique(static, band.name, band)
        yearly = {}
    return _with_fills(static, yearly, fills)


def _years(yearly: dict[str, dict[int, Band]]) -> tuple[int, ...]:
    """Return the years that all features have; consecutive."""
    seen = {year for by_year in yearly.values() for year in by_year}
    years = tuple(range(min(seen), max(seen) + 1)) if seen else ()
    for feature, by_year in yearly.items():
        missing = [year for year in years if year not in by_year]
        if missing:
            example = next(iter(by_year.values())).path
            name = example.name.replace(str(next(iter(by_year))), str(missing[0]))
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            raise DataError(
                f"{name} is missing{more}: {feature} lacks a year of {years[0]}-{years[-1]}",
                where=str(example.parent),
                fix="Add it, or leave the year out for all features; rename a file whose number is no year.",
            )
    return years


def _with_fills(static: dict[str, Band], yearly: dict[str, dict[int, Band]], fills: dict[str, Declared]) -> RawFiles:
    years, features = _years(yearly), tuple(sorted(yearly))
    known = {*static, *features, *(band.name for by_year in yearly.values() for band in by_year.values())}
    refuse_unknown(fills, sorted(known))
    return RawFiles(
        static=tuple(declare(static[name], fills, name) for name in sorted(static)),
        features=features,
        years=years,
        yearly=tuple(
            declare(band, fills, feature, band.name)
            for year in years
            for feature, band in ((name, yearly[name][year]) for name in features)
        ),
    )


def declare(band: Band, fills: dict[str, Declared], *names: str) -> Band:
    """Add what the user says of the fills of a band, under any of its names."""
    said = [fills[name] for name in dict.fromkeys(names) if name in fills]
    values = tuple(value for one in said for value in one.fills)
    return replace(band, nodata=(*band.nodata, *values), valid=band.valid or any(one.valid for one in said))
