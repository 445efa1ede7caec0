"""Where the towers stand: tables of sites with position, elevation and IGBP class."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.igbp import IGBP
from geoml_cli.readers.tables import Table, is_missing, number, open_table
from geoml_cli.readers.time_series import plain_name
from geoml_cli.sources.fluxnet.text_files import TextFile

CODES = (
    "WAT", "ENF", "EBF", "DNF", "DBF", "MF", "CSH", "OSH", "WSA", "SAV", "GRA", "WET", "CRO", "URB", "CVM", "SNO",
    "BSV",
)  # fmt: skip
"""FLUXNET's abbreviations of the MODIS IGBP classes, in the order of their codes."""
CLASSES = (*IGBP, "unknown")
UNKNOWN = len(IGBP)
_COLUMNS = {
    "site": ("siteid", "sitecode", "sitename", "site", "station"),
    "lat": ("lat", "latitude", "locationlat"),
    "lon": ("lon", "long", "longitude", "locationlong"),
    "elevation": ("elv", "elev", "elevation", "altitude", "locationelev"),
    "igbp": ("igbp", "classid", "igbpclass", "vegetationabbreviation"),
}
"""What columns are called, as `plain_name` spells them; the first that is there is taken."""
_NEEDED = ("site", "lat", "lon")
_MOVED = 0.01
"""Degrees by which a tower may move."""
_BADM = {"siteid", "variable", "datavalue"}
"""Columns of a table with a row a variable."""
_MISSING = -9998.0


@dataclass(frozen=True)
class Station:
    """Where a tower stands.

    Attributes:
        lat: Degrees north.
        lon: Degrees east.
        elevation: [m]; NaN where the table does not know.
        category: Place of its IGBP class in CLASSES.
    """

    lat: float
    lon: float
    elevation: float
    category: int


def roles(columns: Sequence[str]) -> dict[str, int]:
    """Tell which columns of a table hold what."""
    plain = [plain_name(name) for name in columns]
    return {
        role: plain.index(next(name for name in names if name in plain))
        for role, names in _COLUMNS.items()
        if any(name in plain for name in names)
    }


def is_table(columns: Sequence[str]) -> bool:
    """Tell by its columns whether a table holds sites."""
    return set(_NEEDED) <= set(roles(columns)) or _BADM <= {plain_name(name) for name in columns}


def open_sites(text: TextFile) -> Table:
    """Open a table, which may be a member of an archive; errors as of `open_table` and `TextFile.content`."""
    return open_table(Path(str(text)), text.content())


def is_badm(text: TextFile) -> bool:
    """Tell whether a table has a row a variable of a site, as ICOS and AmeriFlux give them."""
    return {plain_name(name) for name in open_sites(text).columns} >= _BADM


def has_position(text: TextFile) -> bool:
    """Tell whether a table with a row a variable has one of a latitude."""
    table = open_sites(text)
    variable = [plain_name(name) for name in table.columns].index("variable")
    return any(plain_name(cells[variable]) in _COLUMNS["lat"] for _, cells in table.rows())


def read(texts: Sequence[TextFile], wanted: Collection[str]) -> dict[str, Station]:
    """Read tables of sites, by the site's code; sites without a position are left out.

    Args:
        texts: The tables.
        wanted: Sites that those with a row a variable are asked for; they may hold all of a network.

    Raises:
        DataError: A column is missing, a cell is no number, a position is none, or two rows contradict each other.
    """
    found: dict[str, Station] = {}
    for text in sorted(texts, key=is_badm):  # BADM tells of the sites that a table does not hold
        table = open_sites(text)
        for line, site, cells in _badm_rows(table, set(wanted) - set(found)) if is_badm(text) else _rows(table):
            place = _place(table, line, cells)
            if place is None:
                continue
            if found.get(site, place) != place and not _same(found[site], place):
                raise DataError(
                    f"{site} stands in two rows that differ", where=f"{text}, line {line}", fix="Keep one of them."
                )
            found[site] = place
    return found


