"""Baselines on the network's own rows: fitted on each fold's training rows, pooled like the network."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from geoml_cli import registry
from geoml_cli.baselines.baseline import Rows, baseline, baselines, predictions, way
from geoml_cli.errors import DataError
from geoml_cli.evaluation.scores import Contest, contest
from geoml_cli.evaluation.subject import MemberRows, Pool, Subject, Values, observed
from geoml_cli.samples.scaling import TargetScaling
from geoml_cli.work.reporting import Reporter


@dataclass(frozen=True)
class Rivals:
    """The baselines, or why there are none."""

    contests: list[Contest] = field(default_factory=list)
    skipped: str = ""


@dataclass(frozen=True)
class _Fold:
    """A fold's rows, and the transform its networks were trained under."""

    rows: Rows
    scaling: TargetScaling


def refuse_unknown(subject: Subject) -> None:
    """Raise SettingsError where the settings name a baseline that there is not."""
    for name in subject.settings.shared.evaluate.baselines:
        registry.known("baseline", name, baselines())


def rivals(subject: Subject, members: list[MemberRows], pool: Pool, reporter: Reporter) -> Rivals:
    """Fit and score the baselines that the settings name.

    Raises:
        DataError: A covariate is missing, or a baseline's prediction is not finite.
    """
    judged, asked = subject.spec.judged, subject.settings.shared.evaluate.baselines
    names = [name for name in asked if way(name, judged)]
    if not asked:
        return Rivals(skipped="No baselines: evaluate.baselines is empty.")
    if not names:
        return Rivals(skipped=f"No baselines: evaluate.baselines names none that gives {judged}.")
    if any(not len(subject.run.split(member.name).train) for member in members):
        return Rivals(
            skipped="No baselines: the training rows of this run are unknown, so none can be trained on them."
        )
    folds = _folds(subject, members)
    contests = []
    with reporter.task("baselines", len(names) * len(folds)) as advance:
        for name in names:
            parts = []
            for fold in folds:
                parts.append(_predicted((name, judged), fold, subject.settings.shared.evaluate.seed))
                advance(1)
            about = (name, baseline(name).summary)
            contests.append(contest(subject, pool, about, np.concatenate(parts)))
    return Rivals(contests)


def _folds(subject: Subject, members: list[MemberRows]) -> list[_Fold]:
    """Gather each fold's rows once; its members differ by seed only."""
    table, names = subject.spec.features(subject.samples)
    truth = observed(subject)
    found: dict[str, _Fold] = {}
    for member in members:
        if member.fold in found:
            continue
        train = subject.run.split(member.name).train
        train = train[np.isfinite(truth[train])]
        scaling = subject.run.scaling(member.name).target
        rows = Rows(table[train], scaling.forward(truth[train]), table[member.rows_N], names)
        found[member.fold] = _Fold(rows, scaling)
    return list(found.values())


def _predicted(what: tuple[str, str], fold: _Fold, seed: int) -> Values:
    """Fit a baseline (name, what is judged) on a fold and predict; probabilities and classes were never scaled."""
    name, judged = what
    with np.errstate(over="ignore"):
        values = fold.scaling.inverse(predictions(name, fold.rows, judged, seed))
    if wrong := int((~np.isfinite(values)).sum()):
        raise DataError(
            f"baseline {name} predicts no finite value for {wrong} of {len(values)} rows.",
            where="[evaluate] baselines",
            fix="Leave it out with --set evaluate.baselines, or look for extreme covariates.",
        )
    return values
