"""Rows with more or fewer cells than the header are refused with their line by every reader of tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers import places, points, time_series_csv
from geoml_cli.readers.columns import open_table_file
from geoml_cli.readers.tables import open_table

HEADER = "time,lon,lat,soc,name"
GOOD = "2013-03-01T00:00,10.5,50,1.5,x"


def by_points(path: Path) -> None:
    wanted = points.RequestedColumns("lon", "lat", "soc", None, ())
    points.read_points(path, wanted, geographic=True)


def by_places(path: Path) -> None:
    list(places.read_points(path, "EPSG:4326", 3))


def by_columns(path: Path) -> None:
    for part in open_table_file(path).parts(2):
        for name in ("lon", "lat", "soc"):
            part.numbers(name)


def by_time(path: Path) -> None:
    time_series_csv.read(open_table(path), {"lon": "lon", "soc": "soc"}, {"name": "name"})


def by_rows(path: Path) -> None:
    list(open_table(path).rows())


READERS: list[Callable[[Path], None]] = [by_points, by_places, by_columns, by_time, by_rows]
RAGGED = {
    "short": ("2013-03-01T00:00,10.5,50,1.5", "4 cells where the header has 5"),
    "short, with quotes": ('2013-03-01T00:00,10.5,50,"x"', "4 cells where the header has 5"),
    "long": ("2013-03-01T00:00,10,5,50,1.5,x", "6 cells where the header has 5"),
    "long, with quotes": ('2013-03-01T00:00,10,5,50,1.5,"x"', "6 cells where the header has 5"),
    "thousands signs": ("2013-03-01T00:00,10.5,50,1,000,x", "6 cells where the header has 5"),
}


@pytest.mark.parametrize("name", RAGGED)
@pytest.mark.parametrize("read", READERS)
def test_a_ragged_row_is_refused_with_its_line(tmp_path, read, name):
    row, message = RAGGED[name]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([HEADER, GOOD, "", GOOD, row, GOOD]) + "\n")
    with pytest.raises(DataError, match=message) as told:
        read(path)
    assert told.value.where == f"{path}, line 5"


@pytest.mark.parametrize("read", READERS)
def test_a_forgotten_quotation_mark_swallows_no_rows(tmp_path, read):
    path = tmp_path / "t.csv"
    for rest in ([GOOD, GOOD], [GOOD, GOOD[:-1] + '"y"', GOOD]):
        path.write_text("\n".join([HEADER, GOOD[:-1] + '"x', *rest]) + "\n")
        with pytest.raises(DataError, match="a quotation mark is not closed") as told:
            read(path)
        assert told.value.where == f"{path}, line 2"


def test_lines_are_counted_past_cells_of_several_lines(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\n".join([HEADER, GOOD[:-1] + '"two\nlines"', GOOD, GOOD.replace("1.5", "1.5x")]) + "\n")
    for read in (by_points, by_columns, by_time):
        with pytest.raises(DataError, match=r"1.5x") as told:
            read(path)
        assert "line 5" in told.value.where
    parts = list(open_table_file(path).parts(10))
    assert parts[0].texts("name") == ["two lines", "x", "x"]
    assert list(parts[0].frame.index) == [2, 4, 5]


def test_empty_cells_beyond_the_header_are_cut(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"{HEADER}\n{GOOD},,\n" + GOOD[:-1] + '"x",\n')
    for read in READERS:
        read(path)
    assert time_series_csv.read(open_table(path), {"soc": "soc"}, {"name": "name"}).labels["name"] == ["x", "x"]


def test_a_declared_delimiter_is_taken(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("sep=;\n" + HEADER.replace(",", ";") + "\n2013-03-01T00:00;10,5;50;1,25;a,b\n")
    timed = time_series_csv.read(open_table(path), {"soc": "soc"}, {"name": "name"})
    assert timed.values["soc"].tolist() == [1.25] and timed.labels["name"] == ["a,b"] and timed.line.tolist() == [3]
    part = next(iter(open_table_file(path).parts(5)))
    assert part.numbers("lon").tolist() == [10.5] and part.where(0, "lon").endswith("line 3, column lon")
    by_points(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_read_with_and_without_its_mark(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes(f"{HEADER}\n{GOOD}\n".encode(encoding))
    for read in READERS:
        read(path)
    assert open_table(path).columns == tuple(HEADER.split(","))


MIXED = {"point": ("10,5", "1.234"), "comma": ("10.5", "1,234"), "both": ("10.5", "1.234,5")}


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("read", [by_points, by_columns, by_time])
def test_two_decimal_signs_in_one_file_are_refused(tmp_path, read, name):
    longitude, value = MIXED[name]
    path = tmp_path / "t.csv"
    path.write_text(f"time;lon;lat;soc;name\n2013-03-01T00:00;{longitude};50;{value};x\n")
    with pytest.raises(DataError, match="comma or point may be a thousands sign") as told:
        read(path)
    assert "line 2, column" in told.value.where


def test_small_numbers_without_a_sign_go_with_commas(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1,5;1e-04\n2,5;2e-04\n")
    part = next(iter(open_table_file(path).parts(5)))
    assert part.numbers("a").tolist() == [1.5, 2.5] and part.numbers("b").tolist() == [1e-4, 2e-4]


@pytest.mark.parametrize("read", [by_points, by_columns, by_time])
def test_two_signs_that_cannot_separate_thousands_are_read(tmp_path, read):
    path = tmp_path / "t.csv"
    path.write_text("time;lon;lat;soc;name\n2013-03-01T00:00;10.53;50;1,5;x\n")
    read(path)


def test_a_row_of_units_is_hinted_at_where_it_may_be_one(tmp_path):
    path = tmp_path / "cells.csv"
    for text, hinted in (("a,b\nmm,deg\n1,2\n", True), ("a,b\n1,2\nmm,deg\n", False)):
        path.write_text(text)
        [part] = open_table_file(path).parts(10)
        with pytest.raises(DataError, match="'mm' is not a number") as refused:
            part.numbers("a")
        assert ("Delete the row if it is one of units." in refused.value.fix) == hinted
