"""Which factors have fewer steps in a year than in others, lack months of it, or have them a month late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.sources.gwsa.grids import Factor, year_span

_MONTHS = 12
"""Of a year."""
_FEWER = 0.99
"""Of the usual number of steps: a year of days has one fewer than a leap year."""


def step_notes(
    factors: Mapping[str, Factor],
    spans: Mapping[tuple[np.datetime64, np.datetime64], Sequence[np.datetime64]],
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
