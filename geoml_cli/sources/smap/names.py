"""Names of stations: one station is written in several ways."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_PREFIX = "usdaars"
UNKNOWN = "unknown"


def key(name: str) -> str:
    """Return what spellings of one station share: no `USDA_ARS_` before it, no signs, no case.

    `USDA_ARS_Fort-Cobb.1`, `Fort_Cobb_1` and `fort cobb#1` are one.
    """
    plain = re.sub(r"[^0-9a-z]", "", name.lower())
    return plain.removeprefix(_PREFIX) or plain


class StationNames:
    """Numbers of stations by their names.

    Args:
        names: As the station table writes them.
        networks: Of the stations, or none.
    """

    def __init__(self, names: Sequence[str], networks: Sequence[str] = ()) -> None:
        self.names, self._networks = list(names), list(networks)
        self._exact = {name: place for place, name in enumerate(names)}
        self._loose: dict[str, int] = {}
        for place, name in enumerate(names):
            # Two stations that differ by signs only are told apart by exact spelling alone.
            self._loose[key(name)] = -1 if key(name) in self._loose else place
        self.renamed: dict[str, str] = {}
        self.unknown: set[str] = set()

    def numbers(self, names: NDArray[np.str_]) -> NDArray[np.int64]:
        """Return the number of the station of every name, -1 where it is none of the table's, [N]."""
        different, place = np.unique(names, return_inverse=True)
        found = np.array([self.number(name) for name in different.tolist()], dtype=np.int64)
        return found[place.reshape(-1)] if len(different) else np.empty(0, dtype=np.int64)

    def number(self, name: str) -> int:
        """Return the number of a station, -1 where there is none; takes down other spellings."""
        if name in self._exact:
            return self._exact[name]
        found = self._loose.get(key(name), -1)
        if found < 0:
            self.unknown.add(name)
        else:
            self.renamed[name] = self.names[found]
        return found

    def of_network(self, number: int, network: str) -> bool:
        """Tell whether a station is of a network, as far as the table says: names recur in other networks."""
        own = self._networks[number] if self._networks else UNKNOWN
        return own == UNKNOWN or key(own) == key(network)
