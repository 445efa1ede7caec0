"""Years in another scale than the others are found, and those that differ as years do are not."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers.year_scales import Cells, cells_of, listed, other_halves, refuse_other_years, said

DAYS = np.arange(np.datetime64("2001-01-01"), np.datetime64("2007-01-01"))
MONTH = DAYS.astype("datetime64[M]").astype(np.int64)
HERE = np.zeros(len(DAYS), dtype=np.int64)
SUMMER = np.where((MONTH % 12 > 3) & (MONTH % 12 < 9), 20.0, 1.0)


def cells(sizes: dict[int, float], months: int) -> Cells:
    """Make cells of one place, of so many months of each half, whose values lie as far apart as they are large."""
    month = [6 * (half - 2 * 1970) + month for half in sizes for month in range(months)]
    level = np.repeat(np.log(list(sizes.values())), months)
    return Cells(np.array(month), np.zeros(len(month), dtype=np.int64), level, level, np.exp(level))


def yearly(sizes: dict[int, float]) -> Cells:
    return cells({2 * year: size for year, size in sizes.items()}, 1)


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
    ],
)
def test_years_that_differ_as_years_do_are_not(sizes: dict[int, float]) -> None:
    assert other_halves(yearly(sizes)) is None
    assert other_halves(cells({4000: 1.0, 4001: 100.0}, 6)) is None, "halves of one year are not compared"


def test_of_two_equal_groups_it_is_the_later_one() -> None:
    found = other_halves(yearly({2000: 10.0, 2001: 10.0, 2002: 1.0, 2003: 1.0}))
    assert found is not None and found.years == (2002, 2003) and found.factor == pytest.approx(0.1)
    found = other_halves(yearly({2000: 1.0, 2001: 10.0}))
    assert found is not None and found.years == (2001,) and found.factor == pytest.approx(10)


def test_a_year_of_winter_alone_is_compared_with_winters() -> None:
    values = SUMMER * np.random.default_rng(1).uniform(0.5, 1.5, len(DAYS))
    values[(MONTH // 12 == 33) & (MONTH % 12 > 1)] = np.nan
    assert other_halves(cells_of(values, DAYS, HERE, 5)) is None
    first = MONTH // 12 == 31
    assert other_halves(cells_of(values[first], DAYS[first], HERE[first], 5)) is None, "nothing to compare"
    assert other_halves(cells_of(np.array([]), DAYS[:0], HERE[:0])) is None
    early = (MONTH - 600).astype("datetime64[M]")  # before 1970
    found = other_halves(cells_of(np.where(MONTH // 12 == 33, 10.0, 1.0) * values, early, HERE, 5))
    assert found is None, "two months of a year do not tell"
    found = other_halves(cells_of(np.where(MONTH // 12 == 34, 10.0, 1.0) * values, early, HERE, 5))
    assert found is not None and found.years == (1954,)


def test_one_month_that_two_years_share_does_not_tell() -> None:
    spring = (DAYS >= np.datetime64("2002-03-01")) & (DAYS < np.datetime64("2003-04-01"))
    values = np.where(DAYS < np.datetime64("2003-01-01"), 1.0, 20.0) * np.random.default_rng(1).uniform(1, 2, len(DAYS))
    assert other_halves(cells_of(values[spring], DAYS[spring], HERE[spring], 5)) is None


def test_cells_are_means_and_scatter_of_months() -> None:
    values = np.array([1.0, -3.0, np.nan, 2.0, 2.0, 0.0, 0.0])
    days = np.array(["2001-02-01", "2001-02-28", "2001-03-01", "2001-03-02", "2001-03-03", "2001-04-01", "2001-04-02"])
    found = cells_of(values, days.astype("datetime64[D]"), np.zeros(7, dtype=np.int64), 2)
    np.testing.assert_array_equal(found.month_C, [12 * 31 + 1, 12 * 31 + 2])
    np.testing.assert_allclose(found.level_C, np.log([2.0, 2.0]))
    np.testing.assert_allclose(found.scatter_C, [np.log(2.0), np.nan])


def test_a_harvest_is_no_other_unit() -> None:
    """After it GPP of summer and autumn is a twentieth; winter is as it was."""
    harvested = np.isin(MONTH // 12, (32, 33)) & (MONTH % 12 > 6) & (MONTH % 12 < 10)
    growth = np.where((MONTH % 12 > 3) & (MONTH % 12 < 10), 10.0, 0.5)
    values = np.where(harvested, 0.5, growth) * np.random.default_rng(1).uniform(0.5, 1.5, len(DAYS))
    assert other_halves(cells_of(values, DAYS, HERE, 5)) is None
    assert other_halves(cells_of(np.where(MONTH // 12 == 34, 10, 1) * values, DAYS, HERE, 5)) is not None


def test_anomalies_near_zero_are_no_other_unit() -> None:
    """Cells of a basin lie as far apart in a year of little anomaly as in others; in another unit they would not."""
    random, years = np.random.default_rng(1), np.array([-9.0, 10.0, -0.1, 12.0, -11.0, 8.0])
    values = (years[:, None] + random.normal(0, 0.3, (6, 40))).ravel()
    days = np.repeat(np.arange(2001, 2007) - 1970, 40).astype("datetime64[Y]").astype("datetime64[D]")
    here = np.zeros(len(days), dtype=np.int64)
    assert other_halves(cells_of(values, days, here, 3)) is None
    in_mm = np.where(np.arange(240) // 40 == 3, 10, 1)
    found = other_halves(cells_of(np.where(np.arange(240) // 40 == 2, np.nan, values * in_mm), days, here, 3))
    assert found is not None and found.years == (2004,) and found.factor == pytest.approx(12, rel=0.2)


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
    found = other_halves(cells_of(SUMMER * noise / np.where(of_other, 11.574, 1), DAYS, HERE, 5))
    assert found is not None and str(found) == words


def test_places_are_compared_with_themselves() -> None:
    """A dry place in the first years and a wet one in the others are no other unit; a place in both tells."""
    early = MONTH // 12 < 34
    dry, wet = np.where(early, 1.0, np.nan), np.where(early, np.nan, 30.0)
    both = np.concatenate([dry, wet]), np.concatenate([DAYS, DAYS]), np.concatenate([HERE, HERE + 1])
    assert other_halves(cells_of(*both, 5)) is None
    together = cells_of(np.concatenate([dry, wet]), both[1], np.concatenate([HERE, HERE]), 5)
    assert other_halves(together) is not None, "at one place it would be another unit"


def test_the_message_names_years_and_factor() -> None:
    sizes = yearly({year: 10.0 if 2002 < year < 2006 else 1.0 for year in range(2000, 2008)})
    with pytest.raises(DataError, match=r"here: LE of 2003 to 2005 is about 10 times larger than in other years\. Do"):
        refuse_other_years(sizes, "LE", "here", "Do.")
    assert listed((2001, 2003)) == "2001, 2003" and listed(tuple(range(2000, 2020, 2))).endswith("2010 and 4 more")
    found = other_halves(cells({half: 0.1 if half == 4004 else 1.0 for half in range(4000, 4010)}, 6))
    assert found is not None and said(found, "E") == "E of 2002-01 to 06 is about 10 times smaller than in other years"
