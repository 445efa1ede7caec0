"""How many held-out rows the intervals hold, and how wide they are.

Every row is looked at with an interval from the rows of other groups.

Legend: P pooled rows, G groups, N forecasts, L lead times, S distances kept of a map, C classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geoml_cli.evaluation.calibration import BLOCK, HeldOut, are_new_groups, held_out_distances
from geoml_cli.evaluation.forecast_sums import MapSums
from geoml_cli.evaluation.groupwise import in_order
from geoml_cli.evaluation.inputs import FEWEST_BLOCKS, EvaluationInputs, blocks
from geoml_cli.evaluation.maps import map_scores, observed_alone
from geoml_cli.evaluation.member_rows import MemberRows, PooledRows
from geoml_cli.evaluation.scores import Score
from geoml_cli.inference.intervals import class_set
from geoml_cli.metrics.conformal import fewest, held_out_quantiles, interval_score
from geoml_cli.metrics.intervals import Bootstrap, percentiles
from geoml_cli.metrics.metric import Values
from geoml_cli.samples.coordinates import labels_of_stations
from geoml_cli.samples.labels import Labels, labelled, labels_of_numbers, names_in_use
from geoml_cli.splits.grouping import group_called
from geoml_cli.splits.grouping import labels as values_of
from geoml_cli.splits.split import Rows
from geoml_cli.work.distinct import distinct
from geoml_cli.work.numbers import format_number, format_share

NOMINAL = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
COVERAGE, WIDTH, SET_SIZE, SCORE = "coverage", "width", "classes in the set", "interval score"


class GroupIntervals(NamedTuple):
    """Intervals of the rows of one group: the names of their scores, and the values."""

    quantity: str
    name: str
    rows: int
    scores: Mapping[str, float]


@dataclass(frozen=True)
class IntervalScores:
    """How good the intervals of a network are.

    Attributes:
        coverage: That is asked for.
        group: What a group is.
        rows: Held-out rows; of forecasts of maps, forecasts.
        groups: Of the rows.
        is_grouped: Whether there are groups enough, all unseen in training, for a promise about a new one.
        reason: Why there is no such promise; empty where there is.
        scores: Coverage found, width (or size of sets) and interval score, with bootstrap intervals over groups.
        each: Likewise by group.
        found: Coverage found at every share of `NOMINAL`.
        noun: What intervals hold.
        unit: Of widths, as people read it.
        bounds: Lower and upper bound of every pooled row, [P] each; None of classes and of maps.
    """

    coverage: float
    group: str
    rows: int
    groups: int
    is_grouped: bool
    reason: str
    scores: Mapping[str, Score]
    each: Sequence[GroupIntervals]
    found: Sequence[float]
    noun: str = "rows"
    unit: str = ""
    bounds: tuple[Values, Values] | None = None

    @property
    def others(self) -> str:
        """Name the rows that each row's interval is from."""
        return "rows of other groups" if self.groups > 1 else "other rows of the same group"

    @property
    def summary(self) -> str:
        """Say it in a sentence or two."""
        found, (name, size) = self.scores[COVERAGE], list(self.scores.items())[1]
        bounds = (
            f" [{format_number(100 * found.low)}, {format_number(100 * found.high)}]" if np.isfinite(found.low) else ""
        )
        unit = f" {self.unit}" if size.unit != "1" else ""
        noun = "intervals" if name == WIDTH else "sets of classes"
        text = f"{format_share(self.coverage)} {noun} hold {format_share(found.value)}{bounds} of the {self.noun} "
        text += f"(mean {name} {format_number(size.value)}{unit}), each from {self.others}."
        if self.is_grouped:
            return text
        return f"{text} They are not valid for a new {self.group}: {self.reason}."


