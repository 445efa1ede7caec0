"""A comparison of runs as tables, as JSON and as one HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from geoml_cli.dataset.files import write_text
from geoml_cli.errors import SettingsError
from geoml_cli.evaluation.comparison import p_text
from geoml_cli.evaluation.run_comparison import Pair, RunComparison
from geoml_cli.evaluation.score_tables import with_unit
from geoml_cli.evaluation.scores import ModelScores
from geoml_cli.figures.report import Report, ReportTable, render
from geoml_cli.version import __version__
from geoml_cli.work.numbers import bounded, format_number
from geoml_cli.writers.chunk_store import require_writable

_SUFFIXES = (".html", ".htm")


def run_table(comparison: RunComparison) -> ReportTable:
    """Return the scores of every run on the rows that all have."""
    first = comparison.runs[0]
    columns = ["Run", *(_head(comparison, name, first) for name in first.scores)]
    rows = [
        [run.name, *(bounded(score.value, score.low, score.high) for score in run.scores.values())]
        for run in comparison.runs
    ]
    caption = (
        f"{first.rows} test rows that all runs have in common; in brackets 95 % intervals over {_groups(comparison)}."
    )
    return ReportTable("Runs", caption, columns, rows)


def pair_table(comparison: RunComparison) -> ReportTable:
    """Return how every two runs differ."""
    unit = comparison.task.ranking_label
    rows = [[pair.first, pair.second, *_difference(pair), _better(pair)] for pair in comparison.pairs]
    columns = ["First", "Second", f"{comparison.task.ranking.name} difference [{unit}]", "Wilcoxon", "Better"]
    caption = (
        f"First minus second, below zero the first is better; 95 % intervals over {_groups(comparison)} on the same "
        "draws. Wilcoxon: signed-rank test of the groups' mean absolute errors, p-values are Holm's for the number of "
        "pairs. Better: where the interval leaves out zero and the test (p <= 0.05) favours the same run."
    )
    return ReportTable("Pairs of runs", caption, columns, rows)


def group_tables(comparison: RunComparison) -> list[ReportTable]:
    """Return the ranking score of every run by group, and how the others differ from the first."""
    names = [run.name for run in comparison.runs]
    label = f"{comparison.task.ranking.name} [{comparison.task.ranking_label}]"
    columns = ["n", *(f"{name}: {label}" for name in names), *(f"{names[0]} minus {name}" for name in names[1:])]
    tables = []
    for quantity in dict.fromkeys(group.quantity for group in comparison.groups):
        rows = [
            [
                group.name,
                str(group.rows),
                *(format_number(value) for value in group.scores.values()),
                *(", ".join(filter(None, _difference(pair))) for pair in group.pairs),
            ]
            for group in comparison.groups
            if group.quantity == quantity
        ]
        caption = f"Rows of each {quantity}; p-values are Holm's for all groups and runs of the table."
        tables.append(ReportTable(f"Runs by {quantity}", caption, [quantity, *columns], rows))
    return tables


def document(comparison: RunComparison) -> dict[str, Any]:
    """Return a comparison as JSON has it, with all digits."""
    return {
        "target": {"name": comparison.task.target.name, "unit": comparison.task.target.unit},
        "ranking": {"name": comparison.task.ranking.name, "unit": comparison.task.ranking_label},
        "rows": comparison.runs[0].rows,
        "groups": {"of": comparison.group, "count": comparison.runs[0].groups},
        "tested": dict(comparison.tested),
        "runs": {
            run.name: {
                name: {"value": score.value, "low": score.low, "high": score.high, "unit": score.unit}
                for name, score in run.scores.items()
            }
            for run in comparison.runs
        },
        "pairs": [_pair(pair) for pair in comparison.pairs],
        "by_group": [
            {
                "quantity": group.quantity,
                "group": group.name,
                "rows": group.rows,
                "groups": group.groups,
                "scores": dict(group.scores),
                "pairs": [_pair(pair) for pair in group.pairs],
            }
            for group in comparison.groups
        ],
        "notes": list(comparison.notes),
    }


def require_page(out: Path) -> None:
    """Refuse a file that is no page, or cannot be written.

    Raises:
        SettingsError: Its suffix is another one.
        DataError: It cannot be written there.
    """
    if out.suffix.lower() not in _SUFFIXES:
        raise SettingsError(f"{out.name} is no HTML page.", where="--out", fix="Use .html; --json gives JSON.")
    require_writable(out)


def write_page(out: Path, comparisons: Mapping[str, RunComparison]) -> None:
    """Write a comparison of every network as one page that needs nothing else."""
    tables = [
        replace(table, title=f"{table.title}: {name}") if name else table
        for name, one in comparisons.items()
        for table in (run_table(one), pair_table(one), *group_tables(one))
    ]
    first = next(iter(comparisons.values()))
    report = Report(
        title=f"Comparison of {len(first.runs)} runs",
        summary=" ".join(sentence(one) for one in comparisons.values()),
        facts=[
            ("Runs", ", ".join(run.name for run in first.runs)),
            ("Target", f"{first.task.target.name} [{first.task.target.unit}]"),
            ("Rows", f"{first.runs[0].rows} that all runs test"),
            ("Groups", _groups(first)),
            ("Made by", f"geoml {__version__}"),
        ],
        warnings=[note for one in comparisons.values() for note in one.notes],
        tables=tables,
        figures=[],
        missing=[],
    )
    write_text(out, render(report))


def sentence(comparison: RunComparison) -> str:
    """Say which run has the best score, and from which of the others it is not shown to differ."""
    best = min(comparison.runs, key=lambda run: run.ranking)
    unit, by = comparison.task.ranking_label, comparison.task.ranking.name
    others = [pair for pair in comparison.pairs if best.name in (pair.first, pair.second)]
    alike = [pair.second if pair.first == best.name else pair.first for pair in others if _better(pair) == ""]
    text = f"{best.name} has the lowest {by} ({format_number(best.ranking)} {unit})"
    return f"{text}; no difference is shown from {', '.join(alike)}." if alike else f"{text}, lower than all others."


def _head(comparison: RunComparison, name: str, run: ModelScores) -> str:
    return with_unit(name, run.scores[name].unit_in(comparison.task))


def _groups(comparison: RunComparison) -> str:
    return f"{comparison.runs[0].groups} groups ({comparison.group})"


def _difference(pair: Pair) -> Sequence[str]:
    gap = pair.comparison
    return bounded(gap.difference, gap.interval.low, gap.interval.high), p_text(gap.p_value)


def _better(pair: Pair) -> str:
    return {"first": pair.first, "second": pair.second, "none": ""}[pair.comparison.better]


def _pair(pair: Pair) -> dict[str, Any]:
    gap = pair.comparison
    return {
        "first": pair.first,
        "second": pair.second,
        "difference": gap.difference,
        "low": gap.interval.low,
        "high": gap.interval.high,
        "p_holm": gap.p_value,
        "groups": gap.groups,
        "better": _better(pair) or None,
    }
