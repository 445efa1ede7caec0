"""Files at addresses (`s3://`, `gs://`, `https://`): fetched into a copy on this machine, and sent there.

A copy holds whole files, as the address had them: readers open it like any folder, and digests are those of the files.
Source: https://filesystem-spec.readthedocs.io.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any
from urllib.parse import unquote, urlsplit

from geoml_cli.dataset.addresses import (
    BUCKETS,
    WEB,
    Remote,
    State,
    UnreachableError,
    files_at,
    open_address,
    reason_of,
    refusals,
)
from geoml_cli.dataset.files import atomic_write, folder_lock, require_space, write_text
from geoml_cli.errors import DataError, GeomlError, SettingsError
from geoml_cli.work.locking import locked
from geoml_cli.work.reporting import Reporter

_RECORD = "origin.json"
_STREAMS = 8
"""Files that are fetched at once."""
_SECONDS = 5
"""After which what was fetched is recorded."""


def copy_of(address: str, root: Path) -> Path:
    """Return where the copy of an address is, or would be; its last name is that of the address."""
    name = unquote(PurePosixPath(urlsplit(address).path).name) or urlsplit(address).netloc
    if name in ("", ".", ".."):
        raise SettingsError("names no file or folder.", where=address, fix="Give the whole address.")
    return root / _folder_name(address) / name


def origin_of(path: Path) -> str:
    """Return the address of which a file or folder is a copy; empty where it is none."""
    address = str(_read_record(path.absolute().parent).get("address", ""))
    return address if path.absolute().parent.name == _folder_name(address) else ""


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
        raise _not_fetched(address)
    copy.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder_lock(copy.parent), lambda by: reporter.warn(f"{by} fetches {address}; waiting for it.")):
        record = _read_record(copy.parent)
        try:
            listed = files_at(remote, copy.name)
        except UnreachableError as error:
            if not record.get("whole"):
                raise
            reporter.warn(f"{error.where}: {error.what} The copy in {copy} is used, as it was fetched before.")
            return copy
        if dry_run and not all(_is_here(copy, name, state, record) for name, state in listed.items()):
            raise _not_fetched(address)
        _update(remote, copy, listed, reporter)
    return copy


def send(folder: Path, address: str, reporter: Reporter) -> list[str]:
    """Copy what a command wrote for an address there; hidden files stay. Return the addresses.

    Raises:
        GeomlError: It could not be copied; nothing that was written is lost.
    """
    remote, above = open_address(address), address.rsplit("/", 1)[0]
    parent = remote.path.rsplit("/", 1)[0]
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    sent = [name.as_posix() for name in names if not name.parts[0].startswith(".")]
    with reporter.task("sent", len(sent)) as advance:
        for name in sent:
            try:
                _put(remote, folder / name, f"{parent}/{name}")
            except Exception as error:  # each library has errors of its own
                raise GeomlError(
                    f"could not be written ({reason_of(error)}).",
                    where=f"{above}/{name}",
                    fix=f"What was to go there is in {folder}: copy it, or repeat the command.",
                ) from error
            advance(1)
    return [f"{above}/{name}" for name in sent]


def require_writable(address: str) -> None:
    """Refuse an address to which nothing can be written, before what goes there is computed.

    Raises:
        SettingsError: It is a page of the web, or a folder that has something in it.
    """
    remote = open_address(address)
    if remote.protocol in WEB:
        raise SettingsError("nothing can be written to a web server.", where=address, fix="Name a bucket, or a file.")
    try:
        taken = remote.system.isdir(remote.path) and bool(remote.system.ls(remote.path, detail=False))
    except Exception:  # who may write may not always list: it is seen when it is sent
        return
    if taken:
        raise SettingsError("is a folder with files in it.", where=address, fix="Give another name, or delete it.")


def _folder_name(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:16]


def _is_here(copy: Path, name: str, state: State, record: dict[str, Any]) -> bool:
    """Return whether a file was fetched in the state that it has at the address, and is still as it was fetched."""
    path = copy.parent / name
    if not path.is_file():
        return False
    size = path.stat().st_size
    return state.size in (None, size) and record.get("files", {}).get(name) == [size, state.version]


def _update(remote: Remote, copy: Path, listed: dict[str, State], reporter: Reporter) -> None:
    """Take away what the address has no more, and fetch what is missing; a killed process loses what was in flight."""
    record = _read_record(copy.parent)
    here = {name: record["files"][name] for name, state in listed.items() if _is_here(copy, name, state, record)}
    for path in [path for path in copy.parent.rglob("*") if path.is_file() and path.name != _RECORD]:
        if path.relative_to(copy.parent).as_posix() not in here:
            path.unlink()
    missing = {name: state for name, state in listed.items() if name not in here}
    needed = sum(state.size or 0 for state in missing.values())
    require_space(copy.parent, needed)
    if missing:
        reporter.info(f"{remote.address}: {len(missing)} files, {needed / 2**20:.1f} MiB, are fetched into {copy}.")
    record_at = time.monotonic() + _SECONDS
    try:
        with reporter.task("fetched", len(missing)) as advance:
            for name, kept in _fetched(remote, copy, missing):
                here[name] = kept
                advance(1)
                record_at = _recorded(copy.parent, remote.address, here, record_at)
    finally:
        _write_record(copy.parent, remote.address, here, whole=len(here) == len(listed))


def _recorded(folder: Path, address: str, here: dict[str, list[Any]], due: float) -> float:
    """Record what is here where that is due; return when it is due next."""
    if time.monotonic() < due:
        return due
    _write_record(folder, address, here, whole=False)
    return time.monotonic() + _SECONDS


def _fetched(remote: Remote, copy: Path, missing: dict[str, State]) -> Iterator[tuple[str, list[Any]]]:
    """Fetch files at once; give each one's name and state as it is here. After a failure none is begun."""
    stop, failed = Event(), list[BaseException]()
    pool = ThreadPoolExecutor(_STREAMS)
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


def _put(remote: Remote, path: Path, target: str) -> None:
    """Copy a file to an address, and see that it is there."""
    try:
        remote.system.put_file(str(path), target)
    except FileNotFoundError:
        if remote.protocol in BUCKETS:
            raise
        remote.system.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        remote.system.put_file(str(path), target)
    remote.system.invalidate_cache()
    size = remote.system.info(target)["size"]
    if size != path.stat().st_size:
        raise OSError(f"{size} of {path.stat().st_size} bytes arrived")


def _not_fetched(address: str) -> SettingsError:
    return SettingsError(
        "is not fetched yet, and what would be read depends on its files.",
        where=address,
        fix="Leave --dry-run out once: what is fetched is kept.",
    )


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and "address" in found else {}


def _write_record(folder: Path, address: str, files: dict[str, list[Any]], *, whole: bool) -> None:
    write_text(
        folder / _RECORD,
        json.dumps({"address": address, "whole": whole, "files": dict(sorted(files.items()))}, indent=1) + "\n",
    )
