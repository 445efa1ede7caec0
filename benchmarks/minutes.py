"""Time and peak memory of every verb of ech over the days of a series with a sample a minute.

DeepECH, both networks, on synthetic indices, positions and waves. Each verb is a process of its own, measured by the
system from start to end. Training takes as many steps whatever the days; evaluation fits the baselines that are asked
for; the prediction is of the whole data set.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import _raw
from benchmarks.raster import Cost, geoml
from benchmarks.scale import show
from geoml_cli.dataset.store import Dataset


def measured(folder: Path, days: int, steps: int, baselines: Sequence[str]) -> tuple[dict[str, Cost], int]:
    """Take every verb over a series; return the costs, and how many samples there are."""
    raw, run = folder / "raw", folder / "run"
    _raw.minutes_of_ech(raw, days)
    settings = ["inputs.scaling=standard", "target.scaling=standard", "split.folds=2", "train.batch_size=256"]
    settings += [f"train.steps={steps}", f"train.evaluate_steps={steps}"]
    sets = [word for setting in settings for word in ("--set", setting)]
    named = ", ".join(f'"{name}"' for name in baselines)
    costs = {"prepare": geoml(folder, "prepare", "ech", str(raw))}
    samples = len(Dataset(folder / "data" / "ech").array("index"))
    costs["train"] = geoml(folder, "train", "ech", "--preset", "random", "--run", str(run), "--cpu", *sets)
    costs["evaluate"] = geoml(folder, "evaluate", str(run), "--set", f"evaluate.baselines=[{named}]")
    costs["predict"] = geoml(folder, "predict", str(run), "--out", str(folder / "predicted.csv"))
    return costs, samples


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.minutes", description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[36, 365], help="of each series, ascending")
    parser.add_argument("--steps", type=int, default=1000, help="of training, of each network and fold")
    parser.add_argument("--baselines", nargs="*", default=["climatology"], help="that evaluation fits")
    given = parser.parse_args(arguments)
    costs = {}
    for days in given.days:
        with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
            found, samples = measured(Path(name), days, given.steps, given.baselines)
            costs[samples] = found
    show("Verbs of ech, CPU", "samples", costs)


if __name__ == "__main__":
    main(sys.argv[1:])
