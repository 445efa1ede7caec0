"""Steps that follow a series of maps."""

from __future__ import annotations

import cftime
import pytest

from geoml_cli.dataset.calendar import later
from geoml_cli.dataset.grid import Step

MONTH = Step(kind="month")
CENTRES = ["2005-11-16T00:00", "2005-12-16T12:00"]


def times(texts, calendar="noleap"):
    return [cftime.datetime.strptime(text, "%Y-%m-%dT%H:%M", calendar=calendar) for text in texts]


@pytest.mark.parametrize(
    ("series", "step", "following"),
    [
        (CENTRES, MONTH, ["2006-01-16T12:00", "2006-02-15T00:00", "2006-03-16T12:00", "2006-04-16T00:00"]),
        (["2005-10-16T12:00", *CENTRES], Step(kind="month", count=2), ["2006-02-15T00:00", "2006-04-16T00:00"]),
        (["2005-01-31T00:00", "2005-02-28T00:00"], MONTH, ["2005-03-31T00:00", "2005-04-30T00:00"]),
        (["2005-01-29T06:00", "2005-02-28T06:00"], MONTH, ["2005-03-29T06:00", "2005-04-29T06:00"]),
        (["2005-01-15T00:00", "2005-02-15T00:00"], MONTH, ["2005-03-15T00:00", "2005-04-15T00:00"]),
        (["2005-11-16T12:00", "2005-12-16T12:00"], MONTH, ["2006-01-16T12:00", "2006-02-16T12:00"]),
        (
            ["2005-02-27T18:00", "2005-02-28T00:00"],
            Step(kind="hour", count=6),
            ["2005-02-28T06:00", "2005-02-28T12:00"],
        ),
        (["2005-02-27T00:00", "2005-02-28T00:00"], Step(kind="day"), ["2005-03-01T00:00", "2005-03-02T00:00"]),
    ],
)
def test_what_follows_is_stamped_as_the_series_is(series, step, following):
    found = [later(times(series), step, count) for count in range(1, len(following) + 1)]
    assert found == times(following)
