"""Evaluation of forecasts on large maps: time, and peak memory, for two lengths of the series.

Maps are of the size of Carbon-ECS, on random fields with a season and land. The network is a small one, hardly trained;
what is measured is the scoring of its forecasts and of all baselines on the data set's own grid. Memory is that of the
process beyond what it had before, without the pages of the data set's file, which the system takes back when it needs
them (`RssAnon` of /proc/self/status).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks import _table
from geoml_cli.config.load import load
from geoml_cli.dataset.grid import GridAxes, GridFacts, Step, declare, put_land
from geoml_cli.dataset.manifest import Funnel, Manifest
from geoml_cli.dataset.store import Dataset, DatasetWriter, content_digest
from geoml_cli.inference.load import settings_of
from geoml_cli.runs.run import Run
from geoml_cli.stages.evaluate import evaluate
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.work.reporting import NullReporter

ROWS, COLUMNS = 2100, 1300
YEARS = (5, 6)
_SETTINGS = (
    *("network.variant=simvp", "network.frames_in=6", "network.frames_out=6", "frames.most_cells=256"),
    *("train.epochs=1", "train.threads=1", "evaluate.n_bootstrap=100", "scores.threshold=15", "predict.batch_size=1"),
)
_EVERY_S = 0.02


def write(folder: Path, years: int, shape: tuple[int, int]) -> Dataset:
    """Write monthly maps, a quarter of them land."""
    folder.mkdir()
    steps, (rows, columns) = 12 * years, shape
    axes = GridAxes(np.linspace(42, 21, rows), np.linspace(117, 130, columns))
    facts = GridFacts(
        variable="sst",
        unit="degC",
        long_name="sea surface temperature",
        step=Step(kind="month"),
        calendar="standard",
        time_unit="days since 1970-01-01 00:00:00",
        regular=True,
        land_from="never valid",
    )
    land = np.add.outer(np.arange(rows) / rows, np.arange(columns) / columns) < np.sqrt(0.5)
    random = np.random.default_rng(1)
    with DatasetWriter(folder) as writer:
        field = declare(writer, axes, facts, [15 + 30.4375 * step for step in range(steps)])
        for step in range(steps):
            values = 15 + 5 * np.cos(2 * np.pi * step / 12) + random.standard_normal(shape, dtype=np.float32)
            field[step] = np.where(land, np.nan, values)
        put_land(writer, axes, land, facts.land_from)
        records = dict(writer.records)
    Manifest(
        source="grid",
        layout="grid",
        options={},
        geoml_version="0",
        raw="raw",
        files=(),
        variables=records,
        funnel=Funnel(read=steps, kept=steps),
        facts=facts.model_dump(),
        content=content_digest(folder, records),
    ).write(folder)
    return Dataset(folder)


def peak(call: Callable[[], object]) -> tuple[float, float]:
    """Return seconds of a call and its peak memory beyond what was there before [MiB]."""
    before, done = _anonymous(), threading.Event()
    highest = [before]

    def watch() -> None:
        while not done.wait(_EVERY_S):
            highest[0] = max(highest[0], _anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    try:
        call()
    finally:
        seconds = time.perf_counter() - started
        done.set()
        watcher.join()
    return seconds, highest[0] - before


def _anonymous() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return float(line.split()[1]) / 1024


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast_scores", description=__doc__)
    parser.add_argument("--shape", type=int, nargs=2, default=(ROWS, COLUMNS), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--years", type=int, nargs="+", default=YEARS)
    given = parser.parse_args(arguments)
    rows, peaks = [], []
    for years in given.years:
        with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
            dataset = write(Path(name) / "data", years, tuple(given.shape))
            settings = load("tidenet", "small", None, {}, _SETTINGS)
            run: Run = train(settings, dataset, RunLocation(Path(name) / "run", cpu=True), None, NullReporter())
            forecasts = len(run.split("all").test)
            seconds, most = peak(lambda: evaluate(run, dataset, settings_of(run), "test", NullReporter()))  # noqa: B023  called at once
        size = 4 * given.shape[0] * given.shape[1] * 12 * years / 2**20
        rows.append((f"{years} years", size, forecasts, seconds, most))
        peaks.append(most)
    title = f"Evaluation of forecasts of 6 maps of {given.shape[0]} x {given.shape[1]} cells and of four baselines"
    _table.show(title, ("", "maps MiB", "forecasts", "seconds", "peak MiB"), rows)
    print()
    _table.ratio(f"peak memory, {given.years[-1]} / {given.years[0]} years", peaks[-1] / peaks[0])


if __name__ == "__main__":
    main(sys.argv[1:])
