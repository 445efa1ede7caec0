"""Sums of filled series, against numbers worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.inputs.budgets import RequestedSums, sums_job
from geoml_cli.inference.inputs.period_sums import GapFilledSeries, SumDefinition, lengths, sum_unit, sums
from geoml_cli.inference.inputs.sum_intervals import Interval, Uncertainty
from geoml_cli.runs.calibration import BlockDistances, Calibration, KeptDistances
from geoml_cli.sources.fluxnet.times import STEPS, starts
from geoml_cli.work.reporting import NullReporter

NAMES = np.array(["DE-Hai", "US-Ha1"])
CARBON, MOLES, ENERGY, YEARLY = "gC m-2 d-1", "umol CO2 m-2 s-1", "W m-2", "gC m-2 yr-1"


def series(gapless=("station_first", "step")):
    return SimpleNamespace(has=lambda name: name in gapless, manifest=SimpleNamespace(source="gwsa"))


def summed(period: str, value: np.ndarray, begin: np.ndarray, unit: str = CARBON, step: int = 1440) -> pd.DataFrame:
    """Sum up one station's series; negative values count as predicted."""
    station = np.zeros(len(value), dtype=np.int64)
    begin = begin.astype("datetime64[m]")
    gapless = GapFilledSeries(value, value > 0, lengths(begin, station, step), begin, station)
    return sums(gapless, NAMES, SumDefinition(period, "network", *sum_unit(series(), unit)))


def days(first: str, last: str) -> np.ndarray:
    return np.arange(first, last, dtype="datetime64[D]")


def test_daily_carbon_is_added_up_day_by_day():
    begin = days("2011-01-01", "2011-03-01")
    value = np.where(np.arange(59) % 2, 1.5, -0.25)  # 15 and 14 odd days; the others are predicted
    found = summed("month", value, begin)
    assert found["begin"].tolist() == ["2011-01", "2011-02"]
    np.testing.assert_allclose(found["sum"], [15 * 1.5 - 16 * 0.25, 14 * 1.5 - 14 * 0.25])
    np.testing.assert_allclose(found["mean"], found["sum"] / [31, 28])
    np.testing.assert_allclose(found["observed"], [15 / 31, 14 / 28])
    np.testing.assert_allclose(found["filled"], [16 / 31, 14 / 28])
    np.testing.assert_allclose(found["missing"], 0, atol=1e-12)
    np.testing.assert_array_equal(summed("day", value, begin)["sum"], value)


@pytest.mark.parametrize(("year", "length"), [(2011, 365), (2012, 366), (1900, 365), (2000, 366)])
def test_a_leap_year_has_a_day_more(year, length):
    begin = days(f"{year}-01-01", f"{year + 1}-01-01")
    found = summed("year", np.full(len(begin), 2.0), begin)
    assert found["begin"].tolist() == [str(year)]
    np.testing.assert_allclose(found["sum"], 2.0 * length)
    assert summed("year", np.full(365, 2.0), begin[:365])["sum"].isna().tolist() == [length == 366]


@pytest.mark.parametrize(
    ("unit", "minutes", "added"),
    [
        (MOLES, 30, 12.011e-6 * 1800),
        (MOLES, 60, 12.011e-6 * 3600),
        (ENERGY, 30, 1800 / 1e6),
        (ENERGY, 1440, 86400 / 1e6),
        ("mm (30 min)-1", 30, 1),
        ("mm h-1", 60, 1),
        ("mm d-1", 1440, 1),
    ],
)
def test_rates_become_amounts_by_the_seconds_of_a_record(unit, minutes, added):
    begin = np.arange("2012-02-28", "2012-03-02", np.timedelta64(minutes, "m"), dtype="datetime64[m]")
    value = np.random.default_rng(1).uniform(1, 9, len(begin))
    found = summed("day", value, begin, unit, minutes)
    per_day = value.reshape(3, -1)
    assert found["begin"].tolist() == ["2012-02-28", "2012-02-29", "2012-03-01"]
    np.testing.assert_allclose(found["sum"], (per_day * added).sum(axis=1))
    np.testing.assert_allclose(found["mean"], per_day.mean(axis=1))


def test_precipitation_of_a_year_is_its_sum_already():
    begin = np.array(["2011-01-01", "2012-01-01"], dtype="datetime64[D]")
    found = summed("year", np.array([700.0, 812.5]), begin, "mm yr-1", -1)
    assert found["sum"].tolist() == [700.0, 812.5] and sum_unit(series(), "mm yr-1") == ("mm", None)


