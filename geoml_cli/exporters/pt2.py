"""`torch.export` programs: the network without its Python code."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from geoml_cli.exporters.exporter import Arrays, Exporter, Names


def write(network: nn.Module, inputs: Sequence[Tensor], names: Names, path: Path, dynamic: bool) -> None:
    """Write the program; the first axis of every input has any length where `dynamic`."""
    batch = torch.export.Dim("sample", min=1)
    with warnings.catch_warnings():
        # As for ONNX: the file is scored by running it.
        warnings.simplefilter("ignore")
        program = torch.export.export(
            network, tuple(inputs), dynamic_shapes={"inputs": tuple({0: batch} for _ in inputs)} if dynamic else None
        )
        torch.export.save(program, path)


def run(path: Path, network: nn.Module, inputs: Sequence[Tensor]) -> Arrays:
    """Load the program and run it."""
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        result = torch.export.load(path).module()(*inputs)
    return [part.numpy() for part in result]


EXPORTER = Exporter("torch.export program, for PyTorch without this package", ".pt2", write, run)
