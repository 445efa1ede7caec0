"""Splits as files: JSON that any program reads, written and read in blocks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.splits.split import SUBSETS, Split

ROWS = 250_001
SPLIT = Split(np.arange(3, ROWS), np.arange(2), np.array([2]), 'fold "train": [1]', 7, "classifier", 1, 2, 3)


def test_a_split_is_json_and_comes_back(tmp_path: Path):
    SPLIT.write(path := tmp_path / "split.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    assert {name: record[name] for name in SUBSETS} == {name: SPLIT.rows(name).tolist() for name in SUBSETS}
    found = Split.read(path)
    for name in SUBSETS:
        np.testing.assert_array_equal(found.rows(name), SPLIT.rows(name))
    others = ("fold", "seed", "network", "overlaps_excluded", "near_excluded", "validated_excluded")
    assert [getattr(found, name) for name in others] == [getattr(SPLIT, name) for name in others]


def test_no_rows_stay_none(tmp_path: Path):
    Split(np.arange(2), np.arange(2, 3), np.arange(0), "all", 1).write(path := tmp_path / "split.json")
    assert Split.read(path).test.tolist() == []


@pytest.mark.parametrize("change", [("[2]", "[2.5]"), ("[2]", "[-2]"), ("[2]", "[2"), ("[2]", "[2,]"), ("[2]", '["2"]'),
                                    ('"test"', '"text"'), ("[2]", "[2] x"), ('"seed": 7', '"seed": "x"')])  # fmt: skip
def test_damaged_splits_are_refused(tmp_path: Path, change: tuple[str, str]):
    Split(np.arange(2), np.arange(2), np.array([2]), "all", 7).write(path := tmp_path / "split.json")
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(DataError, match="missing or damaged"):
        Split.read(path)
