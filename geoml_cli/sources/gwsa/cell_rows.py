"""Rows of cell and time, with their factors as they stand in the raw files: what all ways of reading lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.cells import Keys, cell_keys
from geoml_cli.readers.columns import Part, TableFile
from geoml_cli.readers.tables import is_missing
from geoml_cli.sources.gwsa.layout import Long, Months, Wide, is_monthly, month_of_date, months
from geoml_cli.sources.gwsa.reshape import lengthen

Values = NDArray[np.float64]
_FILLS = (-9999, -99999)
_ROW_COPIES = 8  # of a row's cells while they are read: text, pandas' blocks, 64-bit columns, masks, 32-bit columns


_KEPT_COPIES = 2  # of a row's cells once they are read: as the table has them, and as columns


@dataclass(frozen=True)
class CellRows:
    """Some rows, R of them.

    Attributes:
        latitude: Degrees north, shape [R]; NaN or a fill where missing.
        longitude: Degrees east.
        time: Not-a-time where missing.
        values: Factors and, where there is one, the target, by name; as they stand, fills included.
        monthly: Whether times are months; None where no row has a time.
        where: Tells where a row's value stands, for messages: (row, name).
        dated: Whether times are days, of which the months count.
        unread: Column of a time that is not read, since there is one of the year.
    """

    latitude: Values
    longitude: Values
    time: Months
    values: dict[str, Values]
    monthly: bool | None
    where: Callable[[int, str], str]
    dated: bool = False
    unread: str = ""

    def __len__(self) -> int:
        return len(self.time)

    def size(self) -> int:
        """Return what it holds [bytes], with the table's own cells, which tell where a value stands."""
        columns = (self.latitude, self.longitude, self.time, *self.values.values())
        return _KEPT_COPIES * sum(column.nbytes for column in columns)

    def cells(self) -> Keys:
        """Name the cell of each row by its place, shape [R]."""
        return cell_keys(self.latitude, self.longitude)

    def other_time(self) -> str:
        """Say, for messages, that another column may tell the times; nothing where there is none."""
        return f" If {self.unread} tells the months, remove the column of the year." if self.unread else ""


def rows_at_once(sheet: TableFile, layout: Long | Wide, memory: int) -> int:
    """Return how many of a table's rows fit into `memory` [bytes]."""
    cells = len(sheet.columns)
    if isinstance(layout, Wide):  # a cell's own columns are repeated for each of its times
        cells += len(layout.has) * len(layout.stamps)
    return max(1, memory // (cells * 8 * _ROW_COPIES))


def panel(part: Part, layout: Long | Wide) -> CellRows:
    """Read some rows of a table.

    Raises:
        DataError: A cell is no number, or no year; with its line.
    """
    return _from_long(part, layout) if isinstance(layout, Long) else _from_wide(part, layout)


def _from_long(part: Part, layout: Long) -> CellRows:
    values = {name: part.numbers(column) for name, column in layout.values.items()}
    latitude, longitude = (part.numbers(column) for column in layout.place)
    time, monthly, dated = _times(part, layout.time)
    if layout.month is not None and monthly is False:
        time, monthly = _within_years(part, time, layout.month), True
    elif layout.month is not None and monthly:
        _refuse_other_months(part, time, layout)
    if layout.other and monthly is not None:
        _refuse_other_times(part, time, monthly, layout)
    return CellRows(
        latitude, longitude, time, values, monthly,
        lambda row, name: part.where(row, layout.values.get(name, layout.time if name == "year" else name)),
        dated, "" if monthly else layout.unread,
    )  # fmt: skip


def _times(part: Part, column: str) -> tuple[Months, bool | None, bool]:
    """Return the month of each row, whether they are months, and whether they are written as days."""
    import pandas as pd

    codes, cells = pd.factorize(part.frame[column])  # an empty cell has the code -1
    written = [_written(cell) for cell in cells]
    texts = [month_of_date(text) for text in written]
    known = months([*texts, ""])
    wrong = [code for code, text in enumerate(texts) if np.isnat(known[code]) and not _says_nothing(text)]
    if wrong:
        row = int(np.flatnonzero(codes == wrong[0])[0])
        raise DataError(
            f"{texts[wrong[0]]!r} is no year",
            where=part.where(row, column),
            fix="Write 2003, or 2003_07 (or 2003-07-16) for a month.",
        )
    monthly = same_step([text for text in texts if not _says_nothing(text)], str(part.path))
    return known[codes], monthly, texts != written


def _within_years(part: Part, year: Months, column: str) -> Months:
    """Return months from years and a column of the month, 1 to 12; not-a-time where there is none."""
    month = part.numbers(column)
    wrong = np.flatnonzero(np.isfinite(month) & ~np.isin(month, [*range(1, 13), *_FILLS]))
    if len(wrong):
        raise DataError(
            f"{month[wrong[0]]:g} is no month of a year",
            where=part.where(int(wrong[0]), column),
            fix="Write 1 to 12, or leave the column out where rows are years.",
        )
    is_known = np.isin(month, range(1, 13))
    found = year + np.where(is_known, month - 1, 0).astype("timedelta64[M]")
    return np.where(is_known, found, np.datetime64("NaT"))


def _refuse_other_months(part: Part, time: Months, layout: Long) -> None:
    """Refuse a column of the month that is not that of the time next to it; one of names or other counts is none."""
    try:
        month = part.numbers(str(layout.month))
    except DataError:  # names of months
        return
    known = np.isfinite(month) & ~np.isin(month, _FILLS)
    if not np.isin(month[known], range(1, 13)).all():
        return
    own = time.astype(np.int64) % 12 + 1
    wrong = np.flatnonzero(~np.isnat(time) & known & (month != own))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{layout.month} is {month[row]:g}, and {layout.time} is of {time[row]}; {len(wrong)} rows are like this",
            where=part.where(row, str(layout.month)),
            fix=f"Correct one of them, or take out the column of {layout.month} where it counts something else.",
        )


