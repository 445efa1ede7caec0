"""Reading gridded files: `readers.gridded` and xarray's own read of the same files, with the peak memory of both.

Both open all files as one array over time and read every frame once, in order, as physical float32 values with NaN
where missing. xarray reads with `open_mfdataset` in the blocks that geoml reads. The files lie in the page cache. Each
figure is the best of several turns, taken alternately; memory is that of Python objects and arrays while reading.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr

from benchmarks import _table
from geoml_cli.readers.grid_dataset import blocks
from geoml_cli.readers.grid_open import GridRequest, open_gridded

ROWS, COLUMNS, MONTHS, TURNS = 360, 720, 120, 3
_FILL = -32768
Reading = Callable[[Sequence[Path]], float]


def write(path: Path, months: range, shape: tuple[int, int], kind: str) -> None:
    """Write months of smooth random fields with land: `float`, or `packed` into compressed short integers."""
    rows, columns = shape
    packed = kind == "packed"
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", len(months)), ("lat", rows), ("lon", columns)):
            file.createDimension(name, size)
        for name, unit, values in (
            ("lat", "degrees_north", np.linspace(-89, 89, rows)),
            ("lon", "degrees_east", np.linspace(0, 360, columns, endpoint=False)),
            ("time", "days since 2000-01-01", np.array([round(30.4375 * month) + 14 for month in months])),
        ):
            file.createVariable(name, "f8", (name,))[:] = values
            file[name].units = unit
        options = {"zlib": packed, "chunksizes": (1, rows, columns), "fill_value": _FILL if packed else 1e20}
        variable = file.createVariable("sst", "i2" if packed else "f4", ("time", "lat", "lon"), **options)
        variable.set_auto_maskandscale(False)
        variable.setncatts({"units": "K", **({"scale_factor": 0.01, "add_offset": 280.0} if packed else {})})
        for place, month in enumerate(months):
            frame = fields(month, shape)
            land = np.isnan(frame)
            stored = np.where(land, _FILL if packed else 1e20, (frame - 280) / 0.01 if packed else frame)
            variable[place] = np.rint(stored) if packed else stored


def fields(month: int, shape: tuple[int, int]) -> np.ndarray:
    """Return a field [K] with a quarter of land."""
    y, x = np.meshgrid(*(np.linspace(0, 6, size) for size in shape), indexing="ij")
    frame = 280 + 10 * np.sin(x + month / 7) * np.cos(y) + np.random.default_rng(month).normal(0, 0.1, shape)
    frame[np.sin(2 * x) * np.cos(3 * y) > 0.4] = np.nan
    return frame


def by_geoml(paths: Sequence[Path]) -> float:
    """Read all frames; return the sum of all values."""
    with open_gridded(paths, GridRequest("sst")) as (_, gridded):
        return sum(float(np.nansum(frames, dtype=np.float64)) for frames in blocks(gridded))


def by_xarray(paths: Sequence[Path]) -> float:
    """Read all frames with xarray's own functions; return the sum of all values."""
    with open_gridded(paths, GridRequest("sst")) as (_, gridded):
        sizes = gridded.array.chunks[0]
    total, at = 0.0, 0
    with xr.open_mfdataset(list(map(str, paths)), chunks={"time": max(sizes)}) as file:
        for size in sizes:
            frames = file["sst"][at : at + size].values.astype(np.float32, copy=False)
            total += float(np.nansum(frames, dtype=np.float64))
            at += size
    return total


def measured(read: Reading, paths: Sequence[Path]) -> tuple[float, float]:
    """Return seconds and the sum of all values."""
    started = time.perf_counter()
    total = read(paths)
    return time.perf_counter() - started, total


def peak(read: Reading, paths: Sequence[Path]) -> float:
    """Return peak memory [MiB]."""
    tracemalloc.start()
    try:
        read(paths)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grids", description=__doc__)
    parser.add_argument("--shape", type=int, nargs=2, default=(ROWS, COLUMNS), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--months", type=int, default=MONTHS)
    parser.add_argument("--turns", type=int, default=TURNS)
    given = parser.parse_args(arguments)
    rows, ratios = [], {}
    with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
        for case, (kind, per_file) in CASES.items():
            paths = files(Path(name) / kind / str(per_file), kind, per_file or given.months, given)
            ours, theirs = [], []
            for _ in range(given.turns):
                theirs.append(measured(by_xarray, paths))
                ours.append(measured(by_geoml, paths))
            assert np.isclose(ours[0][1], theirs[0][1], rtol=1e-6), "the two ways differ"
            seconds = min(ours)[0], min(theirs)[0]
            size = 4 * given.shape[0] * given.shape[1] * given.months / 2**20
            rows.append((case, len(paths), size, *seconds, peak(by_geoml, paths), peak(by_xarray, paths)))
            ratios[case] = seconds[1] / seconds[0]
    title = f"{given.months} months of {given.shape[0]} x {given.shape[1]} cells, page cache warm"
    _table.show(title, ("files", "number", "MiB", "geoml s", "xarray s", "geoml peak MiB", "xarray peak MiB"), rows)
    print()
    for case, ratio in ratios.items():
        _table.ratio(f"geoml / xarray, speed, {case}", ratio)


CASES = {
    "float, one file": ("float", 0),
    "float, a month a file": ("float", 1),
    "packed, one file": ("packed", 0),
    "packed, a year a file": ("packed", 12),
}
"""By name, how values are stored, and months a file; 0 for all."""


def files(folder: Path, kind: str, per_file: int, given: argparse.Namespace) -> list[Path]:
    """Write the files of a case."""
    folder.mkdir(parents=True)
    paths = []
    for first in range(0, given.months, per_file):
        paths.append(folder / f"sst_{first:04d}.nc")
        write(paths[-1], range(first, min(first + per_file, given.months)), tuple(given.shape), kind)
    return paths


if __name__ == "__main__":
    main(sys.argv[1:])
