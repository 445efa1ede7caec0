"""Rows a second and peak memory of `geoml predict --table` at two sizes, and of a loop over single rows.

Geo-Mamba, small, trained for a few steps on synthetic cells (weights do not change the time). Each prediction is a
process of its own, measured by the system from start to end, so its figures hold start-up, reading the CSV and writing
another. The loop has its rows in memory and calls the same network once a row, as scripts often do; it runs over some
of the table's rows, must give the same numbers, and its figure is per row of these.

The network alone, over rows in memory, is compared in this process with a loop over the same batches that shares each
out over PyTorch's threads.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks import _table, _ways
from benchmarks.raster import geoml
from geoml_cli.dataset.store import Dataset
from geoml_cli.inference.load import open_trained
from geoml_cli.runs.run import Run
from geoml_cli.sources.gwsa import source as gwsa

ROWS, LOOPED, ALONE = (100_000, 1_000_000), 500, 32_768
_BATCH = 4096
_AT_ONCE = 50_000
_TOLERANCE = 1e-4
"""Largest difference between the two ways [cm]; storage varies by some cm."""


def trained(folder: Path, network: Sequence[str]) -> Path:
    """Prepare and train; return the run's folder."""
    gwsa.SOURCE.synthetic(folder / "raw", 1)
    geoml(folder, "prepare", "gwsa", str(folder / "raw"))
    small = (*network, "train.steps=20", "train.evaluate_steps=10", "train.batch_size=64")
    sets = [part for setting in small for part in ("--set", setting)]
    run = folder / "run"
    geoml(folder, "train", "geomamba", "--preset", "gwsa", "--run", str(run), "--cpu", *sets)
    return run


def write_table(path: Path, raw: Path, rows: int) -> None:
    """Write a table of cells, some rows at a time: those of the synthetic table again and again, elsewhere."""
    frame = pd.read_csv(raw).drop(columns="GWS")
    frame = frame[(frame != -99999).all(axis=1)]
    random = np.random.default_rng(1)
    for start in range(0, rows, _AT_ONCE):
        place = np.arange(start, min(start + _AT_ONCE, rows))
        part = frame.iloc[place % len(frame)].copy()
        part["lon"], part["lat"] = random.uniform(75, 130, len(part)), random.uniform(20, 50, len(part))
        part.to_csv(path, mode="a", header=not start, index=False, float_format="%.7g")


def one_by_one(run: Run, dataset: Dataset, table: Path, rows: int) -> tuple[float, NDArray[np.float64]]:
    """Loop over single rows of a table; return rows a second and the predictions, shape [rows]."""
    assert gwsa.SOURCE.rows is not None
    block = next(gwsa.SOURCE.rows(table, dataset, rows)).read()
    samples = open_trained(run).samples(block.variables)
    inputs = [
        torch.from_numpy(np.asarray(item.values[np.arange(rows)], dtype=np.float32)) for item in samples.inputs.values()
    ]
    network = open_trained(run, [run.members()[0]]).load_network(run.members()[0])
    found = np.full(rows, np.nan)
    torch.set_num_threads(1)  # threads have nothing to share in a row, and would slow the loop down
    with torch.inference_mode():
        network(*(values[:1] for values in inputs))  # what a first call prepares is not counted
        started = time.perf_counter()
        for row in range(rows):
            found[row] = float(network(*(values[row : row + 1] for values in inputs))[0])
        seconds = time.perf_counter() - started
    return rows / seconds, found


def alone(run: Run, dataset: Dataset, table: Path, size: tuple[int, int]) -> dict[str, float]:
    """Predict rows in memory in two ways; return rows a second of each.

    Args:
        run: Trained.
        dataset: It was trained on.
        table: Of the rows.
        size: Most rows, and measurements of each way, of which the fastest counts.
    """
    assert gwsa.SOURCE.rows is not None
    most, turns = size
    trained = open_trained(run, [run.members()[0]])
    samples = trained.samples(next(gwsa.SOURCE.rows(table, dataset, most)).read().variables)
    predictor, rows = trained.network_predictor(""), np.arange(len(samples))
    network = trained.load_network(trained.members[0])
    ways = {
        "one after another": _ways.one_after_another(network, samples, _BATCH),
        "side by side": lambda: np.asarray(predictor.each(samples, rows)[0].numpy()),
    }
    return {name: len(rows) / taken for name, taken in _ways.seconds(ways, _TOLERANCE, turns).items()}


def check(out: Path, looped: NDArray[np.float64]) -> None:
    """Refuse predictions that differ.

    Raises:
        AssertionError: Names the largest difference.
    """
    fast = pd.read_csv(out, nrows=len(looped))["GWS"].to_numpy()
    difference = np.abs(fast - looped).max()
    if not difference <= _TOLERANCE:
        raise AssertionError(f"the two ways differ by {difference:g} cm")


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prediction", description=__doc__)
    parser.add_argument("--rows", type=int, nargs=2, default=ROWS, help="of the tables")
    parser.add_argument("--looped", type=int, default=LOOPED, help="rows that the loop over single rows visits")
    parser.add_argument("--turns", type=int, default=5, help="measurements of the network alone")
    parser.add_argument("--embedding", type=int, default=8, help="width of the network's stream")
    parser.add_argument("--width", type=int, default=16, help="of its Mamba blocks")
    parser.add_argument("--layers", type=int, default=1, help="Mamba blocks of an encoder")
    given = parser.parse_args(arguments)
    network = [f"network.{name}={getattr(given, name)}" for name in ("embedding", "width", "layers")]
    with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
        _measure(Path(name), (sorted(given.rows), given.looped, given.turns), network)


def _measure(folder: Path, size: tuple[Sequence[int], int, int], network: Sequence[str]) -> None:
    (sizes, looped, turns), run = size, trained(folder, network)
    costs = {}
    for rows in sizes:
        table, out = folder / f"{rows}.csv", folder / f"{rows}-predicted.csv"
        write_table(table, folder / "raw" / "gwsa.csv", rows)
        costs[rows] = geoml(folder, "predict", str(run), "--table", str(table), "--out", str(out))
    data, first_table = Dataset(folder / "data" / "gwsa"), folder / f"{sizes[0]}.csv"
    batches = alone(Run(run), data, first_table, (ALONE, turns))  # before PyTorch is set to use one thread
    few = min(looped, sizes[0])
    slow, found = one_by_one(Run(run), data, first_table, few)
    check(folder / f"{sizes[0]}-predicted.csv", found)
    lines = [
        (f"{rows:,}", cost.seconds, cost.busy, rows / cost.seconds, cost.peak / 2**20) for rows, cost in costs.items()
    ]
    title = f"A table of cells, geomamba ({', '.join(network)}), CPU; start-up, reading and writing CSV included"
    _table.show(title, ("rows", "s", "CPU s", "rows/s", "peak MiB"), lines)
    print(f"\nloop over single rows, rows in memory: {slow:,.0f} rows/s (over {few:,} rows; equal numbers)\n")
    _table.show(f"The network alone, batches of {_BATCH:,}", ("batches", "rows/s"), list(batches.items()))
    print()
    first, last = costs[sizes[0]], costs[sizes[-1]]
    _table.ratio(f"peak memory, {sizes[-1] / sizes[0]:.0f} times the rows", last.peak / first.peak)
    _table.ratio("geoml / loop over single rows, rows a second", sizes[-1] / last.seconds / slow)
    _table.ratio("batches, side by side / one after another", batches["side by side"] / batches["one after another"])


if __name__ == "__main__":
    main(sys.argv[1:])
