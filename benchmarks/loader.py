"""Batches a second: ours compared with a per-sample Dataset with PyTorch's DataLoader and default collate.

Both see the same arrays in memory, shaped like soc's: a window of 16 covariates x 5 x 5 pixels and a series of 10
years x 12 features. Both shuffle, scale the inputs and give the same batches of tensors.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks import _table
from geoml_cli.samples import scaling
from geoml_cli.samples.batches import Batch, Batches
from geoml_cli.samples.samples import Input, Samples, Target
from geoml_cli.samples.scaling import Scaling
from geoml_cli.samples.settings import InputSettings, TargetSettings
from geoml_cli.training.sampler import EpochSampler

SAMPLES, BATCH_SIZES = 100_000, (32, 64, 256)


class PerSample(Dataset[dict[str, Tensor]]):
    """What is often written first: one sample an index, scaled when it is asked for."""

    def __init__(self, samples: Samples, fitted: Scaling) -> None:
        assert samples.target.values is not None
        self._inputs = {name: torch.from_numpy(item.values) for name, item in samples.inputs.items()}
        self._target = torch.from_numpy(samples.target.values)
        self._fitted = {}
        for name, affine in fitted.inputs.items():
            behind = (1,) * fitted.trailing[name]
            shift, scale = (torch.tensor(v).reshape(-1, *behind) for v in (affine.shift, affine.scale))
            self._fitted[name] = (shift, scale)

    def __len__(self) -> int:
        return len(self._target)

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        """Return the scaled sample."""
        scaled = {
            name: (values[row] - self._fitted[name][0]) / self._fitted[name][1] for name, values in self._inputs.items()
        }
        return {**scaled, "target": self._target[row]}


def made_up(count: int) -> Samples:
    """Make random samples."""
    random = np.random.default_rng(1)
    static = random.standard_normal((count, 16, 5, 5), dtype=np.float32)
    series = random.standard_normal((count, 10, 12), dtype=np.float32)
    inputs = {
        "static": Input(static, axis=1, names=tuple(f"covariate_{k}" for k in range(16))),
        "series": Input(series, axis=2, names=tuple(f"feature_{k}" for k in range(12))),
    }
    return Samples(inputs, Target("soc", "g kg-1", random.standard_normal(count, dtype=np.float32)))


def ours(batches: Batches, count: int, batch_size: int) -> Iterable[Batch]:
    """Yield an epoch as the training loop asks for it."""
    order = EpochSampler(np.arange(count), batch_size, seed=1)
    return (batches(order.batch(step)) for step in range(order.steps_per_epoch))


def per_second(epoch: Iterable[object]) -> float:
    """Count an epoch's batches a second."""
    started, number = time.perf_counter(), 0
    for _ in epoch:
        number += 1
    return number / (time.perf_counter() - started)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure an epoch each, and print batches a second and the ratio, by batch size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loader", description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--batch-size", type=int, nargs="+", default=BATCH_SIZES)
    parser.add_argument("--workers", type=int, default=2, help="of the DataLoader's second row; 0 leaves it out")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)  # as the presets train; more threads help neither with arrays of this size
    samples = made_up(given.samples)
    fitted = scaling.fit(samples, np.arange(given.samples), InputSettings(), TargetSettings())
    batches, dataset = Batches(samples, fitted, torch.device("cpu")), PerSample(samples, fitted)
    _check(batches, dataset)
    rows, ratios = [], {}
    for size in given.batch_size:
        mine = per_second(ours(batches, given.samples, size))
        theirs = [per_second(loader) for loader in _loaders(dataset, size, given.workers)]
        rows.append((size, mine, *theirs, mine / theirs[0]))
        ratios[size] = mine / theirs[0]
    title = f"Batches a second from {given.samples:,} samples (16 x 5 x 5 and 10 x 12), one epoch, CPU"
    names = [f"DataLoader, {workers} workers" for workers in dict.fromkeys((0, given.workers))]
    _table.show(title, ("batch size", "geoml", *names, "geoml / 0 workers"), rows)
    print()
    for size, value in ratios.items():
        _table.ratio(f"geoml / DataLoader with default collate, batches of {size}", value)


def _loaders(dataset: PerSample, size: int, workers: int) -> Iterable[DataLoader[dict[str, Tensor]]]:
    for count in dict.fromkeys((0, workers)):
        yield DataLoader(dataset, batch_size=size, shuffle=True, num_workers=count)


def _check(batches: Batches, dataset: PerSample) -> None:
    """See that both give the same numbers."""
    rows = np.arange(4)
    one, other = batches(rows), [dataset[row] for row in rows]
    for name in one:
        assert torch.allclose(one[name], torch.stack([sample[name] for sample in other]), atol=1e-6), name


if __name__ == "__main__":
    main(sys.argv[1:])
