from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoml_cli.inference.summary import summarise

FLOATS = st.floats(-1e6, 1e6, width=32) | st.just(math.nan)


@given(st.lists(arrays(np.float32, st.integers(0, 20), elements=FLOATS), max_size=6))
def test_parts_are_described_as_the_whole_is(parts):
    whole = np.concatenate([*parts, np.empty(0, dtype=np.float32)]).astype(np.float64)
    held = whole[np.isfinite(whole)]
    found = summarise(Path("x"), "points", "m", parts)
    assert (found.count, found.missing) == (whole.size, whole.size - held.size)
    if not held.size:
        assert math.isnan(found.mean) and math.isnan(found.deviation)
        return
    assert found.mean == pytest.approx(held.mean(), rel=1e-9, abs=1e-6)
    assert found.deviation == pytest.approx(held.std(), rel=1e-6, abs=1e-3)
    assert (found.lowest, found.highest) == (held.min(), held.max())


def test_a_row_names_what_was_counted():
    row = summarise(Path("x"), "pixels", "%", [np.ones(3, dtype=np.float32)]).row()
    assert row == {
        "pixels": 3, "missing": 0, "mean": 1.0, "deviation": 0.0, "lowest": 1.0, "highest": 1.0, "unit": "%"
    }  # fmt: skip
