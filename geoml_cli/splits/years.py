"""Whole years: each test year is predicted from the years before it, or from all others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.splits.drawn import Folds, hold_out
from geoml_cli.splits.kind import SplitKind
from geoml_cli.splits.sample_times import years_of_samples
from geoml_cli.splits.settings import SplitSettings

Rows = NDArray[np.int64]


def folds(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> Folds:
    """Hold out each test year; members are named by it."""
    year = years_of_samples(variables, rows)[usable]
    known = np.unique(year).tolist()
    found: Folds = {}
    # The first year has none before it.
    for test in settings.test_years or known[1:]:
        if test not in known:
            raise DataError(
                f"no sample is of the test year {test}",
                where="[split] test_years",
                fix=f"The years are {', '.join(map(str, known))}.",
            )
        train = year != test
        if settings.years_before:
            # Three in MMNet's on-site experiment, where 2019 to 2022 are tested.
            train = (year < test) & (year >= test - settings.years_before)
        if not train.any():
            raise DataError(
                f"no sample is of the {settings.years_before} years before {test}",
                where="[split] years_before",
                fix=f"The years are {', '.join(map(str, known))}.",
            )
        found[str(test)] = usable[train], usable[year == test]
    if not found:
        raise DataError(
            f"{len(known)} year(s) cannot be split", where="[split] kind = 'years'", fix="Prepare more years."
        )
    return found


def validate(variables: Variables, settings: SplitSettings, learn: Rows, rows: int) -> tuple[Rows, Rows]:
    """Hold out about `validation` of the training years, whole."""
    return hold_out(learn, {"years": years_of_samples(variables, rows)}, settings.validation, settings.seed)


KIND = SplitKind(folds, validate)
