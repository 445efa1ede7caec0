"""The audit of splits fails on each leak that is made on purpose, and passes without it."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pytest

from geoml_cli.dataset.manifest import Funnel, Manifest
from geoml_cli.dataset.store import Dataset, DatasetWriter
from geoml_cli.dataset.variables import Variable
from geoml_cli.evaluation.audit import audit
from geoml_cli.evaluation.audited import Audited
from geoml_cli.evaluation.leaks import identical_rows, inputs_like_target, variogram_range_km
from geoml_cli.samples.coordinates import nearest_km
from geoml_cli.samples.samples import Input, Samples, Target, WindowSpan
from geoml_cli.samples.scaling import fit
from geoml_cli.samples.settings import InputSettings, TargetSettings
from geoml_cli.splits.members import splits
from geoml_cli.splits.settings import SplitSettings

STATIONS, TIMES, WINDOW = 8, 40, 4
ROWS = STATIONS * TIMES


@pytest.fixture
def dataset(tmp_path):
    generator = np.random.default_rng(3)
    station = np.repeat(np.arange(STATIONS), TIMES)
    with DatasetWriter(tmp_path) as writer:
        writer.dimension("station", STATIONS)
        writer.dimension("sample", ROWS)
        writer.put(Variable("station", "1", "name", ("station",), dtype="str"), [f"S{k}" for k in range(STATIONS)])
        writer.put(Variable("station_index", "1", "station", ("sample",), dtype="i4"), station)
        writer.put(
            Variable("year", "1", "year", ("sample",), dtype="i4"), np.tile(2000 + np.arange(TIMES) // 10, STATIONS)
        )
        writer.put(
            Variable("lon", "degrees_east", "longitude", ("station",), dtype="f8"), generator.uniform(5, 15, STATIONS)
        )
        writer.put(
            Variable("lat", "degrees_north", "latitude", ("station",), dtype="f8"), generator.uniform(45, 55, STATIONS)
        )
    Manifest(
        source="fluxnet", layout="series", options={}, geoml_version="1", raw="x", files=(),
        variables=writer.records, funnel=Funnel(read=ROWS, kept=ROWS),
    ).write(tmp_path)  # fmt: skip
    return Dataset(tmp_path)


def audited(dataset, **split) -> Audited:
    generator = np.random.default_rng(5)
    station, time = np.divmod(np.arange(ROWS), TIMES)
    values = generator.normal(size=(ROWS, 3)).astype(np.float32)
    target = generator.normal(size=ROWS).astype(np.float32)
    span = WindowSpan(station, time, time + WINDOW - 1, 24.0)
    samples = Samples({"x": Input(values, 1, ("a", "b", "c"))}, Target("nee", "1", target), span)
    settings = SplitSettings(**{"kind": "groups", "group_by": "station_index", "folds": 4, "validation": 0.3} | split)
    inputs, scaled = InputSettings(), TargetSettings()
    members = splits(dataset, settings, samples.usable(), ROWS)
    folds = [(one, fit(samples, one.train, inputs, scaled)) for one in members.values()]
    return Audited(dataset, samples, settings, folds, lambda rows: fit(samples, rows, inputs, scaled))


def failing(one: Audited) -> dict[str, int]:
    return {line.name: line.count for line in audit(one) if line.outcome == "fail"}


def changed(one: Audited, **rows) -> Audited:
    """Change rows of the first fold's split; its scaling stays that of its training rows."""
    (split, _), *others = one.folds
    split = replace(split, **rows)
    return replace(one, folds=[(split, one.refit(split.train)), *others])


def test_a_split_by_station_passes_with_and_without_years(dataset):
    assert failing(audited(dataset)) == {}
    both = failing(audited(dataset, second_group="year"))
    assert set(both) == {"overlap of windows"}  # years meet at their border, and nothing was excluded here


