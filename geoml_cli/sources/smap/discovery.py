"""Which raw files are read: exports by product, year and part, the table of stations, the ground truth."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from geoml_cli.dataset.raw_files import visible
from geoml_cli.errors import DataError
from geoml_cli.readers import ismn
from geoml_cli.readers.tables import open_table
from geoml_cli.sources.smap.options import SmapOptions

PRODUCTS = {
    "gridmet": r"gridmet_ssm_(\d{4})",
    "lst": r"lst_mod11a1_(\d{4})",
    "s1": r"s1_ssm_(\d{4})",
    "hls": r"hlsl30_ssm_(\d{4})",
    "smap": r"smap_ssm_(\d{4})",
    "land_cover": r"lc_ssm_(\d{4})",
}
"""Beginnings of file names, in lower case; a part `_k` may follow the year."""
NO_TRUTH = "none"
DAILY = ("gridmet", "lst", "s1", "hls", "smap")
_EXAMPLES = {
    "gridmet": "gridmet_SSM_2019.csv",
    "lst": "LST_MOD11A1_2019.csv",
    "s1": "S1_SSM_2019.csv",
    "hls": "HLSL30_SSM_2019_1.csv",
    "smap": "smap_ssm_2019.csv",
    "land_cover": "LC_SSM_2019.csv",
}
_CSV = r"(?:_(\d+))?\.csv(?:\.gz)?"
_CONSTANT = re.compile(r"constant_ssm\.csv(?:\.gz)?", re.IGNORECASE)
_APPEEARS = {"Category", "MODIS_Tile"}
_STATIONS, _TRUTH = {"ID", "Latitude", "Longitude"}, {"ID", "Date", "VWC_5"}


@dataclass
class RawFiles:
    """What a folder holds.

    Attributes:
        exports: Files by product and year, parts in order.
        constant: Terrain and soil.
        stations: The table of stations; None where there is none.
        truth: Ground truth: a CSV, or an ISMN archive; None where there is to be none.
        years: That are read, ascending.
    """

    exports: dict[str, dict[int, list[Path]]]
    constant: Path
    stations: Path | None
    truth: Path | None
    years: tuple[int, ...] = ()
    sensors: list[ismn.SensorFile] = field(default_factory=list)

    def paths(self) -> list[Path]:
        """Return the files on disk, each once, in order."""
        used = {path for by_year in self.exports.values() for parts in by_year.values() for path in parts}
        used |= {self.constant, *([self.stations] if self.stations else [])}
        if self.truth is not None and self.truth.is_dir():
            used |= {sensor.archive / sensor.member for sensor in self.sensors}
        elif self.truth is not None:
            used.add(self.truth)
        return sorted(used)


def find(raw: Path, options: SmapOptions) -> RawFiles:
    """Choose the files to read.

    Raises:
        DataError: A product or a year of one is missing, or it is unclear which files are meant; with the option that
            decides.
    """
    if not raw.is_dir():
        raise DataError("is a file, not a folder of exports", where=str(raw), fix="Name the folder that holds them.")
    folder = _footprint(raw, options.footprint)
    named = [path for path in visible(folder) if re.search(r"\.csv(\.gz)?$", path.name, re.IGNORECASE)]
    exports = {product: _by_year(named, pattern) for product, pattern in PRODUCTS.items()}
    constants = [path for path in named if _CONSTANT.fullmatch(path.name)]
    taken = {path for by_year in exports.values() for parts in by_year.values() for path in parts} | set(constants)
    headers = _headers(_others(raw, folder, taken))
    for product, by_year in exports.items():
        if not by_year:
            raise _nothing(folder, product)
    if not constants:
        raise DataError(
            "there is no constant_SSM.csv (elevation, slope, aspect and soil)", where=str(folder), fix="Export it."
        )
    years = _years(exports, options.years, folder)
    tables = {path: columns for path, columns in headers.items() if not columns >= _TRUTH}
    stations = _given(raw, options.stations, "--stations") or _single(tables, _STATIONS, "--stations", raw)
    truth = None if options.truth == NO_TRUTH else _given(raw, options.truth, "--truth") or _truth(raw, headers)
    found = RawFiles(_restricted(exports, years), constants[0], stations, truth, years)
    if truth is not None and (truth.is_dir() or truth.suffix.lower() == ".zip"):
        found.sensors = ismn.find_sensors(truth)
    return found


def _footprint(raw: Path, given: str | None) -> Path:
    """Return the folder of one footprint; footprints are never mixed."""
    pattern = re.compile(PRODUCTS["gridmet"] + _CSV, re.IGNORECASE)
    candidates = [raw, *(path for path in visible(raw) if path.is_dir() and path.resolve() != raw.resolve())]
    folders = [path for path in candidates if any(pattern.fullmatch(file.name) for file in path.iterdir())]
    if given is not None:
        if raw / given not in folders:
            there = ", ".join(path.name for path in folders if path != raw) or "none"
            raise DataError(f"there are no exports of footprint {given}", where=str(raw), fix=f"There are: {there}.")
        return raw / given
    if len(folders) > 1:
        names = ", ".join("RAW itself" if path == raw else path.name for path in folders)
        raise DataError(
            f"exports of several footprints lie here ({names})",
            where=str(raw),
            fix=f"Choose one: --footprint {folders[-1].name}",
        )
    return folders[0] if folders else raw


def _by_year(named: Sequence[Path], pattern: str) -> dict[int, list[Path]]:
    matching = [(re.fullmatch(pattern + _CSV, path.name, re.IGNORECASE), path) for path in named]
    parts = sorted((int(hit[1]), int(hit[2] or 0), path) for hit, path in matching if hit)
    found: dict[int, list[Path]] = {}
    numbers: dict[int, list[int]] = {}
    for year, number, path in parts:
        found.setdefault(year, []).append(path)
        numbers.setdefault(year, []).append(number)
    for year, of_year in numbers.items():
        _refuse_missing_parts(of_year, found[year])
    return found


def _refuse_missing_parts(numbers: Sequence[int], paths: Sequence[Path]) -> None:
    """Refuse parts `_k` of a year that do not count on from 0 or 1."""
    first = 0 if numbers[0] == 0 else 1
    missing = sorted(set(range(first, numbers[-1] + 1)) - set(numbers))
    if missing:
        raise DataError(
            f"part {missing[0]} of the year is missing; there are {', '.join(path.name for path in paths)}",
            where=str(paths[0].parent),
            fix="Export it, or number the parts from 1.",
        )


def _others(raw: Path, folder: Path, used: set[Path]) -> list[Path]:
    """Name further tables, in RAW and in the folder of the footprint."""
    places = {raw, folder}
    tables = [path for place in places for path in visible(place) if path.name.lower().endswith((".csv", ".csv.gz"))]
    return sorted(path for path in tables if path not in used)


def _headers(tables: Sequence[Path]) -> dict[Path, set[str]]:
    found = {path: set(open_table(path).columns) for path in tables}
    for path, columns in found.items():
        if columns >= _APPEEARS:
            raise DataError(
                "is a point sample of AppEEARS, not an export of Earth Engine",
                where=str(path),
                fix="Export it with the script in the documentation of smap.",
            )
    return found


def _nothing(folder: Path, product: str) -> DataError:
    seen = [path.name for path in visible(folder)][:6]
    return DataError(
        f"holds no export such as {_EXAMPLES[product]} (it holds {', '.join(seen) or 'nothing'})",
        where=str(folder),
        fix="The documentation of smap has the Earth Engine script that makes the exports.",
    )


def _years(exports: dict[str, dict[int, list[Path]]], wanted: Sequence[int], folder: Path) -> tuple[int, ...]:
    years = tuple(sorted(set(wanted or exports["gridmet"])))
    if years[-1] - years[0] + 1 != len(years):
        # Windows of rows and linear gaps would reach over the years between.
        raise DataError(
            f"the years {', '.join(map(str, years))} do not follow one another",
            where=str(folder),
            fix="Name consecutive years with --years, or export those between.",
        )
    for product in DAILY:
        for year in years:
            if year not in exports[product]:
                raise DataError(
                    f"there is no {_EXAMPLES[product].replace('2019', str(year))}",
                    where=str(folder),
                    fix="Export it, or name the years that are whole with --years.",
                )
    return years


def _restricted(exports: dict[str, dict[int, list[Path]]], years: Sequence[int]) -> dict[str, dict[int, list[Path]]]:
    """Keep the files of some years; of land cover all, since releases are several years apart."""
    return {
        product: by_year if product == "land_cover" else {year: by_year[year] for year in years}
        for product, by_year in exports.items()
    }


def _given(raw: Path, name: str | None, option: str) -> Path | None:
    if name is None:
        return None
    path = raw / name if (raw / name).exists() else Path(name)
    if not path.exists():
        raise DataError("there is no such file or folder", where=str(path), fix=f"Check {option}.")
    return path


def _single(headers: dict[Path, set[str]], wanted: set[str], option: str, raw: Path) -> Path | None:
    hits = [path for path, columns in headers.items() if columns >= wanted]
    if len(hits) > 1:
        names = ", ".join(path.name for path in hits)
        raise DataError(f"several tables could be meant: {names}", where=str(raw), fix=f"Choose one: {option} FILE")
    return hits[0] if hits else None


def _same_letters(columns: set[str]) -> bool:
    return {name.casefold() for name in columns} >= {name.casefold() for name in _TRUTH}


def _truth(raw: Path, headers: dict[Path, set[str]]) -> Path:
    table = _single(headers, _TRUTH, "--truth", raw)
    archives = [path for path in visible(raw) if path.match("*.zip") and ismn.is_archive(path)]
    folders = [path for path in visible(raw) if path.is_dir() and ismn.is_archive(path)]
    # Networks side by side in RAW are one archive.
    places = [*([table] if table else []), *archives, *([raw if len(folders) > 1 else folders[0]] if folders else [])]
    if len(places) != 1:
        names = ", ".join(path.name for path in places)
        problem = f"several could be the ground truth: {names}" if places else "there is no ground truth"
        if alike := [path for path, columns in headers.items() if not columns >= _TRUTH and _same_letters(columns)]:
            raise DataError(
                "its columns are spelt in other letters than ID, Date and VWC_5",
                where=str(alike[0]),
                fix="Spell them so: capitals count.",
            )
        raise DataError(
            problem, where=str(raw), fix="Name a CSV with ID, Date and VWC_5, or an ISMN archive: --truth PATH"
        )
    return places[0]
