"""Splits that come with the data: index files of a paper, or a column of the user's table that names folds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.splits.drawn import Folds
from geoml_cli.splits.grouping import labels
from geoml_cli.splits.kind import SplitKind
from geoml_cli.splits.settings import SplitSettings

Rows = NDArray[np.int64]
_TRAIN, _TEST = 1, 2
"""Values of the `split` variable of a data set that brings its own splits; 0 is unused."""
_FEWEST = 2


def folds(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> Folds:
    """Return the data set's own splits, or hold out each fold that `fold_column` names."""
    if settings.fold_column:
        return _named(variables, settings.fold_column, usable, rows)
    if not variables.has("split"):
        raise DataError(
            "the data set brings no splits of its own",
            where="[split] kind = 'given'",
            fix="Name a column of folds with split.fold_column, or use --set split.kind=random or split.kind=blocks.",
        )
    # [splits, rows]: the mark of every usable sample in each split that the data bring.
    marks = variables.array("split")[:, usable]
    return {f"split-{k}": (usable[row == _TRAIN], usable[row == _TEST]) for k, row in enumerate(marks, start=1)}


def _named(variables: Variables, column: str, usable: Rows, rows: int) -> Folds:
    fold = labels(variables, column, rows, "fold_column")[usable]
    names = np.unique(fold[fold != ""])
    if len(names) < _FEWEST:
        raise DataError(
            f"{column} names {len(names)} fold(s); at least {_FEWEST} are needed",
            where="[split] fold_column",
            fix="Give each sample the name or number of its fold.",
        )
    # Samples without a fold (empty) are trained on and never tested.
    return {f"fold-{name}": (usable[fold != name], usable[fold == name]) for name in names.tolist()}


KIND = SplitKind(folds)
