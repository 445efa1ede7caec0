"""Columns of numbers by time: what every reader of a time series gives, and how text becomes one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.tables import MISSING

if TYPE_CHECKING:
    import pandas as pd

Values = NDArray[np.float64]
Times = NDArray[np.datetime64]
ROWS_AT_ONCE = 200_000

FILLS = (9999.0, 9999.99, 88888.0, 88888.88, 99999.0, 99999.9, 99999.99, 999999.0, 999999.99, 9999999.0)
"""What stands for a missing value in the index files of OMNI, Kyoto, IAGA-2002 and SuperMAG, of either sign."""
_SUPERMAG_FILL = 999_990.0
"""SuperMAG's readers take everything above it as missing."""


@dataclass(frozen=True)
class Timed:
    """Columns of one file.

    Attributes:
        path: The file.
        time: UTC, to the second, as they stand in the file: unsorted, with duplicates.
        values: By the column's name, NaN where missing, shape [rows].
        labels: Columns of text, such as the satellite.
    """

    path: Path
    time: Times
    values: dict[str, Values]
    labels: dict[str, list[str]]


def unfilled(values: Values) -> Values:
    """Turn fill values and infinities of an index [nT] into NaN; what was there is not changed."""
    size = np.abs(values)
    missing = ~np.isfinite(values) | (size > _SUPERMAG_FILL)
    return np.where(missing | np.isin(size, FILLS), np.nan, values)


def plain_name(name: str) -> str:
    """Spell a column without case, unit and signs: `SYM/H`, `SYM-H (nT)` and `symh` are one."""
    bare = name.partition("(")[0].partition("[")[0]
    return "".join(letter for letter in bare.lower() if letter.isalnum())


def whitespace_table(stream: IO[str], path: Path, columns: int, skipped: int = 0) -> pd.DataFrame:
    """Read rows of numbers or words separated by blanks.

    Args:
        stream: The text, at its first row.
        path: For messages.
        columns: How many a row has.
        skipped: Lines before the first row, for messages.

    Raises:
        DataError: A row has more or fewer, or there are none.
    """
    import pandas as pd

    try:
        frame = pd.read_csv(stream, sep=r"\s+", header=None, names=range(columns), dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError, EOFError, OSError) as error:
        raise DataError(f"cannot be read as {columns} columns ({error})", where=str(path), fix=_AGAIN) from error
    if not len(frame):
        raise DataError("holds no rows", where=str(path), fix=_AGAIN)
    short = (frame[columns - 1].isna() | (frame[columns - 1] == "")).to_numpy()
    # With more cells than names pandas takes the first ones for an index.
    if short.any() or not isinstance(frame.index, pd.RangeIndex):
        line = skipped + 1 + (int(short.argmax()) if short.any() else 0)
        raise DataError(f"a row has not {columns} columns", where=f"{path}, line {line}", fix=_AGAIN)
    return frame


def numbers(frame: pd.DataFrame, column: Any, place: tuple[Path, int]) -> Values:  # noqa: ANN401  a column's label
    """Read a column of text as numbers, `NA` and the like as NaN.

    Args:
        frame: Of text.
        column: Which.
        place: The file, and the line of the first row.

    Raises:
        DataError: A cell is no number; with its line.
    """
    import pandas as pd

    path, first = place
    text = frame[column]
    found = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
    unread = np.flatnonzero(np.isnan(found))
    for row in unread:
        cell = str(text.iloc[row]).strip()
        if cell.lower() not in MISSING:
            raise DataError(
                f"{cell!r} in column {column} is no number", where=f"{path}, line {row + first}", fix="Correct it."
            )
    return np.asarray(found, dtype=np.float64)


def day_of_year_times(parts: Mapping[str, Values], place: tuple[Path, int]) -> Times:
    """Put year, day of year, hour and minute together.

    Raises:
        DataError: One is out of its range; with its line.
    """
    path, first = place
    year, day, hour = parts["year"], parts["day"], parts["hour"]
    minute = parts.get("minute", np.zeros_like(year))
    wrong = ~((year >= 1900) & (year < 2200) & (day >= 1) & (day <= 366) & (hour >= 0) & (hour < 24) & (minute < 60))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"year {year[row]:g}, day {day[row]:g}, hour {hour[row]:g} is no time",
            where=f"{path}, line {row + first}",
            fix="The file is no OMNI file, or damaged: get it again.",
        )
    start = (year - 1970).astype("datetime64[Y]").astype("datetime64[s]")
    seconds = ((day - 1) * 24 + hour) * 3600 + minute * 60
    return np.asarray(start + seconds.astype("timedelta64[s]"))


def joined(path: Path, parts: Iterable[Timed]) -> Timed:
    """Put the parts of a file, read piece by piece, together."""
    pieces = list(parts)
    names = pieces[0].values if pieces else {}
    return Timed(
        path,
        np.concatenate([part.time for part in pieces]) if pieces else np.empty(0, dtype="datetime64[s]"),
        {name: np.concatenate([part.values[name] for part in pieces]) for name in names},
        {
            name: [label for part in pieces for label in part.labels[name]]
            for name in (pieces[0].labels if pieces else ())
        },
    )


_AGAIN = "Get the file again, or convert it to CSV with a time column."