def test_a_period_with_a_missing_record_has_neither_mean_nor_sum():
    value = np.array([1.0, np.nan, 3.0, 4.0, np.nan, np.nan])
    begin = np.arange("2012-01-01", "2012-01-04", np.timedelta64(12, "h"), dtype="datetime64[m]")
    found = summed("day", value, begin, step=720)
    np.testing.assert_array_equal(found["sum"], [np.nan, 3.5, np.nan])
    np.testing.assert_array_equal(found["mean"], [np.nan, 3.5, np.nan])
    np.testing.assert_array_equal(found["missing"], [0.5, 0.0, 1.0])
    np.testing.assert_array_equal(found["observed"], [0.5, 1.0, 0.0])


def test_a_period_that_the_series_only_begins_or_ends_in_has_no_sum():
    found = summed("month", np.ones(31), days("2011-01-31", "2011-03-03"))
    np.testing.assert_array_equal(found["sum"], [np.nan, 28.0, np.nan])
    np.testing.assert_allclose(found["missing"], [30 / 31, 0, 29 / 31])


def test_months_weigh_by_their_days_and_years_are_sums_already():
    months = np.arange("2012-01", "2013-01", dtype="datetime64[M]")
    value = np.arange(1.0, 13.0)
    lasting = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    found = summed("year", value, months, step=0)
    np.testing.assert_allclose(found["sum"], (value * lasting).sum())
    np.testing.assert_allclose(found["mean"], (value * lasting).sum() / 366)
    years = np.arange("2011", "2014", dtype="datetime64[Y]")
    found = summed("year", np.array([-300.0, np.nan, -250.0]), years, YEARLY, -1)
    np.testing.assert_array_equal(found["sum"], [-300, np.nan, -250])
    np.testing.assert_array_equal(found["mean"], found["sum"])


def test_the_last_week_of_a_year_lasts_until_the_next_also_at_the_end_of_a_series():
    week = STEPS["WW"]
    begin = starts(np.arange(41 * 52, 43 * 52), week).astype("datetime64[m]")  # 2011 and 2012
    found = summed("year", np.full(104, 2.0), begin, step=week.minutes)
    assert found["begin"].tolist() == ["2011", "2012"]
    np.testing.assert_allclose(found["sum"], [730, 732])
    assert summed("year", np.full(103, 2.0), begin[:-1], step=week.minutes)["sum"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("code", "period"), [("WW", "day"), ("WW", "month"), ("MM", "day"), ("YY", "day"), ("YY", "month")]
)
def test_records_that_lie_in_two_periods_are_refused(code, period):
    begin = starts(np.arange(40, 80), STEPS[code]).astype("datetime64[m]")
    with pytest.raises(DataError, match=f"records reach over the end of a {period}.*Choose a longer period"):
        summed(period, np.ones(40), begin, YEARLY if code == "YY" else CARBON, STEPS[code].minutes)


def test_records_longer_than_the_period_are_refused_before_anything_is_predicted():
    begin = days("2011-01-01", "2011-03-01")[::7].astype("datetime64[m]")
    arrays = {"time": begin.astype(np.int64), "station_first": np.zeros(1), "step": np.array([STEPS["WW"].minutes])}
    dataset = SimpleNamespace(has=arrays.__contains__, array=arrays.__getitem__)
    trained = SimpleNamespace(data=SimpleNamespace(signature=SimpleNamespace(unit=CARBON)))  # no network to predict
    with pytest.raises(DataError, match=r"records reach over the end of a day.*Choose a longer period"):
        sums_job(trained, dataset, RequestedSums("day"), NullReporter())


def test_stations_are_summed_apart_though_one_begins_when_the_other_ends():
    begin = np.concatenate([days("2011-01-01", "2011-02-01"), days("2011-02-01", "2011-03-01")]).astype("datetime64[m]")
    station = np.repeat([0, 1], [31, 28])
    gapless = GapFilledSeries(
        np.repeat([1.0, 3.0], [31, 28]), station == 0, lengths(begin, station, 1440), begin, station
    )
    found = sums(gapless, NAMES, SumDefinition("month", "network", *sum_unit(series(), CARBON)))
    assert found[["station", "begin", "sum", "observed"]].to_numpy().tolist() == [
        ["DE-Hai", "2011-01", 31.0, 1.0],
        ["US-Ha1", "2011-02", 84.0, 0.0],
    ]


