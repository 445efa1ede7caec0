"""RBSP MagEphem text files: a JSON header in comment lines, then rows of ISO time and numbers.

The header names, for every variable, the column it begins in (`START_COLUMN`); of several models of a quantity
the first one found here is taken, and a note names it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.time_series import Layout, TimeSeries, Values, numbers, whitespace_table
from geoml_cli.readers.time_texts import times
from geoml_cli.sources.ech.units import refuse_other_unit

_TIMES = ("DateTime", "IsoDateTime", "Time")
_WANTED = {
    "l": ("Lsimple", "L", "Lm_eq", "Lstar"),
    "mlt": ("EDMAG_MLT", "ED_MLT", "CDMAG_MLT", "CD_MLT", "MLT"),
    "mlat": ("EDMAG_MLAT", "ED_MLAT", "CDMAG_MLAT", "CD_MLAT", "MLAT"),
}
_FILL = -1e30
"""MagEphem writes -1e31 where a field line is open or a quantity is not defined."""


def is_magephem(first_lines: list[str]) -> bool:
    """Tell by the JSON header's keys."""
    return bool(first_lines) and first_lines[0].startswith("#") and any("START_COLUMN" in line for line in first_lines)


def read(path: Path, stream: Iterator[str]) -> TimeSeries:
    """Read L, MLT [h] and MLAT [degrees].

    Raises:
        DataError: The header is not JSON, names no such quantity, or a row cannot be read.
    """
    header, first, lines = _split(stream)
    described = _described(path, header)
    called = {name: _called(path, described, choices) for name, choices in _WANTED.items()}
    for name, variable in called.items():
        refuse_other_unit(name, variable, str(described[variable].get("UNITS", "")), path)
    columns = {name: int(described[variable]["START_COLUMN"]) for name, variable in called.items()}
    clock = int(described[_called(path, described, _TIMES)]["START_COLUMN"])
    width = len(first.split())
    if max(*columns.values(), clock) >= width:
        raise DataError(f"names columns past the {width} of its rows", where=str(path), fix="Get the file again.")
    rest = itertools.chain([first], stream)
    frame = whitespace_table(rest, Layout(path, width, lines, sorted({*columns.values(), clock}), texts=(clock,)))
    values = {name: _unfilled(numbers(frame, column, path)) for name, column in columns.items()}
    return TimeSeries(path, times(frame[clock], path), values, {}, frame.index.to_numpy(dtype=np.int64))


def _split(stream: Iterator[str]) -> tuple[str, str, int]:
    """Return the header's text, the first row, and the number of lines before it."""
    header: list[str] = []
    for number, line in enumerate(stream):
        if not line.startswith("#"):
            return "".join(header), line, number
        header.append(line[1:])
    return "".join(header), "", len(header)


def _described(path: Path, header: str) -> dict[str, Any]:
    # Free text with braces of its own may follow the object: it is read up to its own end.
    begin = header.find("{")
    try:
        description = json.JSONDecoder().raw_decode(header, max(begin, 0))[0]
    except ValueError as error:
        raise DataError("the header is no JSON", where=str(path), fix="Get the file again.") from error
    return description if isinstance(description, dict) else {}


def _called(path: Path, described: dict[str, Any], choices: tuple[str, ...]) -> str:
    """Name the first of some variables that the header describes with its column."""
    for name in choices:
        entry = described.get(name)
        if isinstance(entry, dict) and isinstance(entry.get("START_COLUMN"), int):
            return name
    raise DataError(
        f"has none of the variables {', '.join(choices)}", where=str(path), fix="Give L, MLT and MLAT as CSV."
    )


def _unfilled(values: Values) -> Values:
    return np.where(np.isfinite(values) & (values > _FILL), values, np.nan)
