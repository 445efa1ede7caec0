"""Clocks: what of a time enters the network."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoml_cli.models.geomamba.settings import CLOCK
from geoml_cli.samples.times import read_clock

MOMENTS = st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2099, 12, 31))


@given(st.lists(MOMENTS, min_size=1, max_size=8))
def test_clocks_are_the_calendars(moments):
    begin = datetime.datetime(1970, 1, 1)
    minutes = np.array([(moment - begin) // datetime.timedelta(minutes=1) for moment in moments])
    expected = {
        "year": lambda m: m.year,
        "month": lambda m: m.month,
        "day": lambda m: m.day,
        "day-of-year": lambda m: m.timetuple().tm_yday,
        "hour": lambda m: m.hour,
        "minute": lambda m: m.minute,
    }
    assert set(expected) == set(CLOCK)
    for clock, read in expected.items():
        found = read_clock(minutes, "minutes since 1970-01-01 00:00:00", clock)
        np.testing.assert_array_equal(found, [read(moment) for moment in moments])


def test_the_unit_says_when_counting_began():
    assert read_clock(np.array([60]), "minutes since 2000-02-29 23:00:00", "month")[0] == 3
    with pytest.raises(KeyError):
        read_clock(np.array([0]), "minutes since 1970-01-01 00:00:00", "week")
