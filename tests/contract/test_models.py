"""Contract of every model found: what its demo trains is stopped, resumed, evaluated and predicted alike."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from model_case import Case, Interrupting, settings_of_demo
from safetensors.torch import load_file

from geoml_cli import registry
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import StoppedError
from geoml_cli.evaluation.inputs import delivered, open_network
from geoml_cli.evaluation.member_rows import pool_folds, predict_members
from geoml_cli.inference.area import in_area
from geoml_cli.inference.inputs.forecasts import forecasts_job
from geoml_cli.inference.inputs.samples import samples_job
from geoml_cli.inference.load import TrainedRun, open_trained, settings_of
from geoml_cli.inference.predictor import Ensemble
from geoml_cli.models.weights import plain_names
from geoml_cli.runs.run import Run
from geoml_cli.samples.batches import gathered_native
from geoml_cli.samples.requests import PredictionRequest
from geoml_cli.stages.evaluate import evaluate, evaluate_part
from geoml_cli.stages.evaluate import finish as finish_evaluation
from geoml_cli.stages.predict import Prediction, finish, predict, predict_part_of
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.work.pieces import Part
from geoml_cli.work.reporting import NullReporter


def weights(run: Run) -> dict[str, dict[str, torch.Tensor]]:
    return {name: load_file(run.member(name).checkpoint("last").weights) for name in run.planned()}


def test_stopped_and_resumed_ends_with_the_same_bits(case: Case, tmp_path: Path) -> None:
    # In the first member before it is validated, or in the second: each costs a training.
    after = 2 if case.run.model in ("soc", "ech") else 7
    place, settings = RunLocation(tmp_path / "run", cpu=True), settings_of_demo(case.run.model, "train.calibrate=false")
    with pytest.raises(StoppedError, match="saved"):
        train(settings, case.dataset, place, None, Interrupting(after))
    resumed = train(settings, case.dataset, place, None, NullReporter())
    for name, expected in weights(case.run).items():
        found = weights(resumed)[name]
        assert set(found) == set(expected)
        assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_no_network_has_a_name_that_an_import_takes_off(case: Case) -> None:
    for state in weights(case.run).values():
        assert plain_names(state).keys() == state.keys()


def test_every_criterion_has_a_checkpoint_and_a_column_of_the_history(case: Case) -> None:
    for network_name, network in registry.spec(case.run.model).networks(case.settings.own).items():
        names = list(network.criteria)
        for member in (name for name in case.run.planned() if case.run.network(name) == network_name):
            assert case.run.member(member).best().meta.is_file()
            assert all(case.run.member(member).best(name).meta.is_file() for name in names[1:])
            assert all(f"val_{name}" in entry for entry in case.run.history(member) for name in names)


def fold_of(run: Run) -> list[str]:
    """Name the members of the first fold: they differ by seed and network."""
    fold = run.split(run.planned()[0]).fold
    return [name for name in run.planned() if run.split(name).fold == fold]


def forecasts_maps(trained: TrainedRun) -> bool:
    return bool(next(iter(trained.data.signatures.values())).target_shape)


def requested(trained: TrainedRun, dataset: Dataset, out: Path) -> tuple[PredictionRequest, Path]:
    """Ask for all samples, or for a forecast from every test row, in the file format of the answer."""
    if not forecasts_maps(trained):
        return PredictionRequest(), out
    target, split = trained.network_samples("", dataset).target.values, trained.run.split(trained.members[0])
    dates = tuple(target.series.labels[step] for step in target.first[split.test])
    return PredictionRequest(forecast=True, dates=dates), out.with_suffix(".nc")


def predicted(trained: TrainedRun, dataset: Dataset, out: Path) -> pd.DataFrame:
    request, out = requested(trained, dataset, out)
    predict(Prediction(trained, dataset, request, out), NullReporter())
    return read(out, trained)


def read(out: Path, trained: TrainedRun) -> pd.DataFrame:
    if out.suffix == ".parquet":
        return pd.read_parquet(out)
    names = [output.name for output in trained.outputs()]
    with xr.open_dataset(out) as found:
        return found[names].to_dataframe()[names].reset_index(drop=True)


def scored(alone: TrainedRun, dataset: Dataset, name: str) -> tuple[np.ndarray, np.ndarray | slice]:
    """Return what evaluation compares with the target, and which rows of a file of predictions these are."""
    inputs = open_network(alone, dataset, "test", name)
    if forecasts_maps(alone):
        rows = alone.run.split(alone.members[0]).test
        each = [inputs.predictors[member](inputs.samples, rows) for member in alone.members]
        maps = inputs.samples.spatial.inverse(torch.from_numpy(inputs.scored(each)))
        return maps.numpy().reshape(-1), slice(None)
    pooled = pool_folds(inputs, predict_members(inputs, NullReporter()))
    return delivered(inputs, pooled.predicted_P), pooled.rows_P


def test_what_is_scored_is_what_is_delivered(case: Case, tmp_path: Path) -> None:
    """Evaluation's pooled values equal those of a file of predictions with the same members."""
    trained = open_trained(case.run, fold_of(case.run))
    for name in trained.networks:
        alone = TrainedRun(case.run, tuple(trained.members_of(name)), trained.settings)
        expected, rows = scored(alone, case.dataset, name)
        frame = predicted(alone, case.dataset, tmp_path / f"{name or 'network'}.parquet")
        output = alone.outputs()[alone.task(name).scored if len(trained.networks) == 1 else _place(alone, name)]
        found = frame[output.name].to_numpy()[rows]
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def _place(alone: TrainedRun, name: str) -> int:
    """Find the scored output of one network of several among the outputs of a run of it alone."""
    names = [output.name for output in alone.outputs()]
    scored = alone.task(name).outputs(1)[alone.task(name).scored].name
    return names.index(scored) if scored in names else 0


