"""Windows of a tower's series: which are whole, what they hold; gaps filled and sums over time."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray

from geoml_cli.config.load import load
from geoml_cli.inference.inputs.budgets import filled
from geoml_cli.inference.load import open_trained
from geoml_cli.models.geomamba import task
from geoml_cli.runs.calibration import read_calibrations
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.training.plan import plan_run
from geoml_cli.work.reporting import NullReporter

STEPS = 5
QUICK = [f"network.steps={STEPS}", "network.embedding=8", "network.width=8", "network.layers=1", "train.threads=1"]
QUICK += [
    'network.scales=["month/12","day/30"]',
    "train.steps=6",
    "train.evaluate_steps=6",
    "train.batch_size=64",
    "data.step=day",
    "split.seeds=[1]",
]


@pytest.fixture(scope="module")
def run(flux, tmp_path_factory):
    place = RunLocation(tmp_path_factory.mktemp("runs") / "geomamba" / "fluxnet-halfhourly" / "a")
    return train(load("geomamba", "fluxnet-halfhourly", None, {}, QUICK), flux, place, None, NullReporter())


@pytest.fixture(scope="module")
def samples(flux):
    settings = load("geomamba", "fluxnet-halfhourly", None, {}, [*QUICK, "network.site_inputs=on"])
    return task.samples(settings.own, flux)


@pytest.fixture
def command(run, flux, geoml):
    """Give a function that runs `predict` on the towers."""
    return lambda *more: geoml("predict", run.folder, "--data", flux.folder, *more, "--quiet")


@pytest.fixture
def predict(command):
    """Give a function that runs `predict` to its end."""

    def done(*more):
        found = command(*more)
        assert found.code == 0, found.err
        return found

    return done


def test_windows_are_whole_where_five_records_follow_each_other_without_a_gap(samples, flux):
    complete = np.all([np.isfinite(flux.array(name)) for name in flux.labels("dynamic")], axis=0)
    first, index, station = (np.asarray(flux.array(n)) for n in ("station_first", "index", "station_index"))
    begins = index - STEPS + 1
    inside = begins >= first[station]
    expected = [bool(i) and bool(complete[b : b + STEPS].all()) for b, i in zip(begins, inside, strict=True)]
    assert samples.complete.tolist() == expected
    # Four at the begin of each of six series, and after each of two gaps in them.
    assert (~samples.complete).sum() == 6 * 3 * (STEPS - 1)


def test_a_window_holds_the_last_records_of_its_own_station(samples, flux):
    rows = np.flatnonzero(samples.complete)[[0, 1, 700, 2000, -1]]
    dynamic, static = (samples.inputs[name].values[rows] for name in ("dynamic", "static"))
    index, station = np.asarray(flux.array("index"))[rows], np.asarray(flux.array("station_index"))[rows]
    for number, (end, own) in enumerate(zip(index, station, strict=True)):
        for place, name in enumerate(flux.labels("dynamic")):
            series = np.asarray(flux.array(name))
            assert dynamic[number, :, place].tolist() == [series[end - back] for back in (4, 3, 2, 1, 0)]
        assert static[number, 0].tolist() == [flux.array(name)[own] for name in flux.labels("static")]
        assert (end - STEPS + 1) >= flux.array("station_first")[own]
    cover, where = (samples.inputs[name].values[rows][:, 0] for name in ("land_cover", "position"))
    np.testing.assert_array_equal(cover[:, 0], flux.array("category")[station])
    np.testing.assert_allclose(where, np.stack([flux.array(n)[station] for n in ("lat", "lon")], axis=1), rtol=1e-6)


def test_a_window_s_clocks_are_of_each_of_its_days(samples, flux):
    minutes = np.asarray(flux.array("time"))[flux.array("index")]
    day = np.datetime64("1970-01-01", "D") + minutes // 1440
    [row] = np.flatnonzero((day == np.datetime64("2012-03-02")) & (flux.array("station_index") == 0))
    assert samples.inputs["time"].values[[row]][0].tolist() == [[2, 27], [2, 28], [2, 29], [3, 1], [3, 2]]
    assert samples.inputs["year"].values[[row]][0].ravel().tolist() == [2012] * 5


def test_rows_that_are_not_whole_are_on_no_side_and_predicted_as_missing(run, samples, predict, tmp_path):
    split = run.split("all")
    rows = np.concatenate([split.train, split.validation, split.test])
    assert samples.complete[rows].all() and np.isfinite(samples.target.rows[rows]).all()
    lost = (samples.complete & np.isfinite(samples.target.rows)).sum() - len(rows)
    assert lost == split.overlaps_excluded + split.validated_excluded > split.overlaps_excluded > 0
    predict("--out", tmp_path / "s.csv")
    found = pd.read_csv(tmp_path / "s.csv")
    np.testing.assert_array_equal(found["NEE_VUT_REF"].notna(), samples.complete)


def test_windows_do_not_reach_over_the_borders_of_the_split(run, flux):
    split, index = run.split("all"), np.asarray(flux.array("index"))
    records = {
        part: {int(end) - back for end in index[split.rows(part)] for back in range(STEPS)}
        for part in ("train", "validation", "test")
    }
    assert not records["train"] & (records["validation"] | records["test"])
    assert not records["validation"] & records["test"]
    careless = plan_run(
        load("geomamba", "fluxnet-halfhourly", None, {}, [*QUICK, "split.exclude_overlaps=false"]), flux
    )
    kept = careless.members["all"][0]
    assert len(kept.train) + len(kept.validation) - len(split.train) - len(split.validation) == split.overlaps_excluded
    np.testing.assert_array_equal(kept.test, split.test)


def by_hand(flux, predicted):
    """Fill the gaps of the series one sample at a time."""
    value = {}
    time, names = np.asarray(flux.array("time")), flux.labels("station")
    of_samples = (flux.array(name) for name in ("index", "station_index", "NEE_VUT_REF"))
    for record, own, target, other in zip(*of_samples, predicted, strict=True):
        day = str(np.datetime64("1970-01-01", "D") + int(time[record]) // 1440)
        value[names[own], day] = (float(target), True) if np.isfinite(target) else (float(other), False)
    first = np.asarray(flux.array("station_first"))
    for record, good in enumerate(flux.array("NEE_VUT_REF_observed")):  # without a driver, a record is no sample
        day = str(np.datetime64("1970-01-01", "D") + int(time[record]) // 1440)
        own = names[int(np.searchsorted(first, record, side="right")) - 1]
        if np.isfinite(good):
            value[own, day] = (float(good), True)
    return value


def test_what_is_observed_stays_and_what_is_not_is_predicted(run, flux):
    predicted = np.arange(len(flux.array("index"))) + 1000.0
    series, expected = filled(open_trained(run), flux, predicted, None), by_hand(flux, predicted)
    names = np.array(flux.labels("station"))[series.station]
    for station, day, value, observed in zip(
        names, series.begin.astype("datetime64[D]").astype(str), series.value, series.observed, strict=True
    ):
        known, was = expected.get((station, day), (np.nan, False))
        np.testing.assert_array_equal(value, known)
        assert observed == was
    assert set(series.minutes) == {1440}
    assert np.isnan(series.value).sum() == len(series.value) - len(expected) > 0


DIGITS = {"year": 4, "month": 7, "day": 10}
UNITS = {"year": "gC m-2 yr-1", "month": "gC m-2 month-1", "day": "gC m-2 d-1"}


@pytest.mark.parametrize("period", ["year", "month", "day"])
def test_the_command_writes_sums_of_the_filled_series(period, predict, flux, tmp_path):
    predict("--out", tmp_path / "s.csv")
    out = tmp_path / "sums.csv"
    done = json.loads(predict("--sums", period, "--out", out, "--json").out)
    found = pd.read_csv(out, dtype={"begin": str}).set_index(["station", "begin"])
    shares, sums = ["observed", "filled", "missing", "longest_gap"], ["sum_lower", "sum_upper", "interval_of"]
    parts = ["fill_half_width", "random_half_width", "ustar_below", "ustar_above"]
    assert list(found.columns) == [*shares, "mean", "sum", "provided_sum", *sums, *parts]
    whole = found[found["sum"].notna() & (found["filled"] > 0)]
    # A day that was filled has no observation with a random error.
    assert set(whole["interval_of"]) == {"fill+ustar_25_75" if period == "day" else "fill+random+ustar_25_75"}
    np.testing.assert_allclose(
        whole["sum_upper"] - whole["sum"], np.sqrt(whole[[*parts[:2], parts[3]]].pow(2).sum(axis=1)), rtol=1e-6
    )
    assert done["unit"] == UNITS[period] and done["sums"] == len(found)
    assert done["missing"] == found["sum"].isna().sum() > 0
    days = pd.date_range("2010-01-01", "2012-12-31").strftime("%Y-%m-%d")
    values = by_hand(flux, pd.read_csv(tmp_path / "s.csv")["NEE_VUT_REF"])
    lines = [
        (station, day[: DIGITS[period]], *values.get((station, day), (np.nan, False)))
        for station in flux.labels("station")
        for day in days
    ]
    frame = pd.DataFrame(lines, columns=["station", "begin", "value", "observed"])
    frame["known"] = frame["value"].notna()
    frame["observed"] &= frame["known"]
    by = frame.groupby(["station", "begin"])
    share = by[["observed", "known"]].mean().loc[found.index]
    np.testing.assert_allclose(found["observed"], share["observed"], rtol=1e-8)
    np.testing.assert_allclose(found["filled"], share["known"] - share["observed"], rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found["missing"], 1 - share["known"], rtol=1e-8, atol=1e-12)
    whole = share["known"] == 1
    np.testing.assert_allclose(found["mean"], by["value"].mean().loc[found.index].where(whole), rtol=1e-6)
    expected = by["value"].apply(lambda values: values.sum(skipna=False)).loc[found.index]
    np.testing.assert_allclose(found["sum"], expected, rtol=1e-6, atol=1e-6)


def test_units_go_with_the_sums(run, predict, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra dask is not installed")
    predict("--sums", "month", "--out", tmp_path / "m.nc")
    predict("--sums", "month", "--out", tmp_path / "m.parquet")
    fields = parquet.read_schema(tmp_path / "m.parquet")
    with xarray.open_dataset(tmp_path / "m.nc") as file:
        units = {"sum": "gC m-2 month-1", "mean": "gC m-2 d-1", "observed": "1", "filled": "1", "missing": "1"}
        for name, unit in units.items():
            assert file[name].attrs["units"] == unit
            assert fields.field(name).metadata[b"units"].decode() == unit
        assert file["begin"].values[:2].tolist() == ["2010-01", "2010-02"]
        assert file.attrs["run_id"] == run.id
        table = pd.read_parquet(tmp_path / "m.parquet")
        np.testing.assert_array_equal(file["sum"].values, table["sum"])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--sums", "week"], "'week' is not a valid period. Use day, month, year"),
        (["--sums", "year", "--index", "3"], "choose one of --index and --sums"),
        (["--sums", "year", "--out", "sums.txt"], ".txt is not a table format"),
    ],
)
def test_sums_that_cannot_be_are_refused(more, told, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command(*more)
    assert done.code == 2
    assert told in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("skill", [-0.2, None, 0.3])
def test_a_fill_without_skill_is_a_warning_and_with_strict_a_failure(skill, run, command, tmp_path, monkeypatch):
    calibrations = read_calibrations(run)
    changed = {name: one.model_copy(update={"skill": skill}) for name, one in calibrations.items()}
    monkeypatch.setattr("geoml_cli.inference.inputs.budgets.read_calibrations", lambda of: changed)
    out = tmp_path / "s.csv"
    strict = command("--sums", "year", "--strict", "--out", out)
    assert (strict.code, out.is_file()) == ((0, True) if skill == 0.3 else (4, False)), strict.err
    told = {-0.2: "network has no skill on held-out rows (NSE -0.2)", None: "the skill of network is not known here"}
    if skill != 0.3:
        assert f"--strict: {told[skill]}" in strict.err and "Leave out --strict" in strict.err
    plain = command("--sums", "year", "--out", out)
    assert plain.code == 0 and (told[-0.2] in plain.err) == (skill == -0.2)


def test_strict_is_an_option_of_sums(command, tmp_path):
    told = command("--strict", "--out", tmp_path / "s.csv")
    assert told.code == 2 and "--strict: only the fill of sums is checked. Add --sums day, month or year" in told.err


def test_without_an_out_sums_lie_in_the_run_by_the_name_of_their_period(run, predict):
    predict("--sums", "year")
    assert len(pd.read_csv(run.predictions / "sums-year.csv")) == 6 * 3
