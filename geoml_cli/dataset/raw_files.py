"""Raw files before a source sees them: what is no file, may not be read, or has no readable name is refused here."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from geoml_cli.dataset.files import sha256
from geoml_cli.dataset.manifest import NAME, Manifest, RawFile
from geoml_cli.errors import DataError, escaped, is_control

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


_TABLES = (".csv", ".tsv", ".txt", ".parquet", ".xlsx", ".gz")
_BEGIN_BYTES = 256
_PLACEHOLDERS = (
    ((b"<!doctype html", b"<html"), "a web page", "Download the data themselves; the page may ask for a login."),
    ((b"version https://git-lfs",), "a pointer of Git LFS", "Get the file with `git lfs pull`."),
)
"""First bytes, what they are of, and what to do."""


def not_permitted(path: Path) -> DataError:
    """Say that a file or folder may not be read."""
    return DataError(
        "may not be read: permission denied",
        where=str(path),
        fix="Change its permissions, such as `chmod u+rX`, or take it away.",
    )


def special_kind(path: Path) -> str:
    """Say what a path is that is neither file nor folder; empty where it is one, or nothing at all."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    return next((name for test, name in _KINDS if test(mode)), "")


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is no raw data, by its name.

    Such are what macOS lays next to every file of a foreign disk (`._points.csv`), the copies of notebooks
    (`.ipynb_checkpoints`), and the lock of an open workbook (`~$points.xlsx`).
    """
    return name.startswith((".", "~$"))


def visible(folder: Path) -> list[Path]:
    """Return the files and folders in a folder that are not hidden, in order."""
    return sorted(path for path in folder.iterdir() if not is_hidden(path.name))


def paths_below(folder: Path) -> list[Path]:
    """Return all files and folders below a folder that are not hidden, nor in a hidden one, in order."""
    return sorted(path for path in folder.rglob("*") if not any(map(is_hidden, path.relative_to(folder).parts)))


def files_below(folder: Path) -> list[Path]:
    """Return the files among `paths_below`."""
    return [path for path in paths_below(folder) if path.is_file()]


def require_readable(raw: Path) -> None:
    """Refuse raw data with anything in them that would hang, vanish or fail while it is read.

    Hidden files and folders are not looked at.

    Raises:
        DataError: A path is a pipe, socket or device, a link to nothing, or may not be read.
    """
    _require(raw)
    for path in _below(raw) if raw.is_dir() else ():
        _require(path)


def _require(path: Path) -> None:
    if kind := special_kind(path):
        raise DataError(f"is {kind}, not a file", where=str(path), fix="Take it away, or save what it gives as a file.")
    if path.is_symlink() and not path.exists():
        raise DataError("is a link to nothing", where=str(path), fix="Get the file it names, or take the link away.")
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise not_permitted(path)


def _below(folder: Path) -> Iterator[Path]:
    """Give all paths in a folder, in order; a folder before what is in it, so that it can be refused first."""
    for path in visible(folder):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _below(path)


def require_names(files: Iterable[Path]) -> None:
    """Refuse files whose names are no text: variables, stations and the manifest are called after them.

    Raises:
        DataError: There is one; its name is shown escaped.
    """
    for path in files:
        if any(map(is_control, path.name)):
            raise DataError(
                "the file's name holds a control character", where=str(path), fix="Rename it to plain letters."
            )
        if escaped(path.name) != path.name:
            raise DataError(
                "the file's name is no UTF-8 text",
                where=str(path),
                fix="Rename it, such as with `convmv -f latin1 -t utf8 --notest FILE`.",
            )


def require_content(files: Iterable[Path]) -> None:
    """Refuse what a download left in a file's place: a web page, or a pointer of Git LFS.

    Raises:
        DataError: There is one.
    """
    for path in files:
        with path.open("rb") as stream:
            begin = stream.read(_BEGIN_BYTES).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        for marks, kind, advice in _PLACEHOLDERS:
            if begin.startswith(marks):
                raise DataError(f"is {kind}, not the file itself", where=str(path), fix=advice)


def changed_since(dataset: Path, manifest: Manifest) -> list[str]:
    """Name the raw files of a data set, but tables, that are there and are others than it was made from.

    Only files that were touched after it was made are read again.
    """
    root = Path(manifest.raw)
    root = root if root.is_dir() else root.parent
    made = (dataset / NAME).stat().st_mtime
    files = [file for file in manifest.files if Path(file.name).suffix.lower() not in _TABLES]
    return [file.name for file in files if _is_other(root / file.name, file, made)]


def _is_other(path: Path, file: RawFile, made: float) -> bool:
    if not path.is_file():  # who reads it says so
        return False
    state = path.stat()
    # A copy that keeps its time of change has a new one of its own.
    is_touched = max(state.st_mtime, state.st_ctime) > made
    return state.st_size != file.size or (is_touched and sha256(path) != file.sha256)
