"""The benchmark of windows of large maps runs at a small size."""

import re

from benchmarks import frames


def test_series_of_two_lengths_are_gathered(capsys):
    frames.main(["--shape", "16", "24", "--months", "14", "20"])
    out = capsys.readouterr().out
    assert re.search(r"^14 months +\S+ +3 ", out, re.MULTILINE) and re.search(r"^20 months +\S+ +9 ", out, re.MULTILINE)
    assert re.search(r"^ratio: peak memory, 20 / 14 months: ", out, re.MULTILINE)
