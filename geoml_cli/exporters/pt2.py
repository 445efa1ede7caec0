"""`torch.export` programs: the network without its Python code."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from geoml_cli.exporters._recurrent import lstms_as_one_operator
from geoml_cli.exporters.exporter import Arrays, Exporter, Names, Opened


def write(network: nn.Module, inputs: Sequence[Tensor], names: Names, path: Path, dynamic: bool) -> None:
    """Write the program; the first axis of every input has any length where `dynamic`."""
    batch = torch.export.Dim("sample", min=1)
    with warnings.catch_warnings(), lstms_as_one_operator():
        # As for ONNX: the file is scored by running it.
        warnings.simplefilter("ignore")
        program = torch.export.export(
            network, tuple(inputs), dynamic_shapes={"inputs": tuple({0: batch} for _ in inputs)} if dynamic else None
        )
        _forget_sources(program)
        torch.export.save(program, path)


def _forget_sources(program: torch.export.ExportedProgram) -> None:
    """Drop where nodes come from: a file that is handed on has no folders of the machine that wrote it."""
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)


def open_program(path: Path, network: nn.Module) -> Opened:
    """Load the program."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.load(path).module()

    def run(inputs: Sequence[Tensor]) -> Arrays:
        with torch.inference_mode():
            return [part.numpy() for part in program(*inputs)]

    return run


EXPORTER = Exporter("torch.export program, for PyTorch without this package", ".pt2", write, open_program)
