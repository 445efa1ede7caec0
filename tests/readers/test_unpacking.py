"""Compressed tables: memory and time are bounded by the file's size, and damage is told in plain words."""

from __future__ import annotations

import gzip
import io

import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers.arrow_tables import open_arrow
from geoml_cli.readers.columns import open_table_file
from geoml_cli.readers.tables import open_table
from geoml_cli.readers.unpacking import LinesText, batches, bounded_lines, refuse_bomb, unreadable


def test_streams_that_grow_without_bound_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("geoml_cli.readers.unpacking._ALLOWANCE_BYTES", 1 << 20)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"-9999,-9999\n" * 400_000))
    for read in (open_table, open_table_file, open_arrow):
        with pytest.raises(DataError, match=r"unpacks to more than 100 times its size of 0\.0 MB") as told:
            read(path)
        assert told.value.where == str(path) and "unpack it yourself" in told.value.fix
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))  # as the message says
    assert open_table(path.with_suffix("")).columns == ("a", "b")


def test_tables_of_fill_values_alone_are_no_bombs(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"-9999,-9999\n" * 100_000))
    assert sum(1 for _ in open_table(path).rows()) == 100_000
    refuse_bomb(1 << 30, 1 << 25, "a file of a thirtieth")


@pytest.mark.parametrize("where", [1, 2, 3])
def test_lines_without_an_end_are_refused(tmp_path, where):
    lines = ["a,b", "1,2", "3,4"]
    lines[where - 1] = "9" * (5 << 20)
    (tmp_path / "t.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match="the line is longer than 4 MB: this is no table") as told:
        list(open_table(tmp_path / "t.csv").rows())
    assert told.value.where.endswith(f"line {where}")


def test_the_cause_decides_the_remedy(tmp_path):
    told = unreadable(tmp_path, PermissionError(13, "Permission denied"))
    assert "may not be read: permission denied" in str(told) and "chmod" in told.fix
    assert "compressed data are damaged or cut off" in str(unreadable(tmp_path, EOFError("x")))
    assert "Errno" not in str(unreadable(tmp_path, OSError(5, "Input/output error")))


def test_lines_are_given_in_pieces_of_any_size():
    text = "one\ntwo\n\nthree\n"
    for size in (1, 3, 5, 100):
        stream, found = LinesText(iter(text.splitlines(keepends=True))), ""
        while piece := stream.read(size):
            assert len(piece) <= size
            found += piece
        assert found == text


ARROW = {"a,b\n1,2\n1,2,3\n": "3 cells where the header has 2", "a,b\n1,2\n1,x5\n": "'x5' is not a number"}


@pytest.mark.parametrize("text", ARROW)
def test_no_words_of_the_parser_reach_the_user(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=ARROW[text]) as told:
        list(open_arrow(tmp_path / "t.csv").blocks([], ["a", "b"]))
    assert not any(word in str(told.value) for word in ("CSV parse", "conversion", "columns, got"))
    (tmp_path / "t.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match="cannot be read as Parquet: it is damaged or another format"):
        open_table_file(tmp_path / "t.parquet")


def test_lines_are_the_same_however_they_are_read(monkeypatch):
    text = "a,b\n" + "".join(f"{number},{'x' * (number % 37)}\n" for number in range(500)) + "\n\nlast"
    for size in (1, 7, 100, 1 << 13):
        monkeypatch.setattr("geoml_cli.readers.unpacking._READ_CHARS", size)
        for encoding in ("utf-8", "utf-16"):
            stream = io.TextIOWrapper(io.BytesIO(text.encode(encoding)), encoding=encoding, newline=None)
            assert list(bounded_lines(stream, "t")) == text.splitlines(keepends=True)
    parts = list(batches(iter(text.splitlines(keepends=True))))
    assert "".join(line for part in parts for line in part) == text and len(parts) < 12


def test_an_error_comes_after_the_lines_before_it():
    def lines():
        yield from (f"{number}\n" for number in range(1000))
        raise DataError("broken")

    found = []
    with pytest.raises(DataError, match="broken"):
        for batch in batches(lines()):
            found += batch
    assert found == [f"{number}\n" for number in range(1000)]


def test_batches_of_long_lines_are_small():
    lines = ["1\n", *("9" * 40_000 + "\n" for _ in range(5))]
    assert [len(batch) for batch in batches(iter(lines))] == [1, 2, 1, 1, 1]


def test_lines_that_are_made_are_not_asked_for_ahead():
    asked = []
    made = LinesText(asked.append(number) or f"{number}\n" for number in range(100))
    assert next(bounded_lines(made, "t")) == "0\n" and asked == [0]


def test_lines_before_the_cut_of_utf_16_come_first(tmp_path):
    (tmp_path / "t.csv").write_bytes("a,b\n1,2\n3\n5,6".encode("utf-16")[:-1])
    assert open_table(tmp_path / "t.csv").columns == ("a", "b")
    with pytest.raises(DataError, match="1 cells where the header has 2"):
        list(open_table(tmp_path / "t.csv").rows())
