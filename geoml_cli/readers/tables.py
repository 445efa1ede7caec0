"""Delimited text as spreadsheets write it: delimiter, encoding and line ends are found out."""

from __future__ import annotations

import codecs
import csv
import functools
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from geoml_cli.dataset.raw_files import special_kind
from geoml_cli.errors import DataError
from geoml_cli.readers.decimal_signs import DecimalSigns
from geoml_cli.readers.delimited import fitted_lines, rows
from geoml_cli.readers.rectangles import Shape, rectangle
from geoml_cli.readers.unpacking import UNREADABLE, LinesText, bounded_lines, open_bytes, unreadable
from geoml_cli.readers.workbooks import sheet_text

SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
MISSING = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "-", "--"))
_DELIMITERS = (",", ";", "\t", "|")
_JSON = re.compile(rb'(\xef\xbb\xbf)?\s*(\{|\[\s*\{)\s*"')
_CHUNK_BYTES = 1 << 20
_DECLARED = "sep="
"""Excel writes the delimiter into a line before the header: `sep=;`."""
_MOSTLY = 0.9
"""UTF-16 without a mark: of Latin letters every second byte is zero, of other letters those of signs and digits."""


@dataclass(frozen=True)
class Table:
    """A delimited text file, opened but not read.

    Attributes:
        path: Where it lies.
        columns: Names in the header, without surrounding blanks.
        delimiter: What stands between cells.
        encoding: How letters are stored.
        header: Line of the header, counted from 1.
        signs: Which decimal sign its numbers have been met with.
        content: Its bytes, where it is no file of its own; None where it is.
    """

    path: Path
    columns: tuple[str, ...]
    delimiter: str
    encoding: str
    header: int = 1
    signs: DecimalSigns = field(default_factory=DecimalSigns, compare=False)
    content: bytes | None = field(default=None, compare=False, repr=False)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Give (line number, cells) of every row that is not blank, streaming.

        Raises:
            DataError: A row has not as many cells as the header, or the file ends before its end.
        """
        with _text(self.path, self.encoding, self.content) as stream:
            yield from rows(self._body(stream), self.header + 1, self._shape)
        self.signs.settle()

    @contextmanager
    def body(self) -> Iterator[LinesText]:
        """Open what follows the header for another parser: its n-th line is the (header + n)-th of the file.

        Raises:
            DataError: While it is read, as for `rows`.
        """
        with _text(self.path, self.encoding, self.content) as stream:
            yield LinesText(self._rectangle(stream))
        self.signs.settle()

    def _rectangle(self, stream: IO[str]) -> Iterator[str]:
        try:
            yield from rectangle(stream, self.header, self._shape, partial(fitted_lines, shape=self._shape))
        except UNREADABLE as error:
            raise unreadable(self.path, error) from error

    def _body(self, stream: IO[str]) -> Iterator[str]:
        lines = readable_lines(stream, self.path)
        for _ in range(self.header):
            next(lines, "")
        return lines

    @property
    def _shape(self) -> Shape:
        return Shape(self.path, self.delimiter, len(self.columns))


def readable_lines(stream: IO[str], path: Path) -> Iterator[str]:
    """Give the lines of a text; a damaged file is refused where it is met."""
    try:
        yield from bounded_lines(stream, path)
    except UNREADABLE as error:
        raise unreadable(path, error) from error


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


def not_a_number(cell: str, location: str, *, is_first: bool) -> DataError:
    """Say that a cell is none, and what to write; the first row may be one of units."""
    fix = "Correct the cell, or leave it empty where there is no value."
    if cell.strip().endswith("%"):
        fix = "Write the number without the sign, in all rows (a sheet: as a number times 100), and name the unit %."
    if cell.strip().endswith("thousand"):
        fix = "Write it in full (a sheet: in a format such as General, which shows numbers as they are)."
    advice = " Delete the row if it is one of units." if is_first else ""
    return DataError(f"{cell!r} is not a number", where=location, fix=f"{fix}{advice}")


def require_file(path: Path, fix: str) -> None:
    """Refuse what is no file.

    Raises:
        DataError: It is missing, or a folder.
    """
    if path.is_dir():
        raise DataError("is a folder, not a file", where=str(path), fix="Give the CSV file itself.")
    if kind := special_kind(path):
        raise DataError(f"is {kind}, not a file", where=str(path), fix="Save what it gives as a file.")
    if not path.is_file():
        raise DataError("there is no such file", where=str(path), fix=fix)


def open_table(path: Path, content: bytes | None = None) -> Table:
    """Read the header of a delimited text file, plain or gzipped.

    Args:
        path: The file.
        content: Its bytes, where it is no file of its own: a member of an archive, which `path` names.

    Raises:
        DataError: It is missing, a folder, empty, or no text.
    """
    if content is None:
        require_file(path, fix="Check the name.")
    encoding = _encoding(path) if content is None else _encoding_of(io.BytesIO(content), path)
    with _text(path, encoding, content) as stream:
        lines = readable_lines(stream, path)
        # A sheet is given with tabs between its cells, whatever stands in their names.
        is_sheet = content is None and sheet_text(path) is not None
        header, declared = _first_line(lines, path), "\t" if is_sheet else ""
        is_declared = not declared and header.lower().startswith(_DECLARED) and len(header) == len(_DECLARED) + 1
        if is_declared:
            header, declared = _first_line(lines, path), header[-1]
    delimiter = declared or max(_DELIMITERS, key=_outside_quotes(header).count)
    number = 2 if is_declared else 1
    try:
        columns = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True))
    except csv.Error as error:
        raise DataError(
            "the header is no row of names", where=f"{path}, line {number}", fix="Give a CSV file with a header."
        ) from error
    return Table(path, tuple(name.strip() for name in columns), delimiter, encoding, number, content=content)


def read_through(path: Path) -> None:
    """Find the encoding of a table out, and its digest in the same pass; both are asked for later. Refuses nothing."""
    if path.name.lower().endswith(SUFFIXES):
        with suppress(DataError, OSError):
            _encoding(path)


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
        except UNREADABLE as error:
            raise unreadable(path, error) from error


def _first_line(lines: Iterator[str], path: Path) -> str:
    line = next(lines, "")
    if not line.strip():
        raise DataError("begins with no header", where=str(path), fix="The first line must name the columns.")
    return line.rstrip("\n")


def _outside_quotes(header: str) -> str:
    return "".join(header.split('"')[::2])


@contextmanager
def _text(path: Path, encoding: str, content: bytes | None = None) -> Iterator[IO[str]]:
    """Open as text; LF, CR LF and a bare CR all end a line."""
    with (
        _bytes(path) if content is None else io.BytesIO(content) as raw,
        io.TextIOWrapper(raw, encoding=encoding, newline=None) as stream,
    ):
        yield stream


@contextmanager
def _bytes(path: Path, *, digest: bool = False) -> Iterator[IO[bytes]]:
    """Open what is read as text: of a workbook its sheet."""
    text = sheet_text(path)
    with open_bytes(path, digest=digest) if text is None else io.BytesIO(text) as stream:
        yield stream


def _encoding(path: Path) -> str:
    """UTF-8 (or UTF-16) where the bytes allow it, else Latin-1."""
    status = path.stat()
    return _encoding_found(path, status.st_ino, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=4096)
def _encoding_found(path: Path, node: int, size: int, changed: int) -> str:
    """Read a file through once, however often it is opened; it is read again where it has changed."""
    try:
        # Raw files are digested as well: read through once, they are not read for that again.
        with _bytes(path, digest=True) as stream:
            return _encoding_of(stream, path)
    except UNREADABLE as error:
        raise unreadable(path, error) from error


def _encoding_of(stream: IO[bytes], path: Path) -> str:
    """Read a stream to its end, or to where its encoding is clear."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        chunk = stream.read(_CHUNK_BYTES)
        if wide := wide_encoding(chunk):
            return wide
        _refuse_json(chunk, path)
        while chunk:
            _refuse_binary(chunk, path)
            decoder.decode(chunk)
            chunk = stream.read(_CHUNK_BYTES)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def wide_encoding(chunk: bytes) -> str:
    """Tell UTF-16 by its mark, or by every second byte being zero; empty where the text is in another encoding."""
    if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    line = chunk[: 1 << 12]
    zeros = {name: line[first::2].count(0) for name, first in (("utf-16-le", 1), ("utf-16-be", 0))}
    for name, count in zeros.items():
        if count >= _MOSTLY * (len(line) // 2) > 0 and sum(zeros.values()) == count:
            return name
    return ""


def _refuse_json(chunk: bytes, path: Path) -> None:
    if _JSON.match(chunk):
        raise DataError(
            "holds JSON, not a table",
            where=str(path),
            fix="Save it as CSV; of GeoJSON, with columns of the coordinates.",
        )


def _refuse_binary(chunk: bytes, path: Path) -> None:
    if b"\x00" in chunk:
        raise DataError("holds binary data, not text", where=str(path), fix="Save it as CSV.")
