"""The benchmark of wide tables runs at a small size, and finds ways that differ."""

import re

import pytest

from benchmarks import reshape


def test_reshape_prints_a_ratio(capsys):
    reshape.main(["--cells", "60", "--repeats", "2"])
    out = capsys.readouterr().out
    assert "\n60 cells x 23 years, 22 columns; equal numbers\n" in out
    found = re.findall(r"^ratio: wide to long, row by row / all at once: ([\d.]+)$", out, re.MULTILINE)
    assert len(found) == 1 and float(found[0]) > 0


def test_ways_that_differ_are_found():
    frame = reshape.made_up(3)
    slow = reshape.row_by_row(frame)
    slow["LC"] = slow["LC"] + 1
    part = reshape.Part(reshape.Path("x"), frame, "row")
    with pytest.raises(AssertionError, match="the two ways differ in LC"):
        reshape.check(reshape.lengthen(part, reshape.layout(frame)), slow)
    del slow["LC"]
    with pytest.raises(AssertionError, match=r"other columns: .'LC'."):
        reshape.check(reshape.lengthen(part, reshape.layout(frame)), slow)
