"""Errors that carry their exit code, so that a script can tell a typing mistake from missing data.

Every message has three parts: what is wrong with which value, where, and what to do.
"""

from __future__ import annotations


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
        self.what, self.where, self.fix = what, where, fix

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        stop = "" if self.what.endswith((".", "!", "?", "\n")) else "."
        advice = f" {self.fix}" if self.fix else ""
        return f"{place}{self.what}{stop}{advice}"


class SettingsError(GeomlError):
    """A wrong argument, setting or preset."""

    exit_code = 2


class DataError(GeomlError):
    """Data that are missing, damaged or not what was asked for."""

    exit_code = 3


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
        super().__init__(
            f"could not be written ({reason}).",
            where=str(path),
            fix="Free some space or choose another place, then repeat the command.",
        )


class StoppedError(GeomlError):
    """Work stopped on request; what was done is kept and can be resumed."""

    exit_code = 75
