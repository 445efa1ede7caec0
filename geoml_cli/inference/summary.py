"""What a prediction says of itself when it is done: how many values, and what they are like."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.tasks.task import Limits
from geoml_cli.work.pieces import Part

Floats = NDArray[np.float64]
_ANY = (-math.inf, math.inf)


class PartSummary(NamedTuple):
    """A finished part of a prediction.

    Attributes:
        path: The file that all parts become.
        part: Which.
        chunks: Of the part.
        made: Of them now; others were there.
    """

    path: Path
    part: Part
    chunks: int
    made: int


@dataclass(frozen=True)
class PredictionSummary:
    """A finished file of predictions.

    Attributes:
        kind: What was predicted: samples, points or pixels.
        count: How many, missing ones included.
        missing: Of them without a value.
        mean: Of the values [unit]; NaN where there are none, as the following.
        deviation: Their standard deviation (ddof 0) [unit].
        lowest: The least value [unit].
        highest: The largest value [unit].
        unit: Of the values.
        outside: Share of each input's values outside its trained range.
        classes: Share of each class among the values, where they are codes of classes.
        reasons: How many of the missing values are missing for each reason, where reasons are known.
        drawn: Figures and styles that were written with it.
        impossible: How many values are less or more than what is predicted can be.
        of: Name of the output that is summarised; empty where it is none of them, such as a sum.
    """

    path: Path
    kind: str
    count: int
    missing: int
    mean: float
    deviation: float
    lowest: float
    highest: float
    unit: str
    outside: Mapping[str, float] = field(default_factory=dict)
    classes: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    drawn: tuple[Path, ...] = ()
    impossible: int = 0
    of: str = ""

    def row(self) -> dict[str, Any]:
        """Return the outcome as a row of a table: of classes the most frequent, for codes have no mean."""
        if self.classes:
            most = max(self.classes, key=lambda name: self.classes[name])
            frequent = {"most frequent": most, "share": self.classes[most], "classes": len(self.classes)}
            return {self.kind: self.count, "missing": self.missing, **frequent}
        return {
            self.kind: self.count,
            "missing": self.missing,
            **({"of": self.of} if self.of else {}),
            "mean": self.mean,
            "deviation": self.deviation,
            "lowest": self.lowest,
            "highest": self.highest,
            "unit": self.unit,
        }


def summarise(
    path: Path, kind: str, unit: str, parts: Iterable[NDArray[np.float32]], limits: Limits = (None, None)
) -> PredictionSummary:
    """Summarise values chunk by chunk, one in memory at a time; moments are merged as Chan et al. (1979) do.

    Args:
        path: The file.
        kind: What was predicted, such as samples.
        unit: Of the values.
        parts: The values.
        limits: Least and most that they can be.
    """
    total = count = impossible = 0
    least, most = (np.float32(other if limit is None else limit) for limit, other in zip(limits, _ANY, strict=True))
    mean = squares = 0.0
    lowest, highest = math.inf, -math.inf
    for part in parts:
        total += part.size
        values = part[np.isfinite(part)].astype(np.float64)
        if not values.size:
            continue
        shift = float(values.mean()) - mean
        merged = count + values.size
        squares += float(values.var()) * values.size + shift**2 * count * values.size / merged
        mean, count = mean + shift * values.size / merged, merged
        lowest, highest = min(lowest, float(values.min())), max(highest, float(values.max()))
        impossible += int(((part < least) | (part > most)).sum())
    if not count:
        return PredictionSummary(path, kind, total, total, *(math.nan,) * 4, unit)
    deviation = math.sqrt(squares / count)
    found = PredictionSummary(path, kind, total, total - count, mean, deviation, lowest, highest, unit)
    return replace(found, impossible=impossible)


def class_shares(
    names: Sequence[str], place_of: Callable[[Floats], Floats], parts: Iterable[NDArray[np.float32]]
) -> dict[str, float]:
    """Return the share of each class that occurs, the most frequent first.

    Args:
        names: Of all classes.
        place_of: Turns codes into places among the names.
        parts: Codes, a chunk in memory at a time; NaN where there is none.
    """
    counts = np.zeros(len(names), dtype=np.int64)
    for part in parts:
        codes = part[np.isfinite(part)].astype(np.float64)
        counts += np.bincount(place_of(codes).astype(np.int64), minlength=len(names))
    total = max(int(counts.sum()), 1)
    order = np.argsort(-counts, kind="stable")
    return {names[place]: float(counts[place]) / total for place in order if counts[place]}
