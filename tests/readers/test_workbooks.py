"""Sheets of Excel workbooks and Parquet as tables: the same cells as in CSV, with their rows, and what is refused."""

from __future__ import annotations

import datetime
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from openpyxl.chart import BarChart

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.arrow_tables import open_arrow
from geoml_cli.readers.points import RequestedColumns, find_table, read_points
from geoml_cli.readers.tables import open_table
from geoml_cli.readers.workbooks import sheet_text

WANTED = RequestedColumns(None, None, None, None, (("soc",),))
HEADER = ["id", "lon", "lat", "soc"]


def workbook(path: Path, *rows: list[Any], **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, content in sheets.items():
        sheet = book.create_sheet(title)
        for row in content:
            sheet.append(row)
    book.save(path)
    return path


def test_a_sheet_is_read_as_its_csv_export_is(tmp_path: Path) -> None:
    rows = [
        ["007", 21.065851, 41.9, 6.47],
        [],
        ["P 2,\n3", 0.3, 1e-7, "12,5"],
        ['a"b', 21, -41.0, None],
        [3, 1, 2, -9999],
    ]
    book = workbook(tmp_path / "points.xlsx", HEADER, *rows)
    points, columns = read_points(book, WANTED, geographic=True)
    assert (columns.x, columns.y, columns.target, columns.identity) == ("lon", "lat", "soc", "id")
    assert points.identity == ["007", "P 2, 3", 'a"b', "3"] and points.line.tolist() == [2, 4, 5, 6]
    np.testing.assert_array_equal(points.x, [21.065851, 0.3, 21, 1])
    np.testing.assert_array_equal(points.target, [6.47, 12.5, np.nan, np.nan])
    assert find_table(tmp_path, None) == book
    (tmp_path / "points.csv").write_text("id,lon,lat,soc\n1,2,3,4\n")
    assert find_table(tmp_path, None) == tmp_path / "points.csv", "a workbook next to a table is another thing"


def test_cells_are_written_as_they_are_shown(tmp_path: Path) -> None:
    row = [
        datetime.date(2020, 5, 1),
        datetime.datetime(2020, 5, 1, 6, 30),
        True,
        2.0,
        1e20,
        "#N/A",
        datetime.time(6, 30),
    ]
    book = workbook(tmp_path / "a.xlsx", list("abcdefg"), row)
    text = (sheet_text(book) or b"").decode().splitlines()
    assert text[1].split("\t") == ["2020-05-01", "2020-05-01 06:30:00", "True", "2", "1e+20", "#N/A", "06:30:00"]


def test_empty_and_hidden_sheets_are_none(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(workbook(tmp_path / "a.xlsx", HEADER, ["a", 1, 2, 3], Empty=[], Notes=[["hidden"]]))
    book["Notes"].sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    assert open_table(tmp_path / "a.xlsx").columns == tuple(HEADER)


def test_large_tables_read_sheets_as_well(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", HEADER, ["é", 1.5, 2, 3], ["b", None, 2, 3])
    [block] = open_arrow(book).blocks(["id"], ["lon"])
    assert block["id"].tolist() == ["é", "b"]
    np.testing.assert_array_equal(block["lon"], [1.5, np.nan])


def test_parquet_is_a_table_of_points(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["a", "b"], "lon": [1.5, 2.0], "lat": [3.25, np.nan], "soc": np.float32([4, 0.1])})
    frame["geometry"], frame["parts"] = [b"\x00", b"\x01"], [[1], [2, 3]]
    frame.to_parquet(tmp_path / "points.parquet")
    points, _ = read_points(tmp_path / "points.parquet", WANTED, geographic=True)
    np.testing.assert_array_equal(points.x, [1.5, 2])
    np.testing.assert_array_equal(points.y, [3.25, np.nan])
    np.testing.assert_array_equal(points.target, [4, np.float32(0.1)])
    (tmp_path / "points.parquet").write_bytes((tmp_path / "points.parquet").read_bytes()[:-30])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        open_table(tmp_path / "points.parquet")


def test_two_sheets_are_refused_and_one_left_alone_is_read(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", HEADER, ["a", 1, 2, 3], Notes=[["by whom"]])
    with pytest.raises(DataError, match=r"has 2 sheets with cells \(Sheet, Notes\)") as refused:
        open_table(book)
    assert "Leave the sheet of the table alone" in refused.value.fix
    opened = openpyxl.load_workbook(book)
    del opened["Notes"]
    opened.save(book)
    assert open_table(book).columns == tuple(HEADER)


def test_thousands_are_refused_and_a_plain_format_is_read(tmp_path: Path) -> None:
    """30820 in the format `0.00,` is shown as 30.82."""
    book = openpyxl.load_workbook(workbook(tmp_path / "a.xlsx", HEADER, ["a", 1, 2, 30820]))
    book.active["D2"].number_format = "#,##0.00,"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(DataError, match=r"'30.82 thousand' is not a number") as refused:
        read_points(tmp_path / "a.xlsx", WANTED, geographic=True)
    assert "such as General" in refused.value.fix
    for plain in ("#,##0.00", "General", "#,##0"):
        book.active["D2"].number_format = plain
        book.save(tmp_path / "a.xlsx")
        assert read_points(tmp_path / "a.xlsx", WANTED, geographic=True)[0].target.tolist() == [30820]


def test_percent_is_refused_and_a_plain_format_is_read(tmp_path: Path) -> None:
    """2.5 % is stored as 0.025: read as it is, a unit of percent would make it a hundredth."""
    book = openpyxl.load_workbook(workbook(tmp_path / "a.xlsx", HEADER, ["a", 1, 2, 0.025]))
    book.active["D2"].number_format = "0.0%"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(DataError, match=r"'2.5%' is not a number") as refused:
        read_points(tmp_path / "a.xlsx", WANTED, geographic=True)
    assert refused.value.where.endswith("a.xlsx, line 2, column soc")
    assert "(a sheet: as a number times 100), and name the unit %" in refused.value.fix
    for shown in ('0.0"%"', "0.0\\%"):  # a sign that only stands there
        book.active["D2"].number_format = shown
        book.save(tmp_path / "a.xlsx")
        assert read_points(tmp_path / "a.xlsx", WANTED, geographic=True)[0].target.tolist() == [0.025]
    book.active["D2"].number_format, book.active["D2"] = "General", 2.5
    book.save(tmp_path / "a.xlsx")
    assert read_points(tmp_path / "a.xlsx", WANTED, geographic=True)[0].target.tolist() == [2.5]


def test_formulas_without_results_are_refused(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", HEADER, ["a", 1, 2, "=B2*3"])
    with pytest.raises(DataError, match="formulas without their results"):
        open_table(book)
    calculated = tmp_path / "calculated.xlsx"
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(calculated, "w") as new:
        for name in old.namelist():
            # As a spreadsheet program saves it.
            text = old.read(name).replace(b"<v></v>", b"<v>3</v>").replace(b"<v />", b"<v>3</v>")
            new.writestr(name, text.replace(b' fullCalcOnLoad="1"', b""))
    assert read_points(calculated, WANTED, geographic=True)[0].target.tolist() == [3.0]


@pytest.mark.parametrize(
    "cell",
    [
        b"<x:c xmlns:x='http://schemas.openxmlformats.org/spreadsheetml/2006/main' r='D2'><x:f>B2*3</x:f></x:c>",
        b"<c r='D2'><f>B2*3</f> <v></v></c>",
        b"<c r='D2'><f><![CDATA[B2*3]]></f></c>",
        b"<c r='D2'><f>B2*3</f><v>0</v></c>",  # a placeholder, and the workbook asks to be calculated
    ],
)
def test_formulas_are_found_however_they_are_written(tmp_path: Path, cell: bytes) -> None:
    book = workbook(tmp_path / "a.xlsx", HEADER, ["a", 1, 2, "=B2*3"])
    other = tmp_path / "b.xlsx"
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            new.writestr(name, re.sub(rb'<c r="D2".*?</c>', cell, old.read(name)))
    with pytest.raises(DataError, match="formulas without their results"):
        open_table(other)


def test_a_chart_and_names_with_commas_are_no_obstacle(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    header = ["id", "lon", "lat", "soc (g/kg, 0-30 cm, dry, fine earth)"]
    for row in (header, ["a", 1, 2, 3]):
        book.active.append(row)
    book.create_chartsheet("chart").add_chart(BarChart())
    book.save(tmp_path / "a.xlsx")
    assert open_table(tmp_path / "a.xlsx").columns == tuple(header)
    (tmp_path / "README.txt").write_text("These are samples. Contact: me.\n")
    assert find_table(tmp_path, None) == tmp_path / "a.xlsx"


def test_times_of_a_zone_keep_it(tmp_path: Path) -> None:
    times = pd.date_range("2013-03-01", periods=26, freq="h", tz="UTC").tz_convert("Europe/Berlin")
    pd.DataFrame({"time": times}).to_parquet(tmp_path / "a.parquet", index=False)
    texts = (sheet_text(tmp_path / "a.parquet") or b"").decode().split("\n")[1:-1]
    assert pd.DatetimeIndex(pd.to_datetime(texts, utc=True)).equals(times.tz_convert("UTC"))


def test_other_spreadsheets_are_named(tmp_path: Path) -> None:
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    whole = workbook(tmp_path / "a.xlsx", HEADER, ["a", 1, 2, 3]).read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "wrong.xlsx").write_bytes(whole.replace(b"PK\x05\x06", b"PK\x05\x07"))
    for name, said in (("old.xls", "old format"), ("a.ods", "OpenDocument"), ("cut.xlsx", "is damaged"),
                       ("wrong.xlsx", "is damaged")):  # fmt: skip
        with pytest.raises(DataError, match=said) as refused:
            open_table(tmp_path / name)
        assert "CSV" in refused.value.fix
    with zipfile.ZipFile(tmp_path / "points.zip", "w") as archive:
        archive.writestr("points.csv", "id,lon\n")
    with pytest.raises(DataError, match="binary data"):
        open_table(tmp_path / "points.zip")


def test_a_workbook_made_to_fill_memory_is_refused(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", HEADER, ["a", 1, 2, 3])
    with zipfile.ZipFile(book, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet2.xml", b" " * (80 << 20))
    with pytest.raises(DataError, match="unpacks to more than 100 times its size"):
        open_table(book)


def test_wrong_cells_are_named_by_their_row(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", HEADER, ["a", 1, 2, 3], [], ["b", 1, 2, datetime.date(2024, 5, 1)])
    with pytest.raises(DataError, match="'2024-05-01' is not a number") as refused:
        read_points(book, WANTED, geographic=True)
    assert refused.value.where == f"{book}, line 4, column soc"


def test_without_openpyxl_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = workbook(tmp_path / "a.xlsx", HEADER)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(SettingsError, match="openpyxl, which is not installed") as refused:
        open_table(book)
    assert "geoml[excel]" in refused.value.fix
