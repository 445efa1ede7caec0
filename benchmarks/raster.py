"""Maps: pixels a second and peak memory of `geoml predict --map` at two sizes, and of a loop over single pixels.

Six synthetic covariates, soc's `cnn`, one member, one epoch of training (weights do not change the time). Each map is a
process of its own, measured by the system from start to end, so its figures hold start-up, reading and writing. The
loop has its covariates in memory and calls the same network once a pixel; it runs over a few thousand pixels, and its
figure is per pixel of these.

The network alone, over one block in memory, is compared in this process with the same network on a window a pixel, and
with onnxruntime on such windows; cutting them is part of both. All use as many threads as PyTorch takes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import _table, _ways
from geoml_cli.dataset.store import Dataset
from geoml_cli.exporters import onnx
from geoml_cli.inference.load import open_trained
from geoml_cli.inference.predictor import ScaledNetwork
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import Samples
from geoml_cli.sources.soc.scene import open_scene

SIZES, COVARIATES, PIXELS = (1000, 3000), 6, 2000
_BLOCK, _BATCH = 256, 4096
_TOLERANCE = 1e-3
"""Largest difference between the ways [g kg-1]; carbon varies by some tenths."""
_ROOT = Path(__file__).parents[1]
_WEST, _NORTH, _PIXEL_M = 500_000.0, 4_700_000.0, 30.0
_POINTS = 400
_STRIP = 256
_WATCH = """
import json, os, subprocess, sys, threading, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
done, most = threading.Event(), [0]
def anonymous(pid):
    try:
        lines = open(f"/proc/{pid}/status").read().splitlines()
        children = [child for task in os.listdir(f"/proc/{pid}/task")
                    for child in open(f"/proc/{pid}/task/{task}/children").read().split()]
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) + sum(map(anonymous, children))
def watch():
    while not done.wait(0.02):
        most[0] = max(most[0], anonymous(process.pid))
watcher = threading.Thread(target=watch)
watcher.start()
_, status, usage = os.wait4(process.pid, 0)
done.set()
used = usage.ru_utime + usage.ru_stime, usage.ru_maxrss, most[0]
print(json.dumps([os.waitstatus_to_exitcode(status), time.perf_counter() - started, *used]))
"""
"""Run by a process of its own: a command's `ru_maxrss` is not below the peak of the process that started it."""
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""ru_maxrss counts bytes on macOS and KiB elsewhere."""


@dataclass(frozen=True)
class Cost:
    """Of one command: wall time and processor time [s], and peak resident memory [bytes].

    `anonymous` is the part that is not the pages of files, of all processes that the command starts together, looked at
    every 20 ms; 0 where the system does not tell.
    """

    seconds: float
    busy: float
    peak: int
    anonymous: int = 0


def geoml(folder: Path, *arguments: str, python: Path = Path(sys.executable), code: Path = _ROOT) -> Cost:
    """Run a command of a checkout in `folder` and measure it."""
    paths = os.pathsep.join(filter(None, (str(code), os.environ.get("PYTHONPATH") if code == _ROOT else "")))
    own = {**os.environ, "PYTHONPATH": paths, "GEOML_DATA": str(folder / "data"), "GEOML_RUNS": str(folder / "runs")}
    command = [str(python), "-m", "geoml_cli", *arguments, "--quiet"]
    watched = [sys.executable, "-I", "-S", "-c", _WATCH, *command]
    done = subprocess.run(watched, cwd=folder, env=own, stdout=subprocess.PIPE, check=True)
    code, seconds, busy, peak, anonymous = json.loads(done.stdout)
    if code:
        raise SystemExit(f"geoml {' '.join(arguments)} ended with {code}")
    return Cost(seconds, busy, peak * _RSS_UNIT, anonymous * 1024)


def write_rasters(folder: Path, side: int) -> None:
    """Write six square GeoTIFFs, strip by strip."""
    import rasterio

    folder.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": 1, "height": side, "width": side, "nodata": -9999.0,
        "crs": "EPSG:32634", "transform": rasterio.Affine(_PIXEL_M, 0, _WEST, 0, -_PIXEL_M, _NORTH),
        "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate",
    }  # fmt: skip
    for number in range(COVARIATES):
        with rasterio.open(folder / f"covariate_{number}.tif", "w", **profile) as file:
            for top in range(0, side, _STRIP):
                bottom = min(top + _STRIP, side)
                file.write(values(number, top, bottom, side), 1, window=((top, bottom), (0, side)))


def values(number: int, top: int, bottom: int, side: int) -> NDArray[np.float32]:
    """Make rows of a covariate: waves with a little noise, which packs like real terrain."""
    y, x = np.mgrid[top:bottom, 0:side].astype(np.float32)
    waves = np.sin(x / (37 + 11 * number)) + np.cos(y / (53 - 5 * number)) + 3
    noise = np.random.default_rng([number, top]).standard_normal(waves.shape, dtype=np.float32)
    return np.asarray(waves + 0.05 * noise, dtype=np.float32)


def write_points(path: Path, side: int, count: int = _POINTS) -> None:
    """Write samples in the rasters' own CRS."""
    random = np.random.default_rng(1)
    x = _WEST + random.uniform(5, side - 5, count) * _PIXEL_M
    y = _NORTH - random.uniform(5, side - 5, count) * _PIXEL_M
    lines = [f"{a:.1f},{b:.1f},{c:.3f}" for a, b, c in zip(x, y, random.lognormal(2, 0.4, count), strict=True)]
    path.write_text("\n".join(["x,y,soc", *lines]) + "\n", encoding="utf-8")


