"""`prepare ech`: index series and orbits to a data set without a stored window."""

from __future__ import annotations

import json
import pickle
import re
import time

import numpy as np
import pandas as pd
import pytest
import xarray

from geoml_cli.dataset.store import Dataset
from geoml_cli.models.ech.settings import EchTables
from geoml_cli.models.ech.task import NAMES, samples
from geoml_cli.sources.ech import synthetic as storms
from geoml_cli.sources.ech import synthetic_series as made
from geoml_cli.sources.ech.released import rebuilt

START = np.datetime64("2013-03-01T00:00:00", "s")
MINUTES = 4 * 1440


def clock(minutes):
    return START + np.asarray(minutes).astype("timedelta64[m]")


@pytest.fixture(scope="module")
def day():
    """Four days of indices, and a satellite from the third on."""
    random = np.random.default_rng(2)
    sme, symh = storms.indices(MINUTES, random)
    minute = np.arange(2880, MINUTES, 10)
    position = storms.orbit(minute)
    return sme, symh, minute, position, storms.waves(position, sme, minute, random)


@pytest.fixture
def raw(day, tmp_path):
    """Give a folder with the orbit and the waves; indices are for the test to add."""
    _, _, minute, position, amplitude = day
    folder = tmp_path / "raw folder é"
    made.csv(
        folder / "orbit.csv", clock(minute), {"L": position["l"], "MLT": position["mlt"], "MLAT": position["mlat"]}
    )
    made.csv(folder / "waves.csv", clock(minute), {"Bw": amplitude})
    return folder


@pytest.fixture
def prepare(geoml, tmp_path):
    def run(folder, *options, code=0):
        done = geoml("prepare", "ech", folder, "--data", tmp_path / "data", "--force", "--json", *options)
        assert done.code == code, done.err
        return json.loads(done.out)["funnel"] if code == 0 else done.err

    return run


def loaded(tmp_path):
    return Dataset(tmp_path / "data" / "ech")


def arrays(dataset):
    return {name: np.array(dataset.array(name)) for name in dataset.manifest.variables}


def test_iaga_omni_and_csv_of_the_same_series_give_identical_data_sets(day, raw, prepare, tmp_path):
    sme, symh, *_ = day
    when, found = clock(np.arange(MINUTES)), []
    forms = {
        "iaga": lambda: [made.iaga(raw / "i.min", when, {"SME": sme, "SYM-H": symh})],
        "omni": lambda: [made.omni(raw / "o.asc", when, symh), made.supermag(raw / "s.txt", when, {"SME": sme})],
        "csv": lambda: [made.csv(raw / "c.csv", when, {"SYM-H": symh, "SME (nT)": sme})],
        "kyoto": lambda: [
            made.kyoto_sym(raw / "k.wdc", when, symh),
            made.supermag_csv(raw / "s.csv", when, {"SME": sme}),
        ],
    }
    for write in forms.values():
        written = write()
        prepare(raw)
        found.append(arrays(loaded(tmp_path)))
        for path in written:
            path.unlink()
    first, *others = found
    np.testing.assert_array_equal(first["sme"], sme.astype(np.float32))
    assert len(first["l"]) == len(day[2])
    for other in others:
        for name, values in first.items():
            np.testing.assert_array_equal(other[name], values, err_msg=name)


def test_windows_are_the_series_before_each_sample_and_the_file_is_cf(day, raw, prepare, tmp_path):
    sme, symh, minute, *_ = day
    made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SYM-H": symh, "SME": sme})
    prepare(raw)
    cut = samples(EchTables(), "regressor", loaded(tmp_path)).inputs
    row = 37
    for name, series, stride, values in zip(NAMES, (sme, symh) * 2, (60, 60, 5, 5), (49, 49, 61, 61), strict=True):
        expected = series[minute[row] - np.arange(values)[::-1] * stride]
        np.testing.assert_array_equal(cut[name].values[np.array([row])][0, :, 0], expected)
    with xarray.open_dataset(tmp_path / "data/ech/dataset.nc") as file:
        assert str(file.time.values[-1])[:16] == str(clock([MINUTES - 1])[0])[:16]
        assert file.sme.attrs["units"] == "nT" and file.amplitude.attrs["units"] == "dB"
        assert set(file.sizes) == {"time", "sample"}


