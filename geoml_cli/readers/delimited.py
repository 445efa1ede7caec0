"""Rows of delimited text: each has as many cells as the header, or is refused with its line."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from geoml_cli.errors import DataError
from geoml_cli.readers.rectangles import Shape


class _Record(NamedTuple):
    """One row: its first line, the lines it takes, its text, and its cells where some are quoted."""

    line: int
    span: int
    text: str
    quoted: list[str] | None


def rows(lines: Iterator[str], first: int, shape: Shape) -> Iterator[tuple[int, list[str]]]:
    """Give (line number, cells) of every row that is not blank.

    Args:
        lines: After the header.
        first: Number of the first of them.
        shape: How rows are made.

    Raises:
        DataError: A row has not as many cells as the header, or a quotation mark is not closed.
    """
    for record in _records(lines, first, shape):
        cells = record.quoted
        if cells is None:
            cells = [cell.lstrip(" ") for cell in record.text.rstrip("\n").split(shape.delimiter)]
        if any(cells):
            yield record.line, _fitted(cells, record.line, shape)


def fitted_lines(lines: Iterator[str], first: int, shape: Shape) -> Iterator[str]:
    """Give lines that all have the header's width.

    The n-th line is the n-th of the file: a quoted row of several lines is one line and blank ones.

    Raises:
        DataError: As for `rows`.
    """
    for record in _records(lines, first, shape):
        if record.quoted is None and record.text.count(shape.delimiter) == shape.width - 1:
            yield record.text
            continue
        yield _rewritten(record, shape)
        yield from itertools.repeat("\n", record.span - 1)


def _rewritten(record: _Record, shape: Shape) -> str:
    cells = record.quoted if record.quoted is not None else record.text.rstrip("\n").split(shape.delimiter)
    if not any(cell.strip() for cell in cells):
        return "\n"
    fitted = [" ".join(cell.split("\n")).replace('"', '""') for cell in _fitted(cells, record.line, shape)]
    if record.quoted is None:
        return shape.delimiter.join(fitted) + "\n"
    return shape.delimiter.join(f'"{cell}"' if cell else "" for cell in fitted) + "\n"


def _fitted(cells: list[str], line: int, shape: Shape) -> list[str]:
    """Cut empty cells beyond the header's, as spreadsheets leave them."""
    if len(cells) < shape.width or any(cell.strip() for cell in cells[shape.width :]):
        raise DataError(
            f"{len(cells)} cells where the header has {shape.width}",
            where=f"{shape.path}, line {line}",
            fix=f"Cells are separated by {shape.delimiter!r}: complete the row, quote cells that contain the sign, and "
            "write numbers without thousands signs.",
        )
    return cells[: shape.width]


def _records(lines: Iterator[str], first: int, shape: Shape) -> Iterator[_Record]:
    number = first
    for line in lines:
        if '"' not in line:
            yield _Record(number, 1, line, None)
            number += 1
            continue
        record = _quoted(line, lines, number, shape)
        yield record
        number += record.span


def _quoted(line: str, more: Iterator[str], number: int, shape: Shape) -> _Record:
    """Read a row with quotation marks, which may go on in the next lines."""
    taken: list[str] = []

    def source() -> Iterator[str]:
        for text in itertools.chain([line], more):
            taken.append(text)
            yield text
        raise csv.Error("the file ends inside a quotation")

    layout: dict[str, Any] = {"delimiter": shape.delimiter, "skipinitialspace": True}
    try:
        cells = next(csv.reader(source(), **layout))
        if len(taken) > 1:  # strict: where a mark was forgotten, text follows the next one
            next(csv.reader(iter(taken), strict=True, **layout))
    except csv.Error as error:
        raise DataError(
            "a quotation mark is not closed, or text follows one",
            where=f"{shape.path}, line {number}",
            fix="Close it, or take the quotation marks out.",
        ) from error
    return _Record(number, len(taken), "".join(taken), cells)
