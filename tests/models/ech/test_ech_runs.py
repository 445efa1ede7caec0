"""A run of two networks: shared division, one member each, evaluation of the chain, maps, export."""

from __future__ import annotations

import csv
import json
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import xarray
from PIL import Image
from safetensors.torch import load_file

import geoml_cli
from geoml_cli.config.load import load
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.evaluation.baselines import predict_baselines
from geoml_cli.evaluation.inputs import open_network
from geoml_cli.evaluation.member_rows import predict_members
from geoml_cli.inference.load import open_trained
from geoml_cli.models.ech import task
from geoml_cli.runs.run import Run
from geoml_cli.samples.batches import gathered_native
from geoml_cli.sources.ech.source import SOURCE
from geoml_cli.splits.split import Split
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.training.plan import plan_run
from geoml_cli.work.reporting import NullReporter

PACKAGE = Path(geoml_cli.__file__).parent
QUICK = ["train.epochs=1", "train.threads=1", "train.batch_size=256", "split.group_length=5", "inputs.scaling=standard"]
QUICK += ["target.scaling=standard", "network.hidden=8", "grid.l_cells=9", "grid.mlt_cells=12"]
QUICK += ["evaluate.n_bootstrap=100", "evaluate.importance_repeats=1", "evaluate.importance_rows=50"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ech")
    options = SOURCE.synthetic(folder / "raw", 3)
    return Dataset(prepare(Raw("ech", folder / "raw", options), folder / "data" / "ech", NullReporter()).folder)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    place = RunLocation(tmp_path_factory.mktemp("runs") / "ech" / "two-stage" / "a")
    return train(load("ech", "two-stage", None, {}, QUICK), data, place, None, NullReporter())


def test_a_run_has_two_members_of_two_networks_that_share_their_division(run, data):
    assert run.members() == ["classifier", "regressor"]
    one, other = run.split("classifier"), run.split("regressor")
    assert (one.network, other.network) == ("classifier", "regressor")
    for part in ("train", "validation", "test"):
        assert set(other.rows(part)) < set(one.rows(part))
        assert (data.array("amplitude")[other.rows(part)] >= 0).all()
    assert list(run.data().signatures) == ["classifier", "regressor"]
    assert run.scaling("classifier").target.scale == 1 != run.scaling("regressor").target.scale


def test_windows_straddle_no_border_and_the_rows_left_out_are_counted(run, data):
    split, ends = run.split("classifier"), np.asarray(data.array("index"))
    for rows, others in ((split.train, split.test), (split.train, split.validation), (split.validation, split.test)):
        assert np.abs(ends[rows][:, None] - ends[others]).min() > 2880
    whole = plan_run(load("ech", "two-stage", None, {}, [*QUICK, "split.exclude_overlaps=false"]), data).members[
        "classifier"
    ][0]
    lost = sum(len(whole.rows(part)) - len(split.rows(part)) for part in ("train", "validation"))
    assert split.overlaps_excluded == lost > 0
    np.testing.assert_array_equal(whole.test, split.test)


@pytest.mark.parametrize(("preset", "by"), [("two-stage", "day"), ("storm", "storm")])
def test_groups_stay_on_one_side(preset, by, data):
    settings = load("ech", preset, None, {}, ["split.group_length=1", "split.exclude_overlaps=false"])
    for split, _ in plan_run(settings, data).members.values():
        groups = [set(data.array(by)[split.rows(part)].tolist()) for part in ("train", "validation", "test")]
        assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])


def test_the_papers_rows_are_divided_at_random_and_say_so(data):
    settings = load("ech", "random", None, {})
    split = plan_run(settings, data).members["classifier"][0]
    assert "share hours" in settings.shared.summary
    days = data.array("day")
    assert set(days[split.train].tolist()) >= set(days[split.test].tolist())