def test_five_minute_series_give_the_same_windows(day, raw, prepare, tmp_path):
    sme, symh, *_ = day
    every = np.arange(0, MINUTES, 5)
    made.csv(raw / "c.csv", clock(every), {"SYM-H": symh[every], "SME": sme[every]})
    prepare(raw)
    coarse = samples(EchTables(), "regressor", loaded(tmp_path))
    made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SYM-H": symh, "SME": sme})
    prepare(raw)
    fine = samples(EchTables(), "regressor", loaded(tmp_path))
    for name in NAMES:
        np.testing.assert_array_equal(np.asarray(coarse.inputs[name].values), np.asarray(fine.inputs[name].values))


def test_what_is_left_out_is_counted_by_reason(day, raw, prepare, tmp_path):
    sme, symh, minute, *_ = (np.array(values) if not isinstance(values, dict) else values for values in day)
    sme[4000:4003] = np.nan
    when = np.arange(MINUTES)
    when = np.concatenate([when[:50], when[40:]])  # a clock that jumps back, and ten duplicates
    made.csv(raw / "c.csv", clock(when), {"SYM-H": symh[when], "SME": sme[when]})
    orbit = (raw / "orbit.csv").read_text().splitlines()
    orbit[5] = orbit[5].split(",")[0] + ",,3,4"
    orbit += [orbit[7], "2013-03-04T00:00:30Z,4,5,6", "2013-03-02T00:00:00Z,4,5,6", "2013-05-02T00:00:00Z,4,5,6"]
    (raw / "orbit.csv").write_text("\n".join(orbit))
    funnel = prepare(raw)
    dropped = funnel["dropped"]
    assert dropped["a second row of the same time"] == 1
    assert dropped["no L, MLT or MLAT"] == 1
    assert dropped["time is not on a step of the series (60 s)"] == 1
    assert dropped["window reaches outside the index series"] == 2
    before = minute[:, None] - np.concatenate([np.arange(49) * 60, np.arange(61) * 5])
    gap = np.isnan(sme[before]).any(axis=1)
    assert dropped["a value in the windows is missing"] == gap.sum() > 0
    assert funnel["kept"] == funnel["read"] - sum(dropped.values())
    assert "10 duplicates, 0 of them" in funnel["notes"][0] and "1 clock jumps" in funnel["notes"][0]
    assert "1 gaps of 3 values" in funnel["notes"][0]


@pytest.mark.parametrize("name", ["a-orbit.csv", "z-orbit.csv"])
def test_where_files_overlap_a_position_counts_before_a_fill(day, raw, prepare, tmp_path, name):
    sme, symh, *_ = day
    made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SYM-H": symh, "SME": sme})
    alone = prepare(raw)
    whole = arrays(loaded(tmp_path))
    orbit = (raw / "orbit.csv").read_text().splitlines()
    filled = [f"{line.split(',')[0]},-1e31,-1e31,-1e31" for line in orbit[11:16]]
    (raw / name).write_text("\n".join([orbit[0], *filled, *orbit[16:19]]))
    both = prepare(raw)
    assert both["kept"] == alone["kept"] and both["dropped"]["no L, MLT or MLAT"] == 5
    assert both["dropped"]["a second row of the same time"] == 3
    np.testing.assert_array_equal(arrays(loaded(tmp_path))["l"], whole["l"])


@pytest.mark.parametrize(
    ("file", "name", "unit"),
    [
        ("waves.csv", "Bw", "mV/m"),
        ("orbit.csv", "MLAT", "rad"),
        ("orbit.csv", "L", "km"),
        ("c.csv", "SME", "uT"),
    ],
)
def test_a_unit_that_a_columns_name_states_counts(day, raw, prepare, file, name, unit):
    sme, symh, *_ = day
    made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SYM-H": symh, "SME": sme})
    kept = prepare(raw)["kept"]
    frame = pd.read_csv(raw / file)
    frame.rename(columns={name: f"{name} ({unit})"}).to_csv(raw / file, index=False)
    assert f"{name} ({unit}) is in {unit}, not in" in prepare(raw, code=3)
    own = {"Bw": "dB", "MLAT": "deg", "L": "Re", "SME": "nT"}[name]  # the remedy
    frame.rename(columns={name: f"{name} [{own}]"}).to_csv(raw / file, index=False)
    assert prepare(raw)["kept"] == kept


