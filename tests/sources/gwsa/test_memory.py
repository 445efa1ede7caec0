"""Memory is bounded by the option, not by the rows of a table."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geoml_cli.dataset.store import Dataset
from geoml_cli.sources.gwsa import tables
from geoml_cli.sources.gwsa.source import SOURCE
from geoml_cli.work.reporting import NullReporter

PrepareGwsa = Callable[..., tuple[Dataset, NullReporter]]


def table(path: Path, cells: int) -> None:
    years = np.arange(2000, 2020)
    place = {"lat": 20 + 0.01 * (np.arange(cells) // 100), "lon": 100 + 0.01 * (np.arange(cells) % 100)}
    random = np.random.default_rng(0)
    columns = {name: np.repeat(values, len(years)) for name, values in place.items()}
    columns |= {"year": np.tile(years, cells), "LC": random.integers(0, 17, cells * len(years))}
    columns |= {name: random.random(cells * len(years)) for name in ("rf", "E", "DEM", "GWS")}
    pd.DataFrame(columns).to_csv(path, index=False)


def peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_longer_table_takes_no_more_memory(
    raw: Path, prepare_gwsa: PrepareGwsa, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A cell costs a few bytes, for its number; its rows cost one each, to tell repeats; the rest is bounded."""
    monkeypatch.setattr("geoml_cli.sources.gwsa.cell_rows._ROW_COPIES", 200)  # of 64 MB, 2,600 rows
    monkeypatch.setattr("geoml_cli.sources.gwsa.cell_rows._KEPT_COPIES", 200)  # none is kept for the second reading
    # The quantiles that tell fills keep so many values of a column: of both tables, not of the larger one alone.
    monkeypatch.setattr("geoml_cli.readers.undeclared_fills._SAMPLE", 1 << 10)
    found = {}
    for cells in (1000, 4000):
        table(raw / "t.csv", cells)
        prepare_gwsa(raw, memory="64MB")  # what is imported on the way is not counted
        found[cells] = peak(lambda: prepare_gwsa(raw, memory="64MB", units=("rf=mm",)))
    assert found[4000] < 1.15 * found[1000]
    dataset = prepare_gwsa(raw, memory="64MB")[0]
    assert len(dataset.array("rf")) == 80_000
    assert SOURCE.rows is not None
    read = {}
    for cells in (1000, 4000):
        table(tmp_path / "new.csv", cells)
        read[cells] = peak(lambda: [None for _ in SOURCE.rows(tmp_path / "new.csv", dataset, 2000)])
    assert read[4000] < 1.15 * read[1000]


def test_a_table_that_fits_is_read_once_and_gives_the_same(
    raw: Path, prepare_gwsa: PrepareGwsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(raw / "t.csv", 50)
    read: list[int] = []
    panels = tables.panels
    monkeypatch.setattr(tables, "panels", lambda *given: read.append(1) or panels(*given))
    once = prepare_gwsa(raw)[0].manifest
    assert len(read) == 1
    monkeypatch.setattr("geoml_cli.sources.gwsa.cell_rows._KEPT_COPIES", 1 << 20)
    twice = prepare_gwsa(raw, units=("rf=mm",))[0].manifest
    assert len(read) == 3 and once.content == twice.content
