"""Triple collocation in an evaluation, and where a reference stands in its tables."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_case import SIZE, Case, fields

from geoml_cli.baselines.baseline import Baseline
from geoml_cli.config.tables.evaluate import EvaluateSettings
from geoml_cli.evaluation.collocation import FEWEST_SAMPLES
from geoml_cli.evaluation.evaluate import evaluate_network
from geoml_cli.evaluation.report import NetworkReport
from geoml_cli.evaluation.score_tables import summary_table
from geoml_cli.evaluation.write import write_network
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.work.reporting import NullReporter

FEW = 40
STATIONS = ["few"] * FEW + ["many"] * (SIZE - FEW)
ROUGH = fields()[1] * np.linspace(0.5, 1.5, SIZE)
"""An estimate that is given, as SMAP is: it is not fitted."""


def evaluated(folder: Path, *, reference: bool) -> NetworkReport:
    """Evaluate a network beside ridge and a given estimate."""
    rough = Baseline("given", lambda samples, rows, seed: lambda given, chosen: ROUGH[chosen], reference=reference)
    evaluate = EvaluateSettings(n_bootstrap=100, importance_repeats=0, baselines=("ridge", "rough"))
    split = SplitSettings(kind="blocks", folds=3, seeds=(1,))
    inputs = Case(folder, split=split, evaluate=evaluate, stations=STATIONS).inputs()
    inputs = replace(inputs, network=replace(inputs.network, baselines={"rough": rough}))
    return write_network(inputs, evaluate_network(inputs, NullReporter()), NullReporter())


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return evaluated(tmp_path_factory.mktemp("collocation"), reference=True)


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_errors_at_a_station_are_those_of_its_covariances(report):
    pooled = report.result.pooled
    own = pooled.rows_P >= FEW
    covariance = np.cov([pooled.observed_P[own], ROUGH[pooled.rows_P[own]], pooled.predicted_P[own]])
    (xx, xy, xz), (_, yy, yz), (_, _, zz) = covariance
    error = np.array([xx - xy * xz / yz, (yy - xy * yz / xz) * (xz / yz) ** 2, (zz - xz * yz / xy) * (xy / yz) ** 2])
    rows = table(report.folder / "triple_collocation.csv")
    assert [(row["station"], row["series"], row["n"]) for row in rows] == [
        ("many", name, str(SIZE - FEW)) for name in ("observed", "rough", report.result.network.name)
    ]
    assert (error > 0).any()
    for row, variance in zip(rows, error, strict=True):
        assert row["error_std"] == ("" if variance < 0 else f"{np.sqrt(variance):.9g}")


def test_the_record_and_the_report_say_what_is_assumed(report):
    found = json.loads((report.folder / "metrics.json").read_text(encoding="utf-8"))["triple_collocation"]
    assert found["stations"] == 1 and found["fewest_samples"] == FEWEST_SAMPLES
    rows = table(report.folder / "triple_collocation.csv")
    for row in rows:
        of_series = found["series"][row["series"]]
        assert of_series["stations_defined"] == int(bool(row["error_std"]))
        for key in ("error_std", "correlation_with_truth", "snr_db"):
            assert of_series[key] == (pytest.approx(float(row[key])) if row[key] else None)
    [shown] = [one for one in report.tables if one.title == "Triple collocation"]
    for text in (found["assumption"], shown.caption, (report.folder / "report.html").read_text(encoding="utf-8")):
        assert "was trained on observations, and rough, which it is made to improve, is among its inputs" in text


def test_a_reference_heads_every_table(report):
    names = ["rough", report.result.network.name, "ridge"]
    assert [row[0] for row in summary_table(report.result)[1]] == names
    first = next(one for one in report.tables if one.title == "Baselines")
    assert [row[0].removesuffix(" (network)") for row in first.rows] == names
    for file, column in (("baselines.csv", "name"), ("scores.csv", "model"), ("across_stations.csv", "model")):
        assert list(dict.fromkeys(row[column] for row in table(report.folder / file))) == names
    wide = [name for name in table(report.folder / "per_station.csv")[0] if name.startswith("RMSE_")]
    assert [name for name in wide if not name.endswith(("_low", "_high"))] == [f"RMSE_{name}" for name in names]


def test_without_a_reference_the_network_comes_first_and_nothing_is_collocated(tmp_path):
    found = evaluated(tmp_path, reference=False)
    assert found.result.collocation is None and not (found.folder / "triple_collocation.csv").exists()
    assert next(iter(found.result.models)) == found.result.network.name == summary_table(found.result)[1][0][0]
