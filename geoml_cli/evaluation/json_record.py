"""`metrics.json`: every number of an evaluation, with its unit, and how it was computed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from geoml_cli.evaluation.across_stations import gains, has_stations, station_scores
from geoml_cli.evaluation.class_accuracy import class_record
from geoml_cli.evaluation.collocation import collocation_record
from geoml_cli.evaluation.comparison import BaselineComparison
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.interval_scores import NOMINAL
from geoml_cli.evaluation.notes import pooling
from geoml_cli.evaluation.place_series import place_sums
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.evaluation.scores import ModelScores, Score
from geoml_cli.metrics.intervals import LEVEL
from geoml_cli.version import __version__


def record(inputs: EvaluationInputs, result: EvaluationResult, missing: list[str]) -> dict[str, Any]:
    """Return an evaluation as plain values; what is undefined is None."""
    target = inputs.task.target
    manifest = inputs.dataset.manifest
    found = {
        "run": inputs.run.id,
        "split": inputs.subset,
        "target": {"name": target.name, "unit": target.unit},
        "geoml": __version__,
        "data": {"source": manifest.source, "digest": manifest.digest()},
        "summary": result.summary,
        "warnings": list(result.notes),
        "rows": _rows(result),
        "pooling": pooling(inputs),
        "intervals": _resampling(inputs),
        "claims": [
            {
                "rows_of": claim.name,
                "resampled": claim.resampled,
                "network": {"name": claim.network.name, **_scores(claim.network)},
                "baselines": {one.baseline.name: _compared(inputs, one) for one in claim.baselines},
            }
            for claim in result.claims
        ],
        "network": {"name": result.network.name, **_scores(result.network)},
        "members": {
            scores.name: {"fold": member.fold, "seed": member.seed, **_scores(scores)}
            for member, scores in zip(result.members, result.member_scores, strict=True)
        },
        "baselines": {one.baseline.name: _compared(inputs, one) for one in result.baselines.comparisons},
        "groups": [group._asdict() for group in result.groupwise],
        **_confusion(result),
        **class_record(result.classes),
        **_gains(inputs, result),
        **_collocation(result),
        **_sums(result),
        "prediction_intervals": _prediction_intervals(result),
        "importance": _importance(inputs, result),
        "audit": [asdict(line) for line in result.audit],
        "not_shown": missing,
    }
    return {key: strict(value) for key, value in found.items()}


def combined_record(
    first: EvaluationInputs, networks: Mapping[str, dict[str, Any]], pipeline: EvaluationResult | None
) -> dict[str, Any]:
    """Return the records of several networks, and of them one after another."""
    found: dict[str, Any] = {
        "run": first.run.id,
        "split": first.subset,
        "geoml": __version__,
        "networks": networks,
        "pipeline": {},
    }
    if pipeline is not None:
        groups = [group._asdict() for group in pipeline.groupwise]
        found["pipeline"] = strict({**_scores(pipeline.network), "groups": groups})
    return found


def text(record: dict[str, Any]) -> str:
    """Return a record as strict JSON."""
    return json.dumps(record, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _confusion(result: EvaluationResult) -> dict[str, Any]:
    matrix = result.confusion
    return {"confusion": {"classes": list(matrix.names), "counts": matrix.counts.tolist()}} if matrix else {}


def _gains(inputs: EvaluationInputs, result: EvaluationResult) -> dict[str, Any]:
    """Compare the network with each baseline station by station, where there are several."""
    if result.maps is not None or not has_stations(inputs, result):
        return {}
    key, unit = f"median_{ranking_key(inputs)}_network_minus_baseline", inputs.task.target.unit
    return {
        "gain_at_stations": {
            one.baseline: {key: one.median, "unit": unit, "share_better": one.better, "wilcoxon_p_holm": one.p_value}
            for one in gains(result, station_scores(inputs, result))
        }
    }


def _collocation(result: EvaluationResult) -> dict[str, Any]:
    return {"triple_collocation": collocation_record(result.collocation)} if result.collocation else {}


def _sums(result: EvaluationResult) -> dict[str, Any]:
    """Give the sums of observed and predicted values at stations, where the target is a rate per time."""
    if result.series is None or result.series.summed is None:
        return {}
    unit = result.series.summed.unit
    return {"sums": {one.name: {**one._asdict(), "unit": unit} for one in place_sums(result.series)}}


def _prediction_intervals(result: EvaluationResult) -> dict[str, Any] | None:
    found = result.intervals
    if found is None:
        return None
    return {
        "coverage": found.coverage,
        "method": f"split conformal, each row's interval from {found.others}",
        "group": found.group,
        "groups": found.groups,
        "valid_for_new_groups": found.is_grouped,
        "scores": _by_name(found.scores),
        "by_group": [one._asdict() for one in found.each],
        "calibration": {"nominal": list(NOMINAL), "found": list(found.found)},
    }


def _rows(result: EvaluationResult) -> dict[str, Any]:
    return {
        "predictions": result.network.rows,
        "samples": result.pooled.samples,
        "groups": result.network.groups,
        "without_observation": sum(member.without_observation for member in result.members),
        "folds": dict(result.pooled.folds),
    }


def _resampling(inputs: EvaluationInputs) -> dict[str, Any]:
    return {
        "level": LEVEL,
        "method": "percentile bootstrap over groups",
        "n_bootstrap": inputs.bootstrap.draws,
        "seed": inputs.bootstrap.seed,
    }


def _scores(scores: ModelScores) -> dict[str, Any]:
    return {"n": scores.rows, "groups": scores.groups, "scores": _by_name(scores.scores)}


def _by_name(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {
        name: {"value": score.value, "low": score.low, "high": score.high, "unit": score.unit}
        for name, score in scores.items()
    }


def _compared(inputs: EvaluationInputs, one: BaselineComparison) -> dict[str, Any]:
    difference = {
        "value": one.comparison.difference,
        "low": one.comparison.interval.low,
        "high": one.comparison.interval.high,
        "unit": inputs.task.target.unit,
        "better": {"first": "network", "second": "baseline", "none": None}[one.comparison.better],
    }
    return {
        "description": one.description,
        **_scores(one.baseline),
        f"{ranking_key(inputs)}_network_minus_baseline": difference,
        "wilcoxon_p_holm": one.comparison.p_value,
    }


def ranking_key(inputs: EvaluationInputs) -> str:
    """Return the ranking score's name as files spell it."""
    return inputs.task.ranking.name.lower().replace(" ", "_")


def _importance(inputs: EvaluationInputs, result: EvaluationResult) -> dict[str, Any]:
    ranked = sorted(result.importance.items(), key=lambda pair: -float(pair[1].mean()))
    key, unit = f"{ranking_key(inputs)}_increase", inputs.task.target.unit
    return {
        name: {key: float(v.mean()), "low": float(v.min()), "high": float(v.max()), "unit": unit} for name, v in ranked
    }


def strict(value: Any) -> Any:  # noqa: ANN401  JSON has no narrower type
    """JSON knows no NaN; null stands for what is undefined."""
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
