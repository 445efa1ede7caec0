"""Scores of each class, of the pixels of the rasters where classes were drawn with other shares than they have there.

Legend: P pooled rows, C classes, D bootstrap draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.member_rows import PooledRows
from geoml_cli.evaluation.scores import Score, rows_of
from geoml_cli.figures.report import ReportTable
from geoml_cli.metrics.class_accuracy import class_scores, map_scores
from geoml_cli.metrics.intervals import Bootstrap, percentiles
from geoml_cli.metrics.metric import Metric, Values
from geoml_cli.metrics.multiclass import Counts, confusion
from geoml_cli.metrics.sums import GroupedRows, values_of_sums
from geoml_cli.work.numbers import bounded, format_share

TITLE = "Per class"
_ALIKE = 0.02
"""By how much shares of a random draw differ anyway."""
_FEWEST_GROUPS = 2


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class by one model: `rows` that are of it and `predicted` to be."""

    name: str
    rows: int
    predicted: int
    scores: Mapping[str, Score]


@dataclass(frozen=True)
class ClassAccuracy:
    """Scores of each class.

    Attributes:
        by_model: Of the classes that are observed or predicted.
        of_map: By model, accuracy and kappa weighted by the pixels of classes; none where every row counts the same.
        shares: Share of rows and of pixels of each class, in words.
        without_rows: Classes of the pixels that no row is of, with their share, in words; empty where there are none.
    """

    by_model: Mapping[str, Sequence[ClassScores]]
    of_map: Mapping[str, Mapping[str, Score]]
    shares: str = ""
    without_rows: str = ""

    @property
    def notes(self) -> list[str]:
        """Say that scores are those of the draw, and which accuracy and kappa the pixels' own shares give."""
        missing = []
        if self.without_rows:
            missing = [
                f"No row here is of {self.without_rows} of the pixels: no score says how these are mapped, "
                "and weights are those of the other classes."
            ]
        if not self.of_map:
            return missing
        each = "; ".join(f"{model} {_words(scores)}" for model, scores in self.of_map.items())
        return [
            "Classes have other shares among the rows than among the pixels of the rasters that have all covariates "
            f"({self.shares}): scores and the coverage of sets are those of the rows, not of a map. Weighted by "
            f"pixels, as per_class.csv is: {each}.",
            *missing,
        ]


def class_accuracy(
    inputs: EvaluationInputs, pooled: PooledRows, predictions: Mapping[str, Values]
) -> ClassAccuracy | None:
    """Score each class by each model; None where no classes are predicted."""
    names = inputs.task.class_names
    if not names:
        return None
    counts = {model: confusion(pooled.observed_P, values_P, len(names)) for model, values_P in predictions.items()}
    drawn_C = next(iter(counts.values())).sum(axis=1)
    share_C = _pixel_shares(inputs, drawn_C)
    rows = rows_of(pooled.observed_P, pooled.groups_P)
    each = _scored(rows, predictions, class_scores(len(names), share_C), inputs.bootstrap)
    whole = {} if share_C is None else _scored(rows, predictions, map_scores(len(names), share_C), inputs.bootstrap)
    pixels_C = _pixels(inputs, len(names))
    missing = [
        f"{names[k]} {format_share(pixels_C[k] / pixels_C.sum())}"
        for k in np.flatnonzero((drawn_C == 0) & (pixels_C > 0))
    ]
    return ClassAccuracy(
        by_model={model: _of_classes(names, counts[model], scores) for model, scores in each.items()},
        of_map={model: {name: score for name, [score] in scores.items()} for model, scores in whole.items()},
        shares="" if share_C is None else _share_words(names, drawn_C, pixels_C / pixels_C.sum()),
        without_rows=" and ".join(missing),
    )


def _pixels(inputs: EvaluationInputs, classes: int) -> Values:
    """Return the pixels of every class that have all covariates; zeros where they are not known."""
    pixels = inputs.dataset.manifest.facts.get("pixels", ())
    return np.asarray(pixels if len(pixels) == classes else [0] * classes, dtype=np.float64)


def _pixel_shares(inputs: EvaluationInputs, drawn_C: Counts) -> Values | None:
    """Return the share of pixels of each class that has rows; None where it is that of the rows, or not known."""
    pixels_C = _pixels(inputs, len(drawn_C))
    if not pixels_C.any():
        return None
    known_C = np.where(drawn_C > 0, pixels_C, 0.0)
    share_C = known_C / known_C.sum()
    return None if np.abs(share_C - drawn_C / drawn_C.sum()).max() <= _ALIKE else share_C


