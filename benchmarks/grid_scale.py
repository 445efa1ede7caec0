"""Time and memory of every verb over the size of maps, and the exponents with which they grow with the cells.

Synthetic monthly fluxes between sea and air in one NetCDF file, a third of the cells land, and the preset `small` of
tidenet, which shrinks maps to about 2,000 cells, on one thread: training has as many steps whatever the maps; its
calibration, evaluation and forecasts are on the cells of the file. Each verb is a process of its own. Its memory is
that beyond the pages of files, which the system takes back when it needs them (`RssAnon` of /proc/PID/status, looked at
every 20 ms); the peak that the system counts, those pages included, is printed as well. An exponent of 1 is linear, of
0 constant; below 1 the start-up still counts.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import netCDF4
import numpy as np

from benchmarks import _table
from benchmarks.raster import Cost, geoml

SHAPES = ("263x163", "525x325", "1050x650", "2100x1300")
VERBS = ("prepare", "train", "evaluate", "predict")
_ONE_THREAD = ("train.threads=1",)
"""Threads that share out operations wait for each other on a machine that does other work as well."""
_FILL = np.float32(-9999)


def write(path: Path, months: int, shape: tuple[int, int]) -> None:
    """Write monthly maps with a season, noise and land."""
    rows, columns = shape
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", months), ("lat", rows), ("lon", columns)):
            file.createDimension(name, size)
        axes = (
            ("lat", "degrees_north", np.linspace(42, 21, rows)),
            ("lon", "degrees_east", np.linspace(117, 130, columns)),
            ("time", "days since 2003-01-01", np.array([round(30.4375 * month) + 14 for month in range(months)])),
        )
        for name, unit, values in axes:
            file.createVariable(name, "f8", (name,))[:] = values
            file[name].units = unit
        flux = file.createVariable(
            "fgco2", "f4", ("time", "lat", "lon"), fill_value=_FILL, chunksizes=(1, rows, columns)
        )
        flux.setncatts({"units": "mol m-2 yr-1", "long_name": "sea-air CO2 flux"})
        land = np.add.outer(np.arange(rows) / rows, np.arange(columns) / columns) < np.sqrt(2 / 3)
        random, north = np.random.default_rng(1), np.linspace(1, -1, rows, dtype=np.float32)[:, None]
        for month in range(months):
            values = 2 * np.cos(2 * np.pi * month / 12) * north + 0.3 * random.standard_normal(shape, dtype=np.float32)
            flux[month] = np.where(land, _FILL, values.astype(np.float32))


def measured(folder: Path, shape: tuple[int, int], given: argparse.Namespace) -> dict[str, Cost]:
    """Take every verb over maps of a size."""
    raw, run = folder / "raw", folder / "run"
    raw.mkdir()
    write(raw / "flux.nc", given.months, shape)
    settings = (*_ONE_THREAD, f"train.epochs={given.epochs}", *given.set)
    sets = [word for setting in settings for word in ("--set", setting)]
    costs = {"prepare": geoml(folder, "prepare", "grid", str(raw))}
    (raw / "flux.nc").unlink()
    costs["train"] = geoml(folder, "train", "tidenet", "--preset", "small", "--run", str(run), "--cpu", *sets)
    costs["evaluate"] = geoml(folder, "evaluate", str(run))
    costs["predict"] = geoml(folder, "predict", str(run), "--out", str(folder / "forecast.nc"))
    return costs


def _shape(text: str) -> tuple[int, int]:
    rows, columns = (int(side) for side in text.split("x"))
    return rows, columns


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grid_scale", description=__doc__)
    parser.add_argument("--shapes", nargs="+", type=_shape, default=[_shape(text) for text in SHAPES], metavar="YxX")
    parser.add_argument("--months", type=int, default=204)
    parser.add_argument("--epochs", type=int, default=1, help="of training")
    parser.add_argument("--set", action="append", default=[], help="a further setting of training; repeatable")
    given = parser.parse_args(arguments)
    costs = {}
    for shape in given.shapes:
        with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
            costs[shape] = measured(Path(name), shape, given)
    lines = []
    for verb in VERBS:
        for shape, of_shape in costs.items():
            cost, maps = of_shape[verb], 4 * math.prod(shape) * given.months
            memory = [size / 2**20 for size in (maps, cost.anonymous, cost.peak)]
            lines.append((verb, "{} x {}".format(*shape), cost.seconds, cost.busy, *memory))
    head = ("", "maps", "s", "CPU s", "maps MiB", "memory MiB", "with files' pages MiB")
    _table.show(f"Verbs of tidenet (small) over {given.months} months, CPU", head, lines)
    print()
    _exponents(costs)


def _exponents(costs: dict[tuple[int, int], dict[str, Cost]]) -> None:
    """Print exponents between the two largest maps, where the start-up counts least."""
    if len(costs) < 2:
        return
    one, other = sorted(costs, key=math.prod)[-2:]
    cells = math.log(math.prod(other) / math.prod(one))
    for verb in VERBS:
        few, many = costs[one][verb], costs[other][verb]
        for what, ratio in (
            ("time", many.seconds / few.seconds),
            ("memory", many.anonymous / max(few.anonymous, 1)),
        ):
            exponent = math.log(ratio) / cells
            print(f"exponent: {what} of {verb}, {math.prod(one):,} to {math.prod(other):,} cells: {exponent:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
