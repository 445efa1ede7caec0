"""Numbers of CF times: origins that cftime reads in part only."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.readers.time_numbers import decode


@pytest.mark.parametrize(
    ("unit", "begin"),
    [
        ("hours since 2010-01-01 06", "2010-01-01T06:00:00"),
        ("hours since 2010-01-01T06Z", "2010-01-01T06:00:00"),
        ("hours since 2010-01-01 06 UTC", "2010-01-01T06:00:00"),
        ("hours since 2010-1-1 6:30", "2010-01-01T06:30:00"),
        ("days since 1990", "1990-01-01T00:00:00"),
        ("months since 1990-02", "1990-02-01T00:00:00"),
        ("hours since 1990-01-01 12:00 +1:00", "1990-01-01T11:00:00"),
        ("hours since 1990-01-01 12:00:00 -5", "1990-01-01T17:00:00"),
        ("hours since 1990-01-01 12:00:00 -0530", "1990-01-01T17:30:00"),
        ("hours since 1990-01-01 00:00:00 UTC+3", "1989-12-31T21:00:00"),
        ("seconds since 1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00"),
        ("hours since 1-1-1 00:00:0.0", "0001-01-01T00:00:00"),
        ("hours since 2010-01-01T0600", "2010-01-01T06:00:00"),
        ("hours since 2010-01-01 060030Z", "2010-01-01T06:00:30"),
        ("days since 2010-01-01 UTC", "2010-01-01T00:00:00"),
        ("hours since 1990-01-01 12:00:00.0 0:00", "1990-01-01T12:00:00"),
    ],
)
def test_all_of_an_origin_counts(unit, begin):
    [time] = decode(np.zeros(1), unit, "standard")
    assert time.isoformat() == begin


def test_weeks_are_of_seven_days():
    first, second = decode(np.array([0.0, 1.5]), "weeks since 1990-01-01", "noleap")
    assert (second - first).total_seconds() == 10.5 * 24 * 3600


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "days since 01-01-2000",
            "days since 2000-001",
            "hours since 2000-01-01 06:00 EST",
            "days since 2000-01-01 06.5",
        ),
        *("days since 19900101", "days since 2000/01/01", "days since then", "days"),
    ],
)
def test_what_is_no_origin_in_full_is_refused(unit):
    with pytest.raises(ValueError, match="does not count from a moment such as 2002-01-01 06:00"):
        decode(np.zeros(1), unit, "standard")


def test_the_calendar_of_iris_data_library_has_months_of_thirty_days():
    times = decode(np.array([0.5, 1.5]), "months since 1960-01-01", "360")
    assert [time.isoformat() for time in times] == ["1960-01-16T00:00:00", "1960-02-16T00:00:00"]
    assert times[0].calendar == "360_day"
