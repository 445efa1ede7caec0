"""Which satellite a row is of: a column, or the names of files and folders, in any spelling."""

from __future__ import annotations

import re
from pathlib import Path

_PROBE = re.compile(r"(?:rbsp|vap|vanallen)?(?:probes?)?([ab])")
"""Van Allen Probes (RBSP) A and B, in small letters without signs."""


def satellite_of(path: Path) -> str:
    """Tell the satellite by the file's name, as RBSP files are called, or by those of its folders; empty for none."""
    match = re.search(r"rbsp[-_ ]?([ab])", path.name.lower())
    folders = (re.search(r"rbsp[-_ ]?([ab])(?![a-z])", folder.name.lower()) for folder in path.parents)
    match = match or next((found for found in folders if found), None)
    return f"rbsp-{match[1]}" if match else ""


def plain_satellite(text: str) -> str:
    """Spell a satellite as `satellite_of` does: `RBSP-A`, `rbspa`, `Van Allen Probe A` and `A` are one."""
    plain = "".join(letter for letter in text.lower() if letter.isalnum())
    match = _PROBE.fullmatch(plain)
    return f"rbsp-{match[1]}" if match else plain
