"""Factors as NetCDF grids, brought to the cells of the target and to its years or months."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from geoml_cli.dataset.raw_files import files_below
from geoml_cli.dataset.units import same_water
from geoml_cli.errors import DataError
from geoml_cli.readers.grids import SUFFIXES, Floats, GridVariable, fields_of, names_of, open_variables
from geoml_cli.readers.nodata import Declared
from geoml_cli.sources.gwsa.layout import Roles
from geoml_cli.sources.gwsa.storage import Cells

FOLDER = "factors"
_A_MONTH = np.timedelta64(25, "D")


@dataclass(frozen=True)
class Factor:
    """A factor in one file or several.

    Attributes:
        name: Its name.
        pieces: The variable of each file.
    """

    name: str
    pieces: tuple[GridVariable, ...]

    def mean(self, first: np.datetime64, last: np.datetime64, cells: Cells) -> Floats:
        """Return the mean of the steps from `first` to `last`, shape [R, C], NaN where one is missing.

        Cells take the value of the grid cell in which their centre lies.
        """
        shape = (len(cells.latitude), len(cells.longitude))
        total, count = np.zeros(shape), 0
        for piece in self.pieces:
            rows, columns = cells.place(piece)
            for step in steps_within(piece, first, last):
                total += piece.read(step, rows, columns)
                count += 1
        return total / count if count else np.full(shape, np.nan)

    def first(self, first: np.datetime64, last: np.datetime64, cells: Cells) -> Floats:
        """Return the first step from `first` to `last`: classes have no mean."""
        for piece in self.pieces:
            for step in steps_within(piece, first, last):
                return piece.read(step, *cells.place(piece))
        return np.full((len(cells.latitude), len(cells.longitude)), np.nan)

    def steps(self, first: np.datetime64, last: np.datetime64) -> int:
        """Count the steps from `first` to `last`."""
        return sum(len(steps_within(piece, first, last)) for piece in self.pieces)

    def lacks(self, year: int) -> list[int]:
        """Return the months of a year without a step, 1 to 12; none of a factor whose steps lie further apart."""
        steps = self._steps_by_month
        there = sorted(steps)
        # Of quarters, seasons or years: a year may have as many steps as it has, which is compared among years.
        if len(there) < 2 or np.median(np.diff(there)) > 1:
            return []
        begin = (year - 1970) * 12
        lost = [month for month in range(begin, begin + 12) if not steps[month]]
        if np.median(list(steps.values())) == 1:  # steps of 30 days: a month with two stands for its neighbour too
            lost = [month for month in lost if steps[month - 1] < 2 and steps[month + 1] < 2]
        has_some = any(steps[month] for month in range(begin, begin + 12))
        return [month - begin + 1 for month in lost] if has_some else []

    def may_be_late(self, first: np.datetime64, last: np.datetime64) -> bool:
        """Return whether steps begin a month after `first` and end one after `last`, all of them as a month begins.

        So are means that are stamped at their end, in a file without bounds.
        """
        steps = self._steps_by_month
        months = (first.astype("datetime64[M]").astype(np.int64), last.astype("datetime64[M]").astype(np.int64))
        if not steps or (min(steps), max(steps)) != (months[0] + 1, months[1] + 1):
            return False
        times = [time for piece in self.pieces for time in piece.part.times]
        return all((time.day, time.hour, time.minute) == (1, 0, 0) for time in times)

    @cached_property
    def _steps_by_month(self) -> Counter[int]:
        """Count the steps of each month since January 1970."""
        found: Counter[int] = Counter()
        for piece in self.pieces:
            if piece.months is not None:
                found.update(piece.months[~np.isnat(piece.months)].astype(np.int64).tolist())
        return found


def year_span(year: int) -> tuple[np.datetime64, np.datetime64]:
    """Return the first and last month of a year."""
    return np.datetime64(f"{year}-01"), np.datetime64(f"{year}-12")


def steps_within(piece: GridVariable, first: np.datetime64, last: np.datetime64) -> list[int]:
    """Return the steps from `first` to `last`; the only one of a variable without time."""
    if piece.months is None or np.isnat(piece.months).all():
        return [0]
    return [int(step) for step in np.flatnonzero((piece.months >= first) & (piece.months <= last))]


def grid_files(raw: Path) -> list[Path]:
    """Find the files of factors."""
    folder = raw / FOLDER
    if not folder.is_dir():
        raise DataError(
            "there is no folder of factor grids",
            where=str(folder),
            fix=f"Put NetCDF files VAR_....nc, or with variables of the factors' names, into {FOLDER}/.",
        )
    return [path for path in files_below(folder) if path.suffix.lower() in SUFFIXES]


def find_factors(
    raw: Path, roles: Roles, files: ExitStack, nodata: Mapping[str, Declared], units: Collection[str] = ()
) -> dict[str, Factor]:
    """Find the grids of all factors and of the land cover.

    Args:
        raw: The folder.
        roles: Names of the factors.
        files: Closes what is opened.
        nodata: What is said of their fills.
        units: Factors whose unit is given: what files say of it is not compared.

    A variable counts by its own name, or the only one of a file by what stands before the first `_` of the file's name.

    Raises:
        DataError: One is missing or unclear, a static one has several steps, or a dynamic one has no time.
    """
    pieces: dict[str, list[GridVariable]] = {}
    seen = []
    for path in grid_files(raw):
        names = _named(path, roles)
        seen += list(names) or [f"{path.name} ({', '.join(fields_of(path)) or 'no grid'})"]
        variables = open_variables(path, list(names.values()), files, nodata)
        for name, variable in zip(names, variables.values(), strict=True):
            pieces.setdefault(name, []).append(variable)
    _refuse_missing(raw / FOLDER, [name for name in roles.needed if name not in pieces], seen)
    for name in roles.needed:
        if name not in units:
            _refuse_other_units(name, pieces[name])
    return {name: _factor(name, pieces[name], roles) for name in roles.needed}


def _named(path: Path, roles: Roles) -> dict[str, str]:
    """Return the variables of a file by the factors that they are of."""
    names = [name for name in names_of(path) if name in roles.needed]
    before = path.name.split("_")[0].split(".")[0]
    if not names and before in roles.needed and len(fields := fields_of(path)) == 1:
        return {before: fields[0]}
    return {name: name for name in names}


def _refuse_missing(folder: Path, missing: Sequence[str], variables: Sequence[str]) -> None:
    if missing:
        names = ", ".join(dict.fromkeys(variables)) or "nothing"
        raise DataError(
            f"there is no grid of {', '.join(missing)}",
            where=str(folder),
            fix=f"Add {missing[0]}_....nc, or choose other factors with --dynamic, --static or --category. "
            f"Found: {names}.",
        )


def _factor(name: str, pieces: Sequence[GridVariable], roles: Roles) -> Factor:
    without = [piece for piece in pieces if piece.months is None]
    steps = sum(1 if piece.months is None else len(piece.months) for piece in pieces)
    where = str(pieces[0].path)
    if name in roles.static and steps > 1:
        raise DataError(
            f"{name} is static, and has {steps} steps in {len(pieces)} files",
            where=where,
            fix="Keep one step, or make it a dynamic factor with --dynamic.",
        )
    if name in roles.dynamic and without:
        raise DataError(f"{name} has no time", where=str(without[0].path), fix=f"Make it static: --static {name}.")
    if without and len(pieces) > 1:
        raise DataError(f"{name} is in {len(pieces)} files without a time", where=where, fix="Keep one of them.")
    if name not in roles.static:
        _refuse_same_times(name, pieces)
        _refuse_versions(name, pieces)
    return Factor(name, (_without_time(pieces[0]),) if name in roles.static else tuple(pieces))


def _refuse_other_units(name: str, pieces: Sequence[GridVariable]) -> None:
    """Refuse files of a factor in several units, or of which some name none."""
    first = next((piece for piece in pieces if piece.unit), None)
    for piece in pieces:
        if first is not None and not (piece.unit and same_water(piece.unit, first.unit)):
            raise DataError(
                f"{name} is in {piece.unit or 'no unit that is named'} here, and in {first.unit} in {first.path.name}",
                where=str(piece.path),
                fix=f"Bring the files to one unit, or where it is one, say --units '{name}={first.unit}'.",
            )


def _refuse_same_times(name: str, pieces: Sequence[GridVariable]) -> None:
    """Refuse two files that hold a factor at one time, or in one month of a monthly series: their mean is neither's."""
    months: dict[str, GridVariable] = {}
    times: dict[str, GridVariable] = {}
    for piece in sorted(pieces, key=_is_monthly, reverse=True):
        of_months = [] if piece.months is None else piece.months.astype(str).tolist()
        for month, time in zip(of_months, map(str, piece.part.times), strict=False):
            other = months.get(month) or times.get(time) or piece
            if other is not piece:
                raise _same_time(name, time, piece, other)
        times |= dict.fromkeys(map(str, piece.part.times), piece)
        months |= dict.fromkeys(of_months, piece) if _is_monthly(piece) else {}


