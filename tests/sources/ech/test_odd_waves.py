"""Waves and positions that are not what their columns say, and indices of two files that disagree."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pandas as pd
import pytest

from geoml_cli.dataset.store import Dataset
from geoml_cli.sources.ech import files
from geoml_cli.sources.ech.source import SOURCE

WAVES = "rbspa_waves.csv"
POSITION = ("l", "mlt", "mlat")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Write raw files whose orbit and SME are CSV, once; not to be changed."""
    folder = tmp_path_factory.mktemp("written") / "raw"
    SOURCE.synthetic(folder, 5)
    for name, text, wanted in (("orbit", "rbspa_MagEphem.txt", POSITION), ("sme", "supermag.txt", ("sme",))):
        timed = files.read(folder / text)
        found = {column.upper(): timed.values[column] for column in wanted}
        labels = timed.labels if name == "orbit" else {}
        pd.DataFrame({"time": timed.time, **found, **labels}).to_csv(folder / f"{name}.csv", index=False)
        (folder / text).unlink()
    return folder


@pytest.fixture
def raw(written, tmp_path):
    """Give the raw files, to be changed by column."""
    return shutil.copytree(written, tmp_path / "raw")


@pytest.fixture
def prepare(geoml, raw):
    def run(*options, code=0):
        done = geoml("prepare", "ech", raw, "--data", raw.parent / "data", "--force", "--quiet", *options)
        assert done.code == code, done.err
        return done.err

    return run


def changed(path, **columns):
    """Give columns of a CSV file other values, made from the old ones."""
    table = pd.read_csv(path, dtype=str)
    for name, change in columns.items():
        table[name] = change(_numbers(table[name]) if name in table else table)
    table.to_csv(path, index=False)


def _numbers(column):
    return pd.to_numeric(column, errors="coerce")


def with_presence(raw, none):
    strong = pd.read_csv(raw / WAVES).Ew.to_numpy() > 0
    changed(raw / WAVES, presence=lambda _: np.where(strong, 1, none))


@pytest.mark.parametrize("none", [-1, 0.3, 2])
def test_a_presence_that_is_neither_is_refused_with_its_line(raw, prepare, none):
    with_presence(raw, none)
    said = prepare(code=3)
    assert f"presence is {none:g}, neither 1 (a wave) nor 0 (none)" in said and "rbspa_waves.csv, line " in said


def test_presence_of_0_and_1_and_the_remedy_for_missing_ones(raw, prepare):
    with_presence(raw, 0)
    prepare()
    assert set(np.unique(Dataset(raw.parent / "data/ech").array("presence"))) == {0, 1}
    changed(raw / WAVES, presence=lambda found: np.where(found == 1, 1, -1))
    prepare("--nodata", "presence=-1")
    found = Dataset(raw.parent / "data/ech").array("presence")
    assert np.nansum(found) > 0 and np.isnan(found).any()


def test_the_logarithm_of_0_is_no_wave(geoml, raw, prepare):
    changed(raw / WAVES, Ew=lambda found: np.where(found > 0, found, -np.inf))
    prepare()
    found = Dataset(raw.parent / "data/ech").array("amplitude")
    assert np.isneginf(found).any() and not np.isnan(found).any()
    run = raw.parent / "run"
    done = geoml("train", "ech", "--data", raw.parent / "data/ech", "--run", run, "--cpu", "--set", "train.epochs=1")
    assert done.code == 0 and "in every sample" not in done.err, done.err
    done = geoml("evaluate", run, "--set", "evaluate.baselines=[]")
    assert done.code == 0, done.err


def test_amplitudes_of_which_none_is_a_wave(geoml, raw, prepare):
    changed(raw / WAVES, Ew=lambda found: found - 200)
    prepare()
    start = ("train", "ech", "--data", raw.parent / "data/ech", "--cpu", "--set", "train.epochs=1")
    done = geoml(*start, "--run", raw.parent / "run")
    assert done.code == 3 and "--set wave.threshold=DB" in done.err, done.err
    done = geoml(*start, "--run", raw.parent / "lower", "--set", "wave.threshold=-200")
    assert done.code == 0, done.err
    done = geoml(*start, "--run", raw.parent / "alone", "--set", "network.part=classifier")
    assert done.code == 0 and "presence is 0 in every sample" in done.err, done.err


