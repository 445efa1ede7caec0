"""A training step of Geo-Mamba at the paper's size on the CPU, the plain way, and its matrix products alone.

The step is forward, Huber loss, backward and AdamW, on one time step of 17 dynamic and 3 static factors. The plain
way is the same network with mambapy's parallel scan, PyTorch's convolution, and KAN bases by the recursion of Cox and
de Boor. The matrix products are those of the step (forward, and two a product backward), in the shapes it has them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks import _table
from benchmarks.kernels import parallel_scan, recursion_layer
from geoml_cli.layers.onednn import product, product_over_rows
from geoml_cli.models.geomamba.backend import Kernels
from geoml_cli.models.geomamba.blocks import Mamba, MambaEncoder
from geoml_cli.models.geomamba.kan import KanLinear
from geoml_cli.models.geomamba.network import GeoMamba, Shape
from geoml_cli.models.geomamba.scan import ScanInputs
from geoml_cli.models.geomamba.settings import NetworkSettings

SHAPE = Shape(dynamic=17, static=3)

Step = Callable[[], float]


class Plain(Kernels):
    """The loops as they are often written."""

    def scan(self, inputs: ScanInputs) -> Tensor:
        """Scan with mambapy."""
        return parallel_scan(*vars(inputs).values())

    def convolve(self, x_BLD: Tensor, weight_D1K: Tensor, bias_D: Tensor) -> Tensor:
        """Convolve with PyTorch."""
        taps, channels = weight_D1K.shape[2], weight_D1K.shape[0]
        out = functional.conv1d(x_BLD.transpose(1, 2), weight_D1K, bias_D, padding=taps - 1, groups=channels)
        return functional.silu(out[..., : x_BLD.shape[1]]).transpose(1, 2)

    def kan(self, x_RI: Tensor, base_OI: Tensor, weight_OIK: Tensor, knots: Tensor) -> Tensor:
        """Lay out bases by the recursion."""
        return recursion_layer(x_RI, base_OI, weight_OIK)


def build(settings: NetworkSettings, kernels: Kernels) -> GeoMamba:
    """Make the network with loops of one kind; weights are the same for all."""
    torch.manual_seed(1)
    network = GeoMamba(settings, SHAPE)
    for module in network.modules():
        if isinstance(module, KanLinear | Mamba | MambaEncoder):
            module.kernels = kernels
    return network


def batch(rows: int) -> tuple[tuple[Tensor, ...], Tensor]:
    """Make inputs and a target up."""
    torch.manual_seed(2)
    position = torch.stack([torch.empty(rows, 1).uniform_(20, 50), torch.empty(rows, 1).uniform_(75, 130)], dim=-1)
    years = torch.stack([torch.randn(rows, 1), torch.randint(2002, 2025, (rows, 1)).float()], dim=-1)
    factors = torch.randn(rows, 1, SHAPE.dynamic), torch.randn(rows, 1, SHAPE.static)
    return (*factors, torch.randint(SHAPE.categories, (rows, 1)), position, years), torch.randn(rows, 1)


def training_step(network: GeoMamba, rows: int) -> Step:
    """Return a step that trains, and gives its loss."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    inputs, target = batch(rows)

    def step() -> float:
        optimiser.zero_grad()
        loss = functional.huber_loss(network(*inputs), target)
        torch.autograd.backward(loss)
        optimiser.step()
        return loss.item()

    return step


class Noting(Kernels):
    """The compiled loops; they note the matrix products they are asked for."""

    shapes: ClassVar[list[tuple[int, int, int]]] = []

    def linear(self, x: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
        """Note a linear layer."""
        self.shapes.append((x.numel() // x.shape[-1], x.shape[-1], weight_OI.shape[0]))
        return super().linear(x, weight_OI, bias_O)

    def kan(self, x_RI: Tensor, base_OI: Tensor, weight_OIK: Tensor, knots: Tensor) -> Tensor:
        """Note a KAN layer, which meets SiLU and 8 bases of every input."""
        self.shapes.append((x_RI.shape[0], 9 * x_RI.shape[1], base_OI.shape[0]))
        return super().kan(x_RI, base_OI, weight_OIK, knots)


def products(settings: NetworkSettings, rows: int) -> Step:
    """Return a step that does the matrix products alone: one forward and two backward for every weight met."""
    Noting.shapes.clear()
    with torch.no_grad():
        build(settings, Noting("fused"))(*batch(rows)[0])
    shapes = list(Noting.shapes)
    tensors = {shape: (torch.randn(shape[:2]), torch.randn(shape[2], shape[1])) for shape in set(shapes)}
    slopes = {shape: torch.randn(shape[0], shape[2]) for shape in tensors}

    def step() -> float:
        for shape in shapes:
            x, weight = tensors[shape]
            product(x, weight)
            product(slopes[shape], weight.T)
            product_over_rows(slopes[shape], x)
        return 0.0

    return step


def least_ms(step: Step, repeats: int) -> tuple[float, float]:
    """Return the shortest of several steps [ms], and the first loss."""
    first, times = step(), []
    for _ in range(repeats):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return 1000 * min(times), first


def prediction_rate(network: GeoMamba, rows: int, repeats: int) -> float:
    """Return predicted rows a second."""
    inputs, _ = batch(rows)
    with torch.inference_mode():
        return 1000 * rows / least_ms(lambda: float(network(*inputs).sum()), repeats)[0]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure a step each way, and print times and ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.geomamba", description=__doc__)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--embedding", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--rows", type=int, default=512, help="rows of a block in prediction")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    settings = NetworkSettings(embedding=given.embedding, layers=given.layers)
    ours = build(settings, Kernels("fused"))
    mine, loss = least_ms(training_step(ours, given.batch_size), given.repeats)
    theirs, other = least_ms(training_step(build(settings, Plain("torch")), given.batch_size), min(given.repeats, 3))
    assert abs(loss - other) <= 1e-4 * abs(other), "the two networks differ"
    bare, _ = least_ms(products(settings, given.batch_size), given.repeats)
    rate = prediction_rate(ours, given.rows, min(given.repeats, 3))
    rows = [("geoml", mine), ("mambapy's scan and the recursion", theirs), ("matrix products alone", bare)]
    title = f"A training step, batch {given.batch_size}, E {given.embedding}, N {given.layers}, {given.threads} threads"
    _table.show(title, ("way", "ms"), rows)
    print(f"\nprediction: {rate:,.0f} rows a second, in blocks of {given.rows:,}\n")
    _table.ratio("plain / geoml, training step", theirs / mine)
    _table.ratio("geoml / its matrix products, training step", mine / bare)


if __name__ == "__main__":
    main(sys.argv[1:])
