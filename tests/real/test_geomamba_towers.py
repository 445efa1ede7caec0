"""Five real towers, from their files to scores by tower and annual sums; a short training."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd

TOWERS = {"AU-Lox", "CN-Cng", "DE-Hai", "DE-Seh", "US-ARM"}
QUICK = ("network.embedding=4", "network.width=8", "train.epochs=1", "train.threads=1", "split.seeds=[1]")
BRIEF = ("evaluate.n_bootstrap=100", "evaluate.importance_repeats=0", 'evaluate.baselines=["climatology","ridge"]')


def sets(pairs):
    return [part for pair in pairs for part in ("--set", pair)]


def test_from_files_to_scores_and_sums(real_data, geoml, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert geoml("prepare", "fluxnet", real_data("fluxnet"), "--quiet").code == 0
    assert geoml("train", "geomamba", "--preset", "fluxnet", "--quiet", *sets(QUICK)).code == 0
    done = geoml("evaluate", "geomamba", "--preset", "fluxnet", "--json", "--quiet", *sets(BRIEF))
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["target"] == {"name": "NEE_VUT_REF", "unit": "gC m-2 d-1"}
    assert found["rows"]["samples"] == 10100
    assert set(found["rows"]["folds"]) == {f"fold-{k}" for k in range(1, 6)}
    [path] = tmp_path.glob("runs/geomamba/fluxnet/*/evaluation/test/per_station.csv")
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["station"] for row in rows} == TOWERS
    assert {f"R2_{model}" for model in ("geomamba", "climatology", "ridge")} < set(rows[0])
    _sums(geoml, tmp_path)


def _sums(geoml, tmp_path):
    for period in ("day", "year"):
        out = tmp_path / f"{period}.csv"
        assert geoml("predict", "geomamba", "--preset", "fluxnet", "--sums", period, "--out", out, "--quiet").code == 0
    years, days = (pd.read_csv(tmp_path / f"{period}.csv") for period in ("year", "day"))
    assert set(years["station"]) == TOWERS
    hainich = years[years["station"] == "DE-Hai"]
    assert list(hainich["begin"]) == list(range(2000, 2013))
    assert (hainich["observed"] > 0.7).all()
    # A beech forest takes up some 300 to 700 g of carbon a year, mostly as observed.
    assert hainich["sum"].dropna().between(-800, -200).all()
    # The files hold random errors, and percentiles 25 and 75 alone; 27 of the 33 years are whole.
    whole = years[years["sum"].notna()]
    assert len(years) == 33 and len(whole) == 27
    assert set(whole["interval_of"]) == {"fill+random+ustar_25_75"}
    assert whole["provided_sum"].between(whole["sum_lower"], whole["sum_upper"]).sum() >= 24, "nine in ten"
    shares = years[["observed", "filled", "missing"]].sum(axis=1)
    np.testing.assert_allclose(shares, 1)
    loaded = days[(days["station"] == "DE-Hai") & days["begin"].str.startswith("2004")]
    row = hainich[hainich["begin"] == 2004].iloc[0]
    assert len(loaded) == 366
    np.testing.assert_allclose(loaded["sum"].sum(), row["sum"], rtol=1e-6)
