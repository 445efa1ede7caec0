"""Scores with their intervals, and which of network and baselines wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from geoml_cli.evaluation.subject import MemberRows, Pool, Subject, Values, groups_of_samples, observed
from geoml_cli.metrics.compare import Comparison, compare
from geoml_cli.metrics.intervals import LEVEL, Bootstrap, intervals
from geoml_cli.metrics.regression import unit_of
from geoml_cli.splits.split import Rows

_TINY_P = 0.001


@dataclass(frozen=True)
class Score:
    """A score and the bounds of its 95 % interval; NaN where undefined."""

    value: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True)
class Scored:
    """The scores of one prediction, by name.

    Attributes:
        name: Network, member or baseline.
        n: Predictions that were scored.
        groups: Independent groups among them.
        scores: In the model's order.
        error: What winners are named by, whether or not the model lists it.
    """

    name: str
    n: int
    groups: int
    scores: Mapping[str, Score]
    error: float


@dataclass(frozen=True)
class Contest:
    """A baseline beside the network; differences are network minus baseline."""

    baseline: Scored
    summary: str
    against: Comparison
    predicted_P: Values


def bootstrap_of(subject: Subject) -> Bootstrap:
    """Return the resampling that the settings ask for."""
    asked = subject.settings.shared.evaluate
    return Bootstrap(asked.draws, asked.seed)


def score_pool(subject: Subject, pool: Pool, name: str, predicted_P: Values) -> Scored:
    """Score a prediction of the pooled rows."""
    return _scored(subject, name, (pool.observed_P, predicted_P), pool.groups_P)


def score_member(subject: Subject, member: MemberRows) -> Scored:
    """Score one member on its own rows."""
    groups_N = groups_of_samples(subject)[member.rows_N]
    return _scored(subject, member.name, (observed(subject)[member.rows_N], member.predicted_N), groups_N)


def contest(subject: Subject, pool: Pool, baseline: tuple[str, str], predicted_P: Values) -> Contest:
    """Score a baseline (name, summary) and compare the network with it, row by row."""
    name, summary = baseline
    both = pool.predicted_P, predicted_P
    against = compare(pool.observed_P, both, pool.groups_P, bootstrap_of(subject), subject.measure)
    return Contest(score_pool(subject, pool, name, predicted_P), summary, against, predicted_P)


def verdict(network: Scored, contests: list[Contest], measured: tuple[str, str]) -> str:
    """Say in a sentence which wins: the network or the best baseline.

    Args:
        network: Its scores.
        contests: The baselines.
        measured: The measure's name and unit.
    """
    (by, unit), ours = measured, f"the {network.name} network"
    if not contests:
        return f"The {by} of {ours} is {number(network.error)} {unit}; there is no baseline to compare it with."
    best = min(contests, key=lambda held: held.baseline.error)
    name, rival = network.name, best.baseline.name
    gap = best.against
    how = (
        f"difference ({name} - {rival}) {number(gap.difference)} "
        f"[{number(gap.interval.low)}, {number(gap.interval.high)}] {unit} "
        f"({LEVEL:.0%} bootstrap over {gap.groups} groups), Wilcoxon signed-rank {p_text(gap.p_value)}."
    )
    own, other = number(network.error), number(best.baseline.error)
    if gap.better == "none":
        return (
            f"No difference shown between {ours} and {rival}, the best baseline: {by} {own} and {other} {unit}, {how}"
        )
    if gap.better == "first":
        return f"The {name} network wins: {by} {own} {unit}; {rival}, the best baseline, {other} {unit}; {how}"
    return f"{rival} wins: {by} {other} {unit}; {ours} {own} {unit}; {how}"


def number(value: float) -> str:
    """Write a number for people: four significant digits, `n/a` where undefined."""
    return f"{value:.4g}" if np.isfinite(value) else "n/a"


def p_text(value: float) -> str:
    """Write a p-value: `p = 0.012`, `p < 0.001`."""
    if not np.isfinite(value):
        return "p n/a"
    return f"p < {_TINY_P}" if value < _TINY_P else f"p = {value:.2g}"


def _scored(subject: Subject, name: str, pair: tuple[Values, Values], groups_N: Rows) -> Scored:
    metrics, unit = subject.spec.metrics, subject.samples.unit
    bounds = intervals(pair, groups_N, metrics, bootstrap_of(subject))
    scores = {
        key: Score(metric(*pair), bounds[key].low, bounds[key].high, unit_of(metric, unit))
        for key, metric in metrics.items()
    }
    return Scored(name, len(pair[0]), len(np.unique(groups_N)), scores, subject.measure.of(*pair))
