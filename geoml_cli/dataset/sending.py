"""What a command wrote, sent to an address."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from geoml_cli.dataset.addresses import BUCKETS, Remote, is_absent, open_address, reason_of
from geoml_cli.dataset.files import sha256
from geoml_cli.errors import GeomlError, SettingsError
from geoml_cli.work.reporting import Reporter

_COMPANIONS = (".png", ".qml")
"""Of a map: its page, and its style."""
_LAST = ("zarr.json", ".zmetadata", ".zgroup")
"""Files without which a Zarr store does not open: one that was sent in part is none."""


def require_writable(address: str, reporter: Reporter) -> None:
    """Refuse an address to which nothing can be written, before what goes there is computed.

    Raises:
        SettingsError: It is a page of the web, a hidden name, or a folder that has something in it.
    """
    remote = open_address(address)
    if remote.is_web:
        raise SettingsError(
            "nothing can be written to a web server.", where=remote.address, fix="Name a bucket, or a file."
        )
    if remote.name.startswith("."):
        raise SettingsError("is a hidden name.", where=remote.address, fix="Name it without the dot.")
    try:
        taken = remote.system.isdir(remote.path) and bool(remote.system.ls(remote.path, detail=False))
        bucket = remote.path.lstrip("/").partition("/")[0]
        seen = remote.protocol not in BUCKETS or remote.system.exists(bucket)
    except Exception:  # who may write may not always list: it is seen when it is sent
        return
    if taken:
        raise SettingsError(
            "is a folder with files in it.", where=remote.address, fix="Give another name, or delete it."
        )
    if not seen:
        reporter.warn(f"{remote.address}: its bucket is not seen. Where there is none, nothing can be sent.")


def send(folder: Path, address: str, reporter: Reporter) -> list[str]:
    """Copy what a command wrote for an address there; hidden files stay. Return the addresses.

    Raises:
        GeomlError: It could not be copied. What was sent of a folder is taken back; nothing that was written is lost.
    """
    remote, sent = open_address(address), list[str]()
    above, parent = (text.rstrip("/").rsplit("/", 1)[0] for text in (remote.address, remote.path))
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    names = [name for name in names if not name.parts[0].startswith(".")]
    with reporter.task("sent", len(names)) as advance, _taken_back(remote, parent, sent):
        for name in sorted(names, key=lambda name: name.name in _LAST):
            sent.append(name.as_posix())
            with _refused(f"{above}/{name.as_posix()}", folder):
                _put(remote, folder / name, f"{parent}/{name.as_posix()}")
            advance(1)
    return [f"{above}/{name}" for name in sent]


@contextlib.contextmanager
def _refused(target: str, folder: Path) -> Iterator[None]:
    """Say what a server refuses, and where what was to go there is."""
    try:
        yield
    except Exception as error:  # each library has errors of its own
        raise GeomlError(
            f"could not be written ({reason_of(error)}).",
            where=target,
            fix=f"What was to go there is in {folder}: copy it, or repeat the command.",
        ) from error


@contextlib.contextmanager
def _taken_back(remote: Remote, parent: str, sent: Sequence[str]) -> Iterator[None]:
    """Take back what was sent of a folder, where it does not become whole; Ctrl-C counts."""
    try:
        yield
    except BaseException:
        for name in (name for name in sent if "/" in name):
            with contextlib.suppress(Exception):  # of a server that has just refused
                remote.system.rm_file(f"{parent}/{name}")
        raise


@contextlib.contextmanager
def companions(path: Path, address: str, reporter: Reporter) -> Iterator[None]:
    """Fetch what stands next to an output at its address: what geoml did not write is then kept, as on this machine.

    What is as it was afterwards is not there to be sent.
    """
    remote, brought = open_address(address), dict[Path, str]()
    parent = remote.path.rstrip("/").rsplit("/", 1)[0]
    for here in (path.with_suffix(ending) for ending in _COMPANIONS):
        try:
            remote.system.get_file(f"{parent}/{here.name}", str(here))
            brought[here] = sha256(here)
        except Exception as error:  # each library has errors of its own
            here.unlink(missing_ok=True)
            if not is_absent(remote, error):
                reporter.warn(f"{here.name} at the address cannot be read ({reason_of(error)}); it may be replaced.")
    yield
    for here, digest in brought.items():
        if here.is_file() and sha256(here) == digest:
            here.unlink()


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
