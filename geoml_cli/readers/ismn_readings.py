"""What sensors of the International Soil Moisture Network measured, and files of one sensor joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Readings:
    """What a sensor measured.

    Attributes:
        time: UTC, [N].
        value: Soil moisture [m3 m-3], NaN where a fill value or flag M stands, [N].
        flag: As written, such as `G` or `D01,D03`; empty where there is none, [N].
        depth: Of CEOP, whose files hold several, as written [m]; 0 of the others, [N].
    """

    time: NDArray[np.datetime64]
    value: NDArray[np.float64]
    flag: NDArray[np.str_]
    depth: NDArray[np.float64]

    def good(self, flags: Sequence[str]) -> NDArray[np.bool_]:
        """Return which readings have a value and carry accepted flags only, [N]."""
        names, place = np.unique(self.flag, return_inverse=True)
        accepted = [bool(name) and set(name.split(",")) <= set(flags) for name in names.tolist()]
        return np.asarray(np.isfinite(self.value) & np.array(accepted, dtype=bool)[place.reshape(-1)])

    def by_depth(self) -> list[Readings]:
        """Return those of each depth, the shallowest first: in a file of several each is a sensor of its own."""
        places = [np.flatnonzero(self.depth == depth) for depth in np.unique(self.depth)]
        return [Readings(self.time[own], self.value[own], self.flag[own], self.depth[own]) for own in places]


class Repeats(NamedTuple):
    """Readings that stand a second time of a time and depth, and how many of them are of another value."""

    rows: int
    differing: int


def joined(parts: Sequence[Readings]) -> tuple[Readings, Repeats]:
    """Join the files of a sensor; of what stands a second time the first value is taken."""
    names = ("time", "value", "flag", "depth")
    time, value, flag, lies = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    order = np.lexsort((np.arange(len(time)), np.isnan(value), lies, time))
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (np.diff(time[order]).astype(np.int64) != 0) | (np.diff(lies[order]) != 0)
    first = np.sort(order[is_first])
    # A value that is missing the second time says nothing against the first.
    taken = value[order[np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))]]
    differing = int((~is_first & np.isfinite(value[order]) & (value[order] != taken)).sum())
    return Readings(time[first], value[first], flag[first], lies[first]), Repeats(len(time) - len(first), differing)
