"""Columns are found by their names, and never guessed between two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers.points import RequestedColumns, find_columns, read_points
from geoml_cli.readers.tables import open_table
from geoml_cli.sources.soc.stacked import SOC_NAMES

ANY = RequestedColumns(None, None, None, None, SOC_NAMES)


@pytest.mark.parametrize(
    ("header", "geographic", "found"),
    [
        ("lon,lat,soc", True, ("lon", "lat", "soc", None)),
        ("ID,X,Y,SOC", True, ("X", "Y", "SOC", "ID")),
        ("X,Y,Longitude,LATITUDE,OC", True, ("Longitude", "LATITUDE", "OC", None)),
        ("X,Y,Longitude,LATITUDE,OC", False, ("X", "Y", "OC", None)),
        ("id,utm_e,utm_n,SOC_g_kg,oc stock", False, ("utm_e", "utm_n", "SOC_g_kg", "id")),
        ("site,ProfID,POINT_X,POINT_Y,SOC (%)", False, ("POINT_X", "POINT_Y", "SOC (%)", "ProfID")),
        ("id,Easting,Northing,SOC [g/kg]", False, ("Easting", "Northing", "SOC [g/kg]", "id")),
    ],
)
def test_columns(tmp_path: Path, header: str, geographic: bool, found: tuple[str, str, str, str | None]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(header + "\n")
    columns = find_columns(open_table(path), ANY, geographic)
    assert (columns.x, columns.y, columns.target, columns.identity) == found


def test_two_that_could_be_meant(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y,SOC (%),SOC\n")
    with pytest.raises(DataError, match=r"several columns could be target: SOC \(%\), SOC\. Give --target COLUMN"):
        find_columns(open_table(path), ANY, geographic=True)


def test_two_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y,SOC,SOC\n1,2,3,3\n")
    wanted = RequestedColumns("x", "y", "SOC", None, ())
    with pytest.raises(DataError, match=r"2 columns are called 'SOC'\. Keep one of them or rename the other"):
        find_columns(open_table(path), wanted, geographic=True)
    path.write_text("x,y,SOC,SOC2\n1,2,3,3\n")
    assert find_columns(open_table(path), wanted, geographic=True).target == "SOC"


def test_values_and_fills(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("lon\tlat\tsoc\n1\t2\t3,5\n1\t2\t-9999\n1\tNA\t4\n")
    points, columns = read_points(path, ANY, geographic=True)
    assert columns.target == "soc"
    np.testing.assert_array_equal(points.target, [3.5, np.nan, 4])
    np.testing.assert_array_equal(points.y, [2, 2, np.nan])
    assert points.line.tolist() == [2, 3, 4]
    assert points.identity == ["1", "2", "3"]
