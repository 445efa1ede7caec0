"""Errors that carry their exit code, so that a script can tell a typing mistake from missing data.

Every message has three parts: what is wrong with which value, where, and what to do.
"""

from __future__ import annotations

import errno
import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

_TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Signs with which a name can be shown as another."""


def escaped(text: str) -> str:
    r"""Write bytes of file names that are no UTF-8, and control characters, as \xNN; other text stays as it is."""
    try:
        whole = text.encode()
    except UnicodeEncodeError:
        whole = text.encode("utf-8", "surrogateescape" if _from_bytes(text) else "backslashreplace")
    decoded = whole.decode("utf-8", "backslashreplace")
    return "".join(_shown(sign) for sign in decoded)


def is_control(sign: str) -> bool:
    """Return whether a sign moves the cursor, or turns the direction of the text around it."""
    return unicodedata.category(sign) == "Cc" or sign in _TURNS


def _shown(sign: str) -> str:
    if sign in "\n\t" or not is_control(sign):
        return sign
    return f"\\x{ord(sign):02x}" if ord(sign) < 0x100 else f"\\u{ord(sign):04x}"


def _from_bytes(text: str) -> bool:
    """Return whether all lone surrogates stand for bytes, as in the names that the system gives."""
    return all(not 0xD800 <= ord(sign) <= 0xDFFF or 0xDC80 <= ord(sign) <= 0xDCFF for sign in text)


class GeomlError(Exception):
    """A failure the user can act on.

    Args:
        what: What is wrong, with the value.
        where: The file, line, variable or setting.
        fix: What to do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.fix = escaped(what), escaped(fix)
        self.where = escaped(where).replace("\n", "\\n")  # of a name: a place is one line

    def __reduce__(self) -> tuple[object, ...]:
        """Let it go from one process to another as it is, whatever its class is made from."""
        return _again, (type(self), self.args), self.__dict__

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        stop = "" if self.what.endswith((".", "!", "?", "\n")) else "."
        advice = f" {self.fix}" if self.fix else ""
        return f"{place}{self.what}{stop}{advice}"


def _again(kind: type[GeomlError], arguments: tuple[object, ...]) -> GeomlError:
    return kind.__new__(kind, *arguments)


class SettingsError(GeomlError):
    """A wrong argument, setting or preset."""

    exit_code = 2


class DataError(GeomlError):
    """Data that are missing, damaged or not what was asked for."""

    exit_code = 3


@contextmanager
def located(where: str) -> Iterator[None]:
    """Name the place in an error of data that is raised by what does not know it."""
    try:
        yield
    except DataError as error:
        raise DataError(error.what, where=where, fix=error.fix) from error


class CheckFailedError(GeomlError):
    """A verification that the command promises did not hold."""

    exit_code = 4


class DiskError(GeomlError):
    """The disk did not take what was to be written; nothing half-written is left.

    Args:
        path: What was being written.
        reason: The system's or the library's.
    """

    def __init__(self, path: object, reason: object) -> None:
        refused = any(os.strerror(code) in str(reason) for code in (errno.EACCES, errno.EPERM, errno.EROFS))
        fix = "Change the permissions of its folder" if refused else "Free some space"
        super().__init__(
            f"could not be written ({reason}).",
            where=str(path),
            fix=f"{fix} or choose another place, then repeat the command.",
        )


class StoppedError(GeomlError):
    """Work stopped on request; what was done is kept and can be resumed."""

    exit_code = 75
