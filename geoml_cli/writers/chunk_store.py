"""Finished chunks of a long prediction on disk: a killed one resumes with the next chunk.

Each chunk is a file of its own, whole or absent, so that a kill at any moment loses at most the chunk under way.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import replacing, write_text
from geoml_cli.errors import DataError, SettingsError, StoppedError
from geoml_cli.work.locking import locked

_PLAN = "plan.json"
_LOCK = "lock"
Floats = NDArray[np.float32]
Counts = NDArray[np.float64]


class ChunkStore:
    """Chunks 0 .. n-1 of a prediction, beside the file they will become.

    Args:
        target: The file that is being made.
        plan: What determines every number of it; chunks of another plan are removed.

    Raises:
        SettingsError: Another process is making the same file.
    """

    def __init__(self, target: Path, plan: dict[str, object]) -> None:
        self.target = target
        self.folder = target.with_name(f".{target.name}.parts")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = ExitStack()

        def refuse(holder: str) -> None:
            raise SettingsError(
                f"is being made by {holder}.", where=str(target), fix="Wait for it, or name another --out."
            )

        self._lock.enter_context(locked(self.folder / _LOCK, refuse))
        self._make(json.dumps(plan, sort_keys=True, indent=1) + "\n")

    def __enter__(self) -> ChunkStore:
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.close()

    def _make(self, plan: str) -> None:
        path = self.folder / _PLAN
        if not path.is_file() or path.read_bytes() != plan.encode():
            for chunk in self.folder.glob("*.npz"):
                chunk.unlink()
            write_text(path, plan)

    def done(self, number: int) -> bool:
        """Return whether a chunk is finished; one that was damaged since counts as not."""
        try:
            self.read(number)
        except DataError:
            self._path(number).unlink(missing_ok=True)
            return False
        return True

    def write(
        self,
        number: int,
        values: Floats,
        counts: Counts | None = None,
        missing: NDArray[np.int64] | None = None,
        reason: NDArray[np.int16] | None = None,
    ) -> int:
        """Write a chunk, whole or not at all, with what was counted while it was made; return its size [bytes].

        `reason` is why each cell has no value, where that is written as well.
        """
        # numpy does not hear of a full disk where it writes to a file itself.
        content = io.BytesIO()
        np.savez(
            content,
            values=values,
            counts=np.empty((0, 4)) if counts is None else counts,
            missing=np.empty(0, dtype=np.int64) if missing is None else missing,
            reason=np.empty(0, dtype=np.int16) if reason is None else reason,
        )
        with replacing(self._path(number)) as path:
            return path.write_bytes(content.getbuffer())

    def read(self, number: int) -> Floats:
        """Return a chunk.

        Raises:
            DataError: It was damaged after it was written.
        """
        values: Floats = self._content(number, "values")
        return values

    def counts(self, number: int) -> Counts:
        """Return what was counted while a chunk was made; errors as for `read`."""
        found: Counts = self._content(number, "counts")
        return found

    def missing(self, number: int) -> NDArray[np.int64]:
        """Return how many cells of a chunk have no value, by reason; errors as for `read`."""
        found: NDArray[np.int64] = self._content(number, "missing")
        return found

    def reason(self, number: int) -> NDArray[np.int16]:
        """Return why each cell of a chunk has no value, as it was written; errors as for `read`."""
        found: NDArray[np.int16] = self._content(number, "reason")
        return found

    def _content(self, number: int, name: str) -> NDArray[Any]:
        path = self._path(number)
        try:
            with np.load(path, allow_pickle=False) as content:  # a zip: its checksum is compared
                return np.asarray(content[name])
        except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
            raise DataError(
                "a chunk of the prediction is damaged.", where=str(path), fix="Delete it and predict again."
            ) from error

    def stop_if(self, signal: str | None, number: int) -> None:
        """Stop after chunk `number` where a signal came.

        Raises:
            StoppedError: The chunks are kept; the same command resumes.
        """
        if signal:
            raise StoppedError(
                f"stopped by {signal} after chunk {number + 1}, kept.",
                where=str(self.folder),
                fix="The same command resumes.",
            )

    def clear(self) -> None:
        """Remove the chunks, once the file they became is whole."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.npz"


def _is_zarr(folder: Path) -> bool:
    """Return whether a folder is a Zarr store: the result of an earlier prediction, which is replaced like a file."""
    return folder.suffix.lower() == ".zarr" and any((folder / name).is_file() for name in (".zgroup", "zarr.json"))


def require_writable(target: Path) -> None:
    """Refuse a path that cannot take the result, before hours are spent on it.

    Raises:
        DataError: It is a folder, or its folder cannot be made or written to.
    """
    if target.is_dir() and not _is_zarr(target):
        raise DataError("is a folder.", where=str(target), fix="Name a file with --out.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"cannot be made ({error.strerror}).", where=str(target.parent), fix="Choose another --out."
        ) from error
    if not os.access(target.parent, os.W_OK):
        raise DataError("may not be written to.", where=str(target.parent), fix="Choose another --out.")
