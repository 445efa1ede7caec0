"""OMNI: high-resolution ASCII (1 and 5 minutes; AE, SYM-H), and hourly OMNI2 (Dst, AE).

Columns: spdf.gsfc.nasa.gov, hro_format.txt and omni2.text.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

from geoml_cli.readers.timed import Timed, day_of_year_times, numbers, unfilled, whitespace_table

MINUTE_COLUMNS = {46: "1-minute", 49: "5-minute"}
HOURLY_COLUMNS = (55, 57)
"""Words of a line of OMNI2, as it was and as it is since two were added."""
_MINUTE = {"ae": 37, "symh": 41}
_HOURLY = {"dst": 40, "ae": 41}


def kind(first_lines: list[str]) -> str | None:
    """Tell `minute` or `hourly` by the number of words of the first line, or None."""
    words = first_lines[0].split() if first_lines else []
    if not words or not words[0].isdigit() or len(words[0]) != 4:
        return None
    return "minute" if len(words) in MINUTE_COLUMNS else "hourly" if len(words) in HOURLY_COLUMNS else None


def read_minute(path: Path, stream: IO[str], columns: int) -> Timed:
    """Read AE and SYM-H [nT] of a high-resolution file; errors as for `whitespace_table`."""
    frame, place = whitespace_table(stream, path, columns), (path, 1)
    named = ("year", "day", "hour", "minute")
    time = day_of_year_times({name: numbers(frame, k, place) for k, name in enumerate(named)}, place)
    return Timed(path, time, {name: unfilled(numbers(frame, k, place)) for name, k in _MINUTE.items()}, {})


def read_hourly(path: Path, stream: IO[str], columns: int) -> Timed:
    """Read Dst and AE [nT] of an OMNI2 file; errors as for `whitespace_table`."""
    frame, place = whitespace_table(stream, path, columns), (path, 1)
    named = ("year", "day", "hour")
    time = day_of_year_times({name: numbers(frame, k, place) for k, name in enumerate(named)}, place)
    return Timed(path, time, {name: unfilled(numbers(frame, k, place)) for name, k in _HOURLY.items()}, {})
