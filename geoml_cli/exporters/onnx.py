"""ONNX, checked with onnxruntime."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from geoml_cli.exporters._decomposed import decomposed_where_they_stand
from geoml_cli.exporters._recurrent import lstms_as_one_operator
from geoml_cli.exporters.exporter import Arrays, Exporter, Names, Opened

_SOURCE = "pkg.torch.onnx.stack_trace"
"""Metadata of a node: files and lines that it was traced from."""


def write(network: nn.Module, inputs: Sequence[Tensor], names: Names, path: Path, dynamic: bool) -> None:
    """Write the graph; the first axis of every input has any length where `dynamic`."""
    batch = torch.export.Dim("sample", min=1)
    # It also logs which optional packages it looked for, and what it could not simplify.
    for name in ("torch.onnx", "onnx_ir", "onnxscript"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        torch.no_grad(),
        lstms_as_one_operator(),
        decomposed_where_they_stand(),
    ):
        # The exporter warns of its own internals; what counts is checked by running the file.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            tuple(inputs),
            dynamo=True,
            dynamic_shapes={"inputs": tuple({0: batch} for _ in inputs)} if dynamic else None,
            input_names=list(names[0]),
            output_names=list(names[1]),
            verbose=False,
            optimize=False,
        )
        assert program is not None
        _fold(program)
        _forget_sources(program)
    program.save(str(path), external_data=False)


def _fold(program: torch.onnx.ONNXProgram) -> None:
    """Work constants out, and drop what nothing reads.

    The exporter's own optimiser does so too, but then looks for patterns to rewrite, in a time that grows with the
    square of the nodes: 34 s where this takes 1 s. Engines fuse operators when they load a graph.
    """
    from onnxscript import optimizer

    optimizer.fold_constants(program.model)
    optimizer.remove_unused_nodes(program.model)


def _forget_sources(program: torch.onnx.ONNXProgram) -> None:
    """Drop where nodes come from: a file that is handed on has no folders of the machine that wrote it."""
    for graph in (program.model.graph, *(one.graph for one in program.model.functions.values())):
        for node in graph.all_nodes():
            node.metadata_props.pop(_SOURCE, None)


def open_session(path: Path, network: nn.Module) -> Opened:
    """Open the file with onnxruntime on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(inputs: Sequence[Tensor]) -> Arrays:
        fed = {item.name: value.numpy() for item, value in zip(session.get_inputs(), inputs, strict=True)}
        return list(session.run(None, fed))

    return run


EXPORTER = Exporter("ONNX graph, for onnxruntime and other engines", ".onnx", write, open_session)
