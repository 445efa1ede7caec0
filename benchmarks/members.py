"""Members of a run trained side by side (`geoml train --jobs`) compared with one after another, one thread each.

Each training is a command of its own. It is run for a number of epochs and for three times as many, and the difference
is taken, so that start-up, reading and planning do not count. Weights are compared bit by bit.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file

from benchmarks import _table
from geoml_cli import registry
from geoml_cli.runs.run import Run
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter


def trained(folder: Path, epochs: int, jobs: int, members: int) -> tuple[float, Run]:
    """Train a run; return the seconds that the command took, and the run."""
    run = folder / f"{jobs}-{epochs}"
    seeds = f"split.seeds={list(range(1, members // 2 + 1))}"
    settings = ["network.variant=cnn-lstm", "split.block_km=8", "split.folds=2", seeds, f"train.epochs={epochs}"]
    settings += [f"train.evaluate_epochs={epochs}", "train.threads=1", "train.calibrate=false"]
    sets = [word for text in settings for word in ("--set", text)]
    command = [sys.executable, "-m", "geoml_cli", "train", "soc", "--preset", "map", *sets, "--quiet"]
    places = ["--data", str(folder / "data"), "--run", str(run), "--jobs", str(jobs), "--cpu"]
    started = time.perf_counter()
    subprocess.run([*command, *places], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started, Run(run)


def same_weights(one: Run, other: Run) -> bool:
    """Compare all members of two runs, bit by bit."""
    pairs = [[load_file(run.member(name).checkpoint("last").weights) for run in (one, other)] for name in one.planned()]
    return all(torch.equal(value, theirs[key]) for ours, theirs in pairs for key, value in ours.items())


def main(arguments: Sequence[str] = ()) -> None:
    """Measure, and print times and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.members", description=__doc__)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--members", type=int, default=8, help="an even number")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args(arguments)
    source = registry.source("soc")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        options = source.synthetic(folder / "raw", 1)
        prepare(Raw("soc", folder / "raw", options), folder / "data" / "soc", NullReporter())
        seconds, runs = {}, {}
        for jobs in (1, given.jobs):
            for epochs in (given.epochs, 3 * given.epochs):
                seconds[jobs, epochs], runs[jobs, epochs] = trained(folder, epochs, jobs, given.members)
        assert same_weights(runs[1, given.epochs], runs[given.jobs, given.epochs]), "weights differ"
    net = {jobs: seconds[jobs, 3 * given.epochs] - seconds[jobs, given.epochs] for jobs in (1, given.jobs)}
    rows = [(jobs, seconds[jobs, given.epochs], seconds[jobs, 3 * given.epochs], net[jobs]) for jobs in net]
    columns = ("jobs", f"{given.epochs} epochs [s]", f"{3 * given.epochs} epochs [s]", "difference [s]")
    _table.show(f"{given.members} members of soc (cnn-lstm), one thread each", columns, rows)
    print()
    _table.ratio(f"one after another / {given.jobs} side by side, start-up excluded", net[1] / net[given.jobs])


if __name__ == "__main__":
    main(sys.argv[1:])
