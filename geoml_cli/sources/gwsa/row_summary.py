"""The first reading: how many rows are kept, which cells there are, and which rows repeat others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.cells import Keys
from geoml_cli.readers.dates import out_of_range, stray_moments
from geoml_cli.sources.gwsa.cell_rows import CellRows, Values
from geoml_cli.sources.gwsa.filtering import DropCounts, Mask, usable

BOX, FINE = 5.0, 1.0
"""Degrees of a box in which cells are compared with themselves, and of one in regions of few such boxes."""
_BOXES = 1 << 20
"""More numbers than there are boxes."""
FEWEST = 6
"""Boxes below which finer ones are compared."""


class Cells:
    """Cells by their key, numbered as they are met; grows by their number, not by the rows'."""

    def __init__(self) -> None:
        self.keys = np.empty(0, dtype=np.int64)
        self._numbers = np.empty(0, dtype=np.int64)

    def numbers(self, keys: Keys) -> NDArray[np.int64]:
        """Return the number of each cell; new ones get the next."""
        fresh = np.setdiff1d(keys, self.keys)
        if len(fresh):
            given = np.arange(len(self.keys), len(self.keys) + len(fresh))
            places = np.searchsorted(self.keys, fresh)
            self.keys = np.insert(self.keys, places, fresh)
            self._numbers = np.insert(self._numbers, places, given)
        return np.asarray(self._numbers[np.searchsorted(self.keys, keys)])


class RowSummary:
    """Which cells have been met at which time, a byte for each; tells repeated rows."""

    def __init__(self) -> None:
        self.cells = Cells()
        self._met: dict[np.datetime64, NDArray[np.bool_]] = {}

    def repeats(self, panel: CellRows, rows: Mask) -> Mask:
        """Tell which of `rows` have the cell and time of an earlier one; later calls know these rows."""
        again = np.zeros(len(panel), dtype=np.bool_)
        chosen = np.flatnonzero(rows)
        cells = self.cells.numbers(panel.cells()[chosen])
        for time in np.unique(panel.time[chosen]):
            at = panel.time[chosen] == time
            again[chosen[at]] = self._at(time, cells[at])
        return again

    def _at(self, time: np.datetime64, cells: NDArray[np.int64]) -> Mask:
        present = self._met.get(time, np.zeros(0, dtype=np.bool_))
        if len(present) < len(self.cells.keys):
            present = np.concatenate([present, np.zeros(len(self.cells.keys) - len(present), dtype=np.bool_)])
        first = np.zeros(len(cells), dtype=np.bool_)
        first[np.unique(cells, return_index=True)[1]] = True
        again = present[cells] | ~first
        present[cells] = True
        self._met[time] = present
        return again

    @property
    def times(self) -> list[np.datetime64]:
        """The times met, ascending."""
        return sorted(self._met)


def middle_of(box: int, size: float = BOX) -> str:
    """Name a box of some degrees by the middle of it, as `lat 32.5, lon -97.5`."""
    east = (box % 360 * size + size / 2 + 180) % 360 - 180
    return f"lat {latitude_of(box, size):g}, lon {east:g}"


def latitude_of(box: int, size: float = BOX) -> float:
    """Return the latitude of a box's middle."""
    return box // 360 * size - 90 + size / 2


def neighbours(box: int, size: float = BOX) -> tuple[int, int]:
    """Return the boxes north and east of one."""
    down, across = divmod(box, 360)
    return box + 360, down * 360 + (across + 1) % int(360 / size)


@dataclass
class Census:
    """What the first reading finds.

    Attributes:
        read: Rows.
        kept: Rows that are used.
        cells: Keys of the cells, ascending; a cell's number is its place.
        repeated: Cell and time of rows that come more than once.
        times: Rows kept by time.
        monthly: Whether times are months.
        dated: Whether they are written as days.
        spans: Smallest and largest value of each column, of rows that are used.
        first: Where the first row of each time stands.
        sums: By month and box, how many rows are used, and of each column the magnitudes, values and squares.
        fine: By finer box, of all months, likewise; of regions of few boxes alone.
    """

    read: int = 0
    kept: int = 0
    losses: DropCounts = field(default_factory=DropCounts)
    cells: Keys = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    repeated: set[tuple[int, np.datetime64]] = field(default_factory=set)
    times: Counter[np.datetime64] = field(default_factory=Counter)
    step: bool | None = None
    dated: bool = False
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    first: dict[np.datetime64, str] = field(default_factory=dict)
    sums: dict[tuple[int, int], Values] = field(default_factory=dict)
    fine: dict[int, Values] = field(default_factory=dict)
    _boxes: set[int] = field(default_factory=set)

    @property
    def monthly(self) -> bool:
        """Return whether times are months."""
        return bool(self.step)

    def take_step(self, panel: CellRows) -> None:
        """Learn whether times are months; rows without a time tell nothing.

        Raises:
            DataError: Earlier rows tell otherwise.
        """
        if panel.monthly is None:
            return
        if self.step not in (None, panel.monthly):
            raise DataError(
                "there are both years and months",
                where=panel.where(0, "year"),
                fix="Prepare them apart; a model learns one of them.",
            )
        self.step = panel.monthly
        self.dated |= panel.dated

    def widen(self, panel: CellRows, rows: Mask, names: Sequence[str]) -> None:
        """Take the values of some rows into the spans."""
        for name in names if rows.any() else ():
            values = panel.values[name][rows]
            low, high = self.spans.get(name, (np.inf, -np.inf))
            self.spans[name] = (min(low, float(values.min())), max(high, float(values.max())))
        self._measure(panel, rows, names)

    def _measure(self, panel: CellRows, rows: Mask, names: Sequence[str]) -> None:
        """Sum some rows up by month and box of some degrees."""
        latitude, longitude = panel.latitude[rows], panel.longitude[rows]
        box = _numbers(latitude, longitude, BOX)
        month = panel.time[rows].astype("datetime64[M]").astype(np.int64)
        columns = [panel.values[name][rows].astype(np.float64) for name in names]
        for key, total in _totals(month * _BOXES + box, columns):
            kept = self.sums.setdefault(divmod(key, _BOXES), np.zeros(len(total)))
            kept += total
        if len(self._boxes) < FEWEST:
            self._boxes.update(np.unique(box).tolist())
            for key, total in _totals(_numbers(latitude, longitude, FINE), columns):
                kept = self.fine.setdefault(key, np.zeros(len(total)))
                kept += total

    def count_times(self, panel: CellRows, rows: Mask) -> None:
        """Count some rows by their time."""
        places = np.flatnonzero(rows)
        for time, row, count in zip(*np.unique(panel.time[rows], return_index=True, return_counts=True), strict=True):
            self.times[time] += int(count)
            if time not in self.first:
                self.first[time] = panel.where(int(places[row]), "year")

    def refuse_stray(self) -> None:
        """Refuse a few rows of a time far from that of all others, and years that are written as days.

        Raises:
            DataError: There are some; with the first.
        """
        moments = np.array(sorted(self.times), dtype="datetime64[M]")
        of_the_year = {str(moment)[-2:] for moment in moments}
        if self.dated and len(moments) > 1 and len(of_the_year) == 1:
            raise DataError(
                f"dates of {len(moments)} years are all of one month, as if each stood for its year",
                where=self.first[moments[0]],
                fix=f"Write {str(moments[0])[:4]} for a year, or {str(moments[0]).replace('-', '_')} for a month.",
            )
        stray = stray_moments(moments, np.array([self.times[moment] for moment in moments], dtype=np.int64))
        if stray.any():
            raise out_of_range(moments[stray][0], moments[~stray], self.first[moments[stray][0]])


