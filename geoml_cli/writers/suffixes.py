"""Suffixes of files that are written: the format follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from geoml_cli.errors import SettingsError


def require_suffix(path: Path, suffixes: Iterable[str], content: str, hint: str = "") -> None:
    """Refuse a file whose suffix is none of `suffixes`.

    Args:
        path: Of the file.
        suffixes: Those that there is a format for, in lower case.
        content: What the file is to hold, such as `map`.
        hint: Follows the choices.

    Raises:
        SettingsError: With the choices.
    """
    known = sorted(suffixes)
    if path.suffix.lower() not in known:
        raise SettingsError(
            f"{path.suffix or 'no suffix'} is not a {content} format.",
            where=str(path),
            fix=f"Use {', '.join(known)}{hint}.",
        )
