"""Rows of another length than the file's first: half-hours in one year, hours in the next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet.times import Integers, Step, format_time, places

_BLOCK = 360
"""Rows that are looked at together where records have no end: half a month of hours, so a month holds a whole block."""
_MINUTE, _DAY = Step("", 1, 12, "minute"), 1440
_FIX = "Give files of one resolution: average the short records, or put the rows of each into a file of its own."


def refuse_other_step(place: Integers, ends: Integers | None, step: Step, location: Callable[[int], str]) -> None:
    """Refuse rows that are longer or shorter than the resolution.

    Args:
        place: Of the rows on the grid, in the file's order, [N].
        ends: Time stamps at which they end, 0 where unknown; None where the file has none.
        step: The resolution, half-hourly or hourly.
        location: Names the place of a row.

    Raises:
        DataError: A row's own end says so; or without ends, most rows of half a month follow at a multiple of the step.
    """
    if ends is None:
        _refuse_wide_rows(place, step, location)
        return
    end, known = places(ends, _MINUTE)
    length = (end - place * step.minutes) % _DAY  # midnight may be written as 0000 of the day that ends
    # An end of 00:29 is the last minute of the record.
    wrong = known & (length != step.minutes) & (length != step.minutes - 1)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"the record from {format_time(int(place[row]), step)} lasts {length[row]} minutes, and a "
            f"{step.word} one {step.minutes}",
            where=location(row),
            fix=_FIX,
        )


def _refuse_wide_rows(place: Integers, step: Step, location: Callable[[int], str]) -> None:
    gaps = np.abs(np.diff(place))  # the newest may come first
    for first in range(0, len(gaps) - _BLOCK + 1, _BLOCK):
        values, counts = np.unique(gaps[first : first + _BLOCK], return_counts=True)
        usual = int(values[counts.argmax()])
        if usual > 1:
            block = first + int((gaps[first : first + _BLOCK] == usual).argmax())
            row = int(np.flatnonzero(gaps[:block] != usual).max(initial=-1)) + 1  # they may begin before the block
            raise DataError(
                f"rows from {format_time(int(place[row]), step)} on are {usual * step.minutes} minutes apart, and "
                f"{step.word} ones {step.minutes}",
                where=location(row),
                fix=_FIX,
            )
