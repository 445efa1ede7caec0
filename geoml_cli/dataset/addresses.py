"""What lies at an address (`s3://`, `gs://`, `https://`), and what its server refuses.

Source: https://filesystem-spec.readthedocs.io.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote

from geoml_cli.errors import DataError, GeomlError, SettingsError

WEB = ("http", "https")
BUCKETS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")
"""Protocols whose folders are parts of names: none is made, and a bucket never."""
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "generation", "LastModified", "last_modified", "Last-Modified",
             "mtime", "updated", "modified", "created")  # fmt: skip
"""What a server says of the state of a file, first that which says most."""
_STREAMS = 8
"""Files that are looked up at once."""
_PATIENCE = 300
"""Seconds after which a web server that sends nothing is given up."""
_SIDECARS = {".shp": (".shx", ".dbf", ".prj", ".cpg"), ".tif": (".tfw", ".hdr"), ".bil": (".hdr", ".prj"),
             ".flt": (".hdr", ".prj"), ".img": (".hdr", ".ige")}  # fmt: skip
"""Files without which GDAL reads another value, grid or encoding, by the suffix of the file next to them."""
_APPENDED = (".aux.xml", ".msk")
_PUBLIC = "set FSSPEC_S3_ANON=true for a public bucket of S3, FSSPEC_GS_TOKEN=anon for one of Google"


class UnreachableError(DataError):
    """An address that cannot be read now; whether there is something at it is not known."""


class State(NamedTuple):
    """A file at an address.

    Attributes:
        path: As the file system of the address names it.
        size: In bytes; None where the server does not say.
        version: What the server says of its state; empty where nothing.
    """

    path: str
    size: int | None
    version: str


class Remote(NamedTuple):
    """An address, and the file system of fsspec that reads it.

    Attributes:
        system: The file system.
        path: As the file system names what is at the address.
        protocol: In small letters.
        address: As it was given.
    """

    system: Any
    path: str
    protocol: str
    address: str


def protocol_of(text: str) -> str | None:
    """Return the protocol of a text that is an address, None of any other."""
    found = _ADDRESS.match(text)
    return found[1].lower() if found else None


def open_address(address: str) -> Remote:
    """Open the file system of an address.

    Raises:
        SettingsError: A package is missing, or the protocol is not known.
    """
    protocol = protocol_of(address) or ""
    try:
        import fsspec

        system, path = fsspec.url_to_fs(address, **(_web_options() if protocol in WEB else {}))
    except ImportError as error:
        raise SettingsError(
            f"addresses of {protocol} need a package that is not installed.",
            where=address,
            fix="Those of s3, gs and https: `pip install 'geoml[cloud]'`. Others: see the documentation of fsspec.",
        ) from error
    except ValueError as error:
        raise SettingsError(
            f"is an address ({protocol}) that fsspec does not know.",
            where=address,
            fix="Copy the files here and give their folder.",
        ) from error
    return Remote(system, path, protocol, address)


def files_at(remote: Remote, top: str) -> dict[str, State]:
    """Return the files at an address by name; `top` is that of the file or folder at the address.

    Raises:
        DataError: There are none, or they may not be read.
    """
    with refusals(remote):
        remote.system.invalidate_cache()
        if _is_folder(remote):
            base = remote.path.rstrip("/")
            found = {
                f"{top}/{_local_name(remote, path[len(base) + 1 :])}": info
                for path, info in _found(remote)
                if path.startswith(f"{base}/") and _is_file(remote, path)
            }
        else:
            found = {top: remote.system.info(remote.path), **_sidecars(remote, top)}
        with ThreadPoolExecutor(_STREAMS) as pool:
            states = dict(zip(found, pool.map(lambda info: _state(remote, info), found.values()), strict=True))
    if not states:
        raise DataError("there are no files.", where=remote.address, fix="Check the address.")
    for name in states:
        if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
            raise DataError(f"{name!r} is no name of a file in it.", where=remote.address, fix="Copy the files here.")
    return states


def _found(remote: Remote) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return all files below an address; one folder that cannot be listed is an error, not an empty one."""
    if remote.protocol in BUCKETS:
        yield from remote.system.find(remote.path, detail=True).items()
        return
    for _, _, files in remote.system.walk(remote.path, detail=True, on_error="raise"):
        yield from ((info["name"], info) for info in files.values())


def _is_folder(remote: Remote) -> bool:
    # Every page of the web can be read as a list of links: its address says which it is.
    if remote.protocol in WEB:
        return remote.address.endswith("/")
    return bool(remote.system.isdir(remote.path))


def _is_file(remote: Remote, path: str) -> bool:
    """Return whether a found path is a file: lists of web servers have links that sort them."""
    return not path.endswith("/") and not (remote.protocol in WEB and ("?" in path or "#" in path))


def _local_name(remote: Remote, name: str) -> str:
    return unquote(name) if remote.protocol in WEB else name


def _sidecars(remote: Remote, name: str) -> dict[str, dict[str, Any]]:
    """Return what stands next to a file and belongs to it."""
    stem, dot, suffix = name.rpartition(".")
    own = _SIDECARS.get(f".{suffix.lower().replace('tiff', 'tif')}", ())
    if not own or not dot:
        return {}
    names = [*(f"{stem}{ending}" for ending in own), *(f"{name}{ending}" for ending in _APPENDED)]
    parent, found = remote.path.rsplit("/", 1)[0], {}
    for other in names:
        try:
            found[other] = remote.system.info(f"{parent}/{other}")
        except FileNotFoundError:
            continue
    return found


def _state(remote: Remote, info: dict[str, Any]) -> State:
    if info.get("size") is None:  # a list of links says nothing of them
        info = {**info, **remote.system.info(info["name"])}
    version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
    return State(str(info["name"]), info.get("size"), version)


def _web_options() -> dict[str, Any]:
    """Return options of a web client: proxies and logins of the environment (.netrc), files of any length."""
    import aiohttp

    return {"client_kwargs": {"trust_env": True, "timeout": aiohttp.ClientTimeout(total=None, sock_read=_PATIENCE)}}


@contextmanager
def refusals(remote: Remote) -> Iterator[None]:
    """Say what a server or its library refuses in words of this project."""
    try:
        yield
    except (GeomlError, KeyboardInterrupt):
        raise
    except FileNotFoundError as error:
        raise DataError("there is no such file or folder.", where=remote.address, fix="Check the address.") from error
    except Exception as error:  # each library has errors of its own
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):  # of this machine's disk
            raise
        fix = "Check the address and the network, and repeat the command: what has come is not fetched again."
        if remote.protocol in BUCKETS:
            fix = f"Check the address, the network and your credentials; {_PUBLIC}."
        raise UnreachableError(f"cannot be read ({reason_of(error)}).", where=remote.address, fix=fix) from error


def reason_of(error: Exception) -> str:
    """Return the reason of a library's error as a line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:200] if text else type(error).__name__
