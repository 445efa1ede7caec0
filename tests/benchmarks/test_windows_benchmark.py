"""The benchmark of windows of wide rasters runs at a small size."""

import re

from benchmarks import windows


def test_windows_are_compared_in_both_ways_of_storing(capsys):
    windows.main(["--widths", "600", "--rasters", "2", "--windows", "3"])
    found = re.findall(r"^ratio: (.*): [\d.]+$", capsys.readouterr().out, re.MULTILINE)
    assert found == [f"rasterio's windows / geoml's, 600 pixels, {stored}" for stored in ("in tiles", "in rows")]
