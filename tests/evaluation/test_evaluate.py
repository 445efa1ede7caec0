from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_case import SIZE, Case, fields, network
from numpy.typing import NDArray
from sklearn import metrics as sk

from geoml_cli.config.tables.evaluate import EvaluateSettings
from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, DiskError, SettingsError
from geoml_cli.evaluation import csv_tables
from geoml_cli.evaluation.calibration import are_new_groups
from geoml_cli.evaluation.evaluate import evaluate_network
from geoml_cli.evaluation.groupwise import transformed_scores, without_transform
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.member_rows import predict_members
from geoml_cli.evaluation.report import NetworkReport
from geoml_cli.evaluation.score_tables import summary_table
from geoml_cli.evaluation.scores import Score
from geoml_cli.evaluation.station_series import MISSING
from geoml_cli.evaluation.write import write_network
from geoml_cli.inference.load import TrainedRun, open_trained, settings_of
from geoml_cli.inference.map_files import page_mark
from geoml_cli.samples.settings import TargetSettings
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.stages.evaluate import evaluate
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.work.numbers import bounded
from geoml_cli.work.reporting import NullReporter

QUICK = EvaluateSettings(n_bootstrap=100, importance_repeats=0, baselines=())


def measured(inputs: EvaluationInputs, reporter: NullReporter) -> NetworkReport:
    """Evaluate a network and write it all."""
    return write_network(inputs, evaluate_network(inputs, reporter), reporter)


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def strict(path: Path) -> dict[str, Any]:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    return found


