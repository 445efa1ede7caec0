"""Windows of a block are the same as windows that were cut out, whatever is asked of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from geoml_cli.samples.patches import Patches
from geoml_cli.samples.samples import Input, Samples, Target
from geoml_cli.samples.summaries import summaries

SIDE = 5


@pytest.fixture
def patches() -> Patches:
    random = np.random.default_rng(1)
    block = random.normal(280, 5, (3, 17, 23)).astype(np.float32)
    block[:, 9, 11] = np.nan
    known = np.ones((13, 19), dtype=bool)
    known[5:10, 7:12] = False
    known &= random.random(known.shape) < 0.7
    known[2] = False  # a row of windows of which none is wanted
    return Patches(block, *np.nonzero(known), SIDE)


def cut(patches: Patches) -> np.ndarray:
    places = zip(patches.rows, patches.columns, strict=True)
    return np.stack([patches.block[:, row : row + SIDE, column : column + SIDE] for row, column in places])


def test_windows_are_those_of_the_block(patches):
    windows = cut(patches)
    assert patches.shape == windows.shape and len(patches) == len(windows)
    np.testing.assert_array_equal(np.asarray(patches), windows)
    rows = np.array([7, 0, 7, 31])
    np.testing.assert_array_equal(patches[rows], windows[rows])
    np.testing.assert_array_equal(patches[2:9], windows[2:9])
    np.testing.assert_array_equal(patches[:, :, 2, 2], windows[:, :, 2, 2])
    np.testing.assert_array_equal(patches[rows, 1], windows[rows, 1])
    np.testing.assert_array_equal(patches.gatherer()(torch.from_numpy(rows)).numpy(), windows[rows])


@pytest.mark.parametrize("size", [1, 40, 10_000])
def test_strips_hold_every_sample_once(patches, size):
    windows, random = cut(patches), np.random.default_rng(2)
    rows = random.permutation(len(patches))[:90]
    seen = np.zeros(len(rows), dtype=int)
    for strip in patches.strips(rows, size):
        width = strip.block.shape[2] - SIDE + 1
        assert (strip.block.shape[1] - SIDE + 1) * width <= max(size, width)
        again = Patches(strip.block, *np.divmod(strip.windows, width), SIDE)
        np.testing.assert_array_equal(again[:], windows[rows[strip.places]])
        seen[strip.places] += 1
        repeats = np.zeros(strip.block.shape[1:], dtype=int)
        for row, column in zip(again.rows, again.columns, strict=True):
            repeats[row : row + SIDE, column : column + SIDE] += 1
        np.testing.assert_array_equal(strip.repeats(SIDE), repeats)
    assert (seen == 1).all()


def test_summaries_are_those_of_the_windows(patches):
    patches.block[1, 10:] = 273.15  # which no float32 holds, so that a difference of squares would leave a spread
    rows = np.arange(3, len(patches))
    names = ("a", "b", "c")
    found, expected = (
        summaries(Samples({"static": Input(values, axis=1, names=names)}, Target("x", "1")), rows)
        for values in (patches, cut(patches))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    level = patches.rows[rows] >= 10
    assert level.any() and (found[level, 4] == 0).all()
