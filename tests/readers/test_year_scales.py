"""Years in another scale than the others are found, and those that differ as years do are not."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers.year_scales import listed, other_years, refuse_other_years, seasonless


@pytest.mark.parametrize("factor", [10.0, 0.1, 1000.0, 11.574])
@pytest.mark.parametrize("of_other", [(2003,), (2005, 2006), (2000, 2001, 2002)])
def test_years_of_another_unit_are_found(factor: float, of_other: tuple[int, ...]) -> None:
    random = np.random.default_rng(3)
    sizes = {year: float(random.uniform(0.8, 1.25)) * (factor if year in of_other else 1) for year in range(2000, 2009)}
    found = other_years(sizes)
    assert found is not None and found.years == of_other
    assert found.factor == pytest.approx(factor, rel=0.4)


@pytest.mark.parametrize(
    "sizes",
    [
        {2000: 1.0, 2001: 2.0, 2002: 4.0, 2003: 8.0, 2004: 16.0, 2005: 32.0},  # a trend
        {2000: 1.0, 2001: 1.2, 2002: 7.0},
        {2000: 0.3, 2001: 1.0, 2002: 9.0, 2003: 2.0},  # as anomalies differ
        {2000: 1.0},
        {2000: 0.0, 2001: 1.0, 2002: float("nan")},
    ],
)
def test_years_that_differ_as_years_do_are_not(sizes: dict[int, float]) -> None:
    assert other_years(sizes) is None


def test_of_two_halves_it_is_the_later_one() -> None:
    found = other_years({2000: 10.0, 2001: 10.0, 2002: 1.0, 2003: 1.0})
    assert found is not None and found.years == (2002, 2003) and found.factor == pytest.approx(0.1)
    found = other_years({2000: 1.0, 2001: 10.0})
    assert found is not None and found.years == (2001,) and found.factor == pytest.approx(10)


def test_a_year_of_winter_alone_is_compared_with_winters() -> None:
    day = np.arange(np.datetime64("2001-01-01"), np.datetime64("2005-01-01"))
    year = day.astype("datetime64[Y]").astype(np.int64) + 1970
    month = day.astype("datetime64[M]").astype(np.int64) % 12 + 1
    values = np.where((month > 4) & (month < 10), 20.0, 1.0)
    values[(year == 2003) & (month > 2)] = np.nan
    sizes = seasonless(values, year, month, 5)
    assert sizes == pytest.approx({2001: 1, 2002: 1, 2003: 1, 2004: 1})
    assert seasonless(values[year == 2001], year[year == 2001], month[year == 2001], 5) == {}, "nothing to compare"
    assert seasonless(np.array([]), np.array([], np.int64), np.array([], np.int64), 1) == {}


def test_the_message_names_years_and_factor() -> None:
    sizes = {year: 10.0 if 2002 < year < 2006 else 1.0 for year in range(2000, 2008)}
    with pytest.raises(DataError, match=r"here: LE of 2003 to 2005 is about 10 times larger than in other years\. Do"):
        refuse_other_years(sizes, "LE", "here", "Do.")
    assert listed((2001, 2003)) == "2001, 2003" and listed(tuple(range(2000, 2020, 2))).endswith("2010 and 4 more")