def test_l_in_kilometres_is_no_fill(raw, prepare):
    orbit = raw / "orbit.csv"
    prepare()
    changed(orbit, MLAT=np.radians)
    assert "in all rows of rbsp-a: it is taken as degrees. Are they radians?" in prepare()
    changed(orbit, MLT=lambda found: found * np.pi / 12)
    assert "it is taken as hours. Are they radians?" in prepare()
    changed(orbit, L=lambda found: found * 6371.2)
    said = prepare(code=3)
    assert "outside 0.5 to 100" in said and "Give it in Earth radii" in said
    changed(orbit, L=lambda found: found * 0 - 1e31)
    assert "rows of positions has L, MLT and MLAT" in prepare(code=3)


def test_two_columns_of_amplitudes_are_refused(raw, prepare):
    waves = pd.read_csv(raw / WAVES)
    waves.assign(Bw=waves.Ew / 2).to_csv(raw / WAVES, index=False)
    assert "Ew and Bw could both be the wave amplitude. Keep one of them, or give the other another" in prepare(code=3)
    waves.assign(other=waves.Ew / 2).to_csv(raw / WAVES, index=False)  # the remedy
    prepare()


def test_waves_of_0_in_two_files_do_not_contradict(raw, prepare):
    changed(raw / WAVES, Ew=lambda found: np.where(found > 0, found, -np.inf))
    (raw / "again_rbspa.csv").write_text((raw / WAVES).read_text())
    assert "Warning" not in prepare()


def test_a_lower_index_is_no_sme(raw, prepare):
    path = raw / "sme.csv"
    changed(path, SME=lambda found: -found)
    assert "SME is negative" in prepare(code=3)


def test_two_files_that_disagree_are_named(raw, prepare):
    path = raw / "sme.csv"
    other = raw / "a_sme.csv"
    table = pd.read_csv(path)[:2000]
    table["SME"] += 200
    table.to_csv(other, index=False)
    said = prepare()
    assert "Two files hold other values of SME at 2000 times, by up to 200 nT" in said.replace("\n", " ")
    assert "a_sme.csv, which counts" in said and path.name in said
    table["SME"] -= 199  # a provisional version
    table.to_csv(other, index=False)
    assert "files hold" not in prepare()
    other.unlink()  # the remedy
    assert "Two files" not in prepare()


@pytest.mark.parametrize("called", ["A", "rbspa", "RBSP-A", "Van Allen Probe A", "RBSP Probe A"])
def test_a_satellite_may_be_spelled_in_any_way(raw, prepare, called):
    prepare()
    expected = Dataset(raw.parent / "data/ech").array("amplitude")[:]
    changed(raw / WAVES, probe=lambda table: [called] * len(table))
    prepare()
    np.testing.assert_array_equal(Dataset(raw.parent / "data/ech").array("amplitude"), expected)
    changed(raw / WAVES, probe=lambda table: ["RBSP-B"] * len(table))
    assert "no wave was measured at a time of the ephemeris" in prepare(code=3)


@pytest.mark.parametrize("odd", ["all", "some"])
def test_waves_some_seconds_off_the_times_of_positions_are_theirs(raw, prepare, odd):
    prepare()
    before = np.array(Dataset(raw.parent / "data" / "ech").array("amplitude"))
    table = pd.read_csv(raw / WAVES)
    assert pd.to_datetime(table["time"]).dt.second.eq(0).all()
    off = np.where(np.arange(len(table)) % (1 if odd == "all" else 2) == 0, 2, 0)
    shown = pd.to_datetime(table["time"]) + pd.to_timedelta(off, unit="s")
    changed(raw / WAVES, time=lambda _: shown.dt.strftime("%Y-%m-%dT%H:%M:%S"))
    prepare()
    data = Dataset(raw.parent / "data" / "ech")
    np.testing.assert_array_equal(data.array("amplitude"), before)
    assert any(
        "samples take the wave measured up to 6 s from their time" in note for note in data.manifest.funnel.notes
    )
    late = pd.to_datetime(table["time"]) + pd.Timedelta(seconds=9)
    changed(raw / WAVES, time=lambda _: late.dt.strftime("%Y-%m-%dT%H:%M:%S"))
    assert "no wave was measured at a time of the ephemeris, nor within 6 s of one" in prepare(code=3)


