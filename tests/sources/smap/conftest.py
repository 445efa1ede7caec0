"""Small exports, and `prepare smap` run on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from smap_case import write_exports

from geoml_cli.dataset.store import Dataset
from geoml_cli.sources.smap.options import SmapOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

Prepare = Callable[..., Dataset]


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Give a folder of exports with blanks and letters beyond ASCII in its name."""
    return write_exports(tmp_path / "raw é ü")


@pytest.fixture
def prepared(tmp_path: Path) -> Prepare:
    """Give a function that prepares raw files and returns the data set."""

    def run(given: Path, **options: Any) -> Dataset:
        done = prepare(Raw("smap", given, SmapOptions(**options)), tmp_path / "prepared", NullReporter(), force=True)
        return Dataset(done.folder)

    return run
