"""The same commands by a commit of before and by this checkout, in turn: time, processor time and peak memory of each.

The base is checked out into a folder of its own, with an environment of its own unless an interpreter is given. Both
sides prepare, train, evaluate and predict from the same raw files. Geo-Mamba is small and trained on one thread, so
that none waits for another. How far their predictions are apart is printed: draws of splits have changed since the
first commits. The map is of soc's `cnn`. Today's evaluations, tables and maps hold prediction intervals and areas of
applicability, which those of the first commits did not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import _table, raster
from benchmarks._guard_cases import Side
from benchmarks.evaluation import SMALL, write_cells
from benchmarks.guard import BASE, base_side, new_side
from benchmarks.prediction import write_table
from benchmarks.raster import Cost

TRAINED = (*SMALL, "split.kind=random", "split.folds=2", "train.threads=1", "train.batch_size=64")
Costs = dict[str, Cost]


def _sets(settings: Sequence[str]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


def write_raw(folder: Path, rows: int, pixels: int) -> None:
    """Write what both sides read: tables of cells with and without the target, and a stack of rasters with points."""
    write_cells(folder / "cells", rows)
    write_table(folder / "table.csv", folder / "cells" / "gwsa.csv", rows)
    raster.write_rasters(folder / "soil" / "covs", pixels)
    raster.write_points(folder / "soil" / "points.csv", pixels)


def of_cells(side: Side, raw: Path, steps: int) -> Costs:
    """Take the verbs of Geo-Mamba with one side; the table that it predicts is left in its folder."""
    geoml = partial(raster.geoml, side.folder, python=side.python, code=side.code)
    trained = [*TRAINED, f"train.steps={steps}", f"train.evaluate_steps={steps}"]
    trained += ["train.calibrate=false"] if side.name == "new" else []  # the base has no intervals
    named, sets = ("geomamba", "--preset", "gwsa"), _sets(trained)
    run = str(side.folder / "cells")
    return {
        "train --help": geoml("train", "--help"),
        "prepare": geoml("prepare", "gwsa", str(raw / "cells")),
        "train --dry-run": geoml("train", *named, "--dry-run"),
        "train": geoml("train", *named, "--run", run, "--cpu", *sets),
        "evaluate, four baselines": geoml("evaluate", run),
        "evaluate again": geoml("evaluate", run),
        "predict --index": geoml("predict", run, "--index", "0"),
        "predict --table": geoml(
            "predict", run, "--table", str(raw / "table.csv"), "--out", str(side.folder / "predicted.csv")
        ),
        "export --format onnx": geoml("export", run, "--format", "onnx"),
    }


def of_rasters(side: Side, raw: Path) -> Costs:
    """Make a map of soc with one side."""
    geoml = partial(raster.geoml, side.folder, python=side.python, code=side.code)
    soil, run = raw / "soil", str(side.folder / "soil")
    small = _sets(("split.kind=random", "split.folds=1", "split.seeds=[1]", "train.epochs=1"))
    geoml("prepare", "soc", str(soil), "--crs", "EPSG:32634")
    geoml("train", "soc", "--preset", "map", "--run", run, "--cpu", *small)
    out = str(side.folder / "map.tif")
    return {"predict --map": geoml("predict", run, "--map", "--rasters", str(soil), "--out", out)}


def apart(sides: Sequence[Side]) -> float:
    """Return the median difference of the predictions of both sides, relative to their deviation."""
    base, new = (pd.read_csv(side.folder / "predicted.csv") for side in sides)
    column = next(name for name in new.columns if name in base.columns and name.startswith("GWS"))
    return float(np.nanmedian(np.abs(base[column] - new[column])) / new[column].std())


def main(arguments: Sequence[str] = ()) -> None:
    """Measure both sides and print a line for each command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks since", description=__doc__)
    parser.add_argument("--base", default=BASE, metavar="COMMIT", help=f"what to compare with [{BASE}]")
    parser.add_argument("--base-python", type=Path, metavar="PATH", help="interpreter for it [a new environment]")
    parser.add_argument("--rows", type=int, default=100_000, help="of the table")
    parser.add_argument("--pixels", type=int, default=2000, help="side of the rasters")
    parser.add_argument("--steps", type=int, default=300, help="of training")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
        folder = Path(name)
        write_raw(folder / "raw", given.rows, given.pixels)
        sides = base_side(folder, given.base, given.base_python), new_side(folder)
        before, after = (
            of_cells(side, folder / "raw", given.steps) | of_rasters(side, folder / "raw") for side in sides
        )
        difference = apart(sides)
    rows = [
        (name, *(figure for cost in (cost, after[name]) for figure in (cost.seconds, cost.busy, cost.peak / 2**20)))
        for name, cost in before.items()
    ]
    title = f"{given.rows:,} cells, a map of {given.pixels} x {given.pixels} pixels: {given.base}, then this checkout"
    _table.show(title, ("", "s", "CPU s", "peak MiB", "s", "CPU s", "peak MiB"), rows)
    print(f"\nhalf of the predictions are {difference:.1g} of their deviation apart, or less\n")
    for name, cost in before.items():
        _table.ratio(f"{given.base} / this checkout, CPU of {name}", cost.busy / after[name].busy)


if __name__ == "__main__":
    main(sys.argv[1:])
