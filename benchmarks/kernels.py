"""Geo-Mamba's loops on the CPU, forward and backward: time and extra memory compared with the plain ways.

The selective scan is compared with mambapy's parallel scan, KAN layers with the recursion of Cox and de Boor.
Inputs are the same and so, within rounding, are outputs and gradients. Times are the least of several, because a
machine that others use adds to them and never takes from them. Extra memory is what a process's peak grows by,
measured in a process of its own for each way.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks import _table
from geoml_cli.models.geomamba.backend import Kernels
from geoml_cli.models.geomamba.kan import knots
from geoml_cli.models.geomamba.scan import ScanInputs

SCAN = (32, 128, 256, 16)
KAN = ((8192, 128, 256), (8848, 128, 1))
_OURS, _THEIRS = "geoml", "plain"

Function = Callable[..., Tensor]
Case = tuple[Function, Function, tuple[Tensor, ...]]


def scan_case(batch: int, steps: int, channels: int, states: int) -> Case:
    """Return our scan, mambapy's, and inputs for both."""
    torch.manual_seed(1)
    x, z = torch.randn(2, batch, steps, channels)
    u = torch.randn(batch, steps, channels) - 3
    b, c = torch.randn(2, batch, steps, states)
    a = -torch.arange(1.0, states + 1).repeat(channels, 1)
    return _scan, parallel_scan, _leaves(x, u, z, b, c, a, torch.ones(channels))


def _scan(*tensors: Tensor) -> Tensor:
    return Kernels("fused").scan(ScanInputs(*tensors))


def parallel_scan(*tensors: Tensor) -> Tensor:
    """Scan as mambapy's block does."""
    from mambapy.pscan import pscan

    x_BLD, u_BLD, z_BLD, b_BLN, c_BLN, a_DN, d_D = tensors
    dt_BLD = functional.softplus(u_BLD)
    decay_BLDN = torch.exp(dt_BLD.unsqueeze(-1) * a_DN)
    drive_BLDN = dt_BLD.unsqueeze(-1) * b_BLN.unsqueeze(2) * x_BLD.unsqueeze(-1)
    states_BLDN = pscan(decay_BLDN, drive_BLDN)
    out_BLD = (states_BLDN @ c_BLN.unsqueeze(-1)).squeeze(3) + d_D * x_BLD
    return cast(Tensor, out_BLD * functional.silu(z_BLD))


def kan_case(rows: int, inputs: int, outputs: int) -> Case:
    """Return our layer, the recursion's, and inputs for both."""
    torch.manual_seed(1)
    weights = torch.randn(outputs, inputs), torch.randn(outputs, inputs, 8)
    return _kan, recursion_layer, _leaves(torch.randn(rows, inputs), *weights)


def _kan(x: Tensor, base: Tensor, weight: Tensor) -> Tensor:
    return Kernels("fused").kan(x, base, weight, knots())


def recursion_layer(x: Tensor, base: Tensor, weight: Tensor) -> Tensor:
    """Compute the layer with bases by the recursion."""
    bases = recursion(x, knots().to(x.device))
    return functional.linear(functional.silu(x), base) + functional.linear(bases.flatten(1), weight.flatten(1))


def recursion(x: Tensor, grid: Tensor) -> Tensor:
    """Return cubic B-splines as Cox and de Boor define them, [..., 8]."""
    x = x.unsqueeze(-1)
    bases = ((x >= grid[:-1]) & (x < grid[1:])).to(x.dtype)
    for k in range(1, 4):
        rising = (x - grid[: -k - 1]) / (grid[k:-1] - grid[: -k - 1])
        falling = (grid[k + 1 :] - x) / (grid[k + 1 :] - grid[1:-k])
        bases = rising * bases[..., :-1] + falling * bases[..., 1:]
    return bases


def _leaves(*tensors: Tensor) -> tuple[Tensor, ...]:
    return tuple(tensor.requires_grad_() for tensor in tensors)


def run(function: Function, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Go forward and backward; return the output and the gradients."""
    out = function(*inputs)
    return out.detach(), *torch.autograd.grad(out.square().mean(), inputs)


def least_ms(function: Function, inputs: tuple[Tensor, ...], repeats: int) -> float:
    """Return the shortest of several runs [ms], after one that may compile."""
    run(function, inputs)
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run(function, inputs)
        times.append(time.perf_counter() - started)
    return 1000 * min(times)


def extra_mb(make: Callable[..., Case], sizes: tuple[int, ...], which: int) -> float:
    """Return by how much one run raises a fresh process's peak memory [MB]."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (make, sizes, which, torch.get_num_threads()))


def _peak(make: Callable[..., Case], sizes: tuple[int, ...], which: int, threads: int) -> float:
    torch.set_num_threads(threads)
    ours, theirs, small = make(*(min(size, 16) for size in sizes))
    function = theirs if which else ours
    run(function, small)  # what is loaded and compiled once does not count
    inputs = make(*sizes)[2]
    before = _high_water_mb()
    run(function, inputs)
    return _high_water_mb() - before


def _high_water_mb() -> float:
    """Return the most memory this process ever took [MB]; what its parent took counts in `getrusage`, not here."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(re.findall(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="utf-8"))[0]) / 1024


def check(case: Case) -> None:
    """See that both ways give the same numbers."""
    ours, theirs, inputs = case
    for one, other in zip(run(ours, inputs), run(theirs, inputs), strict=True):
        assert float((one - other).abs().max()) <= 1e-4 * float(other.abs().max()), "the two ways differ"


def main(arguments: Sequence[str] = ()) -> None:
    """Measure every case, and print times, memory and ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels", description=__doc__)
    parser.add_argument("--scan", type=int, nargs=4, default=SCAN, metavar=("B", "L", "D", "N"))
    parser.add_argument("--kan", type=int, nargs=3, action="append", metavar=("ROWS", "IN", "OUT"))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    cases: list[tuple[str, Callable[..., Case], tuple[int, ...]]] = [
        (f"scan {tuple(given.scan)}", scan_case, tuple(given.scan))
    ]
    cases += [(f"KAN {sizes[0]} x {sizes[1]} -> {sizes[2]}", kan_case, tuple(sizes)) for sizes in given.kan or KAN]
    rows, ratios = [], {}
    for name, make, sizes in cases:
        ours, theirs, inputs = make(*sizes)
        check((ours, theirs, inputs))
        times = [least_ms(function, inputs, given.repeats) for function in (ours, theirs)]
        memory = [extra_mb(make, sizes, which) for which in (0, 1)]
        rows.append((name, *times, *memory))
        ratios[f"{name}, time"] = times[1] / times[0]
        ratios[f"{name}, extra memory"] = memory[1] / max(memory[0], 0.1)
    columns = ("forward + backward", "geoml [ms]", "plain [ms]", "geoml [MB]", "plain [MB]")
    _table.show(f"Loops of Geo-Mamba, float32, CPU, {given.threads} threads", columns, rows)
    print()
    for name, value in ratios.items():
        _table.ratio(f"plain / geoml, {name}", value)


if __name__ == "__main__":
    main(sys.argv[1:])
