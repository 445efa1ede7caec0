"""Writers of index and orbit files as their providers lay them out, for tests and demonstrations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Times = NDArray[np.datetime64]

SUPERMAG_FILL, OMNI_FILL, IAGA_FILL = 999999.0, 99999, 99999.0
_SYM_MINUTES = 60


def supermag(path: Path, time: Times, indices: dict[str, Values]) -> Path:
    """Write SuperMAG's index ASCII: free text, a line of names, rows separated by tabs; NaN as 999999."""
    named = "\t".join(["<year>", "<month>", "<day>", "<hour>", "<min>", "<sec>", *(f"<{n} (nT)>" for n in indices)])
    head = ["SuperMAG", "", "Synthetic values in the layout of the index file.", "Time is UTC.", "=" * 40, named]
    rows = ("\t".join([*map(str, moment), *(f"{_filled(v, SUPERMAG_FILL):.6f}" for v in values)])
            for moment, values in _rows(time, indices))  # fmt: skip
    return _write(path, [*head, *rows])


def supermag_csv(path: Path, time: Times, indices: dict[str, Values]) -> Path:
    """Write SuperMAG's CSV: `Date_UTC,SME,...`."""
    rows = (f"{moment},{','.join(f'{_filled(v, SUPERMAG_FILL):g}' for v in values)}"
            for moment, values in zip(_iso(time), zip(*indices.values(), strict=True), strict=True))  # fmt: skip
    return _write(path, [",".join(["Date_UTC", *indices]), *rows])


def omni(path: Path, time: Times, symh: Values, auroral: Values | None = None) -> Path:
    """Write OMNI's one-minute ASCII of 46 words; all but the indices are fill values."""
    fills = "99 99 999 999 999 999999 999999 99 999999 " + "9999.99 " * 8 + "99999.9 " * 4
    fills += "999.99 9999999. 99.99 999.99 999.99 999.99 " + "9999.99 " * 6
    before = fills.split()[:33]
    lines = []
    for row, moment in enumerate(time.astype("datetime64[m]").tolist()):
        ae = OMNI_FILL if auroral is None or np.isnan(auroral[row]) else round(auroral[row])
        sym = OMNI_FILL if np.isnan(symh[row]) else round(symh[row])
        day = moment.timetuple().tm_yday
        clock = f"{moment.year} {day:3d} {moment.hour:2d} {moment.minute:2d}"
        lines.append(f"{clock} {' '.join(before)} {ae:6d} 99999 99999 99999 {sym:6d} 99999 99999 999.99 99.9")
    return _write(path, lines)


def iaga(path: Path, time: Times, columns: dict[str, Values], code: str = "GEO") -> Path:
    """Write IAGA-2002 with its padded header; NaN as 99999.00."""
    facts = {"Format": "IAGA-2002", "Source of Data": "Synthetic", "Station Name": "Indices", "IAGA CODE": code,
             "Geodetic Latitude": "", "Geodetic Longitude": "", "Elevation": "", "Reported": "INDX",
             "Data Interval Type": "1-minute", "Data Type": "Definitive"}  # fmt: skip
    head = [f" {name:<23}{value:<45}|" for name, value in facts.items()]
    head.append(f"{'DATE       TIME         DOY     ' + '      '.join(columns):<69}|")
    lines = []
    for moment, values in zip(time.tolist(), zip(*columns.values(), strict=True), strict=True):
        cells = "".join(f"{_filled(value, IAGA_FILL):10.2f}" for value in values)
        lines.append(f"{moment:%Y-%m-%d %H:%M:%S.000 %j}    {cells}")
    return _write(path, [*head, *lines])


def kyoto_sym(path: Path, time: Times, symh: Values) -> Path:
    """Write Kyoto's SYM-H records of 400 characters, an hour each, with SYM-D records between them."""
    lines = []
    for start in range(0, len(time) - len(time) % _SYM_MINUTES, _SYM_MINUTES):
        moment = time[start].astype("datetime64[s]").tolist()
        values = [OMNI_FILL if np.isnan(v) else round(v) for v in symh[start : start + _SYM_MINUTES]]
        for component in ("D", "H"):
            numbers = values if component == "H" else [0] * _SYM_MINUTES
            head = f"ASYSYM N6E01{moment:%y%m%d}{component}{moment:%H}SYM".ljust(34)
            lines.append(head + "".join(f"{value:6d}" for value in numbers) + f"{0:6d}")
    return _write(path, lines)


def magephem(path: Path, time: Times, position: dict[str, Values]) -> Path:
    """Write RBSP MagEphem text: a JSON header in comments, then rows; NaN as -1e31."""
    header = {
        "DateTime": {"DESCRIPTION": "UTC, ISO 8601", "NAME": "DateTime", "START_COLUMN": 0},
        "EDMAG_MLAT": {"UNITS": "degrees", "START_COLUMN": 1},
        "EDMAG_MLT": {"UNITS": "hours", "START_COLUMN": 2},
        "Lsimple": {"UNITS": "dimensionless", "START_COLUMN": 3},
    }
    head = [f"# {line}" for line in json.dumps(header, indent=1).splitlines()]
    columns = [position[name] for name in ("mlat", "mlt", "l")]
    lines = [f"{moment}.000Z " + " ".join(f"{_filled(v, -1e31):.8g}" for v in values)
             for moment, values in zip(_iso(time), zip(*columns, strict=True), strict=True)]  # fmt: skip
    return _write(path, [*head, *lines])


def csv(path: Path, time: Times, columns: dict[str, Values]) -> Path:
    """Write CSV with a column of time; NaN as an empty cell."""
    rows = (f"{moment}Z,{','.join('' if np.isnan(v) else f'{v:.8g}' for v in values)}"
            for moment, values in zip(_iso(time), zip(*columns.values(), strict=True), strict=True))  # fmt: skip
    return _write(path, [",".join(["time", *columns]), *rows])


def _rows(time: Times, indices: dict[str, Values]) -> Iterator[tuple[tuple[int, ...], tuple[float, ...]]]:
    for moment, values in zip(time.astype("datetime64[s]").tolist(), zip(*indices.values(), strict=True), strict=True):
        yield (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second), values


def _iso(time: Times) -> list[str]:
    return [str(moment) for moment in time.astype("datetime64[s]")]


def _filled(value: float, fill: float) -> float:
    return fill if np.isnan(value) else value


def _write(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
