"""Years in another scale than the others are found, and those that differ as years do are not."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers.year_scales import listed, other_halves, refuse_other_years, relative_sizes, said

DAYS = np.arange(np.datetime64("2001-01-01"), np.datetime64("2007-01-01"))
MONTH = DAYS.astype("datetime64[M]").astype(np.int64)
HERE = np.zeros(len(DAYS), dtype=np.int64)
SUMMER = np.where((MONTH % 12 > 3) & (MONTH % 12 < 9), 20.0, 1.0)


def yearly(sizes: dict[int, float]) -> dict[int, float]:
    return {2 * year: size for year, size in sizes.items()}


@pytest.mark.parametrize("factor", [10.0, 0.1, 1000.0, 11.574])
@pytest.mark.parametrize("of_other", [(2003,), (2005, 2006), (2000, 2001, 2002)])
def test_years_of_another_unit_are_found(factor: float, of_other: tuple[int, ...]) -> None:
    random = np.random.default_rng(3)
    sizes = {year: float(random.uniform(0.8, 1.25)) * (factor if year in of_other else 1) for year in range(2000, 2009)}
    found = other_halves(yearly(sizes))
    assert found is not None and found.years == of_other and str(found) == listed(of_other)
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
    assert other_halves(yearly(sizes)) is None
    assert other_halves({4000: 1.0, 4001: 100.0}) is None, "halves of one year are not compared"


def test_of_two_equal_groups_it_is_the_later_one() -> None:
    found = other_halves(yearly({2000: 10.0, 2001: 10.0, 2002: 1.0, 2003: 1.0}))
    assert found is not None and found.years == (2002, 2003) and found.factor == pytest.approx(0.1)
    found = other_halves(yearly({2000: 1.0, 2001: 10.0}))
    assert found is not None and found.years == (2001,) and found.factor == pytest.approx(10)


def test_a_year_of_winter_alone_is_compared_with_winters() -> None:
    values = SUMMER.copy()
    values[(MONTH // 12 == 33) & (MONTH % 12 > 1)] = np.nan
    sizes = relative_sizes(values, DAYS, HERE, 5)
    assert set(sizes) == {half for half in range(4002, 4014) if half != 4007}
    assert list(sizes.values()) == pytest.approx([1.0] * 11)
    first = MONTH // 12 == 31
    assert relative_sizes(values[first], DAYS[first], HERE[first], 5) == {}, "nothing to compare"
    assert relative_sizes(np.array([]), DAYS[:0], HERE[:0]) == {}
    early = (MONTH - 600).astype("datetime64[M]")  # before 1970
    assert set(relative_sizes(SUMMER, early, HERE, 5)) == set(range(3902, 3914))


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("2003-07", "2004-01", "2003-07 to 12"),
        ("2003-08", "2004-01", "2003-07 to 12"),
        ("2002-07", "2004-07", "2003, 2002-07 to 12, 2004-01 to 06"),
        ("2006-08", "2007-01", "2006-07 to 12"),
        ("2003-07", "2007-01", "2001, 2002, 2003-01 to 06"),  # the fewer
    ],
)
def test_a_unit_that_changes_within_a_year_is_found(begin: str, end: str, words: str) -> None:
    month = DAYS.astype("datetime64[M]")
    of_other = (month >= np.datetime64(begin)) & (month < np.datetime64(end))
    noise = np.random.default_rng(1).uniform(0.5, 1.5, len(DAYS))
    found = other_halves(relative_sizes(SUMMER * noise / np.where(of_other, 11.574, 1), DAYS, HERE, 5))
    assert found is not None and str(found) == words


def test_places_are_compared_with_themselves() -> None:
    """A dry place in the first years and a wet one in the others are no other unit; a place in both tells."""
    early = MONTH // 12 < 34
    dry, wet = np.where(early, 1.0, np.nan), np.where(early, np.nan, 30.0)
    both = np.concatenate([dry, wet]), np.concatenate([DAYS, DAYS]), np.concatenate([HERE, HERE + 1])
    assert other_halves(relative_sizes(*both, 5)) is None
    together = relative_sizes(np.concatenate([dry, wet]), both[1], np.concatenate([HERE, HERE]), 5)
    assert other_halves(together) is not None, "at one place it would be another unit"


def test_the_message_names_years_and_factor() -> None:
    sizes = yearly({year: 10.0 if 2002 < year < 2006 else 1.0 for year in range(2000, 2008)})
    with pytest.raises(DataError, match=r"here: LE of 2003 to 2005 is about 10 times larger than in other years\. Do"):
        refuse_other_years(sizes, "LE", "here", "Do.")
    assert listed((2001, 2003)) == "2001, 2003" and listed(tuple(range(2000, 2020, 2))).endswith("2010 and 4 more")
    found = other_halves({half: 0.1 if half == 4004 else 1.0 for half in range(4000, 4010)})
    assert found is not None and said(found, "E") == "E of 2002-01 to 06 is about 10 times smaller than in other years"
