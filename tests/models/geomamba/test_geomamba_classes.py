"""Runs of Geo-Mamba on synthetic class rasters: codes, scores, maps of class and confidence."""

from __future__ import annotations

import csv
import json
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import rasterio
import torch
from safetensors.torch import load_file
from scipy.special import softmax

from geoml_cli.config.load import load
from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import SettingsError
from geoml_cli.evaluation.baselines import predict_baselines
from geoml_cli.evaluation.inputs import delivered, open_network
from geoml_cli.evaluation.member_rows import pool_folds, predict_members
from geoml_cli.inference.baseline_run import with_baseline
from geoml_cli.inference.load import TrainedRun, open_trained
from geoml_cli.models.geomamba import task
from geoml_cli.runs.run import Run
from geoml_cli.sources.clcd.source import SOURCE
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.tasks.multiclass import multiclass
from geoml_cli.work.numbers import format_number
from geoml_cli.work.reporting import NullReporter

QUICK = ["network.embedding=8", "network.width=8", "network.layers=1", "train.threads=1", "split.block_km=10"]
QUICK += ["train.epochs=2", "evaluate.n_bootstrap=100", "evaluate.importance_repeats=1", "evaluate.importance_rows=50"]
QUICK += ["export.samples=8"]
QUICK += ['evaluate.baselines=["climatology","logistic","mean","ridge"]', "split.seeds=[1]"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clcd")
    options = SOURCE.synthetic(folder / "raw", 3)
    return Dataset(prepare(Raw("clcd", folder / "raw", options), folder / "data" / "clcd", NullReporter()).folder)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    place = RunLocation(tmp_path_factory.mktemp("runs") / "geomamba" / "clcd" / "a")
    return train(load("geomamba", "clcd", None, {}, QUICK), data, place, None, NullReporter())


def test_networks_learn_places_and_people_see_codes(run, data):
    samples = open_trained(run).network_samples("", data)
    assert samples.target.codes == tuple(data.array("class_code").tolist()) == run.data().signature.codes
    assert 0 not in samples.target.codes  # the rasters' no-data
    assert set(np.unique(samples.target.rows)) == set(range(len(samples.target.codes)))
    assert set(np.unique(samples.target.observed())) == set(samples.target.codes)
    np.testing.assert_array_equal(
        np.array(samples.target.codes)[samples.target.rows.astype(int)], samples.target.observed()
    )


TASK = multiclass(Variable("class", "1", "land cover"), (4, 7, 9), ("a", "b", "c"))


def test_a_minority_that_is_sure_outweighs_votes():
    """Two of three members name the first class; the mean probability of the second is higher."""
    each = torch.tensor([[[0.40, 0.35, 0.25]], [[0.40, 0.35, 0.25]], [[0.0, 0.90, 0.10]]]).log()
    code, sure = TASK.pool(each)
    assert code.tolist() == [7.0]
    torch.testing.assert_close(sure, torch.tensor([(0.35 + 0.35 + 0.90) / 3]))


def test_scores_that_are_none_are_of_no_class():
    each = torch.tensor([[[0.4, 0.6, 0.0], [float("nan")] * 3]]).log()
    code, sure = TASK.pool(each)
    assert code[0] == 7.0 and code[1].isnan() and sure[1].isnan()


def test_members_decide_together_by_their_mean_probability():
    one = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3]]).log()
    other = torch.tensor([[0.3, 0.3, 0.4], [0.1, 0.2, 0.7]]).log()
    code, sure = TASK.pool(torch.stack([one, other]))
    assert code.tolist() == [4.0, 9.0]
    torch.testing.assert_close(sure, torch.tensor([0.6, 0.5]))


