"""Exponentials, softplus and the logistic function for compiled code, of one number or of a vector.

Polynomials, so that the compiler lays them out over lanes; float32 by minimax ones, fitted with the error that each
states, float64 by series. NaN stays NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types

from geoml_cli.models.geomamba.kernels.lanes import CONTRACT, WIDTH, instructions

LOG2E = math.log2(math.e)

_EXP2 = {
    False: (
        1.0,
        0.69314720285,
        0.24022647957,
        0.05550332476598,
        0.009618432011842,
        0.001339887530863,
        0.000153548135886,
    ),
    True: tuple(math.log(2) ** k / math.factorial(k) for k in range(14)),
}
"""2**f for f in [-0.5, 0.5], by whether it is float64; the relative error is 2e-9 in float32."""
_ARTANH = {
    False: (2.0000000079166083, 0.6666631482471129, 0.40024903766107245, 0.27960691908799834, 0.28177962174673316),
    True: tuple(2 / (2 * k + 1) for k in range(17)),
}
"""2 artanh(r) / r in r**2 for r in [0, 1/3]; the relative error is 4e-9 in float32."""


def _elementwise(generate: Callable[[Any, Any, bool], Any]) -> Any:  # noqa: ANN401 - numba has no types for a checker
    """Make a function of a number or a vector from what writes its instructions."""

    def typed(typing: Any, value: Any) -> Any:  # noqa: ANN401
        double = getattr(value, "dtype", value) == types.float64
        return value(value), lambda context, builder, signature, args: generate(builder, args[0], double)

    typed.__name__ = typed.__qualname__ = generate.__name__
    return instructions(typed)


@_elementwise
def exp2(builder: Any, value: Any, double: bool) -> Any:  # noqa: ANN401
    """Return 2 to a value below 127.5: 0 where it is less than -127, about where normal numbers end."""
    return _exp2(builder, value, double)


@_elementwise
def sigmoid(builder: Any, value: Any, double: bool) -> Any:  # noqa: ANN401
    """Return 1 / (1 + exp(-v))."""
    return _logistic(builder, value, double)


@_elementwise
def softplus(builder: Any, value: Any, double: bool) -> Any:  # noqa: ANN401
    """Return ln(1 + exp(v)), which is ln(1 + exp(-|v|)) and what of v is positive."""
    zero = _constant(value, 0.0)
    positive = builder.fcmp_ordered(">", value, zero)
    magnitude = builder.select(positive, builder.fsub(zero, value), value)
    power = _exp2(builder, builder.fmul(magnitude, _constant(value, LOG2E)), double)
    return builder.fadd(builder.select(positive, value, zero), _log1p(builder, power, double))


def _exp2(builder: Any, value: Any, double: bool) -> Any:  # noqa: ANN401
    """2**v = 2**k 2**f with f in [-0.5, 0.5]: k goes into the exponent's bits, f into the polynomial."""
    mantissa, bias, bits = (52, 1023, 64) if double else (23, 127, 32)
    lowest = _constant(value, -bias)
    bounded = builder.select(builder.fcmp_ordered("<", value, lowest), lowest, value)
    # 1.5 * 2**mantissa leaves no room for decimals: adding it rounds, and the lowest bits hold k and the bias.
    rounding = _constant(value, 1.5 * 2**mantissa + bias)
    shifted = builder.fadd(bounded, rounding)
    series = _horner(builder, builder.fsub(bounded, builder.fsub(shifted, rounding)), _EXP2[double])
    vector = isinstance(value.type, ir.VectorType)
    whole = ir.VectorType(ir.IntType(bits), WIDTH) if vector else ir.IntType(bits)
    exponent = builder.shl(
        builder.bitcast(shifted, whole), ir.Constant(whole, [mantissa] * WIDTH if vector else mantissa)
    )
    return builder.fmul(series, builder.bitcast(exponent, value.type), flags=CONTRACT)


def _logistic(builder: Any, value: Any, double: bool) -> Any:  # noqa: ANN401
    scaled, highest = builder.fmul(value, _constant(value, -LOG2E)), _constant(value, 1023.0 if double else 127.0)
    # `exp2` is for values below 127.5 (1023.5 in float64); beyond this bound the result is 0 in effect.
    scaled = builder.select(builder.fcmp_ordered(">", scaled, highest), highest, scaled)
    one = _constant(value, 1.0)
    return builder.fdiv(one, builder.fadd(one, _exp2(builder, scaled, double)))


def _log1p(builder: Any, value: Any, double: bool) -> Any:  # noqa: ANN401
    """ln(1 + y) = 2 artanh(y / (2 + y)), for y from 0 to 1."""
    ratio = builder.fdiv(value, builder.fadd(value, _constant(value, 2.0)))
    return builder.fmul(ratio, _horner(builder, builder.fmul(ratio, ratio), _ARTANH[double]))


def _horner(builder: Any, value: Any, terms: tuple[float, ...]) -> Any:  # noqa: ANN401
    """Return the sum of terms[k] value**k."""
    out = _constant(value, terms[-1])
    for term in terms[-2::-1]:
        out = builder.fadd(builder.fmul(out, value, flags=CONTRACT), _constant(value, term), flags=CONTRACT)
    return out


def _constant(value: Any, number: float) -> Any:  # noqa: ANN401
    """Return a constant of a value's type."""
    return ir.Constant(value.type, [number] * WIDTH if isinstance(value.type, ir.VectorType) else number)
