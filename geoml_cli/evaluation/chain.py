"""A model of several parts: each part evaluated by itself, then the chain of them on rows none of them has seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from geoml_cli import registry
from geoml_cli.evaluation.scores import Score, bootstrap_of, number
from geoml_cli.evaluation.subject import Subject, Values, groups_of_samples, judged_rows
from geoml_cli.figures.report import Table
from geoml_cli.inference.load import settings_of
from geoml_cli.metrics.intervals import Interval, percentiles
from geoml_cli.models.spec import Spec
from geoml_cli.splits.split import Rows


class ChainClass(NamedTuple):
    """The chain's scores of the rows of one class of a quantity; those that these do not define are left out."""

    quantity: str
    name: str
    rows: int
    scores: dict[str, float]


@dataclass(frozen=True)
class Chain:
    """The parts of a model one after another, scored end to end; empty where a part is missing or there is no chain."""

    scores: Mapping[str, Score]
    classes: tuple[ChainClass, ...] = ()


@dataclass(frozen=True)
class _Judged:
    """Rows of all folds, and their observed and predicted values by part."""

    rows: Rows
    observed: dict[str, Values]
    predicted: dict[str, Values]

    def some(self, chosen: Rows) -> tuple[dict[str, Values], dict[str, Values]]:
        """Return the values of some of the rows."""
        return (
            {part: values[chosen] for part, values in self.observed.items()},
            {part: values[chosen] for part, values in self.predicted.items()},
        )


def chained(subjects: Mapping[str, Subject]) -> Chain:
    """Score the chain end to end, with bootstrap intervals over groups, and by class."""
    first = next(iter(subjects.values()))
    spec: Spec[Any] = registry.spec(first.run.model)
    tables = settings_of(first.run).own
    if spec.combined is None or not len(subjects) == len(spec.parts(tables)) > 1:
        return Chain({})
    judged, score = _judged(subjects), spec.combined.scores
    every = np.arange(len(judged.rows), dtype=np.int64)
    found = score(tables, *judged.some(every))
    groups_N = groups_of_samples(first)[judged.rows]
    several = len(np.unique(groups_N)) > 1
    drawn = [score(tables, *judged.some(rows)) for rows in bootstrap_of(first).rows(groups_N)] if several else []
    bounds = {name: _bounds([held.get(name, (np.nan, ""))[0] for held in drawn]) for name in found}
    classes = [
        ChainClass(quantity, name, len(rows), {key: v for key, (v, _) in score(tables, *judged.some(rows)).items()})
        for quantity, name, rows in _classes(first, judged)
    ]
    return Chain({name: Score(value, *bounds[name], unit) for name, (value, unit) in found.items()}, tuple(classes))


def _bounds(drawn: list[float]) -> Interval:
    return percentiles(np.array(drawn)) if drawn else Interval(float("nan"), float("nan"))


def _classes(subject: Subject, judged: _Judged) -> list[tuple[str, str, Rows]]:
    """Give quantity, class, and which of the judged rows are of it."""
    if subject.spec.strata is None:
        return []
    found = []
    for quantity, label_N in subject.spec.strata(subject.samples, subject.dataset).items():
        label_P = label_N[judged.rows]
        for name in np.unique(label_P):
            found.append((quantity, str(name), np.flatnonzero(label_P == name)))
    return found


def _folds(subject: Subject) -> dict[str, str]:
    return {name: subject.run.split(name).fold for name in subject.predictors}


def _judged(subjects: Mapping[str, Subject]) -> _Judged:
    first = next(iter(subjects.values()))
    folds = [_fold(subjects, fold) for fold in dict.fromkeys(_folds(first).values())]
    return _Judged(
        np.concatenate([fold.rows for fold in folds]),
        {part: np.concatenate([fold.observed[part] for fold in folds]) for part in subjects},
        {part: np.concatenate([fold.predicted[part] for fold in folds]) for part in subjects},
    )


def _fold(subjects: Mapping[str, Subject], fold: str) -> _Judged:
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
    return _Judged(rows, observed, predicted)


def chain_tables(chain: Chain) -> list[Table]:
    """Return the scores of the chain, and those by class, as tables of the report."""
    if not chain.scores:
        return []
    caption = "Both stages one after the other, on test rows that neither has seen, with 95 % bootstrap intervals."
    rows = [
        [name, f"{number(s.value)} [{number(s.low)}, {number(s.high)}]", s.unit if s.unit != "1" else ""]
        for name, s in chain.scores.items()
    ]
    whole = Table("The two stages together", caption, ["Score", "Value", "Unit"], rows)
    if not chain.classes:
        return [whole]
    names = list(chain.scores)
    lines = [
        [f"{c.quantity} {c.name}", str(c.rows), *(number(c.scores.get(name, np.nan)) for name in names)]
        for c in chain.classes
    ]
    told = "Where a class has too few waves that were both seen and predicted, their scores are not defined."
    return [whole, Table("The two stages together, by class", told, ["Class", "n", *names], lines)]
