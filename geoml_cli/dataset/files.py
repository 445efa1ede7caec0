"""Files that are either whole or absent: a temporary name, synced, then renamed."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from geoml_cli.errors import DataError, DiskError

_CHUNK_BYTES = 1 << 20
_LEAST, _WHOLE = 0.05, 10
"""MiB between which a size is written with a decimal."""
_MEBIBYTE = 1 << 20
_DIGESTS: dict[tuple[Path, int, int, int], str] = {}
"""Of files in the state in which they were read: another size or time of change is another state."""


def sync(path: Path) -> None:
    """Ask the disk to keep what was written to a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def set_umask_mode(path: Path) -> None:
    """Give a file that its owner alone may use the mode that the umask gives: safetensors makes such files."""
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        return
    # Of a file made here: asking for the umask sets it, for all threads, and a folder may have rules of its own.
    example = path.with_name(f"{path.name}.mode")
    try:
        example.touch()
        with suppress(PermissionError):  # file systems without modes, such as shares of Windows
            path.chmod(stat.S_IMODE(example.stat().st_mode))
    finally:
        example.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: Path, mark: str = "tmp") -> Iterator[Path]:
    """Give a temporary path next to `path`; on success it takes `path`'s place, on failure it goes.

    The suffix is kept, for writers that choose a format by it. What a killed process leaves is overwritten by the
    next one; processes that share a file (`run.json`) write it under a lock, or each with a mark of its own.

    Raises:
        DiskError: It could not be written.
    """
    temporary = path.with_name(f".{path.stem}.{mark}{path.suffix}")
    try:
        yield temporary
        set_umask_mode(temporary)
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        raise DiskError(path, error.strerror or error) from error
    except RuntimeError as error:
        if "NetCDF" not in str(error):  # netCDF4's way to say that the disk is full
            raise
        raise DiskError(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def replace_folder(fresh: Path, folder: Path) -> None:
    """Put a folder in another's place; killed between the two renames, `recover_folder` brings the old one back."""
    old = _old(folder)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Undo a replacement that was killed between its two renames."""
    if left_behind(folder):
        _old(folder).rename(folder)


def left_behind(folder: Path) -> bool:
    """Return whether a replacement is between its two renames, or was killed there."""
    return not folder.exists() and _old(folder).exists()


def folder_lock(folder: Path) -> Path:
    """Return the lock of who replaces a folder."""
    return folder.with_name(f".{folder.name}.lock")


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def require_space(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk has no room for.

    Raises:
        DiskError: There are fewer free bytes than are needed.
    """
    place = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise DiskError(folder, f"about {_mebibytes(needed)} MiB are needed, {_mebibytes(free)} MiB are free")


def size_of(folder: Path) -> int:
    """Return what the files of a folder take [bytes]; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _mebibytes(count: int) -> str:
    size = count / _MEBIBYTE
    return f"{size:.1f}" if _LEAST <= size < _WHOLE else f"{size:.0f}"


def require_writable_folder(folder: Path, fix: str) -> None:
    """Refuse a folder that may only be read, before what is to be written there is computed.

    Raises:
        DataError: It is one.
    """
    if not os.access(folder, os.W_OK):
        raise DataError("may not be written to.", where=str(folder), fix=fix)


def require_writable_inside(folder: Path, own: Path) -> None:
    """Refuse, likewise, where a folder or what it holds already of one inside it may only be read.

    Args:
        folder: Of a run.
        own: The folder in it that files are written to; it and those in it need not be there.

    Raises:
        DataError: One may only be read.
    """
    require_writable_folder(folder, "Copy the run to a folder that can be written to, and name the copy.")
    inside = [own, *own.rglob("*")] if own.is_dir() else []
    fix = "Change its permissions, such as `chmod u+w`, or copy the run and name the copy."
    for path in (*(parent for parent in own.parents if folder in parent.parents and parent.is_dir()), *inside):
        if path.is_dir():
            require_writable_folder(path, fix)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole, in UTF-8 with LF ends."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(text.encode())


def sha256(path: Path) -> str:
    """Digest a file without holding it in memory; one that `digested` has read to its end is not read again."""
    if (known := _DIGESTS.get(_state(path))) is not None:
        return known
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _state(path: Path) -> tuple[Path, int, int, int]:
    status = path.stat()
    return path, status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def digested(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that is about to be read to its end anyway: `sha256` then knows its digest."""
    state = _state(path)
    with path.open("rb", buffering=0) as file:
        stream = _Digesting(file)
        yield stream  # type: ignore[misc]  # a raw stream reads as IO[bytes] does
        if stream.size == state[2] and _state(path) == state:
            _DIGESTS[state] = stream.digest.hexdigest()


class _Digesting(io.RawIOBase):
    """A file whose bytes are digested in the order in which they are read."""

    def __init__(self, file: io.RawIOBase) -> None:
        self._file, self.digest, self.size = file, hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the base class takes any buffer
        count = self._file.readinto(buffer) or 0
        self.digest.update(memoryview(buffer)[:count])
        self.size += count
        return count