def _numbers(latitude: Values, longitude: Values, size: float) -> NDArray[np.int64]:
    """Number the boxes of some degrees in which places lie."""
    down, across = np.floor((latitude + 90) / size), np.floor((longitude % 360) / size)
    return np.asarray(down.astype(np.int64) * 360 + across.astype(np.int64))


def _totals(keys: NDArray[np.int64], columns: Sequence[Values]) -> Iterator[tuple[int, Values]]:
    """Give of each key how many rows have it, and of each column the sums of magnitudes, values and squares."""
    found, place, count = np.unique(keys, return_inverse=True, return_counts=True)
    totals = np.empty((1 + 3 * len(columns), len(found)))
    totals[0] = count
    for number, values in enumerate(columns):
        for measure, each in enumerate((np.abs(values), values, values**2)):
            totals[1 + 3 * number + measure] = np.bincount(place, each, len(found))
    return zip(found.tolist(), totals.T, strict=True)


def take(panels: Iterable[CellRows], names: Sequence[str]) -> Census:
    """Read all rows once, and keep none.

    Args:
        panels: The rows.
        names: Columns that are used.

    Raises:
        DataError: A row cannot be read.
    """
    census, seen = Census(), RowSummary()
    for panel in panels:
        rows = usable(panel, names, census.losses)
        census.take_step(panel)
        again = seen.repeats(panel, rows)
        census.repeated.update(_places(panel, np.flatnonzero(again)))
        census.read += len(panel)
        kept = rows & ~again
        census.kept += int(kept.sum())
        census.widen(panel, kept, names)
        census.count_times(panel, kept)
        if count := int(again.sum()):
            census.losses.reasons["repeats an earlier row"] += count
    census.cells = seen.cells.keys
    census.refuse_stray()
    return census


def _places(panel: CellRows, rows: NDArray[np.int64]) -> Iterator[tuple[int, np.datetime64]]:
    keys = panel.cells()
    return ((int(keys[row]), panel.time[row]) for row in rows)


def refuse_contradictions(panels: Iterable[CellRows], names: Sequence[str], census: Census) -> None:
    """Read once more the rows that come more than once, and refuse those that differ.

    Raises:
        DataError: Two rows of one cell and time have different values.
    """
    first: dict[tuple[int, np.datetime64], tuple[Values, str]] = {}
    cells = np.array(sorted({key for key, _ in census.repeated}))
    for panel in panels:
        chosen = np.flatnonzero(usable(panel, names, DropCounts()) & np.isin(panel.cells(), cells))
        for row, place in zip(chosen.tolist(), _places(panel, chosen), strict=True):
            if place in census.repeated:
                _compare(panel, row, names, *first.setdefault(place, (_row(panel, row, names), _line(panel, row))))


def _row(panel: CellRows, row: int, names: Sequence[str]) -> Values:
    return np.array([panel.values[name][row] for name in names])


def _line(panel: CellRows, row: int) -> str:
    return panel.where(row, "").rpartition(", column")[0]


def _compare(panel: CellRows, row: int, names: Sequence[str], first_values: Values, first_line: str) -> None:
    differs = _row(panel, row, names).astype(np.float32) != first_values.astype(np.float32)
    if differs.any():
        name = names[int(differs.argmax())]
        raise DataError(
            f"lat {panel.latitude[row]:g}, lon {panel.longitude[row]:g} stands twice in {panel.time[row]}, "
            f"and {name} differs: {first_values[int(differs.argmax())]:g}, then {panel.values[name][row]:g}",
            where=f"{_line(panel, row)} (first in {first_line})",
            fix=f"Keep one of the two rows.{panel.other_time()}",
        )
