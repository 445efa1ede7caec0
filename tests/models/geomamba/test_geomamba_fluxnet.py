"""Runs of Geo-Mamba on synthetic towers, whole stations and whole years held out: division, scores, predictions."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from geoml_cli.config.load import load
from geoml_cli.evaluation import run_comparison
from geoml_cli.runs.calibration import read_calibrations
from geoml_cli.sources.fluxnet.source import SOURCE
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.training.plan import plan_run
from geoml_cli.work.reporting import NullReporter

# Of three years a fold takes one, and validation another.
QUICK = ["network.embedding=8", "network.width=8", "network.layers=1", "train.threads=1", "split.folds=3"]
QUICK += ["split.seeds=[1]"]
QUICK += ["train.steps=6", "train.evaluate_steps=6", "train.batch_size=64", "evaluate.n_bootstrap=100"]
QUICK += ["evaluate.importance_repeats=0", 'evaluate.baselines=["climatology","ridge"]']
MODELS = ("geomamba", "climatology", "ridge")
STATIONS = ["XA-Fir", "XB-Oak", "XC-Gra", "XD-Cro", "XE-Sav", "XF-Wet"]


@pytest.fixture(scope="module")
def run(flux, tmp_path_factory):
    place = RunLocation(tmp_path_factory.mktemp("runs") / "geomamba" / "fluxnet" / "a")
    return train(load("geomamba", "fluxnet", None, {}, QUICK), flux, place, None, NullReporter())


@pytest.fixture(scope="module")
def evaluated(run):
    import subprocess
    import sys

    command = [sys.executable, "-m", "geoml_cli", "evaluate", str(run.folder), "--json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def loaded(flux, rows):
    return (
        np.array(flux.labels("station"))[flux.array("station_index")[rows]],
        np.asarray(flux.array("year"))[rows],
    )


def test_every_fold_tests_stations_and_years_that_it_never_trains_on(run, flux):
    assert run.members() == ["fold-1", "fold-2", "fold-3"]
    tested, years_out = set(), []
    for name in run.members():
        split = run.split(name)
        station, year = loaded(flux, split.test)
        known_station, known_year = loaded(flux, np.concatenate([split.train, split.validation]))
        assert (~np.isin(station, known_station) | ~np.isin(year, known_year)).all()
        [year_out] = {2010, 2011, 2012} - set(known_year.tolist())
        years_out.append(year_out)
        assert len(set(known_station)) == 4
        tested |= set(split.test.tolist())
    assert sorted(years_out) == [2010, 2011, 2012]
    assert tested == set(np.flatnonzero(np.isfinite(flux.array("NEE_VUT_REF"))).tolist())


def test_stations_have_scores_of_the_network_and_of_its_baselines(run, evaluated, flux):
    table = pd.read_csv(run.evaluation("test") / "per_station.csv")
    assert sorted(table["station"]) == sorted(STATIONS) and {f"RMSE_{model}" for model in MODELS} < set(table)
    predicted = pd.read_csv(run.evaluation("test") / "predictions.csv")
    rows = np.concatenate([run.split(name).test for name in run.members()])
    count = pd.Series(loaded(flux, rows)[0]).value_counts()
    for line in table.itertuples():
        assert line.n == count[line.station]
    assert len(predicted) == len(rows) == evaluated["network"]["n"]
    assert predicted["station"].tolist() == loaded(flux, rows)[0].tolist()
    ends = np.asarray(flux.array("time"))[np.asarray(flux.array("index"))[rows]].astype("datetime64[m]")
    np.testing.assert_array_equal(predicted["time"].to_numpy(dtype="datetime64[m]"), ends)


def test_a_station_s_score_is_that_of_its_rows(run, evaluated):
    classes = {(c["name"], c["model"]): c for c in evaluated["groups"] if c["quantity"] == "station"}
    table = pd.read_csv(run.evaluation("test") / "per_station.csv").set_index("station")
    for station in STATIONS:
        for model in MODELS:
            line, found = table.loc[station], classes[station, model]
            assert found["rows"] == line["n"]
            assert found["scores"]["RMSE"] == pytest.approx(line[f"RMSE_{model}"], rel=1e-6)
            assert found["scores"]["bias"] == pytest.approx(line[f"bias_{model}"], rel=1e-6)


def test_classes_tell_station_year_and_why_a_row_is_new(run, evaluated, flux):
    names = {}
    for quantity in ("station", "year", "novelty"):
        of = [c for c in evaluated["groups"] if c["quantity"] == quantity]
        assert {c["model"] for c in of} == set(MODELS)
        names[quantity] = {c["name"]: c["rows"] for c in of if c["model"] == "ridge"}
        assert sum(names[quantity].values()) == evaluated["network"]["n"]
    assert sorted(names["station"]) == STATIONS and sorted(names["year"]) == ["2010", "2011", "2012"]
    assert names["novelty"] == _counted(run, flux)


def test_rows_unseen_in_each_way_have_groups_and_baselines_of_their_own(run, evaluated, flux):
    counted = _counted(run, flux)
    claims = {claim["rows_of"]: claim for claim in evaluated["claims"]}
    assert {name: claim["network"]["n"] for name, claim in claims.items()} == counted
    rows = np.concatenate([run.split(name).test for name in run.members()])
    station, year = loaded(flux, rows)
    table = pd.read_csv(run.evaluation("test") / "predictions.csv")
    assert table["novelty"].tolist() == _why(run, flux)
    names = pd.read_csv(run.evaluation("test") / "claims.csv")
    for name, claim in claims.items():
        assert set(claim["baselines"]) == set(MODELS[1:])
        assert claim["resampled"] == ("station in one year" if name == "unseen year" else "station")
        own = np.array(_why(run, flux)) == name
        pairs = set(zip(station[own], year[own], strict=True)) if name == "unseen year" else set(station[own])
        assert claim["network"]["groups"] == len(pairs)
        errors = (table["predicted"] - table["observed"])[own]
        assert claim["network"]["scores"]["RMSE"]["value"] == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-5)
        assert f"{name.capitalize()} ({own.sum()} rows): " in evaluated["summary"]
    assert len(names) == len(claims) * len(MODELS)
    assert evaluated["network"]["groups"] == len(set(station))


def _counted(run, flux):
    """Count by hand what is unseen about test rows in their fold."""
    found = dict.fromkeys(("unseen station", "unseen year", "unseen station and unseen year"), 0)
    return found | Counter(_why(run, flux))


def _why(run, flux):
    """Say of every test row, fold by fold, what is unseen about it."""
    found = []
    for name in run.members():
        split = run.split(name)
        (station, year), (known_station, known_year) = loaded(flux, split.test), loaded(flux, split.train)
        for own_station, own_year in zip(station, year, strict=True):
            new = [
                k
                for k, v in (("unseen station", own_station in known_station), ("unseen year", own_year in known_year))
                if not v
            ]
            found.append(" and ".join(new))
    return found


def test_every_sample_is_predicted_where_and_when_it_is(run, flux, geoml, tmp_path):
    assert geoml("predict", run.folder, "--data", flux.folder, "--out", tmp_path / "s.csv", "--quiet").code == 0
    found = pd.read_csv(tmp_path / "s.csv", parse_dates=["time"])
    rows = np.arange(len(flux.array("index")))
    assert found["sample"].tolist() == rows.tolist()
    station = flux.array("station_index")
    np.testing.assert_allclose(found["lat"], flux.array("lat")[station])
    np.testing.assert_allclose(found["lon"], flux.array("lon")[station])
    minutes = flux.array("time")[flux.array("index")]
    assert (found["time"] == np.datetime64("1970-01-01") + minutes.astype("timedelta64[m]")).all()
    np.testing.assert_allclose(found["NEE_VUT_REF_observed"], flux.array("NEE_VUT_REF"), rtol=1e-6)
    assert found["NEE_VUT_REF"].notna().all()


def test_a_map_is_refused_with_a_remedy_that_works(run, flux, geoml, tmp_path):
    told = geoml("predict", run.folder, "--data", flux.folder, "--map", "--out", tmp_path / "m.csv")
    assert told.code == 2
    assert "Leave it out to predict the samples of the data set" in told.err
    assert geoml("predict", run.folder, "--data", flux.folder, "--out", tmp_path / "m.csv", "--quiet").code == 0


def test_a_table_is_refused_where_the_source_has_none(run, flux, geoml, tmp_path):
    (tmp_path / "own.csv").write_text("TIMESTAMP,TA_F\n20110101,3.2\n")
    told = geoml("predict", run.folder, "--data", flux.folder, "--table", tmp_path / "own.csv")
    assert told.code == 2
    assert "--table: fluxnet reads no tables" in told.err
    assert not list(run.predictions.glob("*"))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["split.folds=2"], r"cannot be split by groups of year.*more folds \(--set split\.folds=3\)"),
        (["split.folds=5"], "3 groups of year cannot be split into 5 folds"),
        (["split.second_group=category"], "second_group = 'category'.*no whole number a sample"),
        (["split.group_by=station", "split.group_length=2"], "group_by = 'station'.*no whole number a sample"),
    ],
)
def test_towers_that_cannot_be_divided_so_are_refused(settings, told, flux):
    from geoml_cli.errors import DataError

    with pytest.raises(DataError, match=told):
        plan_run(load("geomamba", "fluxnet", None, {}, [*QUICK, *settings]), flux)


def test_skill_of_a_fill_is_that_in_years_of_known_stations(run, evaluated, flux):
    table = pd.read_csv(run.evaluation("test") / "predictions.csv")
    own = table[table["novelty"] == "unseen year"]
    expected = 1 - ((own["predicted"] - own["observed"]) ** 2).mean() / own["observed"].var(ddof=0)
    [calibration] = read_calibrations(run).values()
    assert calibration.skill == pytest.approx(expected, rel=1e-4)


def test_every_table_of_the_report_has_a_file_of_the_same_name(run, evaluated):
    folder = run.evaluation("test")
    html = (folder / "report.html").read_text(encoding="utf-8")
    links = re.findall(r'<a href="([^"]+)">([^<]+)</a>', html)
    assert len(links) > 10 and all(target == name for target, name in links)
    titles = re.findall(r'aria-label="([^"]+)"', html)
    expected = [re.sub(r"\W+", "_", title.lower()) + ".csv" for title in titles]
    assert [name for name, _ in links] == expected
    for name, _ in links:
        rows = list(csv.reader((folder / name).read_text(encoding="utf-8").splitlines()))
        assert len(rows) > 1 and {len(row) for row in rows} == {len(rows[0])}, name


def test_series_and_sums_follow_from_predictions(run, evaluated):
    folder = run.evaluation("test")

    def table(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader((folder / name).read_text(encoding="utf-8").splitlines()))

    predictions = {(row["station"], row["time"]): row for row in table("predictions.csv")}
    own = table("series.csv")
    assert {(row["station"], row["time"]) for row in own} == set(predictions), "each once"
    inside = [float(row["lower"]) <= float(row["observed"]) <= float(row["upper"]) for row in own]
    coverage = evaluated["prediction_intervals"]["by_group"]
    assert min(one["scores"]["coverage"] for one in coverage) <= np.mean(inside) <= 1
    for row in table("sums.csv"):
        daily = [float(one["observed"]) for one in own if one["station"] == row["station"]]
        assert float(row["observed"]) == pytest.approx(sum(daily), rel=1e-5), "gC m-2 d-1 over days"
        assert evaluated["sums"][row["station"]]["observed"] == pytest.approx(float(row["observed"]), rel=1e-6)
        assert row["unit"] == "gC m-2" and int(row["times"]) == len(daily)


def test_a_comparison_has_the_scores_of_the_evaluation_though_folds_share_rows(
    run, evaluated, flux, geoml, tmp_path, monkeypatch
):
    """A row of an unseen station and year is tested by two folds, which counts twice in both."""
    import shutil

    copy = shutil.copytree(run.folder, tmp_path / "copy")
    scored, plain = [], run_comparison.score
    monkeypatch.setattr(run_comparison, "score", lambda *given: scored.append(plain(*given)) or scored[-1])
    done = geoml("compare", run.folder, copy, "--data", flux.folder, "--json", "--quiet")
    assert done.code == 0, done.err
    found = json.loads(done.out)["networks"][""]
    resampled = {(first.rows, first.groups) for first, _ in scored}
    assert {(claim["network"]["n"], claim["network"]["groups"]) for claim in evaluated["claims"]} <= resampled
    scores = found["runs"][run.folder.name]
    for name, score in evaluated["network"]["scores"].items():
        np.testing.assert_allclose([scores[name][key] for key in ("value", "low", "high")],
                                   [score[key] for key in ("value", "low", "high")], rtol=1e-9)  # fmt: skip
    by_year, few, least = found["notes"]
    assert by_year == "Rows of unseen year are resampled by station in one year."
    assert re.fullmatch(r"Only \d groups were evaluated: the intervals are too narrow\.", few)
    assert least == "Tables by group have rows of as few as 1 group(s): intervals there are too narrow to quote."
    unseen = {group["group"] for group in found["by_group"] if group["quantity"] == "novelty"}
    assert unseen == {claim["rows_of"] for claim in evaluated["claims"]}


def test_a_baseline_predicts_records_of_towers_of_which_the_network_sees_no_site(run, flux, geoml, tmp_path):
    done = geoml("predict", run.folder, "--data", flux.folder, "--with", "ridge", "--out", tmp_path / "s.csv")
    assert done.code == 0, done.err
    found = pd.read_csv(tmp_path / "s.csv")
    assert np.isfinite(found[run.data().signatures[""].target_name]).any() and set(found["applicable"].dropna()) <= {
        0,
        1,
    }


def test_a_new_tower_with_a_driver_more_is_refused_with_the_option_that_leaves_it_out(run, geoml, tmp_path):
    """One of the run's towers lacked it, so that no tower was trained with it."""
    options = SOURCE.synthetic(tmp_path / "all", 3)
    one = tmp_path / "one"
    one.mkdir()
    for path in [*(tmp_path / "all").glob("FLX_XA-Fir_*_DD_*.csv"), *(tmp_path / "all").glob("siteinfo*.csv")]:
        shutil.copyfile(path, one / path.name)
    command = ("prepare", "fluxnet", one, "--data", tmp_path / "data", "--quiet")
    assert options is not None and geoml(*command).code == 0
    predict = ("predict", run.folder, "--data", tmp_path / "data", "--out", tmp_path / "p.csv", "--quiet")
    refused = geoml(*predict)
    assert refused.code == 3 and "(CO2_F_MDS more than these)" in refused.err and "--extra choose them: " in refused.err
    drivers = refused.err.split("choose them: ")[1].split(".")[0].split(", ")
    extra = ",".join(name for name in drivers if name.startswith(("TS_", "SWC_")))
    assert geoml(*command, "--force", "--extra", extra).code == 0
    assert geoml(*predict).code == 0