def test_a_unit_that_a_magephem_header_states_counts(day, raw, prepare):
    sme, symh, minute, position, amplitude = day
    made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SYM-H": symh, "SME": sme})
    for name in ("orbit.csv", "waves.csv"):
        (raw / name).unlink()
    made.csv(raw / "rbspa_waves.csv", clock(minute), {"Bw": amplitude})
    path = made.magephem(raw / "rbspa_MagEphem.txt", clock(minute), position)
    kept = prepare(raw)["kept"]
    assert kept > 0
    path.write_text(path.read_text().replace('"degrees"', '"Radians"'))
    assert "EDMAG_MLAT is in Radians, not in degrees. Give it in degrees." in prepare(raw, code=3)


def test_positions_that_are_none_are_declared_as_the_message_says(day, raw, prepare):
    """Fills that many use are known; another number is named."""
    made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SYM-H": day[1], "SME": day[0]})
    kept, frame = prepare(raw)["kept"], pd.read_csv(raw / "orbit.csv")
    for value in (999.9, 777.0):
        frame["L"] = frame["L"].where(frame.index > 5, value)
        frame.to_csv(raw / "orbit.csv", index=False)
        if value == 777.0:
            told = prepare(raw, code=3)
            assert "L is 777, outside 0.5 to 100" in told and "leave the cell empty, or say so when preparing: " in told
            remedy = told.partition("when preparing: ")[2].split(".\n")[0].rstrip(".").split()
            assert remedy == ["--nodata", "l=777"]
            assert prepare(raw, *remedy)["kept"] <= kept
        else:
            assert prepare(raw)["kept"] <= kept


def moved(raw, folder, shift, gain):
    """Put the orbit and the waves of a second satellite into a folder: another L, and louder."""
    (raw / folder).mkdir()
    for name, column, change in (("orbit.csv", "L", shift), ("waves.csv", "Bw", gain)):
        frame = pd.read_csv(raw / name)
        frame[column] += change
        frame.to_csv(raw / folder / name, index=False)


def test_satellites_are_told_apart_by_their_folders(day, raw, prepare, tmp_path):
    """As one they would be joined to each other's positions."""
    sme, symh, *_ = day
    made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SYM-H": symh, "SME": sme})
    alone = prepare(raw)["kept"]
    one = arrays(loaded(tmp_path))
    moved(raw, "RBSP_B", 0.5, 100.0)
    assert prepare(raw)["kept"] == 2 * alone
    both = arrays(loaded(tmp_path))  # by satellite, then by time
    for name, change in (("index", 0), ("l", 0.5), ("mlt", 0), ("amplitude", 100.0)):
        np.testing.assert_array_equal(both[name][:alone], one[name])
        np.testing.assert_allclose(both[name][alone:], one[name] + change, atol=1e-4)


@pytest.mark.parametrize(
    ("shift", "gain", "told"), [(0.5, 0.0, "l of one satellite at"), (0.0, 3.0, "amplitude of one")]
)
def test_files_that_give_one_satellite_two_values_are_refused(day, raw, prepare, shift, gain, told):
    sme, symh, *_ = day
    made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SYM-H": symh, "SME": sme})
    prepare(raw)
    moved(raw, "second", 0.0, 0.0)
    prepare(raw)  # the same once more is counted
    for path in (raw / "second").iterdir():
        path.unlink()
    (raw / "second").rmdir()
    moved(raw, "second", shift, gain)
    found = prepare(raw, code=3)
    assert told in found and "second" in found and str(raw) in found


