"""Columns of the table kept as text: what a split by region or by given fold reads."""

import numpy as np
import pytest
from pydantic import ValidationError

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.sources.soc.options import SocOptions
from geoml_cli.sources.soc.synthetic import write_synthetic
from geoml_cli.splits.members import splits
from geoml_cli.splits.settings import SplitSettings


@pytest.fixture
def regional(tmp_path):
    """Write raw files whose table has the columns region and fold; the first row lacks a target."""
    write_synthetic(tmp_path / "raw", 3)
    path = tmp_path / "raw/points.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    target = header.split(",").index(next(name for name in header.split(",") if "soc" in name.lower()))
    first = rows[0].split(",")
    first[target] = ""
    rows[0] = ",".join(first)
    lines = [f"{row},{'WME'[number % 3]},{number % 2}" for number, row in enumerate(rows)]
    path.write_text("\n".join([f"{header},region,fold", *lines]) + "\n", encoding="utf-8")
    return tmp_path / "raw"


@pytest.mark.parametrize(
    ("settings", "members"),
    [
        ({"kind": "regions", "group_by": "region", "validation_by": "rows"}, {"W", "M", "E"}),
        ({"kind": "given", "fold_column": "fold", "validation_by": "rows"}, {"fold-0", "fold-1"}),
    ],
)
def test_labels_follow_their_samples_and_split_them(regional, prepared, settings, members):
    dataset, _ = prepared(regional, label=("region", "fold"))
    rows = len(dataset.labels("id"))
    lines = [line.split(",") for line in (regional / "points.csv").read_text(encoding="utf-8").splitlines()]
    place = lines[0].index("id")
    of_id = {cells[place]: cells[-2:] for cells in lines[1:]}
    pairs = zip(dataset.labels("id"), dataset.labels("region"), dataset.labels("fold"), strict=True)
    assert all(of_id[name] == [region, fold] for name, region, fold in pairs)
    found = splits(dataset, SplitSettings(**settings), np.arange(rows), rows)
    assert set(found) == members
    column = settings.get("fold_column") or settings["group_by"]
    for name, split in found.items():
        assert {dataset.labels(column)[row] for row in split.test} == {name.removeprefix("fold-")}


def test_labels_that_are_not_there_or_taken_are_refused(regional, prepared, release):
    with pytest.raises(DataError, match="there is no column 'nope'"):
        prepared(regional, label=("nope",))
    with pytest.raises(ValidationError, match="rename the column"):
        SocOptions(label=("soc",))
    for name in ("station_index", "cell", "index"):
        with pytest.raises(ValidationError, match="cannot name a further variable"):
            SocOptions(label=(name,))
    with pytest.raises(SettingsError, match="their own splits"):
        prepared(release, label=("region",))
