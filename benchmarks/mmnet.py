"""MMNet: preparing, loading, training and mapping, each compared with the plain way; and the size of the data on disk.

`prepare` is compared with a pandas implementation of the paper's three steps (merge, clean, shift), which writes a CSV
after each, as the paper does. Both give the same values. The loader is compared with a per-sample Dataset of the window
table, training and mapping compared with the bare network on tensors that are ready in memory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks import _mmnet_plain, _table
from benchmarks.loader import PerSample
from geoml_cli.config.load import load
from geoml_cli.config.settings import Settings
from geoml_cli.dataset.store import NAME, Dataset
from geoml_cli.inference.engine import predict_to_file
from geoml_cli.inference.inputs.pixel_days import pixel_days_job
from geoml_cli.inference.load import open_trained
from geoml_cli.inference.map_files import MapFiles
from geoml_cli.models.spec import Call
from geoml_cli.runs.run import Run
from geoml_cli.samples.batches import Batches
from geoml_cli.samples.samples import Samples
from geoml_cli.sources.smap.options import SmapOptions
from geoml_cli.sources.smap.pixels import pixels
from geoml_cli.sources.smap.synthetic import write_exports
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.training.plan import networks_of
from geoml_cli.training.sampler import EpochSampler
from geoml_cli.work.reporting import NullReporter

BATCH = 512


def seconds(work: Callable[[], object]) -> float:
    """Time one call by the clock."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the processor's time of one call: other work on the machine does not change it."""
    started = time.process_time()
    work()
    return time.process_time() - started


