"""The benchmark of gridded files runs at a small size, and finds ways that differ."""

import re

import pytest

from benchmarks import grids

SMALL = ["--shape", "12", "24", "--months", "14", "--turns", "1"]


def test_reading_is_compared_in_time_and_memory(capsys):
    grids.main(SMALL)
    out = capsys.readouterr().out
    found = re.findall(r"^ratio: (.*): ([\d.]+)$", out, re.MULTILINE)
    assert [what for what, _ in found] == [f"geoml / xarray, speed, {case}" for case in grids.CASES]
    assert "14 months of 12 x 24 cells" in out and "a year a file" in out


def test_ways_that_differ_are_found(monkeypatch):
    monkeypatch.setattr(grids, "by_xarray", lambda paths: grids.by_geoml(paths) + 1e6)
    with pytest.raises(AssertionError, match="the two ways differ"):
        grids.main(SMALL)
