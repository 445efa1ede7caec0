"""`geoml import MODEL FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geoml_cli import registry
from geoml_cli.cli import console, options

_File = Annotated[
    Path, typer.Argument(metavar="FILE", help="The paper's released checkpoint (.pth).", show_default=False)
]


def import_(
    model: options.Model,
    file: _File,
    preset: options.Preset = None,
    run: options.RunFolder = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Make a run of a paper's released checkpoint; it predicts, evaluates and exports like any other."""
    name = preset or registry.card(model).default_preset
    registry.preset_file(model, name)
    if dry_run:
        console.plan([file], [run or options.runs_root() / model / name / "YYYYMMDD-HHMMSS"])
        return
    from geoml_cli.stages.released import import_checkpoint

    done = import_checkpoint(model, name, file, (run, options.runs_root()))
    if as_json:
        console.document({"run": str(done.folder), "members": done.members()})
        return
    console.line(f"run: {done.folder}")