def test_scores_are_those_of_classes_and_the_table_of_mistakes_adds_up(run, data, geoml):
    done = geoml("evaluate", run.folder, "--json", "--quiet")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    scores = {name: loaded["value"] for name, loaded in found["network"]["scores"].items()}
    assert list(scores) == ["accuracy", "balanced accuracy", "macro F1", "kappa"]
    assert list(found["baselines"]) and "ridge" not in found["baselines"]
    assert set(found["baselines"]) == {"climatology", "logistic", "mean"}
    counts = np.array(found["confusion"]["counts"])
    assert counts.sum() == found["network"]["n"]
    assert np.trace(counts) / counts.sum() == pytest.approx(scores["accuracy"])
    # Of a map: a class counts by its pixels, not by how many of them were drawn.
    share = np.array(data.manifest.facts["pixels"]) / sum(data.manifest.facts["pixels"])
    [note] = [text for text in found["warnings"] if "Weighted by pixels" in text]
    recall = np.diag(counts) / counts.sum(axis=1)
    weights = share[:, None] * counts / counts.sum(axis=1, keepdims=True)
    chance = weights.sum(axis=0) @ share
    accuracy, kappa = recall @ share, (recall @ share - chance) / (1 - chance)
    expected = f"geomamba accuracy {format_number(accuracy)} [", f"kappa {format_number(kappa)} ["
    assert all(text in note for text in expected) and "mean accuracy" in note, (expected, note)
    of_map = found["classes"]["models"]["geomamba"]
    assert (of_map["accuracy"]["value"], of_map["kappa"]["value"]) == pytest.approx((accuracy, kappa))
    rate = found["baselines"]["mean"]["error_rate_network_minus_baseline"]["value"]
    other = found["baselines"]["mean"]["scores"]["accuracy"]["value"]
    assert rate == pytest.approx(other - scores["accuracy"])
    assert "error rate" in found["summary"]
    assert {"error_rate_increase"} < set(next(iter(found["importance"].values())))
    folder = run.evaluation("test")
    assert (folder / "figures" / "confusion.png").is_file()
    assert not (folder / "figures" / "residual_map.png").exists()
    with (folder / "confusion.csv").open() as stream:
        rows = list(csv.reader(stream))
    assert rows[0][1:] == [row[0] for row in rows[1:]] == found["confusion"]["classes"]
    each = pd.read_csv(folder / "per_class.csv").set_index(["model", "class"]).loc["geomamba"]
    assert each.index.tolist() == found["confusion"]["classes"]
    np.testing.assert_allclose(each["producers_accuracy"], recall, rtol=1e-8)
    with np.errstate(invalid="ignore"):  # of a class that is never predicted
        np.testing.assert_allclose(each["users_accuracy"], np.diag(weights) / weights.sum(axis=0), rtol=1e-8)
    np.testing.assert_allclose(each["share_predicted"], weights.sum(axis=0), rtol=1e-8)
    assert each["n_predicted"].tolist() == counts.sum(axis=0).tolist()
    assert (each["users_accuracy_low"] < each["users_accuracy_high"]).any()
    told = pd.read_csv(folder / "predictions.csv")
    assert set(told["observed"]) | set(told["predicted"]) <= set(data.array("class_code").tolist())
    assert (told["observed"] == told["predicted"]).mean() == pytest.approx(scores["accuracy"])


def test_rows_of_a_table_are_predicted_for_their_year(run, data, geoml, tmp_path):
    """As the samples of the data set are, which are of all years."""
    chosen = np.arange(0, len(data.array("year")), 7)
    names = ("lon", "lat", "year")
    columns = {name: np.asarray(data.array(name))[chosen] for name in names}
    assert len(set(columns["year"].tolist())) > 1
    table = pd.DataFrame(columns)
    table.loc[len(table)] = [*table.loc[0, ["lon", "lat"]], 1985]
    table.astype({"year": int}).to_csv(tmp_path / "t.csv", index=False)
    options = [word for row in chosen for word in ("--index", str(row))]
    one = geoml("predict", run.folder, "--data", data.folder.parent, *options, "--out", tmp_path / "samples.csv", "-q")
    told = geoml("predict", run.folder, "--data", data.folder.parent, "--table", tmp_path / "t.csv", "--out",
                 tmp_path / "out.csv", "-q")  # fmt: skip
    assert one.code == told.code == 0, one.err + told.err
    expected, found = pd.read_csv(tmp_path / "samples.csv"), pd.read_csv(tmp_path / "out.csv")
    assert found["year"].tolist() == [*columns["year"].tolist(), 1985]
    assert found["reason"].iloc[-1] == "no year, or no rasters of it" and found["class"].isna().tolist() == [
        False
    ] * len(chosen) + [True]
    assert found["class"].iloc[:-1].tolist() == expected["class"].tolist()
    # An empty year in a later part of the table, and a format that has one type a column.
    table = table.astype({"year": "Int64"})
    table.loc[len(table) - 1, "year"] = pd.NA
    table.to_csv(tmp_path / "t.csv", index=False)
    told = geoml("predict", run.folder, "--table", tmp_path / "t.csv", "--out", tmp_path / "out.parquet", "-q",
                 "--set", "predict.rows=10")  # fmt: skip
    assert told.code == 0, told.err
    parts = pd.read_parquet(tmp_path / "out.parquet")
    assert parts["year"].tolist() == [*columns["year"].astype(str).tolist(), ""]
    assert parts["class"].iloc[:-1].tolist() == expected["class"].tolist()
    (tmp_path / "t.csv").write_text(f"lon,lat\n{columns['lon'][0]},{columns['lat'][0]}\n")
    told = geoml("predict", run.folder, "--table", tmp_path / "t.csv", "--out", tmp_path / "plain.csv", "-q")
    assert told.code == 0 and pd.read_csv(tmp_path / "plain.csv")["year"].tolist() == [max(columns["year"])]


