"""Windows of maps that are not shrunk: time, and peak memory, for two lengths of the series.

Maps are of the size of Carbon-ECS, in a file that is read through a memory map. The scaling is fitted on all windows,
and an epoch of windows is gathered in another order, a batch of two at a time. Memory is that of the process beyond
what it had before, without the pages of the file, which the system takes back when it needs them (`RssAnon` of
/proc/self/status).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks import _table
from benchmarks.forecast_scores import COLUMNS, ROWS, peak
from geoml_cli.samples.frames import Frames, FrameSeries
from geoml_cli.samples.samples import Input, Samples, Target
from geoml_cli.samples.scaling import fit
from geoml_cli.samples.settings import InputSettings, TargetSettings
from geoml_cli.samples.spatial import Geometry, SpatialTransform

MONTHS = (102, 204)
_SEEN, _AHEAD, _BATCH = 6, 6, 2


def samples_of(path: Path, months: int, shape: tuple[int, int]) -> Samples:
    """Write maps, and return their windows of 6 and 6."""
    random, written = np.random.default_rng(1), np.memmap(path, dtype=np.float32, mode="w+", shape=(months, *shape))
    for month in range(months):
        written[month] = random.standard_normal(shape, dtype=np.float32)
    written.flush()
    del written
    maps = np.memmap(path, dtype=np.float32, mode="r", shape=(months, *shape))
    spatial = SpatialTransform(Geometry(shape, multiple=8), np.zeros(shape, dtype=bool))
    series = FrameSeries(maps, spatial, np.arange(months) % 12, np.ones(shape), [str(month) for month in range(months)])
    first = np.arange(months - _SEEN - _AHEAD + 1)
    seen = Input(Frames(series, first, _SEEN), axis=1, names=("flux",), gaps=True)
    ahead = Frames(series, first + _SEEN, _AHEAD)
    target = Target("flux", "mol m-2 yr-1", ahead, dims=("lead_time", "y", "x"), scaler="frames")
    return Samples({"frames": seen}, target)


def epoch(samples: Samples) -> None:
    """Fit the scaling, then gather every window once, in another order."""
    rows = np.arange(len(samples))
    fit(samples, rows, InputSettings(scaling="min-max"), TargetSettings())
    order = torch.from_numpy(np.random.default_rng(2).permutation(rows))
    target = samples.target.values
    assert isinstance(target, Frames), "windows of maps"
    seen, ahead = samples.inputs["frames"].values.gatherer(), target.gatherer()
    for batch in order.split(_BATCH):
        assert len(seen(batch)) == len(ahead(batch)), "a window each"


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.frames", description=__doc__)
    parser.add_argument("--shape", type=int, nargs=2, default=(ROWS, COLUMNS), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--months", type=int, nargs="+", default=MONTHS)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows, peaks = [], []
    for months in given.months:
        with tempfile.TemporaryDirectory(prefix="geoml-benchmark-") as name:
            samples = samples_of(Path(name) / "maps", months, tuple(given.shape))
            seconds, most = peak(lambda: epoch(samples))  # noqa: B023  called at once
        size = 4 * given.shape[0] * given.shape[1] * months / 2**20
        rows.append((f"{months} months", size, len(samples), seconds, most))
        peaks.append(most)
    title = f"Scaling, and an epoch of windows of 6 and 6 maps of {given.shape[0]} x {given.shape[1]} cells"
    _table.show(title, ("", "maps MiB", "windows", "seconds", "peak MiB"), rows)
    print()
    _table.ratio(f"peak memory, {given.months[-1]} / {given.months[0]} months", peaks[-1] / max(peaks[0], 1.0))


if __name__ == "__main__":
    main(sys.argv[1:])
