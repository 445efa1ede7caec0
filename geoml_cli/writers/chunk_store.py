"""Finished chunks of a long prediction on disk: a killed one resumes with the next chunk.

Each chunk is a file of its own, whole or absent, so that a kill at any moment loses at most the chunk under way.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import atomic_write, require_writable_folder, write_text
from geoml_cli.errors import DataError, SettingsError, StoppedError
from geoml_cli.work.locking import locked
from geoml_cli.work.pieces import Part

_PLAN = "plan.json"
_LOCK = "lock"
_PART, _SUFFIX = "part-", ".lock"
_PATIENCE = 30.0
"""How long a part waits while another one opens [s]."""
_IN_WORDS = {
    "block": "predict.block",
    "rows": "predict.rows",
    "run": "the run",
    "by": "--with",
    "outputs": "outputs (predict.coverage, predict.applicability)",
    "data": "the data set",
    "code": "the version of geoml",
}
Plan = Mapping[str, object]
Floats = NDArray[np.float32]
Counts = NDArray[np.float64]


class ChunkStore:
    """Chunks 0 .. n-1 of a prediction, next to the file they will become; see `whole`, `for_part` and `joined`.

    Args:
        target: The file that is being made.
        plan: What determines every number of it. Chunks carry its digest in their name: what a process writes that was
            left over from another prediction of the file is never read.

    Attributes:
        written: Chunks that were written through this object.
    """

    def __init__(self, target: Path, plan: Plan) -> None:
        self.target, self.plan, self.written = target, _comparable(plan), 0
        self._digest = hashlib.sha256(json.dumps(self.plan, sort_keys=True).encode()).hexdigest()[:16]
        self.folder = target.with_name(f".{target.name}.parts")

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
        with atomic_write(self._path(number), uuid.uuid4().hex) as path:  # another process may make the same chunk
            size = path.write_bytes(content.getbuffer())
        self.written += 1
        return size

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

    def unfinished(self, numbers: Iterable[int]) -> list[int]:
        """Return which of some chunks are not there, or are damaged."""
        return [number for number in numbers if not self.done(number)]

    def clear(self) -> None:
        """Remove the chunks, once the file they became is whole."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}-{self._digest}.npz"


@contextmanager
def whole(target: Path, plan: Plan, *, keep: bool = False) -> Iterator[ChunkStore]:
    """Open the chunks of a prediction for one process, which makes all that are missing and then the file.

    Args:
        target: The file that is being made.
        plan: What determines every number of it; chunks of another plan are removed.
        keep: Refuse them instead.

    Raises:
        SettingsError: Another process is making the same file, or a part of it; or chunks of another plan are kept.
        StoppedError: The process was interrupted; chunks are kept.
    """
    store = ChunkStore(target, plan)
    store.folder.mkdir(parents=True, exist_ok=True)
    with locked(store.folder / _LOCK, partial(_refuse, target, "")):
        for lock in sorted(store.folder.glob(f"{_PART}*{_SUFFIX}")):
            with locked(lock, partial(_refuse, target, f"part {_part_name(lock)} of it ")):
                pass
        _settle(store, keep=keep)
        try:
            yield store
        except BaseException as error:
            # Nothing to go on from: no folder is left behind that nobody would look for.
            if not any(store.folder.glob("*.npz")):
                store.clear()
            elif isinstance(error, KeyboardInterrupt):
                raise StoppedError(
                    "stopped; finished chunks are kept.", where=str(store.folder), fix="The same command resumes."
                ) from None
            raise


@contextmanager
def for_part(target: Path, plan: Plan, part: Part) -> Iterator[ChunkStore]:
    """Open the chunks of a prediction for one of several processes, each of which makes a part of them.

    Raises:
        SettingsError: Another process is making the same part or the whole, or other parts have another plan.
    """
    store = ChunkStore(target, plan)
    store.folder.mkdir(parents=True, exist_ok=True)
    own = store.folder / f"{_PART}{part.number}-of-{part.of}{_SUFFIX}"
    with ExitStack() as locks:
        # Parts open one after another, so that none takes its own lock while a whole looks whether there are any.
        with locked(store.folder / _LOCK, partial(_refuse, target, ""), patience=_PATIENCE):
            locks.enter_context(locked(own, partial(_refuse, target, f"part {part} of it ")))
            _settle(store, keep=True)
        yield store


def joined(target: Path, plan: Plan) -> ChunkStore:
    """Open the chunks of a prediction for a process that works for the one that holds them.

    Raises:
        DataError: This process would make others: it sees other files, weights or settings.
    """
    store = ChunkStore(target, plan)
    if (known := _known_plan(store)) != store.plan:
        raise DataError(
            f"a worker sees others than the command does: {_differences(known, store.plan)}.",
            where=str(store.folder),
            fix="Run, data and inputs must lie on a disk that all workers share, under the same paths.",
        )
    return store


def parts_seen(store: ChunkStore) -> list[Part]:
    """Return the parts that were begun."""
    names = [_part_name(lock).split("/") for lock in store.folder.glob(f"{_PART}*{_SUFFIX}")]
    return sorted(Part(int(number), int(of)) for number, of in names)


def _part_name(lock: Path) -> str:
    return lock.name.removeprefix(_PART).removesuffix(_SUFFIX).replace("-of-", "/")


def _refuse(target: Path, share: str, holder: str) -> None:
    fix = "Wait for it." if share else "Wait for it, or name another --out."
    raise SettingsError(f"{share}is being made by {holder}.", where=str(target), fix=fix)


def _settle(store: ChunkStore, *, keep: bool) -> None:
    """Note the plan; chunks of another one are removed, or refused."""
    known = _known_plan(store)
    if known == store.plan:
        return
    chunks = list(store.folder.glob("*.npz"))
    if chunks and keep:
        raise SettingsError(
            f"other parts were made from other things: {_differences(known, store.plan)}.",
            where=str(store.folder),
            fix="Give the same options, or delete that folder and begin anew.",
        )
    for chunk in chunks:
        chunk.unlink()
    write_text(store.folder / _PLAN, json.dumps(store.plan, sort_keys=True, indent=1) + "\n")


def _known_plan(store: ChunkStore) -> dict[str, Any]:
    try:
        found = json.loads((store.folder / _PLAN).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _comparable(plan: Plan) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(plan))
    return found


def _differences(known: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """Name what differs between plans."""
    names = sorted(name for name in {*known, *own} if known.get(name) != own.get(name))
    return ", ".join(_IN_WORDS.get(name, name) for name in names)


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
    require_writable_folder(target.parent, "Choose another --out.")
