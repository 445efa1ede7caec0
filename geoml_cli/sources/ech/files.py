"""Which raw files there are, known by their content, and the columns each of them gives."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from geoml_cli.dataset.raw_files import files_below
from geoml_cli.errors import DataError
from geoml_cli.readers import time_series_csv
from geoml_cli.readers.column_fills import ColumnFills
from geoml_cli.readers.tables import open_table, open_text, readable_lines
from geoml_cli.readers.time_columns import column_called, date_columns, time_columns
from geoml_cli.readers.time_series import TimeSeries, plain_name
from geoml_cli.sources.ech import iaga, kyoto, magephem, omni, supermag, unread
from geoml_cli.sources.ech.quantities import INDICES, checked
from geoml_cli.sources.ech.units import refuse_other_unit

PICKLES = (".pkl", ".pickle")
_TEXT = (".asc", ".csv", ".dat", ".gz", ".iaga", ".min", ".sec", ".tsv", ".txt", ".wdc")
_SHOWN = 6
_SNIFFED = 200
"""Lines that tell a format: SuperMAG's header of free text is the longest."""

_NAMES = {
    "sme": ("sme",),
    "ae": ("ae", "aeindex"),
    "symh": ("symh", "symhindex"),
    "dst": ("dst", "dstindex"),
    "l": ("l", "lshell", "lvalue", "lm", "lstar", "mcilwainl"),
    "mlt": ("mlt", "edmagmlt", "cdmagmlt", "magneticlocaltime"),
    "mlat": ("mlat", "edmagmlat", "cdmagmlat", "maglat", "magneticlatitude"),
    "amplitude": ("amplitude", "amplitudedb", "ew", "bw", "ewdb", "bwdb", "echamplitude"),
    "presence": ("presence", "present"),
}
"""What columns of CSV are called, as `plain_name` spells them."""
_KNOWN = frozenset(name for names in _NAMES.values() for name in names)
_SATELLITE = ("satellite", "spacecraft", "probe")


@dataclass
class Sorted:
    """Raw files by whether they are read.

    Attributes:
        files: Those that are read, in order; with the `.fmt` of lists.
        passed_over: What is said of the others: name and reason.
    """

    files: list[Path] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

    def left_unread(self) -> str:
        """Name the files that were passed over, for the end of a message."""
        more = f" and {len(self.passed_over) - _SHOWN} more" if len(self.passed_over) > _SHOWN else ""
        return f"Passed over: {'; '.join(self.passed_over[:_SHOWN])}{more}." if self.passed_over else ""


def find(raw: Path) -> list[Path]:
    """Name the raw files that are read, in order.

    Raises:
        DataError: There is none, or one is damaged.
    """
    return sort(raw).files


def sort(raw: Path) -> Sorted:
    """Tell the raw files that are read from the others.

    Raises:
        DataError: There is none, or one is damaged.
    """
    candidates = [raw] if raw.is_file() else files_below(raw)
    formats = {form for path in candidates if (form := omni.format_of(path)) is not None}
    found = Sorted()
    for path in candidates:
        if path in formats or kind(path) is not None:
            found.files.append(path)
        else:
            found.passed_over.append(f"{path.name} ({unread.reason(path)})")
    if raw.is_file() and found.files:
        found.files = sorted({*found.files, *formats})
    if not [path for path in found.files if path not in formats]:
        raise DataError(
            f"holds no file with indices, positions or wave amplitudes (it holds {'nothing' * (not candidates)}"
            f"{'; '.join(found.passed_over[:_SHOWN])})",
            where=str(raw),
            fix="Give SuperMAG, OMNI, IAGA-2002, Kyoto, MagEphem or CSV files, or the released pickle.",
        )
    return found


def kind(path: Path) -> str | None:
    """Tell a file's format, or None where it holds nothing for this source.

    Raises:
        DataError: It should hold text and is empty or damaged.
    """
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        return "pickle"
    if suffix == ".lst":
        return "list" if omni.format_of(path) else None
    try:
        with open_text(path) as stream:
            lines = list(itertools.islice(readable_lines(stream, path), _SNIFFED))
    except DataError:
        if suffix in _TEXT:
            raise
        return None
    if not any(line.strip() for line in lines):
        if suffix in _TEXT:
            raise DataError("is empty", where=str(path), fix="Get the file again, or take it away.")
        return None
    return _text_kind(path, lines)