def _rows(table: Table) -> Iterator[tuple[int, str, dict[str, str]]]:
    """Yield line, site and cells by role of each row."""
    columns = roles(table.columns)
    if missing := [role for role in _NEEDED if role not in columns]:
        names = {"site": "SITE_ID", "lat": "LOCATION_LAT", "lon": "LOCATION_LONG"}
        raise DataError(
            f"the table of sites has no column for {', '.join(missing)} (it has {', '.join(table.columns)})",
            where=str(table.path),
            fix=f"Call it {', '.join(names[role] for role in missing)}.",
        )
    for line, cells in table.rows():
        yield line, cells[columns["site"]].strip(), {role: cells[column].strip() for role, column in columns.items()}


def _badm_rows(table: Table, wanted: Collection[str]) -> Iterator[tuple[int, str, dict[str, str]]]:
    """Yield line, site and cells by role of each wanted site; a class may be given again, and the last counts."""
    plain = [plain_name(name) for name in table.columns]
    site, variable, value = (plain.index(name) for name in ("siteid", "variable", "datavalue"))
    role_of = {name: role for role, names in _COLUMNS.items() for name in names if role != "site"}
    found: dict[str, tuple[int, dict[str, str]]] = {}
    for line, cells in table.rows():
        code, role, cell = cells[site].strip(), role_of.get(plain_name(cells[variable])), cells[value].strip()
        if role is None or code not in wanted or (role != "igbp" and np.isnan(_number(table, line, role, cell))):
            continue
        _, known = found.get(code, (line, {}))
        if role in ("lat", "lon") and role in known:
            before, now = (_number(table, line, role, text) for text in (known[role], cell))
            if abs(before - now) > _MOVED:
                raise DataError(
                    f"{code} has {role} {before:g} and {now:g}",
                    where=f"{table.path}, line {line}",
                    fix="Keep the row of the place that was measured at.",
                )
        found[code] = line, {**known, role: cell}
    for code, (line, known) in found.items():
        if "lat" in known and "lon" in known:
            yield line, code, known


def _same(one: Station, other: Station) -> bool:
    return bool(np.array_equal(_numbers(one), _numbers(other), equal_nan=True))


def _numbers(place: Station) -> list[float]:
    return [place.lat, place.lon, place.elevation, place.category]


def _place(table: Table, line: int, cells: dict[str, str]) -> Station | None:
    lat, lon = (_number(table, line, role, cells[role]) for role in ("lat", "lon"))
    if np.isnan(lat) or np.isnan(lon):
        return None
    if not (-90 <= lat <= 90 and -180 <= lon <= 360):
        raise DataError(
            f"latitude {lat:g}, longitude {lon:g} is no place on Earth",
            where=f"{table.path}, line {line}",
            fix="Give degrees north and degrees east.",
        )
    east = lon - 360 if lon > 180 else lon
    return Station(
        lat, east, _number(table, line, "elevation", cells.get("elevation", "")), category(cells.get("igbp", ""))
    )


def _number(table: Table, line: int, role: str, cell: str) -> float:
    if is_missing(cell):
        return float("nan")
    table.signs.meet(cell, table.delimiter, f"{table.path}, line {line}", role)
    try:
        value = number(cell, table.delimiter)
    except ValueError:
        raise DataError(
            f"{role} {cell!r} is no number",
            where=f"{table.path}, line {line}",
            fix="Correct it, or leave the cell empty.",
        ) from None
    return value if np.isfinite(value) and value > _MISSING else float("nan")


def category(text: str) -> int:
    """Return the place in CLASSES of an IGBP class, abbreviated or written out."""
    plain = text.strip()
    if plain.upper() in CODES:
        return CODES.index(plain.upper())
    return CLASSES.index(plain.lower()) if plain.lower() in CLASSES else UNKNOWN
