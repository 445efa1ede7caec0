"""Check of a TIFF file's structure: it has no checksums, and what its directory leads to may be other bytes.

Source: TIFF 6.0, section 2; BigTIFF.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from geoml_cli.errors import DataError
from geoml_cli.work.reasons import FaultError, reason

_FIX = "It is damaged: fetch it again."
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NEEDED = {256, 257, 258, 259, 273, 278, 279, 322, 323, 324, 325}
"""Tags: width, height, bits; compression; offsets, rows and bytes of strips; sides, offsets and bytes of tiles."""

_BIG = 43


class _Region(NamedTuple):
    start: int
    size: int
    name: str


class _Layout(NamedTuple):
    """Bytes of a count of entries, of an entry's count of values, and of an offset."""

    entries: int
    entry: int
    offset: int


def check_tiff(path: Path, *, has_fill: bool) -> None:
    """Refuse a file whose blocks lie outside of it, over each other, or over its directory; or that lacks blocks.

    Args:
        path: The file.
        has_fill: Whether blocks that are left out stand for missing values.

    Raises:
        DataError: It is so.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as stream:
            regions, absent = _regions(stream)
    except (ValueError, KeyError, IndexError, ZeroDivisionError, OSError, OverflowError, MemoryError) as error:
        raise DataError(
            f"is damaged: its directory cannot be read ({reason(error)})", where=str(path), fix=_FIX
        ) from error
    if absent and not has_fill:
        raise DataError(f"{absent} of its blocks are missing, and would be read as 0", where=str(path), fix=_FIX)
    end, before = 0, ""
    for region in sorted(regions):
        if region.start + region.size > size:
            raise DataError(f"is damaged: a {region.name} reaches beyond its end", where=str(path), fix=_FIX)
        if region.start < end:
            raise DataError(f"is damaged: a {region.name} and a {before} overlap", where=str(path), fix=_FIX)
        end, before = region.start + region.size, region.name


def _regions(stream: BinaryIO) -> tuple[list[_Region], int]:
    """Return what lies where, and the number of blocks that are left out."""
    directory = _Directory(stream)
    regions = [_Region(0, directory.header, "header"), _Region(directory.start, directory.size, "directory")]
    tags: dict[int, list[int]] = {}
    for tag, value in directory.values():
        if not value.inside:
            regions.append(_Region(value.start, value.size, "value of the directory"))
        if tag in _NEEDED:
            tags[tag] = directory.numbers(value)
    name, offsets, sizes = ("tile", 324, 325) if 324 in tags else ("strip", 273, 279)
    blocks = [_Region(at, size, name) for at, size in zip(tags[offsets], tags[sizes], strict=True) if size]
    absent = len(tags[offsets]) - len(blocks)
    _refuse_sizes(tags, len(tags[offsets]), 0 if absent else sum(block.size for block in blocks))
    return regions + blocks, absent


def _refuse_sizes(tags: dict[int, list[int]], blocks: int, stored: int) -> None:
    """Compare the number of blocks, and the bytes of plain ones (0: unknown), with the image's size."""
    width, height, bits = tags[256][0], tags[257][0], tags[258]
    across, down = (tags[322][0], tags[323][0]) if 324 in tags else (width, min(tags.get(278, [height])[0], height))
    number = -(-width // across) * -(-height // down)
    if blocks != number:
        raise FaultError(f"{blocks} blocks, where {width} x {height} pixels need {number}")
    expected = (number * across * down if 324 in tags else width * height) * bits[0] // 8
    if tags.get(259, [1])[0] == 1 and stored and stored != expected:
        raise FaultError(f"{stored} bytes, where {width} x {height} pixels need {expected}")


class _Value(NamedTuple):
    start: int
    size: int
    each: int
    inside: bool


class _Directory:
    """The first directory of a file: tags and where their values lie."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._order: Literal["little", "big"] = "little" if _bytes(stream, 0, 2) == b"II" else "big"
        big = self._number(2, 2) == _BIG
        self.header, self._layout = (16, _Layout(8, 8, 8)) if big else (8, _Layout(2, 4, 4))
        self.start = self._number(self.header - self._layout.offset, self._layout.offset)
        self._entries = self._number(self.start, self._layout.entries)
        self._width = 4 + self._layout.entry + self._layout.offset
        self.size = self._layout.entries + self._entries * self._width + self._layout.offset

    def _number(self, at: int, count: int) -> int:
        return int.from_bytes(_bytes(self._stream, at, count), self._order)

    def values(self) -> Iterator[tuple[int, _Value]]:
        """Yield tags, and where their values lie."""
        layout = self._layout
        for place in range(self._entries):
            at = self.start + layout.entries + place * self._width
            each = _TYPE_BYTES[self._number(at + 2, 2)]
            size = each * self._number(at + 4, layout.entry)
            inside, value = size <= layout.offset, at + 4 + layout.entry
            start = value if inside else self._number(value, layout.offset)
            yield self._number(at, 2), _Value(start, size, each, inside)

    def numbers(self, value: _Value) -> list[int]:
        """Return the numbers of a value."""
        content = _bytes(self._stream, value.start, value.size)
        pieces = range(0, value.size, value.each)
        return [int.from_bytes(content[place : place + value.each], self._order) for place in pieces]


def _bytes(stream: BinaryIO, at: int, count: int) -> bytes:
    stream.seek(at)
    content = stream.read(count)
    if len(content) < count:
        raise FaultError("it ends within its directory")
    return content
