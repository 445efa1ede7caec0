"""Drawing groups to hold out: by share, or so that every group is held out once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.splits.grouping import held_out_groups
from geoml_cli.splits.settings import SplitSettings

Rows = NDArray[np.int64]
Folds = dict[str, tuple[Rows, Rows]]
"""By fold: rows to train and validate on, and test rows."""
ALL = "all"
"""The fold of a split that has one."""


def draw_folds(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> Folds:
    """Hold out a share of the groups once, or each group in one of several folds."""
    groupings = held_out_groups(variables, settings, rows)
    if settings.folds == 1:
        return {ALL: hold_out(usable, groupings, settings.test, settings.seed)}
    held_out = np.zeros((settings.folds, len(usable)), dtype=bool)
    for name, group in groupings.items():
        order = _shuffled(np.unique(group[usable]), settings.seed)
        if len(order) < settings.folds:
            raise DataError(
                f"{len(order)} {name} cannot be split into {settings.folds} folds",
                where="[split]",
                fix="Set split.folds lower or split.block_km smaller.",
            )
        for fold, chosen in enumerate(np.array_split(order, settings.folds)):
            held_out[fold] |= np.isin(group[usable], chosen)
    return {f"fold-{k}": (usable[~out], usable[out]) for k, out in enumerate(held_out, start=1)}


def hold_out(rows: Rows, groupings: Mapping[str, Rows], share: float, seed: int) -> tuple[Rows, Rows]:
    """Hold out about `share` of the groups of each grouping, whole; at least one is held out and one is kept."""
    out = np.zeros(len(rows), dtype=bool)
    for name, group in groupings.items():
        order = _shuffled(np.unique(group[rows]), seed)
        if len(order) < 2:
            raise DataError(
                f"{len(rows)} samples in {len(order)} group(s) cannot be split by {name}",
                where="[split]",
                fix="Prepare more samples, or use smaller groups (split.block_km, split.group_length) or fewer folds.",
            )
        chosen = order[: min(max(round(share * len(order)), 1), len(order) - 1)]
        out |= np.isin(group[rows], chosen)
    if out.all():
        raise DataError(
            f"no sample of {len(rows)} is left to train on where {len(groupings)} kinds of groups are held out",
            where="[split]",
            fix="Leave split.second_group out, or hold out less (split.test, split.validation).",
        )
    return rows[~out], rows[out]


def _shuffled(values: Rows, seed: int) -> Rows:
    return np.random.default_rng(seed).permutation(values)
