"""The network and its baselines: paired differences, and which wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from geoml_cli.evaluation.scores import ModelScores
from geoml_cli.metrics.compare import Comparison, compare, fewest_groups, holm
from geoml_cli.metrics.intervals import LEVEL
from geoml_cli.metrics.metric import Values
from geoml_cli.tasks.task import Task
from geoml_cli.work.numbers import bounded, format_number, format_share

_TINY_P = 0.001


@dataclass(frozen=True)
class BaselineComparison:
    """A baseline compared with the network; differences are network minus baseline.

    Attributes:
        reference: Whether it is the estimate that the network is made to improve; it heads every table.
    """

    baseline: ModelScores
    description: str
    comparison: Comparison
    predicted_P: Values
    reference: bool = False


@dataclass(frozen=True)
class BaselineResults:
    """The baselines, the reference and then the best first, or why there are none."""

    comparisons: Sequence[BaselineComparison] = field(default_factory=list)
    skipped: str = ""

    @property
    def references(self) -> int:
        """Count the baselines that stand before the network in tables."""
        return sum(one.reference for one in self.comparisons)


def compare_with(network: ModelScores, baseline: ModelScores) -> Comparison:
    """Compare the network with a baseline by their ranking scores on the same draws."""
    return compare(
        (network.ranking, baseline.ranking),
        (network.drawn_D, baseline.drawn_D),
        (network.error_G, baseline.error_G),
    )


def compare_all(
    network: ModelScores,
    baselines: Sequence[ModelScores],
    descriptions: Mapping[str, str],
    predictions: Mapping[str, Values] | None = None,
) -> list[BaselineComparison]:
    """Compare the network with every baseline, the best first; p-values are Holm's for their number.

    Args:
        network: Its scores.
        baselines: Theirs, on the same rows and draws.
        descriptions: Of the baselines by name.
        predictions: By name, [P]; None where there are no pooled rows, as of maps.
    """
    each = [compare_with(network, baseline) for baseline in baselines]
    adjusted = holm([one.p_value for one in each])
    found = [
        BaselineComparison(
            baseline,
            descriptions[baseline.name],
            replace(one, p_value=p_value, fewest=fewest_groups(len(each))),
            np.empty(0) if predictions is None else predictions[baseline.name],
        )
        for baseline, one, p_value in zip(baselines, each, adjusted, strict=True)
    ]
    return sorted(found, key=lambda compared: compared.baseline.ranking)


def summarise(task: Task, network: ModelScores, baselines: Sequence[BaselineComparison]) -> str:
    """Say in a sentence which wins: the network or the best baseline."""
    by, unit, ours = task.ranking.name, task.ranking_label, f"the {network.name} network"
    if not baselines:
        return (
            f"The {by} of {ours} is {format_number(network.ranking)} {unit}; there is no baseline to compare it with."
        )
    best = min(baselines, key=lambda compared: compared.baseline.ranking)
    name, baseline = network.name, best.baseline.name
    gap = best.comparison
    how = (
        f"difference ({name} - {baseline}) {bounded(gap.difference, *gap.interval)} {unit} "
        f"({format_share(LEVEL)} bootstrap over {gap.groups} groups), Wilcoxon signed-rank test of mean errors by "
        f"group {p_text(gap.p_value)}{f' (Holm, {len(baselines)} baselines)' if len(baselines) > 1 else ''}."
    )
    own, other = format_number(network.ranking), format_number(best.baseline.ranking)
    if gap.groups == 1 and task.maps is None:  # few blocks of maps are compared as one
        return (
            f"The {by} of {ours} is {own} {unit}, that of {baseline}, the best baseline, {other} {unit}; all rows are "
            "of one group, so there is no interval and no test."
        )
    if not np.isfinite(gap.interval.low):
        return (
            f"The {by} of {ours} is {own} {unit}, that of {baseline}, the best baseline, {other} {unit}; the rows do "
            "not allow an interval or a test of the difference."
        )
    if gap.groups < gap.fewest:
        return (
            f"Too few groups to test ({gap.groups}, {gap.fewest} are needed): the {by} of {ours} is {own} {unit}, "
            f"that of {baseline}, the best baseline, {other} {unit}, {how}"
        )
    if gap.better == "none":
        return (
            f"No difference shown between {ours} and {baseline}, the best baseline: "
            f"{by} {own} and {other} {unit}, {how}"
        )
    if gap.better == "first":
        return f"The {name} network wins: {by} {own} {unit}; {baseline}, the best baseline, {other} {unit}; {how}"
    return f"{baseline} wins: {by} {other} {unit}; {ours} {own} {unit}; {how}"


def shortly(task: Task, network: ModelScores, baselines: Sequence[BaselineComparison]) -> str:
    """Say in a few words which wins."""
    by, unit = task.ranking.name, task.ranking_label
    own = f"{network.name} {format_number(network.ranking)}"
    if not baselines:
        return f"{by} of {own} {unit}, no baseline."
    best = min(baselines, key=lambda compared: compared.baseline.ranking)
    gap, name = best.comparison, best.baseline.name
    scores = f"{by} of {own}, of {name} {format_number(best.baseline.ranking)} {unit}"
    if gap.groups == 1 or not np.isfinite(gap.interval.low):
        return f"{scores}; no interval and no test."
    if gap.groups < gap.fewest:
        return f"{scores}; too few groups to test ({gap.groups}, {gap.fewest} are needed)."
    winner = {"none": "no difference shown", "first": f"{network.name} wins", "second": f"{name} wins"}[gap.better]
    return f"{winner}, {scores}, {p_text(gap.p_value)}."


def p_text(value: float) -> str:
    """Write a p-value: `p = 0.012`, `p < 0.001`."""
    if not np.isfinite(value):
        return "p n/a"
    return f"p < {_TINY_P}" if value < _TINY_P else f"p = {value:.2g}"
