"""Rows of another length than the file's first are refused, by their ends or by the times between them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet import synthetic as made

Prepare = Callable[..., Dataset]
HALF_HOUR, HOUR = np.timedelta64(30, "m"), np.timedelta64(60, "m")


def minutes(begin: str, end: str, length: np.timedelta64 = HALF_HOUR) -> np.ndarray:
    return np.arange(begin, end, length, dtype="datetime64[m]")


def tower(raw: Path, parts: list[tuple[np.ndarray, np.timedelta64]], *, ends: bool = True) -> Path:
    """Write a half-hourly file of rows of several lengths in a folder of its own."""
    times = np.concatenate([part for part, _ in parts])
    stops = np.concatenate([part + length for part, length in parts])
    stamps = {"TIMESTAMP_START": made.stamp(times, 12)} | ({"TIMESTAMP_END": made.stamp(stops, 12)} if ends else {})
    folder = raw.parent / "half-hours"
    folder.mkdir(exist_ok=True)
    (folder / "siteinfo.csv").write_bytes((raw / "siteinfo.csv").read_bytes())
    made.write(
        folder / "FLX_XA-Fir_FLUXNET2015_FULLSET_HH_2011-2011_1-4.csv",
        stamps,
        made.half_hourly(times, np.random.default_rng(0)),
    )
    return folder


FIRST = minutes("2011-01-01", "2011-01-21")
HOURS = minutes("2011-01-21", "2011-02-21", HOUR)


def test_hours_after_half_hours_are_refused_by_their_ends(raw: Path, prepared: Prepare) -> None:
    folder = tower(raw, [(FIRST, HALF_HOUR), (HOURS[:3], HOUR)])
    with pytest.raises(DataError) as caught:
        prepared(folder)
    assert re.search(
        r"HH_2011-2011_1-4\.csv, line 962: the record from 2011-01-21 00:00 lasts 60 minutes, and a half-hourly one 30"
        r"\. Give files of one resolution",
        str(caught.value),
    )


def test_quoted_ends_are_read_and_one_that_is_none_says_nothing(raw: Path, prepared: Prepare) -> None:
    folder = tower(raw, [(FIRST, HALF_HOUR)])
    [path] = folder.glob("FLX*")
    plain, expected = path.read_text(), np.array(prepared(folder).array("TA_F"))
    for end in (r'"\2"', "abc", ""):
        path.write_text(re.sub(r"(\n\d{12},)(\d{12})(?=,)", rf"\g<1>{end}", plain, count=3))
        np.testing.assert_array_equal(prepared(folder).array("TA_F"), expected)
    hours = tower(raw, [(FIRST, HALF_HOUR), (HOURS[:3], HOUR)])
    path.write_text(re.sub(r"\n(\d{12}),(\d{12})(?=,)", r'\n"\1","\2"', path.read_text()))
    with pytest.raises(DataError, match=r"line 962: the record from 2011-01-21 00:00 lasts 60 minutes"):
        prepared(hours)


def test_hours_after_half_hours_are_refused_without_ends(raw: Path, prepared: Prepare) -> None:
    folder = tower(raw, [(FIRST, HALF_HOUR), (HOURS, HOUR)], ends=False)
    with pytest.raises(
        DataError,
        match=r"line 962: rows from 2011-01-21 00:00 on are 60 minutes apart, and half-hourly ones 30",
    ):
        prepared(folder)
    reverse = tower(raw, [(HOURS[::-1], HOUR), (FIRST[::-1], HALF_HOUR)], ends=False)
    with pytest.raises(DataError, match=r"line 2: rows from 2011-02-20 23:00 on are 60 minutes apart"):
        prepared(reverse)


@pytest.mark.parametrize("ends", [True, False])
def test_gaps_nights_and_the_newest_first_are_no_other_length(raw: Path, prepared: Prepare, ends: bool) -> None:
    late = minutes("2011-03-01", "2011-03-21")
    hour = late.astype("datetime64[h]").astype(int) % 24
    by_day = late[(hour > 6) & (hour < 18)]
    scattered = late[np.random.default_rng(0).random(len(late)) < 0.7]
    for part in (by_day, scattered, late[::-1]):
        dataset = prepared(tower(raw, [(FIRST, HALF_HOUR), (part, HALF_HOUR)], ends=ends))
        assert dataset.manifest.funnel.read == len(FIRST) + len(part)


def test_midnight_written_as_the_day_that_ends_and_damaged_ends_are_passed_over(raw: Path, prepared: Prepare) -> None:
    folder = tower(raw, [(FIRST, HALF_HOUR)])
    path = next(folder.glob("FLX*"))
    text = path.read_text().replace("201101102330,201101110000", "201101102330,201101100000")
    path.write_text(text.replace("201101050100,201101050130", "201101050100,-9999"))
    assert text.count("201101100000") == 3
    assert prepared(folder).manifest.funnel.read == len(FIRST)


def test_ends_may_be_the_last_minute_of_a_record(raw: Path, prepared: Prepare) -> None:
    folder = tower(raw, [(FIRST, HALF_HOUR - 1)])
    assert prepared(folder).manifest.funnel.read == len(FIRST)
