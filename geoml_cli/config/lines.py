"""Where in a TOML file a key stands, for messages with a line number."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=")
Key = tuple[str, ...]


class KeyLines:
    """Lines of the keys of a file, which is gone through once."""

    def __init__(self, text: str) -> None:
        self._set: dict[Key, int] = {}
        self._opened: dict[Key, int] = {}
        table: Key = ()
        for number, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.match(line):
                table = _parts(header[1])
                self._opened[table] = number
            elif entry := _KEY.match(line):
                self._set.setdefault(table + _parts(entry[1]), number)

    def line(self, key: Key) -> int | None:
        """Return the line (from 1) that sets `key`, or that opens its table, or None."""
        above = [key[:length] for length in range(len(key) + 1)]
        if found := [self._set[path] for path in above if path in self._set]:
            return min(found)
        return max((self._opened[path] for path in above if path in self._opened), default=None)


def _parts(dotted: str) -> Key:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
