"""CSV with a column of time: indices, ephemeris, wave amplitude."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.tables import Table
from geoml_cli.readers.timed import ROWS_AT_ONCE, Timed, Times, joined, numbers, plain_name

if TYPE_CHECKING:
    import pandas as pd

TIME_NAMES = ("time", "datetime", "dateutc", "utc", "timestamp", "isotime", "epoch", "date")
"""Names of a time column, as `plain_name` spells them; the first that is there is taken."""


def time_column(table: Table) -> str | None:
    """Return the column that holds the time, or None."""
    plain = {plain_name(name): name for name in reversed(table.columns)}
    return next((plain[name] for name in TIME_NAMES if name in plain), None)


def read(table: Table, wanted: Mapping[str, str], labels: Mapping[str, str]) -> Timed:
    """Read some columns by time, piece by piece.

    Args:
        table: The opened file; it has a time column.
        wanted: Columns of numbers by the name they get.
        labels: Columns of text likewise.

    Raises:
        DataError: A time or number cannot be read, with its line; there are no rows; the file is damaged.
    """
    time = time_column(table)
    assert time is not None, "asked for before"
    parts, last, doubtful = [], table.columns[-1], False
    for frame in _frames(table):
        doubtful |= bool((frame[last].isna() | (frame[last] == "")).any())
        parts.append(_part(frame, time, (wanted, labels), table))
    if doubtful:
        _refuse_short(table)
    timed = joined(table.path, parts)
    if not len(timed.time):
        raise DataError("holds a header and no rows", where=str(table.path), fix="Get the file again.")
    return timed


def _frames(table: Table) -> Iterator[pd.DataFrame]:
    """Give pieces of the file; the index is the line number."""
    import pandas as pd

    layout: dict[str, Any] = {"sep": table.delimiter, "header": None, "names": list(range(len(table.columns)))}
    layout |= {"dtype": str, "skiprows": 1, "skip_blank_lines": False, "keep_default_na": False}
    line = 2
    with table.text() as stream:
        try:
            for frame in pd.read_csv(stream, skipinitialspace=True, index_col=False, chunksize=ROWS_AT_ONCE, **layout):
                frame.index = pd.RangeIndex(line, line + len(frame))
                line += len(frame)
                yield _whole(frame, table)
        except pd.errors.EmptyDataError:
            return
        except (pd.errors.ParserError, pd.errors.ParserWarning, EOFError, OSError, UnicodeError) as error:
            raise DataError(f"cannot be read as a table ({error})", where=str(table.path), fix=_FIX) from error


def _whole(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Leave out blank lines."""
    frame.columns = list(table.columns)
    blank = (frame.isna() | (frame == "")).all(axis=1)
    return frame[~blank]


def _refuse_short(table: Table) -> None:
    """Refuse rows with fewer cells than the header: pandas takes the missing ones for empty."""
    for _ in table.rows():
        pass


def _part(frame: pd.DataFrame, time: str, names: tuple[Mapping[str, str], Mapping[str, str]], table: Table) -> Timed:
    wanted, labels = names
    first = int(frame.index[0]) if len(frame) else 2
    values = {
        name: numbers(_decimal(frame, column, table), column, (table.path, first)) for name, column in wanted.items()
    }
    texts = {name: [str(cell).strip() for cell in frame[column]] for name, column in labels.items()}
    return Timed(table.path, times(frame[time], table), values, texts)


def _decimal(frame: pd.DataFrame, column: str, table: Table) -> pd.DataFrame:
    """Turn decimal commas into points, where cells are not separated by commas."""
    if table.delimiter == ",":
        return frame
    return frame[[column]].replace({",": "."}, regex=True)


def times(cells: pd.Series[str], table: Table) -> Times:
    """Read times in ISO 8601, with blanks, slashes or a zone if need be; no zone is UTC.

    Raises:
        DataError: One cannot be read; with its line.
    """
    import pandas as pd

    text = cells.str.strip().str.replace("/", "-", regex=False)
    found = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
    wrong = found.isna().to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{cells.iloc[row]!r} is no time",
            where=f"{table.path}, line {cells.index[row]}",
            fix="Write times as 2013-03-17T06:00:00, in UTC.",
        )
    return np.asarray(found.dt.tz_localize(None).to_numpy(dtype="datetime64[s]"))


_FIX = "Its cells must be separated by one sign throughout, as many as the header has."
