"""One file's columns as numbers on the grid of its resolution; only the columns asked for are kept."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.dates import refuse_stray
from geoml_cli.readers.tables import MISSING
from geoml_cli.readers.unpacking import LinesText
from geoml_cli.sources.fluxnet.layout import DOWNLOAD_AGAIN, END, START, Layout, resolution, rows
from geoml_cli.sources.fluxnet.row_steps import refuse_other_step
from geoml_cli.sources.fluxnet.text_files import TextFile
from geoml_cli.sources.fluxnet.times import STEPS, Integers, Step, is_subdaily, layout, places, starts

if TYPE_CHECKING:
    import pandas as pd

Values = NDArray[np.float64]
FILL = -9998.0
"""Values of this and less are missing: -9999 as it is written, and -9999.9 or -99999 of older files."""


@dataclass(frozen=True)
class Rows:
    """Rows of a file as they stand in it: unsorted, with repetitions.

    Attributes:
        text: The file.
        place: On the grid, shape [N].
        line: Where each stands, shape [N].
        values: By name, NaN where missing, shape [N].
    """

    text: TextFile
    place: Integers
    line: Integers
    values: dict[str, Values]


def read(layout: Layout, columns: Mapping[str, str], step: Step) -> Rows:
    """Read some columns of a file.

    Args:
        layout: The file.
        columns: Its columns by the name they get.
        step: The resolution it should have.

    Raises:
        DataError: A cell is no number or infinite, a time is none; the file or a row is of another resolution, or there
            are no rows.
    """
    found = resolution(layout)
    if found and found != step.code:
        raise DataError(
            f"is of resolution {found} by its times, {step.code} by its name",
            where=f"{layout.text}, line {layout.header + 1}",
            fix="Correct the name, or give the file that belongs to it.",
        )
    _refuse_unclear(layout, step)
    times = (layout.time, END) if is_subdaily(step) and END in layout.columns else (layout.time,)
    frame = _frame(layout, sorted({layout.columns.index(name) for name in (*times, *columns.values())}))
    if not len(frame):
        raise DataError("holds a header and no rows", where=str(layout.text), fix=DOWNLOAD_AGAIN)
    line = np.asarray(frame.index, dtype=np.int64)
    values = {name: _numbers(frame, layout, column) for name, column in columns.items()}
    place = _times(frame, layout, step)
    refuse_stray(starts(place, step).astype("datetime64[m]"), line, str(layout.text))
    if is_subdaily(step):
        refuse_other_step(place, _ends(frame, layout), step, lambda row: f"{layout.text}, line {line[row]}")
    return Rows(layout.text, place, line, values)


def _refuse_unclear(layout: Layout, step: Step) -> None:
    """Refuse stamps that may be of begin or end: of parts of a day by name, of days and longer the last day."""
    is_clear = END in layout.columns if is_subdaily(step) else layout.time != END
    if layout.time == START or is_clear:
        return
    raise DataError(
        f"{step.word} records have {layout.time} alone, which may be of their first or their last moment",
        where=f"{layout.text}, line {layout.header}",
        fix=f"Call it {START} or {END}, whichever it is." if is_subdaily(step) else f"Give their begin, {START}.",
    )


def _frame(layout: Layout, wanted: Sequence[int]) -> pd.DataFrame:
    """Read columns by their place; the index is the line."""
    import pandas as pd

    with layout.text.open() as stream:
        try:
            frame = _parse(LinesText(rows(stream, layout)), wanted)
        except pd.errors.EmptyDataError:
            return pd.DataFrame()
    frame.index = pd.RangeIndex(layout.header + 1, layout.header + 1 + len(frame))
    return frame.dropna(how="all")


def _parse(stream: LinesText, wanted: Sequence[int]) -> pd.DataFrame:
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.DtypeWarning)  # text among numbers is refused later, with its line
        # A stray quotation mark must not swallow the rows up to the next one.
        return pd.read_csv(stream, header=None, usecols=list(wanted), skip_blank_lines=False, skipinitialspace=True,
                           quoting=csv.QUOTE_NONE)  # fmt: skip


def _numbers(frame: pd.DataFrame, layout: Layout, column: str) -> Values:
    """Return a column as numbers, fill values as NaN."""
    values = _parsed(frame, layout, column)
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise DataError(
            f"{column} is infinite",
            where=f"{layout.text}, line {frame.index[row]}",
            fix="Write -9999 where there is no value.",
        )
    values[values <= FILL] = np.nan
    return values


def _parsed(frame: pd.DataFrame, layout: Layout, column: str) -> Values:
    import pandas as pd

    cells = frame[layout.columns.index(column)]
    if cells.dtype.kind in "iuf":
        return cells.to_numpy(dtype=np.float64, copy=True)
    found = pd.to_numeric(cells.astype(str).str.strip(' "'), errors="coerce").to_numpy(dtype=np.float64, copy=True)
    for row in map(int, np.flatnonzero(np.isnan(found))):
        text = str(cells.iloc[row]).strip(' "')
        if text.lower() not in MISSING:
            raise DataError(
                f"{text!r} in column {column} is no number",
                where=f"{layout.text}, line {frame.index[row]}",
                fix="Correct the cell, or write -9999 where there is no value.",
            )
    return found


def _ends(frame: pd.DataFrame, layout: Layout) -> Integers | None:
    """Return the times at which records end, 0 where they are none; None where the file has no such column."""
    import pandas as pd

    if END not in layout.columns:
        return None
    cells = frame[layout.columns.index(END)]
    is_text = cells.dtype.kind not in "iuf"
    stamps = pd.to_numeric(cells.astype(str).str.strip(' "'), errors="coerce") if is_text else cells
    found = stamps.to_numpy(dtype=np.float64)
    return np.where((found > 0) & (found < 10 ** STEPS["HH"].digits), found, 0).astype(np.int64)


def _times(frame: pd.DataFrame, layout_: Layout, step: Step) -> Integers:
    stamps = _parsed(frame, layout_, layout_.time)
    whole = np.isfinite(stamps) & (stamps == np.floor(stamps)) & (stamps >= 0) & (stamps < 10**step.digits)
    found, right = places(np.where(whole, stamps, 0).astype(np.int64), step)
    wrong = ~(right & whole)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{layout_.time} {frame[layout_.columns.index(layout_.time)].iloc[row]} is not the start of a {step.word} "
            "record "
            f"({layout(step)})",
            where=f"{layout_.text}, line {frame.index[row]}",
            fix="The time is damaged (spreadsheets round long numbers), or the row is of another resolution: "
            f"{DOWNLOAD_AGAIN.lower()}",
        )
    return found - 1 if layout_.time == END else found
