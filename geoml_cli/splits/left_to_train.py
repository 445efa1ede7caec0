"""What members are left to train on: rows that a split excludes, and members that are left few."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.split import Split

_SMALL = 0.25
"""Share of a member's rows that train where two kinds of groups are held out, below which it is said."""


def excluded(splits: Mapping[str, Split]) -> Iterator[str]:
    """Say how many rows of each member a split leaves out, by reason."""
    for name, reason in (
        (
            "validated_excluded",
            "they would be tested, but their group (such as a station) chose the checkpoint",
        ),
        ("overlaps_excluded", "their windows share time steps with rows on the other side of the split"),
        ("near_excluded", "they lie within split.buffer_km of a test row"),
    ):
        lost = {member: getattr(split, name) for member, split in splits.items()}
        if any(lost.values()):
            listed = ", ".join(f"{count} ({member})" for member, count in lost.items())
            yield f"Excluded, as {reason}: {listed}."


def few(splits: Mapping[str, Split], settings: SplitSettings) -> Iterator[str]:
    """Say which members train on few rows, and what leaves more of them."""
    purged = {
        name: split
        for name, split in splits.items()
        if split.overlaps_excluded + split.near_excluded > len(split.train)
    }
    if purged:
        listed = ", ".join(f"{len(split.train)} of {name}" for name, split in purged.items())
        yield (
            f"More samples were excluded than are left to train ({listed}). What excludes a smaller share: "
            f"{'; '.join(_wider(splits, settings.kind))}."
        )
    if not settings.second_group:
        return
    for fold, split in {split.fold: split for split in splits.values()}.items():
        train, validation, test = (len(split.rows(subset)) for subset in ("train", "validation", "test"))
        known = train + validation + test + split.validated_excluded
        if train < _SMALL * known:
            yield (
                f"Fold {fold} trains on {train:,} of {known:,} samples ({train / known:.0%}), since each group of "
                f"{settings.group_by or 'blocks'} and of {settings.second_group} that is held out takes its samples. "
                "More are left with --set split.second_group="
            )


def _wider(splits: Mapping[str, Split], kind: str) -> list[str]:
    fewer = ["a smaller split.buffer_km"] * any(split.near_excluded for split in splits.values())
    if any(split.overlaps_excluded for split in splits.values()):
        # Of kinds other than random, whole groups or times are held out already.
        fewer += ["whole groups or years held out (split.kind)"] * (kind == "random")
        fewer += ["shorter windows, where a setting of [network] gives their length", "a longer series"]
    return fewer
