"""Evaluation of a network that forecasts maps: scores by lead time and over all, compared with its baselines.

Legend: N forecasts, L lead times, G blocks of start times, D bootstrap draws, M scores, K sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from geoml_cli.evaluation.compared_runs import name_of, summary_of
from geoml_cli.evaluation.comparison import BaselineResults, compare_all
from geoml_cli.evaluation.forecast_sums import MapSums
from geoml_cli.evaluation.groupwise import GroupScores
from geoml_cli.evaluation.inputs import FEWEST_BLOCKS, EvaluationInputs, blocks
from geoml_cli.evaluation.interval_scores import map_interval_scores
from geoml_cli.evaluation.maps import map_scores, network_maps, start_and_lead, sum_maps, targets
from geoml_cli.evaluation.member_rows import MemberRows, PooledRows
from geoml_cli.evaluation.missing_forecasts import without_climatology
from geoml_cli.evaluation.notes import beside_intervals, map_notes
from geoml_cli.evaluation.result import EvaluationResult, ExampleForecast, ForecastMaps
from geoml_cli.evaluation.scores import ModelScores, Score
from geoml_cli.metrics.intervals import Bootstrap, percentiles
from geoml_cli.metrics.metric import Metric, Statistics, Values
from geoml_cli.metrics.sums import values_of_sums
from geoml_cli.splits.split import Rows
from geoml_cli.work.reporting import Reporter

_NONE = np.empty(0)


def evaluate_maps(inputs: EvaluationInputs, reporter: Reporter) -> EvaluationResult:
    """Score a network and its baselines on every forecast of the subset.

    Raises:
        DataError: There is nothing to score, or a forecast is not finite.
        SettingsError: There is no such baseline.
    """
    sums = sum_maps(inputs, reporter)
    block_N = blocks(inputs, sums.rows_N)
    members = [_member(inputs, name, sums.rows_N) for name in inputs.predictors]
    scores = {model: _scores(inputs, sums, model, block_N) for model in sums.models()}
    network = scores[inputs.name]
    described = _descriptions(inputs)
    baselines = compare_all(network, [scores[name] for name in scores if name in described], described)
    return EvaluationResult(
        task=inputs.task,
        pooled=PooledRows(sums.rows_N, _NONE, _NONE, block_N, sums.folds),
        network=network,
        groupwise=list(_by_lead_time(inputs, sums)),
        members=members,
        member_scores=[scores.get(member.name, network) for member in members],
        baselines=BaselineResults(baselines, "" if baselines else "No baselines: evaluate.baselines names none."),
        notes=[
            *map_notes(inputs, network.groups, FEWEST_BLOCKS),
            *without_climatology(sums),
            *beside_intervals({"": network}),
        ],
        maps=_maps(inputs, sums),
        intervals=map_interval_scores(inputs, sums),
    )


def _descriptions(inputs: EvaluationInputs) -> dict[str, str]:
    """Describe baselines and compared runs, by name."""
    found = {name: record.summary for name, record in inputs.network.baselines.items()}
    return found | {name_of(folder): summary_of(folder) for folder in inputs.settings.shared.evaluate.runs}


def _member(inputs: EvaluationInputs, name: str, rows_N: Rows) -> MemberRows:
    split = inputs.run.split(name)
    return MemberRows(name, split.fold, split.seed, rows_N, 0, raw_N=_NONE, predicted_N=_NONE)


def _scores(inputs: EvaluationInputs, sums: MapSums, model: str, block_N: Rows) -> ModelScores:
    task, groups = inputs.task, int(block_N.max()) + 1
    by_block = {function: _grouped(each.sum(axis=1), block_N) for function, each in sums.joined(model).items()}
    metrics = (*task.metrics, task.ranking)
    value_M = values_of_sums(metrics, by_block, np.ones((1, groups)))[0]
    drawn_DM = _drawn(metrics, by_block, inputs.bootstrap, groups)
    named: dict[str, Score] = {}
    for place, metric in enumerate(task.metrics):
        low, high = percentiles(drawn_DM[:, place])
        named[metric.name] = Score(float(value_M[place]), low, high, metric.unit_of(task.target.unit))
    return ModelScores(
        name=model,
        rows=len(block_N),
        groups=groups,
        scores=named,
        ranking=float(value_M[-1]),
        drawn_D=drawn_DM[:, -1],
        error_G=_paired(task.paired, by_block, groups),
    )


def _paired(metric: Metric, by_block: Mapping[Statistics, Values], groups: int) -> Values:
    """Return the mean error of every block, [G]; of all together where there are too few blocks to be tested."""
    assert metric.statistics is not None and metric.value is not None, metric.name
    sums_GK = by_block[metric.statistics]
    return metric.value(sums_GK if groups >= FEWEST_BLOCKS else sums_GK.sum(axis=0, keepdims=True))


def _grouped(each_NK: Values, block_N: Rows) -> Values:
    """Sum over the forecasts of every block, [G, K]."""
    found = np.zeros((int(block_N.max()) + 1, *each_NK.shape[1:]))
    np.add.at(found, block_N, each_NK)
    return found


def _drawn(metrics: Sequence[Metric], sums: Mapping[Statistics, Values], bootstrap: Bootstrap, groups: int) -> Values:
    """Score bootstrap draws of blocks, [D, M]; none where there are too few blocks."""
    if groups < FEWEST_BLOCKS:
        return np.empty((0, len(metrics)))
    return np.concatenate([values_of_sums(metrics, sums, count_DG) for count_DG in bootstrap.counts(groups)])


def _by_lead_time(inputs: EvaluationInputs, sums: MapSums) -> Iterator[GroupScores]:
    """Yield scores of every lead time: physical ones, then those of the scaled maps with all lead times before."""
    maps, forecasts = map_scores(inputs), len(sums.rows_N)
    for lead in range(targets(inputs).shape[1]):
        for model in sums.models():
            at_lead = {function: each[:, lead] for function, each in sums.joined(model).items()}
            scores = _overall_scores(inputs.task.metrics, at_lead, forecasts)
            yield GroupScores(f"lead time [{maps.step}]", str(lead + 1), model, forecasts, scores)
    for label, leads in _leads(targets(inputs).shape[1]):
        for model in sums.models():
            at_lead = {function: each[:, leads].sum(axis=1) for function, each in sums.joined_scaled(model).items()}
            scores = _overall_scores(maps.scaled, at_lead, forecasts)
            yield GroupScores(f"lead time [{maps.step}], scaled maps", label, model, forecasts, scores)


def _leads(count: int) -> Iterator[tuple[str, slice]]:
    yield "all", slice(None)
    for lead in range(count):
        yield str(lead + 1), slice(lead, lead + 1)


def _overall_scores(metrics: Sequence[Metric], sums: Mapping[Statistics, Values], forecasts: int) -> dict[str, float]:
    value_M = values_of_sums(metrics, sums, np.ones((1, forecasts)))[0]
    return {metric.name: float(value) for metric, value in zip(metrics, value_M, strict=True)}


def _maps(inputs: EvaluationInputs, sums: MapSums) -> ForecastMaps:
    frames = targets(inputs)
    labels = [frames.series.labels[step] for step in frames.first[sums.rows_N]]
    return ForecastMaps(
        step=map_scores(inputs).step,
        starts=labels,
        rmse={model: start_and_lead(sums, model) for model in sums.models()},
        cells=sums.cells,
        power=sums.power,
        example=_example(inputs, sums),
    )


def _example(inputs: EvaluationInputs, sums: MapSums) -> ExampleForecast:
    """Forecast once more the start whose error is the median: neither the best nor the worst is shown."""
    frames, rmse_N = targets(inputs), start_and_lead(sums, inputs.name).mean(axis=1)
    middle = int(np.argsort(rmse_N)[len(rmse_N) // 2])
    rows = sums.rows_N[middle : middle + 1]
    fold = next(
        fold for fold, end in zip(sums.folds, np.cumsum(list(sums.folds.values())), strict=True) if middle < end
    )
    members = [name for name in inputs.predictors if inputs.run.split(name).fold == fold]
    forecast = network_maps(inputs, members, rows)
    return ExampleForecast(
        labels=[frames.series.labels[step] for step in frames.steps(rows)[0]],
        truth_LYX=np.where(np.isfinite(forecast[0]), frames.native(rows)[0], np.nan),
        forecast_LYX=forecast[0],
    )