def test_amplitude_and_presence_may_stand_in_two_files(day, raw, prepare, tmp_path):
    sme, symh, *_ = day
    made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SYM-H": symh, "SME": sme})
    waves = pd.read_csv(raw / "waves.csv")
    waves.assign(presence=(waves["Bw"] > 1).astype(int)).drop(columns="Bw").to_csv(raw / "presence.csv", index=False)
    assert not [note for note in prepare(raw)["notes"] if "repeat a time" in note]
    data = loaded(tmp_path)
    amplitude, presence = data.array("amplitude"), data.array("presence")
    assert np.isfinite(amplitude).any() and (np.isfinite(presence) == np.isfinite(amplitude)).all()
    np.testing.assert_array_equal(presence[np.isfinite(amplitude)], amplitude[np.isfinite(amplitude)] > 1)
    assert any("presence says where there is a wave" in note for note in data.manifest.funnel.notes)


REFUSED = {
    "hourly": (60, ("SYM-H", "SME"), (), "SME comes every 60 minutes; the windows need steps of 1 or 5 minutes"),
    "ten minutes": (10, ("SYM-H", "SME"), (), "comes every 600 s; steps of 60 or 300 s are needed"),
    "AE": (
        1,
        ("SYM-H", "AE"),
        (),
        "there is AE but no SME. Add SuperMAG's SME, or take AE in its place with --ae-as-sme",
    ),
    "no SYM-H": (1, ("SME",), (), "no file holds SYM-H"),
    "no SME": (1, ("SYM-H",), (), "no file holds SME"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_series_that_cannot_serve_are_refused_with_exit_code_3(name, day, raw, prepare):
    step, columns, options, told = REFUSED[name]
    every = np.arange(0, MINUTES, step)
    series = {"SYM-H": day[1], "SME": day[0], "AE": day[0]}
    made.csv(raw / "c.csv", clock(every), {column: series[column][every] for column in columns})
    assert told in prepare(raw, *options, code=3)


def test_an_orbit_between_the_steps_is_told(day, raw, prepare):
    for path in raw.glob("*.csv"):
        if path.name != "c.csv":
            path.write_text(re.sub(r"(T\d\d:\d\d):00", r"\1:30", path.read_text()))
    made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SYM-H": day[1], "SME": day[0]})
    told = prepare(raw, code=3)
    assert "no sample is left" in told and "Give the position at the times of the indices" in told


def test_ae_and_hourly_series_are_taken_where_the_options_say_so(day, raw, prepare, geoml, tmp_path):
    every = np.arange(0, MINUTES, 60)
    made.csv(raw / "c.csv", clock(every), {"Dst": day[1][every], "AE": day[0][every]})
    notes = prepare(raw, "--ae-as-sme", "--hourly")["notes"]
    assert sum("are means over the hour that begins at their time" in note for note in notes) == 2
    held_out = (
        "--data",
        tmp_path / "data",
        "--run",
        tmp_path / "run",
        "--set",
        "split.exclude_overlaps=false",
        "--dry-run",
    )
    done = geoml("train", "ech", *held_out)
    assert done.code == 3 and "--set network.part=classifier" in done.err
    asked = ("--set", "network.part=classifier", "--set", "split.kind=random")
    done = geoml("train", "ech", *held_out, *asked)
    assert done.code == 0 and done.out.rstrip().endswith("--member classifier")


def test_an_orbit_without_indices_or_waves_of_other_times(day, raw, prepare):
    assert "no file holds SME" in prepare(raw, code=3)
    made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SYM-H": day[1], "SME": day[0]})
    made.csv(raw / "waves.csv", clock([1, 2]), {"Bw": np.array([1.0, 2.0])})
    assert "no wave was measured at a time of the ephemeris" in prepare(raw, code=3)
    (raw / "orbit.csv").unlink()
    assert "no file holds L, MLT and MLAT" in prepare(raw, code=3)


def released_rows(count, seed=0, start=0):
    """Rows as the paper stores them, of consecutive minutes."""
    random = np.random.default_rng(seed)
    series = np.rint(random.normal(0, 300, (2, 2880 + start + count)))
    minute = 2880 + start + np.arange(count)[:, None]
    hourly, fine = minute - np.arange(48, -1, -1) * 60, minute - np.arange(60, -1, -1) * 5
    place = np.tile([5.0, 1.0, 0.0, 1.0], (count, 1))
    return np.column_stack([place, series[0][hourly], series[1][hourly], series[0][fine], series[1][fine]])


@pytest.mark.parametrize("count", [1, 3, 59, 61, 300])
def test_series_rebuilt_from_rows_give_the_rows_back(count, prepare, tmp_path):
    rows = released_rows(count, seed=count)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/rows.pkl").write_bytes(pickle.dumps(rows))
    assert prepare(tmp_path / "raw")["kept"] == count
    cut = samples(EchTables(), "regressor", loaded(tmp_path)).inputs
    together = np.concatenate([np.asarray(cut[name].values)[:, :, 0] for name in NAMES], axis=1)
    np.testing.assert_array_equal(together, rows[:, 4:])
    assert rebuilt(rows).shape == (2, 2880 + count)


def test_rows_with_breaks_form_sections_and_shuffled_ones_are_refused(prepare, tmp_path):
    (tmp_path / "raw").mkdir()
    rows = {"a": released_rows(100, 1), "b": np.concatenate([released_rows(80, 2), released_rows(90, 3)])}
    (tmp_path / "raw/rows.pkl").write_bytes(pickle.dumps(rows))
    assert "3 sections" in prepare(tmp_path / "raw")["notes"][0]
    cut = samples(EchTables(), "regressor", loaded(tmp_path)).inputs
    together = np.concatenate([np.asarray(cut[name].values)[:, :, 0] for name in NAMES], axis=1)
    np.testing.assert_array_equal(together, np.concatenate([rows["a"], rows["b"]])[:, 4:])
    shuffled = np.random.default_rng(1).permutation(released_rows(200, 1))
    (tmp_path / "raw/rows.pkl").write_bytes(pickle.dumps(shuffled))
    assert "the rows do not follow one another by a minute" in prepare(tmp_path / "raw", code=3)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (np.zeros((3, 223)), "holds shape (3, 223)"),
        ([1, 2], "holds list"),
        (np.full((2, 224), np.nan), "2 rows hold values that are not finite"),
    ],
)
def test_a_pickle_of_anything_else_is_refused(content, told, prepare, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/rows.pkl").write_bytes(pickle.dumps(content))
    assert told in prepare(tmp_path / "raw", code=3)


def test_amplitudes_join_released_rows_by_the_time_of_the_first(prepare, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "rows.pkl").write_bytes(pickle.dumps(released_rows(100)))
    made.csv(folder / "waves.csv", clock([10, 20, 3]), {"Bw": np.array([1.0, 2.0, 3.0])})
    assert "Give the time of the first row with --start" in prepare(folder, code=3)
    prepare(folder, "--start", "2013-03-01T00:00Z")
    amplitude = loaded(tmp_path).array("amplitude")
    assert {int(k): float(amplitude[k]) for k in np.flatnonzero(np.isfinite(amplitude))} == {3: 3.0, 10: 1.0, 20: 2.0}


def table(path, name, minute, columns):
    """Write CSV as fast as pandas can."""
    text = pd.Series(np.datetime_as_string(clock(minute), unit="s"))
    pd.DataFrame({name: text, **columns}).to_csv(path, index=False, float_format="%.5g")


def test_a_year_of_minutes_with_half_a_million_samples_is_prepared_in_half_a_minute(prepare, tmp_path):
    minutes, folder = 365 * 1440, tmp_path / "year"
    sme, symh = storms.indices(minutes, np.random.default_rng(1))
    folder.mkdir()
    table(folder / "sme.csv", "Date_UTC", np.arange(minutes), {"SME": sme})
    table(folder / "symh.csv", "time", np.arange(minutes), {"SYM-H": symh})
    minute = np.arange(2880, minutes)[:500_000]
    place = storms.orbit(minute)
    columns = {"L": place["l"], "MLT": place["mlt"], "MLAT": place["mlat"], "Ew": place["l"]}
    table(folder / "orbit.csv", "time", minute, columns)
    started = time.process_time()
    assert prepare(folder)["kept"] == 500_000
    assert time.process_time() - started < 30
    size = (tmp_path / "data/ech/dataset.nc").stat().st_size
    assert 500_000 * (224 + 1) * 8 > 40 * size


def indices(day, raw, change):
    """Write one-minute indices, each row's time text changed."""
    sme, symh, *_ = day
    path = made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SYM-H": symh, "SME": sme})
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *(change(number, row) for number, row in enumerate(rows))]) + "\n")


