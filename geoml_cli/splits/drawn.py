"""Drawing groups to hold out: by share, or so that every group is held out once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.splits.grouping import held_out_groups
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.too_few import TooFewGroupsError, blocks_called, other_groups
from geoml_cli.work.distinct import distinct

Rows = NDArray[np.int64]
Folds = dict[str, tuple[Rows, Rows]]
"""By fold: rows to train and validate on, and test rows."""
ALL = "all"
"""The fold of a split that has one."""
_ENOUGH = 3
"""Groups of which two folds would leave a single one to train on and to validate."""


def draw_folds(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> Folds:
    """Hold out a share of the groups once, or each group in one of several folds."""
    groupings = held_out_groups(variables, settings, rows)
    if settings.folds == 1:
        return {ALL: hold_out(usable, groupings, settings.test, settings.seed)}
    held_out = np.zeros((settings.folds, len(usable)), dtype=bool)
    for name, group in groupings.items():
        # Unique values ascend, so the draw depends on the groups and the seed, not on the order of rows.
        order = _shuffled(distinct(group[usable]), settings.seed)
        if len(order) < settings.folds:
            message = f"{len(order)} {name} cannot be split into {settings.folds} folds"
            raise TooFewGroupsError(message, name, group, _fewer_folds(variables, settings, name, len(order)))
        for fold, chosen in enumerate(np.array_split(order, settings.folds)):
            # Any held-out group makes a test row: with two kinds also known stations in unseen years.
            held_out[fold] |= np.isin(group[usable], chosen)
    return {f"fold-{k}": (usable[~out], usable[out]) for k, out in enumerate(held_out, start=1)}


def hold_out(rows: Rows, groupings: Mapping[str, Rows], share: float, seed: int) -> tuple[Rows, Rows]:
    """Hold out about `share` of the groups of each grouping, whole; at least one is held out and one is kept."""
    out, most = np.zeros(len(rows), dtype=bool), 0
    for name, group in groupings.items():
        order = _shuffled(distinct(group[rows]), seed)
        if len(order) < 2:
            raise TooFewGroupsError(_few(len(rows), len(order), name), name, group)
        # Shares are of groups, not of rows: a station is one, however long its series.
        chosen = order[: min(max(round(share * len(order)), 1), len(order) - 1)]
        most = max(most, len(chosen))
        out |= np.isin(group[rows], chosen)
    _refuse_all(out, len(groupings), most)
    return rows[~out], rows[out]


def hold_out_in_turn(
    fold: tuple[Rows, Rows], groupings: Mapping[str, Rows], settings: SplitSettings, turn: tuple[int, int]
) -> tuple[Rows, Rows]:
    """Hold out about `validation` of the groups left to train on: in each fold those that follow its test groups.

    So every group trains in some fold, which a draw of its own for each fold does not grant where groups are few.

    Args:
        fold: Rows to train and validate on, and test rows.
        groupings: Group labels [N] of every kind of group that is held out.
        settings: `[split]`.
        turn: Number of the fold, from 0, and of all folds.

    Returns:
        Training and validation rows.
    """
    learn, test = fold
    out, most = np.zeros(len(learn), dtype=bool), 0
    for name, group in groupings.items():
        order = _shuffled(distinct(group[learn], group[test]), settings.seed)
        is_left = np.isin(order, group[learn])
        if is_left.sum() < 2:
            raise TooFewGroupsError(_few(len(learn), int(is_left.sum()), name), name, group)
        tested = np.flatnonzero(~is_left)
        # Test groups are a run of the drawn order; validation takes those that follow, round the end.
        first = tested[-1] + 1 if len(tested) else turn[0] * len(order) // turn[1]
        following = np.roll(order, -first)[np.roll(is_left, -first)]
        chosen = following[: min(max(round(settings.validation * len(following)), 1), len(following) - 1)]
        most = max(most, len(chosen))
        out |= np.isin(group[learn], chosen)
    _refuse_all(out, len(groupings), most)
    return learn[~out], learn[out]


def without_validated(split: tuple[Rows, Rows, Rows], groupings: Mapping[str, Rows]) -> Rows:
    """Return the test rows without those of a group that chose the checkpoint, such as a validation station's.

    Where stations and years are held out, other years of a validation station would stand in the test.

    Args:
        split: Training, validation and test rows.
        groupings: Group labels [N] of every kind of group that is held out.
    """
    train, validation, test = split
    seen = np.zeros(len(test), dtype=bool)
    for group in groupings.values():
        # Groups that validate and do not train: those that train are known to the network anyway.
        seen |= np.isin(group[test], np.setdiff1d(group[validation], group[train]))
    if seen.all():
        raise DataError(
            f"all {len(test)} test rows are of a group that is held out for validation",
            where="[split]",
            fix="Hold out more for the test (split.test), or leave split.second_group out.",
        )
    return test[~seen]


def _shuffled(values: Rows, seed: int) -> Rows:
    # A fresh generator each time: what is drawn of one kind of group does not depend on the other.
    return np.random.default_rng(seed).permutation(values)


def _few(rows: int, groups: int, name: str) -> str:
    return f"{rows} samples in {groups} group(s) cannot be split by {name}"


def _refuse_all(out: NDArray[np.bool_], kinds: int, most: int) -> None:
    """Refuse a draw that leaves no row; `most` groups of a kind were held out, and one is the least."""
    if out.all():
        shares = ", smaller shares (split.test, split.validation)" * (most > 1)
        raise DataError(
            f"no sample of {len(out)} is left to train on where {kinds} kinds of groups are held out",
            where="[split]",
            fix="Leave split.second_group out (--set split.second_group=), or hold out less: more folds "
            f"(split.folds){shares}.",
        )


def _fewer_folds(variables: Variables, settings: SplitSettings, name: str, groups: int) -> str:
    smaller = " or split.block_km smaller" if settings.kind == "blocks" and name == blocks_called(settings) else ""
    if groups > 2:  # test, validation and training need one each
        return f"Use --set split.folds={groups}{' or lower' * (groups > _ENOUGH)}{smaller}."
    return other_groups(variables, settings, name)
