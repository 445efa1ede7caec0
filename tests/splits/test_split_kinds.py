"""Contract of every kind of split found in the folder: disjoint, complete, reproducible, validation like the test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geoml_cli import splits as room
from geoml_cli.dataset.store import Block
from geoml_cli.errors import DataError
from geoml_cli.samples.samples import WindowSpan
from geoml_cli.splits.kind import SplitKind, split_kind
from geoml_cli.splits.members import splits
from geoml_cli.splits.overlaps import drop_overlaps, overlapping
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.split import Split

STATIONS, YEARS, MONTHS = 6, 5, 12
KINDS = sorted(
    path.stem.replace("_", "-")
    for path in Path(room.__file__).parent.glob("*.py")
    if "KIND = " in path.read_text(encoding="utf-8")
)
SETTINGS = {
    "random": [{}, {"folds": 4}],
    "blocks": [{"block_km": 200.0}, {"block_km": 200.0, "folds": 3, "second_group": "year"}],
    "knndm": [{"folds": 2}, {"folds": 3}],
    "groups": [{"group_by": "station_number"}, {"group_by": "station_number", "folds": 3}],
    "given": [{}, {"fold_column": "fold"}],
    "chronological": [{}, {"test": 0.4, "validation": 0.2}],
    "years": [{}, {"test_years": (2003, 2004), "years_before": 2}],
    "regions": [{"group_by": "region"}, {"group_by": "region", "regions": ("W",)}],
    "leave-one-out": [{"group_by": "station_number"}],
    "gaps": [{"gap_hours": (800.0, 3000.0)}, {"gap_hours": (2000.0,), "test": 0.4}],
}
CASES = [(kind, given) for kind in KINDS for given in SETTINGS[kind]]


def panel(kind: str = "") -> Block:
    """Stations by month: time in minutes since 2000, regions, folds of a user's table, given splits.

    Gaps are cut into series of stations, which are numbered among the stations.
    """
    station, year, month = (axis.ravel() for axis in np.mgrid[0:STATIONS, 2000 : 2000 + YEARS, 0:MONTHS])
    first = np.array([f"{y}-{m + 1:02d}-15" for y, m in zip(year, month, strict=True)], dtype="datetime64[m]")
    minutes = (first - np.datetime64("2000-01-01", "m")).astype(np.int64)
    marks = np.where(np.arange(len(year)) % 5 == np.array([[0], [1]]), 2, 1)
    arrays = {
        "time": minutes,
        "lon": station * 3.0,
        "lat": station * 0.0 + 40,
        "station_number": station,
        "year": year,
        "split": marks,
    }
    texts = {
        "region": [("W", "M", "E")[s // 2] for s in station],
        "fold": [str(s % 3) for s in station],
    }
    if kind == "gaps":
        arrays |= {"station_index": station, "index": np.arange(len(station))}
    return Block(arrays, texts, {"time": "minutes since 2000-01-01 00:00:00"})


ROWS = STATIONS * YEARS * MONTHS
USABLE = np.flatnonzero(np.arange(ROWS) % 7 != 3)


def members(kind: str, given: dict[str, object], seed: int = 1) -> dict[str, Split]:
    return splits(panel(kind), SplitSettings(kind=kind, seed=seed, **given), USABLE, ROWS)  # type: ignore[arg-type]


def test_every_kind_of_the_settings_has_a_file_and_a_case() -> None:
    named = SplitSettings.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]
    assert sorted(named) == KINDS == sorted(SETTINGS)
    assert all(isinstance(split_kind(name), SplitKind) for name in KINDS)


@pytest.mark.parametrize(("kind", "given"), CASES)
def test_subsets_are_disjoint_usable_and_not_empty(kind: str, given: dict[str, object]) -> None:
    for split in members(kind, given).values():
        together = np.concatenate([split.train, split.validation, split.test])
        assert len(np.unique(together)) == len(together)
        assert np.isin(together, USABLE).all()
        assert all(len(split.rows(subset)) for subset in ("train", "validation", "test"))


@pytest.mark.parametrize(("kind", "given"), CASES)
def test_the_same_settings_give_the_same_rows(kind: str, given: dict[str, object]) -> None:
    for one, other in zip(members(kind, given).values(), members(kind, given).values(), strict=True):
        for subset in ("train", "validation", "test"):
            np.testing.assert_array_equal(one.rows(subset), other.rows(subset))


@pytest.mark.parametrize("kind", ["random", "blocks", "knndm", "groups", "leave-one-out", "regions"])
def test_folds_test_every_usable_row_once(kind: str) -> None:
    given = dict(SETTINGS[kind][-1])
    given.pop("regions", None), given.pop("second_group", None)
    tested = np.concatenate([split.test for split in members(kind, given).values()])
    np.testing.assert_array_equal(np.sort(tested), USABLE)


def test_chronological_is_past_then_validation_then_test() -> None:
    [split] = members("chronological", {"test": 0.3}).values()
    time = panel().array("time")
    assert time[split.train].max() < time[split.validation].min()
    assert time[split.validation].max() < time[split.test].min()


def test_years_are_trained_on_the_years_before() -> None:
    found = members("years", {"test_years": (2003, 2004), "years_before": 2})
    year = panel().array("year")
    assert list(found) == ["2003", "2004"]
    for name, split in found.items():
        assert set(year[split.test]) == {int(name)}
        trained, validated = set(year[split.train]), set(year[split.validation])
        assert trained | validated == {int(name) - 2, int(name) - 1}
        assert not trained & validated, "validation is whole years, like the test"


@pytest.mark.parametrize(
    ("how", "given"),
    [("rows", {}), ("groups", {}), ("years", {}), ("time", {})],
)
def test_validation_has_settings_of_its_own(how: str, given: dict[str, object]) -> None:
    data = panel()
    found = members("leave-one-out", {"group_by": "station_number", "validation_by": how, "validation": 0.3})
    for name, split in found.items():
        assert set(data.array("station_number")[split.test]) == {int(name)}
        variable = {"groups": "station_number", "years": "year"}.get(how)
        if variable:
            values = data.array(variable)
            assert not set(values[split.train]) & set(values[split.validation])
        if how == "time":
            assert data.array("time")[split.train].max() < data.array("time")[split.validation].min()
        if how == "rows":
            assert set(data.array("station_number")[split.train]) == set(data.array("station_number")[split.validation])


def test_a_region_that_trains_is_tested_on_the_others() -> None:
    common = {"group_by": "region", "validation_by": "rows"}
    tested, trained = (members("regions", {**common, "region_role": role}) for role in ("test", "train"))
    assert list(trained) == ["E", "M", "W"]
    for name, split in trained.items():
        own = np.sort(np.concatenate([split.train, split.validation]))
        np.testing.assert_array_equal(own, np.sort(tested[name].test))
        others = np.concatenate([tested[other].test for other in trained if other != name])
        np.testing.assert_array_equal(np.sort(split.test), np.sort(others))


def test_regions_are_members_of_their_name() -> None:
    assert list(members("regions", {"group_by": "region"})) == ["E", "M", "W"]
    assert list(members("regions", {"group_by": "region", "regions": ("W", "E")})) == ["W", "E"]
    assert list(members("given", {"fold_column": "fold"})) == ["fold-0", "fold-1", "fold-2"]


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (
            "regions",
            {"group_by": "region", "regions": ("N",)},
            "no sample is of the region 'N'.*The regions are E, M, W",
        ),
        ("regions", {"group_by": "continent"}, "group_by = 'continent': the data set has no such variable"),
        ("years", {"test_years": (1999,)}, "no sample is of the test year 1999.*The years are 2000, 2001"),
        ("years", {"test_years": (2000,), "years_before": 3}, "no sample is of the 3 years before 2000"),
        ("given", {"fold_column": "nothing"}, "the data set has no such variable"),
    ],
)
def test_what_the_data_cannot_give_is_refused(kind: str, given: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        members(kind, given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"kind": "years", "folds": 3},
            "folds belongs to kind = 'random' or 'blocks' or 'knndm' or 'groups'; years has folds of its",
        ),
        ({"kind": "random", "test_years": (2000,)}, "test_years belongs to kind = 'years', not to 'random'"),
        ({"kind": "regions"}, "kind = 'regions' needs group_by"),
        ({"kind": "random", "validation_by": "groups"}, "validation_by = 'groups' needs group_by"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SplitSettings(**given)  # type: ignore[arg-type]


def spans(random: np.random.Generator, rows: int) -> WindowSpan:
    series, last = random.integers(0, 3, rows), random.integers(5, 60, rows)
    return WindowSpan(series, last - random.integers(0, 6, rows), last + random.integers(0, 3, rows), 1.0)


@pytest.mark.parametrize("seed", range(8))
def test_overlaps_are_those_of_a_search_of_all_pairs(seed: int) -> None:
    random = np.random.default_rng(seed)
    span = spans(random, 60)
    rows, others = np.arange(25), np.arange(25, 60)
    expected = [
        any(
            span.series[row] == span.series[other]
            and span.first[row] <= span.last[other]
            and span.first[other] <= span.last[row]
            for other in others
        )
        for row in rows
    ]
    np.testing.assert_array_equal(overlapping(rows, others, span), expected)


def test_windows_and_targets_across_a_border_are_excluded_and_counted() -> None:
    """Windows of 3 steps with the target one step after: rows within 3 steps of the test go."""
    last = np.arange(30)
    span = WindowSpan(np.zeros(30, dtype=np.int64), last - 3, last + 1, 1.0)
    split = Split(np.arange(3, 15), np.arange(15, 20), np.arange(20, 30), "all", 1)
    kept = drop_overlaps(split, span)
    # The first test row touches steps 17 to 21: validation rows that touch step 17 or later share one.
    assert kept.validation.tolist() == [15] and kept.train.max() == 10
    assert kept.overlaps_excluded == (5 - 1) + (12 - len(kept.train))


def test_a_split_without_windows_loses_nothing() -> None:
    split = Split(np.arange(5), np.arange(5, 7), np.arange(7, 9), "all", 1)
    assert drop_overlaps(split, None) is split
