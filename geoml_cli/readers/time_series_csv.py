"""CSV with a column of time: indices, ephemeris, wave amplitude."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.decimal_signs import GROUPED, ZERO
from geoml_cli.readers.row_times import RowTimes
from geoml_cli.readers.tables import Table
from geoml_cli.readers.time_columns import time_column
from geoml_cli.readers.time_series import ROWS_AT_ONCE, TimeSeries, joined, numbers

if TYPE_CHECKING:
    import pandas as pd

_Names = tuple[Mapping[str, str], Mapping[str, str]]


def read(table: Table, wanted: Mapping[str, str], labels: Mapping[str, str]) -> TimeSeries:
    """Read some columns by time, piece by piece.

    Args:
        table: The opened file; it has a time column, or columns of a date's parts.
        wanted: Columns of numbers by the name they get.
        labels: Columns of text likewise.

    Raises:
        DataError: A time or number cannot be read, with its line; there are no rows; the file is damaged.
    """
    frames = _frames(table)
    first = next((frame for frame in frames if len(frame)), None)
    if first is None:
        raise DataError("holds a header and no rows", where=str(table.path), fix="Get the file again.")
    row_times = RowTimes(table, time_column(table, first))
    parts = (_part(frame, row_times, wanted, labels, table) for frame in chain([first], frames))
    timed = joined(table.path, list(parts))
    row_times.refuse_missing(timed)
    return timed


def _frames(table: Table) -> Iterator[pd.DataFrame]:
    """Give pieces of the file; the index is the line number."""
    import pandas as pd

    layout: dict[str, Any] = {"sep": table.delimiter, "header": None, "names": list(range(len(table.columns)))}
    layout |= {"dtype": str, "skip_blank_lines": False, "keep_default_na": False}
    line = table.header + 1
    with table.body() as stream:
        try:
            for frame in pd.read_csv(stream, skipinitialspace=True, index_col=False, chunksize=ROWS_AT_ONCE, **layout):
                frame.index = pd.RangeIndex(line, line + len(frame))
                line += len(frame)
                yield _whole(frame, table)
        except pd.errors.EmptyDataError:
            return


def _whole(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Leave out blank lines."""
    frame.columns = list(table.columns)
    blank = (frame.isna() | (frame == "")).all(axis=1)
    return frame[~blank]


def _part(
    frame: pd.DataFrame, row_times: RowTimes, wanted: Mapping[str, str], labels: Mapping[str, str], table: Table
) -> TimeSeries:
    path = table.path
    values = {name: numbers(_decimal(frame, column, table), column, path) for name, column in wanted.items()}
    texts = {name: [str(cell).strip() for cell in frame[column]] for name, column in labels.items()}
    return TimeSeries(path, row_times.of(frame), values, texts, frame.index.to_numpy(dtype=np.int64))


def _decimal(frame: pd.DataFrame, column: str, table: Table) -> pd.DataFrame:
    """Turn decimal commas into points, where cells are not separated by commas."""
    if table.delimiter == ",":
        return frame
    for sign in (",", "."):
        signed = frame[column].str.contains(sign, regex=False).to_numpy(dtype=bool)
        grouped = signed & frame[column].str.fullmatch(GROUPED.pattern).to_numpy(dtype=bool)
        below_one = grouped & frame[column].str.match(ZERO.pattern).to_numpy(dtype=bool)
        for some in (signed & ~grouped, below_one, grouped & ~below_one):
            if some.any():
                row = int(some.argmax())
                place = f"{table.path}, line {frame.index[row]}, column {column}"
                table.signs.meet(frame[column].iloc[row], table.delimiter, place, column)
    return frame[[column]].replace({",": "."}, regex=True)