def _refuse_other_times(part: Part, time: Months, monthly: bool, layout: Long) -> None:
    """Refuse a second column of times that contradicts the first; one of a single day is that of a download."""
    try:
        other, is_monthly_too, _ = _times(part, layout.other)
    except DataError:  # no times
        return
    unit = "M" if monthly and is_monthly_too else "Y"
    both = ~np.isnat(time) & ~np.isnat(other)
    wrong = np.flatnonzero(both & (time.astype(f"datetime64[{unit}]") != other.astype(f"datetime64[{unit}]")))
    if len(wrong) and len(np.unique(other[both])) > 1:
        row = int(wrong[0])
        raise DataError(
            f"{layout.other} is of {other[row]}, and {layout.time} of {time[row]}; {len(wrong)} rows are like this",
            where=part.where(row, layout.other),
            fix="Correct one of them, or take out the column that does not tell the time of the row.",
        )


def _written(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, float | np.floating) and cell == cell // 1 else str(cell).strip()


def _says_nothing(text: str) -> bool:
    return is_missing(text) or text.removesuffix(".0") in [f"{fill:g}" for fill in _FILLS]


def same_step(stamps: Sequence[str], location: str) -> bool | None:
    """Return whether times are months; None where there are none.

    Raises:
        DataError: Some are, and some are years.
    """
    steps = sorted(stamps, key=is_monthly)
    if steps and is_monthly(steps[0]) != is_monthly(steps[-1]):
        raise DataError(
            f"there are both years and months: {steps[0]!r} and {steps[-1]!r}",
            where=location,
            fix="Prepare them apart; a model learns one of them.",
        )
    return is_monthly(steps[0]) if steps else None


def _from_wide(part: Part, layout: Wide) -> CellRows:
    times = len(layout.stamps)
    latitude, longitude = (np.repeat(part.numbers(column), times) for column in layout.place)
    time = np.tile(months(layout.stamps), len(part))

    def where(row: int, name: str) -> str:
        cell, stamp = divmod(row, times)
        column = layout.timed.get(name, {}).get(layout.stamps[stamp], layout.fixed.get(name, name))
        return part.where(cell, column)

    monthly = same_step(layout.stamps, str(part.path))
    return CellRows(latitude, longitude, time, lengthen(part, layout), monthly, where)


def panels(sheet: TableFile, layout: Long | Wide, rows: int) -> Iterator[CellRows]:
    """Read a table, `rows` of its rows at a time."""
    for part in sheet.parts(rows):
        if len(part):
            yield panel(part, layout)
