"""The split of a member: its training, validation and test rows."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import atomic_write
from geoml_cli.errors import DataError

Rows = NDArray[np.int64]
SUBSETS = ("train", "validation", "test")
_AT_ONCE = 100_000
_LISTED = re.compile(r"(?:\d+(?:, \d+)*+)?")
"""Row numbers as `Split.write` lists them; possessive, so that a match of millions keeps no way back."""


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
        # Millions of rows: as lists of Python they would take ten times the memory of their array.
        with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(json.dumps(described).removesuffix("}"))
            for subset in SUBSETS:
                rows = self.rows(subset)
                stream.write(f', "{subset}": [')
                for start in range(0, len(rows), _AT_ONCE):
                    stream.write(", " * bool(start) + ", ".join(map(str, rows[start : start + _AT_ONCE].tolist())))
                stream.write("]")
            stream.write("}\n")

    @staticmethod
    def read(path: Path) -> Split:
        """Read a split written by `write`.

        Raises:
            DataError: It is missing or damaged.
        """
        try:
            text, (train, validation, test) = _without_rows(path.read_text(encoding="utf-8"))
            record = json.loads(text)
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


def _without_rows(text: str) -> tuple[str, list[Rows]]:
    """Return the JSON of a split with its lists of rows empty, and these rows.

    Raises:
        ValueError: A list is missing, or holds other than row numbers.
    """
    found = []
    for subset in SUBSETS:
        before, name, rest = text.partition(f'"{subset}": [')
        listed, end, after = rest.partition("]")
        if not (name and end) or not _LISTED.fullmatch(listed):
            raise ValueError(subset)
        found.append(np.fromstring(listed, dtype=np.int64, sep=","))
        text = f"{before}{name}{end}{after}"
    return text, found


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