def pooled(found: NetworkReport, inputs: EvaluationInputs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pool predictions.csv by hand: mean over the seeds of a fold, then all folds."""
    fold = {name: inputs.run.split(name).fold for name in inputs.predictors}
    each: dict[tuple[str, str], list[float]] = defaultdict(list)
    truth: dict[tuple[str, str], float] = {}
    for row in table(found.folder / "predictions.csv"):
        key = fold[row["member"]], row["id"]
        each[key].append(float(row["predicted"]))
        truth[key] = float(row["observed"])
    return np.array([truth[key] for key in each]), np.array([np.mean(each[key]) for key in each])


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> EvaluationInputs:
    return Case(tmp_path_factory.mktemp("run with space")).inputs()


@pytest.fixture(scope="module")
def found(inputs: EvaluationInputs) -> NetworkReport:
    return measured(inputs, NullReporter())


def test_writes_what_the_run_folder_promises(found: NetworkReport, inputs: EvaluationInputs) -> None:
    assert found.folder == inputs.run.folder / "evaluation" / "test"
    names = {path.relative_to(found.folder).as_posix() for path in found.folder.rglob("*") if path.is_file()}
    assert names == {
        "metrics.json",
        "scores.csv",
        "members.csv",
        "baselines.csv",
        "filter_summary.csv",
        "settings.csv",
        "per_group.csv",
        "by_transform.csv",
        "intervals.csv",
        "calibration.csv",
        "predictions.csv",
        "distances.csv",
        "report.html",
        "figures/distances.png",
        "figures/calibration.png",
        "figures/observed_predicted.png",
        "figures/residual_map.png",
        "figures/importance.png",
    }


def test_pooled_scores_follow_from_predictions_csv(found: NetworkReport, inputs: EvaluationInputs) -> None:
    observed, predicted = pooled(found, inputs)
    assert len(observed) == SIZE, "three folds of blocks score every sample once"
    scores = strict(found.folder / "metrics.json")["network"]["scores"]
    assert scores["RMSE"]["value"] == pytest.approx(sk.root_mean_squared_error(observed, predicted), rel=1e-5)
    assert scores["MAE"]["value"] == pytest.approx(sk.mean_absolute_error(observed, predicted), rel=1e-5)
    assert scores["R2"]["value"] == pytest.approx(sk.r2_score(observed, predicted), rel=1e-5)
    units = {name: score["unit"] for name, score in scores.items()}
    assert units == {"RMSE": "g kg-1", "MAE": "g kg-1", "R2": "1", "bias": "g kg-1", "CCC": "1", "RPIQ": "1"}
    assert all(score["low"] < score["value"] < score["high"] for score in scores.values())


def test_members_are_scored_on_their_own_rows(found: NetworkReport, inputs: EvaluationInputs) -> None:
    rows = table(found.folder / "members.csv")
    assert [row["member"] for row in rows] == [f"fold-{k}-seed-{s}" for k in (1, 2, 3) for s in (1, 2)]
    _, soc, _ = fields()
    for row in rows:
        test = inputs.run.split(row["member"]).test
        predicted = network(int(row["seed"]))(inputs.samples, test)
        assert float(row["RMSE"]) == pytest.approx(sk.root_mean_squared_error(soc[test], predicted), rel=1e-5)
        assert int(row["n"]) == len(test) > int(row["groups"]), "blocks hold several samples"


def test_the_mean_is_fitted_on_training_rows_under_the_transform(
    found: NetworkReport, inputs: EvaluationInputs
) -> None:
    _, soc, _ = fields()
    errors: list[float] = []
    for fold in ("fold-1-seed-1", "fold-2-seed-1", "fold-3-seed-1"):
        split = inputs.run.split(fold)
        mean = np.log(soc[split.train]).mean()
        residuals = np.log(soc[split.validation]) - mean
        smearing = np.exp(residuals - residuals.mean()).mean()
        errors += (soc[split.test] - np.exp(mean) * smearing).tolist()
    [line] = [row for row in table(found.folder / "baselines.csv") if row["name"] == "mean"]
    assert float(line["RMSE"]) == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-5)
    record = strict(found.folder / "metrics.json")
    gap = record["network"]["scores"]["RMSE"]["value"] - record["baselines"]["mean"]["scores"]["RMSE"]["value"]
    assert record["baselines"]["mean"]["rmse_network_minus_baseline"]["value"] == pytest.approx(gap)
    assert float(line["RMSE_network_minus_this"]) == pytest.approx(gap)


def test_a_network_that_knows_the_truth_beats_the_mean(found: NetworkReport) -> None:
    gap = found.document["baselines"]["mean"]["rmse_network_minus_baseline"]
    assert gap["high"] < 0 and gap["better"] == "network"
    assert found.document["baselines"]["mean"]["wilcoxon_p_holm"] < 0.001


def test_baselines_csv_begins_with_the_network_and_ranks_the_rest(found: NetworkReport) -> None:
    rows = table(found.folder / "baselines.csv")
    assert [row["name"] for row in rows] == ["soc", "ridge", "mean"]
    assert rows[0]["wilcoxon_p_holm"] == "" and float(rows[1]["RMSE"]) < float(rows[2]["RMSE"])


def test_the_record_says_how_its_numbers_were_made(found: NetworkReport, inputs: EvaluationInputs) -> None:
    record = strict(found.folder / "metrics.json")
    assert record == found.document
    assert record["rows"]["predictions"] == record["rows"]["samples"] == SIZE
    assert record["rows"]["groups"] == len(set(found.result.pooled.groups_P.tolist())) < SIZE
    assert record["intervals"] == {
        "level": 0.95,
        "method": "percentile bootstrap over groups",
        "n_bootstrap": 150,
        "seed": 1,
    }
    assert record["pooling"].endswith("a group is a spatial block of 20 km.")
    assert record["data"] == {"source": "soc", "digest": inputs.dataset.manifest.digest()}
    assert record["run"] == inputs.run.id == "soc/map/run"


def test_the_terminals_table_is_the_network_and_its_rivals(found: NetworkReport) -> None:
    headers, rows = summary_table(found.result)
    assert headers[:3] == ["", "RMSE [g kg-1]", "MAE [g kg-1]"] and headers[-1] == "Wilcoxon"
    assert [row[0] for row in rows] == ["soc", "ridge", "mean"]
    score = found.result.network.scores["RMSE"]
    assert rows[0][1] == bounded(score.value, score.low, score.high)
    assert {len(row) for row in rows} == {len(headers)}
    assert found.result.intervals is not None
    assert found.sentences == [found.result.summary, found.result.intervals.summary]


def test_the_same_again_gives_the_same_bytes(found: NetworkReport, inputs: EvaluationInputs) -> None:
    files = sorted(path for path in found.folder.rglob("*") if path.is_file())
    before = [path.read_bytes() for path in files]
    measured(inputs, NullReporter())
    assert [path.read_bytes() for path in files] == before


def test_predictions_are_written_in_blocks_of_rows(
    found: NetworkReport, inputs: EvaluationInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (found.folder / "predictions.csv").read_bytes()
    monkeypatch.setattr(csv_tables, "_ROWS", 7)
    measured(inputs, NullReporter())
    assert (found.folder / "predictions.csv").read_bytes() == before and before.count(b"\n") > 50


def test_the_report_tells_it_all_and_runs_nothing(found: NetworkReport) -> None:
    html = found.report.read_text(encoding="utf-8")
    summary = found.result.summary.replace("<", "&lt;")
    assert summary in html and html.count("data:image/png;base64,") == 5
    assert "<script" not in html and "off the raster &lt;b&gt;" in html
    for text in (
        "soc/map/run",
        "split.kind",
        "blocks",
        "fold-3-seed-2",
        "Learning curves: the run",
    ):
        assert text in html


def test_a_half_written_evaluation_has_no_metrics(tmp_path: Path) -> None:
    inputs = Case(tmp_path, evaluate=QUICK).inputs()
    done = measured(inputs, NullReporter())
    done.report.unlink()
    done.report.mkdir()
    with pytest.raises(DiskError, match=r"report\.html: could not be written \(Is a directory\)"):
        measured(inputs, NullReporter())
    assert not (done.folder / "metrics.json").exists()


def test_repeated_draws_keep_each_prediction_but_are_one_group(tmp_path: Path) -> None:
    marks = np.ones((4, SIZE), dtype=np.int8)
    marks[:, :60] = 2
    marks[3, 60:80] = 2
    case = Case(tmp_path, split=SplitSettings(kind="given"), marks=marks, evaluate=QUICK)
    inputs = case.inputs()
    rows = measured(inputs, NullReporter()).document["rows"]
    folds = {"split-1": 60, "split-2": 60, "split-3": 60, "split-4": 80}
    assert rows == {"predictions": 260, "samples": 80, "groups": 80, "without_observation": 0, "folds": folds}


def test_data_without_observations_are_refused(tmp_path: Path) -> None:
    truth = Case(tmp_path, lost=tuple(range(SIZE)), imported=True)
    dataset, settings = truth.dataset(), truth.settings()
    run = truth.run(dataset, settings)
    with pytest.raises(DataError) as refusal:
        evaluate(run, dataset, settings, "test", NullReporter())
    assert refusal.value.exit_code == 3
    assert str(refusal.value) == (
        f"{dataset.folder}: the data set has no observed values of `soc`, so there is nothing to evaluate "
        "against. Prepare data that hold them; `geoml prepare soc --help` says in which file or column."
    )


def test_an_imported_run_is_judged_on_all_rows_without_baselines(tmp_path: Path) -> None:
    inputs = Case(tmp_path, imported=True, lost=(0, 5), target=TargetSettings()).inputs()
    heard = NullReporter()
    found = measured(inputs, heard)
    assert found.document["rows"]["predictions"] == SIZE - 2
    assert found.document["rows"]["without_observation"] == 2
    assert found.document["baselines"] == {}
    skipped = "No baselines: the training rows of this run are unknown, so none can be trained on them."
    assert skipped in found.document["not_shown"] and skipped in found.report.read_text(encoding="utf-8")
    assert heard.warned == [
        "The training rows of this run are unknown, as it was imported: the rows evaluated here may be among "
        "them, and the scores then say how well it remembers, not how well it predicts.",
        "2 rows (over all members) have no observed value and were excluded.",
    ]
    assert found.result.summary.endswith(" g kg-1; there is no baseline to compare it with.")


def test_members_not_trained_are_named(tmp_path: Path) -> None:
    inputs = Case(tmp_path, evaluate=QUICK).inputs(done=["fold-1-seed-1", "fold-2-seed-2"])
    heard = NullReporter()
    found = measured(inputs, heard)
    assert set(found.document["members"]) == {"fold-1-seed-1", "fold-2-seed-2"}
    assert heard.warned[0] == (
        "4 of 6 members are not trained and not in these scores: fold-1-seed-2, fold-2-seed-1, "
        "fold-3-seed-1, fold-3-seed-2."
    )


def test_a_run_without_trained_members_is_refused(tmp_path: Path) -> None:
    inputs = Case(tmp_path).inputs(done=[])
    with pytest.raises(DataError, match="no member of the run is trained") as caught:
        measured(inputs, NullReporter())
    assert caught.value.fix == f"Resume with `geoml train {inputs.run.folder}`."


def test_rows_that_were_seen_are_told_apart(tmp_path: Path) -> None:
    inputs = Case(tmp_path, evaluate=QUICK).inputs()
    heard = NullReporter()
    measured(replace(inputs, subset="train"), heard)
    measured(replace(inputs, subset="validation"), heard)
    fits, chose = heard.warned[0], heard.warned[1]
    assert fits == "The networks (and baselines) were trained on these rows: scores say how well they fit, not predict."
    assert chose == "These rows chose the checkpoints, so scores on them are too good."
    assert {path.name for path in (inputs.run.folder / "evaluation").iterdir()} == {"train", "validation"}


def test_a_prediction_that_is_not_finite_stops_the_evaluation(tmp_path: Path) -> None:
    inputs = Case(tmp_path).inputs()
    broken = {
        **inputs.predictors,
        "fold-1-seed-1": lambda samples, rows: np.where(rows == rows[2], np.nan, 1.0),
    }
    wrong = inputs.run.split("fold-1-seed-1").test[2]
    expected = f"member fold-1-seed-1 predicts no finite .*the first is row {wrong}\\)"
    with pytest.raises(DataError, match=expected):
        measured(replace(inputs, predictors=broken), NullReporter())


def test_an_unknown_baseline_is_refused_with_the_nearest(tmp_path: Path) -> None:
    inputs = Case(tmp_path, evaluate=EvaluateSettings(baselines=("random-forrest",))).inputs()
    with pytest.raises(SettingsError, match=r"'random-forrest' is not a baseline\. Did you mean random-forest\?"):
        measured(inputs, NullReporter())


def test_a_trained_run_is_restored_and_scored(tmp_path: Path) -> None:
    """With real networks: the scores are those of the restored members, predicted once more."""
    case = Case(tmp_path, split=SplitSettings(kind="blocks", folds=2, seeds=(1, 2)), evaluate=QUICK)
    dataset, settings = case.dataset(), case.settings()
    shared = settings.shared.model_copy(update={"train": TrainSettings(epochs=2, threads=1)})
    settings = replace(settings, shared=shared)
    run = train(settings, dataset, RunLocation(tmp_path / "run", cpu=True), None, NullReporter())
    found = evaluate(run, dataset, settings_of(run), "test", NullReporter())
    assert (found.folder / "figures" / "learning_curves.png").is_file()
    samples = open_trained(run).samples(dataset)
    for name in run.members():
        rows = run.split(name).test
        observed = np.asarray(samples.target.rows, dtype=np.float64)[rows]
        expected = sk.root_mean_squared_error(
            observed, TrainedRun(run, (name,), settings_of(run)).network_predictor("").scored(samples, rows)
        )
        assert found.document["members"][name]["scores"]["RMSE"]["value"] == pytest.approx(expected, rel=1e-6)


def test_other_data_than_the_runs_are_refused(tmp_path: Path) -> None:
    case = Case(tmp_path)
    dataset, settings = case.dataset(), case.settings()
    run = case.run(dataset, settings)
    changed = dataset.manifest.model_copy(update={"facts": {"window": 7}})
    changed.write(dataset.folder)
    with pytest.raises(DataError, match=r"holds other data \(.*\) than run soc/map/run was trained on"):
        evaluate(run, Dataset(dataset.folder), settings, "test", NullReporter())


def test_stations_are_scored_where_there_are_any(tmp_path: Path) -> None:
    stations = [f"S{row % 3}" for row in range(SIZE)]
    inputs = Case(tmp_path, stations=stations, evaluate=QUICK).inputs()
    found = measured(inputs, NullReporter())
    rows = table(found.folder / "per_station.csv")
    assert [(row["station"], row["n"]) for row in rows] == [("S0", "80"), ("S1", "80"), ("S2", "80")]
    _, soc, _ = fields()
    # Seeds 1 and 2 are averaged: the pooled network is off by 1.5.
    predicted = network(0)(inputs.samples, np.arange(SIZE)) + 1.5
    expected = sk.r2_score(soc[1::3], predicted[1::3])
    assert float(rows[1]["R2_soc"]) == pytest.approx(expected, rel=1e-5)


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    split = SplitSettings(kind="random", folds=1)
    inputs = Case(tmp_path, coordinates=False, split=split, evaluate=QUICK).inputs()
    found = measured(inputs, NullReporter())
    assert found.document["not_shown"] == [
        MISSING,
        "Residual map: the samples have no coordinates.",
        "Distances of the split: samples have no coordinates.",
        "Learning curves: the run has no training history, as imported ones have none.",
        "Permutation importance: evaluate.importance_repeats is 0.",
        "No baselines: evaluate.baselines is empty.",
    ]
    assert sorted(path.name for path in (found.folder / "figures").iterdir()) == [
        "calibration.png",
        "observed_predicted.png",
    ]
    assert table(found.folder / "predictions.csv")[0]["lon"] == ""


def test_history_becomes_learning_curves_and_stale_figures_go(tmp_path: Path) -> None:
    inputs = Case(tmp_path, evaluate=QUICK).inputs()
    stale = inputs.run.evaluation("test") / "figures" / "importance.png"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"from an earlier evaluation")
    maps = inputs.run.predictions
    maps.mkdir(parents=True)
    (maps / "region.png").write_bytes(b"\x89PNG " + page_mark(inputs.run.id))
    (maps / "other.png").write_bytes(b"\x89PNG " + page_mark("another/run"))
    history = [
        {"epoch": k, "step": k * 3, "loss": 1 / k, "val_loss": 1 / k if k % 2 else None, "lr": 1} for k in (1, 2, 3)
    ]
    inputs.run.member("fold-1-seed-1").history.write_text("".join(json.dumps(e) + "\n" for e in history))
    found = measured(inputs, NullReporter())
    assert not stale.exists() and (found.folder / "figures" / "learning_curves.png").exists()
    assert [path.name for path in (found.folder / "figures").glob("page_of_*")] == ["page_of_region.png"]
    assert "<h2>Map region</h2>" in (found.folder / "report.html").read_text(encoding="utf-8")
    assert "Loss over epochs of 1 members, 3 epochs at most." in found.report.read_text(encoding="utf-8")


def test_scores_under_the_transform(found: NetworkReport) -> None:
    pooled, task = found.result.pooled, found.result.task
    groups = {(group.quantity, group.model): group for group in found.result.groupwise if group.quantity == "transform"}
    for model, predicted_P in found.result.models.items():
        expected = np.sqrt(((np.log(predicted_P) - np.log(pooled.observed_P)) ** 2).mean())
        assert groups["transform", model].scores["RMSE"] == pytest.approx(expected)
        assert groups["transform", model].name == f"log of {task.target.name}"


def test_a_baseline_without_a_logarithm_is_named(inputs: EvaluationInputs, found: NetworkReport) -> None:
    """Ridge on raw values may predict less than nothing; of such a baseline there is no score of the logarithm."""
    pooled = found.result.pooled
    lacking = pooled.predicted_P.copy()
    lacking[[3, 8]] = 0, -1
    predictions = {"soc": pooled.predicted_P, "ridge": lacking}
    assert {group.model for group in transformed_scores(inputs, pooled, predictions)} == {"soc"}
    assert without_transform(inputs, predictions) == [
        "Scores of the log leave out ridge: it is not defined for 2 of its predictions."
    ]
    assert not [note for note in found.result.notes if "leave out" in note]


def test_blocks_that_trained_as_well_are_not_new(tmp_path: Path) -> None:
    """All samples in one block: each fold was trained on other rows of the block that it tests."""
    inputs = Case(tmp_path, evaluate=QUICK).inputs()
    members = predict_members(inputs, NullReporter())
    assert are_new_groups(inputs, members)
    split = inputs.settings.shared.split.model_copy(update={"block_km": 1e5})
    shared = inputs.settings.shared.model_copy(update={"split": split})
    one_block = replace(inputs, settings=replace(inputs.settings, shared=shared))
    assert not are_new_groups(one_block, members)
    result = evaluate_network(one_block, NullReporter())
    assert result.intervals is not None and not result.intervals.is_grouped
    assert "that their network was trained on" in result.intervals.summary


def test_no_table_of_an_earlier_evaluation_is_left(tmp_path: Path) -> None:
    inputs = Case(tmp_path, evaluate=QUICK).inputs()
    folder = measured(inputs, NullReporter()).folder
    assert (folder / "intervals.csv").is_file()
    predict = inputs.settings.shared.predict.model_copy(update={"coverage": 0.0})
    shared = inputs.settings.shared.model_copy(update={"predict": predict})
    measured(replace(inputs, settings=replace(inputs.settings, shared=shared)), NullReporter())
    assert not (folder / "intervals.csv").exists() and not (folder / "calibration.csv").exists()
    assert (folder / "predictions.csv").is_file()


def test_the_first_table_has_score_coverage_and_baselines_on_single_lines(
    found: NetworkReport, inputs: EvaluationInputs
) -> None:
    rows = table(found.folder / "scores.csv")
    assert [row["model"] for row in rows] == ["soc", "ridge", "mean"] and {row["rows_of"] for row in rows} == {""}
    assert found.result.intervals is not None
    assert float(rows[0]["coverage"]) == pytest.approx(found.result.intervals.scores["coverage"].value)
    assert rows[1]["coverage"] == "" and float(rows[1]["RMSE_transformed"]) > 0
    [logs] = [group for group in found.result.groupwise if (group.quantity, group.model) == ("transform", "soc")]
    assert float(rows[0]["RMSE_transformed"]) == pytest.approx(logs.scores["RMSE"])
    shown = found.lead
    assert shown.columns[:3] == ["Model", "RMSE [g kg-1]", "R2"] and len(shown.rows) == 3
    assert "Coverage of 90 %" in shown.columns and "RMSE of log of soc" in shown.columns
    assert "Rows of a" not in shown.columns, "rows are held out in one way only"


def test_stations_have_their_median_in_the_first_table(tmp_path: Path) -> None:
    stations = [f"S{row % 3}" for row in range(SIZE)]
    found = measured(Case(tmp_path, stations=stations, evaluate=QUICK).inputs(), NullReporter())
    [row] = table(found.folder / "scores.csv")
    single = [float(one["R2_soc"]) for one in table(found.folder / "per_station.csv")]
    assert float(row["station_median"]) == pytest.approx(np.median(single), rel=1e-6) and row["station_score"] == "R2"
    assert float(row["station_mean"]) == pytest.approx(np.mean(single), rel=1e-6)
    assert (row["stations_above_0"], row["stations"]) == ("3", "3")
    [line] = found.lead.rows
    assert any(cell.endswith("(3 of 3)") for cell in line)


def test_a_share_in_percent_says_of_what(inputs: EvaluationInputs) -> None:
    target = replace(inputs.task.target, unit="%")
    task = replace(inputs.task, target=target)
    assert task.unit == "% SOC" and task.ranking_label == "% SOC"
    assert Score(1.0, 0.5, 1.5, "%").unit_in(task) == "% SOC"
    assert Score(1.0, 0.5, 1.5, "1").unit_in(replace(task, target=replace(target, unit="1"))) == ""
