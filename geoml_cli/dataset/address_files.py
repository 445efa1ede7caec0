"""Files at an address: their names, sizes and states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote

from geoml_cli.dataset.addresses import BUCKETS, STREAMS, Remote, is_absent, refusals
from geoml_cli.errors import DataError

_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "generation", "LastModified", "last_modified", "Last-Modified",
             "mtime", "updated", "modified", "created")  # fmt: skip
"""What a server says of the state of a file, first that which says most."""
_SIDECARS = {".shp": (".shx", ".dbf", ".prj", ".cpg"), ".tif": (".tfw", ".hdr"), ".bil": (".hdr", ".prj"),
             ".flt": (".hdr", ".prj"), ".img": (".hdr", ".ige")}  # fmt: skip
"""Files without which GDAL reads another value, grid or encoding, by the suffix of the file next to them."""
_APPENDED = (".aux.xml", ".msk")
_CLOSED = (401, 403)
_PAGES = (".html", ".htm")

Info = dict[str, Any]


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


def files_at(remote: Remote) -> dict[str, State]:
    """Return the files at an address by name, which begins with that of the file or folder at the address.

    Raises:
        DataError: There are none, they may not be read, or have no names that this machine can give them.
    """
    with refusals(remote):
        remote.system.invalidate_cache()
        found = list(_in_folder(remote)) if _is_folder(remote) else list(_single(remote))
        pool = ThreadPoolExecutor(STREAMS)
        try:
            states = list(pool.map(lambda item: _state(remote, item[1]), found))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if not states:
        raise DataError("there are no files.", where=remote.address, fix="Check the address.")
    named = [(_name(remote, name), state) for (name, _), state in zip(found, states, strict=True)]
    _refuse_names(remote, [name for name, _ in named])
    return dict(named)


def _is_folder(remote: Remote) -> bool:
    # Every page of the web can be read as a list of links: its address says which it is.
    return remote.address.endswith("/") if remote.is_web else bool(remote.system.isdir(remote.path))


def _in_folder(remote: Remote) -> Iterator[tuple[str, Info]]:
    """Return all files below an address; one folder that cannot be listed is an error, not an empty one."""
    base, found = f"{remote.path.rstrip('/')}/", dict[str, Info]()
    for path, info in sorted(_listed(remote), key=lambda item: item[0]):
        # Of a list of links, those that sort it have no name; others may ask for a file (`?download=1`).
        plain = path.partition("?")[0].partition("#")[0] if remote.is_web else path
        if plain.startswith(base) and not plain.endswith("/"):
            found.setdefault(plain.removeprefix(base), info)
    yield from ((f"{remote.name}/{name}", info) for name, info in found.items())


def _listed(remote: Remote) -> Iterator[tuple[str, Info]]:
    if remote.protocol in BUCKETS:
        yield from remote.system.find(remote.path, detail=True).items()
        return
    for _, _, files in remote.system.walk(remote.path, detail=True, on_error="raise"):
        yield from ((info["name"], info) for info in files.values())


def _single(remote: Remote) -> Iterator[tuple[str, Info]]:
    """Return a file, and what stands next to it and belongs to it."""
    yield remote.name, remote.system.info(remote.path)
    stem, _, suffix = remote.name.rpartition(".")
    own = _SIDECARS.get(f".{suffix.lower().replace('tiff', 'tif')}", ())
    parent = (remote.path.partition("?")[0] if remote.is_web else remote.path).rsplit("/", 1)[0]
    names = [*(f"{stem}{ending}" for ending in own), *(f"{remote.name}{ending}" for ending in _APPENDED if own)]
    for name in names:
        try:
            info = remote.system.info(f"{parent}/{name}")
        except FileNotFoundError as error:
            # Servers that may not list what they have say so of what they have not.
            if not is_absent(remote, error) and getattr(error.__cause__, "status", None) not in _CLOSED:
                raise
        else:
            if not (remote.is_web and _is_page(info)):
                yield name, info


def _state(remote: Remote, info: Info) -> State:
    if info.get("size") is None:  # a list of links says nothing of them
        info = {**info, **remote.system.info(info["name"])}
    if remote.is_web and _is_page(info):
        raise DataError(
            "is a page of the web server, not a file.",
            where=str(info["name"]).partition("?")[0],
            fix="Check the address: that of a folder ends with /, and so do links to folders. Or log in (.netrc).",
        )
    version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
    return State(str(info["name"]), info.get("size"), version)


def _is_page(info: Info) -> bool:
    """Return whether a server gives a page for what is no page by name, such as a list of links or a login."""
    path = str(info["name"]).partition("?")[0].lower()
    return info.get("mimetype") == "text/html" and not path.endswith(_PAGES)


def _name(remote: Remote, name: str) -> str:
    """Return a file's name on this machine: `a//b` and `a/./b` are `a/b` there."""
    head, slash, rest = name.partition("/")
    return PurePosixPath(f"{head}{slash}{unquote(rest) if remote.is_web else rest}").as_posix()


def _refuse_names(remote: Remote, names: list[str]) -> None:
    """Refuse names that lead out of the copy, two files of one name, and a file that is a folder as well.

    Raises:
        DataError: Names the first.
    """
    times = Counter(names)
    folders = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    for name in names:
        problem = ""
        if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
            problem = "is no name of a file in it"
        elif name in folders:
            problem = "is a file and a folder"
        elif times[name] > 1:
            problem = "is the name of two files here"
        if problem:
            raise DataError(f"{name!r} {problem}.", where=remote.address, fix="Copy the files here.")
