"""Few samples of a region: a network trained from scratch compared with one that starts from a run trained elsewhere.

Both regions are synthetic land of source `soc`. Soil organic carbon follows the same laws in both, but in the region of
few samples it is 0.6 times as much plus 3 g kg-1. A run is trained on all 600 samples elsewhere (`geoml train soc
--preset map`), then on few samples of the region: from fresh weights, and with `--from` in the ways that there are. All
are scored on the other samples of the region, and so is a random forest of the same few samples. Every seed has two
lands, a choice of samples and weights of its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import _table
from geoml_cli.config.load import load
from geoml_cli.config.settings import Settings
from geoml_cli.dataset.store import Dataset
from geoml_cli.evaluation.baselines import predict_baselines
from geoml_cli.evaluation.inputs import EvaluationInputs, observed, open_network
from geoml_cli.evaluation.member_rows import pool_folds, predict_members
from geoml_cli.inference.load import open_trained
from geoml_cli.models.spec import SINGLE
from geoml_cli.runs.run import Run
from geoml_cli.sources.soc.synthetic import SAMPLES, write_synthetic
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.stages.train import RunLocation, train
from geoml_cli.work.reporting import NullReporter

Values = NDArray[np.float64]
WAYS = {
    "from scratch": (),
    "elsewhere, not tuned": ("train.steps=1", "train.lr=1e-12"),
    "fine-tuned": (),
    "fine-tuned, rescale": ("train.rescale=true",),
    "fine-tuned, frozen": ('train.freeze=["conv1", "conv2"]',),
}
"""Settings by way; all but the first start from the run elsewhere."""
FOREST = "random forest"
_SHARED = ("train.calibrate=false", 'evaluate.baselines=["random-forest"]')


def region(folder: Path, seed: int, *, other: bool) -> Dataset:
    """Prepare synthetic land; carbon of the other region is less and has an offset."""
    options = write_synthetic(folder / "raw", seed)
    if other:
        table = folder / "raw" / "points.csv"
        header, *lines = table.read_text(encoding="utf-8").splitlines()
        rows = [line.rpartition(",") for line in lines]
        changed = [f"{before},{0.6 * float(carbon) + 3:.2f}" for before, _, carbon in rows]
        table.write_text("\n".join([header, *changed]) + "\n", encoding="utf-8")
    prepare(Raw("soc", folder / "raw", options), folder / "data", NullReporter())
    return Dataset(folder / "data")


def few(rows: int, steps: int, seed: int) -> list[str]:
    """Return the settings of a training on few samples; a quarter of them chooses the checkpoint."""
    return [
        *_SHARED,
        *("split.kind=random", "split.folds=1", f"split.test={1 - rows / SAMPLES}", "split.validation=0.25"),
        *(f"split.seed={seed}", f"split.seeds=[{seed}]", f"train.steps={steps}", "train.evaluate_steps=10"),
    ]


def trained(folder: Path, dataset: Dataset, assignments: Sequence[str]) -> Run:
    """Train `soc`, preset map, with settings of its own."""
    settings: Settings = load("soc", "map", None, {}, list(assignments))
    return train(settings, dataset, RunLocation(folder, cpu=True), None, NullReporter())


def rmse(inputs: EvaluationInputs, *, forest: bool = False) -> float:
    """Return the RMSE of the network, or of the forest on its training rows, over the test rows [g kg-1]."""
    members = predict_members(inputs, NullReporter())
    pooled = pool_folds(inputs, members)
    predicted = pooled.predicted_P
    if forest:
        [predicted] = predict_baselines(inputs, members, NullReporter()).predicted_P.values()
    return float(np.sqrt(np.mean((predicted - observed(inputs)[pooled.rows_P]) ** 2)))


def one_seed(folder: Path, seed: int, sizes: Sequence[int], steps: tuple[int, int]) -> dict[str, Values]:
    """Return the RMSE of every way by number of samples, [S]."""
    elsewhere, here = region(folder / "a", seed, other=False), region(folder / "b", 100 + seed, other=True)
    whole = ("split.kind=random", "split.folds=1", "split.test=0.01", "split.seeds=[1]", f"train.steps={steps[0]}")
    start = trained(folder / "start", elsewhere, [*_SHARED, *whole, "train.evaluate_steps=50"]).folder
    found: dict[str, list[float]] = {way: [] for way in (*WAYS, FOREST)}
    for rows in sizes:
        for way, more in WAYS.items():
            begun = () if way == "from scratch" else (f"train.start_run={start}",)
            run = trained(folder / f"{rows} {way}", here, [*few(rows, steps[1], seed), *begun, *more])
            inputs = open_network(open_trained(run), here, "test", SINGLE)
            found[way].append(rmse(inputs))
        found[FOREST].append(rmse(inputs, forest=True))
    return {way: np.array(values) for way, values in found.items()}


def main(arguments: Sequence[str] = ()) -> int:
    """Print the mean RMSE over seeds, and how often fine-tuning beats training from scratch."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fine_tuning", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--samples", type=int, nargs="+", default=(20, 40, 80, 160), help="training and validation")
    parser.add_argument("--steps", type=int, nargs=2, default=(1500, 600), help="of the run elsewhere, of the others")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    found: dict[str, list[Values]] = {way: [] for way in (*WAYS, FOREST)}
    for seed in range(1, asked.seeds + 1):
        with tempfile.TemporaryDirectory(prefix="geoml-fine-tuning") as name:
            for way, values in one_seed(Path(name), seed, asked.samples, tuple(asked.steps)).items():
                found[way].append(values)
    title = f"RMSE [g kg-1] on the other samples of the region, mean (and standard deviation) of {asked.seeds} seeds"
    cells = {way: [f"{v.mean():.2f} ({v.std():.2f})" for v in np.stack(values).T] for way, values in found.items()}
    _table.show(title, ("samples", *map(str, asked.samples)), [(way, *row) for way, row in cells.items()])
    scratch = np.stack(found["from scratch"])
    for way in list(WAYS)[1:]:
        better = (np.stack(found[way]) < scratch).sum(axis=0)
        print(f"{way}: better than from scratch in " + ", ".join(f"{n} of {asked.seeds}" for n in better.tolist()))
    for number, size in enumerate(asked.samples):
        gain = float(np.stack(found["fine-tuned"])[:, number].mean() / scratch[:, number].mean())
        _table.ratio(f"RMSE fine-tuned / from scratch, {size} samples", gain)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