def test_folds_and_seeds_are_members_of_each_part(data):
    asked = ["split.folds=2", "split.seeds=[1,2]", "split.group_length=8"]
    names = list(plan_run(load("ech", "two-stage", None, {}, asked), data).members)
    both = [
        f"{part}-fold-{fold}-seed-{seed}" for fold in (1, 2) for seed in (1, 2) for part in ("classifier", "regressor")
    ]
    assert sorted(names) == sorted(both)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["split.kind=random"], "shares some with rows on the other side of the split"),
        (["split.group_by=orbit"], r"\[split\] group_by = 'orbit': the data set has no such variable"),
        (["split.group_by=mlt"], "is no whole number a sample"),
        (["split.group_length=100"], "in 1 group"),
        (["wave.threshold=500"], "no sample has an observed value of amplitude"),
    ],
)
def test_a_division_that_cannot_be_made_is_refused(settings, told, data):
    with pytest.raises(Exception, match=told) as error:
        plan_run(load("ech", "two-stage", None, {}, settings), data)
    assert error.value.exit_code == 3


def test_one_member_is_trained_by_name(data, geoml, tmp_path):
    asked = [word for text in QUICK for word in ("--set", text)]
    given = ("--data", data.folder, "--run", tmp_path / "run", "--quiet", *asked, "--member", "regressor")
    assert geoml("train", "ech", *given).code == 0
    assert Run(tmp_path / "run").members() == ["regressor"]
    done = geoml("predict", tmp_path / "run", "--index", 5, "--member", "regressor", "--json")
    assert {"amplitude_raw"} == set(json.loads(done.out)[0]) & {"logit", "amplitude", "amplitude_raw"}


def test_evaluation_scores_each_part_and_the_chain(run, geoml):
    baselines = 'evaluate.baselines=["climatology", "logistic", "ridge"]'
    done = geoml("evaluate", run.folder, "--json", "--quiet", "--set", baselines)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    one, other = found["networks"]["classifier"], found["networks"]["regressor"]
    names = ["accuracy", "balanced accuracy", "precision", "recall", "F1", "ROC-AUC", "PR-AUC", "Brier"]
    assert list(one["network"]["scores"]) == names
    assert list(other["network"]["scores"]) == ["R2", "RMSE", "MAE", "R"]
    assert set(one["baselines"]) == {"climatology", "logistic"}
    assert set(other["baselines"]) == {"climatology", "ridge"}
    for part in (one, other):
        for quantity in ("L", "MLT", "SME"):
            for model in (part["network"]["name"], *part["baselines"]):
                classes = [c for c in part["groups"] if (c["quantity"], c["model"]) == (quantity, model)]
                assert sum(loaded["rows"] for loaded in classes) == part["network"]["n"]
    chain = {name: loaded["value"] for name, loaded in found["pipeline"]["scores"].items()}
    counts = [chain[name] for name in ("hits", "misses", "false alarms", "correct absences")]
    assert sum(counts) == one["network"]["n"]
    assert chain["hits"] + chain["misses"] == other["network"]["n"]
    accuracy = one["network"]["scores"]["accuracy"]["value"]
    assert (counts[0] + counts[3]) / sum(counts) == pytest.approx(accuracy)
    for quantity in ("L", "MLT", "SME"):
        classes = [c for c in found["pipeline"]["groups"] if c["quantity"] == quantity]
        assert sum(c["rows"] for c in classes) == one["network"]["n"]
        assert sum(c["scores"]["hits"] for c in classes) == chain["hits"]
    for loaded in found["pipeline"]["scores"].values():
        assert loaded["low"] is None or loaded["low"] <= loaded["value"] <= loaded["high"]
    assert found["pipeline"]["scores"]["correct absences"]["low"] is not None
    folder = run.evaluation("test")
    page = (folder / "report.html").read_text(encoding="utf-8")
    files = re.findall(r'<a href="([^"]+)">', page)
    assert {"scores.csv", "pipeline.csv", "by_l.csv", "classifier/by_l.csv", "regressor/baselines.csv"} <= set(files)
    assert all((folder / file).is_file() for file in files)
    [line] = [row for row in csv.DictReader((folder / "scores.csv").read_text(encoding="utf-8").splitlines())
              if (row["network"], row["model"], row["score"]) == ("classifier", "classifier", "accuracy")]  # fmt: skip
    assert float(line["value"]) == pytest.approx(accuracy)
    assert "Probabilities and decisions: classifier" in page
    assert (folder / "classifier/figures/reliability.png").is_file() and (folder / "regressor/per_group.csv").is_file()


