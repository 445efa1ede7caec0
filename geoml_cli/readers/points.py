"""Sample points from a table: which columns hold them, and their values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.raw_files import visible
from geoml_cli.errors import DataError
from geoml_cli.readers import workbooks
from geoml_cli.readers.tables import SUFFIXES, Table, is_missing, not_a_number, number, open_table, require_file

# Names as they are met, without case and signs; the first rank with a hit wins.
_LONGITUDE = ("lon", "longitude", "long", "lng", "londd", "decimallongitude", "longitudedd", "lonwgs84")
_LATITUDE = ("lat", "latitude", "latdd", "decimallatitude", "latitudedd", "latwgs84")
_EASTING = ("x", "xcoord", "coordx", "easting", "east", "utmx", "utme", "poinx", "pointx", "rechtswert", "ostwert")
_NORTHING = ("y", "ycoord", "coordy", "northing", "north", "utmy", "utmn", "poiny", "pointy", "hochwert", "nordwert")
_IDENTITY = (
    "id",
    "sampleid",
    "profid",
    "profileid",
    "pointid",
    "siteid",
    "plotid",
    "sample",
    "site",
    "plot",
    "fid",
    "name",
    "station",
    "code",
)
_YEAR = ("year", "yr", "calendaryear")
_DATE = ("date", "datetime", "time", "timestamp", "samplingdate", "sampledate")
_FEWEST_COLUMNS = 3
"""Two of the place and one of the value."""
# Values that stand for "not measured" in tables of soil data.
FILLS = (-9999.0, -99999.0, -32768.0, -999.0, -99.0, -9999.9, -3.4e38)


@dataclass(frozen=True)
class RequestedColumns:
    """What to look for in a table.

    Attributes:
        x: Column of the easting or longitude; None to find it.
        y: Column of the northing or latitude; None to find it.
        target: Column of the value; None to find it among `target_names`.
        identity: Column of the sample's name; None to find it, or to number the rows.
        target_names: Names of the value, in ranks; without case and signs.
        labels: Columns kept as text, such as a region or a fold.
    """

    x: str | None
    y: str | None
    target: str | None
    identity: str | None
    target_names: tuple[tuple[str, ...], ...]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """Names of the columns in use; `identity` may be missing."""

    x: str
    y: str
    target: str
    identity: str | None


@dataclass(frozen=True)
class Points:
    """Rows of a table of points, all of length N and in the order of the file.

    Attributes:
        x: Easting or longitude, in the units of the table's CRS; NaN where missing.
        y: Northing or latitude, likewise.
        target: Value [unit of the table]; NaN where missing.
        identity: Name of each sample.
        line: Line of the file.
        labels: Text of other columns, by name.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    target: NDArray[np.float64]
    identity: list[str]
    line: NDArray[np.int64]
    labels: Mapping[str, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.x)

    def at(self, rows: NDArray[np.bool_]) -> Points:
        """Keep some rows."""

        def of(texts: list[str]) -> list[str]:
            return [text for text, keep in zip(texts, rows, strict=True) if keep]

        labels = {name: of(texts) for name, texts in self.labels.items()}
        return Points(self.x[rows], self.y[rows], self.target[rows], of(self.identity), self.line[rows], labels)


def find_table(folder: Path, given: str | None, option: str = "--points") -> Path | None:
    """Find the table of points: the one given, or the only one in the folder; None where there is none.

    Raises:
        DataError: There are several and none is given, or the one given is no file.
    """
    if given is not None:
        require_file(folder / given, fix=f"Check {option}.")
        return folder / given
    files = [path for path in visible(folder) if path.is_file()]
    found = [path for path in files if path.name.lower().endswith(SUFFIXES)]
    # Next to a table a workbook may be anything; next to a text without columns it is the table.
    if not any(map(_has_columns, found)):
        found = [path for path in files if path.suffix.lower() in workbooks.SUFFIXES] or found
    if len(found) > 1:  # a text next to the table, such as README.txt, has no columns
        found = [path for path in found if _has_columns(path)] or found
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        first, *more = [path.name for path in found if _names_place(path)] or [found[0].name]
        also = f", or of {' or '.join(more)}, which have columns of places as well" if more else ""
        raise DataError(
            f"there are {len(found)} tables: {names}",
            where=str(folder),
            fix=f"Say which holds the points: {option} {first}{also}.",
        )
    return found[0] if found else None


def _has_columns(path: Path) -> bool:
    """Return whether a file has the columns that points need; one that cannot be read may have had them."""
    columns = _columns(path)
    return columns is None or len(columns) >= _FEWEST_COLUMNS


def _names_place(path: Path) -> bool:
    """Return whether a column of a file is called as those of places are."""
    return any(_plain(name) in (*_LATITUDE, *_NORTHING) for name in _columns(path) or ())


def _columns(path: Path) -> tuple[str, ...] | None:
    try:
        return open_table(path).columns
    except DataError:
        return None


def find_columns(table: Table, wanted: RequestedColumns, geographic: bool) -> Columns:
    """Find the columns of points in a table.

    Args:
        table: The table.
        wanted: Columns given, and names to look for.
        geographic: The points are longitudes and latitudes, so that `lon` comes before `x`.

    Raises:
        DataError: A column is not there, cannot be found, or could be several.
    """
    identity = _given(table, wanted.identity, "--sample-id") if wanted.identity else identity_column(table)
    return Columns(
        x=_found(table, wanted.x, _ranks_x(geographic), "--x"),
        y=_found(table, wanted.y, _ranks_y(geographic), "--y"),
        target=_found(table, wanted.target, wanted.target_names, "--target"),
        identity=identity,
    )


