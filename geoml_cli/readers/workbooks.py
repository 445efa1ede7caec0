"""Tables in files that are no text: a sheet of an Excel workbook, or Parquet, as tab-separated text.

What reads text then finds columns, decimal signs, missing cells and wrong rows in them as well; a row of a sheet is a
line of the text, and so messages name it. Tables of many millions of rows have a reader of their own (`columns`).
"""

from __future__ import annotations

import datetime
import functools
import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers import parquet
from geoml_cli.readers.decimal_signs import GROUPED
from geoml_cli.readers.unpacking import refuse_bomb

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

WORKBOOKS = (".xlsx", ".xlsm")
SUFFIXES = (*WORKBOOKS, *parquet.SUFFIXES)
_ZIP, _PARQUET, _OLD_EXCEL = b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0"
_BOOK, _KIND, _OPEN_DOCUMENT = "xl/workbook.xml", "mimetype", b"application/vnd.oasis.opendocument"
_RECALCULATED = b'fullCalcOnLoad="1"'
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
"""Of a number format: text that is shown as it stands, and colours or conditions."""
_THOUSANDS = re.compile(r"[0#?](,+)(?![0#?,])")
"""Commas behind the last digit: each leaves out three of the number's."""
_ROWS = 65_536
_SAVE = "Save it as .xlsx, or as CSV."
Cells = Iterator[Sequence[str]]


