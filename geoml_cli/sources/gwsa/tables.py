"""From tables of cells, long or wide, in one file or several."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from geoml_cli.dataset.raw_files import is_hidden, visible
from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.errors import DataError
from geoml_cli.readers.column_fills import ColumnFills
from geoml_cli.readers.columns import TableFile, is_table, open_table_file
from geoml_cli.readers.workbooks import WORKBOOKS
from geoml_cli.source import PreparedInfo
from geoml_cli.sources.gwsa.cell_rows import CellRows, panels, rows_at_once
from geoml_cli.sources.gwsa.factors import units_given
from geoml_cli.sources.gwsa.layout import Long, Roles, Wide, find_layout, near_column
from geoml_cli.sources.gwsa.options import GwsaOptions, read_size
from geoml_cli.sources.gwsa.two_pass import Reading, write_in_two_passes
from geoml_cli.work.reporting import Reporter

_ALL = "*"
"""What `--tables` is by default."""
_SHOWN = 6
_GROWTH = 2
"""Times the size of a table as text that its rows take, as cells and as columns."""


@dataclass(frozen=True)
class Tables:
    """Tables with the same factors, read as one.

    Attributes:
        sheets: The tables, with what their columns are.
        memory: How much may be in memory at once [bytes].
        fills: What is declared of fill values.
    """

    sheets: tuple[tuple[TableFile, Long | Wide], ...]
    memory: int
    fills: ColumnFills

    def panels(self) -> Iterator[CellRows]:
        """Read all rows, table by table; may be called again."""
        for sheet, layout in self.sheets:
            for panel in panels(sheet, layout, rows_at_once(sheet, layout, self.memory)):
                yield replace(panel, values={name: self.fills.masked(name, v) for name, v in panel.values.items()})

    def gaps(self) -> tuple[str, ...]:
        """Name columns of wide tables that other columns make one expect."""
        wide = [layout for _, layout in self.sheets if isinstance(layout, Wide)]
        return tuple(
            f"{name}_{stamp}"
            for layout in wide
            for name, columns in layout.timed.items()
            for stamp in layout.stamps
            if stamp not in columns
        )

    def in_other_case(self) -> str:
        """Say which factors are read from columns whose names differ in case; empty where none is."""
        read = [one for _, layout in self.sheets for one in layout.columns().items()]
        named = dict.fromkeys(f"{name} from {column}" for name, column in read if not column.startswith(name))
        return f"columns that differ in case only: {', '.join(named)}" if named else ""

    def unlabelled(self, target: str) -> str:
        """Say that there is no target, with the column that may be meant; empty where there is one."""
        if self.has(target):
            return ""
        near = near_column(self.sheets[0][0], target)
        meant = f". Did you mean --target {shlex.quote(near)}?" if near else ""
        return f"there is no column {target} (--target): the samples can be predicted, not trained on{meant}"

    def has(self, name: str) -> bool:
        """Return whether the tables have a factor or the target."""
        return name in self.sheets[0][1].has


def find(raw: Path, pattern: str) -> list[Path]:
    """Find the tables: `raw` itself, or those in it that fit the pattern, by name; workbooks where nothing else is."""
    if not raw.is_dir():
        return [raw]
    # Who names hidden files means them.
    paths = sorted(raw.iterdir()) if is_hidden(pattern) else visible(raw)
    fitting = [path for path in paths if path.match(pattern) and path.is_file()]
    named = [path for path in fitting if is_table(path)]
    books = [path for path in fitting if path.suffix.lower() in WORKBOOKS]
    # Where the pattern is the user's, its workbooks are meant as well.
    return named + books if not named or pattern != _ALL else named


def passed_over(raw: Path, pattern: str) -> str:
    """Name what a folder holds in addition to the tables, with the reason; empty where there is nothing."""
    others = visible(raw) if raw.is_dir() else []
    read = set(find(raw, pattern))
    named = [f"{path.name} ({_reason(path, pattern)})" for path in others if path not in read]
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return f"passed over: {'; '.join(named[:_SHOWN])}{more}" if named else ""


def _reason(path: Path, pattern: str) -> str:
    if path.is_dir():
        return "a folder: only tables in RAW itself are read"
    if path.suffix.lower() in WORKBOOKS and path.match(pattern):
        return "a workbook next to other tables: --tables '*.*' reads both"
    return f"does not fit --tables {pattern}" if is_table(path) else "no table by its name"


def open_tables(paths: list[Path], roles: Roles, memory: int, nodata: Sequence[str] = ()) -> Tables:
    """Open tables and find out what their columns are.

    Args:
        paths: Their files.
        roles: Names of the factors.
        memory: How much may be in memory at once [bytes].
        nodata: What `--nodata` says.

    Raises:
        DataError: One lacks a column, or they have not the same ones.
    """
    opened = [open_table_file(path) for path in paths]
    sheets = tuple((sheet, find_layout(sheet, roles)) for sheet in opened)
    labelled = [sheet.path.name for sheet, layout in sheets if roles.target in layout.has]
    if labelled and len(labelled) < len(sheets):
        without = next(sheet for sheet, layout in sheets if roles.target not in layout.has)
        raise DataError(
            f"there is no column {roles.target}, though {labelled[0]} has one",
            where=str(without.path),
            fix="Prepare tables with and without the target apart, or add the column.",
        )
    return Tables(sheets, memory, ColumnFills(nodata, (*roles.dynamic, *roles.static, roles.target)))


def _kept(paths: list[Path], memory: int) -> int:
    """Return how much of the rows may be kept [bytes]; nothing of files that are too large as they lie on the disk."""
    return memory if _GROWTH * sum(path.stat().st_size for path in paths) <= memory else 0


def write(raw: Path, options: GwsaOptions, writer: DatasetWriter, reporter: Reporter) -> PreparedInfo:
    """Read the tables twice, first to count and then to write; small ones once.

    Raises:
        DataError: A table cannot be read, or no row is left.
    """
    roles = Roles.of(options)
    paths, memory = find(raw, options.tables), read_size(options.memory)
    tables = open_tables(paths, roles, memory // 2, options.nodata)
    reading = Reading(
        tables.panels, roles, tables.has(roles.target), units_given(options.units), str(raw), "tables", tables.gaps(),
        tables.fills, _kept(paths, memory // 4), units_given(options.units),
    )  # fmt: skip
    written = write_in_two_passes(reading, writer, reporter)
    noted = (passed_over(raw, options.tables), tables.in_other_case(), tables.unlabelled(roles.target))
    written.funnel.notes += filter(None, noted)
    return written
