"""Runs of mmnet on small exports: splits, tables against hand-made ones, and maps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import xarray
from scipy.stats import wilcoxon
from smap_case import STATIONS, edit, write_exports

from geoml_cli.dataset.store import Dataset
from geoml_cli.inference.load import open_trained
from geoml_cli.inference.map_files import page_mark
from geoml_cli.runs.run import Run
from geoml_cli.sources.smap.options import SmapOptions
from geoml_cli.sources.smap.synthetic_stack import write_valley
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

QUICK = ("--set", "train.steps=8", "--set", "train.evaluate_steps=4", "--set", "train.threads=1", "--quiet")
NARROW = ("--set", "train.batch_size=32", "--set", "evaluate.n_bootstrap=100", "--set", "evaluate.importance_repeats=1")
FAR = ("--set", "predict.out_of_range=1")
"""The stations share one soil; the valley has others."""
SPLIT = ("--set", "split.kind=leave-one-out", "--set", "split.group_by=station")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("mmnet")
    raw = write_exports(folder / "raw")
    prepare(Raw("smap", raw, SmapOptions()), folder / "data" / "smap", NullReporter())
    write_valley(folder / "valley", np.random.default_rng(0))
    return folder


@pytest.fixture(scope="module")
def run(data) -> Path:
    """Train a member for each station, and evaluate."""
    from geoml_cli.config.load import load
    from geoml_cli.runs.run import Run
    from geoml_cli.stages.evaluate import evaluate
    from geoml_cli.stages.train import RunLocation, train

    assignments = [text for text in (*QUICK, *NARROW[:2]) if "=" in text]
    assignments += ["split.kind=leave-one-out", "split.group_by=station", "split.folds=1", "split.seed=1"]
    assignments += ["evaluate.stations=['Beta_2']"]
    assignments += ["evaluate.n_bootstrap=100", "evaluate.importance_repeats=1", "evaluate.importance_rows=40"]
    assignments += ["evaluate.baselines=['smap','ridge']"]
    settings = load("mmnet", "random", None, {}, assignments)
    dataset = Dataset(data / "data" / "smap")
    done = train(settings, dataset, RunLocation(data / "run", cpu=True), None, NullReporter())
    evaluate(Run(done.folder), dataset, settings, "test", NullReporter())
    return done.folder


def test_members_are_the_stations(run):
    assert sorted(path.name for path in (run / "members").iterdir()) == sorted(STATIONS)


def test_smap_itself_is_a_baseline_and_its_scores_are_those_of_a_hand_made_calculation(run, data):
    dataset = Dataset(data / "data" / "smap")
    index, station = (np.asarray(dataset.array(name)) for name in ("index", "station_index"))
    smap, truth = np.asarray(dataset.array("SMAP"))[index], np.asarray(dataset.array("soil_moisture"))
    table = pd.read_csv(run / "evaluation" / "test" / "per_station.csv")
    ours = table.set_index("station")
    for number, name in enumerate(STATIONS):
        error = smap[station == number] - truth[station == number]
        assert ours.loc[name, "bias_smap"] == pytest.approx(error.mean(), rel=1e-5)
        assert ours.loc[name, "RMSE_smap"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-5)
        assert ours.loc[name, "ubRMSE_smap"] == pytest.approx(error.std(), rel=1e-3, abs=1e-6)


def test_scores_across_stations_are_the_quartiles_of_single_stations(run):
    folder = run / "evaluation" / "test"
    single = pd.read_csv(folder / "per_station.csv")
    over = pd.read_csv(folder / "across_stations.csv").set_index(["model", "statistic"])
    assert set(over.stations) == {3}
    for model in ("mmnet", "smap", "ridge"):
        for score in ("RMSE", "R", "bias", "ubRMSE"):
            values = single[f"{score}_{model}"].dropna()
            expected = {"median": values.median(), "mean": values.mean()}
            expected |= {"lower quartile": values.quantile(0.25), "upper quartile": values.quantile(0.75)}
            above = (values > 0).sum() if score == "R" else np.nan  # an error above 0 says nothing
            expected |= {"stations above 0": above, "stations with a score": len(values)}
            for statistic, value in expected.items():
                assert over.loc[(model, statistic), score] == pytest.approx(value, rel=1e-6, abs=1e-9, nan_ok=True)
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "Across stations" in report and "Gain at stations" in report and "Scores on the map" in report
    assert (folder / "figures" / "stations.png").exists() and (folder / "figures" / "station_maps.png").exists()


def test_a_station_that_there_is_not_is_refused_before_anything_is_scored(run, geoml):
    scored = (run / "evaluation/test/metrics.json").read_bytes()
    refused = geoml("evaluate", run, "--stations", "nowhere")
    assert refused.code == 2 and "'nowhere' is not a station of the evaluated rows" in refused.err
    assert (run / "evaluation/test/metrics.json").read_bytes() == scored


def test_importance_is_given_by_covariate_with_land_cover_as_one_and_by_day(run):
    found = json.loads((run / "evaluation" / "test" / "metrics.json").read_text(encoding="utf-8"))["importance"]
    days = {"dynamic at t", *(f"dynamic at t-{day}" for day in range(1, 11))}
    assert days < set(found) and "land_cover" in found and not [name for name in found if "=" in name]
    assert len(found) == 20 + 1 + 8 + 11  # snapshot without land cover, land cover, weather, days
    report = (run / "evaluation" / "test" / "report.html").read_text(encoding="utf-8")
    assert (
        "Permutation importance by time step" in report and "Increases of the RMSE [m3 m-3]: dynamic at t-10" in report
    )
    assert (run / "evaluation" / "test" / "figures" / "importance_steps.png").exists()


def test_the_record_holds_the_gain_at_stations(run):
    folder = run / "evaluation" / "test"
    single = pd.read_csv(folder / "per_station.csv").set_index("station").filter(regex="^RMSE_[a-z]+$")
    single.columns = single.columns.str.removeprefix("RMSE_")
    found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["gain_at_stations"]
    assert list(found) == ["smap", "ridge"]
    least, most = sorted(wilcoxon(single["mmnet"] - single[baseline]).pvalue for baseline in found)
    adjusted = sorted((min(2 * least, 1.0), max(2 * least, most)))  # Holm's, of two tests
    assert sorted(gain["wilcoxon_p_holm"] for gain in found.values()) == pytest.approx(adjusted)
    for baseline, gain in found.items():
        difference = single["mmnet"] - single[baseline]
        assert gain["median_rmse_network_minus_baseline"] == pytest.approx(difference.median(), rel=1e-6)
        assert gain["share_better"] == pytest.approx((difference < 0).mean()) and gain["unit"] == "m3 m-3"


def test_scores_are_given_by_season_land_cover_network_region_and_moisture(run):
    table = pd.read_csv(run / "evaluation" / "test" / "per_group.csv")
    found = table.groupby("quantity")["group"].unique().map(set).to_dict()
    assert found["season"] == {"DJF"} and found["land cover"] == {"Grassland"}
    assert found["network"] == {"SCAN"} and found["region"] == {"W", "M", "E"}
    assert found["observed moisture"] == {"0.1 to 0.2", "0.2 to 0.3"} and found["year"] == {"2019", "2020"}
    assert list(dict.fromkeys(table.model)) == ["smap", "mmnet", "ridge"]  # the estimate to beat comes first


def test_daily_maps_and_their_counts(run, data, geoml, tmp_path):
    out = tmp_path / "maps.nc"
    command = ("predict", run, "--data", data / "data", "--stack", data / "valley" / "valley.nc", *FAR)
    days = ("--from", "2021-05-31", "--to", "2021-06-03")
    result = geoml(*command, *days, "--out", out)
    assert result.code == 0, result.err
    assert "land cover of no class: 32" in result.err  # 8 pixels of a lake on 4 days
    maps = xarray.load_dataset(out)
    assert maps.soil_moisture.sizes == {"time": 4, "lat": 12, "lon": 16}
    assert [str(end)[:10] for end in maps.time_bnds.values[0]] == ["2021-05-31", "2021-06-01"]
    assert "land cover of no class: 32" in maps.attrs["pixels_without_prediction"]
    assert int(np.isnan(maps.soil_moisture.values).sum()) >= 32 and maps.soil_moisture.units == "m3 m-3"
    assert page_mark(Run(run).id) in (tmp_path / "maps.png").read_bytes()[:4096]
    # Windows of two rows, and GeoTIFFs, hold the same values.
    small = geoml(
        *command, *days, "--out", tmp_path / "maps.tif", "--set", "predict.rows=256", "--set", "predict.page=false"
    )
    assert small.code == 0, small.err
    import rasterio

    with rasterio.open(tmp_path / "maps-2021-06-02.tif") as file:
        np.testing.assert_allclose(file.read(1), maps.soil_moisture.values[2], rtol=1e-4, atol=1e-5)
        assert file.tags()["time"] == "2021-06-02"


def test_a_daily_map_under_a_mask_has_a_page(run, data, geoml, tmp_path):
    import rasterio

    command = ("predict", run, "--data", data / "data", "--stack", data / "valley" / "valley.nc", *FAR)
    command += ("--from", "2021-06-02", "--to", "2021-06-02", "--json", "--quiet")
    whole = geoml(*command, "--out", tmp_path / "whole.tif", "--set", "predict.page=false")
    with rasterio.open(tmp_path / "whole.tif") as file:
        expected, (left, bottom, right, top), crs = file.read(1), file.bounds, file.crs
    west = [[left, bottom], [left, top], [(left + right) / 2, top], [(left + right) / 2, bottom], [left, bottom]]
    mask = tmp_path / "west.geojson"
    mask.write_text(json.dumps({"type": "Polygon", "coordinates": [west]}))
    assert crs.to_epsg() == 4326
    masked = geoml(*command, "--out", tmp_path / "m.tif", "--mask", mask)
    assert masked.code == 0, masked.err
    said = json.loads(masked.out)
    assert [Path(path).name for path in (*said["figures"], *said["styles"])] == ["m.png", "m.qml"]
    with rasterio.open(tmp_path / "m.tif") as file:
        found = file.read(1)
    np.testing.assert_array_equal(found[:, :8], expected[:, :8])
    assert np.isnan(found[:, 8:]).all() and np.isfinite(expected[:, 8:]).any()
    reasons = said["missing_by_reason"]
    assert reasons["outside the mask"] == 12 * 8 and sum(reasons.values()) == said["missing"]
    assert sum(json.loads(whole.out)["missing_by_reason"].values()) == int(np.isnan(expected).sum())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--from", "2020-01-01"), "--from: 2020-01-01 is not among the days of the stack"),
        (("--from", "June"), "'June' is no day"),
        (("--from", "2021-06-02", "--to", "2021-06-01"), "--from is after --to"),
        (("--out", "maps.csv"), ".csv is not a map format"),
        (("--index", "3"), "choose one of --index"),
    ],
)
def test_maps_that_cannot_be_made_are_refused(run, data, geoml, more, message):
    result = geoml("predict", run, "--data", data / "data", "--stack", data / "valley" / "valley.nc", *more)
    assert result.code == 2 and message in result.err


def test_days_without_a_stack_are_refused(run, data, geoml):
    result = geoml("predict", run, "--data", data / "data", "--from", "2021-06-01")
    assert result.code == 2 and "--from and --to are days of a stack" in result.err


def test_a_table_of_stations_and_dates_gives_what_the_samples_give(run, data, geoml, tmp_path):
    (tmp_path / "wanted.csv").write_text(
        "ID,Date\nGamma.3,2020-01-05\nNowhere,20200105\nUSDA_ARS_Beta-2,20191231\nAlpha_1,20191220\nBeta_2,20191203\n",
        encoding="utf-8",
    )
    everything, some = tmp_path / "samples.csv", tmp_path / "some.csv"
    assert geoml("predict", run, "--data", data / "data", "--out", everything).code == 0
    result = geoml("predict", run, "--data", data / "data", "--table", tmp_path / "wanted.csv", "--out", some)
    assert result.code == 0, result.err
    samples, found = pd.read_csv(everything), pd.read_csv(some)

    def value(station, day):
        return samples[(samples.station == station) & samples.time.str.startswith(day)].soil_moisture.item()

    expected = [value("Gamma.3", "2020-01-05"), value("Alpha-1", "2019-12-20")]
    np.testing.assert_allclose(found.soil_moisture[[0, 3]], expected, rtol=1e-5)
    assert found.soil_moisture[[1, 2, 4]].isna().all()
    no_station, no_day = "no such station in the data set", "no row of gridMET on that day"
    reasons = ["", no_station, no_day, "", "the weather before has a gap"]
    assert found.reason.fillna("").tolist() == reasons
    for reason in filter(None, reasons):
        assert f"{reason}: 1" in result.err


def test_a_table_says_why_a_station_is_not_in_the_data_set_and_what_a_day_lacks(tmp_path, geoml, run):
    raw = write_exports(tmp_path / "raw")

    def without_december(rows):
        return [{name: "" if name.startswith("201912") else cell for name, cell in row.items()} for row in rows]

    for year in ("2019", "2020"):
        edit(raw / f"S1_SSM_{year}.csv", lambda rows: [row for row in rows if row["ID"] != "Beta_2"])
    edit(raw / "smap_ssm_2019.csv", without_december)
    assert geoml("prepare", "smap", raw, "--data", tmp_path / "data", "--fill", "previous").code == 0
    text = "ID,Date\nBeta-2,20200105\nAlpha-1,20191220\nAlpha-1,20200105\n"
    (tmp_path / "wanted.csv").write_text(text, encoding="utf-8")
    given = ("--data", tmp_path / "data", "--table", tmp_path / "wanted.csv", "--out", tmp_path / "p.csv")
    result = geoml("predict", run, *given)
    assert result.code == 0, result.err
    found = pd.read_csv(tmp_path / "p.csv").reason.fillna("").tolist()
    assert found == ["excluded by prepare (no row of Sentinel-1)", "a variable of the day is missing", ""]


def test_a_station_that_lies_elsewhere_is_refused(tmp_path, geoml, run, data):
    """Names recur in other networks: a row would get the prediction of another place."""
    samples = tmp_path / "samples.csv"
    assert geoml("predict", run, "--data", data / "data", "--out", samples).code == 0
    here = pd.read_csv(samples).query("station == 'Alpha-1'").iloc[0]
    given = ("--data", data / "data", "--table", tmp_path / "wanted.csv", "--out", tmp_path / "p.csv")
    header = "ID,Date,Latitude,Longitude"
    for name, place, expected in [
        ("Alpha-1", f"{here.lat + 0.01},{here.lon + 360}", [""]),
        ("Alpha-1", ",", [""]),
        ("ALPHA 1", f"{here.lat + 3},{here.lon}", ["no such station in the data set"]),
    ]:
        (tmp_path / "wanted.csv").write_text(f"{header}\n{name},20200105,{place}\n")
        assert geoml("predict", run, *given).code == 0
        assert pd.read_csv(tmp_path / "p.csv", keep_default_na=False).reason.tolist() == expected
    (tmp_path / "wanted.csv").write_text(f"{header}\nAlpha-1,20200105,{here.lat + 3},{here.lon}\n")
    told = geoml("predict", run, *given)
    assert told.code == 3 and "wanted.csv: station Alpha-1 lies at" in told.err


def test_a_row_without_a_day_is_told_and_an_empty_one_left_out(tmp_path, geoml, run, data):
    given = ("--data", data / "data", "--table", tmp_path / "wanted.csv", "--out", tmp_path / "p.csv")
    (tmp_path / "wanted.csv").write_text("ID,Date,obs\nAlpha-1,20200105,1\n,,\nAlpha-1,20200106,2\n")
    assert geoml("predict", run, *given).code == 0
    assert len(pd.read_csv(tmp_path / "p.csv")) == 2
    (tmp_path / "wanted.csv").write_text("ID,Date,obs\nAlpha-1,20200105,1\n,,0.4\n")
    told = geoml("predict", run, *given)
    assert told.code == 3 and "line 3, column Date: '' begins with no date" in told.err


def test_a_table_takes_no_station_for_an_excluded_one_of_nearly_its_name(tmp_path, geoml, run):
    raw = write_exports(tmp_path / "raw")
    for path in raw.glob("*.csv"):
        edit(
            path,
            lambda rows: [{**row, "ID": "ALPHA 1" if row.get("ID") == "Beta_2" else row.get("ID")} for row in rows],
        )
    for year in ("2019", "2020"):
        edit(raw / f"S1_SSM_{year}.csv", lambda rows: [row for row in rows if row["ID"] != "ALPHA 1"])
    assert geoml("prepare", "smap", raw, "--data", tmp_path / "data", "--fill", "previous").code == 0
    text = "ID,Date\nALPHA 1,20200105\nAlpha-1,20200105\nalpha#1,20200105\n"
    (tmp_path / "wanted.csv").write_text(text, encoding="utf-8")
    given = ("--data", tmp_path / "data", "--table", tmp_path / "wanted.csv", "--out", tmp_path / "p.csv")
    assert geoml("predict", run, *given).code == 0
    found = pd.read_csv(tmp_path / "p.csv").reason.fillna("").tolist()
    assert found == ["excluded by prepare (no row of Sentinel-1)", "", "no such station in the data set"]


def test_the_users_loop_over_presets(data, geoml, tmp_path, monkeypatch):
    """`for p in onsite offsite cross-region`: here with splits that 61 days of three stations allow."""
    monkeypatch.setenv("GEOML_DATA", str(data / "data"))
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path / "runs"))
    own = {
        "onsite": ("--set", "split.test_years=[2020]"),
        "offsite": ("--set", "split.folds=2"),
        "cross-region": (),
    }
    members = {"onsite": ["2020"], "offsite": ["fold-1", "fold-2"], "cross-region": ["E", "M", "W"]}
    for preset, more in own.items():
        result = geoml("train", "mmnet", "--preset", preset, *QUICK, *more, "--set", "train.batch_size=32")
        assert result.code == 0, result.err
        [run] = (tmp_path / "runs" / "mmnet" / preset).iterdir()
        assert sorted(json.loads((run / "run.json").read_text())["members"]) == members[preset]
    result = geoml("train", "mmnet", "--preset", "cross-region", "--member", "M", *QUICK)
    assert result.code == 0 and "M" in result.out


def test_data_prepared_by_other_rules_than_the_presets_are_warned_of_and_the_record_says_so(geoml, tmp_path):
    raw = write_exports(tmp_path / "raw")
    given = ("--data", tmp_path / "data", "--run", tmp_path / "run")
    assert geoml("prepare", "smap", raw, *given[:2], "--window", "days", "--hours", "12", "--missing", "0.3").code == 0
    split = ("--set", "split.kind=leave-one-out", "--set", "split.group_by=station")
    trained = geoml("train", "mmnet", "--preset", "random", *given, *QUICK, *split, "--set", "data.options.missing=0.3")
    assert trained.code == 0, trained.err
    warning = (
        "The data were prepared with --window days instead of rows, --hours 12 instead of 1, which preset random is "
        "meant for."
    )
    assert warning in " ".join(trained.err.split())
    preset = ("mmnet", "--preset", "random", *given[:2], *QUICK, *split, "--set", "data.options.missing=0.3")
    for verb in (("train", "--dry-run"), ("check",)):
        assert warning in " ".join(geoml(verb[0], *preset, *verb[1:]).err.split())
    few = ("--set", "evaluate.baselines=[]", "--set", "evaluate.importance_repeats=0")
    assert geoml("evaluate", tmp_path / "run", *given[:2], *few).code == 0
    found = json.loads((tmp_path / "run" / "evaluation" / "test" / "metrics.json").read_text(encoding="utf-8"))
    assert warning in found["warnings"]


def test_an_option_that_prepare_does_not_have_is_refused(data, geoml, tmp_path):
    given = ("train", "mmnet", "--data", data / "data", "--run", tmp_path / "r", "--set", "data.options.windw=days")
    result = geoml(*given)
    assert result.code == 2
    assert "[data.options]: windw is not an option of `geoml prepare smap`. Did you mean window?" in result.err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("train.accumulate=2",), "accumulate"),
        (("train.batch_size=1",), "batch_size = 1, but the network needs 2 rows a batch"),
        (("network.days=61",), "days = 61, but the longest unbroken weather is"),
    ],
)
def test_what_the_network_cannot_be_trained_with_is_refused(data, geoml, tmp_path, settings, message):
    assignments = [word for text in settings for word in ("--set", text)]
    result = geoml(
        "train", "mmnet", "--preset", "random", "--data", data / "data", "--run", tmp_path / "r", *assignments
    )
    assert result.code == 2 and message in result.err


def test_a_day_of_weather_is_shuffled_alone(data):
    from geoml_cli import registry
    from geoml_cli.config.load import load
    from geoml_cli.evaluation.importance import shuffled, steps_before

    network = registry.spec("mmnet").networks(load("mmnet", "random", None, {}).own)[""]
    samples = network.samples(Dataset(data / "data" / "smap"))
    named = steps_before(samples, network.lagged)
    assert next(iter(named)) == "dynamic at t-10" and list(named)[-1] == "dynamic at t" and len(named) == 11
    order = np.arange(len(samples))[::-1]
    before = samples.inputs["dynamic"].values[:]
    after = shuffled(samples, named["dynamic at t-3"], order).inputs["dynamic"].values
    np.testing.assert_array_equal(after[:, 7], before[order][:, 7])
    others = [step for step in range(11) if step != 7]
    np.testing.assert_array_equal(after[:, others], before[:, others])
    assert steps_before(samples, "") == {}


def test_series_of_chosen_stations_are_drawn_and_others_are_refused(run, data, geoml):
    assert (run / "evaluation" / "test" / "figures" / "station-Beta_2.png").stat().st_size > 10_000
    given = ("--data", data / "data", "--stations", "Beta-2", "--set", "evaluate.baselines=[]")
    result = geoml("evaluate", run, *given)
    assert result.code == 2 and "Beta_2" in result.err


def test_a_series_is_in_the_order_of_time_and_holds_the_rain_of_its_days():
    from geoml_cli.figures.station_series import StationSeries, station_series

    days = np.arange("2020-01-01", "2020-01-11", dtype="datetime64[D]")
    values = np.linspace(0.1, 0.3, 10)
    figure = station_series(
        "A $b$",
        StationSeries(days, values, {"mmnet": values + 0.01, "smap": values}, ("pr", "mm", values)),
        ("sm", "1"),
    )
    main, above = figure.axes
    assert [line.get_label() for line in main.lines] == ["observed", "mmnet", "smap"]
    assert main.lines[2].get_linestyle() == "--" and above.get_ylim()[1] == 0.0
    assert [bar.get_height() for bar in above.patches] == values.tolist()


def test_stopped_maps_resume_with_the_same_values_and_counts(run, data, tmp_path):
    import os
    import signal
    from contextlib import contextmanager

    from geoml_cli.errors import StoppedError
    from geoml_cli.inference.load import open_trained
    from geoml_cli.runs.run import Run
    from geoml_cli.samples.requests import PredictionRequest
    from geoml_cli.stages.predict import Prediction, predict

    class Interrupting(NullReporter):
        @contextmanager
        def task(self, name, total):
            assert total == 3  # windows of five rows
            yield lambda steps: os.kill(os.getpid(), signal.SIGTERM)

    trained = open_trained(Run(run, ["predict.rows=512", "predict.out_of_range=1"]))
    dataset = Dataset(data / "data" / "smap")
    request = PredictionRequest(stack=data / "valley" / "valley.nc", days=("2021-06-01", "2021-06-02"))
    again, whole = NullReporter(), NullReporter()
    predict(Prediction(trained, dataset, request, tmp_path / "whole.nc"), whole)
    with pytest.raises(StoppedError, match="The same command resumes"):
        predict(Prediction(trained, dataset, request, tmp_path / "stopped.nc"), Interrupting())
    with pytest.raises(StoppedError):
        predict(Prediction(trained, dataset, request, tmp_path / "stopped.nc"), Interrupting())
    predict(Prediction(trained, dataset, request, tmp_path / "stopped.nc"), again)
    one, other = (xarray.load_dataset(tmp_path / name) for name in ("whole.nc", "stopped.nc"))
    np.testing.assert_array_equal(one.soil_moisture, other.soil_moisture)
    assert again.said == whole.said and "land cover of no class: 16" in whole.said[-1]


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["mmnet", "mlp", "transformer"])
def test_an_export_of_every_variant_gives_what_predict_gives(data, geoml, tmp_path, variant):
    once = ("--set", "train.steps=2", "--set", "train.evaluate_steps=2", "--set", "train.calibrate=false")
    given = ("--preset", "random", "--data", data / "data", "--run", tmp_path / "run", *once, *SPLIT, *QUICK[4:])
    assert geoml("train", "mmnet", *given, *NARROW[:2], "--set", f"network.variant={variant}").code == 0
    at = ("--data", data / "data" / "smap", "--quiet")
    done = geoml("export", tmp_path / "run", *at, "--format", "onnx")
    assert done.code == 0, done.err
    assert geoml("predict", tmp_path / "run", *at, "--out", tmp_path / "s.csv").code == 0
    session = onnxruntime.InferenceSession(tmp_path / "run/export/mmnet.onnx", providers=["CPUExecutionProvider"])
    samples, rows = open_trained(Run(tmp_path / "run")).samples(Dataset(data / "data" / "smap")), np.arange(5, 12)
    fed = {name: np.asarray(item.values[rows], dtype=np.float32) for name, item in samples.inputs.items()}
    [found, *_] = session.run(None, fed)
    expected = pd.read_csv(tmp_path / "s.csv")["soil_moisture"][5:12]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