def test_chunks_of_any_size_give_the_same_file(case: Case, tmp_path: Path) -> None:
    whole = predicted(open_trained(case.run), case.dataset, tmp_path / "whole.parquet")
    rows = len(whole) // 3 + 1
    small = open_trained(Run(case.run.folder, [f"predict.rows={rows}", "predict.batch_size=997"]))
    found = predicted(small, case.dataset, tmp_path / "small.parquet")
    pd.testing.assert_frame_equal(found, whole, rtol=1e-4, atol=1e-4)


def test_a_prediction_stopped_and_resumed_is_that_of_one_go(case: Case, tmp_path: Path) -> None:
    rows = len(open_trained(case.run).samples(case.dataset)) // 4 + 1
    trained = open_trained(Run(case.run.folder, [f"predict.rows={rows}"]))
    whole = predicted(trained, case.dataset, tmp_path / "whole.parquet")
    request, out = requested(trained, case.dataset, tmp_path / "stopped.parquet")
    with pytest.raises(StoppedError, match=r"kept\. The same command resumes"):
        predict(Prediction(trained, case.dataset, request, out), Interrupting(2))
    assert not out.exists() and len(list((tmp_path / f".{out.name}.parts").glob("*.npz"))) >= 1
    resumed = predicted(trained, case.dataset, out)
    pd.testing.assert_frame_equal(resumed, whole)
    assert not (tmp_path / f".{out.name}.parts").exists()


def test_a_prediction_in_parts_is_that_of_one_go(case: Case, tmp_path: Path) -> None:
    rows = len(open_trained(case.run).samples(case.dataset)) // 4 + 1
    trained = open_trained(Run(case.run.folder, [f"predict.rows={rows}"]))
    request, out = requested(trained, case.dataset, tmp_path / "parts.parquet")
    asked = Prediction(trained, case.dataset, request, out)
    for part in (Part(2, 2), Part(1, 2)):
        assert predict_part_of(asked, part, NullReporter()).made
    finish(asked, NullReporter())
    whole = predicted(trained, case.dataset, tmp_path / "whole.parquet")
    pd.testing.assert_frame_equal(read(out, trained), whole)


