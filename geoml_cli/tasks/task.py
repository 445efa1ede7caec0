"""Contract of tasks: what is scored is what is delivered, since both are the outputs of `pool`.

Legend: M members, B rows of a batch, O outputs, N rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from geoml_cli.dataset.variables import Variable
from geoml_cli.figures.report import ReportFigure
from geoml_cli.metrics.metric import Metric, Values
from geoml_cli.work.numbers import unit_text

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ScoredRows:
    """Rows as a figure of a task shows them.

    Attributes:
        observed_N: As `Task.metrics` take them.
        predicted_N: Likewise.
        target: What is predicted.
        annotation: Number of rows and scores, a line each.
    """

    observed_N: Values
    predicted_N: Values
    target: Variable
    annotation: str


@dataclass(frozen=True)
class MapScores:
    """How forecasts of maps are scored, in addition to `Task.metrics` on the data set's grid in physical units.

    Attributes:
        scaled: Scores of the network's own maps, scaled as it sees them, every cell with the same weight.
        reference: Name of the network's baseline from which anomalies are taken.
        step: What a lead time is counted in, such as month.
        threshold: Value at or above which there is an event, in the target's unit; None where none is scored.
    """

    scaled: tuple[Metric, ...]
    reference: str
    step: str
    threshold: float | None = None


Limits = tuple[float | None, float | None]
TaskFigure = Callable[[ScoredRows], tuple[str, ReportFigure]]
"""Draws a figure; returns its file name and the figure."""


def unchanged(values_N: Values) -> Values:
    """Return values that metrics take as they are delivered."""
    return values_N


@dataclass(frozen=True)
class Task:
    """What is predicted.

    Attributes:
        target: What is observed.
        outputs: Describes the outputs of a number of members.
        pool: Members' predictions [M, B, ...] in physical units to outputs [O, B, ...]; evaluation, prediction and
            exported graphs use the same.
        scored: Which output is compared with the target.
        metrics: Scores, the first being the one that a table is sorted by.
        ranking: Score by which network and baselines are ranked, lower being better.
        paired: Mean error of a group in the paired test, lower being better.
        baseline: What a baseline on a table must give.
        figures: Figures of scored rows.
        to_scored: Values as delivered to values as metrics take them, such as the index of a class.
        has_residuals: Whether predicted minus observed is a quantity.
        scales_target: Whether `[target]` applies: a class or a presence is neither transformed nor scaled.
        class_names: Names of the classes, where they are predicted.
        ranking_words: The ranking score's unit in a sentence, where it is no unit.
        maps: How forecasts of maps are scored, where the target has dimensions; None for one value a row.
        probabilities: Members' predictions [M, B, ...] to the probability of every class, [B, classes]; None of a
            quantity, whose intervals come from differences.
        codes: The data's own number of each of these classes.
        symbol: How papers write the target, such as SOC; empty where its name is used.
        limits: Least and most that the target can be, such as 0 and 100 %; None where there is no limit.
    """

    target: Variable
    outputs: Callable[[int], tuple[Variable, ...]]
    pool: Callable[[Tensor], Tensor]
    scored: int
    metrics: tuple[Metric, ...]
    # Metrics of their own: neither has to be among `metrics`.
    ranking: Metric
    paired: Metric
    baseline: Literal["regression", "probability", "class", "none"]
    figures: tuple[TaskFigure, ...] = ()
    to_scored: Callable[[Values], Values] = unchanged
    has_residuals: bool = True
    scales_target: bool = True
    class_names: tuple[str, ...] = ()
    ranking_words: str = ""
    maps: MapScores | None = None
    probabilities: Callable[[Tensor], Tensor] | None = None
    codes: tuple[int, ...] = ()
    symbol: str = ""
    limits: Limits = (None, None)

    @property
    def unit(self) -> str:
        """Return the target's unit as people read it: `% SOC`, not `%`."""
        return unit_text(self.target.unit, self.symbol or self.target.name)

    def unit_of(self, metric: Metric) -> str:
        """Return the unit of a score as people read it."""
        return metric.unit_of(self.unit)

    @property
    def ranking_label(self) -> str:
        """Return the unit of the ranking score, as a sentence says it."""
        return self.ranking_words or self.unit_of(self.ranking)
