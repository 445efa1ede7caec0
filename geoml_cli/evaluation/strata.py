"""Scores by class: where and under what circumstances a network is good, and whether its baselines are better there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.evaluation.outcome import Outcome
from geoml_cli.evaluation.scores import number
from geoml_cli.evaluation.subject import Subject
from geoml_cli.figures.report import Table
from geoml_cli.splits.split import held_out

Labels = NDArray[np.str_]
_FEWEST = 2
"""Rows of a class that can be scored by a correlation."""
_MOST_SHOWN = 60
"""Classes of a quantity that a page shows; per_class.csv holds all."""


class Class(NamedTuple):
    """The scores of the rows of one class of a quantity; NaN where these do not define a score.

    Attributes:
        model: The network, or a baseline.
    """

    quantity: str
    name: str
    model: str
    rows: int
    scores: dict[str, float]


def strata(subject: Subject, outcome: Outcome) -> list[Class]:
    """Score the pooled rows by every class the model names, network and baselines; empty where it names none."""
    pool, metrics, found = outcome.pool, subject.spec.metrics, []
    named = [(outcome.network.name, pool.predicted_P)]
    named += [(held.baseline.name, held.predicted_P) for held in outcome.contests]
    for quantity, label_P in _labels(subject, outcome):
        for name in np.unique(label_P):
            here = label_P == name
            for model, predicted_P in named:
                pair = pool.observed_P[here], predicted_P[here]
                scores = {key: metric(*pair) for key, metric in metrics.items()}
                found.append(Class(quantity, str(name), model, int(here.sum()), scores))
    return found


def _labels(subject: Subject, outcome: Outcome) -> Iterator[tuple[str, Labels]]:
    """Give each quantity with the class of every pooled row."""
    tell = subject.spec.strata
    named: Mapping[str, Labels] = tell(subject.samples, subject.dataset) if tell else {}
    for quantity, label_N in named.items():
        yield quantity, label_N[outcome.pool.rows_P]
    if subject.part == "test" and (new := _new(subject, outcome)):
        yield "new to the network", np.concatenate(new)


def _new(subject: Subject, outcome: Outcome) -> list[Labels]:
    """Say of every pooled row by what it was held out: its station, its year, or both."""
    folds = {member.fold: member for member in reversed(outcome.members)}
    found = []
    for fold in outcome.pool.folds:
        split = subject.run.split(folds[fold].name)
        why = held_out(subject.dataset, subject.settings.shared.split, split, len(subject.samples))
        if not why:
            return []
        judged = np.isin(split.test, folds[fold].rows_N)
        words = [np.where(flags, name.removesuffix("_index"), "") for name, flags in why.items()]
        found.append(np.array([" and ".join(filter(None, row)) for row in zip(*words, strict=True)])[judged])
    return found


def strata_table(subject: Subject, outcome: Outcome) -> list[Table]:
    """Return the scores by class as tables of the report, one a quantity."""
    found: dict[str, list[Class]] = {}
    for held in strata(subject, outcome):
        found.setdefault(held.quantity, []).append(held)
    return [_table(quantity, classes) for quantity, classes in found.items()]


def _table(quantity: str, classes: list[Class]) -> Table:
    shown = [c for c in classes if c.rows >= _FEWEST][: _MOST_SHOWN * len({c.model for c in classes})]
    left = len(classes) - len(shown)
    rows = [[c.name, c.model, str(c.rows), *(number(value) for value in c.scores.values())] for c in shown]
    caption = "Scores on the rows of each class; those of a class say more about it than those of all rows."
    if left:
        caption += f" {left} more lines stand in per_class.csv."
    return Table(f"By {quantity}", caption, [quantity, "Model", "n", *classes[0].scores], rows)
