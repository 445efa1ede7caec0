from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoml_cli.dataset.store import Block
from geoml_cli.errors import DataError
from geoml_cli.splits.buffers import drop_near
from geoml_cli.splits.grouping import group_called, groups
from geoml_cli.splits.members import splits
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.split import Split


def block(**arrays: np.ndarray) -> Block:
    return Block(arrays, {}, {})


def country(rows: int, seed: int = 0) -> Block:
    generator = np.random.default_rng(seed)
    return block(lon=20 + 3 * generator.random(rows), lat=41 + 1.5 * generator.random(rows))


def parts(split: Split) -> list[set[int]]:
    return [set(split.rows(name).tolist()) for name in ("train", "validation", "test")]


@given(
    rows=st.integers(40, 200),
    folds=st.integers(1, 6),
    kind=st.sampled_from(["random", "blocks"]),
    seed=st.integers(0, 99),
)
def test_rows_stand_on_one_side_and_whole_groups_together(rows, folds, kind, seed):
    data = country(rows, seed)
    settings = SplitSettings(kind=kind, folds=folds, seed=seed, block_km=30, validation=0.2)
    usable = np.arange(0, rows, 2)
    members = splits(data, settings, usable, rows)
    group = groups(data, settings, rows)
    for split in members.values():
        train, validation, test = parts(split)
        assert train and validation and test
        assert not (train & validation or train & test or validation & test)
        assert train | validation | test == set(usable.tolist())
        sides = [{int(group[row]) for row in side} for side in (train, validation, test)]
        assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    if folds > 1:
        tested = sorted(row for split in members.values() for row in split.test.tolist())
        assert tested == usable.tolist()


def test_too_many_folds_are_refused_before_they_are_drawn():
    rows = 50
    data = Block({"station_index": np.arange(rows)}, {}, {})
    with pytest.raises(DataError, match=r"there are 1000000000 folds.*200 are the most.*split.folds=200 or lower"):
        splits(data, SplitSettings(kind="random", folds=10**9), np.arange(rows), rows)


def test_members_are_folds_times_seeds_and_seeds_share_rows():
    members = splits(country(100), SplitSettings(folds=2, seeds=(3, 7)), np.arange(100), 100)
    assert list(members) == ["fold-1-seed-3", "fold-1-seed-7", "fold-2-seed-3", "fold-2-seed-7"]
    np.testing.assert_array_equal(members["fold-1-seed-3"].test, members["fold-1-seed-7"].test)
    np.testing.assert_array_equal(members["fold-1-seed-3"].train, members["fold-1-seed-7"].train)
    assert members["fold-2-seed-7"].fold == "fold-2" and members["fold-2-seed-7"].seed == 7
    assert list(splits(country(50), SplitSettings(seeds=(1, 2)), np.arange(50), 50)) == ["seed-1", "seed-2"]
    assert list(splits(country(50), SplitSettings(), np.arange(50), 50)) == ["all"]


def test_given_splits_are_kept_and_only_their_training_rows_are_cut():
    marks = np.zeros((2, 10), dtype=np.int8)
    marks[0, :6], marks[0, 6:9] = 1, 2
    marks[1, 4:], marks[1, :3] = 1, 2
    members = splits(block(split=marks), SplitSettings(kind="given", validation=0.34), np.arange(10), 10)
    assert list(members) == ["split-1", "split-2"]
    np.testing.assert_array_equal(members["split-1"].test, [6, 7, 8])
    learnt = np.sort(np.concatenate([members["split-1"].train, members["split-1"].validation]))
    np.testing.assert_array_equal(learnt, np.arange(6))
    assert len(members["split-1"].validation) == 2


def test_blocks_are_squares_of_the_side_asked_for():
    # 0.1 degree of latitude is 11.12 km: with 20 km blocks, neighbours share a block and the far one does not.
    data = block(lon=np.array([20.0, 20.0, 20.0]), lat=np.array([0.01, 0.1, 1.0]))
    numbers = groups(data, SplitSettings(kind="blocks", block_km=20), 3)
    assert numbers[0] == numbers[1] != numbers[2]


