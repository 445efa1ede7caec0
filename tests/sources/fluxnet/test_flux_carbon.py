"""A net exchange of carbon with another sign, unit or clock than its parts and the sun tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet import carbon, clock
from geoml_cli.sources.fluxnet.options import FluxnetOptions
from geoml_cli.sources.fluxnet.series import Series
from geoml_cli.sources.fluxnet.times import STEPS
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

NET, RESPIRED, TAKEN = "NEE_VUT_REF", "RECO_NT_VUT_REF", "GPP_NT_VUT_REF"


def changed(raw: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Change the fluxes of the first tower's file."""
    path = sorted(raw.glob("*FLUXNET2015*.csv"))[0]
    change(pd.read_csv(path)).to_csv(path, index=False)


def _opposite(table: pd.DataFrame) -> pd.DataFrame:
    columns = [name for name in table if name.startswith("NEE_VUT") and not name.endswith("_QC")]
    return table.assign(**{name: table[name].where(table[name] == -9999, -table[name]) for name in columns})


def _later(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{NET: np.roll(table[NET], len(table) // 3)})


def _larger(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{NET: table[NET].where(table[NET] == -9999, 1.6 * table[NET])})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_opposite, r"but the opposite \(correlation -[01]\.\d+\): its sign is turned"),
        (_later, r"\(correlation -?0\.[0-4]\d*\): one of them is of other times"),
        (_larger, r"but 1\.[56]\d? times as large: one of them is in another unit"),
    ],
)
def test_a_net_exchange_that_contradicts_its_parts_is_refused(raw: Path, prepared, change, words: str) -> None:
    whole = prepared(raw).array(NET)[:]
    changed(raw, change)
    with pytest.raises(DataError, match=rf"{NET} is not {RESPIRED} - {TAKEN} {words}.*--any-scale {NET} takes it"):
        prepared(raw)
    taken = prepared(raw, any_scale=(NET,)).array(NET)[:]
    assert not np.array_equal(taken, whole, equal_nan=True)
    changed(raw, lambda table: table.drop(columns=[RESPIRED, TAKEN]))
    np.testing.assert_array_equal(prepared(raw).array(NET)[:], taken)


def test_years_whose_sign_is_turned_are_named_and_a_negative_photosynthesis_is_none(raw: Path, prepared) -> None:
    plain = prepared(raw).array(NET)[:]

    def of_summer(table: pd.DataFrame) -> pd.DataFrame:
        known = table[NET] != -9999
        return table.assign(**{RESPIRED: 9.0, TAKEN: (9.0 - table[NET]).where(known, -9999)})

    changed(raw, of_summer)
    np.testing.assert_array_equal(prepared(raw).array(NET)[:], plain)
    changed(raw, lambda table: table.assign(**{TAKEN: table[TAKEN].where(table[TAKEN] == -9999, -table[TAKEN])}))
    np.testing.assert_array_equal(prepared(raw).array(NET)[:], plain)
    stamp, year = "TIMESTAMP", ""

    def turned(table: pd.DataFrame) -> pd.DataFrame:
        nonlocal year
        year = sorted(set(table[stamp].astype(str).str[:4]))[1]
        own = table[stamp].astype(str).str.startswith(year) & (table[NET] != -9999)
        return table.assign(**{NET: table[NET].where(~own, -table[NET])})

    changed(raw, turned)
    with pytest.raises(DataError, match=rf"{NET} of {{year}} is not .* but the opposite".replace("{year}", year)):
        prepared(raw)


def half_hours(sign: float, shift: int, *, dark: bool = False) -> Series:
    """Make a year of half-hours of a forest in the north."""
    time = np.arange("2011-01-01T00:15", "2012-01-01", 30, dtype="datetime64[m]")
    minute = time.astype(np.int64) % 1440
    day = (time - np.datetime64("2011-01-01T00:00")) / np.timedelta64(1, "D")
    season = 0.5 - 0.5 * np.cos(2 * np.pi * day / 365)
    light = 800 * np.clip(np.sin((minute - 360) / 720 * np.pi), 0, None) * (0.3 + 0.7 * season)
    net = 1 + 3 * season - 25 * season * light / 800 + np.random.default_rng(1).normal(size=len(time))
    first = int(np.datetime64("2011-01-01T00:00", "m").astype(np.int64) // 30)
    values = {NET: np.roll(sign * net, shift), clock.SUNLIGHT: np.full(len(time), np.nan) if dark else light}
    return Series(first, values, len(time), 0, {}, {}, None, {}, (), ())


@pytest.mark.parametrize("dark", [False, True])
def test_uptake_by_night_is_said(dark: bool) -> None:
    step = STEPS["HH"]

    def said(series: Series, target: str = NET) -> str:
        return "".join(carbon.uptake_by_night("XX-Xxx", series, series.values[NET], target, step))

    assert said(half_hours(1, 0, dark=dark)) == "" and said(half_hours(1, 4, dark=dark)) == ""
    words = r"XX-Xxx: NEE_VUT_REF is \d+(\.\d)? umol CO2 m-2 s-1 larger by day than by night in month [67], "
    for wrong in (half_hours(-1, 0, dark=dark), half_hours(1, 24, dark=dark)):
        assert pd.Series([said(wrong)]).str.match(words).all(), said(wrong)
    assert said(half_hours(-1, 0), "LE_F_MDS") == ""
    assert carbon.uptake_by_night("X", half_hours(-1, 0), half_hours(-1, 0).values[NET], NET, STEPS["DD"]) == []


def test_uptake_by_night_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw: Path) -> None:
    monkeypatch.setattr("geoml_cli.sources.fluxnet.preparing.uptake_by_night", lambda site, *_: [f"{site}: by night"])
    reporter = NullReporter()
    done = prepare(Raw("fluxnet", raw, FluxnetOptions()), tmp_path / "data", reporter)
    said = [text for text in reporter.warned if text.endswith(": by night")]
    assert len(said) == 2 and set(said) <= set(done.manifest.funnel.notes)
