"""`report.html`: an evaluation for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from geoml_cli.evaluation.across_stations import summary_tables
from geoml_cli.evaluation.class_accuracy import class_table
from geoml_cli.evaluation.collocation import collocation_table
from geoml_cli.evaluation.figures import FigureSet
from geoml_cli.evaluation.first_table import combined_table, first_table
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.notes import pooling
from geoml_cli.evaluation.report_facts import funnel_table, settings_table
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.evaluation.score_tables import audit_table, members_table, pipeline_table, score_tables
from geoml_cli.evaluation.station_series import sums_table
from geoml_cli.evaluation.wide_tables import file_of, group_tables, station_table
from geoml_cli.figures.report import Report, ReportFigure, ReportTable, render
from geoml_cli.version import __version__

_MAP_OR_SERIES = ("series", "residual_map", "example", "station_maps")
"""How the names of figures of a map or a series begin, the first of which belongs to the first screen."""


@dataclass(frozen=True)
class NetworkReport:
    """The evaluation of one network as it was written.

    Attributes:
        folder: Holds metrics.json, the CSV files, figures and report.html.
        result: What was found.
        document: The content of metrics.json.
        figures: Of the report.
        tables: Of the report.
        lead: The first of them.
    """

    folder: Path
    result: EvaluationResult
    document: dict[str, Any]
    figures: FigureSet
    tables: Sequence[ReportTable]
    lead: ReportTable

    @property
    def report(self) -> Path:
        """Return the report's path."""
        return self.folder / "report.html"

    @property
    def sentences(self) -> list[str]:
        """Return what the table of scores does not say by itself."""
        skipped = self.result.baselines.skipped
        intervals = self.result.intervals
        return [self.result.summary, *([intervals.summary] if intervals else []), *([skipped] if skipped else [])]


def html_report(inputs: EvaluationInputs, result: EvaluationResult, figures: FigureSet) -> str:
    """Return the report of one network as HTML."""
    report = Report(
        title=f"{inputs.name}: evaluation on {inputs.subset} rows",
        summary=result.headline,
        facts=_facts(inputs, result),
        warnings=result.notes,
        tables=report_tables(inputs, result),
        figures=_lead_first(figures),
        missing=figures.missing,
        lead=lead_table(inputs, result),
    )
    return render(report)


def _lead_first(figures: FigureSet) -> list[ReportFigure]:
    """Put observed against predicted first, then a map or a series; the others stay in order."""
    names = list(figures.figures)
    shown = [name for word in _MAP_OR_SERIES for name in names[1:] if name.startswith(word)]
    lead = [*names[:1], *shown[:1]]
    return [figures.figures[name] for name in (*lead, *(name for name in names if name not in lead))]


def combined_report(
    first: EvaluationInputs, networks: Mapping[str, NetworkReport], pipeline: EvaluationResult | None
) -> str:
    """Put what matters of every network on one page; each network has a page of its own as well."""
    run = first.run
    tables = pipeline_tables(pipeline) if pipeline else []
    for name, one in networks.items():
        own = [_filed(table, f"{name}/") for table in one.tables]
        tables += [replace(table, title=f"{table.title}: {name}") for table in own]
    report = Report(
        title=f"{run.model}: evaluation on {first.subset} rows",
        summary=" ".join(f"{name.capitalize()}: {one.result.shortest}" for name, one in networks.items()),
        facts=[
            ("Run", run.id),
            ("Preset", run.preset),
            *((f"Comparison: {name}", one.result.summary) for name, one in networks.items()),
            ("Made by", f"geoml {__version__}"),
        ],
        warnings=[f"{name}: {note}" for name, one in networks.items() for note in one.result.notes],
        tables=tables,
        figures=_first_of_each({name: _lead_first(one.figures) for name, one in networks.items()}),
        missing=[f"{name}: {text}" for name, one in networks.items() for text in one.figures.missing],
        lead=_filed(combined_table({name: one.lead for name, one in networks.items()})),
    )
    return render(report)


def _first_of_each(figures: Mapping[str, Sequence[ReportFigure]]) -> list[ReportFigure]:
    """Put the first figure of each network before the others."""
    named = {name: [replace(one, title=f"{one.title}: {name}") for one in own] for name, own in figures.items()}
    return [*(own[0] for own in named.values() if own), *(one for own in named.values() for one in own[1:])]


def lead_table(inputs: EvaluationInputs, result: EvaluationResult) -> ReportTable:
    """Return the report's first table."""
    return _filed(first_table(inputs, result))


def report_tables(inputs: EvaluationInputs, result: EvaluationResult) -> list[ReportTable]:
    """Return the report's tables."""
    tables = [
        *score_tables(result),
        *class_table(result.classes),
        *summary_tables(inputs, result),
        *station_table(result),
        *sums_table(result.series),
        *([collocation_table(result.collocation)] if result.collocation else []),
        *group_tables(result),
        members_table(result),
        *audit_table(result),
        funnel_table(inputs),
        settings_table(inputs),
    ]
    return [_filed(table) for table in tables]


def pipeline_tables(result: EvaluationResult) -> list[ReportTable]:
    """Return the scores of several networks one after another, and those by group."""
    return [_filed(table) for table in (pipeline_table(result), *group_tables(result))]


def _filed(table: ReportTable, folder: str = "") -> ReportTable:
    """Name the CSV file that holds a table, next to the report or in a folder there."""
    return replace(table, file=f"{folder}{file_of(table.title)}")


def _facts(inputs: EvaluationInputs, result: EvaluationResult) -> list[tuple[str, str]]:
    target, manifest, bootstrap = inputs.task.target, inputs.dataset.manifest, inputs.bootstrap
    return [
        ("Run", inputs.run.id),
        ("Preset", inputs.run.preset),
        ("Target", f"{target.name} [{target.unit}]"),
        *([("Comparison", result.summary)] if result.claims else []),
        ("Rows", f"{inputs.subset}: {result.network.rows} predictions of {result.pooled.samples} samples"),
        ("Groups", str(result.network.groups)),
        ("Pooling", pooling(inputs)),
        (
            "Intervals",
            f"95 %, percentile bootstrap over groups, {bootstrap.draws} draws, seed {bootstrap.seed}",
        ),
        ("Data", f"{manifest.source}, digest {manifest.digest()}"),
        ("Made by", f"geoml {__version__}"),
    ]
