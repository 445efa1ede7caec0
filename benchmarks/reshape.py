"""A wide table of cells to rows of cell and year: all at once against a loop over its rows.

Both ways must give the same numbers; they are compared in every run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks import _table
from geoml_cli.readers.columns import Part
from geoml_cli.sources.gwsa.factors import DYNAMIC, STATIC
from geoml_cli.sources.gwsa.layout import Wide
from geoml_cli.sources.gwsa.reshape import lengthen

CELLS, YEARS = 2000, tuple(range(2002, 2025))
_NAMES = (*DYNAMIC, "LC", "GWS")
Long = dict[str, NDArray[np.float64]]


def made_up(cells: int) -> pd.DataFrame:
    """Make a wide table; some columns of a year are missing, as in real ones."""
    random = np.random.default_rng(0)
    columns = {name: random.random(cells) for name in ("lat", "lon", *STATIC)}
    columns |= {f"{name}_{year}": random.random(cells) for name in _NAMES for year in YEARS}
    del columns[f"GWS_{YEARS[-1]}"]
    return pd.DataFrame(columns)


def layout(frame: pd.DataFrame) -> Wide:
    """Tell what the columns are."""
    stamps = tuple(str(year) for year in YEARS)
    timed = {name: {s: f"{name}_{s}" for s in stamps if f"{name}_{s}" in frame} for name in _NAMES}
    return Wide(("lat", "lon"), {name: name for name in STATIC}, timed, stamps)


def row_by_row(frame: pd.DataFrame) -> Long:
    """Do it the plain way: a loop over cells and years."""
    rows = []
    for _, cell in frame.iterrows():
        for year in YEARS:
            values = {name: cell[name] for name in STATIC}
            values |= {name: cell.get(f"{name}_{year}", np.nan) for name in _NAMES}
            rows.append(values)
    long = pd.DataFrame(rows)
    return {name: long[name].to_numpy(dtype=np.float64) for name in long}


def check(fast: Long, slow: Long) -> None:
    """Refuse results that differ.

    Raises:
        AssertionError: Names the first factor that differs.
    """
    if set(fast) != set(slow):
        raise AssertionError(f"the two ways give other columns: {set(fast) ^ set(slow)}")
    for name, values in fast.items():
        np.testing.assert_array_equal(values, slow[name], err_msg=f"the two ways differ in {name}")


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reshape", description=__doc__)
    parser.add_argument("--cells", type=int, default=CELLS, help="rows of the wide table")
    parser.add_argument("--repeats", type=int, default=5, help="of the fast way; the fastest counts")
    given = parser.parse_args(arguments)
    frame = made_up(given.cells)
    part, wide = Part(Path("synthetic"), frame, "row"), layout(frame)
    seconds = []
    for _ in range(given.repeats):
        started = time.perf_counter()
        fast = lengthen(part, wide)
        seconds.append(time.perf_counter() - started)
    started = time.perf_counter()
    slow = row_by_row(frame)
    seconds_slow = time.perf_counter() - started
    check(fast, slow)
    rows = given.cells * len(YEARS)
    ways = (("all at once", min(seconds)), ("row by row", seconds_slow))
    title = f"{given.cells:,} cells x {len(YEARS)} years, {len(_NAMES) + len(STATIC)} columns; equal numbers"
    _table.show(title, ("way", "s", "rows/s"), [(name, took, rows / took) for name, took in ways])
    print()
    _table.ratio("wide to long, row by row / all at once", seconds_slow / min(seconds))


if __name__ == "__main__":
    main(sys.argv[1:])
