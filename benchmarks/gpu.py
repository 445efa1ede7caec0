"""Geo-Mamba on an NVIDIA card: training steps and prediction by mamba-ssm's kernels, compared with PyTorch's operators.

The step is that of `benchmarks.geomamba`, in float32 and in the mixed precisions of `train.precision`. The plain way
has mambapy's parallel scan and KAN bases by the recursion of Cox and de Boor. Times are the least of several, with the
card waited for; a graph is recorded before. Memory is the most that PyTorch took on the card during a step.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks import _table
from benchmarks.geomamba import Plain, Step, batch, build, least_ms
from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.models.geomamba.backend import WORKS, Kernels, available
from geoml_cli.models.geomamba.network import GeoMamba
from geoml_cli.models.geomamba.settings import NetworkSettings
from geoml_cli.training.recorded import Recorded

_DEVICE = torch.device("cuda")
_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}

Mixed = Callable[[], AbstractContextManager[object]]


def mixed(precision: str) -> Mixed:
    """Return what a forward pass runs in."""
    if precision == "fp32":
        return nullcontext
    return lambda: torch.autocast("cuda", _TYPES[precision])


def on_card(rows: int) -> tuple[tuple[Tensor, ...], Tensor]:
    """Make inputs and a target up, on the card."""
    inputs, target = batch(rows)
    return tuple(tensor.to(_DEVICE) for tensor in inputs), target.to(_DEVICE)


def training_step(network: nn.Module, rows: int, autocast: Mixed) -> Step:
    """Return a step that trains, and gives its loss; fp16 without the scaling of losses, which costs nothing here."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    inputs, target = on_card(rows)

    def step() -> float:
        optimiser.zero_grad()
        with autocast():
            prediction = network(*inputs)
        loss = functional.huber_loss(prediction.float(), target)
        torch.autograd.backward(loss)
        optimiser.step()
        return loss.item()

    return step


def prediction(network: GeoMamba, rows: int) -> Step:
    """Return a step that predicts."""
    inputs, _ = on_card(rows)
    network.eval()

    def step() -> float:
        with torch.inference_mode():
            return float(network(*inputs).sum())

    return step


def main(arguments: Sequence[str] = ()) -> int:
    """Measure a step each way, and print times and ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--batch-size", type=int, nargs="+", default=[16, 256])
    parser.add_argument("--embedding", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=10)
    given = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print("gpu measures an NVIDIA card; there is none, or torch is built without CUDA.", file=sys.stderr)
        return 2
    settings = NetworkSettings(embedding=given.embedding, layers=given.layers)
    ways: dict[str, Kernels] = {"torch": Kernels("torch")}
    if available()["mamba-ssm"] == WORKS:
        ways["mamba-ssm"] = Kernels("mamba-ssm")
    if importlib.util.find_spec("mambapy") is not None:
        ways["plain"] = Plain("torch")
    for rows in given.batch_size:
        _measure(ways, settings, rows, given.repeats)
    return 0


def _measure(ways: dict[str, Kernels], settings: NetworkSettings, rows: int, repeats: int) -> None:
    table, times, recorded = [], {}, {}
    for precision in ("fp32", "bf16", "fp16"):
        losses = {}
        for name, kernels in ways.items():
            network = build(settings, kernels).to(_DEVICE)
            torch.cuda.reset_peak_memory_stats()
            mine, losses[name] = least_ms(training_step(network, rows, mixed(precision)), repeats)
            memory = torch.cuda.max_memory_allocated() / 2**20
            forward, _ = least_ms(prediction(network, rows), repeats)
            times[name, precision] = mine
            table.append((f"{name}, {precision}", mine, 1000 * rows / forward, memory, losses[name]))
            del network
        tolerance = 1e-3 if precision == "fp32" else 5e-2
        assert all(abs(loss - losses["torch"]) <= tolerance * losses["torch"] for loss in losses.values()), losses
    # The plain way makes its knots anew in every step, on the CPU, which no graph can replay.
    for name, kernels in ((name, kernels) for name, kernels in ways.items() if name != "plain"):
        network = build(settings, kernels).to(_DEVICE)
        graphs = Recorded(network, TrainSettings(batch_size=rows, cuda_graphs=True))
        torch.cuda.reset_peak_memory_stats()
        mine, loss = least_ms(training_step(graphs, rows, nullcontext), repeats)
        memory = torch.cuda.max_memory_allocated() / 2**20
        table.append((f"{name}, fp32, train.cuda_graphs", mine, math.nan, memory, loss))
        recorded[name] = times[name, "fp32"] / mine
    card = torch.cuda.get_device_name()
    columns = ("way", "training step [ms]", "predicted rows/s", "memory [MiB]", "first loss")
    _table.show(f"Batch {rows}, E {settings.embedding}, N {settings.layers}, {card}", columns, table)
    print()
    for name, value in recorded.items():
        _table.ratio(f"{name} / {name} with train.cuda_graphs, fp32, training step, batch {rows}", value)
    for name in [name for name in ways if name != "mamba-ssm"]:
        for precision in ("fp32", "bf16", "fp16"):
            if ("mamba-ssm", precision) in times:
                value = times[name, precision] / times["mamba-ssm", precision]
                _table.ratio(f"{name} / mamba-ssm, {precision}, training step, batch {rows}", value)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
