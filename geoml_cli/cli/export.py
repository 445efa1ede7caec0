"""`geoml export MODEL|RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geoml_cli import registry
from geoml_cli.cli import console, options
from geoml_cli.cli.targets import dataset_of, run_of


def _formats() -> list[str]:
    """Name the formats without importing them: they import torch."""
    folder = Path(registry.__file__).parent / "exporters"
    return sorted(path.stem for path in folder.glob("[!_]*.py") if path.stem != "exporter")


_Format = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        help=f"{', '.join(_formats())}; repeatable [all].",
        autocompletion=_formats,
        show_default=False,
    ),
]


def export(
    target: options.Target,
    formats: _Format = None,
    preset: options.Preset = None,
    member: options.Members = None,
    assignments: options.Assignments = None,
    data: options.Data = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a run's networks with scaling inside, each file numerically verified to the network on real samples."""
    chosen = formats or _formats()
    for name in chosen:
        registry.require_choice("format", name, _formats())
    reporter = console.Terminal(quiet=quiet)
    run = run_of(target, preset, options.only(("export",), assignments), reporter)
    dataset = dataset_of(run, data)
    if dry_run:
        console.plan([run.folder, dataset.folder], [f"{run.export}/*.{name}" for name in chosen], as_json=as_json)
        return
    from geoml_cli.inference.load import open_trained
    from geoml_cli.stages.export import export as stage

    done = stage(run, dataset, chosen, open_trained(run, member).members, reporter)
    headers = ("file", "format", "samples", "difference", "allowed")
    rows = [(str(d.path), d.format, d.samples, d.difference, d.allowed) for d in done]
    if as_json:
        console.document([{"run": str(run.folder.resolve()), **dict(zip(headers, row, strict=True))} for row in rows])
        return
    console.table(headers, rows, title=run.id)
    console.line(f"model card: {done[0].path.with_suffix('.md')}")
