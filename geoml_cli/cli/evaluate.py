"""`geoml evaluate MODEL|RUN`."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from geoml_cli.cli import console, options
from geoml_cli.cli.shared_work import Scheduler, refuse_together
from geoml_cli.cli.targets import dataset_of, run_of
from geoml_cli.work.pieces import part_of

if TYPE_CHECKING:
    from geoml_cli.evaluation.pieces import PartOutcome
    from geoml_cli.runs.run import Run
    from geoml_cli.stages.evaluate import Evaluation


class Subset(StrEnum):
    """Rows of a split."""

    test = "test"
    validation = "validation"
    train = "train"


_Stations = Annotated[
    list[str] | None,
    typer.Option("--stations", help="A station whose series is drawn; repeatable.", show_default=False),
]
_Part = Annotated[
    str | None,
    typer.Option(
        "--part", metavar="K/N", help="Compute this part of what the scores need; no scores yet.", show_default=False
    ),
]
_Finish = Annotated[bool, typer.Option("--finish", help="Score from finished parts.")]
_Split = Annotated[Subset, typer.Option("--split", help="Rows to evaluate on.")]


def evaluate(
    target: options.Target,
    preset: options.Preset = None,
    split: _Split = Subset.test,
    assignments: options.Assignments = None,
    stations: _Stations = None,
    data: options.Data = None,
    part: _Part = None,
    finish: _Finish = False,
    scheduler: Scheduler = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Score a run on held-out rows, with baselines trained on the same rows; write tables, figures and a report."""
    refuse_together(part, finish, scheduler)
    drawn = [f"evaluate.stations={json.dumps(stations)}"] if stations else []
    reporter = console.Terminal(quiet=quiet)
    run = run_of(target, preset, options.only(("evaluate", "predict"), [*(assignments or ()), *drawn]), reporter)
    dataset = dataset_of(run, data)
    if dry_run:
        written = run.evaluation(split.value) if part is None else run.kept(split.value)
        console.plan([run.folder, dataset.folder], [written], as_json=as_json)
        return
    from geoml_cli.inference.load import settings_of
    from geoml_cli.stages import evaluate as stage

    if part is not None:
        _show_part(run, stage.evaluate_part(run, dataset, split.value, part_of(part), reporter), as_json)
        return
    if finish:
        done = stage.finish(run, dataset, split.value, reporter)
    elif scheduler is not None:
        done = stage.evaluate_on(run, dataset, split.value, scheduler, reporter)
    else:
        done = stage.evaluate(run, dataset, settings_of(run), split.value, reporter)
    if as_json:
        console.document(done.document)
        return
    _show(done, f"{run.id}, {split.value} rows")


def _show_part(run: Run, done: PartOutcome, as_json: bool) -> None:
    if as_json:
        console.document({"run": str(run.folder), "part": str(done.part), "pieces": done.pieces, "made": done.made})
        return
    console.line(f"part {done.part}: {done.pieces} pieces, {done.made} made now; --finish scores them")


def _show(done: Evaluation, title: str) -> None:
    """Print each network with its baselines, then the networks together."""
    from geoml_cli.evaluation.score_tables import claim_table, pipeline_table, summary_table

    for name, network in done.networks.items():
        if network.result.claims:
            console.table(*claim_table(network.result), title=f"{title}: by what is unseen")
        columns, rows = summary_table(network.result)
        console.table(columns, rows, title=f"{title}: {name}" if name else title)
        for sentence in network.sentences:
            console.line(sentence)
    if done.pipeline is not None:
        together = pipeline_table(done.pipeline)
        console.line("")
        console.table(together.columns, together.rows, title=together.title)
    console.line(f"report: {done.report}")
