"""OMNI: high-resolution ASCII (1 and 5 minutes; AE, SYM-H), and hourly OMNI2 (Dst, AE).

Lists of chosen columns come from OMNIWeb as `.lst`, with a `.fmt` of the same name that says what they are.
Columns: spdf.gsfc.nasa.gov, hro_format.txt and omni2.text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.dates import calendar_times
from geoml_cli.readers.time_series import Layout, TimeSeries, mask_fill_values, numbers, plain_name, whitespace_table

MINUTE_COLUMNS = {46: "1-minute", 49: "5-minute"}
HOURLY_COLUMNS = (55, 57)
"""Words of a line of OMNI2, as it was and as it is since two were added."""
_DATE = {"year": 0, "day_of_year": 1, "hour": 2}
_MINUTE = {"ae": 37, "symh": 41}
_HOURLY = {"dst": 40, "ae": 41}


_LISTED = re.compile(r"\s*\d+\s+(?P<name>\S.*?)\s+[AFI]\d+(?:\.\d+)?\s*")
_UNIT = re.compile(r",|\s{2,}|\s+nT$")
_CLOCK = {
    "year": ("year",),
    "day_of_year": ("doy", "day", "decimalday"),
    "hour": ("hour", "hr"),
    "minute": ("minute", "mn", "min"),
}


def format_of(path: Path) -> Path | None:
    """Return the file that names a list's columns, or None."""
    if path.suffix.lower() != ".lst":
        return None
    formats = (path.with_suffix(suffix) for suffix in (".fmt", ".FMT"))
    return next((other for other in formats if other.is_file()), None)


def format_names(lines: Iterable[str]) -> list[str]:
    """Return the names of a list's columns out of its `.fmt`, as `plain_name` spells them."""
    found = (_LISTED.fullmatch(line.rstrip("\n")) for line in lines)
    # Lists made at different times have `AE-index, nT` and `AE-index  nT`.
    return [plain_name(_UNIT.split(match["name"], maxsplit=1)[0]) for match in found if match]


def read_list(
    path: Path, stream: Iterator[str], names: Sequence[str], known: Mapping[str, Sequence[str]]
) -> TimeSeries:
    """Read the indices [nT] of a list.

    Args:
        path: The list.
        stream: Its lines.
        names: Of its columns.
        known: What each index may be called.

    Raises:
        DataError: The names hold no year, day and hour; or as for `whitespace_table`.
    """
    clock = {part: names.index(name) for part, choices in _CLOCK.items() for name in choices if name in names}
    if missing := [part for part in ("year", "day_of_year", "hour") if part not in clock]:
        raise DataError(
            f"its .fmt names no column of the {missing[0].replace('_', ' ')}",
            where=str(path),
            fix="Get the list and its .fmt again, together.",
        )
    indices = {role: names.index(name) for role, choices in known.items() for name in choices if name in names}
    return _read(path, stream, len(names), clock, indices)


def kind(first_lines: list[str]) -> str | None:
    """Tell `minute` or `hourly` by the number of words of the first line, or None."""
    words = first_lines[0].split() if first_lines else []
    if not words or not words[0].isdecimal() or len(words[0]) != 4:
        return None
    return "minute" if len(words) in MINUTE_COLUMNS else "hourly" if len(words) in HOURLY_COLUMNS else None


def read_minute(path: Path, stream: Iterator[str], columns: int) -> TimeSeries:
    """Read AE and SYM-H [nT] of a high-resolution file; errors as for `whitespace_table`."""
    return _read(path, stream, columns, {**_DATE, "minute": 3}, _MINUTE)


def read_hourly(path: Path, stream: Iterator[str], columns: int) -> TimeSeries:
    """Read Dst and AE [nT] of an OMNI2 file; errors as for `whitespace_table`."""
    return _read(path, stream, columns, _DATE, _HOURLY)


def _read(
    path: Path, stream: Iterator[str], columns: int, clock: Mapping[str, int], indices: Mapping[str, int]
) -> TimeSeries:
    wanted = sorted({*clock.values(), *indices.values()})
    frame = whitespace_table(stream, Layout(path, columns, wanted=wanted))
    line = frame.index.to_numpy(dtype=np.int64)
    time = calendar_times({name: numbers(frame, place, path) for name, place in clock.items()}, line, path)
    return TimeSeries(
        path, time, {name: mask_fill_values(numbers(frame, place, path)) for name, place in indices.items()}, {}, line
    )
