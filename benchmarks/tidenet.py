"""TIDE-Net: time of a training step and of a forecast, and of their convolutions, products and FFTs alone.

The operators' own time is what torch's profiler gives for them within the same calls, so that both are of the same
arithmetic. Peak memory, beyond the weights, is compared with that of the network whose maps over time are written down
plainly, and batches a second of windows of maps with those of a Dataset that opens HDF5 for each sample.
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
from torch import nn
from torch.profiler import ProfilerActivity, profile

from benchmarks import _table
from benchmarks._tidenet_plain import plain
from geoml_cli.models.tidenet.losses import LossWeights, loss_terms
from geoml_cli.models.tidenet.network import Shape, TideNet
from geoml_cli.samples.frames import Frames, FrameSeries
from geoml_cli.samples.spatial import Geometry, SpatialTransform

SIDES = (64, 128)
MONTHS = 60
_ARITHMETIC = (
    "aten::mkldnn_convolution", "aten::convolution_backward", "aten::mkldnn_convolution_backward",
    "aten::_slow_conv2d_forward", "aten::_slow_conv2d_backward", "aten::thnn_conv2d", "aten::mm", "aten::addmm",
    "aten::bmm", "aten::baddbmm", "aten::_fft_r2c", "aten::_fft_c2r", "aten::_fft_c2c",
    "aten::_scaled_dot_product_flash_attention_for_cpu",
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


def peak_mib(call: Callable[[], object]) -> float:
    """Return the most memory of tensors at once during a call, beyond what was there before [MiB]."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        call()
    assert found.profiler is not None and found.profiler.kineto_results is not None, "it has ended"
    changes = [event for event in found.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes.sort(key=lambda event: event.start_ns())
    return float(np.cumsum([event.nbytes() for event in changes]).max()) / 2**20


def network_calls(
    side: int, hidden: int, change: Callable[[nn.Module], nn.Module] = lambda network: network
) -> dict[str, Callable[[], object]]:
    """Return a training step and a forecast of a batch of one, 6 to 6 maps; `change` is made to the network first."""
    torch.manual_seed(1)
    network = change(TideNet(Shape(6, 6, side, side, hidden)))
    frames, truth = torch.rand(1, 6, side, side), torch.rand(1, 6, side, side)

    def step() -> float:
        network.zero_grad()
        loss = loss_terms(network(frames, branches=True), truth, network.spec_mask, LossWeights().at(1)).total
        loss.backward()
        return loss.item()

    @torch.inference_mode()
    def forecast() -> float:
        return float(network(frames).mean())

    return {"training step": step, "forecast": forecast}


def memory(side: int, hidden: int) -> dict[str, tuple[float, float]]:
    """Return the peak memory of each call, of the network and of the plain one [MiB]."""
    ours, theirs = network_calls(side, hidden), network_calls(side, hidden, plain)
    for name, call in ours.items():  # and memory that is kept is there
        assert np.isclose(call(), theirs[name](), rtol=1e-4), f"both give the same {name}"
    return {name: (peak_mib(call), peak_mib(theirs[name])) for name, call in ours.items()}


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
    peaks = {(name, side): pair for side in given.side for name, pair in memory(side, given.hidden).items()}
    table = [(f"{name}, {side} x {side}", *pair, pair[0] / pair[1]) for (name, side), pair in peaks.items()]
    _table.show("Peak memory [MiB] beyond the weights, likewise", ("", "geoml", "plain", "ratio"), table)
    rates = {side: loader(side, 4) for side in given.side}
    rows = [(f"{side} x {side}", ours, theirs, ours / theirs) for side, (ours, theirs) in rates.items()]
    _table.show("Windows of 12 maps a second", ("", "geoml", "HDF5 a sample", "ratio"), rows)
    print()
    for what, value in ratios.items():
        _table.ratio(what, value)
    for (name, side), (ours, theirs) in peaks.items():
        _table.ratio(f"peak memory, {name}, {side} x {side}, geoml / plain", ours / theirs)
    for side, (ours, theirs) in rates.items():
        _table.ratio(f"geoml / HDF5 opened for each sample, {side} x {side}", ours / theirs)


if __name__ == "__main__":
    main(sys.argv[1:])
