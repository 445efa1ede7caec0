"""Tables of scores: network and baselines, over all rows and by what is unseen, members, intervals, the audit."""

from __future__ import annotations

from collections.abc import Sequence

from geoml_cli.evaluation.comparison import BaselineComparison, p_text
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.evaluation.scores import ModelScores
from geoml_cli.figures.report import ReportTable
from geoml_cli.work.numbers import bounded, format_number

_MOST_SHOWN = 60
"""Groups that a page shows; intervals.csv holds all."""


def summary_table(result: EvaluationResult) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows of the network and its baselines, narrow enough for a terminal.

    The first score comes with its interval; metrics.json holds those of the others.
    """
    rows = [[one.baseline.name, *_narrow(one.baseline), *_difference(one)] for one in result.baselines.comparisons]
    rows.insert(result.baselines.references, [result.network.name, *_narrow(result.network), "", ""])
    return ["", *heads(result), _difference_head(result), "Wilcoxon"], rows


def claim_table(result: EvaluationResult) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows of the network and its baselines on the rows that are unseen in each way."""
    rows = []
    for claim in result.claims:
        count = f"{claim.network.groups} x {claim.resampled}"
        rows.append([claim.name, count, claim.network.name, *_narrow(claim.network), "", ""])
        rows += [["", "", one.baseline.name, *_narrow(one.baseline), *_difference(one)] for one in claim.baselines]
    return ["Rows of a", "Resampled", "", *heads(result), _difference_head(result), "Wilcoxon"], rows


def score_tables(result: EvaluationResult) -> list[ReportTable]:
    """Return the tables of scores over many rows, those by what is unseen first."""
    return [*_claims(result), _baselines(result), *_intervals(result)]


def _claims(result: EvaluationResult) -> list[ReportTable]:
    if not result.claims:
        return []
    caption = (
        "Rows of a station, of a year, or of both that the network of their fold was not trained on; intervals and "
        "tests resample what is named. They answer different questions, and the numbers over all rows below mix them."
    )
    return [ReportTable("Claims", caption, *claim_table(result))]


def _baselines(result: EvaluationResult) -> ReportTable:
    ranking = result.task.ranking.name
    rows = [[one.baseline.name, *_cells(one.baseline), *_difference(one)] for one in result.baselines.comparisons]
    rows.insert(result.baselines.references, [f"{result.network.name} (network)", *_cells(result.network), "", ""])
    kinds = " ".join(f"{one.baseline.name}: {one.description}." for one in result.baselines.comparisons)
    caption = (
        "In brackets: 95 % intervals. Baselines were fitted on the training rows of each fold, under the "
        "network's transform of the target; they were not given the validation rows, which chose its "
        f"checkpoints. Difference: {ranking} of the network minus the baseline's "
        f"[{result.task.ranking_label}]; below zero the network is better. Wilcoxon: signed-rank test of the groups' "
        f"mean absolute errors, network against baseline; p-values are Holm's for the number of baselines. {kinds}"
    )
    return ReportTable("Baselines", caption, ["", *heads(result), _difference_head(result), "Wilcoxon"], rows)


def _intervals(result: EvaluationResult) -> list[ReportTable]:
    found = result.intervals
    if found is None:
        return []
    names = [with_unit(name, score.unit_in(result.task)) for name, score in found.scores.items()]
    rows = [["", "all", str(found.rows), *(bounded(s.value, s.low, s.high) for s in found.scores.values())]]
    rows += [
        [o.quantity, o.name, str(o.rows), *map(format_number, o.scores.values())] for o in found.each[:_MOST_SHOWN]
    ]
    hidden = len(found.each) - _MOST_SHOWN
    more = f" {hidden} more lines are in intervals.csv." if hidden > 0 else ""
    return [ReportTable("Intervals", found.summary + more, ["Rows of", "", "n", *names], rows)]


def members_table(result: EvaluationResult) -> ReportTable:
    """Return the scores of every member."""
    columns = ["Member", "Fold", "Seed", "n", *heads(result)]
    rows = [
        [member.name, member.fold, str(member.seed), str(scores.rows), *_cells(scores)]
        for member, scores in zip(result.members, result.member_scores, strict=True)
    ]
    return ReportTable("Members", "Every network on its own rows, with 95 % intervals.", columns, rows)


def pipeline_table(result: EvaluationResult) -> ReportTable:
    """Return the scores of several networks one after another."""
    caption = "All networks one after another, on test rows that none has seen, with 95 % bootstrap intervals."
    rows = [
        [name, bounded(s.value, s.low, s.high), s.unit_in(result.task)] for name, s in result.network.scores.items()
    ]
    return ReportTable("Pipeline", caption, ["Score", "Value", "Unit"], rows)


def audit_table(result: EvaluationResult) -> list[ReportTable]:
    """Return what the audit of the splits found."""
    if not result.audit:
        return []
    rows = [[line.name, line.outcome, str(line.count), line.detail] for line in result.audit]
    caption = "Whether anything of the test rows reached training; count: rows or variables, over all folds."
    return [ReportTable("Audit", caption, ["Asked for", "Outcome", "Count", "Detail"], rows)]


def with_unit(name: str, unit: str) -> str:
    """Head a column of scores."""
    return f"{name} [{unit}]" if unit else name


def heads(result: EvaluationResult) -> list[str]:
    """Name the scores, with units."""
    return [with_unit(name, score.unit_in(result.task)) for name, score in result.network.scores.items()]


def _difference_head(result: EvaluationResult) -> str:
    return f"{result.task.ranking.name} difference"


def _difference(compared: BaselineComparison) -> list[str]:
    gap = compared.comparison
    return [bounded(gap.difference, *gap.interval), p_text(gap.p_value)]


def _cells(scores: ModelScores) -> Sequence[str]:
    return [bounded(score.value, score.low, score.high) for score in scores.scores.values()]


def _narrow(scores: ModelScores) -> list[str]:
    first, *others = scores.scores.values()
    return [bounded(first.value, first.low, first.high), *(format_number(score.value) for score in others)]