@pytest.mark.parametrize("year", ["2113", "2031", "1913"])
def test_a_stray_year_is_refused_before_a_series_is_made(day, raw, prepare, year):
    indices(day, raw, lambda number, row: row.replace("2013", year) if number == 49 else row)
    assert f"c.csv, line 51: {year}-03-01 00:49 is far from the other rows' times" in prepare(raw, code=3)


def test_files_a_century_apart_make_no_series(day, raw, prepare):
    symh = day[1]
    indices(day, raw, lambda number, row: row)
    made.omni(raw / "o.asc", clock(np.arange(MINUTES)) + np.timedelta64(36525, "D"), symh)
    (raw / "c.csv").write_text((raw / "c.csv").read_text().replace("SYM-H", "other"))
    told = prepare(raw, code=3)
    assert "o.asc: the files span" in told and "from 2013-03-01T00:00:00 in" in told and "Check the years" in told


def test_times_beside_the_step_are_rounded_to_it(day, raw, prepare, tmp_path):
    indices(day, raw, lambda number, row: row)
    prepare(raw)
    first = arrays(loaded(tmp_path))
    # A clock that is late by 3 s in every third row, and fractions of a second below the minute.
    indices(day, raw, lambda number, row: row.replace(":00Z", ":03Z" if number % 3 == 1 else ":00.4Z"))
    text = (raw / "orbit.csv").read_text().replace(":00Z", ":02Z")
    (raw / "orbit.csv").write_text(text)
    (raw / "waves.csv").write_text((raw / "waves.csv").read_text().replace(":00Z", ":01.9Z"))
    funnel = prepare(raw)
    assert "0 off the step" in funnel["notes"][0] and not funnel["dropped"].get("time is not on a step")
    for name, values in arrays(loaded(tmp_path)).items():
        np.testing.assert_array_equal(values, first[name], err_msg=name)


