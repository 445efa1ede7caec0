"""Exports of what does not change at a station: terrain, soil and land cover of a release.

Legend: S stations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.arrow_tables import open_arrow
from geoml_cli.sources.smap.exports import FILL, Floats, Integers, by_station, differing
from geoml_cli.sources.smap.names import StationNames
from geoml_cli.sources.smap.notes import Notes
from geoml_cli.sources.smap.products import CONSTANTS

_RANGES = {
    "elevation": (-500.0, 9000.0, "in metres"),
    "slope": (0.0, 90.0, "in degrees"),
    "aspect": (-1.0, 360.0, "in degrees from 0 to 360"),
    "clay": (0.0, 100.0, "in %"),
    "sand": (0.0, 100.0, "in %"),
    "bd": (2.0, 300.0, "in 10 kg m-3"),
}
"""Least and largest value, and what it is given in; an aspect of -1 is that of flat land in some exports, and a bulk
density of 2 that of peat."""
_SMALLER = {("clay", "sand"): (1.0, "shares of 1"), ("aspect",): (2 * np.pi, "radians")}
"""What no station exceeds where all are given in another unit: dunes are sand without clay."""
_MOST_SOIL = 120.0
"""Clay and sand together [%]; maps are made of each by itself."""
_SOME = 3
"""Stations above 0 that show it."""


def read_codes(paths: Sequence[Path], names: StationNames, stations: int) -> Floats:
    """Read the NLCD codes of one release, [S], NaN where a station has none."""
    found = np.full(stations, np.nan, dtype=np.float32)
    for path in paths:
        table = open_arrow(path)
        mode = table.column(("mode", "first", "landcover"), "NLCD code")
        for station, block in by_station(table, names, (), (mode,)):
            codes = np.where(block[mode] == FILL, np.nan, block[mode])
            _add(found, station, codes, f"{path}, column {mode}", names)
    return found


def read_constants(path: Path, names: StationNames, stations: int, notes: Notes) -> dict[str, Floats]:
    """Read terrain and soil, each [S]; shaded relief and the like are not used."""
    table = open_arrow(path)
    called = {name: table.column((column,), name) for name, column in CONSTANTS.items()}
    found = {name: np.full(stations, np.nan, dtype=np.float32) for name in CONSTANTS}
    for station, block in by_station(table, names, (), list(called.values())):
        for name, column in called.items():
            values = notes.fills.masked(name, np.where(block[column] == FILL, np.nan, block[column]))
            notes.fills.count(name, str(path), values)
            refuse_outside(name, values, f"{path}, column {column}", "say so: --nodata {0}={1:g}")
            _add(found[name], station, values, f"{path}, column {column}", names)
    refuse_smaller(found, lambda names: f"{path}, column {' and '.join(called[name] for name in names)}", "stations")
    if (soil := np.nan_to_num(found["clay"] + found["sand"])).max(initial=0) > _MOST_SOIL:
        raise DataError(
            f"clay and sand are {soil.max():g} % together at {names.names[int(soil.argmax())]}",
            where=str(path),
            fix="Give both in %, of all fine soil.",
        )
    return found


def refuse_smaller(
    found: Mapping[str, Floats], location: Callable[[Sequence[str]], str], called: str, otherwise: str = ""
) -> None:
    """Refuse shares of 1 where percent are wanted, and radians.

    Args:
        found: Values by name; names that are compared together are left out where one is missing.
        location: Where some of them stand.
        called: What there is a value of.
        otherwise: What to do where they are as they should be.
    """
    for together, (most, meaning) in _SMALLER.items():
        known = [values[values > 0] for values in (found[name] for name in together if name in found)]
        if len(known) < len(together) or any(len(values) < _SOME or values.max() > most for values in known):
            continue
        raise DataError(
            f"{' and '.join(together)} of {len(known[0])} {called} are {max(values.max() for values in known):.3g} at "
            f"most, as in {meaning}",
            where=location(together),
            fix=f"Give them {_RANGES[together[0]][2]}{otherwise}.",
        )


def refuse_outside(name: str, values: NDArray[np.floating], location: str, declare: str) -> None:
    """Refuse heights, angles and soils that no place has: fills that occur once are not found otherwise.

    Args:
        name: What the values are.
        values: NaN where unknown.
        location: Where they stand.
        declare: How the user says that a number means no data; `{0}` stands for the name, `{1}` for the number.
    """
    least, most, measure = _RANGES[name]
    known = values[np.isfinite(values)]
    if len(known) and not (least <= known.min() and known.max() <= most):
        worst = known.min() if known.min() < least else known.max()
        raise DataError(
            f"{name} is {worst:g}, outside {least:g} to {most:g}",
            where=location,
            fix=f"Give it {measure}; where the number means no data, {declare.format(name, worst)}.",
        )


def _add(values_S: Floats, station: Integers, values: NDArray[np.float64], location: str, names: StationNames) -> None:
    """Fill in values of stations.

    Raises:
        DataError: A station has another value already.
    """
    known = (station >= 0) & np.isfinite(values)
    for number, value in zip(station[known].tolist(), values[known].tolist(), strict=True):
        own = values_S[number]
        if differing(np.asarray(own), np.asarray(value)):
            raise DataError(
                f"station {names.names[number]} has {own:g} and {value:g}",
                where=location,
                fix="Give one row a station, or the same values in all of its rows.",
            )
        values_S[number] = value if np.isnan(own) else own
