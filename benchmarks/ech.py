"""DeepECH: training fed by series and by stored rows of 224 numbers, the same network; maps and a loop.

The data set and the rows hold the same samples. The loop over single samples is how scripts often make a map.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import _table
from geoml_cli.dataset.store import Block, Dataset, DatasetWriter, content_digest
from geoml_cli.inference.load import best_device
from geoml_cli.inference.predictor import Predictor, ScaledNetwork
from geoml_cli.models.ech import inputs, pipeline, task
from geoml_cli.models.ech.settings import EchTables
from geoml_cli.models.ech.spec import NETWORKS
from geoml_cli.models.spec import Call, FixedTimeGrid
from geoml_cli.samples.batches import Batch, Batches
from geoml_cli.samples.samples import Samples, signature
from geoml_cli.samples.scaling import unscaled
from geoml_cli.sources.ech.indices import Series
from geoml_cli.sources.ech.orbit import Orbit
from geoml_cli.sources.ech.writing import Content, write
from geoml_cli.training.sampler import EpochSampler

SAMPLES, MINUTES, SIDE, BATCH = 500_000, 525_600, 480, 256
_WARM_UP = 2880
_WARM_STEPS = 5
Rows = NDArray[np.float64]


def written(folder: Path, count: int, minutes: int) -> Dataset:
    """Write a data set of synthetic indices and positions, as `prepare ech` does."""
    from geoml_cli.dataset.manifest import Funnel, Manifest

    random = np.random.default_rng(1)
    sme, symh = (np.rint(random.normal(100, 60, minutes)).astype(np.float32) for _ in range(2))
    index = np.sort(random.integers(_WARM_UP, minutes, count))
    begin = np.datetime64("2013-01-01T00:00:00", "s")
    position = {
        "l": random.uniform(2, 7, count),
        "mlt": random.uniform(0, 24, count),
        "mlat": random.normal(0, 8, count),
    }
    orbit = Orbit(begin + (index * 60).astype("timedelta64[s]"), position, {"amplitude": random.normal(0, 8, count)})
    with DatasetWriter(folder) as writer:
        facts = write(writer, Content(Series(begin, 60, sme, symh), orbit, index, True, -50.0))
    common = {
        "content": content_digest(folder, writer.records),
        "source": "ech",
        "layout": "series",
        "options": {},
        "geoml_version": "0",
        "raw": "",
    }
    Manifest(**common, files=(), variables=writer.records, funnel=Funnel(), facts=facts).write(folder)  # type: ignore[arg-type]
    return Dataset(folder)


def stored(path: Path, samples: Samples, count: int) -> Rows:
    """Write rows of 224 numbers in float64, as the paper's are, a part at a time; return them as a map of the file."""
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(count, 224))
    for start in range(0, count, 20_000):
        part = np.arange(start, min(start + 20_000, count))
        cut = [np.asarray(item.values[part]).reshape(len(part), -1) for item in samples.inputs.values()]
        rows[part] = np.concatenate(cut, axis=1)
    rows.flush()
    return rows


def from_rows(rows: Rows, target: NDArray[np.float32], device: torch.device) -> Callable[[NDArray[np.int64]], Batch]:
    """Return what makes batches of stored rows."""
    inputs_B, known = torch.from_numpy(rows), torch.from_numpy(target)
    ends = (4, 49, 49, 61, 61)

    def batch(index: NDArray[np.int64]) -> Batch:
        place = torch.from_numpy(index)
        position, *windows = inputs_B.index_select(0, place).float().to(device).split(ends, dim=1)
        named = dict(zip(task.NAMES, (window[:, :, None] for window in windows), strict=True))
        return {"position": position, **named, "target": known.index_select(0, place).to(device)}

    return batch


def trained_per_second(
    make: Callable[[NDArray[np.int64]], Batch], count: int, steps: int, device: torch.device
) -> tuple[float, float]:
    """Train the regressor for some steps; return samples a second of the batches alone, and of whole steps.

    The median step counts: single ones wait for whatever else the machine does.
    """
    from geoml_cli.models.ech.pretrained import signature as seen

    record = NETWORKS["regressor"](EchTables())
    torch.manual_seed(0)
    network = record.build(seen("regressor")).to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)
    order = EpochSampler(np.arange(count), BATCH, seed=1)
    batches, seconds = [], []
    for step in range(steps + _WARM_STEPS):
        started = time.perf_counter()
        batch = make(order.batch(step))
        _settle(device)
        batched = time.perf_counter()
        record.loss(network, batch, Call(step + 1, BATCH)).backward()
        optimiser.step()
        optimiser.zero_grad()
        _settle(device)
        if step >= _WARM_STEPS:
            batches.append(batched - started)
            seconds.append(time.perf_counter() - started)
    return BATCH / statistics.median(batches), BATCH / statistics.median(seconds)


def _settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def predictors(by_part: dict[str, Samples], device: torch.device) -> dict[str, Predictor]:
    """Make both networks with random weights."""
    made = {}
    for part, samples in by_part.items():
        torch.manual_seed(0)
        seen, record = signature(samples), NETWORKS[part](EchTables())
        network = ScaledNetwork(record.build(seen), record, unscaled(seen))
        made[part] = Predictor([network], record.task(seen), 4096, device)
    return made


