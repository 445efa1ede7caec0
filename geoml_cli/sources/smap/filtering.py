"""Which stations and days become samples, and why others do not.

Legend: D days of the calendar, S stations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.manifest import Funnel

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass
class Sieve:
    """Days of stations that are still there; each is dropped for one reason, the first that holds.

    Attributes:
        left: [D, S].
        dropped: By reason, how many days of every station, [S].
    """

    left: Mask
    dropped: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    def drop(self, reason: str, mask: Mask) -> None:
        """Drop days [D, S], or whole stations [S] or [1, S]."""
        lost = self.left & mask
        if lost.any():
            self.dropped[reason] = self.dropped.get(reason, 0) + lost.sum(axis=0)
            self.left = self.left & ~lost

    def funnel(self, names: list[str], notes: list[str], read: NDArray[np.int64]) -> Funnel:
        """Return the funnel over all stations and for each."""
        funnel = Funnel(read=int(read.sum()), kept=int(self.left.sum()), notes=notes)
        for reason, lost in self.dropped.items():
            funnel.drop(reason, int(lost.sum()))
        for place, name in enumerate(names):
            reasons = {reason: int(lost[place]) for reason, lost in self.dropped.items() if lost[place]}
            funnel.per_station[name] = {"read": int(read[place]), **reasons, "kept": int(self.left[:, place].sum())}
        return funnel


def valid_share(panels: Mapping[str, Floats], exported: Mask) -> NDArray[np.float64]:
    """Return the share of exported days on which all variables have a value, [S]."""
    valid = np.all([np.isfinite(values) for values in panels.values()], axis=0)
    days = max(int(exported.sum()), 1)
    return np.asarray(valid[exported].sum(axis=0) / days)


def first_missing(panels: Mapping[str, Floats], shape: tuple[int, int], drop: Callable[[str, Mask], None]) -> None:
    """Drop days on which a variable has no value, with its name."""
    for name, values in panels.items():
        missing = ~np.isfinite(values)
        drop(f"no value of {name}", np.broadcast_to(missing, shape))
