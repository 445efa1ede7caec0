"""Artificial gaps: their lengths, their share, and that they stay apart."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from geoml_cli.dataset.store import Block
from geoml_cli.errors import DataError
from geoml_cli.evaluation.groupwise import in_order
from geoml_cli.splits.artificial_gaps import gap_called, gap_length, gaps_of_samples
from geoml_cli.splits.gaps import folds, validate
from geoml_cli.splits.grouping import group_called, groups
from geoml_cli.splits.members import splits
from geoml_cli.splits.settings import SplitSettings

YEAR = 365 * 48
SETTINGS = SplitSettings(kind="gaps")


def half_hours(lengths=(YEAR, 2 * YEAR), keep=None) -> Block:
    """Make series of half-hours; `keep` leaves samples out."""
    station = np.repeat(np.arange(len(lengths)), lengths)
    minute = np.concatenate([np.arange(length) * 30 for length in lengths])
    kept = np.arange(len(station)) if keep is None else keep
    arrays = {"station_index": station[kept], "time": minute, "index": kept}
    return Block(arrays, {"station": ["AA-One", "BB-Two"][: len(lengths)]}, {"time": "minutes since 2000-01-01"})


def test_gaps_have_their_lengths_and_stay_apart():
    found = gaps_of_samples(half_hours(), SETTINGS, 3 * YEAR, share=0.2, seed=1)
    for number in range(found.number_N.max() + 1):
        [rows] = np.nonzero(found.number_N == number)
        assert len(rows) == found.hours_N[rows[0]] * 2 and (np.diff(rows) == 1).all()
        assert found.number_N[rows[0] - 1] == found.number_N[rows[-1] + 1] == -1


def test_each_length_takes_an_equal_part_of_each_station():
    found = gaps_of_samples(half_hours(), SETTINGS, 3 * YEAR, share=0.2, seed=1)
    for first, count in ((0, YEAR), (YEAR, 2 * YEAR)):
        hours = found.hours_N[first : first + count]
        for length in SETTINGS.gap_hours:
            hours_in_gaps, part = int((hours == length).sum()), 0.05 * count
            assert part <= hours_in_gaps < part + 2 * length, "a gap more at most"


def test_gaps_end_where_time_does_though_samples_are_missing():
    keep = np.sort(np.random.default_rng(3).permutation(YEAR)[: YEAR // 2])
    data = half_hours((YEAR,), keep)
    found = gaps_of_samples(data, SETTINGS, len(keep), share=0.2, seed=1)
    for number in range(found.number_N.max() + 1):
        minute = keep[found.number_N == number] * 30
        assert minute[-1] - minute[0] < found.hours_N[found.number_N == number][0] * 60


def test_validation_lies_in_other_gaps_and_each_gap_is_a_group():
    data, rows = half_hours(), 3 * YEAR
    usable = np.flatnonzero(np.arange(rows) % 3 > 0)
    [(learn, test)] = folds(data, SETTINGS, usable, rows).values()
    train, validation = validate(data, SETTINGS, learn, rows)
    assert len(np.intersect1d(validation, test)) == 0
    np.testing.assert_array_equal(np.sort(np.concatenate([train, validation, test])), usable)
    label = groups(data, SETTINGS, rows)
    assert not np.isin(label[test], label[np.concatenate([train, validation])]).any()
    assert len(np.unique(label[test])) < len(test) / 8 and len(np.unique(label[train])) == len(train)
    assert group_called(data, SETTINGS) == "gap"


def test_a_series_too_short_for_a_gap_is_named():
    with pytest.raises(DataError, match=r"a gap of 30 d finds no place in the series of AA-One") as refused:
        gaps_of_samples(half_hours((10 * 48, YEAR)), SETTINGS, 10 * 48 + YEAR, share=0.2, seed=1)
    assert "split.gap_hours" in refused.value.fix
    shorter = SplitSettings(kind="gaps", gap_hours=(4, 24))
    assert gaps_of_samples(half_hours((10 * 48, YEAR)), shorter, 10 * 48 + YEAR, share=0.2, seed=1).hours_N.any()


def test_a_series_in_which_no_other_gap_finds_place_is_refused():
    """Gaps of validation may fall together with those of the test: then no row chooses the best weights."""
    settings = SplitSettings(kind="gaps", gap_hours=[0.5], test=0.2, validation=0.1, seed=4)
    with pytest.raises(
        DataError, match=r"no validation rows are left of fold all \(\d+ training, 0 validation, \d+ test\)"
    ):
        splits(half_hours((6,)), settings, np.arange(6), 6)


def test_samples_that_are_no_series_have_no_gaps():
    with pytest.raises(DataError, match="no series of stations"):
        gaps_of_samples(Block({"lon": np.zeros(3)}, {}, {}), SETTINGS, 3, share=0.2, seed=1)


@pytest.mark.parametrize("given", [{"gap_hours": ()}, {"gap_hours": (0,)}, {"group_by": "year"}, {"folds": 3}])
def test_settings_that_have_no_meaning_are_refused(given):
    with pytest.raises(ValidationError):
        SplitSettings(kind="gaps", **given)
    with pytest.raises(ValidationError):
        SplitSettings(kind="random", gap_hours=(4.0,))


def test_lengths_are_called_by_their_unit():
    assert [gap_called(hours) for hours in (0.5, 4, 36, 168, 720)] == ["30 min", "4 h", "1.5 d", "7 d", "30 d"]


def test_lengths_are_read_back_and_stand_in_their_order():
    hours = [0.5, 4.0, 24.0, 168.0, 720.0]
    named = [gap_called(each) for each in hours]
    assert [gap_length(name) for name in named] == hours
    names = sorted([*named, "no gap"])
    assert names != [*named, "no gap"] and [names[place] for place in in_order(names)] == [*named, "no gap"]
    assert in_order(["2009", "4 towers", "CH-Dav"]) == [0, 1, 2], "what is no length stays where it is"
