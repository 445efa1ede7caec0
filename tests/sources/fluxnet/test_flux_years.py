"""A year of several in another unit, and clocks that are not local standard time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flux_case import columns, write

from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet import synthetic as made

DAYS = np.arange("2010-01-01", "2013-01-01", dtype="datetime64[D]")
FIRST_YEAR = DAYS < np.datetime64("2011-01-01")
NAME = "FLX_{site}_FLUXNET2015_FULLSET_HH_2010-2010_1-4.csv"
LIGHT = {"dynamic": ("TA_F", "SW_IN_F"), "extra": ()}
TOWER = made.TOWERS[0]


def years(raw: Path, **changed: np.ndarray) -> Path:
    """Write three years of a site in a folder of its own, with other values of some drivers."""
    alone = raw.parent / "alone"
    alone.mkdir(exist_ok=True)
    (alone / "siteinfo.csv").write_bytes((raw / "siteinfo.csv").read_bytes())
    held = columns(days=DAYS)
    held["SWC_F_MDS_1"] = 20 + 10 * np.sin(np.arange(len(DAYS)) / 58)
    write(alone, TOWER, held | changed, DAYS, "FLX_{site}_FLUXNET2015_FULLSET_DD_2010-2012_1-4.csv")
    return alone


RAIN = np.random.default_rng(0).gamma(0.3, 8, len(DAYS))


@pytest.mark.parametrize(
    ("name", "factor", "message"),
    [
        ("PA_F", 10, r"from 2010-01-01: the median of PA_F .* is 9\d\d"),
        ("VPD_F", 0.1, r"from 2010-01-01: VPD_F is .* of saturation"),
        ("SW_IN_F", 0.0864, r"from 2010-01-01: SW_IN_F is .* in 99 of 100 records"),
        ("SWC_F_MDS_1", 0.01, r"from 2010-01-01: SWC_F_MDS_1 is .* which is a fraction"),
        ("P_F", 0.001, r"from 2010-01-01: P_F sums up to .* in a year"),
        ("P_F", 1000, r"from 2010-01-01: P_F sums up to .* in a year"),
        ("CO2_F_MDS", 1e-6, r"from 2010-01-01: the median of CO2_F_MDS .* is 0\.0003"),
    ],
)
def test_one_year_of_three_is_refused(raw: Path, prepared, name: str, factor: float, message: str) -> None:
    held = {**columns(days=DAYS), "P_F": RAIN, "SWC_F_MDS_1": np.full(len(DAYS), 20.0)}
    wanted = {"dynamic": ("TA_F", "VPD_F", "SW_IN_F", "PA_F"), "extra": ("P_F", "SWC_F_MDS_1", "CO2_F_MDS")}
    prepared(years(raw, **{name: held[name]}), **wanted)
    alone = years(raw, **{name: np.where(FIRST_YEAR, held[name] * factor, held[name])})
    with pytest.raises(DataError, match=message):
        prepared(alone, **wanted)


def test_years_that_differ_by_weather_are_no_other_unit(raw: Path, prepared) -> None:
    soil = np.where(FIRST_YEAR, 0.8, 12.0) + np.sin(np.arange(len(DAYS)) / 58) * 0.1  # a desert without and with rain
    # The first year is a winter: little light, and air that is nearly saturated.
    days = np.arange(len(DAYS))
    short = FIRST_YEAR & (days < 300)
    light = np.where(short, np.nan, 200.0)
    light[300:365] = 20.0
    dry = np.where(short, np.nan, 5.0)
    dry[300:365] = 0.1
    prepared(years(raw, SWC_F_MDS_1=soil, SW_IN_F=light, VPD_F=dry), extra=("SWC_F_MDS_1",))


def half_hours(raw: Path, shift_h: float = 0.0, clock: np.ndarray | None = None) -> Path:
    """Write half-hours of a year whose sun is highest at noon, with times moved."""
    alone = raw.parent / "halves"
    alone.mkdir(exist_ok=True)
    (alone / "siteinfo.csv").write_bytes((raw / "siteinfo.csv").read_bytes())
    true = np.arange("2010-01-01", "2011-01-01", 30, dtype="datetime64[m]")
    hour = (true - true.astype("datetime64[D]")).astype(float) / 60 + 0.25
    cloud = np.random.default_rng(0).uniform(0.5, 1, len(true))
    light = np.maximum(0, 700 * np.cos((hour - 12) / 12 * np.pi)) * cloud
    held = {
        "TA_F": 12 + 5 * np.sin((hour - 9) / 12 * np.pi) + cloud,
        "SW_IN_F": light,
        "P_F": np.zeros(len(true)),
        "NEE_VUT_REF": 2 - light / 60,
        "NEE_VUT_REF_QC": np.zeros(len(true)),
    }
    begin = true + np.timedelta64(int(shift_h * 60), "m") if clock is None else clock
    stamps = {
        "TIMESTAMP_START": made.stamp(begin, 12),
        "TIMESTAMP_END": made.stamp(begin + np.timedelta64(30, "m"), 12),
    }
    made.write(alone / NAME.format(site=TOWER.site), stamps, held)
    return alone


@pytest.mark.parametrize("shift", [-2.5, 0, 1, 2.5])
def test_standard_time_may_be_hours_from_the_sun(raw: Path, prepared, shift: float) -> None:
    prepared(half_hours(raw, shift), **LIGHT)


@pytest.mark.parametrize("shift", [8, 5, -6, 12])
def test_times_that_are_not_local_are_refused_with_a_remedy_that_works(raw: Path, prepared, shift: float) -> None:
    alone = half_hours(raw, shift)
    with pytest.raises(DataError, match=rf"SW_IN_F is centred on {(12 + shift) % 24:.1f} h, and the sun's on noon"):
        prepared(alone, **LIGHT)
    prepared(alone, dynamic=("TA_F",), extra=())


def test_clocks_with_summer_time_are_told_as_such(raw: Path, prepared) -> None:
    true = np.arange("2010-01-01", "2011-01-01", 30, dtype="datetime64[m]")
    summer = (true >= np.datetime64("2010-03-28T02:00")) & (true < np.datetime64("2010-10-31T02:00"))
    alone = half_hours(raw, clock=true + np.where(summer, 60, 0).astype("timedelta64[m]"))
    with pytest.raises(
        DataError, match=r"the hour from 2010-10-31 02:00 stands twice, and that from 2010-03-28 02:00 is missing"
    ) as caught:
        prepared(alone, **LIGHT)
    assert "local standard time" in caught.value.fix
    prepared(half_hours(raw), **LIGHT)  # an hour less in summer
