"""Vectors of `WIDTH` numbers for compiled loops, so that a loop keeps several at once in registers.

The compiler lays a loop over lanes out by itself only where it can prove that arrays lie apart, and checks that anew at
every entry. A vector says it outright. `WIDTH` is no processor's: LLVM splits a vector into as many registers as its
own target needs, and sums over lanes go by the same tree everywhere.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_cast, models, register_model

from geoml_cli.models.geomamba.kernels.arrays import Array
from geoml_cli.models.geomamba.kernels.compiled import allocating

WIDTH = 16
CONTRACT = ("contract",)
"""a * b + c may be one instruction; NaN and infinity keep their meaning."""


def instructions(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - numba has no types for a checker
    """Make a function for compiled code from one that returns its types, and what writes its instructions."""
    return intrinsic(function)


class Lanes(types.Type):
    """Type of a vector, float32 or float64."""

    def __init__(self, dtype: Any) -> None:  # noqa: ANN401
        self.dtype = dtype
        super().__init__(f"Lanes({dtype})")


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Lanes) -> None:  # noqa: ANN401
        super().__init__(manager, kind, ir.VectorType(manager.lookup(kind.dtype).get_value_type(), WIDTH))  # type: ignore[no-untyped-call]


def _broadcast(context: Any, builder: Any, number: Any, kind: Lanes, value: Any) -> Any:  # noqa: ANN401
    """Give every lane the same number."""
    value = context.cast(builder, value, number, kind.dtype)
    vector = ir.VectorType(value.type, WIDTH)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)


lower_cast(types.Float, Lanes)(_broadcast)


def _add_operation(function: Callable[..., Any], instruction: str) -> None:
    class Operation(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:  # noqa: ANN401
            kinds = [kind for kind in args if isinstance(kind, Lanes)]
            return signature(*kinds[:1] * 3) if len(args) == 2 and kinds else None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        return getattr(builder, instruction)(*args, flags=CONTRACT)

    infer_global(function)(Operation)
    lower_builtin(function, Lanes, Lanes)(generate)


# `+=` is the same instruction as `+`: a vector is a value, and is not changed in place.
for _function, _name in (("add", "fadd"), ("iadd", "fadd"), ("sub", "fsub"), ("mul", "fmul"), ("truediv", "fdiv")):
    _add_operation(getattr(operator, _function), _name)


@instructions
def load(typing: Any, array: Any, index: Any) -> Any:  # noqa: ANN401
    """Read the vector that starts at an index of a contiguous array."""
    kind = Lanes(array.dtype)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        pointer = _pointer(context, builder, signature, args)
        pointer = builder.bitcast(pointer, context.get_value_type(kind).as_pointer())
        return builder.load(pointer, align=_align(kind))

    return kind(array, index), generate


@instructions
def spread(typing: Any, array: Any, index: Any) -> Any:  # noqa: ANN401
    """Read one number of a contiguous array into every lane."""
    kind = Lanes(array.dtype)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        pointer = _pointer(context, builder, signature, args)
        return _broadcast(context, builder, kind.dtype, kind, builder.load(pointer))

    return kind(array, index), generate


@instructions
def fma(typing: Any, left: Any, right: Any, addend: Any) -> Any:  # noqa: ANN401
    """Return left * right + addend, of which the processor may make one instruction."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        number = "f64" if left.dtype == types.float64 else "f32"
        kind = ir.FunctionType(args[0].type, [args[0].type] * 3)
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{WIDTH}{number}")
        return builder.call(function, args)

    return left(left, left, left), generate


@instructions
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:  # noqa: ANN401
    """Write a vector to where it starts in a contiguous array."""
    kind = Lanes(array.dtype)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        pointer = _pointer(context, builder, signature, args)
        builder.store(args[2], builder.bitcast(pointer, args[2].type.as_pointer()), align=_align(kind))
        return context.get_dummy_value()

    return types.none(array, index, kind), generate


def _pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
    array, index = signature.args[:2]
    values = cgutils.unpack_tuple(builder, args[1], len(index))
    values = [context.cast(builder, value, kind, types.intp) for value, kind in zip(values, index, strict=True)]
    data = context.make_array(array)(context, builder, args[0])
    # No index is negative: counting from the end would cost a comparison for each.
    return cgutils.get_item_pointer(context, builder, array, data, values, wraparound=False)


def _align(kind: Lanes) -> int:
    """Return the alignment [byte] that NumPy promises: a number's."""
    return int(kind.dtype.bitwidth) // 8


@instructions
def total(typing: Any, value: Any) -> Any:  # noqa: ANN401
    """Add up the lanes: halves, then quarters, and so on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        (vector,), i32 = args, ir.IntType(32)
        half = WIDTH // 2
        while half:
            picks = [ir.Constant(ir.VectorType(i32, half), list(range(first, first + half))) for first in (0, half)]
            vector = builder.fadd(*(builder.shuffle_vector(vector, vector, pick) for pick in picks))
            half //= 2
        return builder.extract_element(vector, ir.Constant(i32, 0))

    return value.dtype(value), generate


@allocating
def workspace(vectors: int, like: Array) -> Any:  # noqa: ANN401
    """Return uninitialised memory for vectors, of the type of an array; none of them lies across two cache lines."""
    # Room for one vector more than asked for, so that the first may begin at a cache line.
    room = np.empty((vectors + 1) * WIDTH, like.dtype)
    first = (-room.ctypes.data % (WIDTH * room.itemsize)) // room.itemsize
    return room[first : first + vectors * WIDTH]


@instructions
def where_equal(typing: Any, left: Any, right: Any, chosen: Any, other: Any) -> Any:  # noqa: ANN401
    """Return `chosen` in lanes where two vectors are equal, `other` elsewhere."""
    return chosen(chosen, chosen, chosen, chosen), _selection("==")


@instructions
def where_less(typing: Any, left: Any, right: Any, chosen: Any, other: Any) -> Any:  # noqa: ANN401
    """Return `chosen` in lanes where one vector is less than another, `other` elsewhere."""
    return chosen(chosen, chosen, chosen, chosen), _selection("<")


def _selection(comparison: str) -> Callable[..., Any]:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        return builder.select(builder.fcmp_ordered(comparison, *args[:2]), *args[2:])

    return generate
