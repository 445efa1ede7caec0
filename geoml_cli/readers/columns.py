"""Large tables of numbers, CSV or Parquet, read some rows at a time into typed columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers import parquet
from geoml_cli.readers.decimal_signs import DecimalSigns
from geoml_cli.readers.tables import SUFFIXES, Table, is_missing, not_a_number, number, open_table, require_file

if TYPE_CHECKING:
    import pandas as pd

TABLES = (*SUFFIXES, *parquet.SUFFIXES)
_ROUNDING = 1e-9
_UNGROUPED, _EXACT = 1000, 2.0**53
_FIRST = 2
"""Line of the first row below a header."""


@dataclass(frozen=True)
class Part:
    """Some rows of a table.

    Attributes:
        path: The table's file.
        frame: Their cells, columns by name, numbers where all cells of a column are numbers; the index is the line
            of the file (CSV) or the row from 1 (Parquet). Blank lines are left out.
        place: What the index counts, "line" or "row".
        delimiter: Between cells; a comma where the file is no text.
        signs: Which decimal sign the file's numbers have been met with.
    """

    path: Path
    frame: pd.DataFrame
    place: str
    delimiter: str = ","
    signs: DecimalSigns = field(default_factory=DecimalSigns)

    def __len__(self) -> int:
        return len(self.frame)

    def where(self, row: int, column: str) -> str:
        """Tell where a cell stands."""
        return f"{self.path}, {self.place} {self.frame.index[row]}, column {column}"

    def numbers(self, column: str) -> NDArray[np.float64]:
        """Return a column as numbers, NaN where a cell says that there is none; shape [rows].

        Raises:
            DataError: A cell is no number; with its line.
        """
        cells = self.frame[column]
        if cells.dtype.kind in "iuf":
            values = np.asarray(cells.to_numpy(dtype=np.float64, na_value=np.nan))
            self._meet_points(column, values)
            return values
        return np.array([self._number(row, column, cell) for row, cell in enumerate(cells)], dtype=np.float64)

    def _meet_points(self, column: str, values: NDArray[np.float64]) -> None:
        """Take down fractions, which pandas has read with a point, and whole numbers without signs of thousands."""
        if self.delimiter == ",":
            return
        with np.errstate(all="ignore"):
            digits = values / 10 ** np.floor(np.log10(np.abs(values)))  # 1e-04 is written without a point
            whole = values % 1 == 0
            fractions = np.isfinite(values) & ~whole & (np.abs(digits - np.rint(digits)) > _ROUNDING)
            large = whole & (np.abs(values) >= _UNGROUPED) & (np.abs(values) < _EXACT)
        if fractions.any():
            thousandths = np.rint(values * 1000)
            grouped = fractions & (np.abs(values * 1000 - thousandths) < _ROUNDING) & (thousandths % 10 != 0)
            self._meet(float(values[row := int((grouped if grouped.any() else fractions).argmax())]), row, column)
        if large.any():
            self._meet(int(values[row := int(large.argmax())]), row, column)

    def _meet(self, value: float, row: int, column: str) -> None:
        self.signs.meet(repr(value), self.delimiter, self.where(row, column), column)

    def _number(self, row: int, column: str, cell: object) -> float:
        if cell is None or cell != cell or is_missing(text := str(cell)):
            return float("nan")
        self.signs.meet(text, self.delimiter, self.where(row, column), column)
        try:
            return number(text, self.delimiter)
        except ValueError:
            raise not_a_number(text, self.where(row, column), is_first=self.frame.index[row] == _FIRST) from None

    def texts(self, column: str) -> list[str]:
        """Return a column as text, whole numbers without a fraction."""
        return ["" if cell is None or cell != cell else _plain(cell) for cell in self.frame[column].tolist()]


def _plain(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


@dataclass(frozen=True)
class TableFile:
    """A table, opened but not read.

    Attributes:
        path: Its file.
        columns: Names of its columns, in order.
        table: How its text is laid out; None for Parquet.
    """

    path: Path
    columns: tuple[str, ...]
    table: Table | None

    def parts(self, rows: int) -> Iterator[Part]:
        """Give the table `rows` rows at a time; memory is bounded by them.

        Raises:
            DataError: A row has not as many cells as the header, or the file is damaged.
        """
        yield from _parquet_parts(self.path, rows) if self.table is None else _text_parts(self.table, rows)


def is_table(path: Path) -> bool:
    """Tell by its name whether a file is a table."""
    return path.name.lower().endswith(TABLES)


def open_table_file(path: Path) -> TableFile:
    """Read what the columns of a table are called.

    Raises:
        DataError: It is missing, a folder, empty or damaged, or two columns have one name.
        SettingsError: Parquet is not installed.
    """
    if path.suffix.lower() in parquet.SUFFIXES:
        require_file(path, fix="Check the name.")
        sheet = TableFile(path, _parquet_columns(path), None)
    else:
        table = open_table(path)
        sheet = TableFile(path, table.columns, table)
    twice = sorted({name for name in sheet.columns if name and sheet.columns.count(name) > 1})
    if twice:
        raise DataError(
            f"several columns are called {twice[0]!r}", where=str(path), fix="Keep one of them or rename the other."
        )
    return sheet


def _text_parts(table: Table, rows: int) -> Iterator[Part]:
    for frame in _frames(table, rows):
        frame.columns = list(table.columns)
        yield Part(table.path, frame, "line", table.delimiter, table.signs)


def _frames(table: Table, rows: int) -> Iterator[pd.DataFrame]:
    """Give pieces of a file, without blank lines; the index is the line number."""
    import pandas as pd

    layout: dict[str, Any] = {"sep": table.delimiter, "header": None, "names": list(range(len(table.columns)))}
    layout |= {"skip_blank_lines": False, "skipinitialspace": True, "index_col": False}
    line = table.header + 1
    with table.body() as stream:
        try:
            for frame in pd.read_csv(stream, chunksize=rows, low_memory=False, **layout):
                frame.index = pd.RangeIndex(line, line + len(frame))
                line += len(frame)
                blank = frame.isna().all(axis=1)
                yield frame[~blank] if blank.any() else frame
        except pd.errors.EmptyDataError:
            return


def _parquet_columns(path: Path) -> tuple[str, ...]:
    with parquet.open_parquet(path) as file:
        try:
            return tuple(file.schema_arrow.names)
        except (UnicodeError, OSError) as error:
            raise parquet.unreadable(path, error) from error


def _parquet_parts(path: Path, rows: int) -> Iterator[Part]:
    import pandas as pd
    import pyarrow

    first = 1
    with parquet.open_parquet(path) as file:
        try:
            for batch in file.iter_batches(batch_size=rows):
                frame = batch.replace_schema_metadata(None).to_pandas()  # pandas' index is a column like others
                frame.index = pd.RangeIndex(first, first + len(frame))
                first += len(frame)
                yield Part(path, frame, "row")
        except (pyarrow.ArrowException, OSError, UnicodeError) as error:
            raise parquet.unreadable(path, error) from error
