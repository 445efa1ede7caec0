"""Small tables of cells, as users have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from geoml_cli.dataset.store import Dataset
from geoml_cli.sources.gwsa.options import GwsaOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

SMALL = {"dynamic": ("rf", "E"), "static": ("DEM",)}
PrepareGwsa = Callable[..., tuple[Dataset, NullReporter]]


@pytest.fixture
def prepare_gwsa(tmp_path: Path) -> PrepareGwsa:
    """Give a function that prepares a folder as `geoml prepare gwsa` does, with two factors and one static one."""

    def run(raw: Path, **given: Any) -> tuple[Dataset, NullReporter]:
        reporter = NullReporter()
        done = prepare(Raw("gwsa", raw, GwsaOptions(**(SMALL | given))), tmp_path / "prepared" / "gwsa", reporter)
        return Dataset(done.folder), reporter

    return run


@pytest.fixture
def long() -> pd.DataFrame:
    """Give two cells in three years."""
    return pd.DataFrame(
        {
            "pointid": [7, 7, 7, 8, 8, 8],
            "lat": [30.125] * 3 + [30.375] * 3,
            "lon": [100.125] * 3 + [100.375] * 3,
            "year": [2003, 2004, 2005] * 2,
            "rf": [500.0, 510.0, 520.0, 600.0, 610.0, 620.0],
            "E": [300.0, 310.0, 320.0, 400.0, 410.0, 420.0],
            "DEM": [1000] * 3 + [2000] * 3,
            "LC": [10, 10, 12, 0, 16, 5],
            "GWS": [1.0, 2.0, 3.0, -4.0, -5.0, -6.0],
        }
    )


@pytest.fixture
def wide(long: pd.DataFrame) -> pd.DataFrame:
    """Give the same cells with one row each."""
    turned = long.pivot(index="pointid", columns="year", values=["rf", "E", "LC", "GWS"])
    turned.columns = [f"{name}_{year}" for name, year in turned.columns]
    fixed = long.drop_duplicates("pointid").set_index("pointid")[["lat", "lon", "DEM"]]
    return fixed.join(turned).reset_index()


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Give an empty folder of raw files."""
    folder = tmp_path / "raw é"
    folder.mkdir()
    return folder
