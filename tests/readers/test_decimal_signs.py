"""Commas and points that may separate thousands."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers import time_series_csv
from geoml_cli.readers.columns import open_table_file
from geoml_cli.readers.decimal_signs import DecimalSigns
from geoml_cli.readers.points import RequestedColumns, read_points
from geoml_cli.readers.tables import open_table

HEADER = "id;x;y;SOC\n"
WANTED = RequestedColumns("x", "y", "SOC", "id", ())
AMBIGUOUS = {
    "next to a whole number": (["30820", "24,940", "23710"], r"'24,940' is ambiguous, next to 30820: every comma of"),
    "all of them": (
        ["30,820", "24,940"],
        r"'30,820' is ambiguous: every comma of the file is followed by three digits",
    ),
    "points before a last 0 next to a small one": (
        ["164", "2.821", "24.940"],
        r"'24.940' is ambiguous, next to 164: every",
    ),
    "points next to a whole number": (["30820", "24.940"], r"'24.940' is ambiguous, next to 30820: every point of"),
}
CLEAR = {
    "points with three decimals": (["30.820", "24.940"], [30.82, 24.94]),
    "a number with fewer": (["30,82", "24,940"], [30.82, 24.94]),
    "a number below one": (["0,820", "24,940"], [0.82, 24.94]),
    "whole numbers alone": (["30820", "24940"], [30820, 24940]),
    "a whole number of three digits": (["308", "24.941"], [308, 24.941]),
    "a last 0 and nothing": (["0", "24.940"], [0, 24.94]),
}


def points(folder: Path, cells: list[str]) -> list[float]:
    path = folder / "p.csv"
    path.write_text(HEADER + "".join(f"{k};504{k}53;4493656;{cell}\n" for k, cell in enumerate(cells)))
    return read_points(path, WANTED, geographic=False)[0].target.tolist()


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_sign_that_nothing_tells_is_refused_and_both_remedies_help(name: str, tmp_path: Path) -> None:
    cells, message = AMBIGUOUS[name]
    with pytest.raises(DataError, match=message) as refused:
        points(tmp_path, cells)
    assert "column SOC" in str(refused.value) and "p.csv, line" in str(refused.value)
    sign = "." if "point" in name else ","
    assert points(tmp_path, [cell.replace(sign, "") for cell in cells]) == [float(c.replace(sign, "")) for c in cells]
    decimals = [cell + "0" if sign in cell else cell for cell in cells]
    assert points(tmp_path, decimals) == [float(cell.replace(",", ".")) for cell in cells]


@pytest.mark.parametrize("name", CLEAR)
def test_a_sign_that_the_file_tells_is_read(name: str, tmp_path: Path) -> None:
    cells, expected = CLEAR[name]
    assert points(tmp_path, cells) == expected


def test_tables_of_columns_are_settled_at_their_end(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1;24,940\n2;30820\n")
    for rows in (1, 9):  # pandas reads a column of one row as whole numbers
        with pytest.raises(DataError, match="'24,940' is ambiguous"):
            [part.numbers("b") for part in open_table_file(path).parts(rows)]
    path.write_text("a;b\n1;24.941\n2;30820\n")
    with pytest.raises(DataError, match=r"'24\.941' is ambiguous, next to 30820"):
        [part.numbers("b") for part in open_table_file(path).parts(9)]
    path.write_text("a;b\n1.5;24.941\n2;30820\n")
    assert [part.numbers(name)[1] for part in open_table_file(path).parts(9) for name in ("a", "b")] == [2, 30820]
    path.write_text("a;b\n1,5;24,940\n2;30820\n")
    read = [part.numbers(name).tolist() for part in open_table_file(path).parts(9) for name in ("a", "b")]
    assert read == [[1.5, 2.0], [24.94, 30820.0]]


@pytest.mark.parametrize(
    "cells", [("24.940", "30820"), ("24.941", "308"), ("24.940", "308", "1.5"), ("24.940", "308", "0.5")]
)
def test_where_commas_separate_cells_less_is_to_tell(cells: tuple[str, ...]) -> None:
    signs = DecimalSigns()
    for cell in cells:
        signs.meet(cell, ",", "t.csv", "a")
    signs.settle()


def test_a_last_0_next_to_a_small_number_tells_where_commas_separate_cells(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("id,x,y,SOC\n0,504153,4493656,164\n1,504253,4493656,2.820\n")
    with pytest.raises(DataError, match=r"line 3, column SOC: '2.820' is ambiguous, next to 164"):
        read_points(path, WANTED, geographic=False)
    path.write_text("id,x,y,SOC\n0,504153,4493656,164\n1,504253,4493656,2.8200\n")
    assert read_points(path, WANTED, geographic=False)[0].target.tolist() == [164, 2.82]


def test_degrees_tell_the_sign(tmp_path: Path) -> None:
    """22725 is no longitude."""
    path = tmp_path / "p.csv"
    path.write_text("id;x;y;SOC\n0;22,725;41,264;30,820\n1;22,915;41,264;24,940\n")
    found, _ = read_points(path, WANTED, geographic=True)
    assert found.x.tolist() == [22.725, 22.915] and found.target.tolist() == [30.82, 24.94]
    with pytest.raises(DataError, match="is ambiguous"):
        read_points(path, WANTED, geographic=False)


def test_numbers_of_a_sheet_have_no_thousands_signs(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["id", "x", "y", "SOC"], [0, 22.725, 41.264, "85,62"], [1, 22.915, 41.5, "24,940"]):
        book.active.append(row)
    book.save(tmp_path / "p.xlsx")
    with pytest.raises(DataError, match="'24,940' is ambiguous"):
        read_points(tmp_path / "p.xlsx", WANTED, geographic=False)
    book.active["D3"] = "24,94"
    book.save(tmp_path / "p.xlsx")
    found, _ = read_points(tmp_path / "p.xlsx", WANTED, geographic=False)
    assert found.x.tolist() == [22.725, 22.915] and found.target.tolist() == [85.62, 24.94]


def test_a_number_below_one_tells_the_sign_of_a_series(tmp_path: Path) -> None:
    """Though the first number of three decimals is above it."""
    path = tmp_path / "t.csv"
    path.write_text("time;NEE\n2013-03-01T00:00;12,345\n2013-03-01T01:00;-0,123\n")
    assert time_series_csv.read(open_table(path), {"NEE": "NEE"}, {}).values["NEE"].tolist() == [12.345, -0.123]
    path.write_text("time;NEE\n2013-03-01T00:00;12,345\n2013-03-01T01:00;1123\n")
    with pytest.raises(DataError, match="'12,345' is ambiguous"):
        time_series_csv.read(open_table(path), {"NEE": "NEE"}, {})
