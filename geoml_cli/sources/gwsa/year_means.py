"""Which months make a year, and what lacks some of them: the mean leans to the seasons that are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.sources.gwsa.grids import Factor, year_span
from geoml_cli.sources.gwsa.storage import Gldas, Mascons

Span = tuple[np.datetime64, np.datetime64]
_MONTHS = 12
"""Of a year."""
_SHOWN = 12
"""Months that are named."""
_FEWER = 0.99
"""Of the usual number of steps: a year of days has one fewer than a leap year."""


def spans_of(
    mascons: Mascons, gldas: Gldas, least: int | None, raw: Path
) -> tuple[dict[Span, list[np.datetime64]], dict[int, str]]:
    """Group months that have mascons and GLDAS: each its own, or by year where a year has enough.

    Args:
        mascons: Total storage.
        gldas: What is subtracted.
        least: Months that a year needs; None for months.
        raw: For messages.

    Returns:
        The months, by the first and last one of their time, and years that have too few, with those that lack.

    Raises:
        DataError: No year has enough.
    """
    months = sorted(set(mascons.steps) & set(gldas.files))
    if not months:
        reach = [f"{min(each)} to {max(each)}" for each in (mascons.steps, gldas.files)]
        raise DataError(
            f"no month has both mascons ({reach[0]}) and GLDAS ({reach[1]})",
            where=str(raw),
            fix="Add GLDAS files of the months of mascons.",
        )
    if least is None:
        return {(month, month): [month] for month in months}, {}
    years: dict[int, list[np.datetime64]] = {}
    for month in months:
        years.setdefault(int(str(month)[:4]), []).append(month)
    whole = {year: year_months for year, year_months in years.items() if len(year_months) >= least}
    if not whole:
        listed = ", ".join(f"{year} {len(year_months)}" for year, year_months in years.items())
        raise DataError(
            f"no year has {least} months with mascons and GLDAS (there are: {listed})",
            where=str(raw),
            fix="Add GLDAS files, or ask for less with --months or --period month.",
        )
    left_out = {
        year: f"it has {len(year_months)} months of both; {_lacking(mascons, gldas, year)}"
        for year, year_months in years.items()
        if year not in whole
    }
    return {year_span(year): year_months for year, year_months in whole.items()}, left_out


def gldas_notes(mascons: Mascons, gldas: Gldas) -> list[str]:
    """Tell of months of mascons that GLDAS has no file of, between two that it has: a file may have been forgotten."""
    first, *_, last = sorted(gldas.files)
    lost = [str(month) for month in sorted(mascons.steps) if first < month < last and month not in gldas.files]
    more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
    return [f"GLDAS has no file of {', '.join(lost[:_SHOWN])}{more}, which mascons have: left out"] if lost else []


def target_notes(name: str, mascons: Mascons, gldas: Gldas, spans: Collection[Span]) -> list[str]:
    """Tell of years in which mascons or GLDAS lack months, as `step_notes` does of factors.

    Args:
        name: The target's.
        mascons: Total storage.
        gldas: What is subtracted.
        spans: First and last month of each year that is made.
    """
    alike: dict[str, list[str]] = {}
    for year in (str(first)[:4] for first, _ in spans):
        if lacking := _lacking(mascons, gldas, int(year)):
            alike.setdefault(lacking, []).append(year)
    return [
        f"{lacking} of {', '.join(years)}: {name} of the year leans to the months that are there (--months 12 leaves "
        "such years out)"
        for lacking, years in alike.items()
    ]


def _lacking(mascons: Mascons, gldas: Gldas, year: int) -> str:
    """Name the months of a year that mascons and GLDAS lack; empty where both have all."""
    first, last = year_span(year)
    months = np.arange(first, last + 1)
    found = []
    for verb, have in (("mascons lack", mascons.steps), ("GLDAS lacks", gldas.files)):
        if lost := [str(int(str(month)[5:7])) for month in months if month not in have]:
            found.append(f"{verb} month {', '.join(lost)}")
    return " and ".join(found)


def step_notes(
    factors: Mapping[str, Factor],
    spans: Mapping[Span, Sequence[np.datetime64]],
    least: int | None,
) -> list[str]:
    """Tell what is odd about the steps of factors.

    Args:
        factors: By name.
        spans: First and last month of each time that is made, with the months that have mascons and GLDAS.
        least: Months that the mean of a year needs; None where times are months.

    Raises:
        DataError: A year has fewer.
    """
    found = _late(factors, [month for months in spans.values() for month in months])
    if least is None:
        return found
    years = [int(str(first)[:4]) for first, _ in spans]
    return [*found, *_lacking_months(factors, years, least), *_uneven(factors, years)]


def _lacking_months(factors: Mapping[str, Factor], years: Sequence[int], least: int) -> list[str]:
    """Tell of factors that lack months of a year: its mean leans to the seasons that are there.

    Args:
        factors: By name.
        years: Whose means are taken.
        least: Months that a year needs.

    Raises:
        DataError: A year has fewer.
    """
    notes = []
    for name, factor in factors.items():
        alike: dict[str, list[str]] = {}
        for year in years:
            lost = factor.lacks(year)
            if len(lost) > _MONTHS - least:
                there = _MONTHS - len(lost)
                raise DataError(
                    f"{name} has {there} of {_MONTHS} months of {year}: their mean would lean to a season",
                    where=str(factor.pieces[0].path),
                    fix=f"Add the other months, or ask for less, of GRACE as well, with --months {there}.",
                )
            if lost:
                alike.setdefault(", ".join(map(str, lost)), []).append(str(year))
        notes += [
            f"{name} lacks month {lost} of {', '.join(of)}: the mean of the year leans to the months that are there"
            for lost, of in alike.items()
        ]
    return notes


def _uneven(factors: Mapping[str, Factor], years: Sequence[int]) -> list[str]:
    """Tell of factors whose years, though no month is lacking, are means of different numbers of steps."""
    notes = []
    for name, factor in factors.items():
        counts = {year: factor.steps(*year_span(year)) for year in years if not factor.lacks(year)}
        usual = Counter(counts.values())
        most = max(usual, key=lambda steps: (usual[steps], steps), default=0)  # of two in as many years the larger
        few = [f"{year} ({count})" for year, count in counts.items() if 0 < count < _FEWER * most]
        if few:
            notes.append(f"{name} has {most} steps in most years, fewer in: {', '.join(few)}")
    return notes


def _late(factors: Mapping[str, Factor], months: Sequence[np.datetime64]) -> list[str]:
    """Tell of factors whose months may be stamped at their end: all values would be of the month before."""
    return [
        f"{name} begins a month after mascons and GLDAS and ends a month after them, at the first of months: are its "
        "times the ends of months? Then take a month off them (cdo shifttime,-1month), else it lacks the first"
        for name, factor in factors.items()
        if factor.may_be_late(min(months), max(months))
    ]
