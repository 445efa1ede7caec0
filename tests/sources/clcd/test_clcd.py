"""`prepare clcd` on the synthetic valley, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio

from geoml_cli.dataset.store import Dataset
from geoml_cli.sources.clcd.source import SOURCE

Geoml = Callable[..., object]


def test_the_made_up_valley_is_prepared(tmp_path: Path, geoml: Geoml) -> None:
    SOURCE.synthetic(tmp_path / "raw", 3)
    done = geoml("prepare", "clcd", tmp_path / "raw", "--samples", "900", "--data", tmp_path / "data", "--json")
    assert done.code == 0, done.err
    dataset = Dataset(Path(json.loads(done.out)["folder"]))
    funnel = dataset.manifest.funnel
    assert funnel.read == 900 and 0.98 * 900 < funnel.kept < 900
    assert dataset.labels("dynamic") == ["ndvi"] and dataset.labels("static") == ["dem", "slope", "town"]
    assert len(dataset.labels("class_name")) == 7 and "wetland" not in dataset.labels("class_name")
    assert np.unique(dataset.array("year")).tolist() == [2018, 2019, 2020]
    counts = np.bincount(dataset.array("class"))
    assert counts.max() - counts.min() <= 10, "balanced, but for pixels without data"


def test_what_is_warned_of_is_no_note_as_well(tmp_path: Path, geoml: Geoml) -> None:
    SOURCE.synthetic(tmp_path / "raw", 3)
    with rasterio.open(tmp_path / "raw/covariates/dem.tif", "r+") as file:
        file.update_tags(1, LAYER_TYPE="thematic")
    done = geoml("prepare", "clcd", tmp_path / "raw", "--samples", "90", "--data", tmp_path / "data")
    assert done.code == 0 and done.err.count("the file names or colours classes") == 1
    assert "Warning: dem: the file names" in done.err and "\nNote: pixels: " in done.err
    again = geoml("prepare", "clcd", tmp_path / "raw", "--samples", "90", "--data", tmp_path / "data")
    assert "Note: dem: the file names" in again.err, "of a data set that stands there it is a note"


def test_classes_follow_from_covariates(tmp_path: Path, geoml: Geoml) -> None:
    """A shallow tree finds most classes, so that a network has something to learn."""
    from sklearn.tree import DecisionTreeClassifier

    SOURCE.synthetic(tmp_path / "raw", 3)
    assert geoml("prepare", "clcd", tmp_path / "raw", "--samples", "2000", "--data", tmp_path / "data").code == 0
    dataset = Dataset(tmp_path / "data" / "clcd")
    inputs = np.column_stack([dataset.array(name) for name in ("ndvi", "dem", "slope", "town")])
    classes, half = np.array(dataset.array("class")), len(inputs) // 2
    order = np.random.default_rng(0).permutation(len(inputs))
    tree = DecisionTreeClassifier(max_depth=9, random_state=0).fit(inputs[order[:half]], classes[order[:half]])
    assert 0.6 < tree.score(inputs[order[half:]], classes[order[half:]]) < 0.98


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        SOURCE.synthetic(tmp_path / folder, seed)
    found = [
        {path.relative_to(tmp_path / folder): path.read_bytes() for path in sorted((tmp_path / folder).rglob("*.tif"))}
        for folder in "abc"
    ]
    assert found[0] == found[1] != found[2] and len(found[0]) == 9


def test_a_run_is_not_given_covariates_in_another_unit(tmp_path: Path, geoml: Geoml) -> None:
    def prepared(unit: str, factor: float) -> Path:
        raw = tmp_path / unit
        SOURCE.synthetic(raw, 3)
        with rasterio.open(raw / "covariates/dem.tif", "r+") as file:
            file.scales, file.units = (file.scales[0] * factor,), (unit,)
        done = geoml("prepare", "clcd", raw, "--samples", "300", "--data", raw / "data", "-q")
        assert done.code == 0, done.err
        return raw / "data"

    short = ("train.epochs=1", "split.kind=random", "split.seeds=[1]", "network.width=4", "network.embedding=4")
    words = [word for text in short for word in ("--set", text)]
    metres, miles = prepared("m", 1.0), prepared("mile", 1 / 1609)
    done = geoml("train", "geomamba", "--preset", "clcd", *words, "--data", metres, "--run", tmp_path / "run", "-q")
    assert done.code == 0, done.err
    done = geoml("predict", tmp_path / "run", "--data", miles, "--index", "1")
    assert done.code == 3 and "dem is in mile, and was in m when run" in done.err, done.err
    done = geoml("predict", tmp_path / "run", "--rasters", tmp_path / "mile/covariates", "--data", metres, "--map")
    assert done.code == 3 and "dem is in mile, and the data set's in m" in done.err, done.err
    for unit in ("metre", "m"):
        done = geoml("predict", tmp_path / "run", "--data", prepared(unit, 1.0), "--index", "1")
        assert done.code == 0, done.err