@pytest.mark.parametrize("kind", ["random", "years", "chronological"])
@pytest.mark.parametrize(("name", "called"), [("cell", "cell"), ("station_index", "station"), ("other", "sample")])
def test_samples_of_a_place_are_one_group_however_they_are_split(kind, name, called):
    """Intervals and tests that took the months of a cell for independent ones were a fifth of the width."""
    data = block(**{name: np.array([4, 4, 7, 7, 7])})
    settings = SplitSettings(kind=kind, **({"test_years": [2003]} if kind == "years" else {}))
    numbers = groups(data, settings, 5)
    assert group_called(data, settings) == called
    assert len(np.unique(numbers)) == (5 if called == "sample" else 2)


def test_the_same_seed_gives_the_same_division_and_another_does_not():
    one, two, three = (
        splits(country(80), SplitSettings(seed=seed), np.arange(80), 80)["all"].test.tolist() for seed in (1, 1, 2)
    )
    assert one == two != three


@pytest.mark.parametrize(
    ("data", "settings", "rows", "message"),
    [
        (country(10), SplitSettings(kind="given"), 10, "brings no splits of its own"),
        (country(10), SplitSettings(folds=20), 10, "10 samples cannot be split into 20 folds"),
        (country(30), SplitSettings(kind="blocks", block_km=5000, folds=2), 30, "blocks of 5000 km cannot be split"),
        (country(30), SplitSettings(kind="blocks", block_km=5000), 30, "30 samples in 1 group"),
        (
            block(lon=np.array([1.0, np.nan]), lat=np.array([1.0, 2.0])),
            SplitSettings(kind="blocks"),
            2,
            "1 of 2 samples have no coordinates",
        ),
    ],
)
def test_what_cannot_be_divided_is_said(data, settings, rows, message):
    with pytest.raises(DataError, match=message) as caught:
        splits(data, settings, np.arange(rows), rows)
    assert caught.value.exit_code == 3


def test_settings_refuse_what_makes_no_sense():
    with pytest.raises(ValueError, match="repeats one"):
        SplitSettings(seeds=(1, 1))
    with pytest.raises(ValueError, match="group_by has no place in kind = 'blocks'"):
        SplitSettings(kind="blocks", group_by="year")
    with pytest.raises(ValueError, match="given has folds of its own"):
        SplitSettings(kind="given", folds=3)


def test_a_split_survives_its_file(tmp_path):
    before = splits(country(30), SplitSettings(), np.arange(30), 30)["all"]
    before.write(tmp_path / "split.json")
    after = Split.read(tmp_path / "split.json")
    assert parts(after) == parts(before) and (after.fold, after.seed) == (before.fold, before.seed)


def buffer(width, kind="random"):
    return SplitSettings(kind=kind, buffer_km=width)


def test_rows_within_the_buffer_about_test_rows_are_left_out():
    # Every 0.1 degree of a meridian is 11.12 km; the last two of ten rows are the test.
    data = block(lon=np.full(10, 20.0), lat=40 + np.arange(10) / 10)
    rows = np.arange(10)
    split = Split(rows[:6], rows[6:8], rows[8:], "all", 1)
    assert drop_near(data, split, buffer(0.0), 10) is split
    kept = drop_near(data, split, buffer(12.0), 10)
    assert (kept.train.tolist(), kept.validation.tolist(), kept.near_excluded) == ([0, 1, 2, 3, 4, 5], [6], 1)
    with pytest.raises(DataError, match=r"of all lies within 30 km of a test row.*smaller\.$"):
        drop_near(data, split, buffer(30.0), 10)
    with pytest.raises(DataError, match=r"every validation row of all.*smaller, or split\.block_km larger\.$"):
        drop_near(data, split, buffer(30.0, kind="blocks"), 10)
    drop_near(data, split, buffer(12.0), 10)  # the remedy


def test_a_buffer_about_test_years_of_the_same_places_is_told_as_such():
    data = block(lon=np.full(10, 20.0), lat=np.tile(40 + np.arange(5) / 10, 2))
    split = Split(np.arange(4), np.array([4]), np.arange(5, 10), "all", 1)
    with pytest.raises(DataError, match=r"at every place of a training row.*Set split.buffer_km=0, or leave"):
        drop_near(data, split, buffer(0.001), 10)
    assert drop_near(data, split, buffer(0.0), 10) is split


def test_coordinates_are_needed_for_a_buffer():
    split = Split(np.arange(6), np.arange(6, 8), np.arange(8, 10), "all", 1)
    with pytest.raises(DataError, match="10 of 10 samples have no coordinates"):
        drop_near(block(x=np.zeros(10)), split, buffer(1.0), 10)