def find_place(table: Table, geographic: bool) -> tuple[str, str]:
    """Find the columns of x and y alone, which no option names; errors as for `find_columns`."""
    return _found(table, None, _ranks_x(geographic), "x"), _found(table, None, _ranks_y(geographic), "y")


def identity_column(table: Table) -> str | None:
    """Find the column that names the rows, or None."""
    found = [name for name in table.columns if _plain(name) in _IDENTITY]
    return min(found, key=lambda name: _IDENTITY.index(_plain(name))) if found else None


def year_column(table: Table) -> str | None:
    """Find the column of calendar years, or None.

    Raises:
        DataError: Several columns may be it, or there are dates in its place.
    """
    found = [name for name in table.columns if _plain(name) in _YEAR]
    if len(found) > 1:
        raise DataError(
            f"the year may be any of {', '.join(found)}", where=str(table.path), fix="Keep one of these columns."
        )
    dates = date_columns(table)
    if dates and not found:
        raise DataError(
            f"has dates ({dates[0]}) and no year, and each point is predicted for a year",
            where=str(table.path),
            fix=f"Add a column year, or take {dates[0]} out to predict all for the year of maps.",
        )
    return found[0] if found else None


def date_columns(table: Table) -> list[str]:
    """Find the columns of dates."""
    return [name for name in table.columns if _plain(name) in _DATE]


def _ranks_x(geographic: bool) -> Sequence[tuple[str, ...]]:
    return (_LONGITUDE, _EASTING) if geographic else (_EASTING, _LONGITUDE)


def _ranks_y(geographic: bool) -> Sequence[tuple[str, ...]]:
    return (_LATITUDE, _NORTHING) if geographic else (_NORTHING, _LATITUDE)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _found(table: Table, given: str | None, ranks: Sequence[tuple[str, ...]], option: str) -> str:
    if given is not None:
        return _given(table, given, option)
    for rank in ranks:
        hits = [name for name in table.columns if _plain(name) in rank]
        if len(hits) == 1:
            return _given(table, hits[0], option)
        if hits:
            # Without an option, a column that is called x would come after one of these.
            advice = "" if option.startswith("--") else f"Keep one of {', '.join(hits)}, and take the others out"
            raise _unclear(table, f"several columns could be {option.lstrip('-')}: {', '.join(hits)}", option, advice)
    is_title = sum(map(bool, table.columns)) < max(len(table.columns) / 2, 2) or table.columns[0].startswith("#")
    advice = "Delete what stands above the row of names, which is the first" if is_title else ""
    raise _unclear(table, f"no column looks like {option.lstrip('-')}", option, advice)


def _given(table: Table, name: str, option: str) -> str:
    times = table.columns.count(name)
    if times == 1:
        return name
    if times:
        raise _unclear(table, f"{times} columns are called {name!r}", option, "Keep one of them or rename the other")
    raise _unclear(table, f"there is no column {name!r}", option)


def _unclear(table: Table, subject: str, option: str, advice: str = "") -> DataError:
    columns = ", ".join(name or '""' for name in table.columns)
    called = f"Give {option} COLUMN" if option.startswith("--") else f"Call one column {option}, and no other so"
    return DataError(subject, where=str(table.path), fix=f"{advice or called}; the columns are: {columns}.")


def read_points(path: Path, wanted: RequestedColumns, geographic: bool) -> tuple[Points, Columns]:
    """Read points from a delimited text file, streaming; only their columns are kept.

    Raises:
        DataError: The file cannot be read, holds no rows, lacks a column, or has a cell that is no number.
    """
    table = open_table(path)
    columns = find_columns(table, wanted, geographic)
    numeric = [(name, table.columns.index(name)) for name in (columns.x, columns.y, columns.target)]
    place = table.columns.index(columns.identity) if columns.identity else None
    labels: dict[str, list[str]] = {_given(table, name, "--label"): [] for name in wanted.labels}
    values: list[tuple[float, ...]] = []
    names: list[str] = []
    lines: list[int] = []
    for line, cells in table.rows():
        values.append(tuple(cell_number(table, line, name, cells[index]) for name, index in numeric))
        if geographic:
            for _, index in numeric[:2]:
                table.signs.take_as_decimal(cells[index])
        names.append(cells[place].strip() if place is not None else str(len(names) + 1))
        lines.append(line)
        for name, texts in labels.items():
            texts.append(cells[table.columns.index(name)].strip())
    if not values:
        raise DataError("has a header and no rows", where=str(path), fix="Give a table with samples.")
    x, y, target = np.array(values, dtype=np.float64).T
    target = np.where(np.isin(target, FILLS), np.nan, target)
    return Points(x, y, target, names, np.array(lines), labels), columns


def cell_number(table: Table, line: int, name: str, cell: str) -> float:
    """Read a cell as a number; NaN where it says that there is none.

    Raises:
        DataError: It is neither.
    """
    if is_missing(cell):
        return float("nan")
    place = f"{table.path}, line {line}, column {name}"
    table.signs.meet(cell, table.delimiter, place, name)
    try:
        return number(cell, table.delimiter)
    except ValueError:
        raise not_a_number(cell, place, is_first=line == table.header + 1) from None
