"""Rows become a data set in two readings: how many there are must be known before the first is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.errors import DataError
from geoml_cli.readers.column_fills import ColumnFills
from geoml_cli.source import PreparedInfo
from geoml_cli.sources.gwsa import row_summary as counting
from geoml_cli.sources.gwsa.cell_rows import CellRows
from geoml_cli.sources.gwsa.factors import LIKELY, described
from geoml_cli.sources.gwsa.filtering import FILL
from geoml_cli.sources.gwsa.layout import Roles
from geoml_cli.sources.gwsa.other_places import other_places
from geoml_cli.sources.gwsa.other_years import refuse_other_years
from geoml_cli.sources.gwsa.row_summary import Census
from geoml_cli.sources.gwsa.writing import Plan, facts, write_samples
from geoml_cli.work.reporting import Reporter

_STORAGE, _LEAST_CM, _MOST_CM = "GWS", 0.2, 60.0
"""The target of the published tables, and between what its magnitudes lie on the mean: mascons have a noise of 1 cm."""
_NAMED = 6
"""Missing columns that a note names."""


@dataclass(frozen=True)
class Reading:
    """Rows that can be read again and again.

    Attributes:
        panels: Reads them.
        roles: Names of the factors.
        labelled: Whether the rows carry the target.
        units: Units that differ from the published tables'.
        where: Where the rows come from, for messages.
        kind: What they come from, for the manifest.
        gaps: Columns that are missing, though others make one expect them.
        fills: Counts what looks like a fill; None where that was looked for before.
        kept: Size of rows that are kept for the second reading [bytes]; of more, all are read again.
        named: Columns whose unit the user names: their years are not compared.
    """

    panels: Callable[[], Iterator[CellRows]]
    roles: Roles
    labelled: bool
    units: dict[str, str]
    where: str
    kind: str
    gaps: tuple[str, ...] = ()
    fills: ColumnFills | None = None
    kept: int = 0
    named: Collection[str] = ()


class _Kept:
    """Rows of the first reading for the second, where they fit."""

    def __init__(self, reading: Reading) -> None:
        self._read, self._left = reading.panels, reading.kept
        self._panels: list[CellRows] = []
        self._whole = False

    def panels(self) -> Iterator[CellRows]:
        """Give all rows; read them where they are not kept."""
        if self._whole:
            yield from self._panels
            return
        for panel in self._read():
            yield panel
            self._left -= panel.size()
            self._panels = [*self._panels, panel] if self._left > 0 else []
        self._whole = self._left > 0


def write_in_two_passes(reading: Reading, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Count the rows, then write them; few enough are read once.

    Raises:
        DataError: A row cannot be read, two rows contradict each other, or none is left.
    """
    used = reading.roles.used(reading.labelled)
    reading = replace(reading, panels=_Kept(reading).panels)
    with reporter.task("count rows", None) as advance:
        census = counting.take(_counted(reading, advance), used)
    if reading.fills:
        reading.fills.refuse()
    changing = (*reading.roles.dynamic, *((reading.roles.target,) if reading.labelled else ()))
    compared = [name for name in changing if name not in reading.named]
    odd = refuse_other_years(census, compared, used, reading.roles.target, reading.units)
    odd += other_places(census, used, compared, reading.units, reading.where)
    if census.repeated:
        counting.refuse_contradictions(reading.panels(), used, census)
    funnel = _funnel(reading, census)
    names = (*reading.roles.dynamic, *reading.roles.static, reading.roles.target)
    variables = {name: described(name, census.monthly, reading.units) for name in names}
    plan = Plan(reading.roles, variables, reading.labelled)
    writer.dimension("sample", census.kept)
    write_samples(reading.panels(), plan, census, writer, reporter)
    for note in (*odd, *_gaps(reading), *_unlikely(reading, census), *_unlikely_storage(reading, census)):
        funnel.notes.append(note)
        reporter.warn(note)
    return PreparedInfo("samples", funnel, facts(plan, reading.kind, census))


def _counted(reading: Reading, advance: Callable[[int], None]) -> Iterator[CellRows]:
    """Give the rows for the first time, and count what looks like a fill among their values."""
    for panel in reading.panels():
        for name, values in panel.values.items() if reading.fills else ():
            if reading.fills and name != reading.roles.category:
                reading.fills.count(name, reading.where, values[values > FILL])
        yield panel
        advance(len(panel))


def _funnel(reading: Reading, census: Census) -> Funnel:
    funnel = Funnel(read=census.read, kept=census.kept)
    census.losses.tell(funnel)
    if not census.kept:
        listed = ", ".join(f"{reason} {rows}" for reason, rows in funnel.dropped.items())
        worst = ", ".join(f"{name} {rows}" for name, rows in census.losses.columns.most_common(_NAMED))
        fix = f"Columns that lack values: {worst}. Leave some out with --dynamic or --static."
        if reading.roles.category in census.losses.columns:
            category = reading.roles.category
            fix = f"Columns that lack values: {worst}. {category} is needed of these times"
            fix += ", or without a time: one map of all." if reading.kind == "products" else ": fill its column."
        raise DataError(
            f"none of {census.read} rows can be used ({listed or 'there are none'})",
            where=reading.where,
            fix=fix if worst else "Give a table with rows.",
        )
    return funnel


def _gaps(reading: Reading) -> Iterator[str]:
    if reading.gaps:
        more = f" and {len(reading.gaps) - _NAMED} more" if len(reading.gaps) > _NAMED else ""
        listed = ", ".join(reading.gaps[:_NAMED])
        yield f"there is no column {listed}{more}: rows of these times are left out"


def _unlikely(reading: Reading, census: Census) -> Iterator[str]:
    """Tell of factors whose values do not fit their unit, unless that was given."""
    for name, (low, high) in census.spans.items():
        if name not in LIKELY or name in reading.units or census.monthly:
            continue
        least, most = LIKELY[name]
        if low < least or high > most:
            unit = described(name, census.monthly, {}).unit
            yield f"{name} runs from {low:g} to {high:g}, which is not likely in {unit}: give --units {name}=UNIT"


def _unlikely_storage(reading: Reading, census: Census) -> Iterator[str]:
    """Tell of a target that is likely to be in metres or millimetres, unless its unit was given."""
    used = reading.roles.used(reading.labelled)
    if _STORAGE not in used or reading.roles.target != _STORAGE or _STORAGE in reading.units:
        return
    place = 1 + 3 * used.index(_STORAGE)
    size = sum(total[place] for total in census.sums.values()) / census.kept
    if not _LEAST_CM <= size <= _MOST_CM:
        other = "m" if size < _LEAST_CM else "mm"
        yield (
            f"{_STORAGE} is {size:.2g} cm on the mean of its magnitudes, where anomalies are some centimetres: is it "
            f"in {other}? Then say --units {_STORAGE}={other}, else --units {_STORAGE}=cm"
        )