def test_an_evaluation_in_parts_is_that_of_one_go(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = len(case.run.split(case.run.planned()[0]).test)
    monkeypatch.setattr("geoml_cli.evaluation.kept._ROWS", max(40, rows // 6))
    monkeypatch.setattr("geoml_cli.evaluation.maps._FORECASTS", 2)
    quick = ("evaluate.baselines=[]", "evaluate.n_bootstrap=100", "evaluate.importance_repeats=1",
             "evaluate.importance_rows=50")  # fmt: skip
    copied = shutil.copytree(case.run.folder, tmp_path / "run")
    run, dataset = Run(copied, quick), case.dataset
    shutil.rmtree(copied / "kept", ignore_errors=True)
    whole = evaluate(run, dataset, settings_of(run), "test", NullReporter()).document
    shutil.rmtree(copied / "kept")
    for part in (Part(2, 2), Part(1, 2)):
        assert evaluate_part(run, dataset, "test", part, NullReporter()).made
    if not forecasts_maps(open_trained(run)):  # of maps an example is forecast once more
        monkeypatch.setattr("geoml_cli.inference.predictor.Predictor.each", None)
    assert finish_evaluation(run, dataset, "test", NullReporter()).document == whole


def test_the_exported_graph_gives_what_the_engine_gives(case: Case) -> None:
    trained = open_trained(case.run)
    for name in trained.networks:
        members = [trained.load_network(member) for member in trained.members_of(name)]
        samples = trained.network_samples(name, case.dataset)
        rows = np.arange(min(len(samples), 3 if samples.spatial else 40))
        if samples.complete is not None:
            rows = np.flatnonzero(samples.complete)[:40]
        with torch.inference_mode():
            graph = Ensemble(members, trained.task(name), samples.spatial).eval()(*gathered_native(samples, rows))
        engine = trained.network_predictor(name, torch.device("cpu")).outputs(samples, rows)
        assert len(graph) == len(engine) == len(trained.task(name).outputs(len(members)))
        for one, other in zip(graph, engine, strict=True):
            np.testing.assert_allclose(one.numpy(), other, rtol=1e-3, atol=1e-3)


def test_the_job_names_what_determines_it(case: Case) -> None:
    trained = open_trained(case.run)
    job = samples_job(trained, case.dataset)
    if forecasts_maps(trained):
        job = forecasts_job(trained, case.dataset, (), None, NullReporter())
    assert job.digest["data"] == case.dataset.manifest.digest() and job.total == len(list(job.chunks()))


def test_predictions_carry_the_intervals_of_the_run(case: Case, tmp_path: Path) -> None:
    trained = open_trained(case.run)
    assert set(trained.intervals) == set(trained.networks), trained.without_intervals
    frame = predicted(trained, case.dataset, tmp_path / "all.parquet")
    estimates = [output.name for output in trained.estimates()]
    for name, intervals in trained.intervals.items():
        first, *others = (output.name for output in intervals.outputs())
        if trained.task(name).probabilities is not None:
            assert (frame[others].sum(axis=1) == frame[first]).all() and (frame[first] >= 1).all()
            continue
        [upper] = others
        value = frame[trained.task(name).target.name if trained.task(name).target.name in estimates else estimates[0]]
        assert (frame[first].isna() == value.isna()).all()
        assert (frame[first] <= frame[upper]).to_numpy()[value.notna()].all()
    none = open_trained(Run(case.run.folder, ["predict.coverage=0", "predict.applicability=false"]))
    assert [output.name for output in none.outputs()] == estimates and not none.without_intervals
    some = open_trained(case.run, case.run.planned()[:1])
    assert not some.intervals and "all members together" in some.without_intervals


def test_a_wider_promise_gives_wider_intervals(case: Case) -> None:
    trained = open_trained(case.run)
    for intervals in trained.intervals.values():
        quantiles = [intervals.calibration.quantiles(coverage) for coverage in (0.3, 0.5, 0.8)]
        assert (np.diff(quantiles, axis=0) >= 0).all()


def test_training_samples_are_applicable_and_strange_ones_are_not(case: Case) -> None:
    trained = open_trained(case.run)
    area = trained.applicability
    if len(trained.networks) > 1 or forecasts_maps(trained):
        assert area is None
        return
    assert area is not None
    samples = trained.samples(case.dataset)
    train = trained.run.split(trained.members[0]).train[:50]
    dissimilarity, inside = in_area(area, samples, train)
    assert np.median(dissimilarity) < area.threshold and inside.mean() > 0.9, "of many rows some are kept"
    moved = {name: np.asarray(item.values[train]) * 50 + 50 for name, item in samples.inputs.items()}
    far = {name: replace(item, values=moved[name]) for name, item in samples.inputs.items()}
    dissimilar, outside = in_area(area, replace(samples, inputs=far, complete=None, span=None), np.arange(len(train)))
    assert (dissimilar > area.threshold).all() and (outside == 0).all()
    outputs = trained.predictor().outputs(samples, train)
    np.testing.assert_allclose(outputs[-2:], [dissimilarity, inside], atol=1e-9)
    assert [output.name for output in trained.outputs()[-2:]] == ["dissimilarity", "applicable"]