def mapped(dataset: Dataset, side: int, cells: int, device: torch.device) -> tuple[float, float]:
    """Map L by MLT; return cells a second of the map, and of a loop over `cells` single samples of it."""
    grid = EchTables().grid.model_copy(update={"l_cells": side, "mlt_cells": side})
    tables = EchTables(grid=grid)
    when = np.datetime64("2013-01-01T00:00:00", "s") + np.timedelta64(_WARM_UP + 60, "m")
    panel = inputs.grid(tables, dataset, when, 0.0)
    both = predictors({part: _of(panel, part) for part in ("classifier", "regressor")}, device)
    for part in both:
        both[part].outputs(_of(panel, part), np.arange(min(4096, len(panel.samples))))
    started = time.perf_counter()
    rows = np.arange(len(panel.samples))
    whole = pipeline.combine({part: both[part].outputs(_of(panel, part), rows) for part in both})
    ours = len(rows) / (time.perf_counter() - started)
    variables = _one_by_one(dataset, panel, inputs.ends_at(dataset, when))
    single = {part: task.samples(tables, part, variables) for part in both}
    started = time.perf_counter()
    for cell in range(cells):
        row = np.array([cell])
        found = pipeline.combine({part: both[part].outputs(single[part], row) for part in both})
        assert np.allclose(found[0], whole[0, cell], rtol=1e-3, atol=1e-4)
    return ours, cells / (time.perf_counter() - started)


def _of(panel: FixedTimeGrid, part: str) -> Samples:
    from dataclasses import replace

    wanted = ("position", *task.NAMES[: 2 if part == "classifier" else 4])
    return replace(panel.samples, inputs={name: panel.samples.inputs[name] for name in wanted})


def _one_by_one(dataset: Dataset, panel: FixedTimeGrid, end: int) -> Block:
    shells, hours = (grid.ravel() for grid in np.meshgrid(*(values for _, values in panel.axes), indexing="ij"))
    arrays = {"l": shells, "mlt": hours, "mlat": np.zeros(len(shells)), "index": np.full(len(shells), end)}
    return Block({**arrays, **{name: dataset.array(name) for name in ("sme", "symh", "time")}}, {}, {})


def main(arguments: Sequence[str] = ()) -> None:
    """Measure sizes, training and maps, and print the ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ech", description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--minutes", type=int, default=MINUTES, help="length of the index series")
    parser.add_argument("--steps", type=int, default=20, help="of training")
    parser.add_argument("--side", type=int, default=SIDE, help="cells of the map along L and along MLT")
    parser.add_argument("--cells", type=int, default=200, help="cells of the loop")
    parser.add_argument("--device", default=best_device().type)
    given = parser.parse_args(arguments)
    device = torch.device(given.device)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = written(folder, given.samples, given.minutes)
        _training(folder, dataset, given)
        ours, loop = mapped(dataset, given.side, given.cells, device)
    title = f"A map of {given.side} x {given.side} cells, both stages, {given.device}"
    _table.show(title, ("how", "cells a second"), [("geoml", ours), ("loop over single samples", loop)])
    print()
    _table.ratio("geoml / loop over single samples, cells a second", ours / loop)


def _training(folder: Path, dataset: Dataset, given: argparse.Namespace) -> None:
    device = torch.device(given.device)
    samples = task.samples(EchTables(), "regressor", dataset)
    target = np.nan_to_num(np.asarray(samples.target.rows))
    batches = Batches(samples, unscaled(signature(samples)), device)
    rows = stored(folder / "rows.npy", samples, given.samples)
    other = from_rows(rows, target, device)
    first = np.arange(4)
    for name in task.NAMES:
        assert torch.equal(batches(first)[name], other(first)[name]), name
    fed = _targeted(batches, torch.from_numpy(target), device)
    series, stored_rows = (trained_per_second(make, given.samples, given.steps, device) for make in (fed, other))
    sizes = [(folder / "dataset.nc").stat().st_size, (folder / "rows.npy").stat().st_size]
    table = [("geoml: series", *series, sizes[0]), ("rows of 224 numbers", *stored_rows, sizes[1])]
    heads = ("fed by", "samples a second, batches", "samples a second, training", "bytes on disk")
    _table.show(f"Regressor, {given.samples:,} samples of {given.minutes:,} minutes, {given.device}", heads, table)
    print()
    _table.ratio("series / stored rows, training samples a second", series[1] / stored_rows[1])
    _table.ratio("stored rows / series, bytes on disk", sizes[1] / sizes[0])


def _targeted(batches: Batches, target: torch.Tensor, device: torch.device) -> Callable[[NDArray[np.int64]], Batch]:
    """Give every sample a number to learn: synthetic samples without a wave have none."""
    labels = target.to(device)
    return lambda rows: {**batches(rows), "target": labels[torch.from_numpy(rows).to(device)]}


if __name__ == "__main__":
    main(sys.argv[1:])
