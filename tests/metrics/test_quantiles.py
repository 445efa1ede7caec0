"""Quantiles of drawn groups, against NumPy's of the rows laid out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoml_cli.metrics import quantiles
from geoml_cli.metrics.quantiles import DrawnQuantiles


@given(st.integers(1, 60), st.integers(1, 8), st.integers(0, 1000), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]))
def test_quantiles_of_a_draw_are_numpys(rows: int, groups: int, seed: int, share: float) -> None:
    random = np.random.default_rng(seed)
    values, place = np.round(random.normal(size=rows), 1), random.integers(0, groups, rows)
    place[0] = groups - 1
    counts = random.integers(0, 4, groups).astype(np.float64)
    counts[place[0]] += 1
    laid_out = np.repeat(values, counts[place].astype(int))
    draw = DrawnQuantiles(values, place).of(counts)
    assert draw.rows == len(laid_out)
    assert draw.at(share) == pytest.approx(np.quantile(laid_out, share))


def test_the_number_of_bins_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    values, place = random.normal(size=500), random.integers(0, 20, 500)
    counts = random.integers(0, 3, 20).astype(np.float64)
    fine = DrawnQuantiles(values, place).of(counts).at(0.3)
    monkeypatch.setattr(quantiles, "_COUNTS", 60)
    assert DrawnQuantiles(values, place).of(counts).at(0.3) == fine
