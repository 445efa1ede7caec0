"""Blocks of start times: each as long as a window at least, whatever the first one is."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.evaluation.inputs import _whole_blocks


@pytest.mark.parametrize("phase", [0, 5, 184])
@pytest.mark.parametrize(
    ("starts", "length", "sizes"),
    [(9, 12, [9]), (12, 12, [12]), (14, 6, [6, 8]), (44, 6, [6] * 6 + [8]), (1, 6, [1]), (54, 6, [6] * 9)],
)
def test_what_is_left_is_of_the_last_block(phase: int, starts: int, length: int, sizes: list[int]) -> None:
    first = np.arange(phase, phase + starts)
    assert np.bincount(_whole_blocks(first, length)).tolist() == sizes
    shuffled = np.random.default_rng(1).permutation(first)
    np.testing.assert_array_equal(_whole_blocks(shuffled, length), _whole_blocks(first, length)[shuffled - phase])


def test_stretches_apart_have_blocks_of_their_own() -> None:
    first = np.array([3, 4, 5, 6, 7, 20, 21, 22, 23, 24, 25, 26, 27, 40])
    assert _whole_blocks(first, 4).tolist() == [0] * 5 + [1] * 4 + [2] * 4 + [3]
    assert _whole_blocks(np.arange(0, 60, 12), 12).tolist() == [0, 1, 2, 3, 4]
