"""Groups named by a text variable of a data set on disk, and names that cannot name a member."""

import numpy as np
import pytest

from geoml_cli.dataset.store import Block, Dataset
from geoml_cli.errors import DataError
from geoml_cli.splits.grouping import labels
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


def test_samples_of_no_group_are_trained_on_and_never_tested():
    found = by(["a", "", "b", "c"] * 3, kind="leave-one-out", group_by="place", validation_by="rows")
    assert sorted(found) == ["a", "b", "c"]
    assert all(1 not in split.test for split in found.values())


@pytest.mark.parametrize(
    "kind", [{"kind": "leave-one-out", "group_by": "place"}, {"kind": "given", "fold_column": "place"}]
)
def test_names_that_cannot_be_folders_and_too_many_folds_are_refused(kind):
    with pytest.raises(DataError, match="cannot name a member"):
        by(["a/b", "c", "d/e"] * 3, **kind, validation_by="rows")
    with pytest.raises(DataError, match="are the most"):
        by([str(number) for number in range(201)], **kind, validation_by="rows")
