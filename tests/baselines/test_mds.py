"""Marginal distribution sampling against cases worked out by hand, and a plain loop over one record at a time."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.baselines.mds import Series, fill
from geoml_cli.errors import SettingsError

DAY = 48


def series(days: int, step: int = 30) -> Series:
    """Make records of constant weather with unknown fluxes."""
    count = days * 1440 // step
    plain = [np.full(count, value) for value in (np.nan, 400.0, 15.0, 8.0)]
    return Series(np.arange(count) * step, *plain, step)


def filled(record: Series, asked: int):
    found = fill(record, np.array([asked]))
    return found.mean_A[0], found.std_A[0], found.quality_A[0]


def test_the_mean_of_like_weather_within_seven_days():
    record, asked = series(40), 20 * DAY
    for place, flux in ((asked - 7 * DAY, 1.0), (asked + 7 * DAY, 4.0), (asked + 7 * DAY + 1, 90.0)):
        record.flux_N[place] = flux
    np.testing.assert_allclose(filled(record, asked), (2.5, np.std([1, 4], ddof=1), 1))


@pytest.mark.parametrize(("column", "tolerance"), [("radiation_N", 50.0), ("warmth_N", 2.5), ("dryness_N", 5.0)])
def test_weather_is_alike_below_its_tolerance(column, tolerance):
    """Beyond it only records of the same time of day are left, of which there are none, or radiation alone."""
    record, asked = series(40), 20 * DAY
    record.flux_N[asked + 100], record.flux_N[asked + 110] = 1.0, 3.0
    getattr(record, column)[asked + 110] += tolerance - 0.01
    assert filled(record, asked)[0] == 2.0
    getattr(record, column)[asked + 110] += 0.02
    expected = np.nan if column == "radiation_N" else 2.0  # the second stage compares radiation alone
    np.testing.assert_equal(filled(record, asked)[0], expected)


def test_weak_radiation_has_a_tolerance_of_its_own():
    record, asked = series(40), 20 * DAY
    record.flux_N[asked + 100], record.flux_N[asked + 110] = 1.0, 3.0
    record.radiation_N[:] = 5.0
    record.radiation_N[asked + 110] = 24.9
    assert filled(record, asked)[0] == 2.0
    record.radiation_N[asked + 110] = 25.1
    assert np.isnan(filled(record, asked)[0])


def test_without_weather_the_same_time_of_day_counts():
    record, asked = series(40), 20 * DAY
    record.radiation_N[asked] = np.nan
    record.flux_N[asked + 30 : asked + 40] = 70.0  # near, at another time of day
    record.flux_N[asked + 2], record.flux_N[asked - 2] = 1.0, 2.0  # within the hour
    np.testing.assert_allclose(filled(record, asked)[::2], (1.5, 1))
    record.flux_N[asked + 2] = np.nan
    record.flux_N[asked + DAY - 1] = 5.0  # the next day
    np.testing.assert_allclose(filled(record, asked)[::2], (3.5, 2))


def test_far_records_are_of_the_poorest_quality():
    record, asked = series(150), 70 * DAY
    record.flux_N[asked - 60 * DAY], record.flux_N[asked + 62 * DAY] = 1.0, 2.0
    np.testing.assert_allclose(filled(record, asked)[::2], (1.5, 3))
    record.radiation_N[asked + 62 * DAY] = 0.0
    np.testing.assert_allclose(filled(record, asked)[::2], (1.5, 3), err_msg="by the time of day")


def test_nothing_known_is_filled_with_nothing():
    assert np.isnan(filled(series(10), 100)[0])
    assert not len(fill(series(1), np.array([], dtype=np.int64)).mean_A)


def test_what_is_asked_for_is_not_used_and_records_that_are_missing_keep_their_place():
    whole = series(60)
    random = np.random.default_rng(1)
    for values in (whole.flux_N, whole.radiation_N, whole.warmth_N, whole.dryness_N):
        values[:] = random.uniform(0, 30, len(values))
    asked = np.arange(900, 1200)
    left = np.sort(random.permutation(len(whole.minute_N))[:2500])
    left = np.union1d(left, asked)
    missing = np.setdiff1d(np.arange(len(whole.minute_N)), left)
    shortened = Series(*(column[left] for column in whole[:5]), 30)
    whole.flux_N[missing] = whole.radiation_N[missing] = np.nan
    expected, found = fill(whole, asked), fill(shortened, np.searchsorted(left, asked))
    np.testing.assert_array_equal(found.mean_A, expected.mean_A)
    changed = whole._replace(flux_N=np.where(np.isin(np.arange(len(whole.flux_N)), asked), 1e6, whole.flux_N))
    np.testing.assert_array_equal(fill(changed, asked).mean_A, expected.mean_A)


def test_records_that_are_known_are_filled_from_the_others():
    record, asked = series(40), 20 * DAY
    places = np.array([asked, asked + 100, asked + 110])
    record.flux_N[places] = 1.0, 3.0, 8.0
    found = fill(record, places, leave_one_out=True).mean_A
    np.testing.assert_allclose(found, [5.5, 4.5, 2.0])
    assert np.isnan(fill(record, places).mean_A).all()


def test_the_first_stage_equals_a_plain_loop():
    record = series(50)
    random = np.random.default_rng(2)
    hour = np.arange(len(record.flux_N)) % DAY / 2
    record.radiation_N[:] = np.maximum(0, 600 * np.sin((hour - 6) / 12 * np.pi)) * random.uniform(0.3, 1, len(hour))
    record.warmth_N[:] = 10 + 5 * np.sin((hour - 9) / 24 * 2 * np.pi) + random.normal(0, 2, len(hour))
    record.dryness_N[:] = random.uniform(0, 15, len(hour))
    record.flux_N[:] = -0.02 * record.radiation_N + random.normal(0, 1, len(hour))
    asked = np.sort(random.permutation(len(hour))[:200])
    known = np.setdiff1d(np.arange(len(hour)), asked)
    found = fill(record, asked)
    compared = 0
    for place, mean in zip(asked, found.mean_A, strict=True):
        tolerance = min(max(record.radiation_N[place], 20), 50)
        like = [
            record.flux_N[other]
            for other in known
            if abs(other - place) <= 7 * DAY
            and abs(record.radiation_N[other] - record.radiation_N[place]) < tolerance
            and abs(record.warmth_N[other] - record.warmth_N[place]) < 2.5
            and abs(record.dryness_N[other] - record.dryness_N[place]) < 5
        ]
        if len(like) > 1:
            np.testing.assert_allclose(mean, np.mean(like), rtol=1e-12)
            compared += 1
    assert compared > 150


def test_days_are_refused():
    with pytest.raises(SettingsError, match="half-hours or hours, not of 1440 minutes"):
        fill(Series(*series(5)[:5], 1440), np.array([3]))
