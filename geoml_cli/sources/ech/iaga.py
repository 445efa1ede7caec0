"""IAGA-2002: a header of lines that end in `|`, then date, time, day of year and up to four columns.

Source: NOAA/NGDC, IAGA2002 data exchange format; 99999.00 is missing, 88888.00 was not recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.time_series import Layout, TimeSeries, mask_fill_values, numbers, plain_name, whitespace_table
from geoml_cli.readers.time_texts import times

_FORMAT = "iaga-2002"
_FIXED = 3
"""Columns before the values: date, time, day of year."""


def is_iaga(first_lines: list[str]) -> bool:
    """Tell by the first line."""
    return bool(first_lines) and _FORMAT in first_lines[0].lower()


def read(path: Path, stream: Iterator[str]) -> TimeSeries:
    """Read a file; columns are named without the station's code: BOUH is h, SYM-H is symh.

    Raises:
        DataError: The header has no end, or a row cannot be read.
    """
    code, columns, lines = _header(path, stream)
    frame = whitespace_table(stream, Layout(path, len(columns), lines, texts=(0, 1)))
    time = times(frame[0] + "T" + frame[1], path)
    values = {
        _name(column, code): mask_fill_values(numbers(frame, number, path))
        for number, column in enumerate(columns)
        if number >= _FIXED
    }
    return TimeSeries(path, time, values, {}, frame.index.to_numpy(dtype=np.int64))


def _header(path: Path, stream: Iterator[str]) -> tuple[str, list[str], int]:
    """Return the station's code, the columns, and how many lines the header has."""
    code = ""
    for number, line in enumerate(stream, start=1):
        words = line.replace("|", " ").split()
        if [word.upper() for word in words[:2]] == ["IAGA", "CODE"]:
            code = words[2] if len(words) > 2 else ""
        if words[:3] == ["DATE", "TIME", "DOY"]:
            return code, words, number
    raise DataError(
        "the header of IAGA-2002 does not end in a line DATE TIME DOY ...", where=str(path), fix="Get the file again."
    )


def _name(column: str, code: str) -> str:
    """Take the station's code away, but not from an index that is called like its file."""
    bare = column[len(code) :] if code and column.startswith(code) and len(column) > len(code) else column
    # SYM-H of the station SYM is an index; a station's own components have no hyphen, as BOUH.
    return plain_name(column if bare.startswith("-") else bare)
