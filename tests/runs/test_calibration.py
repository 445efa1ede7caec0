"""How distances are measured, and what a calibration promises."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geoml_cli.dataset.files import sha256
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.inference.load import open_trained, settings_of
from geoml_cli.metrics.conformal import Distances, distances
from geoml_cli.runs.applicability import read_applicability
from geoml_cli.runs.calibration import Calibration, Difference, KeptDistances, read_calibrations
from geoml_cli.runs.run import Run
from geoml_cli.stages.check import check_run
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.work.reporting import NullReporter


def calibration(groups: int, rows: int, *, are_new: bool = True) -> Calibration:
    distance, group = np.arange(1.0, rows + 1), np.arange(rows) % groups
    by_group, by_row = distances(distance, group), distances(distance, np.arange(rows))
    kept = (KeptDistances.of(by_row),) if groups < rows else ()
    return Calibration(
        difference=Difference(),
        rows=rows,
        groups=groups,
        group="station",
        by_group=(KeptDistances.of(by_group),),
        by_row=kept,
        are_new=are_new,
    )


def test_too_few_stations_give_an_interval_of_rows_that_says_so() -> None:
    few, enough = calibration(5, 50), calibration(10, 50)
    assert few.quantiles(0.9).tolist() == [46], "the 46th of 50 rows: ceil(0.9 x 51)"
    assert "not valid for a new station: that takes 9 groups" in few.promise(0.9)
    assert "valid for a new station like these" in enough.promise(0.9) and "not valid" not in enough.promise(0.9)
    assert "not valid for a new station: that takes 19 groups" in enough.promise(0.95)
    assert enough.quantiles(0.95) >= enough.quantiles(0.9), "a wider promise is no narrower interval"
    assert np.isfinite(few.quantiles(0.95)).all() and not np.isfinite(calibration(5, 5).quantiles(0.9)).any()


def test_groups_that_trained_as_well_promise_nothing_of_a_new_one() -> None:
    known, new = calibration(20, 100, are_new=False), calibration(20, 100)
    assert "that their network was trained on" in known.promise(0.9) and "; valid for" not in known.promise(0.9)
    assert known.quantiles(0.9).tolist() == [91], "rows count by themselves"
    assert new.is_grouped(0.9) and not known.is_grouped(0.9)


def test_a_logarithm_has_an_interval_about_the_prediction_without_its_smearing() -> None:
    difference = Difference(transform="log", smearing=0.2)
    lower, upper = difference.bounds(np.array([10.0]), None, np.array([1.0]))
    assert lower[0] == pytest.approx(10 * np.exp(-1.2)) and upper[0] == pytest.approx(10 * np.exp(0.8))
    back = difference.distance(upper, np.array([10.0]), None)
    assert back[0] == pytest.approx(1.0)


def test_bounds_keep_within_what_the_target_can_be_and_hold_the_prediction() -> None:
    difference = Difference(transform="log1p", least=0.0, most=100.0)
    predicted = np.array([0.2, 60.0, -0.1, 120.0])
    lower, upper = difference.bounds(predicted, None, np.array([1.0]))
    free_lower, free_upper = Difference(transform="log1p").bounds(predicted, None, np.array([1.0]))
    assert free_lower[0] < 0 and free_upper[1] > 100
    np.testing.assert_allclose(lower, [0.0, free_lower[1], -0.1, free_lower[3]])
    np.testing.assert_allclose(upper, [free_upper[0], 100.0, free_upper[2], 120.0])


def test_a_prediction_without_a_logarithm_is_far_and_not_missing() -> None:
    found = Difference(transform="log").distance(np.array([1.0]), np.array([0.0]), None)
    assert np.isfinite(found).all() and found[0] > 100


def test_spread_is_that_of_seeds_and_not_of_folds() -> None:
    each = np.array([[1.0, 1.0], [3.0, 1.0], [101.0, 50.0], [103.0, 50.0]])
    difference = Difference(least_spread=0.5)
    folds = ["fold-1", "fold-1", "fold-2", "fold-2"]
    found = difference.spread(each, folds)
    assert found is not None
    np.testing.assert_allclose(found, [np.sqrt(2), 0.0])
    lower, upper = difference.bounds(np.array([52.0, 25.5]), found, np.array([2.0]))
    np.testing.assert_allclose(upper - lower, 4 * (found + 0.5))
    assert difference.spread(each, ["a", "b", "c", "d"]) is None, "one member a fold has no spread"
    assert Difference().spread(each, folds) is None


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Run:
    shutil.copytree(trained, tmp_path / "run")
    return Run(tmp_path / "run")


@pytest.mark.parametrize("name", ["calibration.json", "applicability.safetensors"])
def test_a_flipped_bit_is_found(run: Run, name: str, data_root: Path) -> None:
    content = bytearray((run.folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (run.folder / name).write_bytes(bytes(content))
    with pytest.raises(DataError, match=name):
        open_trained(run).outputs()
    failed = [check.name for check in check_run(run, lambda: Dataset(data_root / "soc")) if not check.holds]
    assert failed == ["calibration of intervals"]


def test_what_was_not_noted_in_run_json_is_not_there_and_is_made_again(run: Run, data_root: Path) -> None:
    """As after a kill between the file and its checksum."""
    before = read_calibrations(run)
    with run.changing() as record:
        record.checksums = {name: digest for name, digest in record.checksums.items() if "members" in name}
    assert read_calibrations(run) == {} and read_applicability(run) is None
    assert "their file is lost; run `geoml train" in open_trained(run).without_intervals
    train(settings_of(run), Dataset(data_root / "soc"), RunLocation(run.folder, cpu=True), None, NullReporter())
    assert read_calibrations(run) == before and read_applicability(run) is not None


def test_a_stop_while_intervals_are_measured_ends_with_75_and_is_said_wherever_they_are_missed(
    run: Run, data_root: Path, geoml: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A batch script requeues on 75 alone, and a file without intervals must not look like a whole one."""
    before = (run.folder / "calibration.json").read_bytes()
    with run.changing() as record:
        record.checksums = {name: digest for name, digest in record.checksums.items() if "members" in name}

    def stopped(*given: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    given = ("--data", data_root / "soc")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
    try:
        with monkeypatch.context() as patch:
            patch.setattr("geoml_cli.stages.train.calibrate", stopped)
            done = geoml("train", run.folder, *given)
        assert done.code == 75 and "stopped before intervals and the area of applicability were measured" in done.err
        assert f"Go on with `geoml train {run.folder}`" in done.err and run.record().status == "finished"
        quiet = geoml("predict", run.folder, *given, "--out", tmp_path / "x.csv", "--quiet")
        assert quiet.code == 0 and "Warning: No prediction intervals: training was stopped before" in quiet.err
        assert "none, as training was stopped before, or their file is lost" in geoml("check", run.folder, *given).out
        assert geoml("train", run.folder, *given, "--quiet").code == 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert (run.folder / "calibration.json").read_bytes() == before
    assert "stopped" not in geoml("check", run.folder, *given).out


@pytest.mark.parametrize("name", ["calibration.json", "applicability.safetensors"])
@pytest.mark.parametrize("fault", ["lost", "damaged"])
def test_training_again_makes_anew_what_is_lost_or_damaged(run: Run, data_root: Path, name: str, fault: str) -> None:
    before = (run.folder / name).read_bytes()
    (run.folder / name).unlink() if fault == "lost" else (run.folder / name).write_bytes(before[:-9])
    train(settings_of(run), Dataset(data_root / "soc"), RunLocation(run.folder, cpu=True), None, NullReporter())
    assert (run.folder / name).read_bytes() == before


def test_an_area_that_is_lost_is_told(run: Run) -> None:
    (run.folder / "applicability.safetensors").unlink()
    with pytest.raises(DataError, match=r"is missing\. Run `geoml train"):
        open_trained(run).outputs()


def test_some_members_have_no_area_and_a_run_that_was_not_calibrated_says_so(run: Run) -> None:
    assert open_trained(run).applicability is not None
    assert open_trained(run, run.members()[:1]).applicability is None
    (run.folder / "calibration.json").unlink()
    text = run.config.read_text(encoding="utf-8").replace("calibrate = true", "calibrate = false")
    run.config.write_text(text, encoding="utf-8")
    record = json.loads((run.folder / "run.json").read_text())
    record["checksums"]["config.toml"] = sha256(run.config)  # as if it had been trained so
    (run.folder / "run.json").write_text(json.dumps(record))
    assert "train.calibrate=false" in open_trained(run).without_intervals


def test_a_run_without_calibration_says_how_to_get_it(run: Run, data_root: Path) -> None:
    (run.folder / "calibration.json").unlink()
    trained = open_trained(run)
    assert not trained.intervals and f"geoml train {run.folder}" in trained.without_intervals


@pytest.mark.parametrize(
    "value", [0.6999996900558472, 3.0000000049e-5, 12345.67890123, 0.999999999999, 0.0, 1.0, -1.23456789012e-8, np.inf]
)
def test_a_stored_distance_holds_the_row_it_is_of(value):
    """Of many rows with one probability all would fall out of their sets where it is rounded down."""
    [kept] = KeptDistances.of(Distances(np.array([0.9]), np.array([value]))).distance
    assert value <= kept <= value + 2e-8 * abs(value)