def test_a_missing_index_is_told_with_what_was_passed_over(day, raw, prepare):
    made.csv(raw / "c.csv", clock(np.arange(MINUTES)), {"SME": day[0]})
    (raw / "dst.html").write_text("<html>Dst</html>")
    told = prepare(raw, code=3)
    assert "no file holds SYM-H" in told and "Passed over: dst.html (a web page" in told
    indices(day, raw, lambda number, row: row)
    assert sum("dst.html" in note for note in prepare(raw)["notes"]) == 1


def test_undeclared_fills_are_refused_with_both_remedies(day, raw, prepare, tmp_path):
    indices(day, raw, lambda number, row: row)
    prepare(raw)
    lines = (raw / "waves.csv").read_text().splitlines()
    amplitude = loaded(tmp_path).array("amplitude")[:]
    for number in (20, 21, 40):
        lines[number] = lines[number].split(",")[0] + ",-999"
    (raw / "waves.csv").write_text("\n".join(lines))
    told = prepare(raw, code=3)
    assert "waves.csv: amplitude: 3 cells are -999, which looks like no data" in told
    assert "--nodata amplitude=-999" in told and "--nodata amplitude=none" in told
    prepare(raw, "--nodata", "amplitude=-999")
    masked = np.array(loaded(tmp_path).array("amplitude"))
    assert np.isnan(masked[[19, 20, 39]]).all() and np.isnan(masked).sum() == 3 + np.isnan(amplitude).sum()
    prepare(raw, "--nodata", "amplitude=none")
    assert (np.array(loaded(tmp_path).array("amplitude")) == -999).sum() == 3
