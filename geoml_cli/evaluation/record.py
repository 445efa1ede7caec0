"""`metrics.json`: every number of an evaluation, with its unit, and how it was come by."""

from __future__ import annotations

import json
import math
from typing import Any

from geoml_cli.evaluation.mixed import mixed
from geoml_cli.evaluation.outcome import Outcome, pooling, warnings
from geoml_cli.evaluation.scores import Contest, Scored
from geoml_cli.evaluation.strata import strata
from geoml_cli.evaluation.subject import Subject
from geoml_cli.metrics.intervals import LEVEL
from geoml_cli.version import __version__


def record(subject: Subject, outcome: Outcome, missing: list[str]) -> dict[str, Any]:
    """Return an evaluation as plain values; what is undefined is None."""
    name, unit = subject.quantity
    found = {
        "run": subject.run.id,
        "split": subject.part,
        "target": {"name": name, "unit": unit},
        "geoml": __version__,
        "data": {"source": subject.dataset.manifest.source, "digest": subject.dataset.manifest.digest()},
        "verdict": outcome.verdict,
        "warnings": warnings(subject, outcome),
        "rows": _rows(outcome),
        "pooling": pooling(subject),
        "intervals": _resampling(subject),
        "network": {"name": outcome.network.name, **_scored(outcome.network)},
        "members": {
            scored.name: {"fold": member.fold, "seed": member.seed, **_scored(scored)}
            for member, scored in zip(outcome.members, outcome.each, strict=True)
        },
        "baselines": {held.baseline.name: _contest(held, unit) for held in outcome.contests},
        "classes": [held._asdict() for held in strata(subject, outcome)],
        **_mixed(subject, outcome),
        "importance": _importance(outcome, unit),
        "not_shown": missing,
    }
    return {key: strict(value) for key, value in found.items()}


def text(found: dict[str, Any]) -> str:
    """Return a record as strict JSON."""
    return json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _mixed(subject: Subject, outcome: Outcome) -> dict[str, Any]:
    found = mixed(subject, outcome)
    return {"confusion": {"classes": found.names, "counts": found.counts.tolist()}} if found else {}


def _rows(outcome: Outcome) -> dict[str, Any]:
    return {
        "predictions": outcome.network.n,
        "samples": len(set(outcome.pool.rows_P.tolist())),
        "groups": outcome.network.groups,
        "without_observation": sum(member.left_out for member in outcome.members),
        "folds": dict(outcome.pool.folds),
    }


def _resampling(subject: Subject) -> dict[str, Any]:
    asked = subject.settings.shared.evaluate
    return {
        "level": LEVEL,
        "method": "percentile bootstrap over groups",
        "draws": asked.draws,
        "seed": asked.seed,
    }


def _scored(scored: Scored) -> dict[str, Any]:
    scores = {
        name: {"value": score.value, "low": score.low, "high": score.high, "unit": score.unit}
        for name, score in scored.scores.items()
    }
    return {"n": scored.n, "groups": scored.groups, "scores": scores}


def _contest(held: Contest, unit: str) -> dict[str, Any]:
    difference = {
        "value": held.against.difference,
        "low": held.against.interval.low,
        "high": held.against.interval.high,
        "unit": unit,
        "better": {"first": "network", "second": "baseline", "none": None}[held.against.better],
    }
    return {
        "summary": held.summary,
        **_scored(held.baseline),
        f"{held.against.measure.key}_network_minus_baseline": difference,
        "wilcoxon_p": held.against.p_value,
    }


def _importance(outcome: Outcome, unit: str) -> dict[str, Any]:
    ranked = sorted(outcome.importance.items(), key=lambda pair: -float(pair[1].mean()))
    key = f"{outcome.measure.key}_increase"
    return {
        name: {key: float(v.mean()), "low": float(v.min()), "high": float(v.max()), "unit": unit} for name, v in ranked
    }


def strict(value: Any) -> Any:  # noqa: ANN401  JSON has no narrower type
    """JSON knows no NaN; null stands for what is undefined."""
    if isinstance(value, dict):
        return {key: strict(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [strict(held) for held in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
