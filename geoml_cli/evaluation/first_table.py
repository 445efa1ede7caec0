"""The first table of a report: score, coverage and baselines on single lines; `scores.csv` holds the same.

A number over all rows is never alone: where rows are unseen in several ways, each way has its line, and where there are
stations, their median stands next to it.

Legend: P pooled rows, S stations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import NamedTuple

import numpy as np

from geoml_cli.evaluation.comparison import BaselineComparison, p_text
from geoml_cli.evaluation.groupwise import NOVELTY, groupwise_scores
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.interval_scores import COVERAGE
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.evaluation.score_tables import with_unit
from geoml_cli.evaluation.scores import ModelScores, Score
from geoml_cli.figures.report import ReportTable
from geoml_cli.metrics.metric import Metric, Values
from geoml_cli.samples.coordinates import labels_of_stations
from geoml_cli.splits.split import Rows
from geoml_cli.work.numbers import bounded, format_number, format_share

_NONE = Score(np.nan, np.nan, np.nan, "1")
_NO_MACRO = ("", np.nan, np.nan, "", "")


class Macro(NamedTuple):
    """A score over single stations."""

    metric: Metric
    median: float
    mean: float
    positive: int
    stations: int


@dataclass(frozen=True)
class FirstLine:
    """One model on one kind of rows.

    Attributes:
        rows_of: What is unseen about the rows; empty for all rows.
        scores: Of these rows.
        coverage: Share of them that the network's intervals hold; None of a baseline.
        macro: A score over their stations; None where there are not several.
        transformed: The ranking score under the target's transform; None without one.
        compared: Comparison of the network with this baseline; None of the network.
    """

    rows_of: str
    scores: ModelScores
    coverage: Score | None
    macro: Macro | None
    transformed: float | None
    compared: BaselineComparison | None


def first_lines(inputs: EvaluationInputs, result: EvaluationResult) -> list[FirstLine]:
    """Return a line for each model, or for each model and way of being unseen."""
    if not result.claims:
        pairs = [(one.baseline, one) for one in result.baselines.comparisons]
        chosen: list[tuple[ModelScores, BaselineComparison | None]] = [*pairs]
        chosen.insert(result.baselines.references, (result.network, None))
        return list(_lines(inputs, result, "", chosen))
    found: list[FirstLine] = []
    for claim in result.claims:
        chosen = [(claim.network, None), *((one.baseline, one) for one in claim.baselines)]
        found += _lines(inputs, result, claim.name, chosen)
    return found


def _lines(
    inputs: EvaluationInputs,
    result: EvaluationResult,
    rows_of: str,
    chosen: list[tuple[ModelScores, BaselineComparison | None]],
) -> Iterator[FirstLine]:
    macros = _macros(inputs, result, rows_of)
    transformed = {one.model: one for one in result.groupwise if one.quantity == "transform" and not rows_of}
    for scores, compared in chosen:
        under = transformed.get(scores.name)
        yield FirstLine(
            rows_of=rows_of,
            scores=scores,
            coverage=_coverage(result, rows_of) if compared is None else None,
            macro=macros.get(scores.name),
            transformed=under.scores.get(result.task.ranking.name) if under else None,
            compared=compared,
        )


def _coverage(result: EvaluationResult, rows_of: str) -> Score | None:
    if result.intervals is None:
        return None
    if not rows_of:
        return result.intervals.scores[COVERAGE]
    own = [one for one in result.intervals.each if (one.quantity, one.name) == (NOVELTY, rows_of)]
    return Score(own[0].scores[COVERAGE], np.nan, np.nan, "1") if own else None


def _macros(inputs: EvaluationInputs, result: EvaluationResult, rows_of: str) -> dict[str, Macro]:
    """Return by model the first score that is a ratio, over single stations: above zero it beats their mean."""
    metric = next((metric for metric in result.task.metrics if metric.unit == "1"), None)
    if metric is None or result.maps is not None or not inputs.task.has_residuals or not inputs.dataset.has("station"):
        return {}
    chosen = np.ones(len(result.pooled.rows_P), dtype=np.bool_)
    if rows_of and result.novelty_P is not None:
        chosen = result.novelty_P == rows_of
    values = _by_station(inputs, result, metric, np.flatnonzero(chosen))
    return {
        model: Macro(metric, *_middle(known_S), int((known_S > 0).sum()), stations)
        for model, (known_S, stations) in values.items()
        if stations > 1
    }


def _middle(known_S: Values) -> tuple[float, float]:
    """Return median and mean, NaN of no values."""
    return (float(np.median(known_S)), float(known_S.mean())) if len(known_S) else (np.nan, np.nan)


def _by_station(
    inputs: EvaluationInputs, result: EvaluationResult, metric: Metric, rows: Rows
) -> dict[str, tuple[Values, int]]:
    """Return by model the score of stations that define it, and the number of all."""
    labels = {"station": labels_of_stations(inputs.dataset)[result.pooled.rows_P[rows]]}
    models = {model: predicted_P[rows] for model, predicted_P in result.models.items()}
    groups = groupwise_scores(result.pooled.observed_P[rows], models, labels, (metric,))
    found = {}
    for model in models:
        values_S = np.array([group.scores[metric.name] for group in groups if group.model == model])
        found[model] = values_S[np.isfinite(values_S)], len(values_S)
    return found


def first_rows(lines: list[FirstLine], result: EvaluationResult) -> Iterator[list[str | int | float]]:
    """Yield the columns of `scores.csv`, then its rows, with all digits; undefined values are NaN."""
    names, by = list(result.network.scores), result.task.ranking.name.replace(" ", "_")
    yield [
        "rows_of", "model", "n", "groups", *(c for name in names for c in (name, f"{name}_low", f"{name}_high")),
        "coverage", "coverage_low", "coverage_high",
        "station_score", "station_median", "station_mean", "stations_above_0", "stations",
        f"{by}_transformed", f"{by}_network_minus_this", f"{by}_difference_low", f"{by}_difference_high",
        "wilcoxon_p_holm",
    ]  # fmt: skip
    for line in lines:
        cover, macro, gap = line.coverage or _NONE, line.macro, line.compared.comparison if line.compared else None
        yield [
            line.rows_of, line.scores.name, line.scores.rows, line.scores.groups,
            *(v for s in line.scores.scores.values() for v in (s.value, s.low, s.high)),
            cover.value, cover.low, cover.high,
            *((macro.metric.name, macro.median, macro.mean, macro.positive, macro.stations) if macro else _NO_MACRO),
            np.nan if line.transformed is None else line.transformed,
            *((gap.difference, *gap.interval, gap.p_value) if gap else (np.nan,) * 4),
        ]  # fmt: skip


def first_table(inputs: EvaluationInputs, result: EvaluationResult) -> ReportTable:
    """Return the table of a page: columns that hold nothing are left out, and of claims only the best baseline."""
    lines = _shown(first_lines(inputs, result))
    columns = dict(_columns(lines, result))
    kept = [name for name, cells in columns.items() if not name or any(cells)]
    caption = (
        f"{inputs.subset.capitalize()} rows, {result.network.groups} groups; 95 % bootstrap intervals over groups."
    )
    if result.intervals is not None:
        caption += f" {result.intervals.summary}"
    if result.claims and result.baselines.comparisons:
        caption += " Of the baselines the best is shown, of the scores two: scores.csv holds all."
    rows = [list(row) for row in zip(*(columns[name] for name in kept), strict=True)]
    return ReportTable("Scores", caption, kept, rows)


def combined_table(networks: Mapping[str, ReportTable]) -> ReportTable:
    """Put the first tables of several networks into one: of each the first score, coverage and the difference."""
    names = {column: None for table in networks.values() for column in table.columns}
    further = [name for name in names if name.startswith("Coverage") or name.endswith(" difference")]
    rows = []
    for network, table in networks.items():
        for cells in (dict(zip(table.columns, row, strict=True)) for row in table.rows):
            score = next(name for name in table.columns if name not in ("Model", "Rows of a"))
            rest = [cells.get(name, "") for name in (*further, "Wilcoxon")]
            rows.append([network, cells["Model"], score, cells[score], *rest])
    caption = "The first score of every network and its baselines, with 95 % bootstrap intervals over groups."
    return ReportTable("Scores", caption, ["Network", "Model", "Score", "Value", *further, "Wilcoxon"], rows)


def combined_rows(networks: Mapping[str, EvaluationResult]) -> Iterator[list[str | int | float]]:
    """Yield the columns of `scores.csv` of several networks, then a row for each score of each model."""
    yield ["network", "model", "n", "groups", "score", "value", "low", "high", "unit"]
    for network, result in networks.items():
        for model in (result.network, *(one.baseline for one in result.baselines.comparisons)):
            for name, score in model.scores.items():
                yield [network, model.name, model.rows, model.groups, name, *astuple(score)]
            cover = result.intervals.scores[COVERAGE] if result.intervals and model is result.network else None
            if cover is not None:
                yield [network, model.name, model.rows, model.groups, COVERAGE, *astuple(cover)]


def _shown(lines: list[FirstLine]) -> list[FirstLine]:
    """Keep of every claim the network and the baseline of the lowest ranking score."""
    found = []
    for rows_of in dict.fromkeys(line.rows_of for line in lines):
        own = [line for line in lines if line.rows_of == rows_of]
        others = [line for line in own if line.compared]
        best = min(others, key=lambda line: line.scores.ranking, default=None)
        found += own if not rows_of else [line for line in own if line.compared is None or line is best]
    return found


def _columns(lines: list[FirstLine], result: EvaluationResult) -> Iterator[tuple[str, list[str]]]:
    task = result.task
    if result.claims:
        yield "Rows of a", [line.rows_of if line.compared is None else "" for line in lines]
    yield "Model", [line.scores.name for line in lines]
    for place, name in enumerate(_two_scores(result)):
        every = [line.scores.scores[name] for line in lines]
        head = with_unit(name, every[0].unit_in(task))
        yield head, [bounded(s.value, s.low, s.high) if place == 0 else format_number(s.value) for s in every]
    macro = next((line.macro for line in lines if line.macro), None)
    if macro is not None:
        head = f"median {macro.metric.name} of stations (above 0)"
        yield head, [_macro(line.macro) if line.macro else "" for line in lines]
    under = [line.transformed for line in lines]
    changed = next((group.name for group in result.groupwise if group.quantity == "transform"), "")
    yield f"{task.ranking.name} of {changed}", ["" if value is None else format_number(value) for value in under]
    if result.intervals is not None:
        head = f"Coverage of {format_share(result.intervals.coverage)}"
        yield head, [format_share(line.coverage.value) if line.coverage else "" for line in lines]
    gaps = [line.compared.comparison if line.compared else None for line in lines]
    head = f"{task.ranking.name} difference"
    yield head, [bounded(gap.difference, *gap.interval) if gap else "" for gap in gaps]
    yield "Wilcoxon", [p_text(gap.p_value) if gap else "" for gap in gaps]


def _two_scores(result: EvaluationResult) -> list[str]:
    """Name the first score and the first that is a ratio, for which a page has room next to the other columns."""
    names = list(result.network.scores)
    ratios = [name for name in names[1:] if result.network.scores[name].unit == "1"]
    return [*names[:1], *ratios[:1]]


def _macro(macro: Macro) -> str:
    return f"{format_number(macro.median)} ({macro.positive} of {macro.stations})"
