"""Time and peak memory of every verb over the number of rows, and the exponents with which they grow.

Geo-Mamba, small, on synthetic cells. Each verb is a process of its own, measured by the system from start to end.
Training takes as many steps whatever the rows; evaluation fits the baselines that are asked for; the prediction is of a
table with as many rows. An exponent of 1 is linear, of 0 constant; below 1 the start-up still counts.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import _table
from benchmarks.evaluation import SMALL, write_cells
from benchmarks.prediction import write_table
from benchmarks.raster import Cost, geoml
from geoml_cli.sources.gwsa import source as gwsa

VERBS = ("prepare", "train", "evaluate", "predict")


def measured(folder: Path, rows: int, steps: int, baselines: Sequence[str]) -> dict[str, Cost]:
    """Take every verb over a table of cells."""
    raw, run = folder / "raw", folder / "run"
    write_cells(raw, rows)
    settings = [*SMALL, "split.kind=random", "split.folds=1", "train.batch_size=64"]
    settings += [f"train.steps={steps}", f"train.evaluate_steps={steps}"]
    sets = [word for setting in settings for word in ("--set", setting)]
    named = ", ".join(f'"{name}"' for name in baselines)
    costs = {"prepare": geoml(folder, "prepare", "gwsa", str(raw))}
    (raw / "gwsa.csv").unlink()
    costs["train"] = geoml(folder, "train", "geomamba", "--preset", "gwsa", "--run", str(run), "--cpu", *sets)
    costs["evaluate"] = geoml(folder, "evaluate", str(run), "--set", f"evaluate.baselines=[{named}]")
    gwsa.SOURCE.synthetic(folder / "spare", 1)
    write_table(folder / "cells.csv", folder / "spare" / "gwsa.csv", rows)
    places = ("--table", str(folder / "cells.csv"), "--out", str(folder / "predicted.csv"))
    costs["predict"] = geoml(folder, "predict", str(run), *places)
    return costs


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000], help="of each table, ascending")
    parser.add_argument("--steps", type=int, default=1000, help="of training")
    parser.add_argument("--baselines", nargs="*", default=["mean", "ridge"], help="that evaluation fits")
    given = parser.parse_args(arguments)
    costs = {}
    for rows in given.rows:
        with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
            costs[rows] = measured(Path(name), rows, given.steps, given.baselines)
    show("Verbs of geomamba (small), CPU", "rows", costs)


def show(title: str, what: str, costs: Mapping[int, Mapping[str, Cost]]) -> None:
    """Print a table of the costs of every verb over a size, and exponents where there are several sizes.

    Args:
        title: Of the table.
        what: The size counts.
        costs: By size, ascending, and verb.
    """
    lines = [
        (verb, f"{size:,}", found[verb].seconds, found[verb].busy, found[verb].peak / 2**20)
        for verb in VERBS
        for size, found in costs.items()
    ]
    _table.show(title, ("", what, "s", "CPU s", "peak MiB"), lines)
    print()
    first, last = min(costs), max(costs)
    for verb in VERBS if len(costs) > 1 else ():
        one, other = costs[first][verb], costs[last][verb]
        for kind, ratio in (("time", other.seconds / one.seconds), ("memory", other.peak / one.peak)):
            exponent = math.log(ratio) / math.log(last / first)
            print(f"exponent: {kind} of {verb}, {first:,} to {last:,} {what}: {exponent:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
