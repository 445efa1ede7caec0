"""A user's table of cells to predict, such as the same factors on a finer grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError
from geoml_cli.readers.column_fills import ColumnFills
from geoml_cli.readers.columns import Part, TableFile, open_table_file
from geoml_cli.samples.input import SampleBlock, TableChunk, TableColumn
from geoml_cli.sources.gwsa.cell_rows import CellRows, panel
from geoml_cli.sources.gwsa.factors import described
from geoml_cli.sources.gwsa.filtering import FILL, DropCounts, faults
from geoml_cli.sources.gwsa.layout import IDENTITY, Long, Roles, Wide, find_layout
from geoml_cli.sources.gwsa.row_summary import RowSummary
from geoml_cli.sources.gwsa.writing import Plan, arrays, block


class _CellTable(NamedTuple):
    """A table that is read part by part.

    Attributes:
        sheet: The file.
        layout: Which columns it is read from.
        fills: What stands for a missing value.
        met: Rows that were read, where a column of dates stands next to that of the year.
    """

    sheet: TableFile
    layout: Long | Wide
    fills: ColumnFills
    met: RowSummary


def rows(path: Path, dataset: Dataset, size: int) -> Iterator[TableChunk]:
    """Read a table of cells, long or wide; a row that lacks a value carries no sample.

    Args:
        path: CSV or Parquet with the columns that the data set was made from; the target is not needed.
        dataset: The data set that the network was trained on.
        size: Most rows (of cell and time) in memory at once.

    Raises:
        DataError: The table cannot be read, lacks a column, has no rows, or counts in other steps than the data set.
    """
    facts = dataset.manifest.facts
    roles, monthly = Roles.remembered(facts), facts["step"] == "month"
    names = (*roles.dynamic, *roles.static)
    plan = Plan(roles, {name: described(name, monthly, facts["units"]) for name in names}, labelled=False)
    sheet = open_table_file(path)
    layout = find_layout(sheet, roles)
    times = len(layout.stamps) if isinstance(layout, Wide) else 1
    fills = ColumnFills(dataset.manifest.options.get("nodata", ()), (*names, roles.target))
    table = _CellTable(sheet, layout, fills, RowSummary())
    read = 0
    for part in sheet.parts(max(1, size // times)):
        if len(part):
            yield _chunk(part, table, plan, monthly)
            read += len(part)
    if not read:
        raise DataError("has a header and no rows", where=str(path), fix="Give a table with cells.")


def _chunk(part: Part, table: _CellTable, plan: Plan, monthly: bool) -> TableChunk:
    sheet, layout, fills, _ = table
    cells = panel(part, layout)
    cells = replace(cells, values={name: fills.masked(name, values) for name, values in cells.values.items()})
    _refuse_fills(cells, table, plan.roles)
    if cells.monthly not in (None, monthly):
        here, learnt = ("months", "years") if cells.monthly else ("years", "months")
        raise DataError(
            f"its rows are {here}, and the network was trained on {learnt}",
            where=str(part.path),
            fix=f"Give a table of {learnt}.{cells.other_time()}",
        )
    _refuse_months_of_years(cells, table.met)
    steps = len(layout.stamps) if isinstance(layout, Wide) else 1
    identity = tuple(
        TableColumn(
            Variable(name, "", "identity of the row"), [text for text in part.texts(name) for _ in range(steps)]
        )
        for name in IDENTITY
        if name in sheet.columns
    )
    place = (
        TableColumn(Variable("lon", "degrees_east", "longitude"), cells.longitude),
        TableColumn(Variable("lat", "degrees_north", "latitude"), cells.latitude),
    )
    times, codes = np.unique(cells.time, return_inverse=True)  # a table has few times and many rows
    texts = ["" if np.isnat(moment) else str(moment)[: 7 if monthly else 4] for moment in times]
    time = [texts[code] for code in codes.tolist()]
    columns = (*identity, *place, TableColumn(Variable("time", "", "year or month"), time))
    return TableChunk(columns, partial(_samples, cells, plan))


def _refuse_months_of_years(cells: CellRows, met: RowSummary) -> None:
    """Refuse rows of a cell that repeat a year next to a column of dates: each would be predicted as the year.

    Raises:
        DataError: With the first row that repeats one of before.
    """
    if not cells.unread:
        return
    repeated = np.flatnonzero(met.repeats(cells, ~np.isnat(cells.time)))
    if len(repeated):
        row = int(repeated[0])
        raise DataError(
            f"the cell has a row of {str(cells.time[row])[:4]} before",
            where=cells.where(row, "year"),
            fix=f"Keep one row a cell and year.{cells.other_time()}",
        )


def _refuse_fills(cells: CellRows, table: _CellTable, roles: Roles) -> None:
    """Refuse factors that hold what looks like a fill, as `prepare` does."""
    for name in (*roles.dynamic, *roles.static):
        table.fills.count(name, str(table.sheet.path), cells.values[name][cells.values[name] > FILL])
    table.fills.refuse_of_prediction()


def _samples(panel: CellRows, plan: Plan) -> SampleBlock:
    reason = faults(panel, plan.roles.needed, DropCounts())
    valid = reason < 0
    return SampleBlock(valid, block(arrays(panel, valid, plan, None), plan), reason)
