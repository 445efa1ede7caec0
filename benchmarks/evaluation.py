"""`geoml evaluate` of many test rows with four baselines: the first time, and again from what the run kept.

Geo-Mamba, small, trained for a few steps on synthetic cells; two folds, so that every row is a test row once.
Each evaluation is a process of its own. Scores of both must be equal.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import _table
from benchmarks.raster import geoml
from geoml_cli.sources.gwsa import source as gwsa

SMALL = ("network.embedding=8", "network.width=16", "network.layers=1")
_AT_ONCE = 50_000
TRAINED = ("train.steps=20", "train.evaluate_steps=20", "train.batch_size=64", "train.calibrate=false")


def write_cells(raw: Path, rows: int) -> None:
    """Write a table of cells, some rows at a time: the synthetic ones again and again, elsewhere and with noise."""
    gwsa.SOURCE.synthetic(raw, 1)
    frame = pd.read_csv(raw / "gwsa.csv")
    frame = frame[(frame != -99999).all(axis=1)]
    random, spread = np.random.default_rng(1), frame["GWS"].std() / 2
    for start in range(0, rows, _AT_ONCE):
        place = np.arange(start, min(start + _AT_ONCE, rows))
        cells = frame.iloc[place % len(frame)].copy()
        cells["lon"], cells["lat"] = random.uniform(75, 130, len(cells)), random.uniform(20, 50, len(cells))
        cells["GWS"] += random.normal(0, spread, len(cells))
        mode = "a" if start else "w"
        cells.to_csv(raw / "gwsa.csv", mode=mode, header=not start, index=False, float_format="%.9g")


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
        folder = Path(name)
        write_cells(folder / "raw", given.rows)
        geoml(folder, "prepare", "gwsa", str(folder / "raw"))
        sets = [
            word for setting in (*SMALL, *TRAINED, "split.kind=random", "split.folds=2") for word in ("--set", setting)
        ]
        run = folder / "run"
        geoml(folder, "train", "geomamba", "--preset", "gwsa", "--run", str(run), "--cpu", *sets)
        shutil.rmtree(run / "kept", ignore_errors=True)
        costs, scores = [], []
        for _ in range(2):
            costs.append(geoml(folder, "evaluate", str(run)))
            scores.append(json.loads((run / "evaluation" / "test" / "metrics.json").read_text()))
    assert scores[0] == scores[1], "scores differ"
    lines = [
        (label, cost.seconds, cost.busy, cost.peak / 2**20)
        for label, cost in zip(("first", "again"), costs, strict=True)
    ]
    _table.show(f"Evaluation of {given.rows:,} rows, four baselines, two folds", ("", "s", "CPU s", "peak MiB"), lines)
    print()
    _table.ratio("first / again, CPU", costs[0].busy / costs[1].busy)


if __name__ == "__main__":
    main(sys.argv[1:])
