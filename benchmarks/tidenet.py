"""TIDE-Net: time of a training step and of a forecast beside that of their convolutions, products and FFTs alone.

The operators' own time is what torch's profiler gives for them within the same calls, so that both are of the same
arithmetic. And batches a second of windows of maps beside a Dataset that opens HDF5 for each sample.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks import _table
from geoml_cli.models.tidenet.losses import LossWeights, loss_terms
from geoml_cli.models.tidenet.network import Shape, TideNet
from geoml_cli.samples.frames import Frames, FrameSeries
from geoml_cli.samples.spatial import Geometry, SpatialTransform

SIDES = (64, 128)
MONTHS = 60
_ARITHMETIC = (
    "aten::mkldnn_convolution", "aten::convolution_backward", "aten::mkldnn_convolution_backward",
    "aten::_slow_conv2d_forward", "aten::thnn_conv2d", "aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm",
    "aten::_fft_r2c", "aten::_fft_c2r", "aten::_fft_c2c", "aten::_scaled_dot_product_flash_attention_for_cpu",
    "aten::_scaled_dot_product_flash_attention_for_cpu_backward",
)  # fmt: skip


def beside_arithmetic(call: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU time of a call [s], and of its convolutions, products and FFTs alone."""
    call()  # memory and kernels are there
    with profile(activities=[ProfilerActivity.CPU]) as found:
        call()
    events = found.key_averages()
    whole = sum(event.self_cpu_time_total for event in events)
    arithmetic = sum(event.self_cpu_time_total for event in events if event.key in _ARITHMETIC)
    return whole / 1e6, arithmetic / 1e6


def network_calls(side: int, hidden: int) -> dict[str, Callable[[], object]]:
    """Return a training step and a forecast of a batch of one, 6 to 6 maps."""
    torch.manual_seed(1)
    network = TideNet(Shape(6, 6, side, side, hidden))
    frames, truth = torch.rand(1, 6, side, side), torch.rand(1, 6, side, side)

    def step() -> None:
        network.zero_grad()
        loss_terms(network(frames, branches=True), truth, network.spec_mask, (LossWeights(), 1)).total.backward()

    @torch.inference_mode()
    def forecast() -> None:
        network(frames)

    return {"training step": step, "forecast": forecast}


def loader(side: int, batch: int) -> tuple[float, float]:
    """Return windows a second of ours, and of a Dataset that opens HDF5 and resizes for each sample."""
    import h5py

    native = (2 * side, 2 * side)
    maps = np.random.default_rng(1).standard_normal((MONTHS, *native), dtype=np.float32)
    spatial = SpatialTransform(Geometry(native, size=(side, side)), np.zeros(native, dtype=bool))
    labels = [str(month) for month in range(MONTHS)]
    series = FrameSeries(maps, spatial, np.arange(MONTHS) % 12, np.ones(native), labels)
    frames = Frames(series, np.arange(MONTHS - 12), 12)
    gather, rows = frames.gatherer(), np.random.default_rng(2).integers(0, len(frames), 8 * batch)
    gather(torch.arange(len(frames)))  # each map is resized once a training
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "maps.h5"
        with h5py.File(path, "w") as file:
            for month in range(MONTHS):
                file[f"{month:06d}"] = maps[month]

        def plain(row: int) -> torch.Tensor:
            with h5py.File(path, "r") as file:
                found = torch.from_numpy(np.stack([file[f"{month:06d}"][...] for month in range(row, row + 12)]))
            resized = torch.nn.functional.interpolate(found[None], size=(side, side), mode="bilinear", antialias=True)
            return resized[0]

        assert torch.allclose(gather(torch.tensor([3]))[0], plain(3), atol=1e-4), "both give the same maps"
        ours = _per_second(lambda: [gather(torch.from_numpy(part)) for part in np.split(rows, 8)], len(rows))
        theirs = _per_second(lambda: [plain(int(row)) for row in rows], len(rows))
    return ours, theirs


def _per_second(call: Callable[[], object], count: int) -> float:
    started = time.perf_counter()
    call()
    return count / (time.perf_counter() - started)


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print times, rates and ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tidenet", description=__doc__)
    parser.add_argument("--side", type=int, nargs="+", default=SIDES)
    parser.add_argument("--hidden", type=int, default=64)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows, ratios = [], {}
    for side in given.side:
        for name, call in network_calls(side, given.hidden).items():
            whole, arithmetic = beside_arithmetic(call)
            rows.append((f"{name}, {side} x {side}", whole, arithmetic, whole / arithmetic))
            ratios[f"{name} / its arithmetic, {side} x {side}"] = whole / arithmetic
    _table.show("CPU seconds of one sample, 6 to 6 maps, one thread", ("", "all", "arithmetic", "ratio"), rows)
    rates = {side: loader(side, 4) for side in given.side}
    table = [(f"{side} x {side}", ours, theirs, ours / theirs) for side, (ours, theirs) in rates.items()]
    _table.show("Windows of 12 maps a second", ("", "geoml", "HDF5 a sample", "ratio"), table)
    print()
    for what, value in ratios.items():
        _table.ratio(what, value)
    for side, (ours, theirs) in rates.items():
        _table.ratio(f"geoml / HDF5 opened for each sample, {side} x {side}", ours / theirs)


if __name__ == "__main__":
    main(sys.argv[1:])
