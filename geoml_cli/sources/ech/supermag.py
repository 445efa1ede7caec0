"""SuperMAG index files in ASCII: free text up to a line that begins with `<year>`, then rows separated by tabs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.dates import calendar_times
from geoml_cli.readers.time_series import Layout, TimeSeries, mask_fill_values, numbers, plain_name, whitespace_table

_TIME = {"year": "year", "month": "month", "day": "day", "hour": "hour", "min": "minute", "sec": "second"}
"""Columns of the time, and what they hold."""


def is_supermag(first_lines: list[str]) -> bool:
    """Tell by the line that ends the header."""
    return any(line.lstrip().lower().startswith("<year>") for line in first_lines)


def read(path: Path, stream: Iterator[str]) -> TimeSeries:
    """Read every index of the file [nT].

    Raises:
        DataError: The header has no end, a column of the time is missing, or a row cannot be read.
    """
    lines, columns = _header(path, stream)
    lacking = [name for name in _TIME if name not in columns]
    if lacking:
        raise DataError(f"has no column <{lacking[0]}>", where=f"{path}, line {lines}", fix="Get the file again.")
    frame = whitespace_table(stream, Layout(path, len(columns), lines))
    line = frame.index.to_numpy(dtype=np.int64)
    parts = {part: numbers(frame, columns.index(name), path) for name, part in _TIME.items()}
    values = {
        name: mask_fill_values(numbers(frame, number, path)) for number, name in enumerate(columns) if name not in _TIME
    }
    return TimeSeries(path, calendar_times(parts, line, path), values, {}, line)


def _header(path: Path, stream: Iterator[str]) -> tuple[int, list[str]]:
    for number, line in enumerate(stream, start=1):
        if line.lstrip().lower().startswith("<year>"):
            return number, [plain_name(cell.strip().strip("<>")) for cell in line.strip().split("\t")]
    raise DataError("has no line <year> <month> ...", where=str(path), fix="Get the file again.")
