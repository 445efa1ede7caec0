"""The same table in the forms that spreadsheets give it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers import tables
from geoml_cli.readers.tables import is_missing, number, open_table

TEXT = 'id,Größe,"n, x"\n1,2.5,a\n\n"two\nlines",-3e2,"b, c"\n4,,d'
ROWS = [["1", "2.5", "a"], ["two\nlines", "-3e2", "b, c"], ["4", "", "d"]]
FORMS = {
    "plain": TEXT.encode(),
    "mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "latin-1": TEXT.encode("latin-1"),
    "utf-16": TEXT.encode("utf-16"),
    "crlf": TEXT.replace("\n", "\r\n").encode(),
    "bare cr": TEXT.replace("\n", "\r").encode(),
    "gzip": gzip.compress(TEXT.encode()),
    "padded": TEXT.replace("\n4", ",,,\n4").encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_rows(tmp_path: Path, form: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(FORMS[form])
    table = open_table(path)
    assert table.columns == ("id", "Größe", "n, x")
    rows = list(table.rows())
    assert [cells for _, cells in rows] == ROWS
    assert [line for line, _ in rows] == [2, 4, 6]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f'"a,b;c"{delimiter}x{delimiter}y\n1{delimiter}2{delimiter}3\n')
    table = open_table(path)
    assert table.columns == ("a,b;c", "x", "y")
    assert list(table.rows()) == [(2, ["1", "2", "3"])]


def test_numbers() -> None:
    assert number(" 1,5 ", ";") == 1.5
    assert number("-1.5e-3", ",") == -0.0015
    for text, delimiter in (("1,5", ","), ("1.234,5", ";"), ("1_000", ","), ("<1", ",")):
        with pytest.raises(ValueError):
            number(text, delimiter)
    assert all(is_missing(text) for text in ("", " NA ", "nan", "N/A", "NULL", "-"))
    assert not any(is_missing(text) for text in ("0", "-1", "none of it"))


def test_a_cut_gzip_fails_where_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    rows = "\n".join(f"{n},{n * 7919 % 1000}" for n in range(5000))
    path.write_bytes(gzip.compress(f"a,b\n{rows}".encode())[:-500])
    with pytest.raises(DataError, match=r"t\.csv\.gz: cannot be read to its end"):
        list(open_table(path).rows())


def test_a_quoted_row_goes_on_behind_rows_that_were_checked_together(tmp_path: Path) -> None:
    rows = [f"{number},x" for number in range(2000)]
    rows[1500] = '1500,"x\ny"'
    rows[1700] = "1700,x,,"
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,b", *rows, "", "1,2,3"]))
    with open_table(path).body() as stream, pytest.raises(DataError, match="3 cells where the header has 2") as told:
        stream.read()
    assert told.value.where == f"{path}, line 2004"
    path.write_text("\n".join(["a,b", *rows]))
    with open_table(path).body() as stream:
        lines = stream.read().split("\n")
    assert (lines[1500], lines[1501], lines[1701]) == ('"1500","x y"', "", "1700,x") and len(lines) == 2001


def test_a_file_is_read_through_once_for_its_encoding_unless_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = tmp_path / "t.csv", []
    monkeypatch.setattr(tables, "wide_encoding", lambda chunk: seen.append(chunk) or "")
    path.write_bytes(b"a,b\n1,2\n")
    assert [open_table(path).encoding for _ in range(3)] == ["utf-8-sig"] * 3 and len(seen) == 1
    path.write_bytes(b"a,\xe9\n1,2,3\n")
    assert open_table(path).encoding == "latin-1" and len(seen) == 2
