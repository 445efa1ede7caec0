"""Times that do not exist or lie far from all others, and times beside their step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers.dates import calendar_times, nearest_steps, refuse_stray
from geoml_cli.readers.tables import open_table
from geoml_cli.readers.time_series_csv import read

FILE = Path("f.txt")
GOOD = {"year": 2013, "month": 2, "day": 28, "hour": 5, "minute": 59, "second": 0}


def times(rows: list[dict[str, float]]):
    parts = {name: np.array([row[name] for row in rows], dtype=np.float64) for name in rows[0]}
    return calendar_times(parts, np.arange(2, 2 + len(rows)), FILE)


def test_times_are_put_together_and_rounded_to_the_second():
    found = times([GOOD, {**GOOD, "second": 59.6}, {**GOOD, "year": 2012, "day": 29}])
    assert [str(time) for time in found] == ["2013-02-28T05:59:00", "2013-02-28T06:00:00", "2012-02-29T05:59:00"]
    leap = times([{"year": 2012, "day_of_year": 366, "hour": 1}])
    assert str(leap[0]) == "2012-12-31T01:00:00"


NO_TIMES = [
    {"day": 31}, {"day": 29}, {"day": 0}, {"day": 1.5}, {"month": 13}, {"month": 0}, {"hour": 24}, {"minute": -5},
    {"minute": 60}, {"second": np.nan}, {"second": -1}, {"second": 60}, {"year": 9999}, {"year": np.inf},
    {"year": 1899},
]  # fmt: skip


@pytest.mark.parametrize("change", NO_TIMES, ids=str)
def test_what_does_not_exist_is_refused_with_its_line(change):
    with pytest.raises(DataError, match="there is no such time") as told:
        times([GOOD, GOOD | change])
    assert told.value.where == "f.txt, line 3"


@pytest.mark.parametrize("day", [366, 0, 400, np.nan])
def test_days_of_the_year_end_with_the_year(day):
    with pytest.raises(DataError, match=f"day of year {day:g}: there is no such time"):
        times([{"year": 2013, "day_of_year": day}])


@pytest.mark.parametrize("time", ["2013-02-30T00:00", "2013-13-01", "2013-03-01T24:01", "2013-03-01T00:61", "nan", ""])
def test_times_of_text_must_exist(tmp_path, time):
    (tmp_path / "t.csv").write_text(f"time,a\n2013-03-01T00:00,1\n{time},1\n")
    with pytest.raises(DataError, match="is no time") as told:
        read(open_table(tmp_path / "t.csv"), {"a": "a"}, {})
    assert "line 3" in told.value.where


@pytest.mark.parametrize("year", ["9999", "0001", "1066", "2200"])
def test_years_without_measurements_are_refused(tmp_path, year):
    (tmp_path / "t.csv").write_text(f"time,a\n2013-03-01T00:00,1\n{year}-03-01T00:00,1\n")
    with pytest.raises(DataError, match=r"the year is|is no time") as told:
        read(open_table(tmp_path / "t.csv"), {"a": "a"}, {})
    assert "line 3" in told.value.where


def test_fractions_of_a_second_are_rounded_not_cut(tmp_path):
    (tmp_path / "t.csv").write_text("time,a\n2013-03-01T05:59:59.999Z,1\n2013-03-01T06:00:59.600001Z,1\n")
    found = read(open_table(tmp_path / "t.csv"), {"a": "a"}, {}).time
    assert [str(time) for time in found] == ["2013-03-01T06:00:00", "2013-03-01T06:01:00"]


def minutes(count: int, start: str = "2013-03-01") -> np.ndarray:
    return np.datetime64(start, "s") + np.arange(count) * np.timedelta64(60, "s")


@pytest.mark.parametrize("year", ["2113", "1913", "2031", "2014"])
def test_a_year_with_a_wrong_digit_is_refused_with_its_line(year):
    time = minutes(5760)
    time[49] = np.datetime64(f"{year}-03-01T00:49", "s")
    with pytest.raises(
        DataError, match=f"{year}-03-01 00:49 is far from .*2013-03-01 00:00 to 2013-03-04 23:59"
    ) as told:
        refuse_stray(time, np.arange(2, 5762), "f.csv")
    assert told.value.where == "f.csv, line 51"


def test_storms_of_several_years_and_yearly_rows_are_no_stray_rows():
    storms = np.concatenate([minutes(2880), minutes(2880, "2015-03-17"), minutes(300, "2018-08-26")])
    refuse_stray(storms, np.arange(len(storms)), "f.csv")
    yearly = np.array([f"{year}-01-01" for year in (*range(1990, 2004), 2010)], dtype="datetime64[s]")
    refuse_stray(yearly, np.arange(len(yearly)), "f.csv")
    with pytest.raises(DataError, match="2113-01-01"):
        refuse_stray(np.append(yearly, np.datetime64("2113-01-01")), np.arange(len(yearly) + 1), "f.csv")


def test_times_beside_a_step_are_rounded_and_others_are_off():
    number, on = nearest_steps(np.array([0, 59, 61, 66, 67, 90, -1]), 60)
    assert number.tolist() == [0, 1, 1, 1, 1, 2, 0] and on.tolist() == [True, True, True, True, False, False, True]
