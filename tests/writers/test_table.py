"""Times of tables, as people and spreadsheets read them."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.writers.table import iso_times


@pytest.mark.parametrize(
    ("passed", "unit", "text"),
    [
        (1440, "minutes since 1970-01-01 00:00:00", "1970-01-02T00:00:00"),
        (1 / 3, "days since 2000-02-28", "2000-02-28T08:00:00"),
        (20_000 + 1 / 3, "days since 1970-01-01", "2024-10-04T08:00:00"),
        (-1.5, "hours since 2000-01-01T00:00:00Z", "1999-12-31T22:30:00"),
        (0.75, "seconds since 1970-01-01", "1970-01-01T00:00:00"),
        (np.nan, "days since 2000-01-01", None),
    ],
)
def test_a_time_is_written_to_the_second(passed: float, unit: str, text: str | None) -> None:
    assert iso_times(np.array([passed]), unit).tolist() == [text]
