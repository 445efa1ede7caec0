"""One preparation or one reading, measured in a process of its own; prints a line of JSON.

`prepare CASE RAW SMALL OPTIONS SMALL_OPTIONS` or `read READER RAW SMALL`. The same is done with small files of the same
kind first, so that neither imports nor what libraries set up are measured.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import _raw

_SELF = Path("/proc/self")
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def by_pyarrow(raw: Path) -> None:
    """Read all tables with `pyarrow.csv`, its threads included."""
    from pyarrow import csv

    for path in sorted(raw.rglob("*.csv")):
        csv.read_csv(path)


def by_pandas(raw: Path) -> None:
    """Read all tables with pandas' C engine; those of `ech` are separated by blanks and begin with a header of text."""
    import pandas as pd

    for path in sorted(path for path in raw.rglob("*") if path.suffix in (".csv", ".txt", ".asc")):
        if path.suffix == ".csv":
            pd.read_csv(path)
        else:
            head = 6 if path.name == "supermag.txt" else 0
            pd.read_csv(path, sep=r"\s+", header=None, skiprows=head, comment="#")


def by_xarray(raw: Path) -> None:
    """Read all values of NetCDF files: those over time as one, a year at a time, the others one by one."""
    import xarray as xr

    for paths in _alike(raw):
        with xr.open_mfdataset([str(path) for path in paths], chunks={}) as file:
            steps = file.sizes.get("time", 0)
            for start in range(0, max(steps, 1), 12):
                (file.isel(time=slice(start, start + 12)) if steps else file).load()


def _alike(raw: Path) -> Iterator[list[Path]]:
    """Give the files of a folder that belong together."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path in sorted((*raw.rglob("*.nc"), *raw.rglob("*.nc4"))):
        groups.setdefault((path.parent, path.name.partition("_")[0]), []).append(path)
    yield from groups.values()


def by_h5py(raw: Path) -> None:
    """Read all data sets of HDF5 files."""
    import h5py

    for path in sorted(raw.rglob("*.h5")):
        with h5py.File(path) as file:
            _read_group(file)


def _read_group(group: Any) -> None:  # noqa: ANN401  h5py is untyped
    for item in group.values():
        if isinstance(item, Mapping):
            _read_group(item)
        else:
            item[...]


def by_rasterio(raw: Path) -> None:
    """Read all blocks of GeoTIFFs, one after another."""
    import rasterio

    for path in sorted(raw.rglob("*.tif")):
        with rasterio.open(path) as file:
            for _, window in file.block_windows(1):
                file.read(1, window=window)


READERS: dict[str, Callable[[Path], None]] = {
    "pyarrow": by_pyarrow,
    "pandas": by_pandas,
    "xarray": by_xarray,
    "h5py": by_h5py,
    "rasterio": by_rasterio,
}


def bytes_read() -> int:
    """Return how many bytes this process has read of files; 0 where the system does not tell."""
    counted = _SELF / "io"
    return int(counted.read_text().split()[1]) if counted.exists() else 0


def peak() -> int:
    """Return the peak resident memory of this process [bytes].

    From Linux's `VmHWM`: `ru_maxrss` of a started process is not below what its parent had.
    """
    status = _SELF / "status"
    lines = status.read_text().splitlines() if status.exists() else []
    found = next((line for line in lines if line.startswith("VmHWM")), None)
    return int(found.split()[1]) * 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT


def prepared(case: str, raw: Path, out: Path, options: str) -> tuple[float, int]:
    """Prepare once; return seconds, and bytes read without those of the data set's own digest."""
    from geoml_cli import registry
    from geoml_cli.dataset.manifest import read_manifest
    from geoml_cli.dataset.store import content_digest
    from geoml_cli.stages.prepare import Raw, prepare
    from geoml_cli.work.reporting import NullReporter

    name = _raw.source(case)
    given = Raw(name, raw, registry.source_card(name).options.model_validate_json(options))
    before, started = bytes_read(), time.perf_counter()
    prepare(given, out, NullReporter(), force=True)
    seconds, read = time.perf_counter() - started, bytes_read() - before
    before = bytes_read()
    content_digest(out, read_manifest(out).variables)
    return seconds, read - (bytes_read() - before)


def read(reader: str, raw: Path) -> tuple[float, int]:
    """Read once; return seconds and bytes read."""
    before, started = bytes_read(), time.perf_counter()
    READERS[reader](raw)
    return time.perf_counter() - started, bytes_read() - before


def main(arguments: list[str]) -> None:
    """Measure, and print what was found."""
    verb, name, raw, small, *options = arguments
    if verb == "read":
        read(name, Path(small))
        seconds, count = read(name, Path(raw))
    else:
        with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as folder:
            prepared(name, Path(small), Path(folder) / "small", options[1])
            seconds, count = prepared(name, Path(raw), Path(folder) / "data", options[0])
    print(json.dumps({"seconds": seconds, "read": count, "peak": peak()}))


if __name__ == "__main__":
    main(sys.argv[1:])
