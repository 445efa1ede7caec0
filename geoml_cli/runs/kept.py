"""Arrays that take long to compute, kept in a run's folder under all that determines them."""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import atomic_write

Values = NDArray[np.float64]
_WEEK = 7 * 24 * 3600.0
"""[s]."""
_CODE = 12
"""Letters of the code's digest in a name."""


class Computation(NamedTuple):
    """An array that takes long to compute.

    Attributes:
        key: All that determines it in addition to the code of this package, as JSON takes it.
        compute: Makes it.
    """

    key: Mapping[str, object]
    compute: Callable[[], Values]


class KeptArrays:
    """Arrays in a folder; one that is damaged counts as not there.

    Args:
        folder: Made where it is missing.

    Attributes:
        found: How many were there when they were asked for.
        made: How many were computed, and are there now.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._used = folder, set[Path]()
        self.found = self.made = 0

    def holds(self, wanted: Computation) -> bool:
        """Return whether an array is there, damaged or not."""
        return self._path(wanted).is_file()

    def array(self, wanted: Computation) -> Values:
        """Return an array, computed where it is not there."""
        path = self._path(wanted)
        self._used.add(path)
        if (known := _read(path)) is not None:
            self.found += 1
            with suppress(OSError):  # another process may have removed it
                os.utime(path)
            return known
        values = wanted.compute()
        self._folder.mkdir(parents=True, exist_ok=True)
        with (
            atomic_write(path, uuid.uuid4().hex) as temporary,
            temporary.open("wb") as stream,
        ):  # others may make the same
            np.savez(stream, values=values)
        self.made += 1
        return values

    def _path(self, wanted: Computation) -> Path:
        return self._folder / f"{_own()}{_digest(wanted.key)}.npz"

    def tidy(self) -> None:
        """Remove what another version of the code made, and what was not asked for in a week.

        Younger arrays stay: they may be parts of another evaluation, which are hours of a cluster.
        """
        for path in set(self._folder.glob("*.npz")) - self._used:
            with suppress(OSError):
                if not path.name.startswith(_own()) or time.time() - path.stat().st_mtime > _WEEK:
                    path.unlink()


def digest_of(values: NDArray[np.generic]) -> str:
    """Name the content of an array, its shape and kind included."""
    found = hashlib.sha256(f"{values.dtype} {values.shape}".encode())
    if values.size:  # as bytes, without a copy of them
        found.update(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def _own() -> str:
    """Begin the names of arrays of this version of the code."""
    return f"{code_digest()[:_CODE]}-"


@cache
def code_digest() -> str:
    """Name the code of this package: numbers of another version are computed anew."""
    package = Path(__file__).parents[1]
    found = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        found.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def _digest(key: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> Values | None:
    try:
        with np.load(path, allow_pickle=False) as content:  # a zip: its checksum is compared
            return np.asarray(content["values"], dtype=np.float64)
    except (OSError, ValueError, EOFError, KeyError, BadZipFile):
        return None
