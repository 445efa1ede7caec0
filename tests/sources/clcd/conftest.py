"""A small class raster with covariates on its grid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geoml_cli.dataset.store import Dataset
from geoml_cli.sources.clcd.options import ClcdOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

PrepareClcd = Callable[..., tuple[Dataset, NullReporter]]
WriteRaster = Callable[..., Path]
CODES = np.zeros((20, 30), dtype=np.uint8)
CODES[2:, :10], CODES[2:, 10:28], CODES[2:, 28:] = 1, 2, 7
"""Classes: 0 is no data in the first two rows; then 180, 324 and 36 pixels of 1, 2 and 7."""
RAMP = (np.arange(20)[:, None] * 100 + np.arange(30)[None, :]).astype(np.float32)
"""Tells the pixel: 100 x row + column."""


@pytest.fixture
def prepare_clcd(tmp_path: Path) -> PrepareClcd:
    """Give a function that prepares a folder as `geoml prepare clcd` does."""

    def run(raw: Path, **given: Any) -> tuple[Dataset, NullReporter]:
        reporter = NullReporter()
        done = prepare(Raw("clcd", raw, ClcdOptions(**given)), tmp_path / "prepared" / "clcd", reporter)
        return Dataset(done.folder), reporter

    return run


@pytest.fixture
def cover(raster: WriteRaster, tmp_path: Path) -> Path:
    """Give a folder that can be prepared."""
    raw = tmp_path / "cover é"
    raster(raw / "classes/CLCD_v01_2020.tif", CODES)
    raster(raw / "covariates/pixel.tif", RAMP)
    raster(raw / "covariates/wave.tif", np.sin(RAMP))
    return raw
