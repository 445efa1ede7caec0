"""Each region in turn is the test, or trains alone: labels of a variable, such as W, M and E."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.splits.drawn import Folds
from geoml_cli.splits.grouping import labels
from geoml_cli.splits.kind import SplitKind
from geoml_cli.splits.leave_one_out import hold_out_each
from geoml_cli.splits.settings import SplitSettings

Rows = NDArray[np.int64]


def folds(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> Folds:
    """Hold out each region that the settings name, or all, or train on it alone and hold out the others."""
    label = labels(variables, settings.group_by, rows)[usable]
    known = np.unique(label).tolist()
    missing = [name for name in settings.regions if name not in known]
    if missing:
        raise DataError(
            f"no sample is of the region {missing[0]!r}",
            where="[split] regions",
            fix=f"The regions are {', '.join(known)}.",
        )
    found = hold_out_each(label, settings.regions or known, usable, settings.group_by)
    if settings.region_role == "test":
        return found
    return {name: (test, learn) for name, (learn, test) in found.items()}


KIND = SplitKind(folds)
