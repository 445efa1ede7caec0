"""`predict --with BASELINE`: the baseline that `evaluate` fits, in the network's place."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import rasterio

from geoml_cli.baselines.tabular import FeatureTable, predict
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.baseline_features import in_order
from geoml_cli.inference.baseline_run import with_baseline
from geoml_cli.inference.load import open_trained
from geoml_cli.runs.run import Run


def by_hand(run, dataset, name):
    """Fit and predict fold by fold, in one go, as an evaluation does; [folds, N]."""
    [(network, record)] = run.networks.items()
    samples = run.network_samples(network, dataset)
    table, names = record.table(samples)
    truth, found = np.asarray(samples.target.rows, dtype=float), []
    for member in run.members:
        split, scaling = run.run.split(member), run.run.scaling(member).target
        plain = scaling.model_copy(update={"smearing": 1.0})
        asked = np.concatenate([np.arange(len(table)), split.validation])
        features = FeatureTable(table[split.train], plain.forward(truth[split.train]), table[asked], names)
        values = predict(name, features, "regression", run.settings.shared.evaluate.seed)
        residuals = plain.forward(truth[split.validation]) - values[len(table) :]
        found.append(plain.smeared(residuals).inverse(values[: len(table)]))
    return np.stack(found)


@pytest.fixture
def given(trained, data_root):
    return ("predict", trained, "--data", data_root / "soc", "--with", "ridge")


def test_a_baseline_predicts_what_an_evaluation_compares(geoml, given, trained, data_root, tmp_path):
    done = geoml(*given, "--out", tmp_path / "s.csv", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["by"] == "ridge, baseline of soc"
    table = pd.read_csv(tmp_path / "s.csv")
    run, dataset = open_trained(Run(trained)), Dataset(data_root / "soc")
    each = by_hand(run, dataset, "ridge")
    np.testing.assert_allclose(table["soc"], each.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(table["soc_ensemble_std"], each.std(axis=0, ddof=1), rtol=1e-4, atol=1e-6)
    # The interval lies in logarithms about the prediction without its factor, as far as held-out rows lie off.
    samples, distance = run.network_samples("", dataset), []
    truth = np.asarray(samples.target.rows, dtype=float)
    factors = [one.smearing for one in with_baseline(run, "ridge", dataset).fitted[""].folds]
    offset = np.log(factors).mean()
    for member, values in zip(run.members, each, strict=True):
        test = run.run.split(member).test
        distance.append(np.abs(np.log1p(truth[test]) - np.log1p(values[test]) + offset))
    half = (np.log1p(table["soc_upper"]) - np.log1p(table["soc_lower"])) / 2
    assert half.std() < 1e-4 and offset > 0
    centre = (np.log1p(table["soc_upper"]) + np.log1p(table["soc_lower"])) / 2
    np.testing.assert_allclose(centre, np.log1p(table["soc"]) - offset, atol=1e-5)
    assert (np.concatenate(distance) <= half.mean() + 1e-6).mean() == pytest.approx(0.9, abs=0.06)
    area = table["applicable"]
    assert set(area) <= {0, 1} and "In the area of applicability" in done.err
    assert (table["dissimilarity"][area == 1].max() < table["dissimilarity"][area == 0].min()) or area.all()


def test_a_data_set_that_is_gone_is_named_where_it_was(geoml, trained, data_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, gone, other = (tmp_path / name for name in ("run", "gone/soc", "other/soc"))
    shutil.copytree(trained, run)
    shutil.copytree(data_root / "soc", other)
    record = json.loads((run / "data.json").read_text())
    (run / "data.json").write_text(json.dumps(record | {"folder": str(gone)}))
    done = geoml("evaluate", run)
    assert done.code == 3 and f"{gone} and data/soc: the data set of run" in " ".join(done.err.split())
    assert "Name it with --data" in done.err
    # Of a baseline --data names what is predicted.
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["funnel"]["kept"] = 1  # another digest
    (other / "manifest.json").write_text(json.dumps(manifest))
    done = geoml("predict", run, "--data", other, "--with", "ridge", "--out", "x.csv")
    assert done.code == 3 and "Put it there again" in done.err and "--data," not in done.err
    shutil.copytree(data_root / "soc", gone)
    assert geoml("predict", run, "--data", other, "--with", "ridge", "--out", "x.csv").code == 0


def test_a_map_of_a_baseline_has_the_values_of_its_samples_and_a_name_of_its_own(geoml, given, trained, tmp_path):
    assert geoml(*given, "--out", tmp_path / "s.csv", "--quiet").code == 0
    done = geoml(*given, "--out", tmp_path / "m.tif", "--map", "--set", "predict.block=48", "--quiet")
    assert done.code == 0, done.err
    table = pd.read_csv(tmp_path / "s.csv")
    with rasterio.open(tmp_path / "m.tif") as file:
        at = np.array(list(file.sample(zip(table["lon"], table["lat"], strict=True))))
        assert file.tags()["title"] == "soc predicted by ridge, baseline of soc"
        assert file.tags(1)["long_name"] == "soc, ridge fitted on the training samples of 2 fold(s), mean of them"
        names = [file.tags(band)["name"] for band in file.indexes]
        assert names == ["soc", "soc_ensemble_std", "soc_lower", "soc_upper", "dissimilarity", "applicable"]
        assert (tmp_path / "m.png").is_file()
    for place, name in enumerate(names):
        np.testing.assert_allclose(at[:, place], table[name], rtol=1e-4, atol=1e-5, err_msg=name)
    planned = geoml(*given, "--map", "--dry-run").out
    assert "map-ridge.tif" in planned and "map-ridge.png" in planned


def test_single_samples_by_a_baseline(geoml, given, trained, data_root):
    done = geoml(*given, "--index", "3", "--index", "0", "--json", "--quiet")
    assert done.code == 0, done.err
    each = by_hand(open_trained(Run(trained)), Dataset(data_root / "soc"), "ridge")
    assert [row["soc"] for row in json.loads(done.out)] == pytest.approx(each.mean(axis=0)[[3, 0]].tolist(), rel=1e-5)


def test_a_baseline_that_there_is_not_is_refused(geoml, given):
    done = geoml(*given[:-1], "random-forrest", "--map")
    assert done.code == 2 and "random-forest" in done.err and "random-forrest" in done.err


@pytest.mark.parametrize(
    ("maps", "table", "told"),
    [(None, None, "gives baselines no table of features"), ("maps", True, "`evaluate` scores")],
)
def test_models_that_give_baselines_nothing_are_refused(maps, table, told):
    trained = SimpleNamespace(
        networks={"network": SimpleNamespace(table=table, baselines={})},
        task=lambda name: SimpleNamespace(maps=maps, baseline="regression"),
        run=SimpleNamespace(model="m"),
    )
    with pytest.raises(SettingsError, match=rf"--with: .*{told}"):
        with_baseline(trained, "ridge", None)


def test_a_run_of_unknown_training_rows_is_refused():
    run = SimpleNamespace(model="m", id="m/a", split=lambda member: SimpleNamespace(train=[]))
    task = SimpleNamespace(maps=None, baseline="regression")
    trained = SimpleNamespace(
        networks={"n": SimpleNamespace(table=True, baselines={})}, task=lambda name: task, run=run, members=("a",)
    )
    with pytest.raises(SettingsError, match="training rows of run m/a are unknown"):
        with_baseline(trained, "ridge", None)


def test_features_are_found_by_their_names_and_a_class_that_is_not_there_is_zero():
    wanted = ["land_cover=1", "land_cover=4", "tmp", "rf"]
    table = np.array([[1.0, 280.0, 9.0], [0.0, 281.0, 8.0]], dtype=np.float32)
    found, unknown = in_order(table[:, [2, 0, 1]], ["rf", "land_cover=4", "tmp"], wanted)
    np.testing.assert_array_equal(found, [[0, 1, 280, 9], [0, 0, 281, 8]])
    assert not unknown.any()
    # A class that the training data do not have: its rows have no prediction, the others do.
    found, unknown = in_order(table[:, [2, 0, 1]], ["rf", "land_cover=7", "tmp"], wanted)
    np.testing.assert_array_equal(found, [[0, 0, 280, 9], [0, 0, 281, 8]])
    np.testing.assert_array_equal(unknown, [True, False])
    for names in (["rf", "cover=7", "tmp"], ["rf", "land_cover=4", "temperature"]):
        with pytest.raises(DataError, match=r"not those that the baseline was fitted on"):
            in_order(table, names, wanted)


def test_rows_of_a_class_that_only_the_map_has_are_missing_for_that_reason(trained, data_root):
    """The others are predicted, with interval and area, as without them."""
    run = with_baseline(open_trained(Run(trained)), "ridge", Dataset(data_root / "soc"))
    fitted = run.fitted[""]
    samples, make = fitted.samples, fitted.network.table
    assert "land_cover=9" not in fitted.features.names  # made before the class occurs

    def with_class(given):
        table, names = make(given)
        column = np.zeros((len(table), 1), dtype=np.float32)
        column[[1, 4]] = 1
        return np.concatenate([table, column], axis=1), [*names, "land_cover=9"]

    fitted.features._make = with_class
    rows = np.array([0, 1, 2, 4], dtype=np.int64)
    found = run.predictor().outputs(samples, rows)
    assert np.isnan(found[:, [1, 3]]).all() and np.isfinite(found[:, [0, 2]]).all()
    fitted.features._make, fitted.features._last = make, None
    np.testing.assert_array_equal(run.predictor().outputs(samples, rows)[:, [0, 2]], found[:, [0, 2]])
    assert run.undefined == "an input is missing, a class that the baseline was not fitted on, or no finite number"


def test_rows_without_a_prediction_are_missing_where_all_are(trained, data_root):
    """As in a block of a map over the sea."""
    run = with_baseline(open_trained(Run(trained)), "ridge", Dataset(data_root / "soc"))
    samples, names = run.fitted[""].samples, [output.name for output in run.outputs()]
    nowhere = replace(samples, complete=np.zeros(len(samples), dtype=np.bool_))
    for given, rows in ((nowhere, np.arange(5)), (samples, np.empty(0, dtype=np.int64))):
        found = run.predictor().outputs(given, rows)
        assert found.shape == (len(names), len(rows)) and np.isnan(found).all()


def test_a_wrong_name_is_seen_without_predicting(geoml, given):
    done = geoml(*given[:-1], "ridge,mean", "--map", "--dry-run")
    assert done.code == 2 and "'ridge,mean' is not a baseline that can predict here" in done.err
    assert geoml(*given, "--map", "--dry-run").code == 0


def test_a_climatology_whose_groups_are_numbered_anew_is_refused(geoml, given):
    refused = geoml(*given[:-1], "climatology", "--map")
    assert refused.code == 2 and "ridge" in refused.err
