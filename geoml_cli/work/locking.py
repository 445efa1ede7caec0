"""Locks between processes that say who holds them; they go with their process, even a killed one."""

from __future__ import annotations

import datetime
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, on_locked: Callable[[str], None], *, patience: float = 0) -> Iterator[None]:
    """Hold a lock.

    Args:
        path: The lock's file.
        on_locked: Called with the holder's name where another process holds it; it raises, or returns to wait.
        patience: How long it is waited for before [s].
    """
    from filelock import FileLock, Timeout

    path.touch()  # where no file can be made, FileLock would wait for it as for another process
    lock = FileLock(path)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        on_locked(holder(path))
        lock.acquire()
    note = _note(path)
    try:
        now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        note.write_text(f"process {os.getpid()} on {socket.gethostname()} since {now}", encoding="utf-8")
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a lock for a moment, such as a change of a small file; whoever holds it is waited for."""
    from filelock import FileLock

    with FileLock(path):
        yield


def holder(path: Path) -> str:
    """Name the process that holds a lock."""
    try:
        return _note(path).read_text(encoding="utf-8") or "another process"
    except (OSError, ValueError):  # not written yet, or not by geoml
        return "another process"


def _note(path: Path) -> Path:
    # Next to the lock: who asks for a lock empties its file.
    return path.with_name(f"{path.name}.holder")
