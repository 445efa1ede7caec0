"""OMNI: high-resolution ASCII (1 and 5 minutes; AE, SYM-H), and hourly OMNI2 (Dst, AE).

Columns: spdf.gsfc.nasa.gov, hro_format.txt and omni2.text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from geoml_cli.readers.dates import calendar_times
from geoml_cli.readers.timed import Layout, Timed, numbers, unfilled, whitespace_table

MINUTE_COLUMNS = {46: "1-minute", 49: "5-minute"}
HOURLY_COLUMNS = (55, 57)
"""Words of a line of OMNI2, as it was and as it is since two were added."""
_DATE = {"year": 0, "day_of_year": 1, "hour": 2}
_MINUTE = {"ae": 37, "symh": 41}
_HOURLY = {"dst": 40, "ae": 41}


def kind(first_lines: list[str]) -> str | None:
    """Tell `minute` or `hourly` by the number of words of the first line, or None."""
    words = first_lines[0].split() if first_lines else []
    if not words or not words[0].isdigit() or len(words[0]) != 4:
        return None
    return "minute" if len(words) in MINUTE_COLUMNS else "hourly" if len(words) in HOURLY_COLUMNS else None


def read_minute(path: Path, stream: Iterator[str], columns: int) -> Timed:
    """Read AE and SYM-H [nT] of a high-resolution file; errors as for `whitespace_table`."""
    return _read(path, stream, columns, {**_DATE, "minute": 3}, _MINUTE)


def read_hourly(path: Path, stream: Iterator[str], columns: int) -> Timed:
    """Read Dst and AE [nT] of an OMNI2 file; errors as for `whitespace_table`."""
    return _read(path, stream, columns, _DATE, _HOURLY)


def _read(
    path: Path, stream: Iterator[str], columns: int, clock: Mapping[str, int], indices: Mapping[str, int]
) -> Timed:
    wanted = sorted({*clock.values(), *indices.values()})
    frame = whitespace_table(stream, Layout(path, columns, wanted=wanted))
    line = frame.index.to_numpy(dtype=np.int64)
    time = calendar_times({name: numbers(frame, place, path) for name, place in clock.items()}, line, path)
    return Timed(path, time, {name: unfilled(numbers(frame, place, path)) for name, place in indices.items()}, {}, line)
