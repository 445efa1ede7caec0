"""Gaps filled and scored: REddyProc's file to a run, its scores by length of gap, and its sums."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest
from reddyproc_case import DRIVERS, rows, weather, write

SMALL = ["split.gap_hours=[4,24]", "split.seeds=[1]", "train.epochs=1", "network.width=16"]


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    from geoml_cli.config.load import load
    from geoml_cli.dataset.store import Dataset
    from geoml_cli.sources.fluxnet.options import FluxnetOptions
    from geoml_cli.stages.prepare import Raw, prepare
    from geoml_cli.stages.train import RunLocation, train
    from geoml_cli.work.reporting import NullReporter

    folder = tmp_path_factory.mktemp("gaps")
    options, raw = FluxnetOptions(dynamic=DRIVERS, extra=()), write(folder / "raw", rows(weather(62)))
    prepared = Dataset(prepare(Raw("fluxnet", raw, options), folder / "data/fluxnet", NullReporter()).folder)
    settings = load("geomamba", "fluxnet-gaps", None, {}, SMALL)
    return train(settings, prepared, RunLocation(folder / "run"), None, NullReporter()).folder


def test_gaps_are_scored_by_length_and_sums_hold_what_was_filled(trained, geoml, tmp_path):
    run, data = trained, ("--data", trained.parent / "data")
    quick = ("--set", "evaluate.baselines=['mds']", "--set", "evaluate.importance_repeats=0")
    evaluated = geoml("evaluate", run, *data, *quick)
    assert evaluated.code == 0, evaluated.err
    assert "audit of the splits fails" not in evaluated.err
    by_group = table(run / "evaluation/test/per_group.csv")
    scored = {(row["group"], row["model"]): float(row["RMSE"]) for row in by_group if row["quantity"].startswith("len")}
    assert {(length, "mds") for length in ("4 h", "1 d")} <= set(scored)
    lengths = list(dict.fromkeys(row["group"] for row in by_group if row["quantity"].startswith("len")))
    assert lengths == ["4 h", "1 d"], "the short ones first"
    assert scored["4 h", "mds"] < 1, "the flux follows the light, with a noise of 0.5"

    by_network = tmp_path / "network.csv"
    done = geoml("predict", run, *data, "--sums", "month", "--out", by_network)
    assert done.code == 0 and "1 of 3 months have no sum" in done.err, done.err
    assert "go by few blocks of held-out records of all stations (" in done.err
    without_drivers = 5 + int((weather(62)[700:705, 0] < -9998).sum())
    january, february, march = table(by_network)
    assert float(january["filled_otherwise"]) == pytest.approx(without_drivers / 31 / 48) != 0
    assert january["missing"] == february["filled_otherwise"] == "0"
    for month in (january, february):
        assert float(month["sum_lower"]) < float(month["sum"]) < float(month["sum_upper"])
        assert float(month["filled"]) == pytest.approx(0.2, abs=0.05)
    assert march["sum"] == ""
    described = json.loads((tmp_path / "network.csv-metadata.json").read_text())
    assert "mds" in json.dumps(described) and "filled_otherwise_by" in json.dumps(described)


def test_another_fills_no_more_than_a_hundredth_of_a_period(trained, geoml, tmp_path):
    """The interval tells the network's errors; of a day, a record is more than that."""
    by_day = tmp_path / "day.csv"
    done = geoml("predict", trained, "--data", trained.parent / "data", "--sums", "day", "--out", by_day)
    assert done.code == 0 and "a whole window of drivers" in done.err and "--fill mds needs no window." in done.err
    days = pd.read_csv(by_day, comment="#")
    assert (days["filled_otherwise"] == 0).all()
    lacking = days["missing"] > 0
    assert lacking.any() and days["sum"][lacking].isna().all() and days["sum"][~lacking].notna().all()
    instead = ("--sums", "day", "--fill", "mds", "--out", tmp_path / "mds.csv")
    assert geoml("predict", trained, "--data", trained.parent / "data", *instead).code == 0
    assert pd.read_csv(tmp_path / "mds.csv", comment="#")["sum"][:31].notna().all(), "the remedy helps"


def test_mds_predicts_the_samples_of_the_run_with_an_interval_and_no_others(trained, geoml, tmp_path):
    run, data = trained, ("--data", trained.parent / "data")
    done = geoml("predict", run, *data, "--with", "mds", "--out", tmp_path / "s.csv", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["by"] == "mds, baseline of geomamba" and "Intervals: 90 %" in done.err
    found = pd.read_csv(tmp_path / "s.csv", comment="#")
    [name] = [column.removesuffix("_observed") for column in found if column.endswith("_observed")]
    assert (found[f"{name}_lower"] < found[name]).all() and (found[name] < found[f"{name}_upper"]).all()
    error = found[name] - found[f"{name}_observed"]
    assert float(np.sqrt(np.mean(error**2))) < 1 and "applicable" not in found
    assert geoml("predict", run, *data, "--with", "ridge", "--dry-run").code == 0
    refused = geoml("predict", run, *data, "--with", "nix", "--dry-run")
    assert refused.code == 2 and "mds" in refused.err


def test_mds_fills_records_without_drivers_too(trained, geoml, tmp_path):
    run, data = trained, ("--data", trained.parent / "data")
    told = geoml("predict", run, *data, "--sums", "month", "--fill", "mds", "--strict", "--out", tmp_path / "mds.csv")
    assert told.code == 0, told.err
    january, february, march = table(tmp_path / "mds.csv")
    measured = weather(62)[: 31 * 48, 0] > -9998
    assert float(january["observed"]) == pytest.approx(measured.mean()), "a record without a driver is measured too"
    assert january["missing"] == "0" and january["interval_of"] == february["interval_of"] == "fill"
    # The mean flux is 4 - 0.02 x 700 x 0.75 x 1 / pi a half-hour, of which 12.011e-6 x 1800 is gC.
    for month, days in ((january, 31), (february, 29)):
        expected = (4 - 0.02 * 700 * 0.75 / 3.14159) * 12.011e-6 * 86400 * days
        assert float(month["sum"]) == pytest.approx(expected, rel=0.1)
        # A fifth was filled. Means over days err by some 0.1 of a flux whose noise is 0.5, of 40 records or so.
        half = float(month["sum_upper"]) - float(month["sum"])
        assert half == pytest.approx(float(month["fill_half_width"]))
        assert 0.02 < half / (12.011e-6 * 86400 * days * float(month["filled"])) < 0.4
    assert march["sum"] == ""
    refused = geoml("predict", run, *data, "--sums", "month", "--fill", "nix")
    assert refused.code == 2 and "mds" in refused.err
    refused = geoml("predict", run, *data, "--fill", "mds")
    assert refused.code == 2 and "Add --sums" in refused.err
