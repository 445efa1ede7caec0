"""Too few groups to hold some out, and what helps: it depends on the kind of split, its groups and the samples."""

from __future__ import annotations

import numpy as np

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.split import Rows
from geoml_cli.splits.window_times import ALL_TIMES
from geoml_cli.work.distinct import distinct

_MOST = "prepare more samples"


class TooFewGroupsError(DataError):
    """Rows are of so few groups that none can be held out whole.

    Args:
        what: What is wrong.
        name: What the groups are called.
        label_N: Group of every sample of the data set.
        fix: What to do; empty where it is not known yet.
    """

    def __init__(self, what: str, name: str, label_N: Rows, fix: str = "") -> None:
        super().__init__(what, where="[split]", fix=_sentence(fix))
        self.name, self.label_N = name, label_N

    def of_test(self, variables: Variables, settings: SplitSettings) -> TooFewGroupsError:
        """Return the error with what helps where the test is held out."""
        return self._with(self.fix or other_groups(variables, settings, self.name))

    def of_validation(
        self, variables: Variables, settings: SplitSettings, fold: tuple[Rows, Rows]
    ) -> TooFewGroupsError:
        """Return the error with what helps where validation rows are held out of what the test leaves."""
        tested, known = (len(distinct(self.label_N[rows])) for rows in (fold[1], np.concatenate(fold)))
        if has_windows(variables, settings):
            found = ["choose checkpoints by the last rows in time (--set split.validation_by=time)"]
        else:
            found = ["choose checkpoints by single rows (--set split.validation_by=rows)"]
        if tested > 1 and known > 2:  # one is tested, one validates, one trains
            if settings.folds > 1:
                found.append(f"hold out less for the test: more folds (--set split.folds={known})")
            elif "test" not in settings.unused():
                found.append(f"hold out less for the test (--set split.test={1 / known:.2g})")
        if settings.second_group and self.name == f"groups of {settings.second_group}":
            found.append("leave split.second_group out (--set split.second_group=)")
        elif settings.kind == "blocks" and self.name == blocks_called(settings):
            found.append(f"make split.block_km smaller than {settings.block_km:g}")
        what = f"{self.what} into training and validation rows once test rows are held out"
        return self._with(", or ".join([*found, _MOST]), what)

    def _with(self, fix: str, what: str = "") -> TooFewGroupsError:
        return TooFewGroupsError(what or self.what, self.name, self.label_N, fix)


def other_groups(variables: Variables, settings: SplitSettings, name: str) -> str:
    """Say what to split by where there are one or two groups of a name."""
    if settings.second_group and name == f"groups of {settings.second_group}":
        return f"leave split.second_group out (--set split.second_group=), or {_MOST}"
    if settings.kind == "random":
        return _MOST
    found = []
    if settings.kind == "blocks":
        found.append(f"make split.block_km smaller than {settings.block_km:g}")
    elif settings.group_length > 1:
        found.append(f"make split.group_length smaller than {settings.group_length}")
    elif settings.group_by:
        found.append("name a variable of more groups with split.group_by")
    # Rows at random have windows that overlap, so that none is left to train on.
    kind = "chronological" if has_windows(variables, settings) else "random"
    words = [f"--set split.kind={kind}"]
    words += ["--set split.second_group="] * bool(settings.second_group)
    words += ["--set split.folds=1"] * (kind == "chronological" and settings.folds > 1)
    return ", or ".join([*found, f"use {' '.join(words)}", _MOST])


def has_windows(variables: Variables, settings: SplitSettings) -> bool:
    """Return whether rows are excluded whose windows overlap those of other subsets."""
    return settings.exclude_overlaps and (variables.has("index") or variables.has(ALL_TIMES))


def blocks_called(settings: SplitSettings) -> str:
    """Name spatial blocks, as messages do."""
    return f"blocks of {settings.block_km:g} km"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}." if text else ""
