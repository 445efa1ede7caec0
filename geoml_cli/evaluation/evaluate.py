"""Evaluation of a network, and of several networks one after another: predict, score, compare, explain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from geoml_cli.evaluation.baselines import predict_baselines, refuse_unknown
from geoml_cli.evaluation.claims import claims
from geoml_cli.evaluation.class_accuracy import class_accuracy
from geoml_cli.evaluation.collocation import collocate
from geoml_cli.evaluation.comparison import BaselineResults, compare_all
from geoml_cli.evaluation.distances import split_distances
from geoml_cli.evaluation.forecast import evaluate_maps
from geoml_cli.evaluation.groupwise import (
    NOVELTY,
    groupwise_scores,
    labels_of,
    plausibility,
    transformed_scores,
    without_transform,
)
from geoml_cli.evaluation.importance import importance
from geoml_cli.evaluation.inputs import EvaluationInputs, groups_of_samples, observed
from geoml_cli.evaluation.interval_scores import interval_scores
from geoml_cli.evaluation.kept import member_predictions
from geoml_cli.evaluation.member_rows import (
    MemberRows,
    PooledRows,
    folds_of,
    members_of,
    pool_folds,
    predict_members,
    rows_of_fold,
)
from geoml_cli.evaluation.notes import beside_intervals, notes
from geoml_cli.evaluation.place_series import place_series
from geoml_cli.evaluation.result import ConfusionMatrix, EvaluationResult
from geoml_cli.evaluation.scores import ModelScores, rows_of, score
from geoml_cli.evaluation.station_scores import station_scores
from geoml_cli.metrics.metric import Values
from geoml_cli.metrics.multiclass import confusion
from geoml_cli.models.spec import Pipeline, Rows
from geoml_cli.work.memory import return_freed
from geoml_cli.work.reporting import Reporter


def evaluate_network(inputs: EvaluationInputs, reporter: Reporter) -> EvaluationResult:
    """Score the members of a network on their rows, pooled and each, with baselines.

    Raises:
        DataError: There is nothing to score, or a prediction or covariate is not finite.
        SettingsError: There is no such baseline.
    """
    if inputs.task.maps is not None:
        return evaluate_maps(inputs, reporter)
    refuse_unknown(inputs)
    members = predict_members(inputs, reporter)
    pooled = pool_folds(inputs, members)
    return_freed()  # batches of networks, before tables of features come
    baselines = predict_baselines(inputs, members, reporter)
    return_freed()
    rows = rows_of(pooled.observed_P, pooled.groups_P)
    with reporter.task("score", len(members) + 1) as advance:
        predictions = {inputs.name: pooled.predicted_P, **baselines.predicted_P}
        network, *baseline_scores = score(inputs.task, rows, predictions, inputs.bootstrap)
        advance(1)
        member_scores = []
        for member in members:
            member_scores.append(_score_member(inputs, member))
            advance(1)
    each = compare_all(network, baseline_scores, baselines.descriptions, predictions)
    compared = [replace(one, reference=_is_reference(inputs, one.baseline.name)) for one in each]
    compared.sort(key=lambda one: not one.reference)  # the others stay in order
    labels = labels_of(inputs, members, pooled) | plausibility(inputs, pooled)
    groupwise = groupwise_scores(pooled.observed_P, _ordered(inputs, predictions), labels, inputs.task.metrics)
    classes = class_accuracy(inputs, pooled, predictions)
    claimed = claims(inputs, pooled, labels.get(NOVELTY), predictions, baselines.descriptions)
    found = EvaluationResult(
        task=inputs.task,
        pooled=pooled,
        network=network,
        claims=claimed,
        groupwise=[*groupwise, *transformed_scores(inputs, pooled, predictions)],
        members=members,
        member_scores=member_scores,
        baselines=BaselineResults(compared, baselines.skipped),
        importance=importance(inputs, members, reporter),
        confusion=_confusion(inputs, pooled),
        classes=classes,
        notes=[
            *notes(inputs, members, network.groups),
            *beside_intervals({"": network, **{claim.name: claim.network for claim in claimed}}),
            *without_transform(inputs, predictions),
            *(classes.notes if classes else []),
        ],
        collocation=collocate(inputs, pooled, compared),
        intervals=interval_scores(inputs, members, pooled, labels),
        novelty_P=labels.get(NOVELTY),
        distances=split_distances(inputs),
    )
    stations = list(station_scores(inputs, found)) if inputs.dataset.has("station") else []
    return replace(found, stations=stations, series=place_series(inputs, found))


def _is_reference(inputs: EvaluationInputs, baseline: str) -> bool:
    own = inputs.network.baselines.get(baseline)
    return own is not None and own.reference


def _ordered(inputs: EvaluationInputs, predictions: Mapping[str, Values]) -> dict[str, Values]:
    """Put a reference before the network, as in every table."""
    return dict(sorted(predictions.items(), key=lambda named: not _is_reference(inputs, named[0])))


def _score_member(inputs: EvaluationInputs, member: MemberRows) -> ModelScores:
    rows = rows_of(observed(inputs)[member.rows_N], groups_of_samples(inputs)[member.rows_N])
    [scores] = score(inputs.task, rows, {member.name: member.predicted_N}, inputs.bootstrap)
    return scores


def _confusion(inputs: EvaluationInputs, pooled: PooledRows) -> ConfusionMatrix | None:
    names = inputs.task.class_names
    if not names:
        return None
    counts = confusion(pooled.observed_P, pooled.predicted_P, len(names))
    occurs = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    return ConfusionMatrix([names[place] for place in occurs], counts[np.ix_(occurs, occurs)])


def evaluate_pipeline(pipeline: Pipeline, networks: Mapping[str, EvaluationInputs]) -> EvaluationResult:
    """Score networks one after another on rows that none of them has seen: all share the split."""
    first = next(iter(networks.values()))
    parts = {fold: _fold(pipeline, networks, fold) for fold in folds_of(first)}
    rows_P = np.concatenate([rows for rows, _, _ in parts.values()])
    observed_PC, predicted_PC = (np.concatenate([part[place] for part in parts.values()]) for place in (1, 2))
    pooled = PooledRows(
        rows_P=rows_P,
        observed_P=observed_PC,
        predicted_P=predicted_PC,
        groups_P=groups_of_samples(first)[rows_P],
        folds={fold: len(part[0]) for fold, part in parts.items()},
    )
    name = first.run.model
    predictions = {name: predicted_PC}
    [scores] = score(pipeline.task, rows_of(observed_PC, pooled.groups_P), predictions, first.bootstrap)
    label = first.network.groups
    named = label(first.samples, first.dataset) if label else {}
    labels = {quantity: label_N[rows_P] for quantity, label_N in named.items()}
    groupwise = groupwise_scores(observed_PC, predictions, labels, pipeline.task.metrics)
    return EvaluationResult(task=pipeline.task, pooled=pooled, network=scores, groupwise=groupwise)


def _fold(pipeline: Pipeline, networks: Mapping[str, EvaluationInputs], fold: str) -> tuple[Rows, Values, Values]:
    """Predict the first network's rows of a fold with every network; return rows, observed and predicted values."""
    rows = rows_of_fold(next(iter(networks.values())), fold)
    seen, predicted = {}, {}
    for network, inputs in networks.items():
        each = [member_predictions(inputs, name, rows) for name in members_of(inputs, fold)]
        predicted[network] = inputs.scored(each)
        seen[network] = np.asarray(inputs.samples.target.rows, dtype=np.float64)[rows]
    return rows, pipeline.observed(seen), pipeline.scored(predicted)
