from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoml_cli.inference.summary import class_shares, summarise

FLOATS = st.floats(-1e6, 1e6, width=32) | st.just(math.nan)


@given(st.lists(arrays(np.float32, st.integers(0, 20), elements=FLOATS), max_size=6))
def test_parts_are_described_as_the_whole_is(parts):
    whole = np.concatenate([*parts, np.empty(0, dtype=np.float32)]).astype(np.float64)
    known = whole[np.isfinite(whole)]
    found = summarise(Path("x"), "points", "m", parts)
    assert (found.count, found.missing) == (whole.size, whole.size - known.size)
    if not known.size:
        assert math.isnan(found.mean) and math.isnan(found.deviation)
        return
    assert found.mean == pytest.approx(known.mean(), rel=1e-9, abs=1e-6)
    assert found.deviation == pytest.approx(known.std(), rel=1e-6, abs=1e-3)
    assert (found.lowest, found.highest) == (known.min(), known.max())


def test_a_row_names_what_was_counted():
    row = summarise(Path("x"), "pixels", "%", [np.ones(3, dtype=np.float32)]).row()
    assert row == {
        "pixels": 3, "missing": 0, "mean": 1.0, "deviation": 0.0, "lowest": 1.0, "highest": 1.0, "unit": "%"
    }  # fmt: skip
    named = replace(summarise(Path("x"), "pixels", "%", [np.ones(3, dtype=np.float32)]), of="soc").row()
    assert list(named)[:4] == ["pixels", "missing", "of", "mean"] and named["of"] == "soc"


def test_classes_are_counted_and_not_averaged():
    codes = [np.array([[10, 20], [10, np.nan]], dtype=np.float32), np.array([30, 10], dtype=np.float32)]
    place = {10.0: 2, 20.0: 0, 30.0: 1}
    shares = class_shares(("b", "c", "a"), lambda values: np.array([place[v] for v in values.tolist()]), codes)
    assert shares == {"a": 0.6, "b": 0.2, "c": 0.2}
    row = replace(summarise(Path("x"), "pixels", "1", codes), classes=shares).row()
    assert row == {"pixels": 6, "missing": 1, "most frequent": "a", "share": 0.6, "classes": 3}


def test_no_value_has_no_class():
    assert class_shares(("a",), lambda values: values, [np.full(3, np.nan, dtype=np.float32)]) == {}


def test_values_that_cannot_be_are_counted():
    parts = [np.array([-0.1, 0.0, np.nan], dtype=np.float32), np.array([1.0, 1.5], dtype=np.float32)]
    assert summarise(Path("x"), "samples", "m3 m-3", parts).impossible == 0
    assert summarise(Path("x"), "samples", "m3 m-3", parts, (0, 1)).impossible == 2
    assert summarise(Path("x"), "samples", "m3 m-3", parts, (0, None)).impossible == 1
