"""How a file is laid out: comment lines, header, and as many cells in every row as the header has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO

from geoml_cli.errors import DataError
from geoml_cli.readers.rectangles import Shape, rectangle
from geoml_cli.readers.unpacking import bounded_lines
from geoml_cli.sources.fluxnet.text_files import TextFile
from geoml_cli.sources.fluxnet.times import STEPS

START, END = "TIMESTAMP_START", "TIMESTAMP_END"
TIMES = (START, "TIMESTAMP", END)
"""The first that is there is taken."""
DOWNLOAD_AGAIN = "Get the file again."
_MOST_COMMENTS = 100
_DECIMALS = re.compile(r"\.0*$")
_COMMENTS = ("#", '"#', "sep=")
"""What begins a line before the header; the last is Excel's, which names the delimiter."""
_OTHER_DELIMITERS = (";", "\t", "|")


@dataclass(frozen=True)
class Layout:
    """A file, opened but not read.

    Attributes:
        text: The file.
        columns: Names in the header.
        header: Line of the header, counted from 1.
        first: Cells of the first row; empty where there is none.
    """

    text: TextFile
    columns: tuple[str, ...]
    header: int
    first: tuple[str, ...]

    @property
    def time(self) -> str:
        """Return the column that holds the time, or its start; its end where there is nothing else."""
        return next(name for name in TIMES if name in self.columns)


def has_times(text: TextFile) -> bool:
    """Return whether a file has FLUXNET's columns of time, whatever separates them."""
    with text.open() as stream:
        _, line = _header(bounded_lines(stream, str(text)))
    return any(line.lstrip('"').startswith(name) or f"{name}," in line for name in TIMES)


def open_layout(text: TextFile) -> Layout:
    """Read the header.

    Raises:
        DataError: The file is empty, not separated by commas, or has no time.
    """
    with text.open() as stream:
        lines = bounded_lines(stream, str(text))
        number, line = _header(lines)
        first = _cells(next(lines, ""))
    if not line.strip():
        raise DataError("is empty", where=str(text), fix=f"{DOWNLOAD_AGAIN[:-1]}, or take it away.")
    columns = _cells(line)
    if not any(name in columns for name in TIMES):
        raise _no_time(text, number, line)
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise DataError(
            f"two columns are called {twice[0]!r}", where=f"{text}, line {number}", fix="Keep one or rename one."
        )
    return Layout(text, columns, number, first if first != ("",) else ())


def _header(lines: Iterator[str]) -> tuple[int, str]:
    """Return the first line that is neither a comment nor blank, and its number."""
    line = ""
    for number in range(1, _MOST_COMMENTS):
        line = next(lines, "")
        if not line or not (line.startswith(_COMMENTS) or not line.strip(", \t\n")):
            return number, line
    return _MOST_COMMENTS, line


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip().strip('"').strip() for cell in line.rstrip("\n").split(","))


def _no_time(text: TextFile, number: int, line: str) -> DataError:
    for delimiter in _OTHER_DELIMITERS:
        if delimiter in line and "TIMESTAMP" in line:
            return DataError(
                f"cells are separated by {delimiter!r}, not by commas",
                where=f"{text}, line {number}",
                fix="Save it with commas between cells and points in numbers, as FLUXNET does, or "
                f"{DOWNLOAD_AGAIN.lower()}",
            )
    shown = line.strip() if len(line) < 80 else f"{line[:80].strip()} ..."
    return DataError(
        f"is not a FLUXNET file: it has no column TIMESTAMP or TIMESTAMP_START (it begins with {shown!r})",
        where=f"{text}, line {number}",
        fix="Give files as FLUXNET or AmeriFlux ship them, with their header.",
    )


def resolution(layout: Layout) -> str:
    """Tell the resolution by the columns of time and the first row; empty where they do not say."""
    if not layout.first or len(layout.first) < len(layout.columns):
        return ""
    cells = dict(zip(layout.columns, layout.first, strict=False))
    # pandas writes a column of whole numbers with decimals once a row of it was missing.
    start, end = (_DECIMALS.sub("", cell) for cell in (cells[layout.time], cells.get(END, "")))
    if not start.isdecimal():
        return ""
    if layout.time == START and len(start) == len(end) == 8:
        return "WW"
    if layout.time == START:
        return _subdaily(start, end)
    return {8: "DD", 6: "MM", 4: "YY"}.get(len(start), "")


def _subdaily(start: str, end: str) -> str:
    if not (end.isdecimal() and len(start) == len(end) == 12):
        return ""
    (hour, minute), (until, last) = ((int(text[8:10]), int(text[10:])) for text in (start, end))
    length = (until * 60 + last - hour * 60 - minute) % 1440
    return next((code for code in ("HH", "HR") if STEPS[code].minutes == length), "")


def rows(stream: IO[str], layout: Layout) -> Iterator[str]:
    """Give the lines after the header, some at a time; refuse rows with fewer or more cells: pandas fills or cuts them.

    Raises:
        DataError: There is one; with its line.
    """
    # A stray quotation mark must not swallow the rows up to the next one.
    shape = Shape(str(layout.text), ",", len(layout.columns), has_quotes=False)
    yield from rectangle(stream, layout.header, shape, partial(_checked_rows, layout=layout))


def _checked_rows(lines: Iterator[str], first: int, layout: Layout) -> Iterator[str]:
    commas = len(layout.columns) - 1
    for number, line in enumerate(lines, start=first):
        if line.count(",") != commas and line.strip():
            raise DataError(
                f"{line.count(',') + 1} cells where the header has {commas + 1}",
                where=f"{layout.text}, line {number}",
                fix=f"The file is cut off or damaged, or numbers are written with commas: {DOWNLOAD_AGAIN.lower()}",
            )
        yield line
