"""Rows checked many at once are those that are checked one by one."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoml_cli.errors import DataError
from geoml_cli.readers import rectangles
from geoml_cli.readers.delimited import fitted_lines
from geoml_cli.readers.rectangles import Shape, rectangle
from geoml_cli.readers.tables import Table

CELLS = st.sampled_from(["1", "2.5", "", " ", '"a"', '"b\n3"', '"', "é", "x y"])
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "\n\n"])


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Draw a table of three columns, most of its rows whole."""
    rows = draw(st.lists(st.lists(CELLS, min_size=3, max_size=3) | st.lists(CELLS, max_size=5), max_size=12))
    text = draw(st.sampled_from(["a,b,c\n", "a,b,c\r\n", "\ufeffa,b,c\n", "a,b,c\r"]))
    text += "".join(",".join(cells) + draw(ENDS) for cells in rows)
    return (text.rstrip("\r\n") if draw(st.booleans()) else text).encode()


def given_lines(lines: Iterator[str]) -> tuple[str, str]:
    """Return lines as one text, and what they were refused with."""
    taken = []
    try:
        for text in lines:
            taken.append(text)
    except DataError as error:
        return "", str(error)
    return "".join(taken), ""


def whole_lines(lines: Iterator[str], first: int) -> Iterator[str]:
    """Give lines of three columns, whatever their quotation marks."""
    for number, line in enumerate(lines, start=first):
        if line.count(",") != 2 and line.strip():
            raise DataError("not three cells", where=f"line {number}", fix="Write three.")
        yield line


@settings(max_examples=300, deadline=None)
@given(tables(), st.integers(1, 40), st.booleans())
def test_rows_checked_at_once_are_those_checked_one_by_one(table: bytes, size: int, has_quotes: bool) -> None:
    shape = Shape("t.csv", ",", 3, has_quotes)
    lines = partial(fitted_lines, shape=shape) if has_quotes else whole_lines
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rectangles, "_BLOCK_BYTES", size)
        at_once = given_lines(rectangle(io.TextIOWrapper(io.BytesIO(table), "utf-8-sig"), 1, shape, lines))
        one_by_one = given_lines(rectangle(io.StringIO(table.decode("utf-8-sig"), newline=None), 1, shape, lines))
    assert at_once == one_by_one


def test_a_fault_of_the_file_comes_after_its_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    rows = b"".join(b"%d,%d\n" % (row, row * 7919) for row in range(200_000))
    path.write_bytes(gzip.compress(b"a,b\n" + rows)[:-30_000])
    taken = 0
    damaged = pytest.raises(DataError, match=r"t\.csv\.gz: cannot be read to its end: its compressed data are damaged")
    with damaged, Table(path, ("a", "b"), ",", "utf-8-sig").body() as body:
        while line := body.readline():
            taken += line.count("\n")
    assert 100_000 < taken < 200_000
