"""`report.html`: an evaluation for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from geoml_cli.config.settings import SharedTables
from geoml_cli.evaluation.outcome import Outcome, pooling, warnings
from geoml_cli.evaluation.pictures import Gallery
from geoml_cli.evaluation.scores import Scored, number, p_text
from geoml_cli.evaluation.strata import strata_table
from geoml_cli.evaluation.subject import Subject
from geoml_cli.figures.report import Report, Table, render
from geoml_cli.version import __version__


def page(subject: Subject, outcome: Outcome, gallery: Gallery) -> str:
    """Return the report as HTML."""
    report = Report(
        title=f"{subject.name}: evaluation on {subject.part} rows",
        verdict=outcome.verdict,
        facts=_facts(subject, outcome),
        warnings=warnings(subject, outcome),
        tables=tables(subject, outcome),
        pictures=list(gallery.pictures.values()),
        missing=gallery.missing,
    )
    return render(report)


def tables(subject: Subject, outcome: Outcome) -> list[Table]:
    """Return the report's tables."""
    by_class = strata_table(subject, outcome)
    return [_beside(subject, outcome), *by_class, _members(outcome), _funnel(subject), _settings(subject)]


def short_table(outcome: Outcome) -> tuple[list[str], list[list[str]]]:
    """Return columns and rows of the network beside its baselines, narrow enough for a terminal.

    The first score comes with its interval; metrics.json holds those of the others.
    """
    names = _heads(outcome.network)
    rows = [[outcome.network.name, *_narrow(outcome.network), "", ""]]
    for held in outcome.contests:
        gap = held.against
        difference = _bounded(gap.difference, gap.interval.low, gap.interval.high)
        rows.append([held.baseline.name, *_narrow(held.baseline), difference, p_text(gap.p_value)])
    return ["", *names, f"{outcome.measure.name} difference", "Wilcoxon"], rows


def _facts(subject: Subject, outcome: Outcome) -> list[tuple[str, str]]:
    name, unit = subject.quantity
    asked, manifest = subject.settings.shared.evaluate, subject.dataset.manifest
    samples = len(set(outcome.pool.rows_P.tolist()))
    return [
        ("Run", subject.run.id),
        ("Preset", subject.run.preset),
        ("Target", f"{name} [{unit}]"),
        ("Rows", f"{subject.part}: {outcome.network.n} predictions of {samples} samples"),
        ("Groups", str(outcome.network.groups)),
        ("How pooled", pooling(subject)),
        ("Intervals", f"95 %, percentile bootstrap over groups, {asked.draws} draws, seed {asked.seed}"),
        ("Data", f"{manifest.source}, digest {manifest.digest()}"),
        ("Made by", f"geoml {__version__}"),
    ]


def _beside(subject: Subject, outcome: Outcome) -> Table:
    columns = ["", *_heads(outcome.network), f"{outcome.measure.name} difference", "Wilcoxon"]
    rows = [[f"{outcome.network.name} (network)", *_cells(outcome.network), "", ""]]
    for held in outcome.contests:
        gap = held.against
        difference = _bounded(gap.difference, gap.interval.low, gap.interval.high)
        rows.append([held.baseline.name, *_cells(held.baseline), difference, p_text(gap.p_value)])
    kinds = " ".join(f"{held.baseline.name}: {held.summary}." for held in outcome.contests)
    caption = (
        "In brackets: 95 % intervals. Baselines were fitted on the training rows of each fold, under the "
        "network's transform of the target; they were not given the validation rows, which chose its "
        f"checkpoints. Difference: {subject.measure.name} of the network minus the baseline's "
        f"[{subject.error_unit}]; below zero the network is better. Wilcoxon: signed-rank test on absolute errors, "
        f"averaged per group; p-values are not adjusted for the number of baselines. {kinds}"
    )
    return Table("Network beside baselines", caption, columns, rows)


def _members(outcome: Outcome) -> Table:
    columns = ["Member", "Fold", "Seed", "n", *_heads(outcome.network)]
    rows = [
        [member.name, member.fold, str(member.seed), str(scored.n), *_cells(scored)]
        for member, scored in zip(outcome.members, outcome.each, strict=True)
    ]
    return Table("Members", "Every network on its own rows, with 95 % intervals.", columns, rows)


def _funnel(subject: Subject) -> Table:
    funnel = subject.dataset.manifest.funnel
    dropped = [[f"left out: {reason}", str(count)] for reason, count in funnel.dropped.items()]
    rows = [["read", str(funnel.read)], *dropped, ["kept", str(funnel.kept)]]
    return Table("Data", " ".join(["From raw rows to samples.", *funnel.notes]), ["Rows", "Count"], rows)


def _settings(subject: Subject) -> Table:
    settings = subject.settings
    plain = SharedTables(model=settings.model, source=settings.shared.source)
    default = replace(settings, shared=plain, own=type(settings.own)()).flat()
    rows = [
        [key, _shown(value), _shown(default.get(key))]
        for key, value in settings.flat().items()
        if value != default.get(key)
    ]
    caption = "All others are at their defaults; config.toml of the run holds the whole of them."
    return Table("Settings other than the default", caption, ["Setting", "Value", "Default"], rows)


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _heads(scored: Scored) -> list[str]:
    return [name if score.unit == "1" else f"{name} [{score.unit}]" for name, score in scored.scores.items()]


def _cells(scored: Scored) -> Sequence[str]:
    return [_bounded(score.value, score.low, score.high) for score in scored.scores.values()]


def _narrow(scored: Scored) -> list[str]:
    first, *others = scored.scores.values()
    return [_bounded(first.value, first.low, first.high), *(number(score.value) for score in others)]


def _bounded(value: float, low: float, high: float) -> str:
    return f"{number(value)} [{number(low)}, {number(high)}]"