def trained(folder: Path, side: int) -> Path:
    """Prepare and train on the smallest stack; return the run's folder."""
    write_rasters(folder / str(side) / "covs", side)
    write_points(folder / str(side) / "points.csv", side)
    geoml(folder, "prepare", "soc", str(folder / str(side)), "--crs", "EPSG:32634")
    small = ("split.kind=random", "split.folds=1", "split.seeds=[1]", "train.epochs=1")
    sets = [part for setting in small for part in ("--set", setting)]
    run = folder / "run"
    geoml(folder, "train", "soc", "--preset", "map", "--run", str(run), "--cpu", *sets)
    return run


def one_by_one(folder: Path, covariates: Path, pixels: int) -> float:
    """Loop over single pixels; return pixels a second."""
    import rasterio

    run = Run(folder)
    network = open_trained(run, [run.members()[0]]).load_network(run.members()[0])
    layers = []
    for path in sorted(covariates.glob("*.tif")):
        with rasterio.open(path) as file:
            layers.append(file.read(1))
    stack = np.stack(layers)
    side = stack.shape[1]
    places = [(2 + k // (side - 4) % (side - 4), 2 + k % (side - 4)) for k in range(pixels)]
    result = np.full((side, side), np.nan, dtype=np.float32)
    torch.set_num_threads(1)
    started = time.perf_counter()
    with torch.inference_mode():
        for row, column in places:
            window = np.ascontiguousarray(stack[:, row - 2 : row + 3, column - 2 : column + 3])
            result[row, column] = float(network(torch.from_numpy(window)[None])[0])
    return pixels / (time.perf_counter() - started)


def of_block(folder: Path, covariates: Path, turns: int) -> dict[str, float]:
    """Predict one block of pixels in several ways; return pixels a second of each.

    Args:
        folder: The run's.
        covariates: Folder with the rasters' folder.
        turns: Measurements of each way, of which the fastest counts.
    """
    run = open_trained(Run(folder), [Run(folder).members()[0]])
    scene = open_scene(covariates, Dataset(covariates.parent / "data" / "soc").manifest)
    side = slice(0, min(_BLOCK, scene.grid.height))
    samples = run.samples(scene.block(side, side).variables)
    predictor, rows = run.network_predictor(""), np.arange(len(samples))
    network = run.load_network(run.members[0])
    ways = {
        "a window a pixel": _ways.one_after_another(network, samples, _BATCH),
        "the block": lambda: np.asarray(predictor.each(samples, rows)[0].numpy()),
        "onnxruntime on windows": _by_onnxruntime(network, samples, folder / "cnn.onnx"),
    }
    return {name: len(rows) / taken for name, taken in _ways.seconds(ways, _TOLERANCE, turns).items()}


def _by_onnxruntime(network: ScaledNetwork, samples: Samples, path: Path) -> _ways.Way:
    import onnxruntime

    values = samples.inputs["static"].values
    onnx.write(network, [torch.from_numpy(values[:8])], (["static"], ["soc"]), path, True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def predict() -> NDArray[np.float32]:
        starts = range(0, len(samples), _BATCH)
        parts = [session.run(None, {"static": values[start : start + _BATCH]})[0] for start in starts]
        return np.concatenate(parts)

    return predict


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.raster", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs=2, default=SIZES, metavar="SIDE", help="of the rasters [pixels]")
    parser.add_argument("--pixels", type=int, default=PIXELS, help="that the loop over single pixels visits")
    parser.add_argument("--turns", type=int, default=5, help="measurements of the network alone")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
        _measure(Path(name), sorted(given.sizes), (given.pixels, given.turns))


def _measure(folder: Path, sizes: Sequence[int], given: tuple[int, int]) -> None:
    pixels, turns = given
    run = trained(folder, sizes[0])
    costs = {}
    for side in sizes:
        write_rasters(folder / str(side) / "covs", side)
        out = folder / f"{side}.tif"
        costs[side] = geoml(folder, "predict", str(run), "--rasters", str(folder / str(side)), "--out", str(out))
    alone = of_block(run, folder / str(sizes[0]), turns)  # before PyTorch is set to use one thread
    slow = one_by_one(run, folder / str(sizes[0]) / "covs", pixels)
    rows = []
    for side, cost in costs.items():
        covariates = COVARIATES * side * side * 4 / 2**20
        speed = side * side / cost.seconds
        rows.append((f"{side} x {side}", cost.seconds, cost.busy, speed, cost.peak / 2**20, covariates))
    title = f"A map of {COVARIATES} covariates, cnn, one member, CPU; start-up, reading and writing included"
    _table.show(title, ("raster", "s", "CPU s", "pixels/s", "peak MiB", "MiB of covariates"), rows)
    print(f"\nloop over single pixels, covariates in memory: {slow:,.0f} pixels/s (over {pixels:,} pixels)\n")
    _table.show("The network alone, a block in memory", ("way", "pixels/s"), list(alone.items()))
    print()
    first, last = costs[sizes[0]], costs[sizes[-1]]
    grown = (sizes[-1] / sizes[0]) ** 2
    _table.ratio(f"peak memory, {grown:.0f} times the pixels", last.peak / first.peak)
    _table.ratio("geoml / loop over single pixels, pixels a second", sizes[-1] ** 2 / last.seconds / slow)
    _table.ratio("network, the block / a window a pixel", alone["the block"] / alone["a window a pixel"])
    _table.ratio("network, the block / onnxruntime on windows", alone["the block"] / alone["onnxruntime on windows"])


if __name__ == "__main__":
    main(sys.argv[1:])
