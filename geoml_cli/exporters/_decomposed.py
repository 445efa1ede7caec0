"""Operators that ONNX lacks, written in those that it has where they stand in a graph."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import map_arg
from torch.utils._pytree import tree_leaves, tree_map_only

Table = Mapping[Any, Callable[..., Any]]
_SAID = ("_assert", "sym_")
"""How operators begin that check a trace, which the exporter drops, or that are of sizes."""


@contextmanager
def decomposed_where_they_stand() -> Iterator[None]:
    """Let the exporter to ONNX decompose the few operators that ONNX lacks one by one.

    It would trace the whole graph anew for their sake, in half of the time of an export. It does so still where a graph
    writes into tensors, where operators remain that ONNX lacks, and where PyTorch calls its own functions otherwise.
    """
    from torch.onnx._internal.exporter import _decomp, _fx_passes

    named = "decompose_with_registry"
    wholly = getattr(_fx_passes, named, None)
    needed = ("get_onnx_implemented_overloads", "create_onnx_friendly_decomposition_table")
    if wholly is None or not all(hasattr(_decomp, name) for name in needed):
        yield
        return

    def decompose(program: torch.export.ExportedProgram, registry: Any) -> object:  # noqa: ANN401  private
        known = set(_decomp.get_onnx_implemented_overloads(registry))
        is_done = _replaced(program.graph_module, known, _decomp.create_onnx_friendly_decomposition_table(known))
        return program if is_done else wholly(program, registry)

    setattr(_fx_passes, named, decompose)
    try:
        yield
    finally:
        setattr(_fx_passes, named, wholly)


def _replaced(program: GraphModule, known: set[Any], table: Table) -> bool:
    """Replace what is not known in a graph and the graphs of its loops; return whether all could be."""
    graphs = [module for module in program.modules() if isinstance(module, GraphModule)]
    nodes = [(module, node) for module in graphs for node in module.graph.nodes if node.op == "call_function"]
    if any(node.target._schema.is_mutable for _, node in nodes if _is_operator(node.target)):
        return False
    for module, node in nodes:
        if not _is_fine(node.target, known) and not _replace(module, node, known, table):
            return False
    for module in graphs:
        module.graph.lint()
        module.recompile()
    return True


def _is_operator(target: Any) -> bool:  # noqa: ANN401  whatever a node calls
    return isinstance(target, torch._ops.OpOverload)


def _is_fine(target: Any, known: set[Any]) -> bool:  # noqa: ANN401
    """Return whether ONNX has an operator, or the exporter treats it in its own way: loops, sizes, checks."""
    if not _is_operator(target):
        return target is operator.getitem or target in known or not isinstance(target, torch._ops.OperatorBase)
    return target in known or target._schema.name.partition("::")[2].startswith(_SAID)


def _replace(module: GraphModule, node: Node, known: set[Any], table: Table) -> bool:
    """Put the decomposition of one node into its place; return False where it has none of known operators."""
    arguments = map_arg((node.args, node.kwargs), lambda one: one.meta["val"])
    sources = [one for one in tree_leaves((node.args, node.kwargs)) if isinstance(one, Node)]
    values = [one for one in tree_leaves(arguments) if isinstance(one, FakeTensor)]
    if not values or len(values) != len(sources) or not isinstance(node.meta.get("val"), FakeTensor):
        return False  # sizes among the arguments, or several results

    decomposition: Any = table.get(node.target, node.target)

    def call(*tensors: torch.Tensor) -> object:
        given = iter(tensors)
        args, kwargs = tree_map_only(FakeTensor, lambda _: next(given), arguments)
        return decomposition(*args, **kwargs)

    with values[0].fake_mode:  # of the graph: what a decomposition makes on the way is to be of it too
        written = make_fx(call)(*values).graph
    placed = dict(zip(written.find_nodes(op="placeholder"), sources, strict=True))
    steps = [one for one in written.nodes if one.op not in ("placeholder", "output")]
    for one in steps:
        _out_of_place(one, steps)
    if not steps or not all(one.op == "call_function" and _is_fine(one.target, known) for one in steps):
        return False
    with module.graph.inserting_before(node):
        for one in steps:
            placed[one] = module.graph.node_copy(one, placed.__getitem__)
            placed[one].meta = {**node.meta, "val": one.meta["val"]}
    [result] = written.output_node().args
    name, last = node.name, placed[result]
    node.replace_all_uses_with(last)
    module.graph.erase_node(node)
    last.name = name  # an output of the graph is known by it
    return True


def _out_of_place(step: Node, steps: list[Node]) -> None:
    """Let a step that writes into the result of one before, which nothing else reads, give a result of its own."""
    target: Any = step.target
    if not (_is_operator(target) and target._schema.is_mutable):
        return
    room, _, name = target._schema.name.partition("::")
    plain = getattr(getattr(torch.ops, room), name.removesuffix("_"), None)
    written = next((one for one in steps if step.args and one is step.args[0]), None)
    if plain and written and list(written.users) == [step] and target._overloadname in plain.overloads():
        step.target = getattr(plain, target._overloadname)
