"""`geoml evaluate MODEL|RUN`."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from geoml_cli.cli import console, options
from geoml_cli.cli.targets import dataset_of, run_of

if TYPE_CHECKING:
    from geoml_cli.dataset.store import Dataset
    from geoml_cli.runs.run import Run


class Part(str, Enum):
    """Rows of a split."""

    test = "test"
    validation = "validation"
    train = "train"


_Split = Annotated[Part, typer.Option("--split", help="Rows to evaluate on.")]


def evaluate(
    target: options.Target,
    preset: options.Preset = None,
    split: _Split = Part.test,
    assignments: options.Assignments = None,
    data: options.Data = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Score a run on held-out rows, beside baselines trained on the same rows; write tables, figures and a report."""
    run = run_of(target, preset, options.only("evaluate", assignments))
    dataset = dataset_of(run, data)
    if dry_run:
        console.plan([run.folder, dataset.folder], [run.evaluation(split.value)])
        return
    from geoml_cli.inference.load import settings_of
    from geoml_cli.stages.evaluate import evaluate as stage

    if "" not in run.data().signatures:
        _parts(run, dataset, split.value, (as_json, quiet))
        return
    done = stage(run, dataset, settings_of(run), split.value, console.Terminal(quiet=quiet))
    if as_json:
        console.document(done.document)
        return
    console.table(done.headers, done.rows, title=f"{run.id}, {split.value} rows")
    for sentence in done.sentences:
        console.line(sentence)
    console.line(f"report: {done.report}")


def _parts(run: Run, dataset: Dataset, split: Literal["test", "validation", "train"], how: tuple[bool, bool]) -> None:
    """Evaluate a model of several networks, and show each of them and their chain."""
    from geoml_cli.inference.load import settings_of
    from geoml_cli.stages.evaluate_parts import evaluate_parts

    as_json, quiet = how
    done = evaluate_parts(run, dataset, settings_of(run), split, console.Terminal(quiet=quiet))
    if as_json:
        console.document(done.document)
        return
    for part in done.parts:
        console.table(part.headers, part.rows, title=f"{run.id}, {part.title}, {split} rows")
        for sentence in part.sentences:
            console.line(sentence)
        console.line("")
    if done.chain.scores:
        rows = [
            (name, score.value, score.unit if score.unit != "1" else "") for name, score in done.chain.scores.items()
        ]
        console.table(("both stages", "value", "unit"), rows)
    console.line(f"report: {done.report}")
