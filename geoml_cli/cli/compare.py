"""`geoml compare RUN RUN ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geoml_cli.cli import console, options
from geoml_cli.cli.targets import dataset_of, run_of

_Runs = Annotated[
    list[str],
    typer.Argument(metavar="RUN RUN...", help="Folders of runs, or models for their newest runs.", show_default=False),
]
_Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="HTML page to write as well, such as runs.html.", show_default=False)
]


def compare(
    runs: _Runs,
    out: _Out = None,
    data: options.Data = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare runs on the test rows that all have in common: scores, paired tests, and both by group."""
    reporter = console.Terminal(quiet=quiet)
    opened = [run_of(target, None, [], reporter) for target in runs]
    from geoml_cli.evaluation.run_tables import document, group_tables, pair_table, require_page, run_table, write_page
    from geoml_cli.stages.compare import compare as stage

    if out is not None:
        require_page(out)
    found = stage(opened, dataset_of(opened[0], data), reporter)
    if out is not None:
        write_page(out, found)
    if as_json:
        console.document({"networks": {name: document(one) for name, one in found.items()}})
        return
    for name, one in found.items():
        for table in (run_table(one), pair_table(one), *group_tables(one)):
            console.table(table.columns, table.rows, title=f"{table.title}: {name}" if name else table.title)
        for note in one.notes:
            reporter.warn(note)
    if out is not None:
        console.line(f"written: {out}")
