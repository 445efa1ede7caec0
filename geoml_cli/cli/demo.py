"""`geoml demo`: synthetic raw files in the real formats, then all five verbs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from geoml_cli import registry
from geoml_cli.cli import console, options
from geoml_cli.cli.steps import flags_of, run_step

_Folder = Annotated[Path, typer.Option("--folder", help="Where everything goes.")]
_Seed = Annotated[int, typer.Option("--seed", min=0, max=10_000, help="Of the synthetic data.")]


def demo(
    model: options.OptionalModel = "soc",
    folder: _Folder = Path("geoml-demo"),
    seed: _Seed = 1,
    dry_run: options.DryRun = False,
    quiet: options.Quiet = False,
) -> None:
    """Make small raw files in the real formats and run prepare, train, evaluate, predict and export on them."""
    plan = registry.card(model).demo
    raw = folder / "raw" / plan.source
    if dry_run:
        console.plan([], [raw, folder / "data", folder / "runs"])
        return
    reporter = console.Terminal(quiet=quiet)
    raw.mkdir(parents=True, exist_ok=True)
    chosen = registry.source(plan.source).synthetic(raw, seed)
    flags = flags_of(chosen.model_dump(mode="json", exclude_defaults=True))
    steps = [
        ["prepare", plan.source, str(raw), *flags],
        *([verb.format(out=folder) for verb in s] for s in plan.steps),
    ]
    # Commands that are typed find data and runs of the demo by these, as those that are run here do.
    reporter.info(f"$ {shlex.join(('export', f'GEOML_DATA={folder}/data', f'GEOML_RUNS={folder}/runs'))}")
    for step in steps:
        reporter.info(f"\n$ geoml {shlex.join(step)}")
        run_step([*step, *(["--quiet"] if quiet else [])], folder)
    console.line("")
    console.table(("made", "file"), _made(sorted((folder / "runs" / model).glob("*/*/run.json"))[-1].parent))


_BESIDE = {".png": "figure", ".gif": "figure", ".qml": "style"}
"""What stands next to a prediction, by suffix."""


def _made(run: Path) -> list[tuple[str, str]]:
    """Name what a user looks at first."""
    rows = [("report", str(run / "evaluation" / "test" / "report.html"))]
    predictions = sorted((run / "predictions").glob("[!.]*"))
    rows += [(_BESIDE.get(path.suffix, path.stem), str(path)) for path in predictions]
    return [*rows, *(("export", str(path)) for path in sorted((run / "export").glob("[!.]*")))]
