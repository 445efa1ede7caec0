"""A model of several parts: each part evaluated by itself, then the chain of them on rows none of them has seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from geoml_cli import registry
from geoml_cli.figures.report import Table
from geoml_cli.models.spec import Spec
from geoml_cli.stages.evaluation.scores import number
from geoml_cli.stages.evaluation.subject import Subject, Values, judged_rows
from geoml_cli.stages.restore import settings_of

Scores = Mapping[str, tuple[float, str]]


@dataclass(frozen=True)
class _Fold:
    """Observed and predicted values of the rows of a fold, by part."""

    observed: dict[str, Values]
    predicted: dict[str, Values]


def chained(subjects: Mapping[str, Subject]) -> Scores:
    """Score the chain end to end, each score with its unit; none where a part is missing or the model has no chain."""
    first = next(iter(subjects.values()))
    spec: Spec[Any] = registry.spec(first.run.model)
    tables = settings_of(first.run).own
    whole = len(subjects) == len(spec.parts(tables)) > 1
    if spec.combined is None or not whole:
        return {}
    folds = [_fold(subjects, fold) for fold in dict.fromkeys(_folds(first).values())]
    observed, predicted = (
        {part: np.concatenate([side(fold)[part] for fold in folds]) for part in subjects}
        for side in (attrgetter("observed"), attrgetter("predicted"))
    )
    return spec.combined.scores(tables, observed, predicted)


def _folds(subject: Subject) -> dict[str, str]:
    return {name: subject.run.split(name).fold for name in subject.predictors}


def _fold(subjects: Mapping[str, Subject], fold: str) -> _Fold:
    """Predict the first part's rows of a fold with every part: all parts share the division."""
    first = next(iter(subjects.values()))
    name = next(name for name, held in _folds(first).items() if held == fold)
    rows = judged_rows(first.run.split(name), first.part, len(first.samples))
    target = first.samples.target
    assert target is not None, "evaluated before"
    rows = rows[np.isfinite(target[rows])]
    observed, predicted = {}, {}
    for part, subject in subjects.items():
        members = [name for name, held in _folds(subject).items() if held == fold]
        each = [subject.predictors[name](subject.samples, rows) for name in members]
        predicted[part] = np.mean(each, axis=0)
        assert subject.samples.target is not None, "evaluated before"
        observed[part] = np.asarray(subject.samples.target[rows], dtype=np.float64)
    return _Fold(observed, predicted)


def chain_table(scores: Scores) -> Table:
    """Return the scores of the chain as a table of the report."""
    caption = "Both stages one after the other, on test rows that neither has seen."
    rows = [[name, number(value), unit if unit != "1" else ""] for name, (value, unit) in scores.items()]
    return Table("The two stages together", caption, ["Score", "Value", "Unit"], rows)
