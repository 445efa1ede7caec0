"""Frames in another scale: found between files and years, and not where seasons, rain or snow change a lot."""

from __future__ import annotations

import cftime
import numpy as np
import pytest

from geoml_cli.readers.frame_scales import frame_size, scale_break

N = 36


def months(count=N):
    return [cftime.datetime(2003 + k // 12, k % 12 + 1, 1, calendar="standard") for k in range(count)]


def days(count):
    return list(cftime.num2date(np.arange(count) + 150, "days since 2003-01-01", "standard"))


def season(count, per_year):
    return np.sin(2 * np.pi * np.arange(count) / per_year)[:, None, None]


def noise(count, sigma, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 8, 9)) * sigma


def rain(count, typical_month, seed=0):
    """Return gamma-distributed rain whose months differ by a log-normal factor."""
    rng = np.random.default_rng(seed)
    return rng.gamma(0.5, 5, size=(count, 8, 9)) * np.exp(typical_month * rng.normal(size=(count, 1, 1)))


def found(values, times):
    return scale_break(np.array([frame_size(frame.ravel().astype(np.float32)) for frame in values]), times)


FIELDS = {
    "sea surface near 0 degC": 6 * season(N, 12) + noise(N, 0.3),
    "flux that changes its sign": 3 * season(N, 12) + 0.5 + noise(N, 0.1),
    "anomalies": np.cumsum(noise(N, 0.3)[:, :1, :1], axis=0) + noise(N, 0.3, 1),
    "production of 0 in winter": np.maximum(0, 8 * season(N, 12) - 2 + noise(N, 0.3)),
    "soil moisture": 0.25 + 0.1 * season(N, 12) + noise(N, 0.02),
    "chlorophyll": np.exp(1.5 * season(N, 12) + noise(N, 0.5)),
}


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(
    ("places", "factor"),
    [(range(24, 36), 100), (range(12, 24), 1000), (range(12, 24), 0.001), (range(24, 36), 0.001)],
)
def test_a_year_in_another_scale(name, places, factor):
    values = FIELDS[name].copy()
    values[places.start : places.stop] *= factor
    other = found(values, months())
    assert other is not None
    # a year of which months are 0 has fewer
    assert set(other.places) <= set(places) and len(other.places) >= 5
    assert abs(np.log(other.factor / factor)) < np.log(3)


@pytest.mark.parametrize("name", ["sea surface near 0 degC", "flux that changes its sign", "soil moisture"])
def test_three_months_in_another_scale(name):
    values = FIELDS[name].copy()
    values[17:20] *= 1000
    assert list(found(values, months()).places) == [17, 18, 19]


def test_the_second_of_two_years_in_another_scale():
    values = FIELDS["soil moisture"][:24].copy()
    values[12:] *= 100
    assert list(found(values, months(24)).places) == list(range(12, 24))


def test_a_month_of_days_in_another_scale():
    values = 15 + 5 * season(365, 365) + noise(365, 0.5)
    values[100:131] *= 1000
    assert list(found(values, days(365)).places) == list(range(100, 131))


NATURAL = {
    **FIELDS,
    "temperature far from 0": 280 + 10 * season(N, 12) + noise(N, 1),
    "light at a pole": np.maximum(0, 200 * season(N, 12) + noise(N, 20) * (season(N, 12) > 0)),
    "ice": np.clip(0.5 + 1.2 * season(N, 12) + noise(N, 0.05), 0, 1),
    "snow": np.where(season(N, 12) < -0.3, np.abs(noise(N, 20)) * -season(N, 12), 0),
    "rain of a desert": rain(N, 2.5) * (np.random.default_rng(1).random((N, 1, 1)) < 0.3),
    "rain of a monsoon": rain(N, 0.7) * np.exp(3.5 * season(N, 12)),
    "one cell that changes its sign": noise(N, 1)[:, :1, :1],
    "zeros": np.zeros((N, 8, 9)),
}


@pytest.mark.parametrize("count", [8, 12, 23, 24, N])
@pytest.mark.parametrize("name", NATURAL)
def test_what_nature_does_is_no_scale(name, count):
    assert found(NATURAL[name][:count], months(count)) is None


@pytest.mark.parametrize("seed", range(5))
def test_days_of_rain_and_snow_are_no_scale(seed):
    wet = np.random.default_rng(seed).random((400, 1, 1)) < 0.3
    assert found(rain(400, 1.5, seed) * wet, days(400)) is None
    winter = season(400, 365) > 0.3
    assert found(np.where(winter, 50 + noise(400, 5, seed), np.where(wet, 0.01, 0)), days(400)) is None


def test_three_wet_months_are_no_scale():
    values = rain(N, 0.8)
    values[17:20] *= 15  # El Niño at a dry coast
    assert found(values, months()) is None


def test_one_extreme_month_is_no_scale():
    values = FIELDS["soil moisture"].copy()
    values[17] *= 40
    assert found(values, months()) is None


@pytest.mark.parametrize("night", [2.3e-10, 1e-17, 0.0])
def test_what_packing_makes_of_zero_is_no_scale(night):
    """Radiation by the hour, 0 at night; packed, it is nearly 0."""
    hours = np.arange(24 * 31)
    light = np.maximum(0, np.sin(2 * np.pi * (hours - 6) / 24)) * 2.5e6
    values = np.where(light > 1, light, night)[:, None, None] * np.ones((1, 8, 9))
    times = [cftime.datetime(2020, 1, 1 + hour // 24, hour % 24, calendar="standard") for hour in hours.tolist()]
    assert found(values, times) is None


@pytest.mark.parametrize("factor", [12.011, 1 / 12.011])
def test_a_file_of_a_year_in_grams_of_carbon(factor):
    values = 3 * season(96, 12) + 0.5 + noise(96, 0.1)
    files = [str(2003 + place // 12) for place in range(96)]
    sizes = [frame_size(frame.ravel().astype(np.float32)) for frame in values]
    assert scale_break(np.array(sizes), months(96), files) is None
    sizes[36:48] = [size * factor for size in sizes[36:48]]
    other = scale_break(np.array(sizes), months(96), files)
    assert other is not None and other.places.tolist() == list(range(36, 48))
    assert other.factor == pytest.approx(factor, rel=0.5)


def test_a_file_of_the_running_year_does_not_hide_another_scale():
    values = 3 * season(98, 12) + 0.5 + noise(98, 0.1)
    sizes = [frame_size(frame.ravel().astype(np.float32)) for frame in values]
    sizes[36:48] = [size * 12.011 for size in sizes[36:48]]
    other = scale_break(np.array(sizes), months(98), [str(2003 + place // 12) for place in range(98)])
    assert other is not None and other.places.tolist() == list(range(36, 48))


@pytest.mark.parametrize("factor", [7.0, 1 / 7.0])
def test_a_lake_that_fills_and_snow_of_a_dry_year_are_no_other_scale(factor):
    lake = 1 + 0.3 * season(96, 12) + noise(96, 0.02)
    lake[36:48] *= factor
    snow = np.maximum(0, 40 * season(96, 12) + noise(96, 1))
    snow[36:48] *= 0.09
    files = [str(2003 + place // 12) for place in range(96)]
    for values in (lake, snow):
        sizes = [frame_size(frame.ravel().astype(np.float32)) for frame in values]
        assert scale_break(np.array(sizes), months(96), files) is None


def test_years_of_other_weather_are_no_other_scale():
    """A dry year's rain is several times less in each month, and no month of another year is as dry."""
    values = rain(96, 0.5)
    values[36:48] /= 3
    files = [str(2003 + place // 12) for place in range(96)]
    sizes = [frame_size(frame.ravel().astype(np.float32)) for frame in values]
    assert scale_break(np.array(sizes), months(96), files) is None
