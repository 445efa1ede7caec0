"""Runs of Geo-Mamba on made-up class rasters: codes, scores, maps of class and confidence."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest
import rasterio
import torch

from geoml_cli.config.load import load
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import SettingsError
from geoml_cli.inference.load import part_samples
from geoml_cli.models.geomamba.decision import DECIDED
from geoml_cli.models.geomamba.spec import SPEC
from geoml_cli.sources.clcd.source import SOURCE
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.stages.train import Place, train
from geoml_cli.work.reporting import Silent

QUICK = ["network.embedding=8", "network.width=8", "network.layers=1", "train.threads=1", "split.block_km=10"]
QUICK += ["train.epochs=2", "evaluate.draws=100", "evaluate.importance_repeats=1", "evaluate.importance_rows=50"]
QUICK += ['evaluate.baselines=["climatology","logistic","mean","ridge"]']


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clcd")
    options = SOURCE.synthetic(folder / "raw", 3)
    return Dataset(prepare(Raw("clcd", folder / "raw", options), folder / "data" / "clcd", Silent()).folder)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("runs") / "geomamba" / "clcd" / "a")
    return train(load("geomamba", "clcd", None, {}, QUICK), data, place, None, Silent())


def test_networks_learn_places_and_people_see_codes(run, data):
    samples = part_samples(run, "", data)
    assert samples.codes == tuple(data.array("class_code").tolist()) == run.data().signature.codes
    assert 0 not in samples.codes  # the rasters' no-data
    assert set(np.unique(samples.target)) == set(range(len(samples.codes)))
    assert set(np.unique(samples.observed())) == set(samples.codes)
    np.testing.assert_array_equal(np.array(samples.codes)[samples.target.astype(int)], samples.observed())


def test_members_decide_together_by_their_mean_probability():
    one = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3]]).log()
    other = torch.tensor([[0.3, 0.3, 0.4], [0.1, 0.2, 0.7]]).log()
    code, sure = DECIDED.outputs(torch.stack([one, other]), torch.tensor([4.0, 7.0, 9.0]))
    assert code.tolist() == [4.0, 9.0]
    torch.testing.assert_close(sure, torch.tensor([0.6, 0.5]))


def test_scores_are_those_of_classes_and_the_table_of_mistakes_adds_up(run, data, geoml):
    done = geoml("evaluate", run.folder, "--json", "--quiet")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    scores = {name: held["value"] for name, held in found["network"]["scores"].items()}
    assert list(scores) == ["accuracy", "balanced accuracy", "macro F1", "kappa"]
    assert list(found["baselines"]) and "ridge" not in found["baselines"]
    assert set(found["baselines"]) == {"climatology", "logistic", "mean"}
    counts = np.array(found["confusion"]["counts"])
    assert counts.sum() == found["network"]["n"]
    assert np.trace(counts) / counts.sum() == pytest.approx(scores["accuracy"])
    rate = found["baselines"]["mean"]["error_rate_network_minus_baseline"]["value"]
    other = found["baselines"]["mean"]["scores"]["accuracy"]["value"]
    assert rate == pytest.approx(other - scores["accuracy"])
    assert "error rate" in found["verdict"]
    assert {"error_rate_increase"} < set(next(iter(found["importance"].values())))
    folder = run.evaluation("test")
    assert (folder / "figures" / "confusion.png").is_file()
    assert not (folder / "figures" / "residual_map.png").exists()
    with (folder / "confusion.csv").open() as stream:
        rows = list(csv.reader(stream))
    assert rows[0][1:] == [row[0] for row in rows[1:]] == found["confusion"]["classes"]
    told = pd.read_csv(folder / "predictions.csv")
    assert set(told["observed"]) | set(told["predicted"]) <= set(data.array("class_code").tolist())
    assert (told["observed"] == told["predicted"]).mean() == pytest.approx(scores["accuracy"])


def test_a_map_holds_codes_and_how_sure_they_are(run, data, geoml, tmp_path):
    assert geoml("predict", run.folder, "--map", "--out", tmp_path / "m.tif", "--quiet").code == 0
    with rasterio.open(tmp_path / "m.tif") as file:
        cover, sure = file.read()
        assert file.descriptions[0].startswith("likeliest class: ")
        assert all(f"{code} " in file.descriptions[0] for code in data.array("class_code"))
    known = np.isfinite(cover)
    assert known.mean() > 0.9
    assert set(np.unique(cover[known])) <= set(data.array("class_code").tolist())
    count = len(data.array("class_code"))
    assert (sure[known] >= 1 / count - 1e-6).all() and (sure[known] <= 1).all()


def test_a_table_of_samples_agrees_with_the_export(run, data, geoml, tmp_path):
    assert geoml("predict", run.folder, "--out", tmp_path / "s.csv", "--quiet").code == 0
    found = pd.read_csv(tmp_path / "s.csv")
    assert {"class", "confidence", "class_observed", "lon", "lat", "time"} <= set(found)
    done = geoml("export", run.folder, "--format", "pt2", "--json", "--quiet")
    assert done.code == 0, done.err
    program = torch.export.load(next(run.export.glob("*.pt2"))).module()
    samples = part_samples(run, "", data)
    rows = np.arange(40)
    inputs = [torch.from_numpy(np.asarray(item.values[rows], dtype=np.float32)) for item in samples.inputs.values()]
    code, sure = program(*inputs)
    np.testing.assert_array_equal(code.detach(), found["class"][:40])
    np.testing.assert_allclose(sure.detach(), found["confidence"][:40], rtol=1e-4, atol=1e-5)


def test_an_ensemble_of_seeds_votes(run, data, tmp_path):
    settings = load("geomamba", "clcd", None, {}, [*QUICK, "split.seeds=[1,2,3]", "train.epochs=1"])
    from geoml_cli.evaluation.subject import pool, predicted
    from geoml_cli.stages.evaluate import opened

    several = train(settings, data, Place(tmp_path / "three"), None, Silent())
    subject = opened(several, data, settings, "test")
    members = predicted(subject, Silent())
    each = np.stack([member.predicted_N for member in members])
    together = pool(subject, members).predicted_P
    votes = np.array([np.bincount(column.astype(int)).argmax() for column in each.T])
    np.testing.assert_array_equal(together, votes)
    assert (each != each[0]).any()


def test_a_loss_of_quantities_is_refused(data):
    own = load("geomamba", "clcd", None, {}, ["loss.kind=huber"]).own
    with pytest.raises(SettingsError, match=r"'huber' does not fit a target of classes.*loss.kind=cross-entropy"):
        SPEC.samples(own, data)
