"""WDC for Geomagnetism, Kyoto: SYM-H and AE in records of 400 characters, Dst in records of 120; both by position.

Values stand without blanks between them. Layouts: wdc.kugi.kyoto-u.ac.jp, ASY/SYM, AE and Dst format pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.dates import calendar_times
from geoml_cli.readers.time_series import TimeSeries, Values, mask_fill_values

_SYM = re.compile(r"^ASYSYM")
_AE = re.compile(r"^AEALAOAU")
_DST = re.compile(r"^DST\d{4}\*\d{2}")
_OLDEST_YEAR = 57
"""Two-digit years from it on are 19xx: Dst begins in 1957."""
Date = tuple[int, int, int, int]
_DATE = ("year", "month", "day", "hour")
Record = tuple[Date, list[float]]


def kind(first_lines: list[str]) -> str | None:
    """Tell `sym`, `kyoto ae` or `dst` by the first line, or None."""
    first = first_lines[0] if first_lines else ""
    return "sym" if _SYM.match(first) else "kyoto ae" if _AE.match(first) else "dst" if _DST.match(first) else None


def read_sym(path: Path, stream: Iterator[str]) -> TimeSeries:
    """Read one-minute SYM-H [nT]; records of SYM-D and ASY are passed over."""
    return _read(path, stream, "symh", 60, _sym)


def read_ae(path: Path, stream: Iterator[str]) -> TimeSeries:
    """Read one-minute AE [nT]; records of AL, AO and AU are passed over."""
    return _read(path, stream, "ae", 60, _ae)


def read_dst(path: Path, stream: Iterator[str]) -> TimeSeries:
    """Read hourly Dst [nT]."""
    return _read(path, stream, "dst", 3600, _dst)


def _read(path: Path, stream: Iterator[str], name: str, step: int, parse: Callable[[str], Record | None]) -> TimeSeries:
    records = list(_records(path, stream, parse))
    if not records:
        raise DataError(f"holds no record of {name}", where=str(path), fix="Get the file again.")
    line = np.array([number for number, _ in records], dtype=np.int64)
    dates = np.array([date for _, (date, _) in records], dtype=np.float64).T
    begin = calendar_times(dict(zip(_DATE, dates, strict=True)), line, path)
    values: Values = np.array([cells for _, (_, cells) in records], dtype=np.float64)
    places = np.arange(values.shape[1]) * np.timedelta64(step, "s")
    time = (begin[:, None] + places).ravel()
    return TimeSeries(path, time, {name: mask_fill_values(values.ravel())}, {}, np.repeat(line, values.shape[1]))


def _records(path: Path, stream: Iterator[str], parse: Callable[[str], Record | None]) -> Iterator[tuple[int, Record]]:
    for number, line in enumerate(stream, start=1):
        text = line.rstrip("\r\n")
        if not text.strip():
            continue
        try:
            record = parse(text)
        except (ValueError, IndexError) as error:
            raise DataError(
                f"is no record of the WDC format ({text[:34].strip()!r} ...)",
                where=f"{path}, line {number}",
                fix="Records are read by position: get the file again, unedited.",
            ) from error
        if record is not None:
            yield number, record


def _sym(line: str) -> Record | None:
    """Positions (from 1): 13-18 YYMMDD, 19 component, 20-21 hour, 22-24 index, 35-394 sixty values."""
    return _minutes(line) if line[18] == "H" and line[21:24] == "SYM" else None


def _ae(line: str) -> Record | None:
    """Positions as those of SYM-H: 22-24 is the index."""
    return _minutes(line) if line[21:24].strip() == "AE" else None


def _minutes(line: str) -> Record:
    values = [float(line[start : start + 6]) for start in range(34, 394, 6)]
    return _moment(line[12:14], line[14:16], line[16:18], int(line[19:21])), values


def _dst(line: str) -> Record | None:
    """Positions (from 1): 4-5 YY, 6-7 month, 9-10 day, 15-16 century, 17-20 base [100 nT], 21-116 hours."""
    base = 100.0 * float(line[16:20].strip() or 0)
    cells = [float(line[start : start + 4]) for start in range(20, 116, 4)]
    values = [cell if abs(cell) == 9999 else cell + base for cell in cells]
    return _moment(line[14:16].strip() + line[3:5], line[5:7], line[8:10], 0), values


def _moment(year: str, month: str, day: str, hour: int) -> Date:
    if len(year) == 2:
        year = f"{19 if int(year) >= _OLDEST_YEAR else 20}{year}"
    return int(year), int(month), int(day), hour