def sheet_text(path: Path) -> bytes | None:
    """Return a workbook's sheet, or a Parquet file, as tab-separated text in UTF-8; None for other files.

    Raises:
        DataError: It is damaged, protected, of another kind of spreadsheet, or has several sheets; or a
            cell is a formula whose result was not saved.
        SettingsError: The package that reads it is not installed.
    """
    status = path.stat()
    return _text(path, status.st_ino, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _text(path: Path, node: int, size: int, changed: int) -> bytes | None:
    """Read a file once, however often its text is asked for; again where it has changed."""
    with path.open("rb") as stream:
        mark = stream.read(4)
    if mark == _OLD_EXCEL:
        raise DataError("is an Excel workbook in the old format, or has a password", where=str(path), fix=_SAVE)
    if mark == _PARQUET:
        return _written(_parquet_rows(path))
    return _written(_sheet_rows(path)) if mark == _ZIP and _is_workbook(path) else None


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if _KIND in names and archive.read(_KIND).startswith(_OPEN_DOCUMENT):
                raise DataError("is an OpenDocument spreadsheet", where=str(path), fix=_SAVE)
            return _BOOK in names
    except (zipfile.BadZipFile, OSError, EOFError, zipfile.zlib.error):  # type: ignore[attr-defined]
        return path.suffix.lower() in SUFFIXES  # openpyxl will say that it is damaged


def _written(rows: Cells) -> bytes:
    """Write rows, none shorter than the first; what would end a cell or a row inside of one is a blank."""
    text, width = io.StringIO(), 0
    for cells in rows:
        width = width or len(cells)
        text.write("\t".join(_cell(cell) for cell in cells) + "\t" * (width - len(cells)) + "\n")
    return text.getvalue().encode("utf-8")


def _cell(text: str) -> str:
    flat = " ".join(text.split()) if any(sign in text for sign in "\t\r\n\v\f") else text
    return '"' + flat.replace('"', '""') + '"' if '"' in flat else flat


def _sheet_rows(path: Path) -> Cells:
    try:
        import openpyxl
    except ImportError as error:
        raise SettingsError(
            "Excel workbooks are read with openpyxl, which is not installed",
            where=str(path),
            fix='Install it: pip install "geoml[excel]"; or save the table as CSV.',
        ) from error
    try:
        _refuse_formulas(path)
        # Opened here: rows that are not read to their end keep openpyxl's own file open.
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validations that it leaves out
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            # Sheets of a chart are among them.
            sheet = _only_sheet([sheet for sheet in book.worksheets if hasattr(sheet, "iter_rows")], path)
            yield from ([_cell_text(cell) for cell in row] for row in sheet.iter_rows())
    except DataError:
        raise
    except Exception as error:  # a damaged workbook makes openpyxl fail in whatever way its bytes lead to
        raise DataError(
            "cannot be read as an Excel workbook: it is damaged", where=str(path), fix="Save it anew, or as CSV."
        ) from error


def _only_sheet(sheets: Sequence[ReadOnlyWorksheet], path: Path) -> ReadOnlyWorksheet:
    """Return the only visible sheet that holds anything."""
    for sheet in sheets:
        sheet.reset_dimensions()  # some programs write wrong ones, and rows would be cut
    filled = [sheet for sheet in sheets if sheet.sheet_state == "visible" and _holds_cells(sheet)]
    if len(filled) != 1:
        names = f" ({', '.join(sheet.title for sheet in filled)})" if filled else ""
        raise DataError(
            f"has {len(filled)} sheets with cells{names}, and one is read",
            where=str(path),
            fix="Leave the sheet of the table alone in the workbook, or save that sheet as CSV.",
        )
    return filled[0]


def _holds_cells(sheet: ReadOnlyWorksheet) -> bool:
    return any(cell is not None for row in sheet.iter_rows(values_only=True) for cell in row)


def _cell_text(cell: Any) -> str:  # noqa: ANN401  openpyxl is untyped
    """Write a cell; one that is shown as percent, or in thousands, as a text: its number is another than is shown."""
    if not isinstance(cell.value, int | float) or isinstance(cell.value, bool):
        return _shown(cell.value)
    shown = _LITERAL.sub("", cell.number_format or "")
    if "%" in shown:
        return f"{100 * cell.value:g}%"
    if (scaled := _THOUSANDS.search(shown)) is not None:
        return f"{cell.value / 1000 ** len(scaled[1]):g}{len(scaled[1]) * ' thousand'}"
    return _shown(cell.value)


def _shown(value: object) -> str:
    """Write a cell as a CSV export would: whole numbers without a fraction, times as ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, float):
        text = "" if value != value else str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        return f"{text}0" if GROUPED.fullmatch(text) else text  # a number of a sheet has no thousands signs
    if isinstance(value, datetime.datetime):
        # Midnight of a zone is a moment, not a day.
        is_day = value.time() == datetime.time() and value.tzinfo is None
        return value.date().isoformat() if is_day else value.isoformat(sep=" ")
    return str(value)


def _refuse_formulas(path: Path) -> None:
    """Refuse formulas whose results are not in the file: they would be read as empty cells, or as a placeholder 0."""
    with zipfile.ZipFile(path) as archive:
        refuse_bomb(sum(part.file_size for part in archive.infolist()), path.stat().st_size, str(path))
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        formulas = [result for name in sheets for result in _results(archive, name)]
        # Programs that do not calculate ask the next one to do so; a spreadsheet program takes that out as it saves.
        if not any(found is None for found in formulas) and not (formulas and _RECALCULATED in archive.read(_BOOK)):
            return
    raise DataError(
        "holds formulas without their results: a program wrote it that does not calculate",
        where=str(path),
        fix="Open it in a spreadsheet program and save it, or save it as CSV.",
    )


def _results(archive: zipfile.ZipFile, name: str) -> Iterator[str | None]:
    """Give the result of every formula of a sheet, None where there is none; an empty text is one, and says so."""
    with archive.open(name) as stream:
        for _, element in ElementTree.iterparse(stream):
            if _local(element) == "row":
                element.clear()
            parts = {_local(part): part.text or "" for part in element} if _local(element) == "c" else {}
            if "f" in parts:
                yield parts.get("v") or ("" if element.get("t") == "str" else None)


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _parquet_rows(path: Path) -> Cells:
    with parquet.open_parquet(path) as file:
        import pyarrow

        # Geometries and lists are no cells.
        plain = [field.name for field in file.schema_arrow if not (pyarrow.types.is_nested(field.type)
                 or pyarrow.types.is_binary(field.type) or pyarrow.types.is_large_binary(field.type))]  # fmt: skip
        yield plain
        try:
            for batch in file.iter_batches(batch_size=_ROWS, columns=plain):
                yield from zip(
                    *([_shown(cell) for cell in column.to_pylist()] for column in batch.columns), strict=True
                )
        except (pyarrow.ArrowException, OSError, UnicodeError) as error:
            raise parquet.unreadable(path, error) from error
