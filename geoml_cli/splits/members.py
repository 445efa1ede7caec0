"""The splits of all members of a run: folds of a kind, validation rows, and a member a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.splits.chronological import last_in_time
from geoml_cli.splits.drawn import hold_out, hold_out_in_turn, without_validated
from geoml_cli.splits.grouping import has_label, held_out_groups, number_labels, trains_unlabelled
from geoml_cli.splits.kind import SplitKind, split_kind
from geoml_cli.splits.sample_times import years_of_samples
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.split import Rows, Split
from geoml_cli.splits.too_few import TooFewGroupsError
from geoml_cli.work.distinct import distinct

_MOST = 200
"""Folds of a run; more is more likely a mistake than a plan."""


def splits(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> dict[str, Split]:
    """Split the usable rows; return the members by name.

    Args:
        variables: The data set.
        settings: The preset's `[split]`.
        usable: Rows that carry a target, ascending.
        rows: Number of rows of the data set.

    Raises:
        DataError: There are too few rows or groups, or the data set lacks what the kind of split needs.
    """
    kind = split_kind(settings.kind)
    if settings.folds > max(_MOST, rows):  # others are refused by the groups that there are
        raise DataError(
            f"there are {settings.folds} folds, a member or more each; {_MOST} are the most",
            where="[split] folds",
            fix=f"Use --set split.folds={_MOST} or lower.",
        )
    of_group = has_label(variables, settings, rows)[usable]
    of_none = usable[~of_group] if trains_unlabelled(settings) else usable[:0]
    usable = usable[of_group]
    try:
        folds = kind.folds(variables, settings, usable, rows)
    except TooFewGroupsError as error:
        raise error.of_test(variables, settings) from error
    _check_names(list(folds), settings.kind)
    several = len(settings.seeds) > 1
    members: dict[str, Split] = {}
    names = list(folds)
    in_turn = _in_turn(settings) and len(names) > 1
    groupings = _groupings(kind, variables, settings, usable, rows) if in_turn else {}
    for number, fold in enumerate(names):
        learn, test = folds.pop(fold)  # given up one by one: many folds of millions of rows take gigabytes
        try:
            if in_turn:
                train, validation = hold_out_in_turn((learn, test), groupings, settings, (number, len(names)))
            else:
                train, validation = _validate(kind, variables, settings, learn, rows)
        except TooFewGroupsError as error:
            raise error.of_validation(variables, settings, (learn, test)) from error
        # A test row of a group that only validation knows would be neither seen nor unseen.
        tested = test
        if settings.second_group:
            tested = without_validated((train, validation, test), held_out_groups(variables, settings, rows))
        train = distinct(train, of_none)
        _check_parts(fold, {"training": train, "validation": validation, "test": tested}, settings)
        # Seeds of a fold share all three subsets: they differ in first weights and the order of samples.
        for seed in settings.seeds:
            name = f"{fold}-seed-{seed}" if several and len(names) > 1 else f"seed-{seed}" if several else fold
            lost = len(test) - len(tested)
            members[name] = Split(train, validation, tested, fold, seed, validated_excluded=lost)
    return members


def _check_names(folds: list[str], kind: str) -> None:
    """Refuse folds that cannot be members: too many, or of names that cannot name a folder."""
    if len(folds) > _MOST:
        raise DataError(
            f"there are {len(folds)} folds, a member or more each; {_MOST} are the most",
            where=f"[split] kind = {kind!r}",
            fix="Use --set split.kind=groups with split.folds.",
        )
    for name in folds:
        # Names are those of folders, on Windows as well.
        if name != Path(name).name or "\\" in name:
            raise DataError(
                f"{name!r} cannot name a member's folder",
                where=f"[split] kind = {kind!r}",
                fix="Name the groups without slashes.",
            )


def _check_parts(fold: str, parts: dict[str, Rows], settings: SplitSettings) -> None:
    """Refuse a fold of which a part is empty: nothing could be learnt, chosen or scored."""
    if empty := [name for name, rows in parts.items() if not len(rows)]:
        counted = ", ".join(f"{len(rows)} {name}" for name, rows in parts.items())
        raise DataError(
            f"no {' and no '.join(empty)} rows are left of fold {fold} ({counted})",
            where=f"[split] kind = {settings.kind!r}",
            fix="Prepare more samples, or change the shares (split.test, split.validation) or the kind of split.",
        )


def _in_turn(settings: SplitSettings) -> bool:
    """Return whether folds validate on different groups, which the last rows in time and single rows do not."""
    if settings.validation_by == "same":
        return settings.kind in ("blocks", "knndm", "groups", "regions", "leave-one-out")
    return settings.validation_by in ("groups", "years")


def _validate(
    kind: SplitKind, variables: Variables, settings: SplitSettings, learn: Rows, rows: int
) -> tuple[Rows, Rows]:
    """Hold out validation rows: of the same kind as the test, or as `validation_by` says."""
    if settings.validation_by == "same" and kind.validate is not None:
        return kind.validate(variables, settings, learn, rows)
    if settings.validation_by == "time":
        return last_in_time(variables, learn, settings.validation, rows)
    groupings = _groupings(kind, variables, settings, learn, rows)
    return hold_out(learn, groupings, settings.validation, settings.seed)


def _groupings(
    kind: SplitKind, variables: Variables, settings: SplitSettings, usable: Rows, rows: int
) -> dict[str, Rows]:
    """Groups of which a share is held out for validation, by what they are called; of usable rows among all."""
    if settings.validation_by == "rows":
        return {"samples": np.arange(rows, dtype=np.int64)}
    if settings.validation_by == "groups":
        return {f"groups of {settings.group_by}": number_labels(variables, settings.group_by, rows)}
    if settings.validation_by == "years":
        return {"years": years_of_samples(variables, rows)}
    if kind.groupings is not None:
        return kind.groupings(variables, settings, usable, rows)
    return held_out_groups(variables, settings, rows)


UNSEEN = "unseen"
"""Before the name of a variable: its value is in no training row."""


def novelty(variables: Variables, settings: SplitSettings, split: Split, rows: int) -> dict[str, NDArray[np.bool_]]:
    """For each test row, whether its group (station, year) never occurs in the training rows, by kind of group.

    Empty where rows are held out in one way only.
    """
    if not settings.second_group or not len(split.train):
        return {}
    names = (settings.group_by or "block", settings.second_group)
    return {
        name: ~np.isin(group[split.test], group[split.train])
        for name, group in zip(names, held_out_groups(variables, settings, rows).values(), strict=True)
    }
