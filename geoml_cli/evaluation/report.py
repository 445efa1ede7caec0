"""`report.html`: an evaluation for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from geoml_cli.evaluation.across_stations import summary_tables
from geoml_cli.evaluation.collocation import collocation_table
from geoml_cli.evaluation.comparison import p_text
from geoml_cli.evaluation.figures import FigureSet
from geoml_cli.evaluation.groupwise import GroupScores
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.notes import pooling
from geoml_cli.evaluation.report_facts import funnel_table, settings_table
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.evaluation.scores import ModelScores
from geoml_cli.figures.report import Report, ReportFigure, ReportTable, render
from geoml_cli.tasks.task import format_number
from geoml_cli.version import __version__

_MAP_OR_SERIES = ("station-", "residual_map", "example", "station_maps")
"""Parts of the names of figures of a map or a series, one of which belongs to the first screen."""
_FEWEST = 2
"""Rows of a group that can be scored by a correlation."""
_MOST_SHOWN = 60
"""Groups of a quantity that a page shows; per_group.csv holds all."""


@dataclass(frozen=True)
class NetworkReport:
    """The evaluation of one network as it was written.

    Attributes:
        folder: Holds metrics.json, the CSV files, figures and report.html.
        result: What was found.
        document: The content of metrics.json.
        figures: Of the report.
        tables: Of the report.
    """

    folder: Path
    result: EvaluationResult
    document: dict[str, Any]
    figures: FigureSet
    tables: Sequence[ReportTable]

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
        summary=result.summary,
        facts=_facts(inputs, result),
        warnings=result.notes,
        tables=report_tables(inputs, result),
        figures=_lead_first(figures),
        missing=figures.missing,
        lead=_lead(inputs, result),
    )
    return render(report)


def _lead_first(figures: FigureSet) -> list[ReportFigure]:
    """Put observed against predicted first, then a map or a series; the others stay in order."""
    names = list(figures.figures)
    shown = [name for name in names if any(word in name for word in _MAP_OR_SERIES)]
    lead = [*names[:1], *[name for name in shown if name not in names[:1]][:1]]
    return [figures.figures[name] for name in (*lead, *(name for name in names if name not in lead))]


def _lead(inputs: EvaluationInputs, result: EvaluationResult) -> ReportTable:
    """Return score, coverage and baselines on single lines."""
    columns, rows = claim_table(result) if result.claims else summary_table(result)
    caption = (
        f"{inputs.subset.capitalize()} rows, {result.network.groups} groups; 95 % bootstrap intervals over groups."
    )
    if result.intervals is not None:
        caption += f" {result.intervals.summary}"
    return ReportTable("Scores and coverage", caption, columns, rows)


def combined_report(
    first: EvaluationInputs, networks: Mapping[str, NetworkReport], pipeline: EvaluationResult | None
) -> str:
    """Put what matters of every network on one page; each network has a page of its own as well."""
    run = first.run
    tables = pipeline_tables(pipeline) if pipeline else []
    for name, one in networks.items():
        tables += [replace(table, title=f"{table.title}: {name}") for table in one.tables]
    report = Report(
        title=f"{run.model}: evaluation on {first.subset} rows",
        summary=" ".join(f"{name.capitalize()}: {one.result.summary}" for name, one in networks.items()),
        facts=[("Run", run.id), ("Preset", run.preset), ("Made by", f"geoml {__version__}")],
        warnings=[f"{name}: {note}" for name, one in networks.items() for note in one.result.notes],
        tables=tables,
        figures=[
            replace(figure, title=f"{figure.title}: {name}")
            for name, one in networks.items()
            for figure in one.figures.figures.values()
        ],
        missing=[f"{name}: {text}" for name, one in networks.items() for text in one.figures.missing],
    )
    return render(report)


def report_tables(inputs: EvaluationInputs, result: EvaluationResult) -> list[ReportTable]:
    """Return the report's tables."""
    return [
        *_claim_tables(result),
        _beside(result),
        *_intervals(result),
        *summary_tables(inputs, result),
        *([collocation_table(result.collocation)] if result.collocation else []),
        *_group_tables(result),
        _members(result),
        *_audit(result),
        funnel_table(inputs),
        settings_table(inputs),
    ]