def test_parts_of_an_evaluation_hold_what_both_networks_and_the_chain_need(run, geoml, tmp_path, monkeypatch):
    folder = shutil.copytree(run.folder, tmp_path / "run")
    shutil.rmtree(folder / "kept", ignore_errors=True)
    words = (
        "evaluate",
        folder,
        "--json",
        "--quiet",
        "--set",
        'evaluate.baselines=["climatology", "logistic", "ridge"]',
    )
    assert [geoml(*words, "--part", part).code for part in ("2/2", "1/2")] == [0, 0]

    def never(*arguments):
        raise AssertionError("is computed again")

    with monkeypatch.context() as patched:
        patched.setattr("geoml_cli.evaluation.baselines.predict", never)
        patched.setattr("geoml_cli.inference.predictor.Predictor.each", never)
        finished = geoml(*words, "--finish")
    assert finished.code == 0, finished.err
    shutil.rmtree(folder / "kept")
    alone = geoml(*words)
    assert alone.code == 0 and json.loads(finished.out) == json.loads(alone.out)


def test_all_samples_to_a_table(run, data, geoml, tmp_path):
    done = geoml("predict", run.folder, "--out", tmp_path / "all.nc", "--quiet")
    assert done.code == 0, done.err
    with xarray.open_dataset(tmp_path / "all.nc", decode_times=False) as file:
        assert file.sizes["sample"] == len(data.array("index"))
        present = file.probability.values > 0.5
        np.testing.assert_array_equal(file.presence.values == 1, present)
        np.testing.assert_array_equal(np.isfinite(file.amplitude.values), present)
        np.testing.assert_array_equal(file.amplitude_raw.values[present], file.amplitude.values[present])
        np.testing.assert_allclose(file.L.values, data.array("l"))
        assert file.amplitude.attrs["units"] == "dB"


@pytest.fixture
def positions(data):
    """Give some samples as a user's table: time, L, MLT, MLAT."""
    rows = np.arange(0, len(data.array("index")), 37)[::-1]
    begin = np.datetime64(data.manifest.facts["start"], "s")
    minutes = np.asarray(data.array("time"))[np.asarray(data.array("index"))[rows]]
    time = begin + minutes.astype("timedelta64[m]")
    columns = {
        column: np.asarray(data.array(column.lower()), dtype=np.float64)[rows] for column in ("L", "MLT", "MLAT")
    }
    return rows, pd.DataFrame({"time": time.astype(str), **columns})


def test_a_table_of_positions_is_predicted_like_the_samples_of_the_data_set(run, data, positions, geoml, tmp_path):
    rows, frame = positions
    early = frame.iloc[:1].assign(time=str(np.datetime64(data.manifest.facts["start"], "s")))
    frame = pd.concat([frame, early, frame.iloc[:1].assign(MLAT=np.nan)], ignore_index=True)
    frame.to_csv(tmp_path / "places.csv", index=False)
    told = geoml("predict", run.folder, "--table", tmp_path / "places.csv", "--out", tmp_path / "p.csv", "--json")
    assert told.code == 0, told.err
    assert (json.loads(told.out)["rows"], json.loads(told.out)["missing"]) == (len(rows) + 2, 2)
    found = pd.read_csv(tmp_path / "p.csv")
    assert list(found)[:4] == ["time", "L", "MLT", "MLAT"]
    assert geoml("predict", run.folder, "--out", tmp_path / "all.csv").code == 0
    whole = pd.read_csv(tmp_path / "all.csv").iloc[rows]
    for name in ("logit", "probability", "amplitude_raw"):
        np.testing.assert_allclose(found[name][:-2], whole[name], rtol=1e-4, atol=1e-5)
        assert found[name][-2:].isna().all()
    reasons = ["the index series do not hold its time and the hours before it", "a coordinate is missing"]
    assert found["reason"].fillna("").tolist() == [""] * len(rows) + reasons
    assert json.loads(told.out)["missing_by_reason"] == dict.fromkeys(reasons, 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda frame: frame.drop(columns="MLT"), "line 1: has no column MLT"),
        (lambda frame: frame.assign(MLT=99.5), "MLT is 99.5, outside 0 to 24"),
        (lambda frame: frame.assign(time="noon"), "line 2: 'noon' is no time"),
        (lambda frame: frame.assign(L=[99.99, 99.99, *frame["L"][2:]]), "l: 2 cells are 99.99, which looks like no"),
    ],
)
def test_a_wrong_table_of_positions_is_refused(change, told, run, positions, geoml, tmp_path):
    change(positions[1]).to_csv(tmp_path / "places.csv", index=False)
    result = geoml("predict", run.folder, "--table", tmp_path / "places.csv", "--out", tmp_path / "p.csv")
    assert result.code == 3
    assert told in result.err
    assert not (tmp_path / "p.csv").exists()


