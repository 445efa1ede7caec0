"""What the funnel tells of targets, drivers and columns; and the refusal where no target is left."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet.candidates import described
from geoml_cli.sources.fluxnet.plan import Plan
from geoml_cli.sources.fluxnet.quality import DropCounts, Rule
from geoml_cli.sources.fluxnet.site_summary import SiteSummary
from geoml_cli.sources.fluxnet.times import Step, is_subdaily, lengths
from geoml_cli.work.closest import closest
from geoml_cli.work.numbers import format_share
from geoml_cli.work.reporting import Reporter

_DAYS_OF_YEAR = 365
_CLOSE = 0.85
"""Likeness of the names of two columns from which on one may stand for the other."""
_FEW_ODD = 0.01
"""Share of values whose quality is no class or fraction, from which on the column is taken for another kind."""


def take_down(funnel: Funnel, plan: Plan, counted: Mapping[str, SiteSummary], lost: Mapping[str, DropCounts]) -> None:
    """Count rows and samples, in all and by site."""
    for site in plan.sites:
        found, loss = counted[site], lost[site]
        kept = found.samples(plan.taken)
        funnel.drop("a driver is missing", found.rows - found.repeated - kept)
        funnel.kept += kept
        funnel.per_station[site] = {
            "read": found.rows,
            "kept": kept,
            "with target": loss.kept,
            "target missing": loss.missing,
            "target of poor quality": loss.poor + loss.odd,
            "target implausible": loss.implausible,
        }
    for name in plan.dynamic:
        if rows := sum(counted[site].lacking[name] for site in plan.sites):
            funnel.notes.append(
                f"{rows} rows have no {name}; to keep them, name the other drivers with --dynamic and --extra"
            )


_SPIKES = 0.01
"""Share of records that a tower may spoil."""


def warn_of_large(site: str, lost: DropCounts, rule: Rule, reporter: Reporter) -> None:
    """Warn where more targets are too large than spikes are: in another unit, those left are wrong too."""
    known = lost.kept + lost.poor + lost.odd + lost.implausible
    if lost.implausible > _SPIKES * known and lost.implausible > 1:
        reporter.warn(
            f"{site}: {lost.implausible} of {known} values of {rule.target} are larger than {rule.limit:g} and left "
            "out. Where they are in another unit than FLUXNET's, so are those that stay."
        )


def note_targets(funnel: Funnel, rule: Rule, lost: DropCounts, step: Step) -> None:
    """Note how many samples have a target, and why others have none."""
    samples = lost.kept + lost.missing + lost.poor + lost.odd + lost.implausible
    reasons = [
        (lost.missing, "not measured"),
        (lost.poor, "of poor quality"),
        (lost.odd, f"with a quality that is no {'class' if is_subdaily(step) else 'fraction'}"),
        (lost.implausible, f"larger than {rule.limit:g}" if rule.limit else ""),
    ]
    without = ", ".join(f"{count} {reason}" for count, reason in reasons if count)
    rest = f"; the others are kept without one ({without})" if without else ""
    funnel.notes.append(f"{lost.kept} of {samples} samples have a {rule.target}{rest}")


def gap_filled(rule: Rule, columns: Sequence[str]) -> str:
    """Say how far targets may be gap-filled; empty where they are measured.

    Args:
        rule: What was good enough.
        columns: Those that hold the quality; none where the files hold measured values alone.
    """
    if not rule.rated:
        return f"every value of {rule.target} is a target, gap-filled or not, as --quality-column none asks"
    if not columns:
        return ""
    if rule.subdaily and rule.bound >= 1:
        classes = "1" if rule.bound == 1 else f"1 to {rule.bound:g}"
        return f"targets of quality class {classes} are gap-filled, as --quality allows"
    if not rule.subdaily and rule.bound < 1:
        return (
            f"up to {format_share(1 - rule.bound)} of the records behind a target are gap-filled, as --quality allows"
        )
    return ""


def warn_of_absent(
    funnel: Funnel, plan: Plan, counted: Mapping[str, SiteSummary], rule: Rule, reporter: Reporter
) -> None:
    """Warn of sites without a column of the target, and name one that differs in case or by a letter."""
    absent = {site: counted[site].fluxes for site in plan.sites if counted[site].fluxes}
    if not absent:
        return
    near = {site: closest(rule.target, fluxes, _CLOSE) for site, fluxes in absent.items()}
    hints = [f"{site} has {name}" for site, name in near.items() if name]
    has = "has" if len(absent) == 1 else "have"
    text = f"{', '.join(absent)} {has} no column {rule.target}: the samples there have no target"
    text += f" ({', '.join(hints)}: another name of it?)" if hints else ""
    funnel.notes.append(text)
    reporter.warn(text)


def note_columns(funnel: Funnel, plan: Plan, counted: Mapping[str, SiteSummary], rule: Rule) -> None:
    """Note which column holds the quality, and which columns of AmeriFlux BASE stand for which."""
    flags = sorted({str(counted[site].quality) for site in plan.sites if counted[site].quality})
    for column in flags:
        own = "" if column == f"{rule.target}_QC" else f" ({rule.target} has no quality column of its own)"
        funnel.notes.append(f"the quality of {rule.target} is {column}, {rule}{own}")
    if without := [site for site in plan.sites if counted[site].quality is None and not counted[site].fluxes]:
        funnel.notes.append(f"no quality column was applied at {', '.join(without)}: every {rule.target} is kept")
    if columns := sorted({column for site in plan.sites for column in counted[site].uncertain.values()}):
        funnel.notes.append(f"the uncertainty of {rule.target} is {', '.join(columns)}: intervals of sums hold it")
    for site in plan.sites:
        if renamed := counted[site].renamed:
            empty = counted[site].empty
            listed = ", ".join(
                f"{' and '.join(columns)} as {name}{described(columns, empty.get(name, ()))}"
                for name, columns in renamed.items()
            )
            funnel.notes.append(f"{site} has the columns of AmeriFlux BASE, whose gaps are not filled: {listed}")
        if any(column.startswith("FC") for column in renamed.get(rule.target, ())):
            funnel.notes.append(f"{site}: {rule.target} is FC, the turbulent flux alone; storage is not in it")


def note_climate(funnel: Funnel, plan: Plan, counted: Mapping[str, SiteSummary], step: Step) -> None:
    """Note sites whose mean climate is not that of whole years."""
    for site in plan.sites:
        places = counted[site].first + np.arange(counted[site].length, dtype=np.int64)
        days = float(lengths(places, step).sum())
        if days < _DAYS_OF_YEAR:
            funnel.notes.append(f"the mean climate of {site} is that of {days:.3g} days, less than a year")


def require_column(counted: Mapping[str, SiteSummary], target: str, location: str) -> None:
    """Refuse a target that no site has.

    Raises:
        DataError: With the fluxes there are.
    """
    if all(found.fluxes for found in counted.values()):
        fluxes = next(iter(counted.values())).fluxes
        raise DataError(
            f"no file has the column {target}", where=location, fix=f"Give --target; there is {', '.join(fluxes)}."
        )


def refuse_other_quality(
    lost: Mapping[str, DropCounts], counted: Mapping[str, SiteSummary], rule: Rule, step: Step
) -> None:
    """Refuse a site whose quality is of another kind: of fractions in place of classes the worst, 0, would be measured.

    Raises:
        DataError: With the site and its column.
    """
    for site, loss in lost.items():
        rated = loss.kept + loss.poor + loss.odd
        if loss.odd > _FEW_ODD * rated:
            kind = "class of 0 to 3" if rule.subdaily else "fraction of 0 to 1"
            raise DataError(
                f"{loss.odd} of {rated} values of {counted[site].quality} are no {kind}, as the quality is at "
                f"{step.word} resolution",
                where=f"site {site}",
                fix="Give its files as the provider ships them; or take every value with --quality-column none.",
            )


def require_target(lost: DropCounts, columns: set[str | None], rule: Rule, step: Step) -> None:
    """Refuse a data set without any target.

    Args:
        lost: Why there is none, over all sites.
        columns: Columns of the quality.
        rule: What was good enough.
        step: The resolution.

    Raises:
        DataError: With what was filtered, by which column, and what to relax.
    """
    if lost.kept:
        return
    if not lost.poor:
        raise DataError(
            f"no sample has a value of {rule.target} ({lost.missing} missing, {lost.implausible} implausible, "
            f"{lost.odd} of a quality that is none)",
            where=rule.target,
            fix="Name a flux that was measured there with --target.",
        )
    by = " and ".join(sorted(str(column) for column in columns if column))
    if math.isnan(lost.best):
        raise DataError(
            f"the quality filter leaves no {rule.target}: {by} has no value in any of its {lost.poor} records",
            where=rule.target,
            fix="Name another column of the quality with --quality-column NAME, or keep every value with "
            "--quality-column none.",
        )
    kind, worst = ("class", "3 is the poorest") if is_subdaily(step) else ("fraction of good data", "0 is the poorest")
    raise DataError(
        f"the quality filter leaves no {rule.target}: {lost.poor} of {lost.poor + lost.missing + lost.implausible} "
        f"values were left out because {by} is not {rule} (the best {kind} among them is {lost.best:g}; {worst})",
        where=rule.target,
        fix=f"They are gap-filled, not measured. Relax the filter with {_relaxed(lost, step)}, "
        "or give files with measured fluxes.",
    )


def _relaxed(lost: DropCounts, step: Step) -> str:
    within = lost.best if is_subdaily(step) else math.floor(lost.best * 100) / 100  # rounded up it would admit nothing
    return f"--quality {within:g}"


def describe(step: Step, plan: Plan, counted: Mapping[str, SiteSummary], rule: Rule) -> dict[str, object]:
    """Return the facts of the manifest: what is needed to read more of the same."""
    columns = sorted({str(counted[site].quality) for site in plan.sites if counted[site].quality})
    return {
        "resolution": step.code,
        "step_minutes": step.minutes,
        "target": rule.target,
        "dynamic": list(plan.dynamic),
        "static": list(plan.static),
        "quality": rule.bound,
        "gap_filled": gap_filled(rule, columns),
        "quality_columns": columns,
        "sites": list(plan.sites),
    }
