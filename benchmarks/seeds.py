"""Seeds of a fold trained at once (`train.seeds_at_once`) compared with one after another, in one process by turns.

A training of a number of epochs is taken from one of three times as many, so that reading and planning do not count. Of
each the least processor time is taken: other work on the machine takes part in no ratio.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from benchmarks import _table
from geoml_cli import registry
from geoml_cli.config.load import load
from geoml_cli.dataset.store import Dataset
from geoml_cli.runs.run import Run
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.work.reporting import NullReporter

_FARTHEST = 0.01
"""Largest difference of weights after the training, which takes rounding further with every step."""


def trained(dataset: Dataset, folder: Path, given: Sequence[str]) -> tuple[float, Run]:
    """Train a run of one fold with one thread; return the processor time [s], and the run."""
    fixed = ["split.kind=random", "split.folds=1", "train.threads=1", "train.calibrate=false"]
    settings = load("soc", "map", None, {}, [*fixed, *given])
    started = time.process_time()
    run = train(settings, dataset, RunLocation(folder, cpu=True), None, NullReporter())
    return time.process_time() - started, run


def farthest(one: Run, other: Run) -> float:
    """Return the largest difference between last weights of two runs."""
    pairs = [[load_file(run.member(name).checkpoint("last").weights) for run in (one, other)] for name in one.planned()]
    return max(float(np.abs(value - theirs[key]).max()) for ours, theirs in pairs for key, value in ours.items())


def compared(dataset: Dataset, given: argparse.Namespace, size: int, seeds: int) -> tuple[float, float, float]:
    """Return seconds one after another and at once, start-up excluded, and how far weights lie apart."""
    least: dict[tuple[bool, int], float] = {}
    common = [f"split.seeds={list(range(1, seeds + 1))}", f"train.batch_size={size}"]
    common += [f"train.evaluate_epochs={given.evaluate_epochs}"]
    for _ in range(given.turns):
        for epochs in (given.epochs, 3 * given.epochs):
            for at_once in (False, True):
                with tempfile.TemporaryDirectory() as place:
                    own = [f"train.epochs={epochs}", f"train.seeds_at_once={str(at_once).lower()}"]
                    seconds, _ = trained(dataset, Path(place) / "run", [*common, *own])
                    least[at_once, epochs] = min(least.get((at_once, epochs), np.inf), seconds)
    alone, together = (least[way, 3 * given.epochs] - least[way, given.epochs] for way in (False, True))
    return alone, together, difference(dataset, common)


def difference(dataset: Dataset, common: Sequence[str]) -> float:
    """Return how far weights lie apart after two epochs."""
    with tempfile.TemporaryDirectory() as place:
        ways = {name: [*common, "train.epochs=2", f"train.seeds_at_once={name}"] for name in ("false", "true")}
        one, other = (trained(dataset, Path(place) / name, given)[1] for name, given in ways.items())
        return farthest(one, other)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure, and print times and their ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description=__doc__)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--evaluate-epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[3])
    parser.add_argument("--batch-size", type=int, nargs="+", default=[32, 64], help="those of soc's presets")
    parser.add_argument("--turns", type=int, default=2)
    given = parser.parse_args(arguments)
    source = registry.source("soc")
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as place:
        options = source.synthetic(Path(place) / "raw", 1)
        raw = Raw("soc", Path(place) / "raw", options)
        dataset = Dataset(prepare(raw, Path(place) / "soc", NullReporter()).folder)
        for size in given.batch_size:
            for seeds in given.seeds:
                alone, together, apart = compared(dataset, given, size, seeds)
                assert apart < _FARTHEST, f"weights differ by {apart:g}"
                rows.append((size, seeds, alone, together, alone / together))
    columns = ("batch", "seeds", "one after another [s]", "at once [s]", "ratio")
    _table.show(f"Seeds of soc (cnn), {2 * given.epochs} epochs, one thread, processor time", columns, rows)
    print()
    for size, seeds, *_, value in rows:
        _table.ratio(f"one after another / {seeds} seeds at once, batch {size}", float(str(value)))


if __name__ == "__main__":
    main(sys.argv[1:])
