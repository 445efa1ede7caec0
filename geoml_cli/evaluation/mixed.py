"""Which classes a network takes for which, where it tells classes apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.evaluation.outcome import Outcome
from geoml_cli.evaluation.subject import Subject
from geoml_cli.metrics.classes import confusion


class Mixed(NamedTuple):
    """Counts by observed class (rows) and predicted class (columns), over the classes that occur."""

    names: list[str]
    counts: NDArray[np.int64]


def mixed(subject: Subject, outcome: Outcome) -> Mixed | None:
    """Count the pooled rows; None where the target is no class."""
    if subject.spec.judged != "classes":
        return None
    pair = outcome.pool.observed_P, outcome.pool.predicted_P
    named = dict(zip(subject.samples.codes, subject.samples.classes, strict=True))
    codes = np.unique(np.concatenate(pair)).astype(int)
    return Mixed([named[int(code)] for code in codes], confusion(*pair))
