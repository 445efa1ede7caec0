"""Scores with their intervals, from sums per group.

Legend: P rows, D bootstrap draws, M metrics, G groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.metrics.intervals import Bootstrap, percentiles
from geoml_cli.metrics.metric import Values
from geoml_cli.metrics.sums import DrawnScores, GroupedRows
from geoml_cli.tasks.task import Task


@dataclass(frozen=True)
class Score:
    """A score and the bounds of its 95 % interval; NaN where undefined."""

    value: float
    low: float
    high: float
    unit: str

    @property
    def is_beside_interval(self) -> bool:
        """Return whether the interval does not hold the score: its bootstrap draws are biased."""
        return np.isfinite(self.low + self.high) and not self.low <= self.value <= self.high

    def unit_in(self, task: Task) -> str:
        """Return the unit as people read it: `% SOC`, not `%`; empty for a ratio."""
        if self.unit == "1":
            return ""
        return task.unit if self.unit == task.target.unit else self.unit


@dataclass(frozen=True)
class ModelScores:
    """The scores of one prediction.

    Attributes:
        name: Network, member or baseline.
        rows: Predictions that were scored.
        groups: Independent groups among them.
        scores: In the task's order.
        ranking: Score by which models are ranked, whether or not it is among the others; lower is better.
        drawn_D: The ranking score of every bootstrap draw.
        error_G: Mean error of every group, for the paired test.
    """

    name: str
    rows: int
    groups: int
    scores: Mapping[str, Score]
    ranking: float
    drawn_D: Values
    error_G: Values

    @property
    def beside_intervals(self) -> str:
        """Name the scores that do not lie within their own intervals."""
        return ", ".join(name for name, found in self.scores.items() if found.is_beside_interval)


def score(task: Task, rows: GroupedRows, predictions: Mapping[str, Values], bootstrap: Bootstrap) -> list[ModelScores]:
    """Score predictions by name, each [P], of the same rows on the same bootstrap draws."""
    drawn = rows.score(predictions, (*task.metrics, task.ranking), bootstrap)
    return [
        _scores(task, rows, name, drawn[name], rows.by_group(task.paired, predictions[name])) for name in predictions
    ]


def _scores(task: Task, rows: GroupedRows, name: str, drawn: DrawnScores, error_G: Values) -> ModelScores:
    scores = {}
    for place, metric in enumerate(task.metrics):
        low, high = percentiles(drawn.drawn_DM[:, place])
        scores[metric.name] = Score(float(drawn.value_M[place]), low, high, metric.unit_of(task.target.unit))
    return ModelScores(
        name=name,
        rows=len(rows.observed_N),
        groups=rows.groups,
        scores=scores,
        ranking=float(drawn.value_M[-1]),
        drawn_D=drawn.drawn_DM[:, -1],
        error_G=error_G,
    )


def rows_of(observed_P: Values, groups_P: NDArray[np.int64]) -> GroupedRows:
    """Return rows ready to be scored."""
    return GroupedRows(observed_P, groups_P)
