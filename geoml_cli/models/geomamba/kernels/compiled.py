"""How loops are compiled, and the few functions they share.

Compiled code is kept beside the source or, where that folder is read-only, in the user's cache (or in
`NUMBA_CACHE_DIR`); where neither can be written it is compiled once a process.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import types
from numba.extending import intrinsic, overload

from geoml_cli.version import __version__

_F32: Any = numba.float32
_I32: Any = numba.int32
F = TypeVar("F", bound=Callable[..., Any])

_ROUNDING = 12582912.0
"""1.5 * 2**23: adding it to a float32 leaves no room for decimals, so taking it off again rounds to a whole number."""

LOG2E = math.log2(math.e)
_LOWEST, _HIGHEST = -126.0, 127.0
"""Exponents of normal float32 numbers: what is below gives 0, what is above the highest."""


def entry(function: F) -> F:
    """Compile a loop that Python calls, once: compiled code is kept on disk, with all that it calls."""
    # numba looks for a change in the function's own file only; the name makes it look anew after a change in any.
    function.__qualname__ = f"{function.__qualname__}_{_stamp()}"
    options = {"nogil": True, **_options("contract")}
    try:
        return cast(F, numba.njit(function, cache=True, **options))
    except RuntimeError:  # numba found no folder to keep compiled code in
        return cast(F, numba.njit(function, **options))


def is_kept(function: Any) -> bool:  # noqa: ANN401 - numba's own kind of function
    """Return whether compiled code of an entry is on disk."""
    folder = function.stats.cache_path
    return folder is not None and any(Path(folder).glob(f"*{function.__qualname__}*.nbc"))


def inner(function: F) -> F:
    """Compile what loops call: a * b + c may be one instruction, NaN and infinity keep their meaning."""
    return cast(F, numba.njit(function, **_options("contract")))


def summing(function: F) -> F:
    """Compile as `inner`, and let the terms of a sum be added several at a time."""
    return cast(F, numba.njit(function, **_options("contract", "reassoc")))


def _options(*liberties: str) -> dict[str, Any]:
    return {"fastmath": set(liberties), "error_model": "numpy"}


@cache
def _stamp() -> str:
    """Return a few letters that change with any source of this folder."""
    digest = hashlib.sha256(__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


@intrinsic
def _bits_to_float(typing: Any, bits: Any) -> Any:  # noqa: ANN401 - numba's own protocol
    """Read the bits of an int32 as a float32."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        return builder.bitcast(args[0], context.get_value_type(types.float32))

    return types.float32(types.int32), generate


_float_from_bits: Any = _bits_to_float


def exp2(value: Any) -> Any:  # noqa: ANN401
    """Return 2 to a value, to about 1e-7 in float32 and 2**127 at most; only inside compiled code."""
    raise NotImplementedError


@overload(exp2, inline="never", jit_options={"fastmath": {"contract"}})
def _exp2(value: Any) -> Any:  # noqa: ANN401
    """Choose by precision: a polynomial that the compiler can lay out over vector lanes, or the C library's."""
    if value == types.float32:
        return _exp2_single
    return _exp2_double


def _exp2_double(value: Any) -> Any:  # noqa: ANN401
    return math.exp(value * 0.6931471805599453)


def _exp2_single(value: Any) -> Any:  # noqa: ANN401
    """2**v = 2**k 2**f with f in [-0.5, 0.5]; the Taylor series in f ln 2 to degree 7 errs by less than 1e-8."""
    f32, i32 = _F32, _I32
    raised = f32(_LOWEST) if value < f32(_LOWEST) else value  # NaN stays
    bounded = f32(_HIGHEST) if raised > f32(_HIGHEST) else raised
    whole = (bounded + f32(_ROUNDING)) - f32(_ROUNDING)
    f = bounded - whole
    p = f32(1.5252733804059840e-05)
    p = p * f + f32(1.5403530393381606e-04)
    p = p * f + f32(1.3333558146428443e-03)
    p = p * f + f32(9.6181291076284772e-03)
    p = p * f + f32(5.5504108664821580e-02)
    p = p * f + f32(2.4022650695910072e-01)
    p = p * f + f32(6.9314718055994531e-01)
    p = p * f + f32(1.0)
    power = p * _float_from_bits(i32((i32(whole) + i32(127)) << i32(23)))
    return f32(0) if value < f32(_LOWEST) else power
