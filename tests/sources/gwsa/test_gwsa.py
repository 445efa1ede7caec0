"""`prepare gwsa` on the synthetic table, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from geoml_cli.dataset.store import Dataset
from geoml_cli.sources.gwsa.source import SOURCE

Geoml = Callable[..., object]


@pytest.fixture
def made(tmp_path: Path, geoml: Geoml) -> Dataset:
    SOURCE.synthetic(tmp_path / "raw", 3)
    done = geoml("prepare", "gwsa", tmp_path / "raw", "--data", tmp_path / "data", "--json")
    assert done.code == 0, done.err
    return Dataset(Path(json.loads(done.out)["folder"]))


def test_the_made_up_table_is_prepared(made: Dataset) -> None:
    funnel = made.manifest.funnel
    assert funnel.read == 15 * 16 * 8 and funnel.kept == funnel.read - sum(funnel.dropped.values())
    assert 0 < funnel.dropped["fill value (not above -9998)"] < 0.05 * funnel.read
    assert len(np.unique(made.array("cell"))) == 240 and made.array("cell").max() == 239
    factors = np.array([made.array(name) for name in (*made.labels("dynamic"), *made.labels("static"))])
    assert factors.shape[0] == 20 and np.isfinite(factors).all() and factors.min() > -9998


def test_storage_depends_on_the_factors(made: Dataset) -> None:
    """A plain regression on factors and place explains most, so that a network has something to learn."""
    names = ("rf", "E", "SMrz", "NDVI", "lat", "lon")
    columns = [np.array(made.array(name), dtype=float) for name in names]
    design = np.column_stack([np.ones(len(columns[0])), *columns])
    storage = np.array(made.array("GWS"), dtype=float)
    fitted = design @ np.linalg.lstsq(design, storage, rcond=None)[0]
    explained = 1 - np.var(storage - fitted) / np.var(storage)
    assert 0.4 < explained < 0.99


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        SOURCE.synthetic(tmp_path / folder, seed)
    texts = [(tmp_path / folder / "gwsa.csv").read_bytes() for folder in "abc"]
    assert texts[0] == texts[1] != texts[2]
    assert b"-99999" in texts[0] and b"\r\n" in texts[0]
    assert texts[0].split(b"\r\n")[0].startswith(b"OID_,pointid,grid_code,lon,lat,")


def test_options_of_the_command(tmp_path: Path, geoml: Geoml) -> None:
    SOURCE.synthetic(tmp_path / "raw", 3)
    done = geoml("prepare", "gwsa", tmp_path / "raw", "--memory", "1KB", "--data", tmp_path / "data")
    assert done.code == 2 and "--memory 1KB: 1KB is not enough; give 64MB at least" in done.err
    done = geoml("prepare", "gwsa", tmp_path / "raw", "--dynamic", "rf", "--dynamic", "Q", "--data", tmp_path / "data")
    assert done.code == 3 and "there is no column Q" in done.err and "--dynamic" in done.err
