"""Parts of a long work: pieces that processes which know nothing of each other share between them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from geoml_cli.errors import SettingsError


@dataclass(frozen=True, order=True)
class Part:
    """Every N-th piece, beginning with the K-th.

    Attributes:
        number: K, from 1.
        of: N.
    """

    number: int
    of: int

    def has(self, piece: int) -> bool:
        """Return whether a piece, counted from 0, is of this part."""
        return piece % self.of == self.number - 1

    def share(self, pieces: int) -> int:
        """Return how many of all pieces are of this part."""
        return len(range(self.number - 1, pieces, self.of))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


ALL = Part(1, 1)


def part_of(text: str) -> Part:
    """Read `K/N`.

    Raises:
        SettingsError: It is not one of N parts.
    """
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise SettingsError(f"{text!r} is no part.", where="--part", fix="Write K/N, from 1/N to N/N, such as 3/8.")
    return Part(int(found[1]), int(found[2]))
