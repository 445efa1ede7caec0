"""Which month a solution of GRACE is of: files give the middle of its days, which may lie in the month before or after.

A solution of few or shifted days is stamped in the month of its neighbour, such as CSR's of May 2015 (12 April to
11 May), or that of December 2011 (into January).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.datetime64]
_APART = np.timedelta64(5, "D")
"""Between the middles of two solutions; others are two versions of one."""
_MONTH = np.timedelta64(1, "M")


def steps_of(days: Days) -> tuple[dict[np.datetime64, list[int]], list[str]]:
    """Return the steps of each month, and what is worth a note.

    Of two solutions in one month one is of the month next to it, where that has none: the one that is nearer to it.
    Others are averaged.

    Args:
        days: Middle of each solution, `datetime64[D]`.
    """
    order = np.argsort(days, kind="stable")
    steps: dict[np.datetime64, list[int]] = {}
    for step in order.tolist():
        steps.setdefault(days[step].astype("datetime64[M]"), []).append(step)
    notes = []
    for month in [month for month, found in steps.items() if len(found) > 1]:
        found = steps[month]
        to = _other_month(month, days[found], set(steps)) if len(found) == 2 else None
        if to is None:
            listed = ", ".join(str(days[step]) for step in found)
            notes.append(f"GRACE of {month} is the mean of {len(found)} solutions, of {listed}")
            continue
        moved = found.pop(0 if to < month else 1)
        steps[to] = [moved]
        notes.append(f"GRACE of {days[moved]} is taken as that of {to}: {month} has another, and {to} none")
    return dict(sorted(steps.items())), notes


def _other_month(month: np.datetime64, days: Days, taken: set[np.datetime64]) -> np.datetime64 | None:
    """Return the month next to that of two solutions which one of them is of; None where there is none."""
    first, second = days
    before, after = month - _MONTH, month + _MONTH
    if second - first < _APART:
        return None
    distances = {
        before: first - month.astype("datetime64[D]"),
        after: after.astype("datetime64[D]") - second,
    }
    free = [one for one in distances if one not in taken]
    return min(free, key=distances.__getitem__, default=None)