def test_a_map_of_a_moment_gives_what_single_samples_there_give(run, data, geoml, tmp_path):
    row = int(np.flatnonzero(data.array("l") > 4)[200])
    time = np.datetime64("2013-03-01T00:00", "m") + int(data.array("index")[row])
    shell, hour, mlat = (float(data.array(name)[row]) for name in ("l", "mlt", "mlat"))
    out = tmp_path / "m.nc"
    done = geoml("predict", run.folder, "--map", time, "--mlat", mlat, "--out", out, "--json", "--quiet")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["cells"], told["of"]) == (9 * 12, "probability")
    from geoml_cli.dataset.store import Block

    with xarray.open_dataset(out) as file:
        assert file.sizes == {"time": 1, "L": 9, "MLT": 12}
        assert str(file.time.values[0])[:16] == str(time)
        cells = np.meshgrid(file.L.values, file.MLT.values, indexing="ij")
        count = cells[0].size
        block = {"l": cells[0].ravel(), "mlt": cells[1].ravel(), "mlat": np.full(count, mlat)}
        block |= {name: data.array(name) for name in ("sme", "symh", "time")}
        block["index"] = np.full(count, data.array("index")[row])
        loaded = open_trained(run).samples(Block(block, {}, {}))
        single = open_trained(run, run.members()).predictor().outputs(loaded, np.arange(count))
        np.testing.assert_allclose(file.logit.values.ravel(), single[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(file.amplitude_raw.values.ravel(), single[4], rtol=1e-4, atol=1e-5)
    with Image.open(tmp_path / "m.png") as picture:
        assert picture.size[0] > 500
    assert 3 <= shell <= 7 and 0 <= hour < 24


def test_a_sequence_of_moments_is_one_netcdf_and_an_animation(run, geoml, tmp_path):
    out = tmp_path / "s.nc"
    done = geoml("predict", run.folder, "--map", "2013-03-20/2013-03-20T01:00/30min", "--out", out, "--quiet")
    assert done.code == 0, done.err
    assert f"figure: {tmp_path / 's.gif'}" in done.out
    with xarray.open_dataset(out) as file:
        assert [str(time)[11:16] for time in file.time.values] == ["00:00", "00:30", "01:00"]
    with Image.open(tmp_path / "s.gif") as picture:
        assert picture.n_frames == 3
    plain = ("predict", run.folder, "--map", "2013-03-20", "--out", tmp_path / "p.nc", "--set", "predict.page=false")
    assert "p.png" not in geoml(*plain, "--dry-run").out
    assert geoml(*plain, "--quiet").code == 0 and not (tmp_path / "p.png").exists()


def test_a_map_before_which_values_are_missing_is_empty_and_said(run, data, geoml, tmp_path):
    """A gap of an index reaches into the 48 hours before later maps: those before it are not lost with them."""
    gap = np.datetime64("2013-03-20T00:30", "m")
    shutil.copytree(data.folder, tmp_path / "gap")
    with h5py.File(tmp_path / "gap" / "dataset.nc", "r+") as file:
        file["symh"][int((gap - np.datetime64("2013-03-01T00:00", "m")).astype(int))] = np.nan
    given = ("predict", run.folder, "--data", tmp_path / "gap", "--set", "data.verify=false", "--mlat", 0)
    done = geoml(*given, "--map", "2013-03-20/2013-03-20T01:00/30min", "--out", tmp_path / "s.nc", "--json")
    assert done.code == 0, done.err
    assert (
        "Warning: 2 of 3 maps are empty: input values are missing in the hours before 2013-03-20T00:30:00 (" in done.err
    )
    assert json.loads(done.out)["missing"] == 2 * 9 * 12
    whole = ("predict", run.folder, "--data", data.folder, "--mlat", 0, "--quiet")
    assert geoml(*whole, "--map", "2013-03-20", "--out", tmp_path / "m.nc").code == 0
    with xarray.open_dataset(tmp_path / "s.nc") as series, xarray.open_dataset(tmp_path / "m.nc") as one:
        assert series.probability.isnull().all(("L", "MLT")).values.tolist() == [False, True, True]
        np.testing.assert_array_equal(series.logit[0], one.logit[0])
    with Image.open(tmp_path / "s.gif") as picture:
        assert picture.n_frames == 3
    none = geoml(*given, "--map", "2013-03-20T01:00", "--out", tmp_path / "n.nc")
    assert none.code == 3 and "input values are missing in the hours before 2013-03-20T01:00:00" in none.err
    assert not (tmp_path / "n.nc").exists()


def test_a_baseline_stands_in_the_place_of_both_networks(run, data, geoml, tmp_path):
    """Its probabilities and amplitudes are those that an evaluation compares; maps are made of the same."""
    given = ("predict", run.folder, "--with", "gradient-boosting", "--quiet")
    done = geoml(*given, "--out", tmp_path / "s.csv", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["by"], told["of"]) == ("gradient-boosting, baseline of ech", "probability")
    written = pd.read_csv(tmp_path / "s.csv")
    assert told["mean"] == pytest.approx(written["probability"].mean(), rel=1e-5)
    trained = open_trained(run)
    for network, column in (("classifier", "probability"), ("regressor", "amplitude_raw")):
        inputs = open_network(trained, data, "test", network)
        baselines = ("gradient-boosting",)
        shared = inputs.settings.shared
        evaluate = shared.evaluate.model_copy(update={"baselines": baselines})
        shared = shared.model_copy(update={"evaluate": evaluate})
        inputs = replace(inputs, settings=replace(inputs.settings, shared=shared))
        members = predict_members(inputs, NullReporter())
        compared = predict_baselines(inputs, members, NullReporter()).predicted_P["gradient-boosting"]
        np.testing.assert_allclose(written[column].to_numpy()[members[0].rows_N], compared, rtol=1e-5, atol=1e-6)
    assert (written["presence"] == (written["probability"] > 0.5)).all()
    assert written["amplitude"].isna().equals(written["presence"] == 0)
    assert ((written["amplitude_upper"] > written["amplitude_lower"]) | written["amplitude"].isna()).all()
    done = geoml(*given, "--map", "2013-03-20", "--out", tmp_path / "m.nc")
    assert done.code == 0, done.err
    with xarray.open_dataset(tmp_path / "m.nc") as file:
        assert "gradient-boosting fitted on the training samples of 1 fold(s)" in file.logit.attrs["long_name"]
        assert ((file.probability >= 0) & (file.probability <= 1)).all()


def test_a_baseline_gives_a_table_the_numbers_of_the_samples(run, positions, geoml, tmp_path):
    """A table has more digits than the data set, and trees part values by the last one."""
    rows, frame = positions
    places = frame[["L", "MLT", "MLAT"]]
    digits = places * (1 + 2e-8)
    assert (digits.astype(np.float32) == places.astype(np.float32)).all(axis=None) and (digits != places).any(axis=None)
    frame.assign(**digits).to_csv(tmp_path / "places.csv", index=False, float_format="%.17g")
    given = ("predict", run.folder, "--with", "gradient-boosting", "--quiet")
    assert geoml(*given, "--out", tmp_path / "all.csv").code == 0
    assert geoml(*given, "--table", tmp_path / "places.csv", "--out", tmp_path / "p.csv").code == 0
    found, whole = pd.read_csv(tmp_path / "p.csv"), pd.read_csv(tmp_path / "all.csv").iloc[rows].reset_index()
    for name in ("probability", "amplitude_raw"):
        np.testing.assert_array_equal(found[name], whole[name])


def test_a_baseline_that_one_of_the_networks_lacks_is_refused(run, geoml):
    done = geoml("predict", run.folder, "--with", "logistic")
    assert done.code == 2 and "gradient-boosting" in done.err and "ridge" not in done.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--map", "yesterday"], 2, "'yesterday' is no time. Write it as 2013-03-17T06:00, in UTC."),
        (["--map", "2013-03-20/2013-03-21"], 2, "is no range of times"),
        (["--map", "2013-03-20/2013-03-19/1h"], 2, "ends before it begins"),
        (["--map", "2019-03-20"], 3, "is not on the series. Give a time from 2013-03-03T00:00:00"),
        (["--map", "2013-03-20", "--out", "x.tif"], 2, "maps at given times are NetCDF"),
        (["2013-03-20"], 2, "is a time of a map, but --map is not given"),
        (["--map"], 2, "ech has no rasters to predict from. Name a time: --map 2013-03-17T06:00."),
        (["--index", "999999"], 3, "there is no sample 999999"),
    ],
)
def test_a_wrong_request_is_refused(run, geoml, words, code, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = geoml("predict", run.folder, *words)
    assert (done.code, told in done.err) == (code, True), done.err


def _assert_missing_with_any_input(run, part, form):
    """Run a graph on samples of which one lacks a number of one input each; the LSTM of ONNX Runtime takes NaN."""
    import onnxruntime

    described = open_trained(run).signature(part).inputs
    random = np.random.default_rng(1)
    rows = len(described) + 2
    inputs = {name: random.normal(size=(rows, *item.shape)).astype(np.float32) for name, item in described.items()}
    for row, values in enumerate(inputs.values()):
        values[row].flat[-1] = np.nan
    path = run.export / f"ech-{part}.{form}"
    if form == "onnx":
        found = onnxruntime.InferenceSession(path).run(None, inputs)
    else:
        found = [
            one.detach().numpy() for one in torch.export.load(path).module()(*map(torch.from_numpy, inputs.values()))
        ]
    for output in found:
        np.testing.assert_array_equal(np.isnan(output), np.arange(rows) < len(described))


def _names_a_folder(path):
    """Tell whether a file names a folder of this machine, such as that of the sources it was traced from."""
    parts = [path.read_bytes()]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            parts = [packed.read(name) for name in packed.namelist()]
    return any(str(folder).encode() in part for part in parts for folder in (PACKAGE, torch.__path__[0]))


def test_both_networks_are_exported_and_proven(run, geoml):
    pytest.importorskip("onnx")
    done = geoml("export", run.folder, "--format", "pt2", "--format", "onnx", "--json", "--quiet")
    assert done.code == 0, done.err
    files = {loaded["file"].rpartition("/")[2] for loaded in json.loads(done.out)}
    assert files == {f"ech-{part}.{form}" for part in ("classifier", "regressor") for form in ("pt2", "onnx")}
    card = (run.export / "ech-classifier.md").read_text(encoding="utf-8")
    assert "sme [nT]; the index every 60 minutes, oldest first, the last at the sample's time" in card
    fine = (run.export / "ech-regressor.md").read_text(encoding="utf-8")
    assert "the index every 5 minutes, oldest first" in fine and "L in Earth radii, cosine" in fine
    for part, form in ((part, form) for part in ("classifier", "regressor") for form in ("pt2", "onnx")):
        assert not _names_a_folder(run.export / f"ech-{part}.{form}")
        _assert_missing_with_any_input(run, part, form)
    assert "`logit` float32 [sample], 1" in card and "`sme_hourly` float32 [sample, 49, 1]: sme" in card


def test_a_run_of_an_older_layout_is_refused_with_the_remedy(run, geoml, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(run.folder, old)
    record = json.loads((old / "run.json").read_text())
    del record["layout"]  # as it was written before layouts had numbers
    (old / "run.json").write_text(json.dumps(record))
    done = geoml("evaluate", old)
    assert done.code == 3
    assert "is a run folder of layout 1; this version of geoml reads layout 3." in done.err
    assert "Train it again with `geoml train ech --preset two-stage`." in done.err


def test_a_damaged_split_is_named(tmp_path):
    (tmp_path / "split.json").write_text('{"fold": "all", "seed": 1, "train": [0]')
    with pytest.raises(DataError, match=r"split\.json: is missing or damaged"):
        Split.read(tmp_path / "split.json")


def test_a_weight_of_waves_leaves_probabilities_those_of_the_samples(data, geoml, tmp_path):
    asked = [*QUICK, "network.part=classifier", "wave.positive_weight=4"]
    run = train(load("ech", "two-stage", None, {}, asked), data, RunLocation(tmp_path / "run"), None, NullReporter())
    trained = open_trained(run)
    network, rows = trained.load_network("classifier"), run.split("classifier").train[::5]
    inputs = gathered_native(trained.network_samples("classifier", data), rows)
    with torch.inference_mode():
        delivered = network(*inputs)
        raw = task.predict(network.network, network.scale(dict(zip(network.scale.names, inputs, strict=True))))
    torch.testing.assert_close(delivered, raw - float(np.log(4)))
    done = geoml("export", run.folder, "--data", data.folder.parent, "--format", "safetensors", "--quiet")
    told = "logits of the weights alone are 1.38629 above the log-odds of a wave"
    assert done.code == 0 and told in " ".join(done.err.split())
    assert told in next(run.export.glob("*.md")).read_text(encoding="utf-8")
    [weights] = run.export.glob("*.safetensors")
    own = {name.removeprefix("members.0.network."): value for name, value in load_file(weights).items()}
    torch.save(
        {name: value for name, value in own.items() if "." in name and "members" not in name}, tmp_path / "w.pth"
    )
    found = []
    for name, more in (("told", ["--set", "wave.positive_weight=4"]), ("not", [])):  # as the note says
        words = ("import", "ech", "--classifier", tmp_path / "w.pth", "--data", data.folder.parent, *more)
        done = geoml(*words, "--run", tmp_path / name, "--set", "network.hidden=8")
        assert done.code == 0, done.err
        with torch.inference_mode():
            found.append(open_trained(Run(tmp_path / name)).load_network("classifier")(*inputs))
    torch.testing.assert_close(found[0], found[1] - float(np.log(4)))


def test_log_odds_are_those_that_the_weighted_loss_is_least_at():
    waves = torch.tensor([1.0] * 2 + [0.0] * 8)
    logit = torch.tensor(np.log(4 * 0.2 / 0.8), dtype=torch.float32, requires_grad=True)
    batch = {"position": waves, "target": waves}

    def network(position):
        return logit.expand(len(position))

    task.cross_entropy(network, batch, 4.0).backward()
    assert abs(float(logit.grad)) < 1e-6
    torch.testing.assert_close(task.log_odds(network, batch, 4.0).sigmoid(), torch.full((10,), 0.2))


def test_the_decisions_that_are_scored_are_those_that_are_delivered(data, geoml, tmp_path):
    asked = [*QUICK, "network.part=classifier", "wave.probability=0.35", "evaluate.importance_repeats=0"]
    run = train(load("ech", "two-stage", None, {}, asked), data, RunLocation(tmp_path / "run"), None, NullReporter())
    done = geoml("evaluate", run.folder, "--data", data.folder.parent, "--json", "-q")
    scores = json.loads(done.out)["networks"]["classifier"]["network"]["scores"]
    assert geoml("predict", run.folder, "--data", data.folder.parent, "-q", "--out", tmp_path / "s.csv").code == 0
    frame = pd.read_csv(tmp_path / "s.csv", comment="#").iloc[run.split("classifier").test]
    assert ((frame["presence"] == 1) == (frame["probability"] > 0.35)).all()
    assert 0 < ((frame["probability"] > 0.35) != (frame["probability"] > 0.5)).mean()
    seen = (data.array("amplitude")[run.split("classifier").test] >= 0).astype(int)
    assert scores["accuracy"]["value"] == pytest.approx((frame["presence"].to_numpy() == seen).mean())
    page = (run.evaluation("test") / "classifier" / "report.html").read_text(encoding="utf-8")
    assert "decisions at a probability of 0.35" in page


@pytest.mark.parametrize("part", ["regressor", "classifier"])
def test_a_run_of_one_part_predicts_samples_and_maps_with_its_area(part, data, geoml, tmp_path):
    settings = load("ech", "two-stage", None, {}, [*QUICK, f"network.part={part}"])
    run = train(settings, data, RunLocation(tmp_path / "run"), None, NullReporter()).folder
    given = ("--data", data.folder.parent, "-q")
    assert geoml("predict", run, *given, "--out", tmp_path / "samples.csv").code == 0
    frame = pd.read_csv(tmp_path / "samples.csv", comment="#")
    [one] = json.loads(geoml("predict", run, *given, "--index", "5", "--json").out)
    assert one["dissimilarity"] == pytest.approx(frame["dissimilarity"][5], rel=1e-4)
    moment = pd.Timestamp(frame["time"][5]).floor("5min")
    done = geoml("predict", run, *given, "--map", f"{moment:%Y-%m-%dT%H:%M}", "--out", tmp_path / "map.nc")
    assert done.code == 0, done.err
    with xarray.open_dataset(tmp_path / "map.nc") as found:
        assert np.isfinite(found["dissimilarity"]).all() and found["dissimilarity"].size == 9 * 12
