"""The split of a member: its training, validation and test rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import write_text
from geoml_cli.errors import DataError

Rows = NDArray[np.int64]
SUBSETS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """The rows of one member.

    Attributes:
        fold: Members of the same fold share their test rows.
        seed: Seed of the member's weights and sample order.
        network: The network that the member trains; empty where the model has one.
        overlaps_excluded: Rows excluded because their windows share time steps with rows on the other side.
        near_excluded: Rows excluded because they lie within the buffer about test rows.
        validated_excluded: Rows not tested because they are of a group that chose the checkpoint.
    """

    train: Rows
    validation: Rows
    test: Rows
    fold: str
    seed: int
    network: str = ""
    overlaps_excluded: int = 0
    near_excluded: int = 0
    validated_excluded: int = 0

    def rows(self, subset: str) -> Rows:
        """Return the rows of `train`, `validation` or `test`."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[subset]

    def write(self, path: Path) -> None:
        """Write the split as JSON."""
        described = {
            "fold": self.fold,
            "seed": self.seed,
            "network": self.network,
            "overlaps_excluded": self.overlaps_excluded,
            "near_excluded": self.near_excluded,
            "validated_excluded": self.validated_excluded,
        }
        rows = {subset: self.rows(subset).tolist() for subset in SUBSETS}
        write_text(path, json.dumps({**described, **rows}) + "\n")

    @staticmethod
    def read(path: Path) -> Split:
        """Read a split written by `write`.

        Raises:
            DataError: It is missing or damaged.
        """
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            train, validation, test = (_rows(record[subset]) for subset in SUBSETS)
            fold, seed, network = str(record["fold"]), int(record["seed"]), str(record["network"])
            names = ("overlaps_excluded", "near_excluded", "validated_excluded")
            excluded = [int(record.get(name, 0)) for name in names]
            return Split(train, validation, test, fold, seed, network, *excluded)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                "is missing or damaged.", where=str(path), fix="Train again, or restore the file."
            ) from error


@lru_cache(maxsize=16)
def read_once(path: Path, checksum: str) -> Split:
    """Read a split, once for a file and its checksum: evaluations ask again and again; errors as for `Split.read`."""
    return Split.read(path)


def _rows(record: list[int]) -> Rows:
    rows = np.array(record, dtype=np.int64)
    if rows.ndim != 1 or (rows < 0).any():
        raise ValueError(record)
    return rows


def restrict_to(split: Split, network: str, usable: Rows) -> Split:
    """Keep a network's usable rows of a split that all networks share.

    Raises:
        DataError: The network has no training or validation row.
    """
    train, validation, test = (rows[np.isin(rows, usable)] for rows in (split.train, split.validation, split.test))
    # The test may be left empty: a network of several is trained all the same.
    for name, rows in (("training", train), ("validation", validation)):
        if not len(rows):
            raise DataError(
                f"the {network} has no {name} row with a target",
                where=f"[split], fold {split.fold}",
                fix="Split otherwise (split.seed, split.group_length), or prepare more data.",
            )
    return replace(split, network=network, train=train, validation=validation, test=test)
