"""Two kinds of groups held out at once: stations (or blocks) and years."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from geoml_cli.dataset.store import Block
from geoml_cli.errors import DataError
from geoml_cli.splits.grouping import groups, paired_groups
from geoml_cli.splits.left_to_train import few
from geoml_cli.splits.members import novelty, splits
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.split import Split

BOTH = {"kind": "groups", "group_by": "station_index", "second_group": "year"}


def panel(stations: int, years: int, repeats: int = 1) -> Block:
    """Every station in every year, some records each; years do not start at 0."""
    station, year, _ = np.mgrid[0:stations, 2001 : 2001 + years, 0:repeats].reshape(3, -1)
    return Block({"station_index": station, "year": year}, {}, {})


def pairs(data: Block, rows: np.ndarray) -> set[tuple[int, int]]:
    return {(int(s), int(y)) for s, y in zip(data.array("station_index")[rows], data.array("year")[rows], strict=True)}


def values(data: Block, name: str, rows: np.ndarray) -> set[int]:
    return set(data.array(name)[rows].tolist())


def divided(data: Block, settings: SplitSettings, usable: np.ndarray) -> dict[str, Split]:
    return splits(data, settings, usable, len(data.array("year")))


@st.composite
def cases(draw):
    stations, years = draw(st.integers(4, 9)), draw(st.integers(4, 7))
    folds = draw(st.integers(1, 3))
    data = panel(stations, years, draw(st.integers(1, 3)))
    settings = SplitSettings(**BOTH, folds=folds, seed=draw(st.integers(0, 99)), test=0.2, validation=0.2)
    count = stations * years
    return data, settings, draw(st.lists(st.booleans(), min_size=count, max_size=count))


@given(cases())
def test_a_row_is_on_the_far_side_where_its_station_or_its_year_is_novelty(case):
    data, settings, _ = case
    usable = np.arange(len(data.array("year")))
    for split in divided(data, settings, usable).values():
        learnt = np.concatenate([split.train, split.validation])
        _is_a_block_of_both(data, learnt, usable)
        _is_a_block_of_both(data, split.train, learnt)
        for away in ("station_index", "year"):
            assert values(data, away, learnt) < values(data, away, usable)
            assert values(data, away, split.train) < values(data, away, learnt)


def _is_a_block_of_both(data: Block, kept: np.ndarray, rows: np.ndarray) -> None:
    """What is kept is every row of its stations in its years: the others lie at a held-out station or year."""
    inside = np.ones(len(rows), dtype=bool)
    for name in ("station_index", "year"):
        inside &= np.isin(data.array(name)[rows], list(values(data, name, kept)))
    assert set(rows[inside].tolist()) == set(kept.tolist())


@given(cases())
def test_rows_stand_on_one_side_and_folds_together_test_every_row(case):
    data, settings, known = case
    usable = np.flatnonzero(np.repeat(known, len(data.array("year")) // len(known)))
    try:
        members = divided(data, settings, usable)
    except DataError:
        assume(False)
    tested: set[int] = set()
    for split in members.values():
        sides = [set(split.rows(part).tolist()) for part in ("train", "validation", "test")]
        assert all(sides)
        assert sum(map(len, sides)) == len(set().union(*sides)) and set().union(*sides) <= set(usable.tolist())
        tested |= sides[2]
        _refuse_validated(data, split, usable)
        # No pair of station and year is torn apart.
        of = [pairs(data, split.rows(part)) for part in ("train", "validation", "test")]
        assert not (of[0] & of[1] or of[0] & of[2] or of[1] & of[2])
    if settings.folds > 2 and known and all(known):
        assert tested == set(usable.tolist())


def _refuse_validated(data: Block, split: Split, usable: np.ndarray) -> None:
    """No group that chose the checkpoint stands in the test, and only its rows are left out of it."""
    chosen = {
        name: values(data, name, split.validation) - values(data, name, split.train)
        for name in ("station_index", "year")
    }
    left = np.setdiff1d(usable, np.concatenate([split.train, split.validation, split.test]))
    for rows, expected in ((split.test, False), (left, True)):
        of_chosen = np.zeros(len(rows), dtype=bool)
        for name, numbers in chosen.items():
            of_chosen |= np.isin(data.array(name)[rows], list(numbers))
        assert (of_chosen == expected).all()


@given(
    stations=st.integers(3, 12), folds=st.integers(3, 12), share=st.floats(0.05, 0.4), seed=st.integers(0, 99),
    kind=st.sampled_from(["groups", "leave-one-out"]),
)  # fmt: skip
def test_every_group_trains_and_is_tested_somewhere(stations, folds, share, seed, kind):
    assume(folds <= stations)  # with two folds a group that validates in one is the test of the other
    data = panel(stations, 2)
    drawn = {"folds": folds} if kind == "groups" else {}
    settings = SplitSettings(kind=kind, group_by="station_index", validation=share, seed=seed, **drawn)
    members = divided(data, settings, np.arange(stations * 2)).values()
    every = set(range(stations))
    for part in ("train", "test"):
        assert set().union(*(values(data, "station_index", split.rows(part)) for split in members)) == every, part
    chosen = [frozenset(values(data, "station_index", split.validation)) for split in members]
    assert len(set(chosen)) > 1


@given(cases())
def test_every_test_row_is_new_by_its_station_its_year_or_both(case):
    data, settings, _ = case
    rows = len(data.array("year"))
    for split in divided(data, settings, np.arange(rows)).values():
        why = novelty(data, settings, split, rows)
        assert list(why) == ["station_index", "year"]
        for name, new in why.items():
            known = values(data, name, split.train)
            assert new.tolist() == [value not in known for value in data.array(name)[split.test].tolist()]
        assert (why["station_index"] | why["year"]).all()
        assert why["station_index"].any() and why["year"].any()


def test_five_stations_and_five_years_are_held_out_one_by_one():
    data, rows = panel(5, 5), np.arange(25)
    members = divided(data, SplitSettings(**BOTH, folds=5, validation=0.25), rows)
    found = []
    for split in members.values():
        [station] = {0, 1, 2, 3, 4} - values(data, "station_index", np.concatenate([split.train, split.validation]))
        [year] = set(range(2001, 2006)) - values(data, "year", np.concatenate([split.train, split.validation]))
        found.append((station, year))
        assert [len(split.rows(part)) for part in ("train", "validation", "test")] == [9, 7, 7]
        [chosen] = values(data, "station_index", split.validation) - values(data, "station_index", split.train)
        [other] = values(data, "year", split.validation) - values(data, "year", split.train)
        both = {(s, y) for s in range(5) for y in range(2001, 2006) if s == station or y == year}
        assert pairs(data, split.test) == both - {(chosen, year), (station, other)}
    assert sorted(s for s, _ in found) == [0, 1, 2, 3, 4]
    assert sorted(y for _, y in found) == [2001, 2002, 2003, 2004, 2005]


def test_groups_of_a_bootstrap_are_stations_or_for_a_claim_about_years_pairs():
    data = panel(3, 4, repeats=2)
    np.testing.assert_array_equal(groups(data, SplitSettings(**BOTH), 24), data.array("station_index"))
    numbers = paired_groups(data, SplitSettings(**BOTH), 24)
    assert sorted(set(numbers.tolist())) == list(range(12))
    for number in range(12):
        assert len(pairs(data, np.flatnonzero(numbers == number))) == 1
        assert (numbers == number).sum() == 2


def test_numbers_that_follow_each_other_are_held_out_together_beside_a_second_kind():
    data = panel(8, 4)
    settings = SplitSettings(**BOTH, group_length=2, test=0.3)
    split = divided(data, settings, np.arange(32))["all"]
    gone = set(range(8)) - values(data, "station_index", np.concatenate([split.train, split.validation]))
    assert len(gone) == 2 and len({station // 2 for station in gone}) == 1
    assert len(set(paired_groups(data, settings, 32).tolist())) == 16


def test_blocks_are_of_the_stations_of_a_series():
    # Stations 0 and 1 are neighbours, 11 km apart; the samples of a series have no coordinates of their own.
    places = {"lon": np.array([10.0, 10.0, 10.0, 20.0, 30.0]), "lat": np.array([40.01, 40.1, 45.0, 45.0, 45.0])}
    found = panel(5, 4)
    data = Block({**found.arrays, **places}, {}, {})
    settings = SplitSettings(kind="blocks", block_km=20, second_group="year", test=0.25)
    numbers = paired_groups(data, settings, 20)
    assert len(set(numbers.tolist())) == 4 * 4 and len(set(groups(data, settings, 20).tolist())) == 4
    station = data.array("station_index")
    assert numbers[station == 0].tolist() == numbers[station == 1].tolist()
    split = divided(data, settings, np.arange(20))["all"]
    sides = [values(data, "station_index", split.rows(part)) for part in ("train", "validation")]
    assert all(({0, 1} & side) in (set(), {0, 1}) for side in sides)
    assert list(novelty(data, settings, split, 20)) == ["block", "year"]


def test_without_a_second_kind_there_is_one_reason_to_be_new_and_it_is_not_told():
    data = panel(5, 5)
    settings = SplitSettings(kind="groups", group_by="station_index")
    assert novelty(data, settings, divided(data, settings, np.arange(25))["all"], 25) == {}


def test_nothing_left_to_learn_from_is_said():
    # One station is held out and one year, and each row is of either.
    data = Block({"station_index": np.array([0, 1]), "year": np.array([2002, 2001])}, {}, {})
    said = "no sample of 2 is left to train on where 2 kinds of groups are held out.*Leave split.second_group out"
    with pytest.raises(DataError, match=said) as caught:
        divided(data, SplitSettings(**BOTH), np.arange(2))
    assert caught.value.exit_code == 3
    assert "smaller shares" not in caught.value.fix, "one group of each kind is the least"


def test_more_folds_leave_more_to_learn_from_as_the_message_says():
    pairs = np.array([0, 1, 3, 4, 6, 9, 10, 13, 14, 15])  # of four stations and four years, not all
    data = Block({"station_index": pairs // 4, "year": 2001 + pairs % 4}, {}, {})
    with pytest.raises(DataError, match=r"no sample of 3 is left.*more folds \(split.folds\)"):
        divided(data, SplitSettings(**BOTH, folds=2), np.arange(10))
    assert len(divided(data, SplitSettings(**BOTH, folds=4), np.arange(10))) == 4
    assert len(divided(data, SplitSettings(**BOTH | {"second_group": ""}, folds=2), np.arange(10))) == 2


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ({}, {"second_group": "storm"}, r"second_group = 'storm'.*no such variable"),
        ({"flux": np.linspace(0, 1, 25)}, {"second_group": "flux"}, r"second_group = 'flux'.*no whole number a sample"),
        ({"flux": np.linspace(0, 1, 25)}, {"group_by": "flux"}, r"group_by = 'flux'.*no whole number a sample"),
        (
            {"category": np.arange(5)},
            {"second_group": "category"},
            r"second_group = 'category'.*no whole number a sample",
        ),
        ({"record": np.arange(30)}, {"group_by": "record"}, r"group_by = 'record'.*no whole number a sample"),
        ({"year": np.full(25, 2001)}, {}, r"25 samples in 1 group\(s\) cannot be split by groups of year"),
        ({}, {"folds": 9}, "5 groups of one station cannot be split into 9 folds"),
        ({"year": np.arange(25) % 3}, {"folds": 4}, "3 groups of year cannot be split into 4 folds"),
        (
            {"year": np.arange(25) % 2},
            {"folds": 2},
            r"in 1 group\(s\) cannot be split by groups of year.*--set split.validation_by=rows",
        ),
    ],
)
def test_what_cannot_be_divided_twice_is_said(change, settings, message):
    data = Block({**panel(5, 5).arrays, **change}, {}, {})
    with pytest.raises(DataError, match=message) as caught:
        splits(data, SplitSettings(**BOTH | settings), np.arange(25), 25)
    assert caught.value.exit_code == 3


def test_two_kinds_of_groups_are_not_one():
    for names in (("year", "year"), ("station_index", "station"), ("station", "station_index")):
        with pytest.raises(ValueError, match=r"they must differ, or leave one out \(--set split\.second_group=\)"):
            SplitSettings(kind="groups", group_by=names[0], second_group=names[1])
    SplitSettings(kind="groups", group_by="year")


@pytest.mark.parametrize("kind", ["random", "given"])
def test_rows_that_know_no_groups_have_no_second_kind(kind):
    with pytest.raises(
        ValueError, match="second_group belongs to kind = 'blocks' or 'groups'; other kinds have one kind of group"
    ):
        SplitSettings(kind=kind, second_group="year")


def test_few_samples_left_by_two_kinds_of_groups_are_said_with_what_leaves_more():
    """Six stations and three years in three folds: 4/9 are not tested, and few of these train."""
    data, both = panel(6, 3), SplitSettings(**BOTH, folds=3, seeds=[1, 2])
    members = divided(data, both, np.arange(18))
    said = list(few(members, both))
    assert len(said) == 3, "a line for each fold, not for each member"
    assert said[0].startswith(
        f"Fold fold-1 trains on {len(members['fold-1-seed-1'].train)} of 18 samples (17%), since "
    )
    assert said[0].endswith("of station_index and of year that is held out takes its samples. More are left with --set "
                            "split.second_group=")  # fmt: skip
    one = SplitSettings(**BOTH | {"second_group": ""}, folds=3, seeds=[1, 2])
    alone = divided(data, one, np.arange(18))
    assert not list(few(alone, one)) and len(alone["fold-1-seed-1"].train) > len(members["fold-1-seed-1"].train)
