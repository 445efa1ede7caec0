"""Each group in turn is the test, such as each station; members are named by the group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.splits.drawn import Folds
from geoml_cli.splits.grouping import labels
from geoml_cli.splits.kind import SplitKind
from geoml_cli.splits.settings import SplitSettings

Rows = NDArray[np.int64]


def folds(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> Folds:
    """Hold out each group of `group_by`; all usable rows are of one."""
    label = labels(variables, settings.group_by, rows)[usable]
    return hold_out_each(label, np.unique(label).tolist(), usable, settings.group_by)


def hold_out_each(label: NDArray[np.str_], names: Sequence[str], usable: Rows, variable: str) -> Folds:
    """Return a fold for each name; all other rows are trained on.

    Raises:
        DataError: There is one group only.
    """
    known = np.unique(label).tolist()
    if len(known) < 2:
        raise DataError(
            f"{variable} has {len(known)} group(s); at least 2 are needed",
            where="[split] group_by",
            fix="Use a variable with more groups, or another kind of split.",
        )
    return {name: (usable[label != name], usable[label == name]) for name in names}


KIND = SplitKind(folds)