def interval_scores(
    inputs: EvaluationInputs, members: list[MemberRows], pooled: PooledRows, labels: Mapping[str, Labels]
) -> IntervalScores | None:
    """Score the intervals of test rows; None of other rows, of imported runs, and where none is asked for.

    Args:
        inputs: The network.
        members: Their predictions.
        pooled: Rows of all folds.
        labels: By quantity, the group of each row by which intervals are scored as well.
    """
    coverage = inputs.settings.shared.predict.coverage
    if inputs.subset != "test" or inputs.run.imported or not coverage:
        return None
    held_out = held_out_distances(inputs, members, pooled)
    are_new = are_new_groups(inputs, members)
    quantile_P, *others = held_out_quantiles(
        held_out.distance_P, pooled.groups_P, (coverage, *NOMINAL), are_new=are_new
    )
    if not np.isfinite(quantile_P).all():
        return None
    bounds = _bounds(held_out, pooled, quantile_P)
    scored = _scored(held_out, bounds, pooled.observed_P, quantile_P, coverage)
    group, groups = group_called(inputs.dataset, inputs.settings.shared.split), len(distinct(pooled.groups_P))
    unit = inputs.task.target.unit
    every: dict[str, Labels] = {**_own_groups(inputs, pooled), **labels}
    return IntervalScores(
        coverage=coverage,
        group=group,
        rows=len(pooled.rows_P),
        groups=groups,
        is_grouped=are_new and groups >= fewest(coverage),
        reason=_reason(group, groups, coverage, are_new=are_new),
        scores=_with_bounds(scored, pooled.groups_P, unit, inputs.bootstrap),
        each=[one for quantity, label_P in every.items() for one in _by_group(quantity, label_P, scored)],
        found=[float((held_out.distance_P <= other_P).mean()) for other_P in others],
        unit=inputs.task.unit,
        bounds=bounds,
    )


def _reason(group: str, groups: int, coverage: float, *, are_new: bool = True) -> str:
    if not are_new:
        return f"some of these rows are of a {group} that their network was trained on"
    needed = fewest(coverage)
    return "" if groups >= needed else f"there are {groups}, that takes {needed}"


def _scored(
    held_out: HeldOut, bounds: tuple[Values, Values] | None, observed_P: Values, quantile_P: Values, coverage: float
) -> dict[str, Values]:
    """Return what is averaged over rows, by the name of the score, [P] each."""
    if held_out.probability_PC is not None:
        size_P, *is_in_CP = class_set(held_out.probability_PC, quantile_P)
        true_P = observed_P.astype(np.int64)
        return {COVERAGE: np.stack(is_in_CP)[true_P, np.arange(len(true_P))], SET_SIZE: size_P}
    assert bounds is not None, "a quantity has bounds"
    lower, upper = bounds
    return {
        COVERAGE: (held_out.distance_P <= quantile_P).astype(np.float64),
        WIDTH: upper - lower,
        SCORE: interval_score(observed_P, lower, upper, coverage),
    }


def _bounds(held_out: HeldOut, pooled: PooledRows, quantile_P: Values) -> tuple[Values, Values] | None:
    """Return the lower and the upper bound of every row; None of classes."""
    if held_out.difference is None:
        return None
    return held_out.difference.bounds(pooled.predicted_P, held_out.spread_P, quantile_P)


def _with_bounds(
    scored: Mapping[str, Values], group_P: Rows, unit: str, bootstrap: Bootstrap, fewest_groups: int = 2
) -> dict[str, Score]:
    """Average over rows, with the bounds that resampled groups give where there are enough."""
    place_P = np.unique(group_P, return_inverse=True)[1].reshape(-1)
    names, groups = list(scored), int(place_P.max()) + 1
    sums_GK = np.stack([np.bincount(place_P, weights=scored[name], minlength=groups) for name in names], axis=1)
    rows_G = np.bincount(place_P, minlength=groups)
    several = bootstrap.counts(groups) if groups >= fewest_groups else ()
    drawn = [count_DG @ sums_GK / (count_DG @ rows_G)[:, None] for count_DG in several]
    drawn_DK = np.concatenate(drawn) if drawn else np.empty((0, len(names)))
    return {
        name: Score(float(scored[name].mean()), *percentiles(drawn_DK[:, place]), _unit(name, unit))
        for place, name in enumerate(names)
    }


