"""How loops are compiled.

Compiled code is kept next to the source or, where that folder is read-only, in the user's cache (or in
`NUMBA_CACHE_DIR`); where neither can be written it is compiled once a process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.options import DefaultOptions

from geoml_cli.version import __version__

F = TypeVar("F", bound=Callable[..., Any])
# NumPy's rules for errors: a division by zero gives infinity, so no division has to be looked at before.
_OPTIONS: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}
_UNCOUNTED: dict[str, Any] = {"_nrt": False} if hasattr(DefaultOptions, "_nrt") else {}  # not a public option


def entry(function: F) -> F:
    """Compile a loop that Python calls, once: compiled code is kept on disk, with all that it calls."""
    # numba looks for a change in the function's own file only; the name makes it look anew after a change in any.
    function.__qualname__ = f"{function.__qualname__}_{_stamp()}"
    options = {"nogil": True, **_OPTIONS}
    try:
        return cast(F, numba.njit(function, cache=True, **options))
    except RuntimeError:  # numba found no folder to keep compiled code in
        return cast(F, numba.njit(function, **options))


def is_kept(function: Any) -> bool:  # noqa: ANN401 - numba's own kind of function
    """Return whether compiled code of an entry is on disk."""
    folder = function.stats.cache_path
    return folder is not None and any(Path(folder).glob(f"*{function.__qualname__}*.nbc"))


def inner(function: F) -> F:
    """Compile what loops call: a * b + c may be one instruction, NaN and infinity keep their meaning.

    Arrays are not counted, as callers hold them: an atomic count of each array a call would take longer than the work.
    """
    return cast(F, numba.njit(function, **_OPTIONS, **_UNCOUNTED))


def allocating(function: F) -> F:
    """Compile what makes arrays for loops."""
    return cast(F, numba.njit(function, **_OPTIONS))


@cache
def _stamp() -> str:
    """Return a few letters that change with any source of this folder."""
    digest = hashlib.sha256(__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]
