"""`geoml audit MODEL|RUN`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from geoml_cli.cli import console, options
from geoml_cli.cli.targets import dataset_of, run_of
from geoml_cli.errors import CheckFailedError


def audit(
    target: options.Target,
    preset: options.Preset = None,
    data: options.Data = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Ask of a run's splits whether anything of the test rows reaches training; exit code 4 if so."""
    reporter = console.Terminal(quiet=quiet)
    run = run_of(target, preset, [], reporter)
    dataset = dataset_of(run, data)
    from geoml_cli.inference.load import settings_of
    from geoml_cli.stages.audit import audit_run

    found = audit_run(run, dataset, settings_of(run), reporter)
    failed = [line.name for lines in found.values() for line in lines if line.outcome == "fail"]
    if as_json:
        networks = {name: [asdict(line) for line in lines] for name, lines in found.items()}
        console.document({"run": run.id, "passes": not failed, "lines": networks.get("", networks)})
    else:
        for name, lines in found.items():
            rows = [(line.name, line.outcome, str(line.count), line.detail) for line in lines]
            console.table(("asked for", "outcome", "count", "detail"), rows, title=name)
        console.line(f"{len(failed)} fail: {', '.join(failed)}" if failed else "none fails")
    if failed:
        raise typer.Exit(CheckFailedError.exit_code)
