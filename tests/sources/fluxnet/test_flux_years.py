"""A year of several in another unit, and clocks that are not local standard time."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from flux_case import columns, write

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.sources.fluxnet import synthetic as made
from geoml_cli.sources.fluxnet.options import FluxnetOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

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
    found = columns(days=DAYS)
    found["SWC_F_MDS_1"] = 20 + 10 * np.sin(np.arange(len(DAYS)) / 58)
    write(alone, TOWER, found | changed, DAYS, "FLX_{site}_FLUXNET2015_FULLSET_DD_2010-2012_1-4.csv")
    return alone


RAIN = np.random.default_rng(0).gamma(0.3, 8, len(DAYS))


@pytest.mark.parametrize(
    ("name", "factor", "message"),
    [
        ("PA_F", 10, r"from 2010-01-01: 365 of 1096 values of PA_F are above 115"),
        ("VPD_F", 0.1, r"from 2010-01-01: VPD_F is .* of saturation"),
        ("SW_IN_F", 0.0864, r"from 2010-01-01: SW_IN_F is .* in 99 of 100 records"),
        ("SWC_F_MDS_1", 0.01, r"from 2010-01-01: SWC_F_MDS_1 is .* which is a fraction"),
        ("P_F", 0.001, r"from 2010-01-01: P_F sums up to .* in a year"),
        ("P_F", 1000, r"from 2010-01-01: P_F sums up to .* in a year"),
        ("CO2_F_MDS", 1e-6, r"from 2010-01-01: the median of CO2_F_MDS .* is 0\.0003"),
    ],
)
def test_one_year_of_three_is_refused(raw: Path, prepared, name: str, factor: float, message: str) -> None:
    found = {**columns(days=DAYS), "P_F": RAIN, "SWC_F_MDS_1": np.full(len(DAYS), 20.0)}
    wanted = {"dynamic": ("TA_F", "VPD_F", "SW_IN_F", "PA_F"), "extra": ("P_F", "SWC_F_MDS_1", "CO2_F_MDS")}
    prepared(years(raw, **{name: found[name]}), **wanted)
    alone = years(raw, **{name: np.where(FIRST_YEAR, found[name] * factor, found[name])})
    with pytest.raises(DataError, match=message):
        prepared(alone, **wanted)


@pytest.mark.parametrize(
    ("name", "factor", "size"),
    [("LE_F_MDS", 0.0864, r"1[12](\.\d)? times smaller"), ("NEE_VUT_REF", 100, r"(9\d|1\d\d)(\.\d)? times larger")],
)
def test_a_year_of_the_target_in_another_unit_is_refused(
    raw: Path, prepared, name: str, factor: float, size: str
) -> None:
    noise = 0.1 * np.random.default_rng(4).normal(size=len(DAYS))
    season = np.sin(np.arange(len(DAYS)) * 2 * np.pi / 365.25) + noise
    plain = {name: 0.5 * season, f"{name}_QC": np.ones(len(DAYS)), **WITHOUT_PARTS}
    given = {"target": name, "extra": ()}
    prepared(years(raw, **plain), **given)
    # A year of which some months alone are measured is no other unit, nor is one that is a third of the others.
    for winter in (np.where(FIRST_YEAR & (np.arange(len(DAYS)) > 40), np.nan, 1), np.where(FIRST_YEAR, 0.3, 1)):
        prepared(years(raw, **plain | {name: plain[name] * winter}), **given)
    alone = years(raw, **plain | {name: plain[name] * np.where(FIRST_YEAR, factor, 1)})
    with pytest.raises(DataError, match=rf"{TOWER.site}: {name} of 2010 is about {size}.*say --any-scale {name}"):
        prepared(alone, **given)
    # Of a year of poor quality nothing is kept, and nothing is compared.
    poor = {f"{name}_QC": np.where(FIRST_YEAR, 0.0, 1.0)}
    prepared(years(raw, **plain | {name: plain[name] * np.where(FIRST_YEAR, factor, 1)} | poor), **given)
    years(raw, **plain | {name: plain[name] * np.where(FIRST_YEAR, factor, 1)})
    prepared(alone, any_scale=(name,), **given)


WITHOUT_PARTS = {name: np.full(len(DAYS), np.nan) for name in ("RECO_NT_VUT_REF", "GPP_NT_VUT_REF")}


def _fluxes(factor: float | np.ndarray) -> dict[str, np.ndarray]:
    season = 5 * np.sin(np.arange(len(DAYS)) * 2 * np.pi / 365.25) + np.random.default_rng(4).normal(size=len(DAYS))
    return {"NEE_VUT_REF": factor * season, "NEE_VUT_REF_QC": np.ones(len(DAYS)), **WITHOUT_PARTS}


def test_a_target_that_no_flux_reaches_for_most_of_a_month_is_another_unit(raw: Path, prepared) -> None:
    """Left out alone, as single spikes are, it would take the large values away and keep the small ones."""
    words = r"NEE_VUT_REF is larger than 100 in \d+ of 31 good records of 2010-01 \(up to \d+\), more than a flux "
    alone = years(raw, **_fluxes(np.where(np.arange(len(DAYS)) < 60, 1000.0, 1.0)))
    with pytest.raises(DataError, match=words + "in gC m-2 d-1.*--any-scale NEE_VUT_REF leaves them out") as caught:
        prepared(alone, extra=())
    assert caught.value.where == TOWER.site
    kept = prepared(alone, extra=(), any_scale=("NEE_VUT_REF",)).manifest.funnel  # as the message says
    assert kept.per_station[TOWER.site]["target implausible"] > 40
    spikes = np.ones(len(DAYS))
    spikes[3::7] = 1000.0
    assert prepared(years(raw, **_fluxes(spikes)), extra=()).manifest.funnel.per_station[TOWER.site]["with target"]
    reporter = NullReporter()
    options = FluxnetOptions(extra=())
    prepare(Raw("fluxnet", alone, options), raw.parent / "spikes", reporter, force=True)
    [warned] = reporter.warned
    assert re.match(
        rf"{TOWER.site}: 1\d\d of \d+ values of NEE_VUT_REF are larger than 100 and left out\. Where", warned
    )
    poor = _fluxes(np.where(np.arange(len(DAYS)) < 60, 1000.0, 1.0))
    poor["NEE_VUT_REF_QC"][:60] = 0.0
    prepared(years(raw, **poor), extra=())


def test_a_column_whose_years_are_not_compared_needs_no_word(raw: Path, prepared) -> None:
    with pytest.raises(SettingsError, match=r"years of TA_F are not compared anyway.*give NEE_VUT_REF"):
        prepared(raw, any_scale=("TA_F",))


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


YEAR = np.arange("2010-01-01", "2011-01-01", 30, dtype="datetime64[m]")


def half_hours(
    raw: Path,
    shift_h: float = 0.0,
    clock: np.ndarray | None = None,
    *,
    nights: bool = True,
    hours: tuple[float, float] = (0.0, 24.0),
    rows: np.ndarray | None = None,
    even: bool = False,
) -> Path:
    """Write half-hours of a year whose sun is highest at noon, with times moved.

    Args:
        raw: Holds the table of sites.
        shift_h: By which times are later than the sun's [h].
        clock: Times instead.
        nights: Whether sunlight of nights is 0, not missing.
        hours: Between which it is known.
        rows: Which rows are written.
        even: Whether sunlight of June is its mean at every hour.
    """
    alone = raw.parent / "halves"
    alone.mkdir(exist_ok=True)
    (alone / "siteinfo.csv").write_bytes((raw / "siteinfo.csv").read_bytes())
    true, taken = YEAR, np.ones(len(YEAR), dtype=bool) if rows is None else rows
    hour = (true - true.astype("datetime64[D]")).astype(float) / 60 + 0.25
    cloud = np.random.default_rng(0).uniform(0.5, 1, len(true))
    light = np.maximum(0, 700 * np.cos((hour - 12) / 12 * np.pi)) * cloud
    if even:
        light[(true >= np.datetime64("2010-06-01")) & (true < np.datetime64("2010-07-01"))] = 230.0
    unknown = (hour < hours[0]) | (hour > hours[1]) | ((light == 0) & (not nights))
    light_known = np.where(unknown, np.nan, light)
    found = {
        "TA_F": 12 + 5 * np.sin((hour - 9) / 12 * np.pi) + cloud,
        "SW_IN_F": light_known,
        "P_F": np.zeros(len(true)),
        "NEE_VUT_REF": 2 - light / 60,
        "NEE_VUT_REF_QC": np.zeros(len(true)),
    }
    begin = YEAR + np.timedelta64(int(shift_h * 60), "m") if clock is None else clock
    stamps = {
        "TIMESTAMP_START": made.stamp(begin[taken], 12),
        "TIMESTAMP_END": made.stamp(begin[taken] + np.timedelta64(30, "m"), 12),
    }
    made.write(alone / NAME.format(site=TOWER.site), stamps, {name: values[taken] for name, values in found.items()})
    return alone


def test_records_that_a_file_leaves_out_are_told(raw: Path, prepared) -> None:
    kept = np.ones(len(YEAR), dtype=bool)
    august = slice(*np.searchsorted(YEAR, [np.datetime64("2010-08-01T00:00"), np.datetime64("2010-09-01T00:00")]))
    kept[august] = False
    kept[np.searchsorted(YEAR, np.datetime64("2010-05-10T12:00")) + np.arange(4)] = False
    notes = prepared(half_hours(raw, rows=kept), **LIGHT).manifest.funnel.notes
    [told] = [note for note in notes if "have no row" in note]
    assert "1492 time steps between the first and the last have no row, 1488 in a row from 2010-08-01" in told
    notes = prepared(half_hours(raw), **LIGHT).manifest.funnel.notes
    assert not [note for note in notes if "have no row" in note]


@pytest.mark.parametrize("shift", [-2.5, 0, 1, 3.5])
def test_standard_time_may_be_hours_from_the_sun(raw: Path, prepared, shift: float) -> None:
    prepared(half_hours(raw, shift), **LIGHT)


@pytest.mark.parametrize("shift", [8, 5, -6, 11])
@pytest.mark.parametrize("nights", [True, False])
def test_times_that_are_not_local_are_refused_with_a_remedy_that_works(
    raw: Path, prepared, shift: float, nights: bool
) -> None:
    alone = half_hours(raw, shift, nights=nights)
    message = (
        rf"SW_IN_F is centred on {(12 + shift) % 24:.1f} h in the month from 20\d\d-\d\d-.*, and the sun's on noon"
    )
    with pytest.raises(DataError, match=message):
        prepared(alone, **LIGHT)
    prepared(alone, dynamic=("TA_F",), extra=())


def test_a_half_of_a_year_in_utc_is_refused(raw: Path, prepared) -> None:
    later = YEAR >= np.datetime64("2010-07-01")
    alone = half_hours(raw, clock=YEAR + np.where(later, 6 * 60, 0).astype("timedelta64[m]"))
    with pytest.raises(DataError, match=r"centred on 18\.\d h in the month from 2010-07-01 06:00"):
        prepared(alone, **LIGHT)


def test_hours_that_are_missing_by_day_say_nothing_of_the_clock(raw: Path, prepared) -> None:
    prepared(half_hours(raw, nights=False, hours=(13.0, 24.0)), **LIGHT)


ZONES = {
    "Europe": ("2010-03-28T02:00", "2010-10-31T03:00", "2010-10-31 02:00", "2010-03-28 02:00", "between"),
    "Australia": ("2010-10-03T02:00", "2010-04-04T03:00", "2010-04-04 02:00", "2010-10-03 02:00", "before and after"),
    "Brazil": ("2010-10-17T00:00", "2010-02-21T00:00", "", "", ""),
}


def summer(zone: str) -> np.ndarray:
    """Return the clocks of half-hours of 2010: forward at the first moment, back at the second, of clocks."""
    forward, back = (np.datetime64(moment) for moment in ZONES[zone][:2])
    ended = back - np.timedelta64(60, "m")
    is_summer = (YEAR >= forward) & (YEAR < ended) if forward < back else (YEAR >= forward) | (YEAR < ended)
    return YEAR + np.where(is_summer, 60, 0).astype("timedelta64[m]")


@pytest.mark.parametrize("zone", ["Europe", "Australia"])
def test_clocks_with_summer_time_are_told_with_a_remedy_that_works(raw: Path, prepared, zone: str) -> None:
    *_, twice, missing, where = ZONES[zone]
    with pytest.raises(
        DataError, match=rf"hour from {twice} stands twice, and that from {missing} is missing"
    ) as caught:
        prepared(half_hours(raw, clock=summer(zone)), **LIGHT)
    assert f"take an hour off the times of summer, {where} the two" in caught.value.fix
    kept = prepared(half_hours(raw), **LIGHT).manifest.funnel
    assert not [note for note in kept.notes if "summer time" in note]


def test_an_hour_that_is_missing_elsewhere_is_not_taken_for_spring(raw: Path, prepared) -> None:
    gap = (YEAR >= np.datetime64("2010-01-20T03:00")) & (YEAR < np.datetime64("2010-01-20T04:00"))
    alone = half_hours(raw, clock=summer("Europe"), rows=~gap)
    with pytest.raises(DataError, match="stands twice, and that from 2010-03-28 02:00 is missing"):
        prepared(alone, **LIGHT)
    again = YEAR.copy()
    place = int(np.flatnonzero(YEAR == np.datetime64("2010-07-01T00:00"))[0])
    again[place] = again[place - 1]
    june = (YEAR >= np.datetime64("2010-06-05T01:00")) & (YEAR < np.datetime64("2010-06-05T02:00"))
    with pytest.raises(DataError, match="stands in two rows with different"):
        prepared(half_hours(raw, clock=again, rows=~june), **LIGHT)


@pytest.mark.parametrize("zone", ["Europe", "Australia"])
def test_summer_time_is_seen_by_the_sun_where_no_hour_stands_twice(raw: Path, prepared, zone: str) -> None:
    clock = summer(zone)
    twice = np.concatenate([[False], np.diff(clock.astype(np.int64)) < 0])
    place = int(np.flatnonzero(twice)[0])
    rows = np.ones(len(clock), dtype=bool)
    rows[place : place + 2] = False  # as after dropping repeated times
    alone = half_hours(raw, clock=clock, rows=rows)
    missing = ZONES[zone][3]
    with pytest.raises(DataError, match=rf"{missing} is missing, and from then on .* 13\.0 h, before on 12\.0 h"):
        prepared(alone, **LIGHT)
    # Without sunlight nothing shows that the rest is an hour off.
    notes = prepared(alone, dynamic=("TA_F",), extra=()).manifest.funnel.notes
    assert [note for note in notes if f"the hour from {missing} is missing, as in times of clocks" in note]


@pytest.mark.parametrize("hour", [0, 1, 3])
def test_clocks_that_are_put_forward_at_other_hours_are_seen_by_the_sun(raw: Path, prepared, hour: int) -> None:
    forward = np.datetime64(f"2010-03-28T0{hour}:00")
    clock = YEAR + np.where(YEAR >= forward, 60, 0).astype("timedelta64[m]")
    alone = half_hours(raw, clock=clock, rows=YEAR < np.datetime64("2010-10-01"))  # before they are put back
    refused = rf"the hour from 2010-03-28 0{hour}:00 is missing, and from then on"
    with pytest.raises(DataError, match=refused):
        prepared(alone, **LIGHT)
    # The hour as rows of fill values, as programs write that make series regular.
    [path] = alone.glob("FLX*")
    header, *lines = path.read_text().splitlines()
    missing = [f"20100328{hour:02d}{minute}" for minute in ("00", "30")]
    empty = [",".join([begin, begin[:-2] + "30" if begin.endswith("00") else f"20100328{hour + 1:02d}00",
                       *["-9999"] * (header.count(",") - 1)]) for begin in missing]  # fmt: skip
    path.write_text("\n".join([header, *sorted([*lines, *empty])]) + "\n")
    with pytest.raises(DataError, match=refused):
        prepared(alone, **LIGHT)


def test_an_hour_that_is_missing_in_spring_is_noted_where_the_sun_stays(raw: Path, prepared) -> None:
    gap = (YEAR >= np.datetime64("2010-03-28T02:00")) & (YEAR < np.datetime64("2010-03-28T03:00"))
    notes = prepared(half_hours(raw, rows=~gap), **LIGHT).manifest.funnel.notes
    assert [note for note in notes if "the hour from 2010-03-28 02:00 is missing, as in times of clocks" in note]


def test_soil_in_per_mille_in_one_year_is_refused(raw: Path, prepared) -> None:
    soil = np.where(FIRST_YEAR, 300.0, 30.0)
    with pytest.raises(DataError, match=r"from 2010-01-01: the median of SWC_F_MDS_1 .* is 300"):
        prepared(years(raw, SWC_F_MDS_1=soil), extra=("SWC_F_MDS_1",))


def test_half_a_year_of_pressure_in_hpa_is_refused(raw: Path, prepared) -> None:
    air = np.where(np.arange(len(DAYS)) < 160, 980.0, 98.0)
    with pytest.raises(DataError, match=r"160 of 1096 values of PA_F are above 115 \(up to 980\)"):
        prepared(years(raw, PA_F=air), dynamic=("TA_F", "SW_IN_F", "PA_F"), extra=())


def test_faults_of_a_sensor_are_no_other_unit(raw: Path, prepared) -> None:
    day = np.arange(len(DAYS))
    warm = np.where((day > 30) & (day < 35), 150.0, 12.0)  # a broken thermometer for some days
    dark = np.where(FIRST_YEAR, 0.0, 200.0)  # a broken pyranometer for a year
    few = (day < 300) & (day > 70)
    prepared(years(raw, TA_F=warm, SW_IN_F=dark, VPD_F=np.where(few, 0.1, 5.0)), extra=())
    flood = RAIN.copy()
    flood[200] = 32_767
    with pytest.raises(DataError, match=r"more than anywhere \(up to 32767 in a record\).*empty the records") as caught:
        prepared(years(raw, P_F=flood), extra=("P_F",))
    assert "metre" not in str(caught.value)
    flood[200] = np.nan  # the remedy
    prepared(years(raw, P_F=flood), extra=("P_F",))


def test_temperatures_in_fahrenheit_are_refused(raw: Path, prepared) -> None:
    warm = 1.8 * (12 + 12 * np.sin(np.arange(len(DAYS)) / 58)) + 32
    with pytest.raises(DataError, match=r"values of TA_F are above 60 \(up to 75"):
        prepared(years(raw, TA_F=warm), extra=())


def test_light_without_a_course_tells_no_noon(raw: Path, prepared) -> None:
    prepared(half_hours(raw, even=True), **LIGHT)


def test_a_sensor_that_never_saw_light_is_refused(raw: Path, prepared) -> None:
    with pytest.raises(DataError, match=r"SW_IN_F is 0 or less in 99 of 100 records"):
        prepared(years(raw, SW_IN_F=np.zeros(len(DAYS))), extra=())


def test_a_dry_year_of_a_desert_is_no_year_in_metres(raw: Path, prepared) -> None:
    rain = np.zeros(len(DAYS))
    rain[::20] = 1.0  # 18 mm a year
    rain[:365] = 0.0
    rain[:360:10] = 0.05
    prepared(years(raw, P_F=rain), extra=("P_F",))