@given(st.integers(0, 999), st.sets(st.integers(0, 455), max_size=8))
def test_sums_of_days_make_up_those_of_months_and_gaps_leave_them_out(seed, gaps):
    begin = days("2011-11-01", "2013-01-30")  # the last month lacks two days
    value = np.random.default_rng(seed).normal(0, 5, len(begin))
    value[list(gaps)] = np.nan
    by_month = summed("day", value, begin)
    by_month["begin"] = by_month["begin"].str[:7]
    again = by_month.groupby("begin")["sum"].apply(lambda gapless: gapless.sum(skipna=False))
    again["2013-01"] = np.nan
    found = summed("month", value, begin)
    assert found["begin"].tolist() == again.index.tolist()
    np.testing.assert_allclose(found["sum"], again, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("unit", ["degC", "hPa", "umol m-2 s-1", ""])
def test_units_without_a_sum_are_refused(unit):
    with pytest.raises(SettingsError, match=f"values in {unit} have no sum over time.*gC m-2 d-1, umol CO2"):
        sum_unit(series(), unit)


@pytest.mark.parametrize("gapless", [(), ("step",), ("station_first",)])
def test_samples_that_are_no_series_are_refused(gapless):
    with pytest.raises(SettingsError, match=r"samples of gwsa are no series.*Leave it out"):
        sum_unit(series(gapless), CARBON)


def test_the_longest_gap_is_that_within_the_period():
    begin = days("2011-01-01", "2011-03-01")
    value = np.ones(59)
    value[[0, 3, 4, 5, 29, 30, 31, 32]] = -1.0  # predicted; the last stretch lies in two months
    value[40:42] = np.nan
    found = summed("month", value, begin)
    np.testing.assert_array_equal(found["longest_gap"], [3.0, 2.0])
    assert summed("year", value, begin)["longest_gap"].tolist() == [306.0], "there is nothing from March on"


def test_the_longest_gap_counts_time_before_the_first_record_and_after_the_last():
    value = np.ones(400)
    value[[10, 11, 250, 251, 252]] = -1.0
    begin = days("2011-06-01", "2013-01-01")[:400]
    found = summed("year", value, begin)
    np.testing.assert_array_equal(found["longest_gap"], [151.0, 366 - 186])
    np.testing.assert_allclose(found["missing"], [151 / 365, 180 / 366])
    two = np.array([0] * 300 + [1] * 100)
    begin = np.concatenate([begin[:300], begin[:100]]).astype("datetime64[m]")
    both = GapFilledSeries(value, value > 0, lengths(begin, two, 1440), begin, two)
    found = sums(both, NAMES, SumDefinition("year", "network", *sum_unit(series(), CARBON)))
    # Of 2011 that is from January to May; records of the first end on 26 March 2012.
    np.testing.assert_array_equal(found["longest_gap"], [151.0, 366 - 86, 151.0])


@pytest.mark.parametrize(("unit", "weight"), [(CARBON, 1.0), (ENERGY, 0.0864)])
def test_the_interval_of_a_sum_is_that_of_the_mean_error_over_what_was_filled(unit, weight):
    begin = days("2011-01-01", "2011-03-01")
    value = np.where(np.arange(59) % 2, 1.0, -1.0)
    value[31:] = 1.0
    station = np.zeros(59, dtype=np.int64)
    begin = begin.astype("datetime64[m]")
    gapless = GapFilledSeries(value, value > 0, lengths(begin, station, 1440), begin, station)
    asked = []

    def half(minutes: float) -> float:
        asked.append(minutes)
        return 0.25

    found = sums(gapless, NAMES, SumDefinition("month", "network", *sum_unit(series(), unit)), Interval(0.9, half))
    assert asked == [16 * 1440]
    # Nothing is known of the error of February's observations: an interval without width would say that there is none.
    np.testing.assert_allclose(found["sum_upper"] - found["sum"], [0.25 * 16 * weight, np.nan])
    np.testing.assert_allclose(found["sum"] - found["sum_lower"], [0.25 * 16 * weight, np.nan])
    assert found["interval_of"].tolist() == ["fill", ""]


def uncertain_year(told: Uncertainty, observed: np.ndarray, distance: float = 0.5) -> pd.Series:
    """Sum up 2011, every day 1 gC as the provider has it too; return its only row."""
    begin, station = days("2011-01-01", "2012-01-01").astype("datetime64[m]"), np.zeros(365, dtype=np.int64)
    gapless = GapFilledSeries(np.ones(365), observed, lengths(begin, station, 1440), begin, station, np.ones(365), told)
    wanted = SumDefinition("year", "network", *sum_unit(series(), CARBON))
    return sums(gapless, NAMES, wanted, Interval(0.9, lambda minutes: distance)).iloc[0]


def test_fill_random_errors_and_thresholds_are_joined_as_the_root_of_their_squares():
    observed = np.arange(365) >= 65
    random = np.where(np.arange(365) < 265, 0.3, np.nan)  # of 200 observed days of 300; and of 65 others, not counted
    found = uncertain_year(Uncertainty(random, {(5, 95): (np.full(365, 0.9), np.full(365, 1.3))}), observed)
    assert found["sum"] == 365 and found["interval_of"] == "fill+random+ustar_05_95"
    assert found["fill_half_width"] == pytest.approx(65 * 0.5)
    assert found["random_half_width"] == pytest.approx(1.6448536 * 0.3 * 300**0.5), "variances add up"
    assert found["ustar_below"] == pytest.approx(36.5) and found["ustar_above"] == pytest.approx(109.5)
    others = (65 * 0.5) ** 2 + (1.6448536 * 0.3) ** 2 * 300
    assert found["sum"] - found["sum_lower"] == pytest.approx(np.sqrt(others + 36.5**2))
    assert found["sum_upper"] - found["sum"] == pytest.approx(np.sqrt(others + 109.5**2))


def test_random_errors_of_few_records_are_not_in_the_interval():
    """Those that are not told of would count as none."""
    found = uncertain_year(Uncertainty(np.where(np.arange(365) < 18, 0.3, np.nan)), np.arange(365) >= 10)
    assert found["interval_of"] == "fill" and np.isnan(found["random_half_width"])


def test_the_widest_percentiles_that_most_records_have_are_named_and_taken():
    narrow, wide = (np.full(365, 0.8), np.full(365, 1.1)), (np.full(365, 0.5), np.full(365, 1.5))
    wide[0][:200] = np.nan
    all_observed = np.ones(365, dtype=bool)
    found = uncertain_year(Uncertainty(None, {(5, 95): wide, (25, 75): narrow}), all_observed)
    assert found["interval_of"] == "ustar_25_75" and found["sum_lower"] == pytest.approx(365 - 73)
    assert "random_half_width" not in found
    wide[0][60:200] = 0.5  # the first 60 days count like the others: without them the interval would be too narrow
    found = uncertain_year(Uncertainty(None, {(5, 95): wide, (25, 75): narrow}), all_observed)
    assert found["interval_of"] == "ustar_05_95" and found["ustar_above"] == pytest.approx(365 / 2)
    wide[0][:60] = 0.5
    found = uncertain_year(Uncertainty(None, {(5, 95): wide, (25, 75): narrow}), all_observed)
    assert found["interval_of"] == "ustar_05_95" and found["sum_lower"] == pytest.approx(365 / 2)
    # The provider's own choice lies below both: nothing is below it.
    above = (np.full(365, 1.1), np.full(365, 1.2))
    found = uncertain_year(Uncertainty(None, {(25, 75): above}), all_observed)
    assert found["ustar_below"] == 0 and found["sum_lower"] == 365 and found["sum_upper"] == pytest.approx(365 * 1.2)


def test_without_the_error_of_what_was_filled_there_is_no_interval():
    told = Uncertainty(np.full(365, 0.3), {(5, 95): (np.full(365, 0.9), np.full(365, 1.3))})
    found = uncertain_year(told, np.arange(365) > 0, distance=np.nan)
    assert found["sum"] == 365 and np.isnan([found["sum_lower"], found["sum_upper"]]).all()
    assert found["interval_of"] == "" and found["ustar_above"] == pytest.approx(109.5)


def test_the_distance_of_means_is_that_of_the_longest_block_that_is_no_longer():
    def block(minutes, distance, shares=(0.5, 0.95)):
        kept = KeptDistances(share=shares, distance=(0.0, distance))
        return BlockDistances(minutes=minutes, blocks=20, distance=kept)

    few = block(525_600, 0.1, (0.3, 0.6))  # two blocks promise no nine tenths
    found = Calibration(difference=None, rows=9, groups=9, group="station", by_group=(),
                        of_means=(block(30, 3.0), block(1440, 2.0), block(43_200, 0.5), few))  # fmt: skip
    minutes = (10, 30, 1439, 1440, 50_000, 600_000)
    assert [found.mean_distance(length, 0.9) for length in minutes] == [3.0, 3.0, 3.0, 2.0, 0.5, 0.5]
    assert found.mean_distance(600_000, 0.5) == 0.1
    assert np.isnan(Calibration(difference=None, rows=9, groups=9, group="x", by_group=()).mean_distance(9, 0.9))