def _unit(name: str, unit: str) -> str:
    return "1" if name in (COVERAGE, SET_SIZE) else unit


def _by_group(quantity: str, label_P: Labels, scored: Mapping[str, Values]) -> Iterator[GroupIntervals]:
    names, place_P, rows = names_in_use(label_P)
    means = {key: np.bincount(place_P, weights=values) / rows for key, values in scored.items()}
    for place in in_order(names):
        yield GroupIntervals(
            quantity, names[place], int(rows[place]), {key: float(mean[place]) for key, mean in means.items()}
        )


def _own_groups(inputs: EvaluationInputs, pooled: PooledRows) -> dict[str, Labels]:
    """Return the groups that intervals are made for, by name; none where each row is one."""
    if len(distinct(pooled.groups_P)) == len(pooled.groups_P):
        return {}
    split = inputs.settings.shared.split
    name = group_called(inputs.dataset, split)
    if name == split.group_by:  # groups are numbered, whatever the values that name them
        names, place_N = np.unique(values_of(inputs.dataset, name, len(inputs.samples)), return_inverse=True)
        return {name: labelled(place_N.reshape(-1), names)[pooled.rows_P]}
    if inputs.dataset.has("station"):
        return {"station": labels_of_stations(inputs.dataset)[pooled.rows_P]}
    return {name: labels_of_numbers(pooled.groups_P, split.group_length if split.group_by else 1)}


def map_interval_scores(inputs: EvaluationInputs, sums: MapSums) -> IntervalScores | None:
    """Score the intervals of forecasts of maps by lead time; None as for `interval_scores`."""
    coverage = inputs.settings.shared.predict.coverage
    if inputs.subset != "test" or inputs.run.imported or not coverage:
        return None
    distance_NLS, block_N = observed_alone(np.concatenate(sums.distances), blocks(inputs, sums.rows_N))
    if not len(block_N):
        return None
    unit, step = inputs.task.target.unit, map_scores(inputs).step
    leads = [_of_lead(distance_NLS[:, lead], block_N, (coverage, *NOMINAL)) for lead in range(distance_NLS.shape[1])]
    by_lead = [scored for scored, *_ in leads]
    if not all(np.isfinite(scored[WIDTH]).all() for scored in by_lead):
        return None
    whole = {name: np.mean([scored[name] for scored in by_lead], axis=0) for name in by_lead[0]}
    groups = len(distinct(block_N))
    each = [
        GroupIntervals(f"lead time [{step}]", str(lead + 1), len(block_N), {k: float(v.mean()) for k, v in one.items()})
        for lead, one in enumerate(by_lead)
    ]
    return IntervalScores(
        coverage=coverage,
        group=BLOCK,
        rows=len(block_N),
        groups=groups,
        is_grouped=groups >= fewest(coverage),
        reason=_reason(BLOCK, groups, coverage),
        scores=_with_bounds(whole, block_N, unit, inputs.bootstrap, FEWEST_BLOCKS),
        each=each,
        found=[float(np.mean([of[1 + k][COVERAGE].mean() for of in leads])) for k in range(len(NOMINAL))],
        noun="cells of the forecasts",
        unit=inputs.task.unit,
    )


def _of_lead(distance_NS: Values, block_N: Rows, coverages: Sequence[float]) -> list[dict[str, Values]]:
    """Return the scores of every forecast at one lead time and each coverage, [N] each; cells count alike."""
    kept = distance_NS.shape[1]
    each = held_out_quantiles(distance_NS.reshape(-1), np.repeat(block_N, kept), coverages)
    found = []
    for coverage, quantile in zip(coverages, each, strict=True):
        quantile_N = quantile.reshape(-1, kept)[:, 0]
        beyond_N = np.maximum(distance_NS - quantile_N[:, None], 0.0).mean(axis=1)
        scored = {
            COVERAGE: (distance_NS <= quantile_N[:, None]).mean(axis=1),
            WIDTH: 2 * quantile_N,
            SCORE: 2 * quantile_N + 2 / (1 - coverage) * beyond_N,
        }
        found.append(scored)
    return found
