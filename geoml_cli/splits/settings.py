"""`[split]`, light to import."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from geoml_cli.samples.settings import Seed, Table

Kind = Literal[
    "random", "given", "blocks", "knndm", "groups", "chronological", "years", "regions", "leave-one-out", "gaps"
]
_FOLDED = ("random", "blocks", "knndm", "groups")
_LABELLED = ("regions", "leave-one-out")
_GROUPED = ("groups", *_LABELLED)
_SPATIAL = ("blocks", "knndm")
_SHARED_OUT = (*_FOLDED, "chronological", "gaps")
"""Kinds that test a share of the rows, or each share in turn."""


class SplitSettings(Table):
    """`[split]`: how rows are split into training, validation and test rows, and so which members a run has."""

    kind: Kind = "random"
    """`random` rows; `given` by the data set or by a column of folds; `blocks` of `block_km`; `knndm`, folds as far
    from training samples as points of the map are from samples; `groups` of a variable; `chronological`, the last rows
    in time; `years`, each test year with the years before it; `regions`, each label of a variable in turn;
    `leave-one-out`, each group in turn; `gaps` of given lengths in the series of every station."""

    group_by: str = ""
    """Variable of the data set whose values are groups, such as `day`, `storm` or `station_index`; where rows are split
    otherwise, rows of a group are still resampled together in intervals."""

    second_group: str = ""
    """A second variable of whole numbers, such as `year`, whose groups are held out as well: a row is a test row where
    its block (or group of `group_by`) or its `second_group` is held out."""

    group_length: int = Field(default=1, ge=1)
    """Consecutive numbers of `group_by` that form one group, such as ten days."""

    fold_column: str = ""
    """For kind = 'given': variable that names the fold of each sample; each fold is the test of one member."""

    test_years: tuple[int, ...] = ()
    """For kind = 'years': the years that are tested, a member each; empty tests every year but the first."""

    years_before: int = Field(default=0, ge=0)
    """For kind = 'years': years before the test year that train; 0 trains on all other years, later ones as well."""

    regions: tuple[str, ...] = ()
    """For kind = 'regions': labels of `group_by` that are tested, a member each; empty tests all."""

    gap_hours: tuple[Annotated[float, Field(gt=0)], ...] = (4.0, 24.0, 168.0, 720.0)
    """For kind = 'gaps': lengths of the gaps that are cut [h]: each takes an equal part of `test`, with at least one
    gap. Scores are given by length."""

    region_role: Literal["test", "train"] = "test"
    """For kind = 'regions': each region in turn is the `test` of a network trained on the others, or is what it is
    trained on (`train`), and the others are the test."""

    exclude_overlaps: bool = True
    """Exclude training and validation rows whose windows share time steps with test rows, and training rows whose
    windows share some with validation rows. Concerns windows of a series only."""

    map_points: str = ""
    """Where the network will predict: a CSV file with columns lon and lat, or a GeoTIFF whose valid pixels are mapped.
    Empty spreads points evenly over the convex hull of the samples. `knndm` makes its folds for them, and the
    evaluation shows their distances next to those of the split."""

    buffer_km: float = Field(default=0.0, ge=0)
    """Exclude training and validation rows nearer than this to a test row of their fold [km]."""

    test: float = Field(default=0.2, gt=0, lt=1)
    """Share of rows (or groups) held out for the test, where `folds` is 1 and the split is drawn."""

    validation: float = Field(default=0.1, gt=0, lt=1)
    """Share of the training rows (or groups) that choose the best checkpoint."""

    validation_by: Literal["same", "rows", "groups", "years", "time"] = "same"
    """What is held out for validation: `same` as for the test, single `rows`, `groups` of `group_by`, `years`, or the
    last rows in `time`."""

    folds: int = Field(default=1, ge=1)
    """Members that each test on other rows, so that together they test every row; 1 holds out `test` once."""

    block_km: float = Field(default=20.0, gt=0)
    """Side of a spatial block [km]; blocks keep neighbouring samples on one side of a split. With `knndm`, intervals
    resample blocks."""

    seed: Seed = 1
    """Seed of the split."""

    seeds: tuple[Seed, ...] = (1,)
    """Seeds of an ensemble: every fold is trained once per seed (initial weights and order of samples)."""

    @model_validator(mode="after")
    def _consistent(self) -> SplitSettings:
        if not self.seeds:
            raise ValueError("seeds is empty: it must have 1 value or more, such as [1]")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds must differ, {list(self.seeds)} repeats one")
        if self.kind not in _FOLDED and self.folds != 1:
            raise ValueError(f"folds belongs to kind = {_either(_FOLDED)}; {self.kind} has folds of its own")
        if self.kind == "knndm" and self.folds == 1:
            raise ValueError("kind = 'knndm' needs folds, such as split.folds = 10")
        if self.second_group and self.kind not in ("blocks", "groups"):
            raise ValueError(
                "second_group belongs to kind = 'blocks' or 'groups'; other kinds have one kind of group: take it out "
                "with --set split.second_group="
            )
        if self.second_group and self.second_group.removesuffix("_index") == self.group_by.removesuffix("_index"):
            raise ValueError(
                f"second_group is {self.second_group!r} and group_by {self.group_by!r}: they must differ, or leave one "
                "out (--set split.second_group=)"
            )
        if self.kind in (*_SPATIAL, "gaps") and self.group_by:
            own = "gaps" if self.kind == "gaps" else "blocks"
            raise ValueError(f"group_by has no place in kind = {self.kind!r}, whose groups are the {own}")
        if self.kind in _GROUPED and not self.group_by:
            raise ValueError(f"kind = {self.kind!r} needs group_by, the variable of its groups, such as 'day'")
        if self.kind == "gaps" and not self.gap_hours:
            raise ValueError("gap_hours is empty: kind = 'gaps' needs a length or more, such as [24, 168]")
        self._refuse_strays()
        return self

    def unused(self) -> dict[str, str]:
        """Return settings of other kinds that presets may hold: a user who overrides the kind leaves them standing."""
        found = {}
        if self.kind not in _SPATIAL:
            found["block_km"] = f"kind is {self.kind!r}, not {_either(_SPATIAL)}"
        if not self.group_by:
            found["group_length"] = "there is no group_by"
        elif self.kind in _LABELLED:
            found["group_length"] = f"groups of kind = {self.kind!r} are single labels"
        if self.kind not in _SHARED_OUT:
            found["test"] = f"kind = {self.kind!r} tests what it names"
        elif self.folds > 1:
            found["test"] = f"folds = {self.folds} test every row in turn"
        return found

    def _refuse_strays(self) -> None:
        """Refuse settings of another kind: they would have no effect."""
        owners = {"fold_column": "given", "test_years": "years", "years_before": "years", "regions": "regions"}
        owners |= {"region_role": "regions", "gap_hours": "gaps"}
        for name, kind in owners.items():
            if getattr(self, name) != type(self).model_fields[name].default and self.kind != kind:
                raise ValueError(f"{name} belongs to kind = {kind!r}, not to {self.kind!r}")
        if self.validation_by == "groups" and not self.group_by:
            raise ValueError("validation_by = 'groups' needs group_by, the variable of the groups")


def _either(kinds: tuple[str, ...]) -> str:
    return " or ".join(repr(kind) for kind in kinds)
