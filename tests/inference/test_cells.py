"""The grid that coordinates lie on, exact or written with few decimals."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.inference.inputs.cells import _fit

COARSE = [(0.25, 100.125), (0.5, -20.25), (1.0, -89.5), (0.3, 5.1)]
FINE = [*COARSE, (0.125, 7.0625), (0.1, 33.35)]


@pytest.mark.parametrize(
    ("decimals", "side", "first"), [(2, *grid) for grid in COARSE] + [(n, *grid) for n in (4, 6) for grid in FINE]
)
def test_a_grid_is_found_from_rounded_centres_of_which_some_are_missing(decimals, side, first):
    centres = np.delete(first + side * np.arange(60), [3, 4, 17, 40])
    assert _fit(np.round(centres, decimals)) == pytest.approx((first, side), abs=1e-6)


def test_a_spacing_near_a_round_one_is_not_rounded():
    # 0.2489 degrees for 400 columns: by 0.25 the last would lie two cells off.
    centres = np.round(0.1 + 0.2489 * np.arange(400), 2)
    first, side = _fit(centres)
    assert side == pytest.approx(0.2489, rel=1e-4) and first == pytest.approx(0.1, abs=5e-3)
