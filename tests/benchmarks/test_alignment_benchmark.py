"""The benchmark of rasters on other grids runs at a small size, and its own blocks do not differ."""

import re

from benchmarks import alignment


def test_blocks_are_compared_with_the_whole(capsys):
    alignment.main(["--size", "600", "--block", "30"])
    out = capsys.readouterr().out
    found = re.findall(r"^ratio: (.*): [\d.]+$", out, re.MULTILINE)
    cases = ("bilinear", "average", "average, leaning")
    assert found == [f"processor time, geoml / WarpedVRT, {case}" for case in cases]
    for case in cases:
        [row] = re.findall(rf"^{case} +(\S+) +(\S+) ", out, re.MULTILINE)
        assert row == ("0", "0"), "a pixel has the same value in every block"
