"""`geoml evaluate MODEL|RUN`."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from geoml_cli.cli import console, options
from geoml_cli.cli.targets import dataset_of, run_of

if TYPE_CHECKING:
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
_Split = Annotated[Subset, typer.Option("--split", help="Rows to evaluate on.")]


def evaluate(
    target: options.Target,
    preset: options.Preset = None,
    split: _Split = Subset.test,
    assignments: options.Assignments = None,
    stations: _Stations = None,
    data: options.Data = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Score a run on held-out rows, with baselines trained on the same rows; write tables, figures and a report."""
    drawn = [f"evaluate.stations={json.dumps(stations)}"] if stations else []
    reporter = console.Terminal(quiet=quiet)
    run = run_of(target, preset, options.only(("evaluate", "predict"), [*(assignments or ()), *drawn]), reporter)
    dataset = dataset_of(run, data)
    if dry_run:
        console.plan([run.folder, dataset.folder], [run.evaluation(split.value)], as_json=as_json)
        return
    from geoml_cli.inference.load import settings_of
    from geoml_cli.stages.evaluate import evaluate as stage

    done = stage(run, dataset, settings_of(run), split.value, reporter)
    if as_json:
        console.document(done.document)
        return
    _show(done, f"{run.id}, {split.value} rows")


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
