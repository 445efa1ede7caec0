"""`geoml prepare` of raw files of some size, source by source, and the fastest ordinary reader of them.

Raw files are those of the sources' own synthetic writers, with larger grids and longer series; they lie in the page
cache. Each measurement is a process of its own, in which small files of the same kind were read before: start-up and
imports do not count. `prepare` hashes the raw files, tells what they are, checks and reads them, writes the data set
and hashes it; the reader makes arrays of the files and drops them. Of several turns the least time counts.

`times read` is what the process has read of all files (`rchar` of /proc/self/io, on Linux alone; files mapped into
memory are not counted), without what the digest of the data set reads, divided by the size of the raw files. Peak
memory is that of the whole process, libraries included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import _raw, _table

MEGABYTES, SMALL_MEGABYTES = 300.0, 0.2
_ROOT = Path(__file__).parents[1]
BESIDE = {
    "soc": ("rasterio",),
    "clcd": ("rasterio",),
    "gwsa": ("pyarrow", "pandas"),
    "gwsa-products": ("xarray",),
    "fluxnet": ("pyarrow", "pandas"),
    "ech": ("pandas",),
    "smap": ("pyarrow", "pandas"),
    "carbon-ecs": ("h5py",),
    "grid": ("xarray",),
}
"""Readers of the raw files by source; of two, the faster counts."""
_TABLE = ("source", "MB", "prepare s", "MB/s", "peak MiB", "times read", "reader", "reader s", "ratio")


@dataclass(frozen=True)
class Cost:
    """Of one measurement: time [s], bytes read of files, and peak resident memory [bytes]."""

    seconds: float
    read: int
    peak: int


def measured(*arguments: str) -> Cost:
    """Measure in a process of its own; arguments as of `_measured`.

    Raises:
        SystemExit: It failed.
    """
    paths = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "benchmarks._measured", *arguments]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments[:3])} ended with {done.returncode}")
    return Cost(**json.loads(done.stdout))


def compared(case: str, folder: Path, megabytes: float, turns: int) -> tuple[object, ...]:
    """Write the raw files of a source, prepare and read them; return a row of the table."""
    raw, small = folder / "raw", folder / "small"
    options = [_raw.WRITERS[case](path, size).model_dump_json() for path, size in _sizes(raw, small, megabytes)]
    ours: list[Cost] = []
    theirs: dict[str, list[Cost]] = {reader: [] for reader in BESIDE[case]}
    for _ in range(turns):
        ours.append(measured("prepare", case, str(raw), str(small), *options))
        for reader, costs in theirs.items():
            costs.append(measured("read", reader, str(raw), str(small)))
    prepared = min(ours, key=_seconds)
    reader, read = min(
        ((name, min(costs, key=_seconds)) for name, costs in theirs.items()), key=lambda one: one[1].seconds
    )
    size = _raw.size(raw)
    times = prepared.read / (size * _raw.MB)
    speed, ratio = size / prepared.seconds, prepared.seconds / read.seconds
    return case, size, prepared.seconds, speed, prepared.peak / 2**20, times, reader, read.seconds, ratio


def _sizes(raw: Path, small: Path, megabytes: float) -> tuple[tuple[Path, float], tuple[Path, float]]:
    return (raw, megabytes), (small, min(SMALL_MEGABYTES, megabytes))


def _seconds(cost: Cost) -> float:
    return cost.seconds


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prepare", description=__doc__)
    parser.add_argument("--megabytes", type=float, default=MEGABYTES, help="of raw files of each source, about")
    parser.add_argument(
        "--source", nargs="+", choices=list(BESIDE), default=list(BESIDE), metavar="NAME", help=", ".join(BESIDE)
    )
    parser.add_argument("--turns", type=int, default=1)
    given = parser.parse_args(arguments)
    rows = []
    for case in given.source:
        with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
            rows.append(compared(case, Path(name), given.megabytes, given.turns))
    _table.show("geoml prepare and an ordinary reader, files in the page cache", _TABLE, rows)
    print()
    for row in rows:
        _table.ratio(f"prepare / {row[6]}, time, {row[0]}", float(str(row[-1])))


if __name__ == "__main__":
    main(sys.argv[1:])
