"""Delimited text by pyarrow: some columns of a table as typed arrays, block by block."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.raw_files import not_permitted
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.tables import open_table
from geoml_cli.readers.workbooks import sheet_text

_BLOCK_BYTES = 1 << 22
_MISSING = ["", "NA", "N/A", "#N/A", "nan", "NaN", "NAN", "null", "NULL", "None", "none", "-", "--"]
_COMMA, _POINT = (re.compile(rf"[-+]?\d*{sign}\d+(?:[eE][-+]?\d+)?") for sign in (",", r"\."))
_FIRST_ROWS = 100_000
"""Rows that tell the decimal sign."""
_ROW = re.compile(r"Row #(\d+)")
_CELLS = re.compile(r"Expected (\d+) columns, got (\d+)")
_NO_NUMBER = re.compile(r"invalid value '(.{0,40}?)'")
_ARRAY = re.compile(r"invalid value '(\[.*)'")


@dataclass(frozen=True)
class ArrowTable:
    """A delimited text file, opened but not read.

    Attributes:
        path: Where it lies.
        columns: Names in its header.
        delimiter: Between cells.
        encoding: As Python names it.
        header: Line of the header, counted from 1.
    """

    path: Path
    columns: tuple[str, ...]
    delimiter: str
    encoding: str
    header: int = 1

    def column(self, names: Sequence[str], meaning: str) -> str:
        """Return the first of some names that is a column, or one that an export has renamed to `NAME_1`.

        Raises:
            DataError: There is none.
        """
        for name in (*names, *(f"{name}_1" for name in names)):
            if name in self.columns:
                return name
        raise DataError(
            f"there is no column {' or '.join(names)} ({meaning})",
            where=str(self.path),
            fix=f"It has: {', '.join(name for name in self.columns[:12])}{' ...' * (len(self.columns) > 12)}.",
        )

    def blocks(
        self,
        texts: Sequence[str],
        numbers: Sequence[str],
        heads: Mapping[str, int] | None = None,
        joined: Joined | None = None,
    ) -> Iterator[dict[str, NDArray[Any]]]:
        """Give columns block by block: texts as str, numbers as float64 with NaN where a cell is empty.

        Rows of empty cells, as spreadsheets leave them, are left out.

        Args:
            texts: Columns of text.
            numbers: Columns of numbers.
            heads: Letters that are kept of a text, by column; 0 for all. Long names that all differ cost time.
            joined: Columns that are given as one text as well.

        Raises:
            DataError: A row has not as many cells as the header, a cell is no number, or the file is damaged.
        """
        more = [name for name in (joined.columns if joined else ()) if name in self.columns]
        with _explained(self.path), self._reader(list(dict.fromkeys([*texts, *more])), numbers) as reader:
            for batch in map(_without_empty_rows, reader):
                found: dict[str, NDArray[Any]] = {}
                if joined:
                    found[joined.name] = _texts(_joined(batch, joined), 0)
                for name in texts:
                    found[name] = _texts(batch.column(name), (heads or {}).get(name, 0))
                for name in numbers:
                    found[name] = batch.column(name).to_numpy(zero_copy_only=False)
                yield found

    def _reader(self, texts: Sequence[str], numbers: Sequence[str]) -> Any:  # noqa: ANN401  pyarrow is untyped
        import pyarrow
        from pyarrow import csv

        text = sheet_text(self.path)
        with self.path.open("rb") as probe:
            packed = text is None and probe.read(2) == b"\x1f\x8b"
        kinds = {**dict.fromkeys(texts, pyarrow.string()), **dict.fromkeys(numbers, pyarrow.float64())}
        encoding = "utf8" if self.encoding == "utf-8-sig" else self.encoding
        return csv.open_csv(
            pyarrow.input_stream(
                self.path if text is None else io.BytesIO(text), compression="gzip" if packed else None
            ),
            read_options=csv.ReadOptions(
                use_threads=False,
                block_size=_BLOCK_BYTES,
                encoding=encoding,
                column_names=self.columns,
                skip_rows=self.header,
            ),
            parse_options=csv.ParseOptions(delimiter=self.delimiter),
            convert_options=csv.ConvertOptions(
                include_columns=list(kinds),
                column_types=kinds,
                null_values=_MISSING,
                strings_can_be_null=True,
                decimal_point=_decimal(self, numbers),
            ),
        )


class Joined(NamedTuple):
    """Columns of text that are given as one; a column that the table does not have is an empty text.

    Attributes:
        name: Of the joined text.
        columns: In their order.
        separator: Between them.
    """

    name: str
    columns: tuple[str, ...]
    separator: str


def _without_empty_rows(batch: Any) -> Any:  # noqa: ANN401  pyarrow is untyped
    """Leave out rows of which no cell that is read holds anything."""
    from pyarrow import compute

    if not all(column.null_count for column in batch.columns):
        return batch
    empty = np.all([compute.is_null(column).to_numpy(zero_copy_only=False) for column in batch.columns], axis=0)
    return batch.filter(~empty) if empty.any() else batch


def _joined(batch: Any, joined: Joined) -> Any:  # noqa: ANN401  pyarrow is untyped
    import pyarrow
    from pyarrow import compute

    there = batch.schema.names
    empty = pyarrow.array([""] * len(batch), pyarrow.string())
    # Stripped one by one: what two files write around a comma must not make two stations of one.
    parts = [
        compute.fill_null(compute.utf8_trim_whitespace(batch.column(name)), "") if name in there else empty
        for name in joined.columns
    ]
    return compute.binary_join_element_wise(*parts, joined.separator)


def open_arrow(path: Path) -> ArrowTable:
    """Read the header of a table.

    Raises:
        DataError: It is missing, a folder, empty or no text, or two columns have one name.
        SettingsError: pyarrow is not installed.
    """
    table = open_table(path)
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "large tables are read with pyarrow, which is not installed",
            where=str(path),
            fix='Install it: pip install "geoml[soil]".',
        ) from error
    twice = sorted({name for name in table.columns if name and table.columns.count(name) > 1})
    if twice:
        raise DataError(f"several columns are called {twice[0]!r}", where=str(path), fix="Keep one of them.")
    return ArrowTable(path, table.columns, table.delimiter, table.encoding, table.header)


def _decimal(table: ArrowTable, numbers: Sequence[str]) -> str:
    """Return the decimal sign of a table: that of most of its first numbers, where cells are not separated by commas.

    A table with both signs is refused when it is read: one of them is then no part of a number.
    """
    if table.delimiter == "," or not numbers:
        return "."
    places = [table.columns.index(name) for name in numbers]
    rows = islice(open_table(table.path).rows(), _FIRST_ROWS)
    cells = [row[place].strip() for _, row in rows for place in places]
    commas, points = (sum(bool(pattern.fullmatch(cell)) for cell in cells) for pattern in (_COMMA, _POINT))
    return "," if commas > points else "."


def location(path: Path, column: str, cell: str) -> str:
    """Name the line of the first cell that holds a text, with or without dashes, for messages."""
    table = open_table(path)
    place = table.columns.index(column) if column in table.columns else None
    lines = (line for line, cells in table.rows() if place is not None and _holds(cells[place], cell))
    line = next(lines, None)
    return f"{path}{'' if line is None else f', line {line}'}, column {column}"


def _holds(cell: str, text: str) -> bool:
    return text in (cell.strip(), cell.strip().replace("-", ""))


def _texts(column: Any, head: int) -> NDArray[np.str_]:  # noqa: ANN401
    """Turn cells to text, each different one once; an empty cell is an empty text."""
    if head:
        from pyarrow import compute

        column = compute.utf8_slice_codeunits(column, 0, head)
    coded = column.dictionary_encode()
    names = np.array([*(str(name).strip() for name in coded.dictionary.to_pylist()), ""], dtype=np.str_)
    place = coded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
    return np.asarray(names[place])


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, EOFError, UnicodeError) as error:
        reason = " ".join(str(error).split())[:300]
        if (array := _ARRAY.search(reason)) is not None:
            raise DataError(
                f"a cell holds an array, {array[1][:40]!r}, not a number",
                where=str(path),
                fix="The export failed or reduced to lists: export it again with a mean or mode reducer.",
            ) from error
        if "Empty CSV" in reason:
            return
        if isinstance(error, PermissionError):
            raise not_permitted(path) from error
        raise _explanation(path, reason) from error


def _explanation(path: Path, reason: str) -> DataError:
    """Say in the words of the other readers of tables what pyarrow refuses."""
    row = _ROW.search(reason)
    place = f"{path}, row {row[1]}" if row else str(path)
    if (found := _CELLS.search(reason)) is not None:
        return DataError(
            f"{found[2]} cells where the header has {found[1]}",
            where=place,
            fix="Complete the row, quote cells that contain the delimiter, and write numbers without thousands signs.",
        )
    if (found := _NO_NUMBER.search(reason)) is not None:
        return DataError(
            f"{found[1]!r} is not a number",
            where=place,
            fix="Correct the cell, or leave it empty where there is no value.",
        )
    return DataError("cannot be read as a table: it is damaged or cut off", where=str(path), fix="Get the file again.")
