"""Names of stations: one station is written in several ways, and others have names that look alike.

A row belongs to a station by its name, and is checked by what every export repeats next to it: network and position.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError

_PREFIX = "usda_ars_"
_NUMBER = re.compile(r"(?P<sign>[-+]?)(?P<whole>\d+)(?:\.0*)?")
UNKNOWN = "unknown"
SEPARATOR = "\x01"
"""Between name, network, latitude and longitude of one row's identity; no cell holds it."""
IDENTITY = ("ID", "Network", "Latitude", "Longitude")
_NEAR = 0.1
"""Degrees that a position may differ from the table's: tables round, and stations move by some hundred metres."""


def key(name: str) -> str:
    """Return what spellings of one station share: no `USDA_ARS_` before it, no case or accents, one sign for all signs.

    `USDA_ARS_Fort-Cobb.1`, `Fort_Cobb_1` and `fort cobb#1` are one; `Fort-Cobb11` is another. A number that a table of
    numbers wrote with decimals, `1.0`, is `1`; `-1` is not.
    """
    bare = name.strip()[len(_PREFIX) :] if name.strip().casefold().startswith(_PREFIX) else name.strip()
    if number := _NUMBER.fullmatch(bare):
        return number["sign"].strip("+") + number["whole"]
    letters = "".join(
        sign for sign in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(sign)
    )
    return re.sub(r"[\W_]+", "_", letters).strip("_").removeprefix(_PREFIX) or name


def bare_key(name: str) -> str:
    """Return the key without signs but those between digits: archives write `AdamsRanch#1` for `Adams Ranch #1`."""
    return re.sub(r"(?<!\d)_|_(?!\d)", "", key(name)) or name


_SPELLINGS: tuple[Callable[[str], str], ...] = (lambda name: name, key, bare_key)
"""From the strictest to the loosest."""


class Identity(NamedTuple):
    """What a row says of its station; empty where its file has no such column."""

    name: str
    network: str = ""
    latitude: str = ""
    longitude: str = ""

    @staticmethod
    def of(joined: str) -> Identity:
        """Take a joined identity apart."""
        return Identity(*joined.split(SEPARATOR))


class _Match(NamedTuple):
    spelling: int
    station: int
    identity: Identity


class StationNames:
    """Numbers of stations by their names.

    Args:
        names: As the station table writes them.
        networks: Of the stations, or none.
        place: Latitude and longitude of the stations [degrees], or none.
    """

    def __init__(
        self,
        names: Sequence[str],
        networks: Sequence[str] = (),
        place: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    ) -> None:
        self.names, self._networks, self._place = list(names), list(networks), place
        self._known: list[dict[str, int]] = []
        for spelled in _SPELLINGS:
            numbers: dict[str, int] = {}
            for number, name in enumerate(names):
                # Two stations that share a spelling are distinguished by stricter ones alone.
                numbers[spelled(name)] = -1 if spelled(name) in numbers else number
            self._known.append(numbers)
        self.renamed: dict[str, str] = {}
        self.unknown: set[str] = set()
        self.elsewhere: set[str] = set()
        """Names of the table that occur in another network."""

    def numbers(self, identities: NDArray[np.str_], path: Path) -> NDArray[np.int64]:
        """Return the number of the station of every row of a file, -1 where it is none of the table's, [N].

        Args:
            identities: Joined identities of all rows.
            path: The file.

        Raises:
            DataError: A station lies elsewhere in the file than in the table, or two names could be one station.
        """
        different, place = np.unique(identities, return_inverse=True)
        if not len(different):
            return np.empty(0, dtype=np.int64)
        by_identity = self.resolved([Identity.of(text) for text in different.tolist()], path)
        return np.array(by_identity, dtype=np.int64)[place.reshape(-1)]

    def number(self, identity: Identity, path: Path | None = None) -> int:
        """Return the number of one station, -1 where there is none; errors as for `numbers`."""
        return self.resolved([identity], path or Path())[0]

    def resolved(self, identities: Sequence[Identity], path: Path) -> list[int]:
        """Return the station of every identity: of the names that could be a station the strictest spelling is it.

        Names of one file or archive are given together: apart, each would be the strictest. Errors as for `numbers`.
        """
        matches = [self._match(identity, path) for identity in identities]
        strictest: dict[int, int] = {}
        for match in matches:
            if match.station >= 0:
                strictest[match.station] = min(strictest.get(match.station, match.spelling), match.spelling)
        found, spelled = [], dict[int, str]()
        for match in matches:
            taken = match.station >= 0 and match.spelling == strictest[match.station]
            found.append(match.station if taken else -1)
            if not taken:
                like = f" (like {self.names[match.station]}, which stands there too)" if match.station >= 0 else ""
                self.unknown.add(f"{match.identity.name}{like}")
                continue
            other = spelled.setdefault(match.station, match.identity.name)
            if other != match.identity.name:
                raise DataError(
                    f"{other!r} and {match.identity.name!r} could both be station {self.names[match.station]!r}",
                    where=str(path),
                    fix="Write all rows of the station with one name; rows of another name are not read.",
                )
            if match.spelling:
                self.renamed[other] = self.names[match.station]
        return found

    def _match(self, identity: Identity, path: Path) -> _Match:
        """Find the station that a name could be, by the strictest spelling that knows it."""
        for spelling, spelled in enumerate(_SPELLINGS):
            number = self._known[spelling].get(spelled(identity.name), -1)
            if number < 0:
                continue
            if not self._of_network(number, identity.network):
                self.elsewhere.add(f"{identity.name} ({identity.network})")
                return _Match(spelling, -1, identity)
            apart = self._apart(number, identity)
            if not apart:
                return _Match(spelling, number, identity)
            if spelling == 0:
                raise DataError(
                    f"station {identity.name} lies at {identity.latitude}, {identity.longitude} here, and at {apart} "
                    "in the table of stations",
                    where=str(path),
                    fix="Correct the position that is wrong: latitude and longitude in degrees north and east.",
                )
            return _Match(spelling, -1, identity)
        return _Match(len(_SPELLINGS), -1, identity)

    def _of_network(self, number: int, network: str) -> bool:
        """Return whether a station is of a network, as far as table and file say: names recur in other networks."""
        own = self._networks[number] if self._networks else UNKNOWN
        return UNKNOWN in (own, network) or not network or key(own) == key(network)

    def _apart(self, number: int, identity: Identity) -> str:
        """Return the table's position where the file's is another; else nothing."""
        if self._place is None:
            return ""
        own = float(self._place[0][number]), float(self._place[1][number])
        try:
            theirs = float(identity.latitude.replace(",", ".")), float(identity.longitude.replace(",", "."))
        except ValueError:  # no position in this file
            return ""
        # 257.5 degrees east are 102.5 degrees west.
        apart = abs(theirs[0] - own[0]), abs((theirs[1] - own[1] + 180) % 360 - 180)
        # Of stations that were left out the data set does not know the position.
        return f"{own[0]:g}, {own[1]:g}" if max(apart) > _NEAR else ""
