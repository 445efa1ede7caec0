"""Columns of numbers by time: what every reader of a time series gives, and how text becomes one."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.dates import Integers
from geoml_cli.readers.tables import MISSING
from geoml_cli.readers.unpacking import LinesText, batches

if TYPE_CHECKING:
    import pandas as pd

Values = NDArray[np.float64]
Times = NDArray[np.datetime64]
ROWS_AT_ONCE = 200_000
_ROWS_PARSED = 50_000
"""Wide rows, most of whose columns are not kept."""

FILLS = (9999.0, 9999.99, 88888.0, 88888.88, 99999.0, 99999.9, 99999.99, 999999.0, 999999.99, 9999999.0)
"""What stands for a missing value in the index files of OMNI, Kyoto, IAGA-2002 and SuperMAG, of either sign."""
_SUPERMAG_FILL = 999_990.0
"""SuperMAG's readers take everything above it as missing."""


@dataclass(frozen=True)
class TimeSeries:
    """Columns of one file.

    Attributes:
        path: The file.
        time: UTC, to the second, as they stand in the file: unsorted, with duplicates.
        values: By the column's name, NaN where missing, shape [rows].
        labels: Columns of text, such as the satellite.
        line: Where each row stands in the file.
    """

    path: Path
    time: Times
    values: dict[str, Values]
    labels: dict[str, list[str]]
    line: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def where(self, row: int) -> str:
        """Tell where a row stands."""
        return f"{self.path}, line {self.line[row]}" if len(self.line) else str(self.path)


def mask_fill_values(values: Values) -> Values:
    """Turn fill values and infinities of an index [nT] into NaN; what was there is not changed."""
    size = np.abs(values)
    missing = ~np.isfinite(values) | (size > _SUPERMAG_FILL)
    return np.where(missing | np.isin(size, FILLS), np.nan, values)


def plain_name(name: str) -> str:
    """Spell a column without case, unit and signs: `SYM/H`, `SYM-H (nT)` and `symh` are one."""
    bare = name.partition("(")[0].partition("[")[0]
    return "".join(letter for letter in bare.lower() if letter.isalnum())


@dataclass(frozen=True)
class Layout:
    """How rows of numbers or words separated by blanks are made.

    Attributes:
        path: The file, for messages.
        columns: How many a row has.
        skipped: Lines before the first row.
        wanted: Columns that are read, by place; None for all.
        texts: Those of them that stay text, such as dates.
    """

    path: Path
    columns: int
    skipped: int = 0
    wanted: Sequence[int] | None = None
    texts: Sequence[int] = ()


def whitespace_table(stream: Iterable[str], layout: Layout) -> pd.DataFrame:
    """Read rows of numbers or words separated by blanks; the index is the line.

    Args:
        stream: Lines from the first row on.
        layout: How rows are made.

    Returns:
        Columns by place: numbers where pandas reads all of them as such, else text (`numbers` takes both).

    Raises:
        DataError: A row has more or fewer columns, or there are none.
    """
    import pandas as pd

    lines = _whole_rows(iter(stream), layout)
    frames = list(_frames(LinesText(lines), layout))
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    frame.index = pd.RangeIndex(layout.skipped + 1, layout.skipped + 1 + len(frame))
    frame = pd.DataFrame(frame[(frame != "").all(axis=1) & frame.notna().all(axis=1)])  # blank lines
    if not len(frame):
        raise DataError("holds no rows", where=str(layout.path), fix=_AGAIN)
    return frame


def _frames(lines: LinesText, layout: Layout) -> Iterator[pd.DataFrame]:
    import pandas as pd

    options: dict[str, Any] = {"sep": r"\s+", "header": None, "names": list(range(layout.columns))}
    options |= {"keep_default_na": False, "skip_blank_lines": False, "quoting": csv.QUOTE_NONE}
    options |= {"dtype": dict.fromkeys(layout.texts, str), "chunksize": _ROWS_PARSED, "low_memory": False}
    wanted = None if layout.wanted is None else list(layout.wanted)
    try:
        yield from pd.read_csv(lines, usecols=wanted, **options)
    except pd.errors.EmptyDataError:
        return


def _whole_rows(lines: Iterator[str], layout: Layout) -> Iterator[str]:
    """Give lines, some at a time; refuse rows with fewer or more cells: a parser would fill or shift them."""
    number = layout.skipped + 1
    for batch in batches(lines):
        if set(map(len, map(str.split, batch))) <= {0, layout.columns}:
            yield "".join(batch)
        else:
            yield from _checked_rows(batch, number, layout)
        number += len(batch)


def _checked_rows(lines: Sequence[str], first: int, layout: Layout) -> Iterator[str]:
    for number, line in enumerate(lines, start=first):
        cells = len(line.split())
        if cells not in (0, layout.columns):
            raise DataError(
                f"{cells} cells where rows have {layout.columns}", where=f"{layout.path}, line {number}", fix=_AGAIN
            )
        yield line


def numbers(frame: pd.DataFrame, column: Any, path: Path) -> Values:  # noqa: ANN401  a column's label
    """Read a column of text as numbers, `NA` and the like as NaN; one of numbers is taken as it is.

    Args:
        frame: Its index is the line.
        column: Which.
        path: The file, for messages.

    Raises:
        DataError: A cell is no number; with its line.
    """
    import pandas as pd

    text = frame[column]
    if text.dtype.kind in "iuf":
        return np.asarray(text.to_numpy(dtype=np.float64))
    found = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
    for row in map(int, np.flatnonzero(np.isnan(found))):
        cell = str(text.iloc[row]).strip()
        if cell.lower() not in MISSING:
            raise DataError(
                f"{cell!r} in column {column} is no number",
                where=f"{path}, line {frame.index[row]}",
                fix="Correct it, or leave it empty where there is no value.",
            )
    return np.asarray(found, dtype=np.float64)


def joined(path: Path, parts: Iterable[TimeSeries]) -> TimeSeries:
    """Put the parts of a file, read piece by piece, together."""
    pieces = list(parts)
    names = pieces[0].values if pieces else {}
    return TimeSeries(
        path,
        np.concatenate([part.time for part in pieces]) if pieces else np.empty(0, dtype="datetime64[s]"),
        {name: np.concatenate([part.values[name] for part in pieces]) for name in names},
        {
            name: [label for part in pieces for label in part.labels[name]]
            for name in (pieces[0].labels if pieces else ())
        },
        np.concatenate([part.line for part in pieces]) if pieces else np.empty(0, dtype=np.int64),
    )


_AGAIN = "Get the file again, or convert it to CSV with a time column."
