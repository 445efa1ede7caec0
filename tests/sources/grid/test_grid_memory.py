"""Memory is bounded by blocks, not by the number or the size of files."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest
from grid_files import prepared, write

DAYS = {"units": "days since 2001-01-01"}


def peak(path):
    tracemalloc.start()
    try:
        prepared(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def soon_collected():
    """Collect cycles of objects soon: what was done before decides when that happens otherwise."""
    before = gc.get_threshold()
    gc.set_threshold(100, 2, 2)
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize("per_file", [100, 10])
def test_more_time_steps_take_no_more_memory(tmp_path, monkeypatch, soon_collected, per_file):
    frame = 4 * 80 * 120
    for module in ("gridded", "grid_dataset"):
        monkeypatch.setattr(f"geoml_cli.readers.{module}.BLOCK_BYTES", 10 * frame)
    lat, lon = np.arange(80.0), np.arange(120.0)
    values = np.random.default_rng(0).random((per_file, 80, 120)).astype(np.float32)
    used = {}
    for steps in (100, 300):
        folder = tmp_path / str(steps)
        folder.mkdir()
        for first in range(0, steps, per_file):
            times = first + np.arange(per_file)
            write(folder / f"{first}.nc", values, lat=lat, lon=lon, times=times, time_attrs=DAYS)
        prepared(folder)  # what is imported on the way is not counted
        used[steps] = min(peak(folder) for _ in range(2))
    # Each file costs some 40 kB for its names and coordinates; values of 200 more steps would cost 7.7 MB.
    assert used[300] - used[100] < 0.2 * 200 * frame
