"""Division of rows into training, validation and test rows: one split a member."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import write_text
from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.samples.coordinates import coordinates
from geoml_cli.samples.samples import Reach
from geoml_cli.splits.settings import SplitSettings

Rows = NDArray[np.int64]
_EARTH_RADIUS_KM = 6371.0088
WHOLE = "all"
"""The fold of a split that divides the rows once."""
_TRAIN, _TEST = 1, 2
"""Values of the `split` variable of a data set that brings its own splits; 0 is unused."""


@dataclass(frozen=True)
class Split:
    """The rows of one member.

    Attributes:
        fold: Members of the same fold share their test rows.
        seed: Seed of the member's weights and sample order.
        part: The part of the model it trains; empty where the model has one.
        purged: Rows left out because their windows share hours with rows on the other side.
    """

    train: Rows
    validation: Rows
    test: Rows
    fold: str
    seed: int
    part: str = ""
    purged: int = 0

    def rows(self, part: str) -> Rows:
        """Return the rows of `train`, `validation` or `test`."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[part]

    def write(self, path: Path) -> None:
        """Write the split as JSON."""
        named = {"fold": self.fold, "seed": self.seed, "part": self.part, "purged": self.purged}
        rows = {part: self.rows(part).tolist() for part in ("train", "validation", "test")}
        write_text(path, json.dumps({**named, **rows}) + "\n")

    @staticmethod
    def read(path: Path) -> Split:
        """Read a split written by `write`."""
        held = json.loads(path.read_text(encoding="utf-8"))
        train, validation, test = (np.array(held[part], dtype=np.int64) for part in ("train", "validation", "test"))
        also = {"part": held.get("part", ""), "purged": held.get("purged", 0)}
        return Split(train, validation, test, held["fold"], held["seed"], **also)


