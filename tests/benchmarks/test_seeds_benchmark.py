"""The benchmark of seeds trained at once: a ratio for each batch size and number of seeds."""

import re

import pytest

from benchmarks import seeds


@pytest.mark.slow
def test_seeds_prints_a_ratio_for_each_batch_and_number(capsys):
    seeds.main(["--epochs", "1", "--seeds", "2", "--batch-size", "32", "64", "--turns", "1"])
    found = re.findall(r"^ratio: (.*): -?[\d.]+$", capsys.readouterr().out, re.MULTILINE)
    assert found == [f"one after another / 2 seeds at once, batch {size}" for size in (32, 64)]


def test_weights_that_lie_apart_are_refused(monkeypatch):
    monkeypatch.setattr(seeds, "_FARTHEST", 0.0)
    with pytest.raises(AssertionError, match="weights differ by"):
        seeds.main(["--epochs", "1", "--seeds", "2", "--batch-size", "64", "--turns", "1"])
