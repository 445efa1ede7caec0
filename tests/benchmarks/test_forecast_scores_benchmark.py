"""The benchmark of forecast scores runs at a small size; its memory is that of the call alone."""

import re

import numpy as np
import pytest

from benchmarks import forecast_scores


def test_series_of_two_lengths_are_evaluated(capsys):
    forecast_scores.main(["--shape", "16", "24", "--years", "5", "6"])
    out = capsys.readouterr().out
    assert re.search(r"^5 years +\S+ +1 ", out, re.MULTILINE) and re.search(r"^6 years +\S+ +\d", out, re.MULTILINE)
    assert re.search(r"^ratio: peak memory, 6 / 5 years: [\d.]+$", out, re.MULTILINE)


def test_the_peak_is_found_though_memory_is_given_back():
    def call():
        values = np.ones(64 << 17)  # 64 MiB
        forecast_scores.time.sleep(0.2)
        del values

    kept = np.ones(32 << 17)
    _, most = forecast_scores.peak(call)
    assert most == pytest.approx(64, abs=8) and kept.all()
