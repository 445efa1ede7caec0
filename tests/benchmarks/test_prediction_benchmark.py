"""The benchmark of predicted tables runs at a small size, and finds ways that differ."""

import re

import numpy as np
import pytest
import torch

from benchmarks import prediction


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_prediction_prints_memory_and_throughput(capsys, monkeypatch, in_process):
    monkeypatch.setattr(prediction, "geoml", in_process)
    prediction.main(["--rows", "60", "240", "--looped", "5", "--turns", "1", "--embedding", "4", "--width", "4"])
    out = capsys.readouterr().out
    found = dict(re.findall(r"^ratio: (.*): ([\d.]+)$", out, re.MULTILINE))
    assert list(found) == [
        "peak memory, 4 times the rows",
        "geoml / loop over single rows, rows a second",
        "batches, side by side / one after another",
    ]
    assert "\n60 " in out and "\n240 " in out and "over 5 rows; equal numbers" in out


def test_ways_that_differ_are_found(tmp_path):
    (tmp_path / "out.csv").write_text("GWS\n1.0\n2.0\n3.0\n")
    prediction.check(tmp_path / "out.csv", np.array([1.0, 2.00005]))
    with pytest.raises(AssertionError, match=r"the two ways differ by 0.5 cm"):
        prediction.check(tmp_path / "out.csv", np.array([1.0, 2.5]))
    with pytest.raises(AssertionError, match="the two ways differ by nan cm"):
        prediction.check(tmp_path / "out.csv", np.array([1.0, np.nan]))


def test_tables_have_as_many_rows_as_asked_for_and_no_target(tmp_path, monkeypatch):
    prediction.gwsa.SOURCE.synthetic(tmp_path, 1)
    monkeypatch.setattr(prediction, "_AT_ONCE", 7)
    prediction.write_table(tmp_path / "t.csv", tmp_path / "gwsa.csv", 20)
    table = prediction.pd.read_csv(tmp_path / "t.csv")
    assert len(table) == 20 and "GWS" not in table
    assert (table != -99999).all(axis=None)
    assert table["lon"].nunique() == 20
