"""Contract of kinds of splits: every other module of this folder that holds a `KIND` is one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.splits.drawn import Folds
from geoml_cli.splits.settings import SplitSettings

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class SplitKind:
    """A kind of split.

    Attributes:
        folds: Data set, settings, usable rows (ascending) and number of all rows to rows to train and validate on, and
            test rows, by fold. Raises DataError where the data cannot be split so.
        validate: Rows to train and validate on to training and validation rows, held out in the same way as the test;
            None holds out groups as `drawn.hold_out` does.
        groupings: Likewise to group labels [N] by what they are called, of which validation holds out some; None for
            those that the settings name.
    """

    folds: Callable[[Variables, SplitSettings, Rows, int], Folds]
    validate: Callable[[Variables, SplitSettings, Rows, int], tuple[Rows, Rows]] | None = None
    groupings: Callable[[Variables, SplitSettings, Rows, int], dict[str, Rows]] | None = None


def split_kind(name: str) -> SplitKind:
    """Return a kind by its name."""
    # The setting admits names of kinds only, so that no other module can be imported by it.
    found: SplitKind = importlib.import_module(f"{__package__}.{name.replace('-', '_')}").KIND
    return found
