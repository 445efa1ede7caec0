"""Small files in FLUXNET's layout, and `prepare fluxnet` run on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flux_case import columns, write

from geoml_cli.dataset.store import Dataset
from geoml_cli.sources.fluxnet import synthetic as made
from geoml_cli.sources.fluxnet.options import FluxnetOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

Prepare = Callable[..., Dataset]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Give a folder, with blanks and letters beyond ASCII in its name, that holds two sites and their table."""
    folder = tmp_path / "raw é ü"
    folder.mkdir()
    for number, tower in enumerate(made.TOWERS[:2]):
        write(folder, tower, columns(tower, seed=number))
    made.site_table(folder / "siteinfo.csv", made.TOWERS)
    return folder


@pytest.fixture
def prepared(tmp_path: Path) -> Prepare:
    """Give a function that prepares raw files and returns the data set."""

    def run(given: Path, **options: Any) -> Dataset:
        done = prepare(
            Raw("fluxnet", given, FluxnetOptions(**options)), tmp_path / "prepared", NullReporter(), force=True
        )
        return Dataset(done.folder)

    return run
