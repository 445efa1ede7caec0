"""Of a file's columns that may stand for one name the first that has a value; an empty one may stand before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from geoml_cli.readers.column_fills import ColumnFills
from geoml_cli.sources.fluxnet.layout import Layout
from geoml_cli.sources.fluxnet.reading import Rows, read
from geoml_cli.sources.fluxnet.times import Step


@dataclass(frozen=True)
class FilledRows:
    """A file's rows, of the columns that were taken.

    Attributes:
        rows: The rows, fill values as NaN.
        columns: The columns taken, by name.
        empty: Columns without a value that were passed over, by the name they could stand for.
    """

    rows: Rows
    columns: dict[str, str]
    empty: dict[str, tuple[str, ...]]


def read_filled(layout: Layout, candidates: Mapping[str, Sequence[str]], fills: ColumnFills, step: Step) -> FilledRows:
    """Read of each name's candidates the first that has a value; the first of all where none has one.

    The file is read again, for the next candidates of what was empty, only where there are some.

    Args:
        layout: The file.
        candidates: Columns of the file, the best first, by the name they get.
        fills: What `--nodata` says of fill values.
        step: The resolution it should have.

    Raises:
        DataError: As `read` does.
    """
    taken = {name: columns[0] for name, columns in candidates.items()}
    rows = _without_fills(read(layout, taken, step), fills)
    values = dict(rows.values)
    number = 1
    while following := {
        name: columns[number]
        for name, columns in candidates.items()
        if len(columns) > number and np.isnan(values[name]).all()
    }:
        for name, column in _without_fills(read(layout, following, step), fills).values.items():
            if not np.isnan(column).all():
                values[name], taken[name] = column, following[name]
        number += 1
    passed = {name: tuple(columns[: columns.index(taken[name])]) for name, columns in candidates.items()}
    empty = {name: columns for name, columns in passed.items() if columns}
    return FilledRows(replace(rows, values=values), taken, empty)


def described(taken: Sequence[str], empty: Sequence[str]) -> str:
    """Say in brackets which columns were passed over; empty where none was.

    Args:
        taken: Columns taken from a site's files.
        empty: Columns passed over in at least one of them.
    """
    each = [f"{column} has no value{' in some files' if column in taken else ''}" for column in empty]
    return f" ({', '.join(each)})" if each else ""


def _without_fills(rows: Rows, fills: ColumnFills) -> Rows:
    """Turn declared fills into NaN, and count what looks like others."""
    values = {name: fills.masked(name, column) for name, column in rows.values.items()}
    for name, column in values.items():
        if name in fills.columns:
            fills.count(name, str(rows.text), column)
    return replace(rows, values=values)