def _text_kind(path: Path, lines: list[str]) -> str | None:
    if iaga.is_iaga(lines):
        return "iaga"
    if supermag.is_supermag(lines):
        return "supermag"
    if magephem.is_magephem(lines):
        return "magephem"
    special = kyoto.kind(lines) or omni.kind(lines)
    if special:
        return special
    return "csv" if _is_csv(path, lines) else None


def _is_csv(path: Path, lines: list[str]) -> bool:
    if not any(sign in lines[0] for sign in ",;\t|"):
        return False
    table = open_table(path)
    columns = [name for name in table.columns if _plain(name) in _KNOWN]
    if columns and not time_columns(table) and not date_columns(table):
        raise DataError(
            f"has {', '.join(columns)} but no column of time ({', '.join(table.columns)})",
            where=f"{path}, line 1",
            fix="Call it time; times are read as 2013-03-17T06:00:00, in UTC. "
            "Or give columns year, month, day (or year, doy), hour and minute.",
        )
    return bool(columns)


def read(path: Path, fills: ColumnFills | None = None) -> TimeSeries:
    """Read a text file's indices [nT], positions and wave amplitudes under this source's names.

    Args:
        path: The file.
        fills: What is declared of fill values in addition to the providers' own.

    Raises:
        DataError: It is damaged, or a value is out of the range of its quantity.
    """
    timed = _read(path)
    if fills is not None:
        timed = replace(timed, values={name: fills.masked(name, column) for name, column in timed.values.items()})
    return checked(timed)


def _read(path: Path) -> TimeSeries:
    form = kind(path)
    if form == "csv":
        return _csv(path)
    with open_text(path) as text:
        stream = readable_lines(text, path)
        if form in ("minute", "hourly"):
            first = next(stream)
            stream = itertools.chain([first], stream)
            reader = omni.read_minute if form == "minute" else omni.read_hourly
            return reader(path, stream, len(first.split()))
        readers = {"iaga": iaga.read, "supermag": supermag.read, "magephem": magephem.read}
        readers |= {"sym": kyoto.read_sym, "kyoto ae": kyoto.read_ae, "dst": kyoto.read_dst, "list": _list}
        return readers[str(form)](path, stream)


def _plain(name: str) -> str:
    """Spell a column as `plain_name` does, without step and unit: CDAWeb's `1-M_AE_nT` is `ae`."""
    plain = plain_name(name)
    return plain if plain in _KNOWN else re.sub(r"^[15][mh](?=ae|sym|dst)|nt$", "", plain)


def _list(path: Path, stream: Iterator[str]) -> TimeSeries:
    form = omni.format_of(path)
    assert form is not None, "asked for before"
    with open_text(form) as text:
        names = omni.format_names(readable_lines(text, form))
    return omni.read_list(path, stream, names, {name: _NAMES[name] for name in INDICES})


def _csv(path: Path) -> TimeSeries:
    table = open_table(path)
    called = {role: column_called(table, names, _plain) for role, names in _NAMES.items()}
    wanted = {role: column for role, column in called.items() if column is not None}
    _refuse_several_waves(table.columns, path)
    _refuse_units(wanted, path)
    satellite = column_called(table, _SATELLITE)
    labels = {"satellite": satellite} if satellite else {}
    return time_series_csv.read(table, wanted, labels)


def _refuse_several_waves(columns: Iterable[str], path: Path) -> None:
    """Refuse two columns of amplitudes: of the electric and the magnetic field, or as they are and as logarithms."""
    found = [column for column in columns if _plain(column) in _NAMES["amplitude"]]
    if len(found) > 1:
        raise DataError(
            f"{' and '.join(found)} could both be the wave amplitude",
            where=f"{path}, line 1",
            fix="Keep one of them, or give the other another name, such as other.",
        )


def _refuse_units(wanted: Mapping[str, str], path: Path) -> None:
    """Refuse columns whose name ends in another unit, in brackets."""
    for role, column in wanted.items():
        if said := re.search(r"[(\[]([^()\[\]]+)[)\]]\s*$", column):
            refuse_other_unit(role, column, said[1], path)
