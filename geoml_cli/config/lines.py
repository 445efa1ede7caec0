"""Where in a TOML file a key stands, for messages with a line number."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=")


def line_of(text: str, key: tuple[str, ...]) -> int | None:
    """Return the line (from 1) that sets `key`, or that opens its table, or None."""
    table: tuple[str, ...] = ()
    opened: int | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _parts(header[1])
            opened = number if table == key[: len(table)] else opened
        elif (entry := _KEY.match(line)) and (path := table + _parts(entry[1])) == key[: len(path)]:
            return number
    return opened


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
