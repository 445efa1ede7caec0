"""Which month a solution of GRACE is of, where two have their middle in one."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.sources.gwsa.months import steps_of


def made(*days: str) -> tuple[dict[str, list[int]], list[str]]:
    steps, notes = steps_of(np.array(days, dtype="datetime64[D]"))
    assert list(steps) == sorted(steps)
    return {str(month): found for month, found in steps.items()}, notes


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (("2015-03-16", "2015-04-16", "2015-04-27", "2015-07-16"), ["2015-03", "2015-04", "2015-05", "2015-07"]),
        (("2011-11-16", "2012-01-01", "2012-01-16", "2012-02-15"), ["2011-11", "2011-12", "2012-01", "2012-02"]),
        (("2015-04-04", "2015-04-27"), ["2015-03", "2015-04"]),
        (("2015-04-05", "2015-04-27"), ["2015-03", "2015-04"]),
        (("2015-04-08", "2015-04-27"), ["2015-04", "2015-05"]),
    ],
)
def test_of_two_in_a_month_one_is_of_the_month_next_to_it(days: tuple[str, ...], expected: list[str]) -> None:
    steps, notes = made(*days)
    assert steps == {month: [step] for step, month in enumerate(expected)}
    [note] = notes
    assert "is taken as that of" in note and "has another, and" in note


@pytest.mark.parametrize(
    "days",
    [("2015-03-16", "2015-04-10", "2015-04-27", "2015-05-16"), ("2015-04-15", "2015-04-16"), ("2015-04-15",) * 2],
)
def test_two_whose_neighbours_are_there_and_versions_of_one_are_averaged(days: tuple[str, ...]) -> None:
    steps, notes = made(*days)
    assert len(steps["2015-04"]) == 2
    assert notes == [f"GRACE of 2015-04 is the mean of 2 solutions, of {', '.join(d for d in days if '-04-' in d)}"]


def test_one_a_month_is_left_as_it_is_in_any_order() -> None:
    assert made("2015-05-27", "2015-04-16") == ({"2015-04": [1], "2015-05": [0]}, [])
