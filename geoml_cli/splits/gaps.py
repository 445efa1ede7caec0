"""Artificial gaps in the series of every station, by which the filling of gaps is scored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.splits.artificial_gaps import gaps_of_samples, tested_gaps
from geoml_cli.splits.drawn import ALL, Folds
from geoml_cli.splits.kind import SplitKind
from geoml_cli.splits.settings import SplitSettings

Rows = NDArray[np.int64]


def folds(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> Folds:
    """Hold out what lies in gaps."""
    inside = tested_gaps(variables, settings, rows).number_N[usable] >= 0
    return {ALL: (usable[~inside], usable[inside])}


def validate(variables: Variables, settings: SplitSettings, learn: Rows, rows: int) -> tuple[Rows, Rows]:
    """Hold out what lies in other gaps, and in none that is tested."""
    # Another seed than the test's, which would draw much the same gaps: what lies in those is not in `learn`.
    drawn = gaps_of_samples(variables, settings, rows, share=settings.validation, seed=settings.seed + 1)
    inside = drawn.number_N[learn] >= 0
    return learn[~inside], learn[inside]


KIND = SplitKind(folds, validate)
