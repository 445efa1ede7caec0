"""Check of a classic NetCDF file's length: of a truncated one, the NetCDF library reads zeros and says nothing.

Source: NetCDF Classic Format Specification (CDF-1, CDF-2 and CDF-5).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import BinaryIO, NamedTuple

from geoml_cli.errors import DataError
from geoml_cli.work.reasons import FaultError, reason

_FIX = "It is damaged: fetch it again."
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
_ALIGNMENT = 4
_STREAMED = (2**32 - 1, 2**64 - 1)


class _Variable(NamedTuple):
    name: str
    start: int
    size: int
    is_record: bool


class _Header:
    """Reads the header's items one after another."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream, self._length = stream, length
        version = self._bytes(4)[3]
        self._count_bytes = 8 if version == 5 else 4
        self._offset_bytes = 4 if version == 1 else 8

    def _bytes(self, count: int) -> bytes:
        if count > self._length:
            raise FaultError("its header holds impossible lengths")
        content = self._stream.read(count)
        if len(content) < count:
            raise FaultError("it ends within its header")
        return content

    def number(self, count: int) -> int:
        return int.from_bytes(self._bytes(count), "big")

    def count(self) -> int:
        return self.number(self._count_bytes)

    def padded(self, count: int) -> bytes:
        return self._bytes(count + -count % _ALIGNMENT)[:count]

    def name(self) -> str:
        return self.padded(self.count()).decode("utf-8")

    def items(self) -> int:
        """Return the length of the list that follows."""
        self.number(4)  # tag
        return self.count()

    def skip_attributes(self) -> None:
        for _ in range(self.items()):
            self.name()
            kind = self.number(4)
            self.padded(_TYPE_BYTES[kind] * self.count())

    def variable(self, dims: list[int]) -> _Variable:
        name = self.name()
        shape = [dims[self.count()] for _ in range(self.count())]
        self.skip_attributes()
        kind = self.number(4)
        self.count()  # its size, which may be wrong for large variables
        is_record = bool(shape) and shape[0] == 0
        size = _TYPE_BYTES[kind] * math.prod(shape[1:] if is_record else shape)
        return _Variable(name, self.number(self._offset_bytes), size, is_record)


def check_netcdf3(path: Path) -> None:
    """Refuse a file that is shorter than its header says, or whose variables lie over each other.

    Raises:
        DataError: It is.
    """
    length = path.stat().st_size
    try:
        with path.open("rb") as stream:
            records, variables = _read(_Header(stream, length))
    except (ValueError, KeyError, IndexError) as error:
        raise DataError(
            f"is damaged: its header cannot be read ({reason(error)})", where=str(path), fix=_FIX
        ) from error
    end, before = 0, ""
    for first in sorted(variables, key=lambda variable: variable.start):
        if first.start < end:
            raise DataError(f"is damaged: {first.name} and {before} overlap", where=str(path), fix=_FIX)
        end, before = first.start + first.size, first.name
    for variable in variables:
        if (last := _end(variable, variables, records)) > length:
            raise DataError(
                f"is truncated: {variable.name} needs {last} bytes, the file has {length}", where=str(path), fix=_FIX
            )


def _read(header: _Header) -> tuple[int, list[_Variable]]:
    records = header.count()
    if records in _STREAMED:
        records = 0  # a writer that never said how many: the library counts them by the file's length
    dims = []
    for _ in range(header.items()):
        header.name()
        dims.append(header.count())
    header.skip_attributes()
    return records, [header.variable(dims) for _ in range(header.items())]


def _end(variable: _Variable, variables: list[_Variable], records: int) -> int:
    """Return where a variable ends, records included."""
    sizes = [other.size for other in variables if other.is_record]
    # Records are padded, unless there is a single variable of them.
    step = sizes[0] if len(sizes) == 1 else sum(size + -size % _ALIGNMENT for size in sizes)
    return variable.start + variable.size + ((records - 1) * step if variable.is_record and records else 0)