def test_a_map_holds_codes_and_how_sure_they_are(run, data, geoml, tmp_path):
    told = geoml("predict", run.folder, "--map", "--out", tmp_path / "m.tif")
    assert f"The map is of {max(data.array('year'))}." in told.err
    assert told.code == 0 and "most frequent" in told.out and "mean" not in told.out
    with rasterio.open(tmp_path / "m.tif") as file:
        cover, sure, size, *each = file.read()
        assert file.tags()["year"] == str(max(data.array("year")))
        assert file.descriptions[0] == "class" and file.tags(1)["long_name"].startswith("likeliest class: ")
        assert all(f"{code} " in file.tags(1)["classes"] for code in data.array("class_code"))
        assert max(map(len, file.descriptions)) <= 40
        assert all(file.overviews(number) == [] for number in file.indexes)  # it is small
    style = ElementTree.parse(tmp_path / "m.qml")
    entries = style.findall("pipe/rasterrenderer[@type='paletted']/colorPalette/paletteEntry")
    assert [int(entry.get("value", "")) for entry in entries] == data.array("class_code").tolist()
    assert (tmp_path / "m.png").is_file()
    known = np.isfinite(cover)
    assert known.mean() > 0.9
    sets = np.stack(each[: len(data.array("class_code"))])
    assert (sets.sum(axis=0)[known] == size[known]).all() and (size[known] >= 1).all()
    assert set(np.unique(cover[known])) <= set(data.array("class_code").tolist())
    count = len(data.array("class_code"))
    assert (sure[known] >= 1 / count - 1e-6).all() and (sure[known] <= 1).all()


def test_a_map_of_a_baseline_has_classes_and_their_sets(run, data, geoml, tmp_path):
    """Fold by fold those that an evaluation compares; of all folds that of the mean probability."""
    settings = load("geomamba", "clcd", run.config, {}, ["evaluate.baselines=['logistic']"])
    trained = TrainedRun(run, tuple(run.members()), settings)
    inputs = open_network(trained, data, "test", "")
    members = predict_members(inputs, NullReporter())
    compared = predict_baselines(inputs, members, NullReporter()).predicted_P["logistic"]
    folds = with_baseline(trained, "logistic", data).fitted[""].folds
    rows = {member.fold: member.rows_N for member in members}
    each = [one.predict(inputs.samples, rows[run.split(one.member).fold]) for one in folds]
    np.testing.assert_array_equal(np.concatenate(each).argmax(axis=1), compared)
    np.testing.assert_allclose(np.exp(each[0]).sum(axis=1), 1, atol=1e-9)
    given = ("predict", run.folder, "--with", "logistic", "--quiet", "--out")
    assert geoml(*given, tmp_path / "m.tif", "--map").code == 0
    assert geoml(*given, tmp_path / "s.csv").code == 0
    written = pd.read_csv(tmp_path / "s.csv")
    codes = data.array("class_code")
    of_all = np.mean([np.exp(one.predict(inputs.samples, np.arange(len(written)))) for one in folds], axis=0)
    np.testing.assert_array_equal(written["class"], codes[of_all.argmax(axis=1)])
    np.testing.assert_allclose(written["confidence"], of_all.max(axis=1), rtol=1e-6)
    assert (written[[f"class_set_{code}" for code in codes]].sum(axis=1) == written["class_set_size"]).all()
    with rasterio.open(tmp_path / "m.tif") as file:
        cover, names = file.read(1), [file.tags(band)["name"] for band in file.indexes]
        assert "logistic fitted on the training samples" in file.tags(1)["long_name"]
    assert {"class", "confidence", "class_set_size", "dissimilarity", "applicable"} <= set(names)
    assert set(np.unique(cover[np.isfinite(cover)])) <= set(codes.tolist())