def main(arguments: Sequence[str] = ()) -> None:
    """Measure all five, and print their ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mmnet", description=__doc__)
    parser.add_argument("--stations", type=int, default=200)
    parser.add_argument("--years", type=int, default=7)
    parser.add_argument("--steps", type=int, nargs=2, default=(10, 40), help="two lengths of training; they differ")
    parser.add_argument("--side", type=int, default=48, help="of the mapped stack [pixels]")
    parser.add_argument("--days", type=int, default=40, help="of the mapped stack")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="geoml-mmnet") as name:
        folder = Path(name)
        years = tuple(range(2016, 2016 + given.years))
        write_exports(folder / "raw", 1, [f"Station-{k}" for k in range(given.stations)], years)
        dataset = preparing(folder, years)
        settings = load(
            "mmnet", "random", None, {}, ["train.threads=1", f"train.batch_size={BATCH}", "train.evaluate_steps=100000"]
        )
        samples = networks_of(settings)[""].samples(dataset)
        loading(samples)
        run = training(dataset, folder, tuple(given.steps))
        mapping(dataset, run, folder, (given.side, given.days))


def preparing(folder: Path, years: tuple[int, ...]) -> Dataset:
    """Compare `prepare smap` with pandas, in time, values and size."""
    ours = seconds(lambda: prepare(Raw("smap", folder / "raw", SmapOptions()), folder / "data", NullReporter()))
    dataset = Dataset(folder / "data")
    found: list[pd.DataFrame] = []
    silent = seconds(lambda: found.append(_mmnet_plain.prepare(folder / "raw", years, None)))
    written = seconds(lambda: _mmnet_plain.prepare(folder / "raw", years, folder / "plain"))
    check(dataset, found[0])
    rows = dataset.manifest.funnel.kept
    table = rows * 4 * (28 + 11 * 8 + 1)
    size = (dataset.folder / NAME).stat().st_size
    _table.show(
        f"Preparing {len(dataset.labels('station'))} stations x {len(years)} years, {rows:,} samples [s]",
        ("", "seconds"),
        [("geoml prepare smap", ours), ("pandas, writing three CSVs", written), ("pandas, writing nothing", silent)],
    )
    print()
    _table.ratio("pandas with its CSVs / geoml, preparing", written / ours)
    _table.ratio("pandas without writing / geoml, preparing", silent / ours)
    _table.ratio("float32 window table / geoml, bytes on disk", table / size)
    return dataset


def check(dataset: Dataset, plain: pd.DataFrame) -> None:
    """See that both have the same samples and the same values."""
    settings = load("mmnet", "random", None, {})
    samples = networks_of(settings)[""].samples(dataset)
    index = np.asarray(dataset.array("index"))
    day = np.datetime64("1970-01-01") + np.asarray(dataset.array("time"))[index] // 1440
    names = np.array(dataset.labels("station"))[dataset.array("station_index")]
    plain = plain.set_index(["ID", "date"])
    plain = plain.loc[list(zip(names.tolist(), pd.to_datetime(day).tolist(), strict=True))]
    assert len(plain) == len(samples), f"{len(plain)} and {len(samples)} samples"
    static, dynamic = samples.inputs["static"], samples.inputs["dynamic"]
    ours = static.values[np.arange(len(samples))]
    np.testing.assert_allclose(
        ours,
        plain[[name.removeprefix("land_cover=") for name in static.names]].to_numpy(np.float64),
        rtol=2e-4,
        atol=2e-4,
    )
    windows = dynamic.values[np.arange(len(samples))]
    for place, name in enumerate(dynamic.names):
        lagged = plain[[f"{name}_{lag}" for lag in range(10, 0, -1)] + [name]].to_numpy(np.float64)
        np.testing.assert_allclose(windows[:, :, place], lagged, rtol=1e-5, atol=1e-4, err_msg=name)


def loading(samples: Samples) -> None:
    """Compare an epoch of batches with a per-sample Dataset of the window table."""
    from geoml_cli.samples import scaling
    from geoml_cli.samples.settings import InputSettings, TargetSettings

    rows = np.arange(len(samples))
    fitted = scaling.fit(samples, rows, InputSettings(), TargetSettings())
    batches = Batches(samples, fitted, torch.device("cpu"))
    whole = {name: replace(item, values=np.asarray(item.values[rows])) for name, item in samples.inputs.items()}
    table = PerSample(replace(samples, inputs=whole), fitted)
    order = EpochSampler(rows, BATCH, seed=1)
    ours = seconds(lambda: [batches(order.batch(step)) for step in range(order.steps_per_epoch)])
    loader = DataLoader(table, batch_size=BATCH, shuffle=True)
    theirs = seconds(lambda: list(loader))
    print()
    _table.ratio("per-sample Dataset / geoml, an epoch of batches", theirs / ours)


def training(dataset: Dataset, folder: Path, steps: tuple[int, int]) -> Run:
    """Compare whole training with the bare network on one resident batch."""
    times: list[float] = []
    runs: list[Run] = []
    for number in steps:
        settings = load(
            "mmnet",
            "random",
            None,
            {},
            [f"train.steps={number}", f"train.evaluate_steps={number}", f"train.batch_size={BATCH}", "train.threads=1"],
        )
        place = RunLocation(folder / f"run-{number}", cpu=True)
        times.append(cpu_seconds(partial(_trained, runs, settings, dataset, place)))
    ours = (steps[1] - steps[0]) / (times[1] - times[0])
    trained = open_trained(Run(runs[-1].folder))
    bare = bare_steps(trained.networks[""], trained.load_network("all").network, trained.network_samples("", dataset))
    _table.show(
        f"Training steps a second of processor time, batches of {BATCH}, one thread",
        ("", "steps"),
        [("geoml", ours), ("bare", bare)],
    )
    print()
    _table.ratio("geoml / bare network on resident tensors, training", ours / bare)
    return Run(runs[-1].folder)


def _trained(runs: list[Run], settings: Settings, dataset: Dataset, place: RunLocation) -> None:
    runs.append(train(settings, dataset, place, None, NullReporter()))


def bare_steps(record: object, network: torch.nn.Module, samples: Samples) -> float:
    """Count forward, loss, backward and Adam a second on one batch."""
    rows = samples.usable()[:BATCH]
    batch = {name: torch.from_numpy(np.asarray(item.values[rows])) for name, item in samples.inputs.items()}
    batch = {name: (values - values.mean()) / values.std() for name, values in batch.items()}
    assert samples.target.values is not None
    batch["target"] = torch.from_numpy(samples.target.values[rows])
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    network.train()

    def step() -> None:
        optimiser.zero_grad()
        loss: Tensor = record.loss(network, batch, Call(1, len(rows)))  # type: ignore[attr-defined]
        loss.backward()
        optimiser.step()

    step()
    return 20 / cpu_seconds(lambda: [step() for _ in range(20)])


def mapping(dataset: Dataset, run: Run, folder: Path, size: tuple[int, int]) -> None:
    """Compare daily maps of a stack with a loop over days of the bare network."""
    side, days = size
    _mmnet_plain.write_stack(folder / "stack.nc", side, days)
    stack = pixels(folder / "stack.nc", dataset.manifest)
    trained = open_trained(run)
    job = pixel_days_job(MapFiles(trained, "stack", [], NullReporter()), stack, slice(10, days), None)
    ours = cpu_seconds(lambda: predict_to_file(trained, job, folder / "maps.nc", NullReporter()))
    block = stack.block(slice(0, side), slice(0, side), slice(10, days))
    samples = trained.samples(block.variables)
    network = trained.load_network("all").eval()
    ready = [torch.from_numpy(np.asarray(item.values[:])) for item in samples.inputs.values()]
    by_day = torch.arange(len(samples)).split(side * side)

    @torch.inference_mode()
    def loop() -> None:
        for rows in by_day:
            network(*(values[rows] for values in ready))

    loop()
    bare = cpu_seconds(loop)
    _table.show(
        f"Pixels by day a second of processor time, {side} x {side} pixels x {days - 10} days, one thread",
        ("", "pixels"),
        [("geoml predict --stack, files included", len(samples) / ours), ("bare network", len(samples) / bare)],
    )
    print()
    _table.ratio("geoml / loop over days of the bare network, mapping", bare / ours)


if __name__ == "__main__":
    main(sys.argv[1:])
