"""Groups named by a text variable of a data set on disk, and names that cannot name a member."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from quick import QUICK

from geoml_cli.dataset.store import Block, Dataset
from geoml_cli.errors import DataError
from geoml_cli.splits.grouping import labels, unlabelled
from geoml_cli.splits.members import splits
from geoml_cli.splits.settings import SplitSettings


def by(texts, **settings):
    """Split samples that have a text variable `place`."""
    block = Block({"lon": np.zeros(len(texts))}, {"place": texts}, {})
    return splits(block, SplitSettings(**settings), np.arange(len(texts)), len(texts))


def test_text_of_a_data_set_on_disk_is_read_as_text(data_root):
    dataset = Dataset(data_root / "soc")
    names = dataset.labels("id")
    assert labels(dataset, "id", len(names)).tolist() == names
    with pytest.raises(AssertionError):
        dataset.array("id")


@pytest.mark.parametrize("kind", [{"kind": "leave-one-out"}, {"kind": "regions"}, {"kind": "groups", "folds": 3}])
@pytest.mark.parametrize("validation_by", ["rows", "same"])
def test_samples_of_no_group_are_trained_on_and_never_tested(kind, validation_by):
    found = by(["a", "", "b", "c"] * 3, **kind, group_by="place", validation_by=validation_by)
    assert len(found) == 3
    for split in found.values():
        assert set(split.train) > {1, 5, 9} and not {1, 5, 9} & {*split.test, *split.validation}


def test_samples_of_no_group_do_not_bring_years_that_are_held_out_back():
    block = Block({"lon": np.zeros(60), "year": np.arange(60) % 5}, {"place": ["a", "", "b", "c", "d", "e"] * 10}, {})
    asked = SplitSettings(kind="groups", group_by="place", second_group="year", folds=3, validation_by="rows")
    for split in splits(block, asked, np.arange(60), 60).values():
        assert not set(range(1, 60, 6)) & {*split.train, *split.validation, *split.test}
    assert unlabelled(block, asked, np.arange(60), 60).endswith("no member is trained or tested on them.")


def test_samples_of_no_region_are_in_no_part_where_a_region_trains():
    asked = {"kind": "regions", "group_by": "place", "region_role": "train", "validation_by": "rows"}
    for split in by(["a", "", "b", "c"] * 3, **asked).values():
        assert len(split.train) + len(split.validation) == 3 and len(split.test) == 6
        assert not {1, 5, 9} & {*split.train, *split.test, *split.validation}


@pytest.mark.parametrize(
    "kind", [{"kind": "leave-one-out", "group_by": "place"}, {"kind": "given", "fold_column": "place"}]
)
def test_names_that_cannot_be_folders_and_too_many_folds_are_refused(kind):
    with pytest.raises(DataError, match="cannot name a member"):
        by(["a/b", "c", "d/e"] * 3, **kind, validation_by="rows")
    with pytest.raises(DataError, match="are the most"):
        by([str(number) for number in range(201)], **kind, validation_by="rows")


def test_groups_of_text_are_divided_whole():
    names = [f"region {number % 6}" if number else "" for number in range(60)]
    found = by(names, kind="groups", group_by="place", folds=3)
    assert len(found) == 3
    tested = [{names[row] for row in split.test} for split in found.values()]
    assert sorted(name for group in tested for name in group) == sorted({*names} - {""})
    for split in found.values():
        assert 0 in split.train, "the sample of no group"
        assert not {names[row] for row in split.test} & {names[row] for row in (*split.train, *split.validation)}
    with pytest.raises(DataError, match=r"is no whole number a sample. .* names with split.group_length=1"):
        by(names, kind="groups", group_by="place", folds=3, group_length=2)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"kind": "leave-one-out", "group_by": "place"},
            "3 of 12 samples have no place: every member is trained on them",
        ),
        ({"kind": "regions", "group_by": "place"}, "3 of 12 samples have no place"),
        ({"kind": "given", "fold_column": "place"}, "3 of 12 samples have no place"),
        (
            {"kind": "regions", "group_by": "place", "region_role": "train"},
            "3 of 12 samples have no place: no member is trained or tested on them.",
        ),
        ({"kind": "groups", "group_by": "place"}, "3 of 12 samples have no place: every member is trained on them"),
        ({"kind": "random"}, ""),
    ],
)
def test_samples_that_every_member_is_trained_on_are_told(settings, told):
    block = Block({}, {"place": ["a", "", "b", "c"] * 3}, {})
    text = unlabelled(block, SplitSettings(**settings), np.arange(12), 12)
    assert text.startswith(told) and bool(text) == bool(told)
    assert not unlabelled(block, SplitSettings(**settings), np.arange(0, 12, 2), 12)  # those that can be used
    assert not unlabelled(Block({}, {}, {}), SplitSettings(**settings), np.arange(12), 12)


def test_training_and_evaluation_tell_samples_without_a_label(raw_soc, tmp_path, geoml):
    raw = shutil.copytree(raw_soc, tmp_path / "raw")
    header, *rows = (raw / "points.csv").read_text(encoding="utf-8").splitlines()
    lines = [f"{row},{('', '7', '10', '10', '3')[number % 5]}" for number, row in enumerate(rows)]
    (raw / "points.csv").write_text("\n".join([f"{header},region", *lines, ""]), encoding="utf-8")
    named = ("--points", "points.csv", "--covariates", "covs", "--classes", "land_cover", "--label", "region")
    assert geoml("prepare", "soc", raw, *named, "--data", tmp_path / "data").code == 0
    sets = (*QUICK, "--set", "split.kind=leave-one-out", "--set", "split.group_by=region", "--set", "split.folds=1")
    place = ("--data", tmp_path / "data", "--run", tmp_path / "run")
    trained = geoml("train", "soc", "--preset", "map", *place, *sets)
    assert trained.code == 0, trained.err
    told = r"\d+ of \d+ samples have no region: every member is trained on them and none is tested on them"
    assert re.search(told, trained.err)
    evaluated = geoml("evaluate", tmp_path / "run", "--data", tmp_path / "data", "--set", "evaluate.baselines=[]")
    assert evaluated.code == 0 and re.search(told, evaluated.err), evaluated.err
    folder = tmp_path / "run/evaluation/test"
    assert re.search(told, (folder / "metrics.json").read_text(encoding="utf-8"))
    # Every region has its own name next to its own rows.
    tested = pd.read_csv(folder / "predictions.csv", dtype=str).drop_duplicates("id")["member"].value_counts()
    of_regions = pd.read_csv(folder / "intervals.csv", dtype=str).query("quantity == 'region'")
    assert dict(zip(of_regions["group"], of_regions["n"].astype(int), strict=True)) == tested.to_dict()
    assert set(of_regions["group"]) == {"7", "10", "3"}


def test_one_region_to_train_on_is_refused_with_a_remedy_that_works():
    asked = {"kind": "regions", "group_by": "place", "region_role": "train"}
    with pytest.raises(DataError, match=r"in 1 group\(s\) cannot be split.* \(--set split\.validation_by=rows\)"):
        by(["a", "b", "c"] * 6, **asked)
    assert sorted(by(["a", "b", "c"] * 6, **asked, validation_by="rows")) == ["a", "b", "c"]