def test_a_table_of_samples_agrees_with_the_export(run, data, geoml, tmp_path):
    assert geoml("predict", run.folder, "--out", tmp_path / "s.csv", "--quiet").code == 0
    found = pd.read_csv(tmp_path / "s.csv")
    assert {"class", "confidence", "class_observed", "lon", "lat", "time"} <= set(found)
    done = geoml("export", run.folder, "--format", "pt2", "--json", "--quiet")
    assert done.code == 0, done.err
    program = torch.export.load(next(run.export.glob("*.pt2"))).module()
    samples = open_trained(run).network_samples("", data)
    rows = np.arange(4)
    inputs = [torch.from_numpy(np.asarray(item.values[rows], dtype=np.float32)) for item in samples.inputs.values()]
    code, sure = program(*inputs)
    np.testing.assert_array_equal(code.detach(), found["class"][:4])
    np.testing.assert_allclose(sure.detach(), found["confidence"][:4], rtol=1e-4, atol=1e-5)


def test_seeds_are_evaluated_as_they_are_delivered(data, geoml, tmp_path):
    """The class of the members' mean probability, in scores and in files; not the class that most members name."""
    settings = load("geomamba", "clcd", None, {}, [*QUICK, "split.seeds=[1,2,3]", "train.epochs=1"])
    several = train(settings, data, RunLocation(tmp_path / "three"), None, NullReporter())
    inputs = open_network(open_trained(several), data, "test", "")
    members = predict_members(inputs, NullReporter())
    pooled = pool_folds(inputs, members)
    each = np.stack([member.predicted_N for member in members])
    assert (each != each[0]).any(), "members differ, or there is nothing to pool"
    probability = np.mean([softmax(member.raw_N, axis=1) for member in members], axis=0)
    np.testing.assert_array_equal(pooled.predicted_P, probability.argmax(axis=1))
    assert geoml("predict", several.folder, "--out", tmp_path / "s.csv", "--quiet").code == 0
    written = pd.read_csv(tmp_path / "s.csv")["class"].to_numpy()[pooled.rows_P]
    np.testing.assert_array_equal(delivered(inputs, pooled.predicted_P), written)


@pytest.fixture
def checkpoint(run, tmp_path):
    """Give the weights of a run's member as other programs save them."""
    weights = load_file(run.member(run.members()[0]).checkpoint("best").weights)
    torch.save({"net": weights, "epoch": 2}, tmp_path / "w.pth")
    return tmp_path / "w.pth"


def test_an_imported_network_gives_the_codes_and_names_of_the_data(run, data, checkpoint, geoml, tmp_path):
    words = ("import", "geomamba", checkpoint, "--preset", "clcd", "--run", tmp_path / "i")
    assert "does not name its classes" not in (told := geoml(*words, "--data", data.folder)).err and told.code == 0
    imported = Run(tmp_path / "i").data().signature
    assert imported == run.data().signature
    for folder, name in ((tmp_path / "i", "i.csv"), (run.folder, "r.csv")):
        assert geoml("predict", folder, "--data", data.folder, "--out", tmp_path / name, "--quiet").code == 0
    found, own = pd.read_csv(tmp_path / "i.csv"), pd.read_csv(tmp_path / "r.csv")
    assert set(found["class"]) <= set(data.array("class_code"))
    assert (found["class"] == own["class"]).mean() > 0.9  # the scalers were fitted on other rows


def test_classes_of_an_import_without_data_are_said_to_be_numbered(checkpoint, geoml, tmp_path):
    told = geoml("import", "geomamba", checkpoint, "--preset", "clcd", "--run", tmp_path / "i")
    assert told.code == 0 and "does not name its classes: predictions number them from 0" in told.err


def test_data_of_other_classes_are_refused_by_an_import(run, data, checkpoint, geoml, tmp_path):
    first = str(int(data.array("class_code")[0]))
    options = SOURCE.synthetic(tmp_path / "raw", 3).model_copy(update={"nodata": ("0", first), "samples": 300})
    fewer = prepare(Raw("clcd", tmp_path / "raw", options), tmp_path / "d", NullReporter())
    told = geoml("import", "geomamba", checkpoint, "--preset", "clcd", "--run", tmp_path / "i", "--data", fewer.folder)
    assert told.code == 3 and "Prepare data of the classes it was trained on" in told.err
    assert not (tmp_path / "i").exists()


def test_a_loss_of_quantities_is_refused(data):
    own = load("geomamba", "clcd", None, {}, ["loss.kind=huber"]).own
    with pytest.raises(SettingsError, match=r"'huber' does not fit a target of classes.*loss.kind=cross-entropy"):
        task.samples(own, data)
