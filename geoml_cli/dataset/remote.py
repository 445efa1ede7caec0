"""Copies of files at addresses: fetched once, and again where they have changed.

A copy holds whole files, as the address had them: readers open it like any folder, and digests are those of the files.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event
from typing import Any

from geoml_cli.dataset.address_files import State, files_at
from geoml_cli.dataset.addresses import STREAMS, Remote, UnreachableError, open_address, protocol_of, refusals
from geoml_cli.dataset.files import atomic_write, folder_lock, require_space, write_text
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.work.locking import locked
from geoml_cli.work.reporting import Reporter

_SECONDS = 5
"""After which what was fetched is recorded."""
Known = dict[str, list[Any]]
"""Size and version of files by name."""


def copy_of(address: str, root: Path) -> Path:
    """Return where the copy of an address is, or would be; its last name is that of the address.

    Raises:
        SettingsError: The address cannot be opened, or names nothing.
    """
    protocol = protocol_of(address) or ""
    return root / _folder_name(protocol + address[len(protocol) :]) / open_address(address).name


def origin_of(path: Path) -> str:
    """Return the address of which a file or folder is a copy; empty where it is none."""
    return str(_read_record(path.absolute().parent).get("address", ""))


def fetch(address: str, root: Path, reporter: Reporter, *, dry_run: bool = False) -> Path:
    """Copy the file or folder at an address to this machine: what is here in the same state is not fetched again.

    Args:
        address: With a protocol that fsspec knows.
        root: Folder of copies.
        reporter: Receives progress and messages.
        dry_run: Fetch nothing.

    Returns:
        The copy. Where the address cannot be reached, a whole copy of before, with a warning.

    Raises:
        SettingsError: A package is missing, the protocol is not known, or something is to be fetched in a dry run.
        DataError: There is nothing at the address, or it may not be read.
        DiskError: The disk has no room for it.
    """
    copy, remote = copy_of(address, root), open_address(address)
    if dry_run and not copy.parent.is_dir():
        raise _not_fetched(remote)
    copy.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder_lock(copy.parent), lambda by: reporter.warn(f"{by} fetches {remote.address}; waiting for it.")):
        record = _read_record(copy.parent)
        try:
            listed = files_at(remote)
        except UnreachableError as error:
            if not _is_whole(copy.parent, record):
                raise
            reporter.warn(f"{error.where}: {error.what} The copy in {copy} is used, as it was fetched before.")
            return copy
        here = {name: record["files"][name] for name, state in listed.items() if _is_here(copy, name, state, record)}
        if dry_run and (len(here) < len(listed) or record["files"].keys() != listed.keys()):
            raise _not_fetched(remote)
        if dry_run:
            return copy
        _update(remote, copy, listed, here, reporter)
    return copy


def _folder_name(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:16]


def _is_here(copy: Path, name: str, state: State, record: dict[str, Any]) -> bool:
    """Return whether a file was fetched in the state that it has at the address, and is still as it was fetched.

    What a server says nothing of may have changed.
    """
    path = copy.parent / name
    if not state.version or not path.is_file():
        return False
    size = path.stat().st_size
    return state.size in (None, size) and record.get("files", {}).get(name) == [size, state.version]


def _is_whole(folder: Path, record: dict[str, Any]) -> bool:
    """Return whether a copy is all that was fetched once, to the last file."""
    paths = {folder / name: size for name, (size, _) in record.get("files", {}).items()}
    return bool(record.get("whole")) and all(
        path.is_file() and path.stat().st_size == size for path, size in paths.items()
    )


def _update(remote: Remote, copy: Path, listed: dict[str, State], here: Known, reporter: Reporter) -> None:
    """Take away what the address has no more, and replace what has changed: who reads a file of before keeps it.

    Where nothing came, the copy is as whole as it was; a killed process loses what was in flight.
    """
    missing = {name: state for name, state in listed.items() if name not in here}
    needed = sum(state.size or 0 for state in missing.values())
    require_space(copy.parent, needed)
    before, known = _read_record(copy.parent), len(here)
    if _clear(copy.parent, listed) or not missing:
        before = {}
    if missing:
        reporter.info(f"{remote.address}: {len(missing)} files, {needed / 2**20:.1f} MiB, are fetched into {copy}.")
        if not all(state.version for state in missing.values()):
            reporter.info(f"{remote.address} does not say when files change: they are fetched each time.")
    _write_record(copy.parent, remote.address, here, whole=not missing)
    record_at = time.monotonic() + _SECONDS
    try:
        with reporter.task("fetched", len(missing)) as advance:
            for name, kept in _fetched(remote, copy, missing):
                here[name] = kept
                advance(1)
                record_at = _recorded(copy.parent, remote.address, here, record_at)
    except Exception:
        if len(here) == known and before.get("whole"):  # Ctrl-C may come between a file and its record
            here, listed = before["files"], before["files"]
        raise
    finally:
        _write_record(copy.parent, remote.address, here, whole=len(here) == len(listed))


def _clear(folder: Path, listed: dict[str, State]) -> bool:
    """Take away all files but those that are listed, and folders without any; return whether there were such."""
    kept, found = {folder / name for name in listed}, False
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder, before the folder
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in kept:
            path.unlink()
            found = True
    return found


def _recorded(folder: Path, address: str, here: Known, due: float) -> float:
    """Record what is here where that is due; return when it is due next."""
    if time.monotonic() < due:
        return due
    _write_record(folder, address, here, whole=False)
    return time.monotonic() + _SECONDS


def _fetched(remote: Remote, copy: Path, missing: dict[str, State]) -> Iterator[tuple[str, list[Any]]]:
    """Fetch files at once; give each one's name and state as it is here. After a failure none is begun."""
    stop, failed = Event(), list[BaseException]()
    pool = ThreadPoolExecutor(STREAMS)
    waiting = {pool.submit(_get, remote, state, copy.parent / name, stop): name for name, state in missing.items()}
    try:
        for done in as_completed(waiting):
            if (error := done.exception()) is not None:
                stop.set()
                failed.append(error)
            elif (size := done.result()) is not None:
                yield waiting[done], [size, missing[waiting[done]].version]
    finally:
        stop.set()
        pool.shutdown()
    if failed:
        raise failed[0]


