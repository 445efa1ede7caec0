"""CSV with a column of time: indices, ephemeris, wave amplitude."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.dates import refuse_years
from geoml_cli.readers.tables import GROUPED, Table
from geoml_cli.readers.timed import ROWS_AT_ONCE, Timed, Times, joined, numbers, plain_name

if TYPE_CHECKING:
    import pandas as pd

TIME_NAMES = ("time", "datetime", "dateutc", "utc", "timestamp", "isotime", "epoch", "date")
"""Names of a time column, as `plain_name` spells them; the first that is there is taken."""


_BEGINNINGS = ("epoch", "datetime", "timestamp")
"""What the name of a time column may begin with, where it goes on with its format: CDAWeb's EPOCH_TIME_yyyy-mm-dd..."""


def time_column(table: Table) -> str | None:
    """Return the column that holds the time, or None."""
    plain = {plain_name(name): name for name in reversed(table.columns)}
    found = next((plain[name] for name in TIME_NAMES if name in plain), None)
    return found or next((name for name in table.columns if plain_name(name).startswith(_BEGINNINGS)), None)


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
    timed = joined(table.path, [_part(frame, time, (wanted, labels), table) for frame in _frames(table)])
    if not len(timed.time):
        raise DataError("holds a header and no rows", where=str(table.path), fix="Get the file again.")
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


def _part(frame: pd.DataFrame, time: str, names: tuple[Mapping[str, str], Mapping[str, str]], table: Table) -> Timed:
    wanted, labels = names
    path = table.path
    values = {name: numbers(_decimal(frame, column, table), column, path) for name, column in wanted.items()}
    texts = {name: [str(cell).strip() for cell in frame[column]] for name, column in labels.items()}
    return Timed(path, times(frame[time], path), values, texts, frame.index.to_numpy(dtype=np.int64))


def _decimal(frame: pd.DataFrame, column: str, table: Table) -> pd.DataFrame:
    """Turn decimal commas into points, where cells are not separated by commas."""
    if table.delimiter == ",":
        return frame
    for sign in (",", "."):
        signed = frame[column].str.contains(sign, regex=False).to_numpy(dtype=bool)
        if signed.any():
            grouped = signed & frame[column].str.fullmatch(GROUPED.pattern).to_numpy(dtype=bool)
            row = int(grouped.argmax() if grouped.any() else signed.argmax())
            place = f"{table.path}, line {frame.index[row]}, column {column}"
            table.signs.meet(frame[column].iloc[row], table.delimiter, place)
    return frame[[column]].replace({",": "."}, regex=True)


def times(cells: pd.Series[str], path: Path) -> Times:
    """Read times in ISO 8601, with blanks, slashes or a zone if need be; no zone is UTC.

    Args:
        cells: Texts; their index is the line.
        path: The file, for messages.

    Returns:
        To the nearest second.

    Raises:
        DataError: One cannot be read, does not exist, or is of no year of measurements; with its line.
    """
    import pandas as pd

    text = cells.str.strip().str.replace("/", "-", regex=False)
    found = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
    wrong = found.isna().to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{cells.iloc[row]!r} is no time",
            where=f"{path}, line {cells.index[row]}",
            fix="Write times as 2013-03-17T06:00:00, in UTC.",
        )
    whole = found.dt.tz_localize(None)
    refuse_years(whole.to_numpy(dtype="datetime64[s]"), cells.index.to_numpy(dtype=np.int64), path)
    return np.asarray(whole.dt.round("s").to_numpy(dtype="datetime64[s]"))
