"""`[split]`, light to import."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from geoml_cli.samples.settings import Table


class SplitSettings(Table):
    """`[split]`: how rows are divided into training, validation and test rows, and so which members a run has."""

    kind: Literal["random", "given", "blocks", "groups"] = "random"
    """`random` rows, `given` by the data set (a member a split), `blocks` of `block_km`, or `groups` of a variable,
    whole blocks and groups together."""

    by: str = ""
    """Variable of the data set that numbers the groups, such as `day` or `storm`; where rows are divided otherwise,
    rows of a group are still resampled together in intervals."""

    also: str = ""
    """A second variable of whole numbers, such as `year`, whose groups are held out as well: a row is in the test where
    its block (or group of `by`) or its `also` is held out."""

    consecutive: int = Field(default=1, ge=1)
    """Consecutive numbers of `by` that form one group, such as ten days."""

    purge: bool = True
    """Leave out training and validation rows whose windows share hours with rows they must not know: those of the
    test, and for training those of the validation. Concerns windows of a series only."""

    test: float = Field(default=0.2, gt=0, lt=1)
    """Share of rows (or blocks) held out for the test, where `folds` is 1 and the split is not given."""

    validation: float = Field(default=0.1, gt=0, lt=1)
    """Share of the training rows (or blocks) that choose the best checkpoint."""

    folds: int = Field(default=1, ge=1)
    """Members that each test on another part, so that together they test every row; 1 holds out `test` once."""

    block_km: float = Field(default=20.0, gt=0)
    """Side of a spatial block [km]; blocks keep neighbouring samples on one side of a split."""

    seed: int = 1
    """Seed of the division."""

    seeds: tuple[int, ...] = Field(default=(1,), min_length=1)
    """Seeds of an ensemble: every fold is trained once per seed (initial weights and order of samples)."""

    @model_validator(mode="after")
    def _distinct(self) -> SplitSettings:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds must differ, {list(self.seeds)} repeats one")
        if self.kind == "given" and self.folds != 1:
            raise ValueError("folds belongs to kind = 'random' or 'blocks'; given splits come with the data set")
        if self.also and self.kind not in ("blocks", "groups"):
            raise ValueError("also belongs to kind = 'blocks' or 'groups'; random rows know no groups")
        if self.kind == "groups" and not self.by:
            raise ValueError("kind = 'groups' needs by, the variable that numbers them, such as 'day'")
        return self
