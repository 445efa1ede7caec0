"""Points to predict at: a table with coordinates and nothing else that is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.locating import DEGREES, check_degrees, drop_fill_values, is_geographic, transform
from geoml_cli.readers.points import FILLS, cell_number, date_columns, find_place, identity_column, year_column
from geoml_cli.readers.tables import Table, open_table
from geoml_cli.samples.input import Points

_SWAPPED = "of swapped columns, exchange the names"
_FIRST, _LAST = 1850, 2200
"""Calendar years that rasters of covariates may be of."""
_YEAR_OF_DATE = re.compile(r"(?<!\d)((?:1[89]|2[01])\d\d)(?:(?:0[1-9]|1[0-2])[0-3]\d)?(?!\d)")
"""The year of 2020-05-01, 01.05.2020 or 20200501."""
Part = list[tuple[int, list[str]]]
"""Line numbers and cells."""


def read_points(path: Path, crs: str, size: int, *, dated: bool = False) -> Iterator[Points]:
    """Read a table of points, `size` rows at a time.

    Args:
        path: Delimited text with two columns of coordinates, and perhaps one that names the points.
        crs: Of the coordinates.
        size: Most rows in memory at once.
        dated: Read a column of years as well, where there is one.

    Raises:
        DataError: The table cannot be read, has no rows, or its coordinates are not in `crs`; a known fill is missing;
            a year is no whole number.
        SettingsError: The CRS is not known.
    """
    geographic = is_geographic(crs)
    table = open_table(path)
    columns = find_place(table, geographic)
    year = year_column(table) if dated else None
    rows, first = table.rows(), 1
    while part := list(islice(rows, size)):
        x, y = drop_fill_values((_numbers(table, part, columns[0]), _numbers(table, part, columns[1])), geographic)
        if geographic:
            check_degrees((x, y), np.array([line for line, _ in part]), str(path), crs, _SWAPPED)
        longitude, latitude = transform((x, y), crs, DEGREES)
        years = _years(table, part, year) if year is not None else None
        yield Points(_identity(table, part, first), x, y, crs, longitude, latitude, years)
        first += len(part)
    if first == 1:
        raise DataError("has a header and no rows", where=str(path), fix="Give a table with points.")


def _numbers(table: Table, part: Part, name: str) -> NDArray[np.float64]:
    column = table.columns.index(name)
    return np.array([cell_number(table, line, name, cells[column]) for line, cells in part], dtype=np.float64)


def _years(table: Table, part: Part, name: str) -> NDArray[np.float64]:
    years = _numbers(table, part, name)
    years = np.where(np.isin(years, FILLS), np.nan, years)
    wrong = np.flatnonzero(np.isfinite(years) & ((years != np.floor(years)) | (years < _FIRST) | (years > _LAST)))
    if len(wrong):
        line, value = part[wrong[0]][0], years[wrong[0]]
        raise DataError(
            f"{name} is {value:g}, which is no calendar year",
            where=f"{table.path}, line {line}",
            fix=f"Write years such as 2020 ({_FIRST} to {_LAST}), and leave the cell empty where none is known.",
        )
    for dates in date_columns(table):
        _require_years_of(table, part, dates, name, years)
    return years


def _require_years_of(table: Table, part: Part, dates: str, name: str, years: NDArray[np.float64]) -> None:
    """Refuse rows whose date is of another year than their year: which of them is meant is not known."""
    column = table.columns.index(dates)
    for (line, cells), year in zip(part, years, strict=True):
        found = _YEAR_OF_DATE.findall(cells[column])
        is_clock = cells[column].strip().isdecimal() and len(cells[column].strip()) == len("1930")
        if len(found) == 1 and not is_clock and np.isfinite(year) and int(found[0]) != year:
            raise DataError(
                f"{name} is {year:g}, and {dates} is {cells[column].strip()!r}",
                where=f"{table.path}, line {line}",
                fix=f"Correct the row, or take {dates} out: each point is predicted for its {name}.",
            )


def _identity(table: Table, part: Part, first: int) -> list[str]:
    named = identity_column(table)
    if named is None:
        return [str(number) for number in range(first, first + len(part))]
    column = table.columns.index(named)
    return [cells[column].strip() for _, cells in part]
