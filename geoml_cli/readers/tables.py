"""Delimited text as spreadsheets write it: delimiter, encoding and line ends are found out."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from geoml_cli.errors import DataError

SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
MISSING = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "-", "--"))
_DELIMITERS = (",", ";", "\t", "|")
_CHUNK_BYTES = 1 << 20
_UNREADABLE = (OSError, EOFError, zlib.error, UnicodeError)  # a truncated gzip ends in any of the first three


@dataclass(frozen=True)
class Table:
    """A delimited text file, opened but not read.

    Attributes:
        path: Where it lies.
        columns: Names in the header, without surrounding blanks.
        delimiter: What stands between cells.
        encoding: How letters are stored.
    """

    path: Path
    columns: tuple[str, ...]
    delimiter: str
    encoding: str

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Give (line number, cells) of every row that is not blank, streaming.

        Raises:
            DataError: A row has not as many cells as the header, or the file ends before its end.
        """
        with _text(self.path, self.encoding) as stream:
            for line, cells in _numbered(stream, self.delimiter, self.path):
                if any(cells):
                    yield line, self._fitted(line, cells)

    @contextmanager
    def text(self) -> Iterator[IO[str]]:
        """Open the whole file as text, header included."""
        with _text(self.path, self.encoding) as stream:
            yield stream

    def _fitted(self, line: int, cells: list[str]) -> list[str]:
        width = len(self.columns)
        if len(cells) < width or any(cells[width:]):
            raise DataError(
                f"{len(cells)} cells where the header has {width}",
                where=f"{self.path}, line {line}",
                fix=f"The delimiter was taken to be {self.delimiter!r}; quote cells that contain it.",
            )
        return cells[:width]


def _numbered(lines: IO[str], delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Give rows after the header with the number of the line they begin on."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    start = 1
    try:
        for cells in reader:
            if start > 1:
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"is not delimited text ({error})", where=f"{path}, line {start}", fix="Give a CSV file."
        ) from error
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error


def number(cell: str, delimiter: str) -> float:
    """Read a number; a comma is the decimal sign where cells are not separated by commas.

    Raises:
        ValueError: It is no number.
    """
    text = cell.strip()
    if "_" in text:
        raise ValueError(text)  # Python alone reads 1_000 as a number
    return float(text.replace(",", ".") if delimiter != "," else text)


def is_missing(cell: str) -> bool:
    """Return whether a cell says that there is no value."""
    return cell.strip().lower() in MISSING


def require_file(path: Path, fix: str) -> None:
    """Refuse what is no file.

    Raises:
        DataError: It is missing, or a folder.
    """
    if path.is_dir():
        raise DataError("is a folder, not a file", where=str(path), fix="Give the CSV file itself.")
    if not path.is_file():
        raise DataError("there is no such file", where=str(path), fix=fix)


def open_table(path: Path) -> Table:
    """Read the header of a delimited text file, plain or gzipped.

    Raises:
        DataError: It is missing, a folder, empty, or no text.
    """
    require_file(path, fix="Check the name.")
    encoding = _encoding(path)
    with _text(path, encoding) as stream:
        header = _first_line(stream, path)
    delimiter = max(_DELIMITERS, key=_outside_quotes(header).count)
    try:
        columns = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise DataError(f"the header cannot be read ({error})", where=f"{path}, line 1") from error
    return Table(path, tuple(name.strip() for name in columns), delimiter, encoding)


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """Open a text file of any layout, plain or gzipped; all three line ends are read.

    Raises:
        DataError: It is missing, a folder, damaged, or no text.
    """
    require_file(path, fix="Check the name.")
    with _text(path, _encoding(path)) as stream:
        try:
            yield stream
        except _UNREADABLE as error:
            raise _unreadable(path, error) from error


def _first_line(stream: IO[str], path: Path) -> str:
    try:
        line = stream.readline(_CHUNK_BYTES)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error
    if not line.strip():
        raise DataError("begins with no header", where=str(path), fix="The first line must name the columns.")
    return line.rstrip("\n")


def _outside_quotes(header: str) -> str:
    return "".join(header.split('"')[::2])


@contextmanager
def _text(path: Path, encoding: str) -> Iterator[IO[str]]:
    """Open as text; LF, CR LF and a bare CR all end a line."""
    with _bytes(path) as raw, io.TextIOWrapper(raw, encoding=encoding, newline=None) as stream:
        yield stream


@contextmanager
def _bytes(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as probe:
        packed = probe.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as stream:
        yield stream  # type: ignore[misc]


def _encoding(path: Path) -> str:
    """UTF-8 (or UTF-16 by its mark) where the bytes allow it, else Latin-1."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _bytes(path) as stream:
            chunk = stream.read(_CHUNK_BYTES)
            if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16"
            while chunk:
                _refuse_binary(chunk, path)
                decoder.decode(chunk)
                chunk = stream.read(_CHUNK_BYTES)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error
    return "utf-8-sig"


def _refuse_binary(chunk: bytes, path: Path) -> None:
    if b"\x00" in chunk:
        raise DataError("holds binary data, not text", where=str(path), fix="Save it as CSV.")


def _unreadable(path: Path, error: BaseException) -> DataError:
    return DataError(f"cannot be read to its end ({error})", where=str(path), fix="Get the file again.")
