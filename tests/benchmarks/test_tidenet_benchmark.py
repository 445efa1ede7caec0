"""The benchmark of TIDE-Net runs at a small size and prints its ratios."""

import re

from benchmarks import tidenet


def test_steps_forecasts_and_loading_are_compared(capsys):
    tidenet.main(["--side", "16", "--hidden", "32"])
    found = dict(re.findall(r"^ratio: (.*): ([\d.]+)$", capsys.readouterr().out, re.MULTILINE))
    assert list(found) == [
        "training step / its arithmetic, 16 x 16",
        "forecast / its arithmetic, 16 x 16",
        "geoml / HDF5 opened for each sample, 16 x 16",
    ]
    assert float(found["training step / its arithmetic, 16 x 16"]) > 1
