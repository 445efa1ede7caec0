"""SuperMAG index files in ASCII: free text up to a line that begins with `<year>`, then rows separated by tabs."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.timed import Timed, Times, Values, numbers, plain_name, unfilled, whitespace_table

_TIME = ("year", "month", "day", "hour", "min", "sec")


def is_supermag(first_lines: list[str]) -> bool:
    """Tell by the line that ends the header."""
    return any(line.lstrip().lower().startswith("<year>") for line in first_lines)


def read(path: Path, stream: IO[str]) -> Timed:
    """Read every index of the file [nT].

    Raises:
        DataError: The header has no end, a column of the time is missing, or a row cannot be read.
    """
    lines, columns = _header(path, stream)
    frame = whitespace_table(stream, path, len(columns), lines)
    place = path, lines + 1
    lacking = [name for name in _TIME if name not in columns]
    if lacking:
        raise DataError(f"has no column <{lacking[0]}>", where=f"{path}, line {lines}", fix="Get the file again.")
    parts = {name: numbers(frame, columns.index(name), place) for name in _TIME}
    values = {name: unfilled(numbers(frame, number, place)) for number, name in enumerate(columns) if name not in _TIME}
    return Timed(path, _times(parts, place), values, {})


def _header(path: Path, stream: IO[str]) -> tuple[int, list[str]]:
    for number, line in enumerate(stream, start=1):
        if line.lstrip().lower().startswith("<year>"):
            return number, [plain_name(cell.strip().strip("<>")) for cell in line.strip().split("\t")]
    raise DataError("has no line <year> <month> ...", where=str(path), fix="Get the file again.")


def _times(parts: dict[str, Values], place: tuple[Path, int]) -> Times:
    year, month, day = parts["year"], parts["month"], parts["day"]
    wrong = ~((year > 1900) & (year < 2200) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31))
    wrong |= ~((parts["hour"] < 24) & (parts["min"] < 60))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{year[row]:g}-{month[row]:g}-{day[row]:g} is no date",
            where=f"{place[0]}, line {row + place[1]}",
            fix="Get the file again.",
        )
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]").astype("datetime64[s]")
    seconds = (((day - 1) * 24 + parts["hour"]) * 60 + parts["min"]) * 60 + parts["sec"]
    return np.asarray(months + seconds.astype("timedelta64[s]"))
