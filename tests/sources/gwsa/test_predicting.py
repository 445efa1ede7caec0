"""Tables of cells to predict: the same samples as in a prepared data set, some rows at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.samples.input import TableChunk
from geoml_cli.sources.gwsa.source import SOURCE
from geoml_cli.work.reporting import NullReporter

PrepareGwsa = Callable[..., tuple[Dataset, NullReporter]]


@pytest.fixture
def dataset(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> Dataset:
    long.to_csv(raw / "t.csv", index=False)
    return prepare_gwsa(raw)[0]


def read(path: Path, dataset: Dataset, size: int) -> list[TableChunk]:
    assert SOURCE.rows is not None
    return list(SOURCE.rows(path, dataset, size))


def column(blocks: list[TableChunk], name: str) -> list[object]:
    return [value for block in blocks for one in block.columns if one.variable.name == name for value in one.values]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_a_long_table_gives_the_samples_of_the_data_set(
    dataset: Dataset, long: pd.DataFrame, tmp_path: Path, size: int, suffix: str
) -> None:
    long = long.drop(columns="GWS")
    long.loc[1, "E"] = -99999
    path = tmp_path / f"new{suffix}"
    long.to_parquet(path) if suffix == ".parquet" else long.to_csv(path, index=False)
    blocks = read(path, dataset, size)
    assert max(len(block) for block in blocks) == min(size, 6)
    assert np.concatenate([block.read().valid for block in blocks]).tolist() == [True, False, True, True, True, True]
    kept = [0, 2, 3, 4, 5]
    for name in ("rf", "E", "DEM", "lat", "lon", "time", "year", "category"):
        found = np.concatenate([block.read().variables.array(name) for block in blocks])
        np.testing.assert_array_equal(found, dataset.array(name)[kept], err_msg=name)
        assert blocks[0].read().variables.unit(name) == dataset.unit(name)
    for name in ("dynamic", "static", "category_name"):
        assert blocks[0].read().variables.labels(name) == dataset.labels(name)
    assert column(blocks, "pointid") == ["7", "7", "7", "8", "8", "8"]
    assert column(blocks, "lat") == long["lat"].tolist() and column(blocks, "lon") == long["lon"].tolist()
    assert column(blocks, "time") == ["2003", "2004", "2005"] * 2


def test_a_wide_table_gives_a_row_a_cell_and_year(dataset: Dataset, wide: pd.DataFrame, tmp_path: Path) -> None:
    wide.to_csv(tmp_path / "new.csv", index=False)
    blocks = read(tmp_path / "new.csv", dataset, 3)
    assert [len(block) for block in blocks] == [3, 3]
    np.testing.assert_array_equal(np.concatenate([b.read().variables.array("rf") for b in blocks]), dataset.array("rf"))
    assert column(blocks, "pointid") == ["7"] * 3 + ["8"] * 3


def test_places_and_times_that_are_missing_stand_in_the_table(
    dataset: Dataset, long: pd.DataFrame, tmp_path: Path
) -> None:
    long = long.astype({"year": object})
    long.loc[0, "lat"], long.loc[1, "year"] = np.nan, None
    long.to_csv(tmp_path / "new.csv", index=False)
    block = read(tmp_path / "new.csv", dataset, 10)[0]
    assert block.read().valid.tolist() == [False, False, True, True, True, True]
    assert column([block], "time")[:3] == ["2003", "", "2005"]
    assert np.isnan(column([block], "lat")[0])


def test_months_of_a_year_are_not_predicted_as_the_year(dataset: Dataset, long: pd.DataFrame, tmp_path: Path) -> None:
    months = pd.concat([long.assign(date=[f"{year}-{month:02d}-01" for year in long["year"]]) for month in (1, 2)])
    months.to_csv(tmp_path / "new.csv", index=False)
    words = "line 8, column year: the cell has a row of 2003 before.*If date tells the months, remove"
    for size in (4, 100):  # the same row in another chunk, or in one
        with pytest.raises(DataError, match=words):
            read(tmp_path / "new.csv", dataset, size)
    months.drop(columns="year").to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(DataError, match="its rows are months, and the network was trained on years"):
        read(tmp_path / "new.csv", dataset, 100)
    months.head(6).to_csv(tmp_path / "new.csv", index=False)
    assert len(column(read(tmp_path / "new.csv", dataset, 100), "time")) == 6


def test_rows_without_a_time_are_of_any_step(raw: Path, long: pd.DataFrame, prepare_gwsa: PrepareGwsa) -> None:
    monthly = long.assign(year=["2003_01", "2003_02", "2003_03"] * 2)
    monthly.to_csv(raw / "t.csv", index=False)
    dataset, _ = prepare_gwsa(raw)
    monthly.loc[:2, "year"] = None
    monthly.to_csv(raw / "new.csv", index=False)
    blocks = read(raw / "new.csv", dataset, 3)  # the first block has no time
    assert [block.read().valid.tolist() for block in blocks] == [[False] * 3, [True] * 3]


def test_tables_that_do_not_fit_the_data_set(dataset: Dataset, long: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    long.drop(columns="rf").to_csv(path, index=False)
    # What a network was trained on is not chosen any more, nor is the one table of --table.
    with pytest.raises(DataError, match=r"new.csv: there is no column rf\. Add it\. The columns are"):
        read(path, dataset, 2)
    long.rename(columns={"rf": "rf [mm]"}).to_csv(path, index=False)
    with pytest.raises(DataError, match=r"there is no column rf\. Add it\. Did you mean rf \[mm\]\?"):
        read(path, dataset, 2)
    long.drop(columns="lat").to_csv(path, index=False)
    with pytest.raises(DataError, match=r"there is no column of the latitude\. Name it 'lat'\. The columns are"):
        read(path, dataset, 2)
    long.assign(year="2003_05").to_csv(path, index=False)
    with pytest.raises(DataError, match=r"its rows are months, and the network was trained on years\. Give a table"):
        read(path, dataset, 2)
    long.head(0).to_csv(path, index=False)
    with pytest.raises(DataError, match=r"new.csv: has a header and no rows"):
        read(path, dataset, 2)
    long.assign(LC=99).to_csv(path, index=False)
    with pytest.raises(DataError, match="line 2, column LC: LC is 99"):
        [chunk.read() for chunk in read(path, dataset, 2)]


def test_what_looks_like_a_fill_is_refused_as_by_prepare(
    dataset: Dataset, long: pd.DataFrame, raw: Path, prepare_gwsa: PrepareGwsa, tmp_path: Path
) -> None:
    many = pd.concat([long] * 5, ignore_index=True).drop(columns="GWS")
    many["E"] = np.linspace(300, 400, len(many))
    many.loc[[1, 7, 11, 13], "E"] = 9999
    many.to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(DataError, match=r"E: .*9999.*looks like no data.* Leave cells without a value empty"):
        read(tmp_path / "new.csv", dataset, 100)
    declared, _ = prepare_gwsa(raw, nodata=("E=none",))
    [chunk] = read(tmp_path / "new.csv", declared, 100)
    assert chunk.read().valid.all()
    many.loc[[1, 7, 11, 13], "E"] = np.nan
    many.to_csv(tmp_path / "new.csv", index=False)
    [chunk] = read(tmp_path / "new.csv", dataset, 100)
    assert chunk.read().valid.sum() == len(many) - 4
