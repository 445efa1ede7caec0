"""The paper's released checkpoint and samples, and a real country, through the commands."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import rasterio


@pytest.fixture
def released(real_data, geoml, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert geoml("prepare", "soc", real_data("soc/released"), "--quiet").code == 0
    return real_data("soc/released")


def test_the_released_checkpoint_predicts_the_papers_samples(released, geoml):
    assert geoml("import", "soc", released / "CNN-LSTM_params.pth").code == 0
    done = geoml("predict", "soc", "--out", "all.csv", "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    found = {key: round(said[key], 2) for key in ("mean", "deviation", "lowest", "highest")}
    assert said["samples"] == 308
    assert found == {"mean": 12.88, "deviation": 2.74, "lowest": 10.02, "highest": 25.56}
    one = json.loads(geoml("predict", "soc", "--index", "60", "--json").out)[0]
    assert one["soc"] == pytest.approx(pd.read_csv("all.csv")["soc"][60], rel=1e-5)
    assert geoml("export", "soc", "--format", "pt2", "--quiet").code == 0


def test_without_observed_values_training_and_evaluation_say_so(released, geoml):
    done = geoml("train", "soc")
    assert done.code == 3 and "no sample has an observed value of soc" in done.err
    geoml("import", "soc", released / "CNN-LSTM_params.pth")
    done = geoml("evaluate", "soc")
    assert done.code == 3 and "no observed value" in done.err


def test_with_observed_values_the_papers_protocol_has_five_members(real_data, geoml, tmp_path, monkeypatch):
    """The paper's values are not public: synthetic ones stand in, and the protocol is what is tested."""
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(2).gamma(9, 1.5, 308)
    points = pd.DataFrame({"lon": np.linspace(100, 101, 308), "lat": np.linspace(30, 31, 308), "soc": values})
    points.to_csv("soc.csv", index=False)
    raw = real_data("soc/released")
    assert geoml("prepare", "soc", raw, "--points", tmp_path / "soc.csv", "--quiet").code == 0
    done = geoml("train", "soc", "--set", "train.epochs=2", "--quiet", "--json")
    assert done.code == 0, done.err
    assert [row["member"] for row in json.loads(done.out)["members"]] == [f"split-{k}" for k in range(1, 6)]
    done = geoml("evaluate", "soc", "--json", "--quiet", "--set", "evaluate.importance_repeats=0")
    loaded = json.loads(done.out)
    assert loaded["rows"]["predictions"] == 5 * 61 and loaded["rows"]["groups"] == 202


@pytest.mark.slow
def test_macedonia_from_raw_files_to_a_map(real_data, geoml, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw = real_data("soc/macedonia")
    arguments = ("--points", "dataproc.csv", "--classes", "LCEE10", "--unit", "%", "--quiet")
    assert geoml("prepare", "soc", raw, *arguments).code == 0
    quick = ("--set", "train.epochs=2", "--set", "split.seeds=[1]", "--set", "split.folds=3")
    assert geoml("train", "soc", "--preset", "map", *quick, "--quiet").code == 0
    done = geoml("evaluate", "soc", "--preset", "map", "--json", "--quiet")
    loaded = json.loads(done.out)
    assert done.code == 0 and loaded["rows"]["samples"] == 3731 and "RMSE" in loaded["summary"]
    assert {"ridge", "random-forest", "gradient-boosting", "mean"} <= {name for name in loaded["baselines"]}
    assert geoml("predict", "soc", "--preset", "map", "--map", "--out", "soc.tif").code == 0
    with rasterio.open("soc.tif") as file, rasterio.open(raw / "covs" / "DEMENV5.tif") as covariate:
        assert (file.crs, file.transform, file.shape) == (covariate.crs, covariate.transform, covariate.shape)
        assert int(np.isfinite(file.read(1)).sum()) == 52386
    assert (
        geoml(
            "evaluate", "soc", "--preset", "map", "--split", "validation", "--quiet", "--set", "evaluate.baselines=[]"
        ).code
        == 0
    )
