"""Too few groups: every remedy that the refusal names lets the rows be split."""

from __future__ import annotations

import re

import numpy as np
import pytest

from geoml_cli.dataset.store import Block
from geoml_cli.errors import DataError
from geoml_cli.splits.members import splits
from geoml_cli.splits.settings import SplitSettings

ROWS = 60


def data(**variables: np.ndarray) -> Block:
    """Sixty samples of one station in one year, a day each."""
    known = {"station_index": np.zeros(ROWS, dtype=int), "year": np.full(ROWS, 2001), "day": np.arange(ROWS)}
    return Block({**known, **variables}, {}, {})


def places(lon: np.ndarray) -> Block:
    """Sixty samples on a line."""
    return Block({"lon": lon, "lat": np.linspace(50, 51, ROWS)}, {}, {})


def windows(**variables: np.ndarray) -> Block:
    """Likewise, of a series: each sample is a window that ends at a time."""
    return data(time=np.arange(ROWS), index=np.arange(ROWS), **variables)


def of(count: int) -> np.ndarray:
    """Number `count` groups."""
    return np.arange(ROWS) * count // ROWS


NEAR = np.linspace(5, 6, ROWS)
STATION = {"kind": "groups", "group_by": "station_index"}
BLOCKS = {"kind": "blocks", "block_km": 5000.0}
TWO, THREE = {"station_index": of(2)}, {"station_index": of(3)}
CASES = {
    "blocks": (places(NEAR), BLOCKS, 2),
    "folds of blocks": (places(NEAR), {**BLOCKS, "folds": 5}, 2),
    "blocks to validate": (places(np.where(of(2), 85.0, 5.0) + NEAR), {**BLOCKS, "block_km": 3000.0}, 2),
    "stations": (data(), STATION, 1),
    "stations with windows": (windows(), STATION, 1),
    "folds of stations with windows": (windows(), {**STATION, "folds": 4}, 1),
    "folds of two stations with windows": (windows(**TWO), {**STATION, "folds": 4}, 1),
    "groups of days": (data(), {"kind": "groups", "group_by": "day", "group_length": 100}, 2),
    "years as second groups": (data(station_index=of(6)), {**STATION, "second_group": "year"}, 1),
    "stations of two kinds": (windows(year=of(6)), {**STATION, "second_group": "year"}, 1),
    "two years to validate": (data(station_index=of(6), year=of(2)), {**STATION, "second_group": "year"}, 2),
    "two stations to validate": (data(**TWO), STATION, 1),
    "two stations with windows to validate": (windows(**TWO), STATION, 1),
    "two folds of three stations": (data(**THREE), {**STATION, "folds": 2}, 2),
    "most of three stations": (data(**THREE), {**STATION, "test": 0.7}, 2),
    "two years": (data(year=of(2)), {"kind": "years"}, 1),
    "regions that train": (data(region=of(2)), {"kind": "regions", "group_by": "region", "region_role": "train"}, 1),
    "two labels": (windows(region=of(2)), {"kind": "leave-one-out", "group_by": "region"}, 1),
}  # fmt: skip
"""Data, settings, and how many remedies the message names that say what to set."""


def remedies(told: str) -> list[dict[str, object]]:
    """Read what each alternative sets, as SplitSettings has it."""
    found = []
    for alternative in re.split(r", or |\. ", told):
        sets = dict(re.findall(r"--set split\.(\w+)=([\w.-]*?)(?=[\s),]|\.?$|\.\s)", alternative))
        if smaller := re.search(r"split\.(block_km|group_length) smaller than", alternative):
            sets[smaller[1]] = {"block_km": "20", "group_length": "5"}[smaller[1]]
        found += [{name: float(v) if v[:1].isdigit() else v for name, v in sets.items()}] if sets else []
    return found


@pytest.mark.parametrize("name", CASES)
def test_every_remedy_that_is_named_works(name):
    variables, settings, count = CASES[name]
    with pytest.raises(DataError, match=r"cannot be split (by|into)") as caught:
        splits(variables, SplitSettings(**settings), np.arange(ROWS), ROWS)
    assert caught.value.__cause__ is not caught.value  # who follows causes would never end
    named = remedies(caught.value.fix)
    assert len(named) == count, caught.value.fix
    for one in named:
        done = splits(variables, SplitSettings(**{**settings, **one}), np.arange(ROWS), ROWS)
        assert all(len(split.train) and len(split.validation) for split in done.values()), one


def test_remedies_of_other_kinds_are_not_named():
    for name, (variables, settings, _) in CASES.items():
        with pytest.raises(DataError) as caught:
            splits(variables, SplitSettings(**settings), np.arange(ROWS), ROWS)
        fix = caught.value.fix
        assert ("block_km" in fix) == (settings["kind"] == "blocks"), name
        assert ("group_length" in fix) == ("group_length" in settings), name
        if variables.has("index"):  # their windows overlap
            assert "split.kind=random" not in fix and "validation_by=rows" not in fix, name
