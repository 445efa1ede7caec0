"""Why a library could not read something, in words of this project: theirs name their own functions and files."""

from __future__ import annotations

import errno
import re
import zipfile
import zlib

_UNKNOWN = "its bytes are not those of its format"
_CUT_OFF = "it is cut off, or a part of it is damaged"
_PACKED = "its compressed data are damaged or cut off"

_BY_TYPE: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (PermissionError, "permission denied"),
    (FileNotFoundError, "it is not there"),
    (IsADirectoryError, "it is a folder"),
    (MemoryError, "its sizes cannot be"),
    (UnicodeError, "it holds bytes that are no text"),
    (EOFError, _CUT_OFF),
    ((zipfile.BadZipFile, zlib.error), _PACKED),
)
_BY_TEXT: tuple[tuple[str, str], ...] = (
    (r"undefined filter|filter.*not (found|available|registered)|required filter", "it is packed with a method that is "
     "not installed here"),
    (r"\.shx", "its .shx file is not next to it"),
    (r"does not match|checksum", "its checksum does not match"),
    (r"truncated|end.of.file|eof marker|ran out of|unexpected end|short read|too short", _CUT_OFF),
    (r"lzw|deflate|inflate|zip|lzma|decompress|decod|decoding error|codec", _PACKED),
    (r"read failed|readblock|reading.*error|read error|failed to read|cannot read|seek", _CUT_OFF),
    (r"not recogni[sz]ed|unknown file format|no module named|file signature|unsupported|unknown", _UNKNOWN),
    (r"hdf error|hdf5|h5|object header|btree|addr overflow|unable to", "its HDF5 structure is damaged"),
    (r"transform|projection|crs|proj", "its CRS cannot be read"),
)  # fmt: skip


class FaultError(ValueError):
    """A fault that this package found itself, said in words for the user."""


def reason(error: BaseException) -> str:
    """Say in a few words why something could not be read; the library's own words stay with the error's cause."""
    if isinstance(error, FaultError):
        return str(error)
    for kinds, words in _BY_TYPE:
        if isinstance(error, kinds):
            return words
    if isinstance(error, OSError) and error.errno == errno.EIO:
        return "the disk failed"
    text = str(error)
    return next((words for pattern, words in _BY_TEXT if re.search(pattern, text, re.IGNORECASE)), _UNKNOWN)