def groups(variables: Variables, settings: SplitSettings, rows: int) -> Rows:
    """Number the group of every sample, shape [rows]: by a variable, its spatial block, or the sample itself.

    Samples of a group stand on one side of every split, and are resampled together in a bootstrap. Where a second
    variable is held out as well, a group is what has both in common, such as a year of a station.

    Raises:
        DataError: Blocks are asked for and a sample has no coordinates, or there is no such variable.
    """
    first = _first_groups(variables, settings, rows)
    if not settings.also:
        return first
    pairs = np.stack([first, _numbered(variables, ("also", settings.also), 1, rows)])
    return np.unique(pairs, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _first_groups(variables: Variables, settings: SplitSettings, rows: int) -> Rows:
    if settings.by:
        return _numbered(variables, ("by", settings.by), settings.consecutive, rows)
    if settings.kind != "blocks":
        return np.arange(rows, dtype=np.int64)
    longitude, latitude = _coordinates(variables, rows)
    # Equirectangular about the mean latitude: blocks are near-squares over a country, which is all they need to be.
    shrink = np.cos(np.radians(latitude.mean()))
    cells = np.stack([np.radians(longitude) * shrink, np.radians(latitude)]) * _EARTH_RADIUS_KM
    places = np.floor(cells / settings.block_km).astype(np.int64)
    return np.unique(places, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)


def splits(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> dict[str, Split]:
    """Divide the usable rows; return the members by name.

    Args:
        variables: The data set.
        settings: The preset's `[split]`.
        usable: Rows that carry a target, ascending.
        rows: Number of rows of the data set.

    Raises:
        DataError: There are too few rows or blocks, or the data set brings no splits of its own.
    """
    folds = _given(variables, usable) if settings.kind == "given" else _drawn(variables, settings, usable, rows)
    several = len(settings.seeds) > 1
    groupings = _divided(variables, settings, rows)
    members: dict[str, Split] = {}
    for fold, (learn, test) in folds.items():
        train, validation = _cut(learn, groupings, settings.validation, settings.seed)
        for seed in settings.seeds:
            name = f"{fold}-seed-{seed}" if several and len(folds) > 1 else f"seed-{seed}" if several else fold
            members[name] = Split(train, validation, test, fold, seed)
    return members


def _drawn(variables: Variables, settings: SplitSettings, usable: Rows, rows: int) -> dict[str, tuple[Rows, Rows]]:
    groupings = _divided(variables, settings, rows)
    if settings.folds == 1:
        return {WHOLE: _cut(usable, groupings, settings.test, settings.seed)}
    held_out = np.zeros((settings.folds, len(usable)), dtype=bool)
    for name, group in groupings.items():
        order = _shuffled(np.unique(group[usable]), settings.seed)
        if len(order) < settings.folds:
            raise DataError(
                f"{len(order)} {name} cannot be divided into {settings.folds} folds",
                where="[split]",
                fix="Set split.folds lower or split.block_km smaller.",
            )
        for fold, part in enumerate(np.array_split(order, settings.folds)):
            held_out[fold] |= np.isin(group[usable], part)
    return {f"fold-{k}": (usable[~held], usable[held]) for k, held in enumerate(held_out, start=1)}


def _given(variables: Variables, usable: Rows) -> dict[str, tuple[Rows, Rows]]:
    if not variables.has("split"):
        raise DataError(
            "the data set brings no splits of its own",
            where="[split] kind = 'given'",
            fix="Use --set split.kind=random or --set split.kind=blocks.",
        )
    marks = variables.array("split")[:, usable]
    return {f"split-{k}": (usable[row == _TRAIN], usable[row == _TEST]) for k, row in enumerate(marks, start=1)}


def _cut(rows: Rows, groupings: Mapping[str, Rows], share: float, seed: int) -> tuple[Rows, Rows]:
    """Hold out about `share` of the groups of each grouping, whole; at least one is held out and one is kept."""
    out = np.zeros(len(rows), dtype=bool)
    for name, group in groupings.items():
        order = _shuffled(np.unique(group[rows]), seed)
        if len(order) < 2:
            raise DataError(
                f"{len(rows)} samples in {len(order)} group(s) cannot be divided by {name}",
                where="[split]",
                fix="More samples are needed, smaller groups (split.block_km, split.consecutive) or other split.folds.",
            )
        held = order[: min(max(round(share * len(order)), 1), len(order) - 1)]
        out |= np.isin(group[rows], held)
    if out.all():
        raise DataError(
            f"no sample of {len(rows)} is left to learn from where {len(groupings)} kinds of groups are held out",
            where="[split]",
            fix="Leave split.also out, or hold out less (split.test, split.validation).",
        )
    return rows[~out], rows[out]


def _shuffled(values: Rows, seed: int) -> Rows:
    return np.random.default_rng(seed).permutation(values)


def _divided(variables: Variables, settings: SplitSettings, rows: int) -> dict[str, Rows]:
    """Number the groups that a split keeps together, by what they are called: two kinds with `also`, else one."""
    if settings.kind not in ("blocks", "groups"):
        return {"samples": np.arange(rows, dtype=np.int64)}
    first = {_called(settings): _first_groups(variables, settings, rows)}
    if not settings.also:
        return first
    return first | {f"groups of {settings.also}": _numbered(variables, ("also", settings.also), 1, rows)}


def held_out(variables: Variables, settings: SplitSettings, split: Split, rows: int) -> dict[str, NDArray[np.bool_]]:
    """Tell why test rows are new to a network: by which kind of group, [test rows] each.

    Empty where rows are held out in one way only.
    """
    if not settings.also or not len(split.train):
        return {}
    names = (settings.by or "block", settings.also)
    return {
        name: ~np.isin(group[split.test], group[split.train])
        for name, group in zip(names, _divided(variables, settings, rows).values(), strict=True)
    }


def _numbered(variables: Variables, named: tuple[str, str], consecutive: int, rows: int) -> Rows:
    setting, name = named
    where = f"[split] {setting} = {name!r}"
    if not variables.has(name):
        raise DataError("the data set has no such variable", where=where, fix="Look for its groups with ncdump -h.")
    number = variables.array(name)
    if number.dtype.kind not in "iu" or number.shape != (rows,):
        raise DataError("is no whole number a sample", where=where, fix="Use a variable such as day.")
    return np.asarray(number.astype(np.int64) // consecutive, dtype=np.int64)


def purged(split: Split, reach: Reach | None) -> Split:
    """Leave out rows whose windows share hours with rows they must not know.

    Validation rows must not share hours with test rows, training rows neither with test nor with validation rows.

    Raises:
        DataError: No training or validation row is left.
    """
    if reach is None:
        return split
    validation = split.validation[~_shares(split.validation, split.test, reach)]
    held_out = np.concatenate([split.validation, split.test])
    train = split.train[~_shares(split.train, held_out, reach)]
    for part, rows in (("training", train), ("validation", validation)):
        if not len(rows):
            raise DataError(
                f"every {part} row has a window of {reach.span * reach.step_hours:g} h that shares hours with rows "
                "on the other side of the split",
                where="[split]",
                fix="Make larger groups with split.consecutive, or know better with split.purge=false.",
            )
    lost = len(split.train) + len(split.validation) - len(train) - len(validation)
    return replace(split, train=train, validation=validation, purged=lost)


def _shares(rows: Rows, others: Rows, reach: Reach) -> NDArray[np.bool_]:
    """Tell which rows' windows overlap one of the others' windows."""
    ends = np.sort(reach.ends[others])
    if not len(ends):
        return np.zeros(len(rows), dtype=bool)
    own = reach.ends[rows]
    after = np.searchsorted(ends, own).clip(max=len(ends) - 1)
    distance = np.minimum(np.abs(ends[after] - own), np.abs(ends[np.maximum(after - 1, 0)] - own))
    return np.asarray(distance <= reach.span)


def for_part(split: Split, part: str, usable: Rows) -> Split:
    """Keep a part's usable rows of a division that all parts share.

    Raises:
        DataError: The part has no training or validation row.
    """
    train, validation, test = (rows[np.isin(rows, usable)] for rows in (split.train, split.validation, split.test))
    for name, rows in (("training", train), ("validation", validation)):
        if not len(rows):
            raise DataError(
                f"the {part} has no {name} row with a target",
                where=f"[split], fold {split.fold}",
                fix="Divide otherwise (split.seed, split.consecutive), or prepare more data.",
            )
    return replace(split, part=part, train=train, validation=validation, test=test)


def _called(settings: SplitSettings) -> str:
    if settings.by:
        return f"groups of {settings.consecutive} x {settings.by}"
    return f"blocks of {settings.block_km:g} km"


def _coordinates(variables: Variables, rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    longitude, latitude = coordinates(variables, rows).T
    missing = int((~np.isfinite(longitude + latitude)).sum())
    if missing:
        raise DataError(
            f"{missing} of {len(longitude)} samples have no coordinates",
            where="[split] kind = 'blocks'",
            fix="Spatial blocks need lon and lat; use --set split.kind=random otherwise.",
        )
    return longitude, latitude
