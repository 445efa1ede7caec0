"""Delimited text whose rows all have as many cells as the header, checked many rows at once."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from geoml_cli.readers.unpacking import LONGEST_LINE, UNREADABLE, bounded_lines

_BLOCK_BYTES = 1 << 18
_ENCODINGS = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "latin-1": "latin-1"}
"""How blocks are decoded, by the encoding of the whole; of others the lines are read one by one."""
Odd = Callable[[Iterator[str], int], Iterator[str]]
"""Makes lines rectangular, or refuses them; given the number of the first."""


class Shape(NamedTuple):
    """How the rows of a file are made.

    Attributes:
        path: The file, for messages.
        delimiter: Between cells.
        width: Cells of the header.
        has_quotes: Quotation marks enclose cells, line breaks in them included; else they are like other signs.
    """

    path: Path | str
    delimiter: str
    width: int
    has_quotes: bool = True


def rectangle(stream: IO[str], header: int, shape: Shape, odd: Odd) -> Iterator[str]:
    """Give what follows the header, some lines at a time, for a parser that fills short rows and cuts long ones.

    Args:
        stream: The text from its beginning.
        header: Lines that are passed over.
        shape: How rows are made.
        odd: Is given lines among which not all have the width of the header, or some have quotation marks.

    Raises:
        DataError: A line has no end; and what `odd` raises.
    """
    line = header + 1
    if not isinstance(stream, io.TextIOWrapper) or (encoding := _ENCODINGS.get(stream.encoding)) is None:
        yield from odd(itertools.islice(bounded_lines(stream, shape.path), header, None), line)
        return
    raw = stream.buffer
    head = b"".join(raw.readline(LONGEST_LINE) for _ in range(header))
    if head.count(b"\r") != head.count(b"\r\n") or head.count(b"\n") < header:
        begun = _text(_chained(head, raw), stream)
        yield from odd(itertools.islice(bounded_lines(begun, shape.path), header, None), line)
        return
    blocks = _Blocks(raw)
    for block in blocks:
        if not _is_of_lines(block, shape):
            rest = _text(_chained(block + blocks.rest, raw), stream)
            yield from odd(bounded_lines(rest, shape.path, line), line)
            return
        text = block.decode(encoding, stream.errors or "strict")
        text = text.replace("\r\n", "\n") if b"\r" in block else text
        yield from [text] if _is_rectangle(block, shape) else odd(io.StringIO(text, newline="\n"), line)
        line += block.count(b"\n")


class _Blocks:
    """What is left of a stream, cut between lines.

    Attributes:
        rest: What was read after the block that was given last.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.rest = stream, b""
        self._fault: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        """Give blocks of whole lines; the last may have no end, and a line that is too long is a block."""
        while data := self._read():
            cut = data.rfind(b"\n") + 1
            if not cut and len(data) <= LONGEST_LINE:
                self.rest = data
                continue
            self.rest = data[cut:] if cut else b""
            yield data[:cut] if cut else data
        if data := self.rest:
            self.rest = b""
            yield data

    def _read(self) -> bytes:
        """Read more behind the rest; nothing at the end. Where reading fails, whole lines before it come first."""
        if self._fault is not None:
            raise self._fault
        pieces, size = [self.rest], 0
        try:
            while size < _BLOCK_BYTES and (piece := self._stream.read1(_BLOCK_BYTES - size)):  # type: ignore[attr-defined]
                pieces.append(piece)
                size += len(piece)
        except UNREADABLE as error:
            self._fault = error
            whole = b"".join(pieces)
            if not (cut := whole.rfind(b"\n") + 1):
                raise
            return whole[:cut]
        return b"".join(pieces) if size else b""


class _Chained(io.RawIOBase):
    """Bytes, and then a stream."""

    def __init__(self, first: bytes, then: IO[bytes]) -> None:
        self._first, self._then = io.BytesIO(first), then

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the base class takes any buffer
        data = self._first.read(len(buffer)) or self._then.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _chained(first: bytes, then: IO[bytes]) -> IO[bytes]:
    return io.BufferedReader(_Chained(first, then))


def _text(raw: IO[bytes], like: io.TextIOWrapper) -> io.TextIOWrapper:
    return io.TextIOWrapper(raw, encoding=like.encoding, errors=like.errors, newline=None)


def _is_of_lines(block: bytes, shape: Shape) -> bool:
    """Return whether lines end where the block's do: none in a quotation, nor by a carriage return alone."""
    if shape.has_quotes and b'"' in block:
        return False
    return len(block) <= LONGEST_LINE and (b"\r" not in block or block.count(b"\r") == block.count(b"\r\n"))


def _is_rectangle(block: bytes, shape: Shape) -> bool:
    """Return whether all lines have the width of the header."""
    data = block if block.endswith(b"\n") else block + b"\n"
    signs = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(signs == ord("\n"))
    places = np.flatnonzero(signs == ord(shape.delimiter))
    if len(places) != len(ends) * (shape.width - 1) or not len(places):
        return False
    of_line = places.reshape(len(ends), -1)
    return bool((of_line[:, -1] < ends).all() and (of_line[1:, 0] > ends[:-1]).all())
