"""Text files that lie open, gzipped, or inside a zip archive, which is read in place and never extracted."""

from __future__ import annotations

import functools
import io
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import IO

from geoml_cli.dataset.raw_files import not_permitted
from geoml_cli.errors import DataError
from geoml_cli.readers.tables import open_text, wide_encoding
from geoml_cli.readers.unpacking import LONGEST_LINE, LinesText, refuse_bomb
from geoml_cli.readers.workbooks import WORKBOOKS, sheet_text
from geoml_cli.sources.fluxnet import file_names, reddyproc

SUFFIXES = (".csv", ".txt", ".csv.gz", ".txt.gz")
_ZIP = ".zip"
_IN_ARCHIVES = (".csv", ".txt", *WORKBOOKS)
"""Of members; workbooks may tell the position of a tower."""
_MOST_MEMBERS = 100_000
"""All files of all towers are a few thousand."""
_SNIFFED = 1 << 12
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
"""What a damaged, odd or encrypted archive ends in."""


@dataclass(frozen=True, order=True)
class TextFile:
    """A text file.

    Attributes:
        path: The file, or the archive that holds it.
        member: Its name inside the archive; empty where it is a file of its own.
    """

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}, member {self.member}" if self.member else str(self.path)

    @property
    def name(self) -> str:
        """Return the name without folders."""
        return PurePosixPath(self.member).name if self.member else self.path.name

    @contextmanager
    def open(self) -> Iterator[IO[str]]:
        """Open it: a byte-order mark is skipped, all three line ends are read, REddyProc's layout is given as BASE.

        Raises:
            DataError: It is missing, a folder, damaged, or no text.
        """
        if not self.member:
            with open_text(self.path) as stream:
                yield _as_flux(stream, str(self))
            return
        try:
            with _archive(self.path).open(self.member) as raw, _decoded(raw) as stream:
                yield _as_flux(stream, str(self))
        except _UNREADABLE as error:
            raise _damaged(str(self), error) from error

    def content(self) -> bytes | None:
        """Return the bytes of a member, of a workbook those of its sheet as text; None of a file of its own.

        Raises:
            DataError: It is damaged.
            SettingsError: The package that reads workbooks is not installed.
        """
        if not self.member:
            return None
        status = self.path.stat()
        return _content(self, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _content(text: TextFile, size: int, changed: int) -> bytes | None:
    """Read a member once, however often it is asked for: a workbook of a whole network takes its time."""
    try:
        found = _archive(text.path).read(text.member)
    except _UNREADABLE as error:
        raise _damaged(str(text), error) from error
    if not text.name.lower().endswith(WORKBOOKS):
        return found
    with tempfile.TemporaryDirectory(prefix="geoml-") as folder:
        path = Path(folder) / text.name
        path.write_bytes(found)
        try:
            return sheet_text(path)
        except DataError as error:
            raise DataError(error.what, where=str(text), fix=error.fix) from error


def _as_flux(stream: IO[str], location: str) -> IO[str]:
    first = stream.readline(LONGEST_LINE)
    if reddyproc.is_header(first):
        return LinesText(reddyproc.converted(first, stream, location))  # type: ignore[return-value]  # all that is used
    if stream.seekable():
        stream.seek(0)
        return stream
    following = iter(lambda: stream.readline(LONGEST_LINE), "")
    return LinesText(chain([first], following) if first else iter(()))  # type: ignore[return-value]


def _archive(path: Path) -> zipfile.ZipFile:
    status = path.stat()
    return _opened(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _opened(path: Path, size: int, changed: int) -> zipfile.ZipFile:
    """Open an archive and keep it until another is opened: its directory is read once, not for every member."""
    return zipfile.ZipFile(path)


def _decoded(raw: IO[bytes]) -> io.TextIOWrapper:
    wide = wide_encoding(raw.read(_SNIFFED))
    raw.seek(0)
    # Letters beyond ASCII can only stand in cells that are refused for being no numbers.
    return io.TextIOWrapper(raw, encoding=wide or "utf-8-sig", errors="replace", newline=None)


def members(path: Path) -> list[TextFile]:
    """Name the text files in a zip archive, in order.

    Raises:
        DataError: It is no archive, or a member's name or size is not that of an honest one.
    """
    try:
        entries = _archive(path).infolist()
    except _UNREADABLE as error:
        raise _damaged(str(path), error) from error
    if len(entries) > _MOST_MEMBERS:
        raise DataError(
            f"holds {len(entries)} files", where=str(path), fix="This is no archive of towers: unpack what is needed."
        )
    for member in entries:
        _refuse_unsafe(path, member)
    inner = [member.filename for member in entries if _has_suffix(member, (_ZIP,))]
    others = [member for member in entries if _has_suffix(member, _IN_ARCHIVES)]
    if inner and (not others or any(file_names.parse(PurePosixPath(name).name).site for name in inner)):
        raise DataError(
            f"holds {len(inner)} further archives ({inner[0]}), which are not read inside of it",
            where=str(path),
            fix="Unpack it, and give the folder; archives that lie in a folder are read.",
        )
    return sorted(TextFile(path, member.filename) for member in entries if _has_suffix(member, _IN_ARCHIVES))


def _has_suffix(member: zipfile.ZipInfo, suffixes: tuple[str, ...]) -> bool:
    place = PurePosixPath(member.filename)
    hidden = place.name.startswith(".") or "__MACOSX" in place.parts
    return not member.is_dir() and not hidden and place.suffix.lower() in suffixes


def _refuse_unsafe(path: Path, member: zipfile.ZipInfo) -> None:
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or ".." in PurePosixPath(name).parts:
        raise DataError(
            f"holds a member that would lie outside ({member.filename!r})",
            where=str(path),
            fix="This is no provider's archive: do not use it.",
        )
    refuse_bomb(member.file_size, min(member.compress_size, path.stat().st_size), f"{path}, member {member.filename}")


def _damaged(location: str, error: BaseException) -> DataError:
    if isinstance(error, PermissionError):
        return not_permitted(Path(location))
    locked = isinstance(error, RuntimeError) and "encrypted" in str(error)
    reason = "it is encrypted" if locked else "it is damaged, cut off, or packed in a way that is not read"
    return DataError(
        f"cannot be read as a zip archive: {reason}",
        where=location,
        fix="Get it again, or unpack it and give the folder.",
    )
