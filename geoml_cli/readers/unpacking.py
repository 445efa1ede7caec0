"""Text out of files, plain or compressed, in memory and time bounded by the size of the file on disk."""

from __future__ import annotations

import gzip
import io
import itertools
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from geoml_cli.dataset.files import digested
from geoml_cli.dataset.raw_files import not_permitted
from geoml_cli.errors import DataError

UNREADABLE = (OSError, EOFError, zlib.error, UnicodeError)
"""What a damaged file ends in; a truncated gzip in any of the first three."""
LONGEST_LINE = 1 << 22
"""A table of 20,000 columns has a header of 400 kB; what has longer lines is no table."""
_READ_CHARS = 1 << 13
"""Read at once: what a text stream holds anyway."""
_BATCH_CHARS, _MOST_LINES = 1 << 16, 512
"""Lines that are checked at once."""
_RATIO = 100
"""Tables shrink to a tenth, those of fill values alone to a sixtieth; a stream made to fill memory to a thousandth."""
_ALLOWANCE_BYTES = 1 << 26
"""Unpacked bytes that any file may have, however small it is."""


def refuse_bomb(unpacked: int, packed: int, location: str) -> None:
    """Refuse compressed data that grow far more than tables do.

    Args:
        unpacked: Size of what comes out [bytes].
        packed: Size on disk [bytes].
        location: The file, for messages.

    Raises:
        DataError: They do.
    """
    if unpacked > max(_ALLOWANCE_BYTES, _RATIO * packed):
        raise DataError(
            f"unpacks to more than {_RATIO} times its size of {packed / 1e6:.1f} MB, which no table does",
            where=location,
            fix="Get the file again from its provider; if its content is right, unpack it yourself.",
        )


def unreadable(path: Path, error: BaseException) -> DataError:
    """Say that a file cannot be read: what may not be read needs other permissions, what is damaged another copy."""
    if isinstance(error, PermissionError):
        return not_permitted(path)
    reason = "its compressed data are damaged or cut off" if is_gzip_fault(error) else "the disk failed"
    if isinstance(error, UnicodeError):
        reason = "it holds bytes that are no text"
    return DataError(f"cannot be read to its end: {reason}", where=str(path), fix="Get the file again.")


def is_gzip_fault(error: BaseException) -> bool:
    """Return whether an error comes from compressed data, and not from the disk."""
    return isinstance(error, EOFError | zlib.error | gzip.BadGzipFile)


@contextmanager
def open_bytes(path: Path, *, digest: bool = False) -> Iterator[IO[bytes]]:
    """Open a file, unpacked where it is gzipped; with `digest`, as `digested` does."""
    with path.open("rb") as probe:
        packed = probe.read(2) == b"\x1f\x8b"
    with digested(path) if digest else path.open("rb") as stream:
        if not packed:
            yield stream
            return
        with gzip.GzipFile(fileobj=stream) as unpacked, io.BufferedReader(_Unpacked(unpacked, path)) as bounded:
            yield bounded


class _Unpacked(io.RawIOBase):
    """What comes out of a gzip stream, counted."""

    def __init__(self, stream: gzip.GzipFile, path: Path) -> None:
        self._stream, self._path = stream, path
        self._packed, self._count = path.stat().st_size, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the base class takes any buffer
        count = self._stream.readinto(buffer)
        self._count += count
        refuse_bomb(self._count, self._packed, str(self._path))
        return count


def bounded_lines(stream: IO[str], location: Path | str, first: int = 1) -> Iterator[str]:
    """Give lines one by one.

    Args:
        stream: The text.
        location: The file, for messages.
        first: Number of the first line.

    Raises:
        DataError: A line has no end within 4 MB, or the text cannot be read; with the line.
    """
    number = first
    read, size = (stream.read, _READ_CHARS) if _may_read_ahead(stream) else (stream.readline, LONGEST_LINE)
    while block := read(size):
        if not block.endswith("\n"):
            block += stream.readline(LONGEST_LINE)
        last = block.rfind("\n", 0, len(block) - 1) + 1
        whole, rest = (block, "") if len(block) - last < LONGEST_LINE else (block[:last], block[last:])
        yield from io.StringIO(whole, newline="\n")
        number += whole.count("\n")
        if len(rest) > LONGEST_LINE or (rest and not rest.endswith("\n")):
            raise DataError(
                f"the line is longer than {LONGEST_LINE >> 20} MB: this is no table",
                where=f"{location}, line {number}",
                fix="Get the file again; its rows must end in line breaks.",
            )
        if rest:
            yield rest
            number += 1


def _may_read_ahead(stream: IO[str]) -> bool:
    """Tell files from lines that are made, and refused, one by one.

    UTF-16 is not read through when its encoding is given: where it is cut off, the lines before come first.
    """
    return isinstance(stream, io.TextIOWrapper) and not stream.encoding.startswith("utf-16")


def batches(lines: Iterator[str]) -> Iterator[list[str]]:
    """Give lines many at once, so that what holds for all of them is found without a loop over each.

    An error that ends the lines comes after those before it. Of long lines a batch holds fewer.
    """
    count = 1
    while True:
        batch: list[str] = []
        try:
            batch.extend(itertools.islice(lines, count))
        except (DataError, *UNREADABLE):
            if batch:
                yield batch
            raise
        if not batch:
            return
        yield batch
        count = max(1, min(_MOST_LINES, 2 * count, _BATCH_CHARS // max(map(len, batch))))


class LinesText(io.TextIOBase):
    """Lines as a stream of text, for pandas: what they raise passes through."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._rest = lines, ""

    def readable(self) -> bool:
        """Return that there is something to read."""
        return True

    def read(self, size: int | None = -1) -> str:
        """Give up to `size` characters; all of them where it is negative."""
        pieces, length = [self._rest], len(self._rest)
        limit = None if size is None or size < 0 else size
        while limit is None or length < limit:
            line = next(self._lines, "")
            if not line:
                break
            pieces.append(line)
            length += len(line)
        text = "".join(pieces)
        cut = len(text) if limit is None else limit
        self._rest = text[cut:]
        return text[:cut]

    def readline(self, size: int = -1) -> str:  # type: ignore[override]  # pandas gives no other type
        """Give the next line."""
        line, self._rest = self._rest or next(self._lines, ""), ""
        return line