def test_a_wave_is_of_one_position_where_positions_are_close_together(raw, prepare):
    """Positions some seconds apart would make several samples of one measurement, on both sides of a split."""
    prepare()
    before = np.array(Dataset(raw.parent / "data" / "ech").array("amplitude"))
    orbit = pd.read_csv(raw / "orbit.csv")
    late = orbit.assign(time=(pd.to_datetime(orbit["time"]) + pd.Timedelta(seconds=4)).dt.strftime("%Y-%m-%dT%H:%M:%S"))
    pd.concat([orbit, late]).sort_values("time", kind="stable").to_csv(raw / "orbit.csv", index=False)
    for seconds in (0, 1):
        waves = pd.read_csv(raw / WAVES)
        shown = pd.to_datetime(waves["time"]) + pd.Timedelta(seconds=seconds)
        changed(raw / WAVES, time=lambda _, shown=shown: shown.dt.strftime("%Y-%m-%dT%H:%M:%S"))
        prepare()
        found = np.array(Dataset(raw.parent / "data" / "ech").array("amplitude"))
        assert len(found) == 2 * len(before)
        np.testing.assert_array_equal(found[~np.isnan(found)], before[~np.isnan(before)])


def test_amplitudes_in_a_linear_unit_are_refused_and_their_logarithm_is_read(raw, prepare):
    """The remedy: 20 log10, and an empty cell where there is no wave."""
    changed(raw / WAVES, Ew=lambda found: np.where(found > 0, 10 ** (found / 20) * 1e-6, 0.0))
    said = prepare(code=3)
    assert "dB, all but the same. They are in a linear unit such as V m-1: give 20 log10 of them" in said
    with np.errstate(divide="ignore"):
        changed(raw / WAVES, Ew=lambda found: np.where(found > 0, 20 * np.log10(found) + 120, np.nan))
    prepare()


def test_amplitudes_of_a_field_in_millivolts_are_noted(raw, prepare):
    assert "taken as dB" not in prepare()
    random = np.random.default_rng(3)
    changed(raw / WAVES, Ew=lambda found: np.where(found > 0, random.lognormal(-1, 1.2, len(found)), 0.0))
    said = prepare()
    assert "half of them below 0.3" in said and "in mV m-1: they are taken as dB. Are they?" in said


def test_weak_waves_in_decibels_are_no_field(raw, prepare):
    random = np.random.default_rng(4)
    changed(raw / WAVES, Ew=lambda found: np.where(found > 0, random.exponential(3, len(found)), 0.0))
    assert "taken as dB" not in prepare()


def test_a_presence_that_is_1_where_there_is_no_wave_is_noted(raw, prepare):
    with_presence(raw, 0)
    assert "is 1 a wave?" not in prepare()
    changed(raw / WAVES, presence=lambda found: 1 - found)
    assert "(median " in (said := prepare()) and "is 1 a wave?" in said
    changed(raw / WAVES, Ew=lambda found: np.where(found > 0, found, np.nan))
    assert re.search(r"known in (\d+) of \1 samples, and where it is 1 in 0 of \d+: is 1 a wave\?", prepare())
    changed(raw / WAVES, presence=lambda found: 1 - found)
    assert "is 1 a wave?" not in prepare()


@pytest.mark.parametrize("value", [5000.0, -10000.0])
def test_an_amplitude_that_no_wave_has_is_refused_with_its_line(raw, prepare, value):
    changed(raw / WAVES, Ew=lambda found: np.where(np.arange(len(found)) == 7, value, found))
    said = prepare(code=3)
    assert f"{WAVES}, line 9: the amplitude is {value:g} dB, which no wave has" in said
    prepare("--nodata", f"amplitude={value:g}")
    assert np.isnan(Dataset(raw.parent / "data/ech").array("amplitude")).any()


def test_waves_that_repeat_a_time_are_counted_and_those_of_another_value(raw, prepare):
    lines = (raw / WAVES).read_text().splitlines()
    value = lines[5].split(",")[1]
    lines[6:6] = [lines[5], lines[5].replace(value, f"{float(value) + 50:g}", 1)]
    (raw / WAVES).write_text("\n".join(lines) + "\n")
    prepare()
    notes = Dataset(raw.parent / "data/ech").manifest.funnel.notes
    assert "waves: 2 rows repeat a time (1 with another value); the first counts." in notes
