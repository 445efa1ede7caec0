"""Evaluations shared out between processes equal those of one go, and what cannot be shared out is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal

import numpy as np
import pytest

from geoml_cli.evaluation import kept as evaluation_kept
from geoml_cli.evaluation import pieces as evaluation_pieces
from geoml_cli.evaluation.inputs import open_network
from geoml_cli.evaluation.kept import blocks_of
from geoml_cli.evaluation.pieces import make_part, pieces_of
from geoml_cli.inference.load import open_trained
from geoml_cli.runs.run import Run
from geoml_cli.work.pieces import ALL
from geoml_cli.work.reporting import NullReporter

QUICK = ("--set", 'evaluate.baselines=["mean", "ridge"]', "--set", "evaluate.importance_repeats=1")


@pytest.fixture
def run(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "run")
    shutil.rmtree(folder / "kept")  # of the training, which predicts test rows for intervals
    return folder


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(evaluation_kept, "_ROWS", 20)


def evaluated(folder):
    document = json.loads((folder / "evaluation" / "test" / "metrics.json").read_text())
    table = (folder / "evaluation" / "test" / "predictions.csv").read_text()
    return document, table


def never(*arguments):
    raise AssertionError("is computed again")


def test_an_evaluation_that_is_stopped_ends_with_75_where_something_is_kept(run, data_root, geoml, monkeypatch):
    words = ("evaluate", run, "--data", data_root, *QUICK)

    def interrupted(*given, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr("geoml_cli.stages.evaluate.refuse_unknown_places", interrupted)
        assert geoml(*words).code == 130
    with monkeypatch.context() as stopped:
        stopped.setattr("geoml_cli.stages.evaluate.write_network", interrupted)
        done = geoml(*words)
    assert done.code == 75 and "stopped; what was computed is kept." in " ".join(done.err.split()), done.err
    assert f"Go on with `geoml evaluate {run}` and the same options." in " ".join(done.err.split())
    assert geoml(*words).code == 0


def test_an_evaluation_that_is_stopped_while_it_draws_leaves_the_last_one(run, data_root, geoml, monkeypatch):
    words = ("evaluate", run, "--data", data_root, *QUICK)
    assert geoml(*words).code == 0
    before = {path: path.read_bytes() for path in (run / "evaluation").rglob("*") if path.is_file()}

    def interrupted(*given, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr("geoml_cli.evaluation.write.html_report", interrupted)
        assert geoml(*words, "--set", "evaluate.n_bootstrap=200").code == 75
    assert {path: path.read_bytes() for path in (run / "evaluation").rglob("*") if path.is_file()} == before


def test_an_evaluation_in_parts_equals_that_of_one_go(run, data_root, tmp_path, geoml, small_blocks, monkeypatch):
    words = ("evaluate", run, "--data", data_root, *QUICK)
    assert geoml(*words).code == 0
    alone = evaluated(run)
    shutil.rmtree(run / "kept")
    shutil.rmtree(run / "evaluation")
    for part in ("3/3", "1/3"):
        done = geoml(*words, "--part", part, "--json")
        assert done.code == 0, done.err
        outcome = json.loads(done.out)
        assert outcome["part"] == part and outcome["made"] == outcome["pieces"] > 3
    assert json.loads(geoml(*words, "--part", "1/3", "--json").out)["made"] == 0
    early = geoml(*words, "--finish")
    assert early.code == 75 and "pieces are missing: 2, 5, 8" in early.err and "--part" in early.err
    assert not (run / "evaluation" / "test" / "metrics.json").exists()
    assert geoml(*words, "--part", "2/3").code == 0
    with monkeypatch.context() as patched:
        patched.setattr("geoml_cli.evaluation.baselines.predict", never)
        patched.setattr("geoml_cli.inference.predictor.Predictor.each", never)
        last = geoml(*words, "--finish")
    assert last.code == 0, last.err
    assert evaluated(run) == alone


def test_another_evaluation_leaves_finished_parts(run, data_root, geoml):
    words = ("evaluate", run, "--data", data_root, *QUICK)
    for part in ("1/2", "2/2"):
        assert geoml(*words, "--set", "evaluate.seed=2", "--part", part).code == 0
    assert geoml(*words, "--set", "evaluate.seed=1").code == 0
    assert geoml(*words, "--set", "evaluate.seed=2", "--finish").code == 0


def test_what_parts_lack_is_computed_without_finish(run, data_root, geoml):
    words = ("evaluate", run, "--data", data_root, *QUICK)
    assert geoml(*words, "--part", "1/2").code == 0
    assert geoml(*words).code == 0


def test_blocks_are_joined_in_order(run, data_root, small_blocks):
    opened = open_trained(Run(run))
    inputs = open_network(opened, opened_data(opened, data_root), "test", "")
    name, rows = next(iter(inputs.predictors)), np.arange(50, dtype=np.int64)
    blocks = list(blocks_of(inputs, name, rows))
    assert [len(block) for block in blocks] == [20, 20, 10] and np.array_equal(np.concatenate(blocks), rows)
    whole = inputs.predictors[name](inputs.samples, rows)
    joined = evaluation_kept.member_predictions(inputs, name, rows)
    np.testing.assert_allclose(joined, whole, rtol=1e-6)


def test_a_signal_ends_a_part_between_pieces(run, data_root, small_blocks, monkeypatch):
    opened = open_trained(Run(run))
    pieces = pieces_of({"": open_network(opened, opened_data(opened, data_root), "test", "")})
    made = []

    def make(piece):
        made.append(piece)
        if len(made) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return True

    monkeypatch.setattr(evaluation_pieces.Piece, "make", make)
    with pytest.raises(evaluation_pieces.StoppedError, match="stopped by SIGTERM, finished pieces are kept"):
        make_part(pieces, ALL, NullReporter())
    assert len(made) == 2 < len(pieces)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--part", "0/3"), "'0/3' is no part. Write K/N"),
        (("--part", "1/2", "--finish"), "choose one of --part and --finish"),
        (("--part", "1/2", "--scheduler", "local"), "choose one of --part and --scheduler"),
        (("--scheduler", "somewhere"), "'somewhere' names no scheduler"),
        (("--part", "1/2", "--set", "evaluate.keep=false"), "kept in the run, which the settings forbid"),
        (("--finish", "--set", "data.verify=false"), "kept in the run, which the settings forbid"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(run, data_root, geoml, words, message):
    done = geoml("evaluate", run, "--data", data_root, *words)
    assert done.code == 2 and message in done.err, done.err
    assert not (run / "kept").exists()


def test_workers_of_dask_compute_the_pieces(run, data_root, geoml):
    pytest.importorskip("distributed")
    words = ("evaluate", run, "--data", data_root, *QUICK)
    assert geoml(*words).code == 0
    alone = evaluated(run)
    shutil.rmtree(run / "kept")
    done = geoml(*words, "--scheduler", "local:2")
    assert done.code == 0, done.err
    assert "Workers: 2 with 2 threads" in done.err and "Predictions that the run keeps were used: " in done.err
    assert evaluated(run) == alone


def opened_data(opened, data_root):
    from geoml_cli.dataset.store import Dataset

    return Dataset(data_root / opened.settings.shared.source)
