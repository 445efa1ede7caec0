"""Scores by class: where and under what circumstances a network is good."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geoml_cli.figures.report import Table
from geoml_cli.stages.evaluation.outcome import Outcome
from geoml_cli.stages.evaluation.scores import number
from geoml_cli.stages.evaluation.subject import Subject


class Class(NamedTuple):
    """The scores of the rows of one class of a quantity; NaN where these do not define a score."""

    quantity: str
    name: str
    rows: int
    scores: dict[str, float]


def strata(subject: Subject, outcome: Outcome) -> list[Class]:
    """Score the pooled rows by every class the model names; empty where it names none."""
    if subject.spec.strata is None:
        return []
    pool, metrics, found = outcome.pool, subject.spec.metrics, []
    for quantity, label_N in subject.spec.strata(subject.samples).items():
        label_P = label_N[pool.rows_P]
        for name in np.unique(label_P):
            here = label_P == name
            pair = pool.observed_P[here], pool.predicted_P[here]
            scores = {key: metric(*pair) for key, metric in metrics.items()}
            found.append(Class(quantity, str(name), int(here.sum()), scores))
    return found


def strata_table(subject: Subject, outcome: Outcome) -> list[Table]:
    """Return the scores by class as a table of the report."""
    classes = strata(subject, outcome)
    if not classes:
        return []
    columns = ["Class", "n", *classes[0].scores]
    rows = [[f"{c.quantity} {c.name}", str(c.rows), *(number(value) for value in c.scores.values())] for c in classes]
    return [Table("By class", "Scores of the network on the rows of each class.", columns, rows)]