def test_overlapping_windows(dataset):
    one = audited(dataset)
    split = one.folds[0][0]
    # The station's second half trains, its first half is tested: the windows at the border share steps.
    station = split.test[:TIMES]
    mixed = changed(one, test=station[: TIMES // 2], train=np.concatenate([split.train, station[TIMES // 2 :]]))
    assert failing(mixed)["overlap of windows"] == WINDOW - 1
    apart = changed(
        one, test=station[: TIMES // 2], train=np.concatenate([split.train, station[TIMES // 2 + WINDOW - 1 :]])
    )
    assert "overlap of windows" not in failing(apart)


def test_a_station_on_both_sides(dataset):
    one = audited(dataset)
    split = one.folds[0][0]
    own = split.test[:TIMES]
    both = changed(one, test=own[:10], train=np.concatenate([split.train, own[20:]]))
    assert failing(both) == {"same station": 10}
    in_time = replace(both, settings=SplitSettings(kind="chronological"))
    assert failing(in_time) == {}
    [line] = [line for line in audit(in_time) if line.name == "same station"]
    assert (line.outcome, line.count) == ("warn", 10) and "scores are of other times there" in line.detail


def test_a_place_on_both_sides_of_a_split_by_something_else_has_no_other_times(dataset):
    one = audited(dataset)
    split = one.folds[0][0]
    both = changed(one, test=split.test[:10], train=np.concatenate([split.train, split.test[20:]]))
    by_cell = replace(both, settings=SplitSettings(kind="groups", group_by="cell"))
    [line] = [line for line in audit(by_cell) if line.name == "same station"]
    assert line.outcome == "warn" and "of another cell, at times that may be the same, there" in line.detail


def test_years_held_out_at_known_stations_are_warned_of_or_excused_in_either_order(dataset):
    alone = {"group_by": "year", "second_group": ""}
    one = audited(dataset, **alone)
    [line] = [line for line in audit(one) if line.name == "same station"]
    assert line.outcome == "warn" and line.count > 0
    swapped = failing(audited(dataset, group_by="year", second_group="station_index"))
    assert set(swapped) <= {"overlap of windows"}


def test_a_duplicate_row(dataset):
    one = audited(dataset)
    one = replace(one, folds=one.folds[:1])
    split = one.folds[0][0]
    item = one.samples.inputs["x"]
    values, target = item.values.copy(), one.samples.target.values.copy()
    values[split.test[0]], target[split.test[0]] = values[split.train[0]], target[split.train[0]]
    samples = replace(
        one.samples, inputs={"x": replace(item, values=values)}, target=replace(one.samples.target, values=target)
    )
    assert failing(replace(one, samples=samples))["duplicates"] == 1
    target[split.test[0]] += 1  # the same inputs with another target are no duplicate
    samples = replace(samples, target=replace(samples.target, values=target))
    changed_target = replace(one, samples=samples)
    assert "duplicates" not in failing(changed_target) and "same inputs" not in failing(changed_target)
    [line] = [line for line in audit(changed_target) if line.name == "same inputs"]
    assert (line.outcome, line.count) == ("warn", 1) and "such as a second sample of its pixel" in line.detail
    [line] = [line for line in audit(one) if line.name == "same inputs"]
    assert (line.outcome, line.count) == ("pass", 0)


@pytest.mark.parametrize(
    ("kind", "by_year"),
    [("groups", True), ("regions", True), ("leave-one-out", True), ("given", True), ("given", False)],
)
def test_years_that_are_held_out_by_any_kind_of_split_are_warned_of(dataset, kind, by_year):
    """Whichever way they are named: a reader must know that scores are of other times, and nothing is wrong."""
    one = audited(dataset, group_by="year")
    named = {"kind": kind, "group_by": "fold" if kind == "given" else "year"}
    one = replace(one, settings=one.settings.model_copy(update=named))
    if not by_year:  # rows of one year on both sides
        split = one.folds[0][0]
        one = changed(one, test=split.test[:-5], train=np.concatenate([split.train, split.test[-5:]]))
    [line] = [line for line in audit(one) if line.name == "same station"]
    assert line.outcome == ("warn" if by_year else "fail") and line.count
    assert not by_year or "scores are of other times there" in line.detail


def test_a_station_that_stands_there_under_two_names_is_warned_of(dataset):
    one = audited(dataset)
    assert "stations at one place" not in {line.name for line in audit(one)}
    for name in ("lon", "lat"):
        values = np.array(dataset.array(name))
        values[1] = values[0]
        with h5py.File(dataset.folder / "dataset.nc", "r+") as file:
            file[name][:] = values
    station_N = np.asarray(dataset.array("station_index"))
    learn, test = np.flatnonzero(station_N > 1), np.flatnonzero(station_N < 2)
    alone = replace(one, folds=one.folds[:1])
    apart = changed(alone, train=learn[TIMES:], validation=learn[:TIMES], test=test)
    [line] = [line for line in audit(apart) if line.name == "stations at one place"]
    assert (line.outcome, line.count) == ("pass", 0)
    for part in ("train", "validation"):
        learnt = {"train": learn[TIMES:], "validation": learn[:TIMES]}
        learnt[part] = np.concatenate([learnt[part], test[TIMES:]])
        [line] = [
            line for line in audit(changed(alone, **learnt, test=test[:TIMES])) if line.name == "stations at one place"
        ]
        assert (line.outcome, line.count) == ("warn", TIMES) and "is it the same one?" in line.detail
    known = changed(alone, train=np.arange(ROWS)[1::2], validation=learn[:2:2], test=np.arange(ROWS)[::2])
    [line] = [line for line in audit(known) if line.name == "stations at one place"]
    assert (line.outcome, line.count) == ("pass", 0), "the line of stations counts them"


def test_of_classes_only_rows_at_one_place_are_duplicates(dataset):
    """Two pixels may have equal covariates and the same class by chance; a quantity with all its digits may not."""
    one = audited(dataset)
    one = replace(one, folds=one.folds[:1])
    split, item = one.folds[0][0], one.samples.inputs["x"]
    values = np.ones_like(item.values)
    target = replace(one.samples.target, values=np.zeros(ROWS, dtype=np.float32), classes=("forest", "water"))
    samples = replace(one.samples, inputs={"x": replace(item, values=values)}, target=target)
    assert "duplicates" not in failing(replace(one, samples=samples))
    [line] = [line for line in audit(replace(one, samples=samples)) if line.name == "same inputs"]
    assert (line.outcome, line.count) == ("warn", len(split.test))
    # A row of a training station, trained on as well at another time.
    again = split.train[:1]
    moved = replace(one, samples=samples, folds=[(replace(split, train=split.train[1:], test=again), one.folds[0][1])])
    assert failing(moved)["duplicates"] == 1
    named = replace(target, values=np.ones(ROWS, dtype=np.float32), classes=())
    assert failing(replace(one, samples=replace(samples, target=named)))["duplicates"] == len(split.test)


def test_rows_alike_are_those_with_equal_bytes():
    """Also where words or columns are swapped, and where numbers differ in one bit."""
    random = np.random.default_rng(1)
    values = random.integers(0, 3, (20_000, 7)).astype(np.float32)
    values[1], values[2] = values[0][::-1], -values[0]
    values[3] = np.nextafter(values[0], 9)
    target = random.integers(0, 2, 20_000).astype(np.float32)
    flags = random.integers(0, 2, (20_000, 1)).astype(np.int8)
    inputs = {"x": Input(values, 1, tuple("abcdefg")), "flag": Input(flags, 1, ("flag",))}
    samples = Samples(inputs, Target("nee", "1", target))
    each = [(a.tobytes(), b.tobytes(), c.tobytes()) for a, b, c in zip(values, flags, target, strict=True)]
    alike = [one[:2] for one in each], each
    for rows, found in zip(alike, identical_rows(samples, np.full((20_000, 2), np.nan)), strict=True):
        assert len(set(rows)) == len(np.unique(found)) < 20_000
        assert len({(one, int(number)) for one, number in zip(rows, found, strict=True)}) == len(set(rows))


def test_a_scaling_fitted_on_all_rows(dataset):
    one = audited(dataset)
    (split, _), *others = one.folds
    assert failing(replace(one, folds=[(split, one.refit(np.arange(ROWS))), *others])) == {"scaling": 1}


def test_a_checkpoint_chosen_on_test_rows(dataset):
    one = audited(dataset)
    split = one.folds[0][0]
    chosen = changed(one, validation=np.concatenate([split.validation, split.test[:5]]))
    found = failing(chosen)
    assert found["checkpoint"] == 5 and "test rows trained on" not in found
    assert failing(changed(one, train=np.concatenate([split.train, split.test[:2]])))["test rows trained on"] == 2


def test_imported_runs_are_not_audited(dataset):
    one = audited(dataset)
    none = np.empty(0, dtype=np.int64)
    empty = [(replace(split, train=none, validation=none, test=none), scaling) for split, scaling in one.folds]
    [line] = audit(replace(one, folds=empty))
    assert line.outcome == "warn" and "unknown" in line.detail


def test_inputs_that_name_the_site_and_gap_filled_targets_are_warned_of(dataset):
    one = audited(dataset)
    item = one.samples.inputs["x"]
    values = item.values.copy()
    values[:, 1] = np.repeat(np.arange(STATIONS), TIMES)
    values[:, 2] = np.repeat(np.arange(STATIONS) // 2, TIMES)  # two stations of each value
    named = replace(one, samples=replace(one.samples, inputs={"x": replace(item, values=values)}))
    found = {line.name: line for line in audit(named)}
    assert found["inputs that name the site"].outcome == "warn"
    assert found["inputs that name the site"].detail.startswith("b: ")


@pytest.mark.parametrize(
    ("values", "named"), [(lambda target: 3 - 2 * target, ["b (x)"]), (lambda target: target**2, [])]
)
def test_an_input_that_gives_the_target_is_named(dataset, values, named):
    """Such as the target in another unit, or less a constant, under another name."""
    one = audited(dataset)
    item = one.samples.inputs["x"]
    inputs = item.values.copy()
    inputs[:, 1] = values(one.samples.target.values)
    inputs[5, 1] = np.nan
    samples = replace(one.samples, inputs={"x": replace(item, values=inputs)})
    [line] = [
        line for line in audit(replace(one, samples=samples, refit=None)) if line.name == "inputs that give the target"
    ]
    assert (line.outcome, line.count) == (("warn", 1) if named else ("pass", 0))
    assert all(name in line.detail for name in named)


@pytest.mark.parametrize("of_window", ["mean", "last step", "neither"])
def test_an_input_of_which_one_step_or_the_mean_gives_the_target_is_named(dataset, of_window):
    one = audited(dataset)
    item, generator = one.samples.inputs["x"], np.random.default_rng(1)
    windows = generator.normal(size=(len(item.values), 6, len(item.names)))
    target = np.asarray(one.samples.target.values, dtype=np.float64)
    if of_window == "last step":
        windows[:, -1, 1] = 2 * target + 7
    if of_window == "mean":
        windows[:, :, 1] += (target - windows[:, :, 1].mean(axis=1))[:, None]
    samples = replace(one.samples, inputs={"x": replace(item, values=windows, axis=2)})
    assert inputs_like_target(samples) == ([] if of_window == "neither" else ["b (x)"])


def test_distances_and_the_range_of_a_variogram():
    # A degree of a great circle is 111.19 km.
    near = nearest_km(np.array([[10.0, 0.0], [179.5, 0.0]]), np.array([[11.0, 0.0], [-179.5, 0.0]]))
    np.testing.assert_allclose(near, [111.195, 111.195], rtol=1e-5)
    # Checks of 2 x 2 degrees, at random: values further apart than a check's side are independent.
    generator = np.random.default_rng(0)
    place = np.stack([generator.uniform(0, 20, 1200), generator.uniform(-10, 10, 1200)], axis=1)
    checks = generator.normal(size=(11, 11))
    value = checks[tuple(((place + np.array([0, 10])) // 2).astype(int).T)]
    assert 100 < variogram_range_km(place, value) < 450
    assert variogram_range_km(place, generator.normal(size=1200)) < 80  # no structure: from the first lag on