def _scored(
    rows: GroupedRows, predictions: Mapping[str, Values], metrics: Sequence[Metric], bootstrap: Bootstrap
) -> dict[str, dict[str, list[Score]]]:
    """Return each score of each model with its bounds: one of each class, or one of all; on the same draws."""
    [statistics] = {metric.statistics for metric in metrics}
    assert statistics is not None, "scores of classes are of counts"
    sums = {model: {statistics: rows.sums(statistics, values_P)} for model, values_P in predictions.items()}
    drawn: dict[str, list[Values]] = {model: [] for model in sums}
    # As for other scores: threads would wait for memory.
    with threadpool_limits(1, user_api="blas"):
        for count_DG in bootstrap.counts(rows.groups) if rows.groups >= _FEWEST_GROUPS else ():
            for model, own in sums.items():
                drawn[model].append(values_of_sums(metrics, own, count_DG))
    once = np.ones((1, rows.groups))
    return {model: _bounded(metrics, values_of_sums(metrics, own, once), drawn[model]) for model, own in sums.items()}


def _bounded(metrics: Sequence[Metric], value: Values, drawn: Sequence[Values]) -> dict[str, list[Score]]:
    """Return scores from their values [1, C, M] (or [1, M]) and those of draws [D, C, M], by the metric's name."""
    value_KM = value.reshape(-1, len(metrics))
    drawn_DKM = np.concatenate([np.empty((0, *value_KM.shape)), *(own.reshape(-1, *value_KM.shape) for own in drawn)])
    return {
        metric.name: [
            Score(float(value), *percentiles(drawn_DKM[:, k, m]), "1") for k, value in enumerate(value_KM[:, m])
        ]
        for m, metric in enumerate(metrics)
    }


def _of_classes(names: Sequence[str], counts: Counts, scores: Mapping[str, Sequence[Score]]) -> list[ClassScores]:
    rows_C, predicted_C = counts.sum(axis=1), counts.sum(axis=0)
    return [
        ClassScores(names[k], int(rows_C[k]), int(predicted_C[k]), {name: own[k] for name, own in scores.items()})
        for k in np.flatnonzero(rows_C + predicted_C).tolist()
    ]


def _share_words(names: Sequence[str], drawn_C: Counts, share_C: Values) -> str:
    return ", ".join(
        f"{name} {format_share(drawn / drawn_C.sum())} of rows and {format_share(share)} of pixels"
        for name, drawn, share in zip(names, drawn_C, share_C, strict=True)
        if drawn
    )


def _words(scores: Mapping[str, Score]) -> str:
    return ", ".join(f"{name} {bounded(score.value, score.low, score.high)}" for name, score in scores.items())


def class_rows(found: ClassAccuracy) -> Iterator[list[str | int | float]]:
    """Yield the columns of `per_class.csv`, then a row for each model and class."""
    names = list(dict.fromkeys(name for each in found.by_model.values() for one in each for name in one.scores))
    keys = [name.replace("'", "").replace(" ", "_") for name in names]
    yield ["model", "class", "n", "n_predicted", *(f"{key}{end}" for key in keys for end in ("", "_low", "_high"))]
    for model, each in found.by_model.items():
        for one in each:
            bounds = [number for name in names for number in _numbers(one.scores[name])]
            yield [model, one.name, one.rows, one.predicted, *bounds]


def _numbers(score: Score) -> tuple[float, float, float]:
    return score.value, score.low, score.high


def class_table(found: ClassAccuracy | None) -> list[ReportTable]:
    """Return a table with a row for each model and class; none where no classes are predicted."""
    if found is None:
        return []
    rows = [
        [model, one.name, str(one.rows), str(one.predicted), *(bounded(*_numbers(s)) for s in one.scores.values())]
        for model, each in found.by_model.items()
        for one in each
    ]
    names = list(next(iter(found.by_model.values()))[0].scores)
    weights = (
        "Classes count by their pixels in the rasters, those that have all covariates."
        if found.of_map
        else "Every row counts the same."
    )
    caption = (
        "Producer's accuracy: share of an observed class that is found; user's accuracy: share of what is given a "
        f"class that is of it. {weights} Rows of a class (n) and rows given it are those that were drawn. In brackets: "
        "95 % intervals; there are none where half of the draws of groups or more lack a class."
    )
    return [ReportTable(TITLE, caption, ["", "Class", "n", "Predicted", *names], rows)]


def class_record(found: ClassAccuracy | None) -> dict[str, Any]:
    """Return the scores of classes as plain values; none where no classes are predicted."""
    if found is None:
        return {}
    models = {
        model: {
            **{name: _plain(score) for name, score in found.of_map.get(model, {}).items()},
            "each": {
                one.name: {
                    "n": one.rows,
                    "n_predicted": one.predicted,
                    **{name: _plain(score) for name, score in one.scores.items()},
                }
                for one in each
            },
        }
        for model, each in found.by_model.items()
    }
    return {"classes": {"weighted_by_pixels": bool(found.of_map), "models": models}}


def _plain(score: Score) -> dict[str, float]:
    return {"value": score.value, "low": score.low, "high": score.high}