def _refuse_versions(name: str, pieces: Sequence[GridVariable]) -> None:
    """Refuse two files of one month where hardly a month has two: versions of it, perhaps stamped on different days.

    Files of a single step each do not tell by themselves that they are of months.
    """
    dated: dict[str, list[tuple[np.datetime64, GridVariable]]] = {}
    for piece in pieces:
        months = () if piece.months is None else piece.months.astype(str).tolist()
        for month, time in zip(months, piece.part.times, strict=False):
            dated.setdefault(month, []).append((np.datetime64(str(time)[:10]), piece))
    if not dated or np.median([len(found) for found in dated.values()]) > 1:
        return
    for found in dated.values():
        for (time, piece), (later, other) in pairwise(sorted(found, key=lambda one: one[0])):
            # Means of 30 days have two steps in some months, that lie far apart.
            if piece is not other and later - time < _A_MONTH:
                raise _same_time(name, str(time), other, piece)


def _is_monthly(piece: GridVariable) -> bool:
    """Return whether a file has a step a month; of a single step that is not known: it may stand for a few days."""
    return piece.months is not None and 1 < len(piece.months) == len(np.unique(piece.months))


def _same_time(name: str, time: str, piece: GridVariable, other: GridVariable) -> DataError:
    axes = ((piece.latitude, other.latitude), (piece.longitude, other.longitude))
    is_same_place = all(np.array_equal(*pair) for pair in axes)
    return DataError(
        f"{name} of {time[:7]} is in {other.path.name} as well{'' if is_same_place else ', there of other cells'}",
        where=str(piece.path),
        fix="Keep one of them."
        if is_same_place
        else "Keep one, or join tiles to one file: xarray.open_mfdataset([A, B]).to_netcdf(OUT).",
    )


def _without_time(piece: GridVariable) -> GridVariable:
    """Take the only step for all times."""
    if piece.months is None:
        return piece
    always = np.array([np.datetime64("NaT", "M")])
    return replace(piece, months=always)
