"""What must be known before numbers of compared runs are quoted: their rows, and the groups that are resampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from geoml_cli.evaluation.claims import resampled_groups
from geoml_cli.evaluation.groupwise import NOVELTY
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.notes import few_groups

if TYPE_CHECKING:
    from geoml_cli.evaluation.run_comparison import GroupPair


def of_rows(runs: Mapping[str, EvaluationInputs], tested: Mapping[str, int], common: int) -> list[str]:
    """Say where runs test other rows, or split the data otherwise."""
    notes = []
    if any(count > common for count in tested.values()):
        listed = ", ".join(f"{name} {count}" for name, count in tested.items())
        notes.append(f"Compared on the {common} rows that all runs test; they test {listed}.")
    splits = {name: one.settings.shared.split.model_copy(update={"seeds": (1,)}) for name, one in runs.items()}
    first = next(iter(splits))
    for name, split in splits.items():
        if split != splits[first]:
            notes.append(
                f"{name} and {first} split the data otherwise: each was trained on other rows, and a difference may be "
                "one of the splits."
            )
    return notes


def of_groups(inputs: EvaluationInputs, groups: int, by_group: Sequence[GroupPair]) -> list[str]:
    """Say which rows are resampled otherwise than all others, and which intervals are of few groups."""
    called = {one.name: resampled_groups(inputs, one.name)[1] for one in by_group if one.quantity == NOVELTY}
    notes = [f"Rows of {name} are resampled by {other}." for name, other in called.items() if " in one " in other]
    notes += filter(None, [few_groups(groups)])
    least = min((one.groups for one in by_group), default=groups)
    if least < groups and few_groups(least):
        notes.append(
            f"Tables by group have rows of as few as {least} group(s): intervals there are too narrow to quote."
        )
    return notes
