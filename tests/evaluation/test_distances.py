"""Distances of the split beside those of the map: against all pairs of places, and in words."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from evaluation_case import Case, fields

from geoml_cli.config.tables.evaluate import EvaluateSettings
from geoml_cli.evaluation.distances import distance_figure, split_distances
from geoml_cli.evaluation.evaluate import evaluate_network
from geoml_cli.evaluation.write import write_network
from geoml_cli.figures.report import ReportFigure
from geoml_cli.samples.coordinates import EARTH_RADIUS_KM, on_sphere
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.work.reporting import NullReporter

QUICK = EvaluateSettings(n_bootstrap=100, importance_repeats=0, baselines=())


def all_pairs_km(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return EARTH_RADIUS_KM * np.arccos(np.clip(on_sphere(one) @ on_sphere(other).T, -1, 1))


def split_of(kind: str, **given: object) -> SplitSettings:
    return SplitSettings(kind=kind, folds=3, seeds=(1, 2), **given)  # type: ignore[arg-type]


def test_distances_are_those_of_all_pairs(tmp_path: Path) -> None:
    file = tmp_path / "map.csv"
    file.write_text("lon,lat\n21.0,41.5\n25,41.5\n")
    inputs = Case(tmp_path, split=split_of("blocks", map_points=str(file))).inputs()
    found = split_distances(inputs).by_name
    place = fields()[2].round(6)
    apart = all_pairs_km(place, place)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(np.sort(found["sample to sample"]), np.sort(apart.min(axis=1)), rtol=1e-5, atol=1e-3)
    folds = [inputs.run.split(name) for name in inputs.predictors if inputs.run.split(name).seed == 1]
    expected = np.concatenate([apart[np.ix_(split.test, split.train)].min(axis=1) for split in folds])
    assert len(folds) == 3 and len(expected) == 240, "a fold counts once, whatever its seeds"
    np.testing.assert_allclose(np.sort(found["fold to fold"]), np.sort(expected), rtol=1e-5, atol=1e-3)
    points = all_pairs_km(np.array([[21.0, 41.5], [25, 41.5]]), place).min(axis=1)
    np.testing.assert_allclose(found["map to sample"], points, rtol=1e-5, atol=1e-3)


def test_the_report_has_a_figure_a_sentence_and_a_table_of_its_name(tmp_path: Path) -> None:
    inputs = Case(tmp_path, split=split_of("random"), evaluate=QUICK).inputs()
    written = write_network(inputs, evaluate_network(inputs, NullReporter()), NullReporter())
    figure = written.figures.figures["distances.png"]
    assert "Half of the test places lie within" in figure.caption and figure.caption.split(".")[0] in (
        written.folder / "report.html"
    ).read_text(encoding="utf-8")
    assert "spread over the convex hull" in figure.caption
    assert figure.text.startswith("Medians of three distributions of distances: sample to sample ")
    assert (written.folder / "figures" / "distances.png").is_file()
    rows = list(csv.DictReader((written.folder / "distances.csv").read_text(encoding="utf-8").splitlines()))
    assert list(rows[0]) == ["share", "sample_to_sample_km", "fold_to_fold_km", "map_to_sample_km"]
    found = split_distances(inputs).by_name["fold to fold"]
    assert float(rows[50]["share"]) == 0.5
    assert float(rows[50]["fold_to_fold_km"]) == pytest.approx(np.median(found), rel=1e-6)
    assert float(rows[100]["fold_to_fold_km"]) == pytest.approx(found.max(), rel=1e-6)


@pytest.mark.parametrize(
    ("point", "words"),
    [("23.5,41.5", "the test is easier than the map"), ("{0},{1}", "the test is harder than the map")],
)
def test_the_sentence_says_whether_the_test_is_as_hard_as_the_map(point: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "map.csv"
    file.write_text("lon,lat\n" + point.format(*fields()[2][7]) + "\n")
    inputs = Case(tmp_path, split=split_of("random", map_points=str(file))).inputs()
    drawn = distance_figure(inputs, split_distances(inputs))
    assert isinstance(drawn, ReportFigure) and words in drawn.caption


def test_knndm_folds_of_a_run_are_as_far_as_the_map(tmp_path: Path) -> None:
    """Of a map east of all samples, at 20 to 60 km."""
    file = tmp_path / "map.csv"
    far = np.random.default_rng(1).uniform([22.6, 41], [23.2, 42], (300, 2))
    file.write_text("lon,lat\n" + "".join(f"{lon},{lat}\n" for lon, lat in far))
    middle = {}
    for kind in ("random", "knndm"):
        (tmp_path / kind).mkdir()
        found = split_distances(Case(tmp_path / kind, split=split_of(kind, map_points=str(file))).inputs()).by_name
        middle[kind] = abs(np.median(found["fold to fold"]) - np.median(found["map to sample"]))
    assert middle["knndm"] < 0.7 * middle["random"]


def test_what_has_no_distances_is_told(tmp_path: Path) -> None:
    for name, case, words in (
        ("places", Case(tmp_path / "places", split=split_of("random"), coordinates=False), "have no coordinates"),
        ("file", Case(tmp_path / "file", split=split_of("random", map_points="no.csv")), "there is no file 'no.csv'"),
        ("import", Case(tmp_path / "import", split=split_of("random"), imported=True), "training rows are unknown"),
    ):
        (tmp_path / name).mkdir()
        inputs = case.inputs()
        told = distance_figure(inputs, split_distances(inputs))
        assert isinstance(told, str) and words in told, name
    (tmp_path / "train").mkdir()
    inputs = Case(tmp_path / "train").inputs(subset="train")
    assert "for test samples at places" in split_distances(inputs).missing
