"""Released pickles, read without running anything in them: numbers, text, plain containers, NumPy arrays."""

from __future__ import annotations

import io
import math
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.work.reasons import FaultError, reason

_KINDS = "biufcSU"  # booleans, numbers, text of fixed width: no objects, no records


class _Array(np.ndarray[Any, Any]):
    """An array being filled: takes a pickled state only where type, shape and bytes agree."""

    def __setstate__(self, state: Any) -> None:  # noqa: ANN401  whatever the pickle holds
        version, shape, dtype, fortran, raw = state
        resolved = dtype.resolve()
        if not isinstance(raw, bytes) or math.prod(shape) * resolved.itemsize != len(raw):
            raise FaultError("the bytes of an array do not match its shape")
        super().__setstate__((version, shape, resolved, fortran, raw))


class _Dtype:
    """Stands in for `numpy.dtype`, whose own state could be forged to misread memory."""

    def __init__(self, code: str) -> None:
        self._code, self._order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._order = {"<": "<", ">": ">"}.get(state[1], "=")

    def resolve(self) -> np.dtype[Any]:
        dtype = np.dtype(self._code).newbyteorder(self._order)  # type: ignore[arg-type]
        if dtype.kind not in _KINDS:
            raise FaultError(f"arrays of {dtype} are not read from pickles")
        return dtype


class _Call:
    """A function that a pickle may call but not alter."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:  # noqa: ANN401  whatever the pickle holds
        return self._function(*arguments)

    def __setstate__(self, state: object) -> None:
        raise FaultError("a function cannot be given a state")


def _reconstruct(kind: object, shape: object, code: object) -> _Array:
    return np.empty((0,), dtype="i1").view(_Array)


def _scalar(dtype: _Dtype, raw: bytes) -> Any:  # noqa: ANN401  any NumPy number
    return np.frombuffer(raw, dtype.resolve(), count=1)[0]


def _frombuffer(raw: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> NDArray[Any]:
    return np.frombuffer(raw, dtype.resolve()).reshape(shape, order="F" if order == "F" else "C")


def _encode(text: str, encoding: str) -> bytes:
    return text.encode("latin1")  # how protocol 2 carries bytes; no other codec is offered


_BUILTINS = ("builtins", "__builtin__")
_NUMPY = {
    "numpy.ndarray": "ndarray",
    "numpy.dtype": _Call(lambda code, *flags: _Dtype(code)),
    "multiarray._reconstruct": _Call(_reconstruct),
    "multiarray.scalar": _Call(_scalar),
    "numeric._frombuffer": _Call(_frombuffer),
}
ADMITTED: dict[str, Any] = {
    **_NUMPY,
    # NumPy moved its core between versions 1 and 2; pickles of both are around.
    **{f"numpy.{core}.{name}": call for core in ("core", "_core") for name, call in _NUMPY.items()},
    "_codecs.encode": _Call(_encode),
    "collections.OrderedDict": _Call(OrderedDict),
    # Protocols before 4 call these: bytes only to make none.
    **{f"{builtins}.bytes": _Call(lambda: b"") for builtins in _BUILTINS},
    **{f"{builtins}.set": _Call(set) for builtins in _BUILTINS},
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BufferedIOBase, location: str) -> None:
        super().__init__(stream)
        self._where = location

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  a stand-in
        """Return the harmless stand-in of a global, or refuse it."""
        wanted = f"{module}.{name}"
        if wanted not in ADMITTED:
            raise DataError(
                f"the pickle asks for {wanted}, which was refused and not run",
                where=self._where,
                fix="Only numbers, text, containers and NumPy arrays are read; get it from its authors.",
            )
        return ADMITTED[wanted]


def read_pickle(path: Path) -> Any:  # noqa: ANN401  whatever plain data the file holds
    """Read plain data from a pickle; nothing in it is executed.

    Returns:
        Numbers, text, containers and NumPy arrays as stored.

    Raises:
        DataError: The file is missing, damaged, or asks for anything else.
    """
    try:
        with path.open("rb") as stream:
            return _Unpickler(stream, str(path)).load()
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"cannot be read ({reason(error)})", where=str(path), fix="Get the file again.") from error
    except Exception as error:  # a damaged pickle fails in any way a Python program can
        raise DataError(
            f"is not a whole pickle ({reason(error)})",
            where=str(path),
            fix="Get the file again.",
        ) from error


def read_array(path: Path, axes: str) -> NDArray[np.float32]:
    """Read an array of numbers from a pickle.

    Args:
        path: The file.
        axes: Names of the axes it must have, such as `"sample, year, feature"`.

    Returns:
        The array as float32 [as stored].

    Raises:
        DataError: The pickle holds anything else.
    """
    value = read_pickle(path)
    wanted = axes.split(", ")
    if not isinstance(value, np.ndarray) or value.ndim != len(wanted) or value.dtype.kind not in "iuf":
        kind = f"shape {value.shape}, {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise DataError(f"holds {kind}", where=str(path), fix=f"An array of numbers with axes ({axes}) was expected.")
    with np.errstate(over="ignore"):  # becomes infinite, which the reader's caller counts
        return np.array(value, dtype=np.float32, subok=False)