def summary_table(result: EvaluationResult) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows of the network and its baselines, narrow enough for a terminal.

    The first score comes with its interval; metrics.json holds those of the others.
    """
    rows = []
    for compared in result.baselines.comparisons:
        gap = compared.comparison
        difference = _bounded(gap.difference, gap.interval.low, gap.interval.high)
        rows.append([compared.baseline.name, *_narrow(compared.baseline), difference, p_text(gap.p_value)])
    rows.insert(result.baselines.references, [result.network.name, *_narrow(result.network), "", ""])
    return ["", *_heads(result.network), f"{result.task.ranking.name} difference", "Wilcoxon"], rows


def pipeline_tables(result: EvaluationResult) -> list[ReportTable]:
    """Return the scores of several networks one after another, and those by group."""
    caption = "All networks one after another, on test rows that none has seen, with 95 % bootstrap intervals."
    rows = [
        [name, _bounded(s.value, s.low, s.high), s.unit if s.unit != "1" else ""]
        for name, s in result.network.scores.items()
    ]
    return [ReportTable("The networks together", caption, ["Score", "Value", "Unit"], rows), *_group_tables(result)]


def _facts(inputs: EvaluationInputs, result: EvaluationResult) -> list[tuple[str, str]]:
    target, manifest, bootstrap = inputs.task.target, inputs.dataset.manifest, inputs.bootstrap
    return [
        ("Run", inputs.run.id),
        ("Preset", inputs.run.preset),
        ("Target", f"{target.name} [{target.unit}]"),
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


def _beside(result: EvaluationResult) -> ReportTable:
    ranking = result.task.ranking.name
    columns = ["", *_heads(result.network), f"{ranking} difference", "Wilcoxon"]
    rows = []
    for compared in result.baselines.comparisons:
        gap = compared.comparison
        difference = _bounded(gap.difference, gap.interval.low, gap.interval.high)
        rows.append([compared.baseline.name, *_cells(compared.baseline), difference, p_text(gap.p_value)])
    rows.insert(result.baselines.references, [f"{result.network.name} (network)", *_cells(result.network), "", ""])
    kinds = " ".join(f"{one.baseline.name}: {one.description}." for one in result.baselines.comparisons)
    caption = (
        "In brackets: 95 % intervals. Baselines were fitted on the training rows of each fold, under the "
        "network's transform of the target; they were not given the validation rows, which chose its "
        f"checkpoints. Difference: {ranking} of the network minus the baseline's "
        f"[{result.task.ranking_label}]; below zero the network is better. Wilcoxon: signed-rank test of the groups' "
        f"mean absolute errors, network against baseline; p-values are Holm's for the number of baselines. {kinds}"
    )
    return ReportTable("Network and baselines", caption, columns, rows)


def claim_table(result: EvaluationResult) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows of the network and its baselines on the rows that are unseen in each way."""
    rows = []
    for claim in result.claims:
        count = f"{claim.network.groups} x {claim.resampled}"
        rows.append([claim.name, count, claim.network.name, *_narrow(claim.network), "", ""])
        for compared in claim.baselines:
            gap = compared.comparison
            difference = _bounded(gap.difference, gap.interval.low, gap.interval.high)
            rows.append(["", "", compared.baseline.name, *_narrow(compared.baseline), difference, p_text(gap.p_value)])
    ranking = result.task.ranking.name
    return ["Rows of a", "Resampled", "", *_heads(result.network), f"{ranking} difference", "Wilcoxon"], rows


def _intervals(result: EvaluationResult) -> list[ReportTable]:
    found = result.intervals
    if found is None:
        return []
    names = [name if score.unit == "1" else f"{name} [{score.unit}]" for name, score in found.scores.items()]
    rows = [["", "all", str(found.rows), *(_bounded(s.value, s.low, s.high) for s in found.scores.values())]]
    rows += [
        [o.quantity, o.name, str(o.rows), *map(format_number, o.scores.values())] for o in found.each[:_MOST_SHOWN]
    ]
    hidden = len(found.each) - _MOST_SHOWN
    more = f" {hidden} more lines are in intervals.csv." if hidden > 0 else ""
    return [ReportTable("Prediction intervals", found.summary + more, ["Rows of", "", "n", *names], rows)]


def _claim_tables(result: EvaluationResult) -> list[ReportTable]:
    if not result.claims:
        return []
    caption = (
        "Rows of a station, of a year, or of both that the network of their fold was not trained on; intervals and "
        "tests resample what is named. They answer different questions, and the numbers over all rows below mix them."
    )
    return [ReportTable("By what is unseen", caption, *claim_table(result))]


def _members(result: EvaluationResult) -> ReportTable:
    columns = ["Member", "Fold", "Seed", "n", *_heads(result.network)]
    rows = [
        [member.name, member.fold, str(member.seed), str(scores.rows), *_cells(scores)]
        for member, scores in zip(result.members, result.member_scores, strict=True)
    ]
    return ReportTable("Members", "Every network on its own rows, with 95 % intervals.", columns, rows)


def _group_tables(result: EvaluationResult) -> list[ReportTable]:
    """Return the scores by group, a table for each quantity."""
    by_quantity: dict[str, list[GroupScores]] = {}
    for group in result.groupwise:
        by_quantity.setdefault(group.quantity, []).append(group)
    return [_group_table(quantity, groups) for quantity, groups in by_quantity.items()]


def _group_table(quantity: str, groups: list[GroupScores]) -> ReportTable:
    models = len({group.model for group in groups})
    shown = [group for group in groups if group.rows >= _FEWEST][: _MOST_SHOWN * models]
    rows = [[g.name, g.model, str(g.rows), *map(format_number, g.scores.values())] for g in shown]
    caption = "Scores on the rows of each group: they say more about it than those of all rows."
    if hidden := len(groups) - len(shown):
        caption += f" {hidden} more lines are in per_group.csv."
    return ReportTable(f"By {quantity}", caption, [quantity, "Model", "n", *groups[0].scores], rows)


def _audit(result: EvaluationResult) -> list[ReportTable]:
    if not result.audit:
        return []
    rows = [[line.name, line.outcome, str(line.count), line.detail] for line in result.audit]
    caption = "Whether anything of the test rows reached training; count: rows or variables, over all folds."
    return [ReportTable("Audit of the splits", caption, ["Asked for", "Outcome", "Count", "Detail"], rows)]


def _heads(scores: ModelScores) -> list[str]:
    return [name if score.unit == "1" else f"{name} [{score.unit}]" for name, score in scores.scores.items()]


def _cells(scores: ModelScores) -> Sequence[str]:
    return [_bounded(score.value, score.low, score.high) for score in scores.scores.values()]


def _narrow(scores: ModelScores) -> list[str]:
    first, *others = scores.scores.values()
    return [_bounded(first.value, first.low, first.high), *(format_number(score.value) for score in others)]


def _bounded(value: float, low: float, high: float) -> str:
    return f"{format_number(value)} [{format_number(low)}, {format_number(high)}]"