def _get(remote: Remote, state: State, path: Path, stop: Event) -> int | None:
    """Fetch a file whole; return its size, None where it is no longer wanted."""
    from fsspec.callbacks import Callback

    class Stopping(Callback):  # type: ignore[misc]  # fsspec has no types
        def relative_update(self, inc: int = 1) -> None:
            if stop.is_set():
                raise InterruptedError("no longer wanted")

    if stop.is_set():
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        with refusals(remote):
            remote.system.get_file(state.path, str(temporary), callback=Stopping())
        size = temporary.stat().st_size
        if state.size not in (None, size):
            raise DataError(f"{size} of {state.size} bytes came.", where=state.path, fix="Repeat the command.")
    return size


def _not_fetched(remote: Remote) -> SettingsError:
    return SettingsError(
        "is not fetched yet, and what would be read depends on its files.",
        where=remote.address,
        fix="Leave --dry-run out once: what is fetched is kept.",
    )


def _record_of(folder: Path) -> Path:
    """Return the file that says what a copy is: next to it, as a copy may hold files of any name."""
    return folder.with_name(f"{folder.name}.json")


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads(_record_of(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and {"address", "files", "whole"} <= found.keys() else {}


def _write_record(folder: Path, address: str, files: Known, *, whole: bool) -> None:
    record = {"address": address, "whole": whole, "files": dict(sorted(files.items()))}
    write_text(_record_of(folder), json.dumps(record, indent=1) + "\n")
