"""The table of stations: where they stand, which network and region they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.arrow_tables import open_arrow
from geoml_cli.sources.smap.names import UNKNOWN, StationNames


@dataclass(frozen=True)
class Stations:
    """Stations in the order of their table.

    Attributes:
        names: Their IDs.
        network: `unknown` where the table does not say.
        region: W, M or E (column Domain), or `unknown`.
        latitude: Degrees north, [S].
        longitude: Degrees east, [S].
    """

    names: list[str]
    network: list[str]
    region: list[str]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.names)

    def as_names(self) -> StationNames:
        """Return what finds these stations in other files."""
        return StationNames(self.names, self.network, (self.latitude, self.longitude))


def read_stations(path: Path) -> Stations:
    """Read a table of stations, or the stations of an export, which repeats their names and places.

    Raises:
        DataError: There is no position, a position is none, a station has no ID, or two have one.
    """
    table = open_arrow(path)
    identity = table.column(("ID",), "station")
    place = [table.column((name,), name) for name in ("Latitude", "Longitude")]
    texts = [name for name in ("Network", "Domain") if name in table.columns]
    found: dict[str, list[str]] = {name: [] for name in (identity, *texts)}
    numbers: list[NDArray[np.float64]] = []
    for block in table.blocks((identity, *texts), place):
        for name, cells in found.items():
            cells += [text or UNKNOWN for text in block[name].tolist()]
        numbers.append(np.stack([block[name] for name in place]))
    names = found[identity]
    if not names:
        raise DataError("has a header and no rows", where=str(path), fix="Give a table with stations.")
    latitude, longitude = np.concatenate(numbers, axis=1)
    longitude = np.where((longitude > 180) & (longitude <= 360), longitude - 360, longitude)
    _refuse(path, names, latitude, longitude)
    blank = [UNKNOWN] * len(names)
    return Stations(names, found.get("Network", blank), found.get("Domain", blank), latitude, longitude)


def _refuse(path: Path, names: Sequence[str], latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> None:
    if UNKNOWN in names:
        raise DataError(
            "the station has no ID, or one that stands for a missing value, such as NA",
            where=f"{path}, row {names.index(UNKNOWN) + 2}",
            fix="Give it another in this and all other files.",
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"two stations are called {twice[0]!r}",
            where=f"{path}, column ID",
            fix="Keep one; rows of the other's network are then not read, where the exports name it.",
        )
    wrong = ~((np.abs(latitude) <= 90) & (np.abs(longitude) <= 180))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"station {names[row]} lies at {latitude[row]:g}, {longitude[row]:g}",
            where=f"{path}, row {row + 2}",
            fix="Latitude is -90 to 90, longitude -180 to 180 degrees, or 0 to 360 east.",
        )
