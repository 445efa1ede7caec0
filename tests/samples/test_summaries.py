"""Summaries of inputs: means and spreads of windows, and inputs that all samples of a map share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geoml_cli.samples.samples import Input, Samples, Target
from geoml_cli.samples.summaries import summaries, summary_names


def test_an_input_that_is_shared_is_summed_up_like_one_repeated_for_every_sample():
    random = np.random.default_rng(1)
    window, place = random.normal(size=(1, 6, 2)), random.normal(size=(5, 3))
    own = Input(place, axis=1, names=("a", "b", "c"))
    shared = Input(window, axis=2, names=("x", "y"), shared=True)
    repeated = replace(shared, values=np.repeat(window, 5, axis=0), shared=False)
    rows = np.array([0, 3, 4])
    each = [Samples({"own": own, "series": item}, Target("t", "1")) for item in (shared, repeated)]
    np.testing.assert_array_equal(*(summaries(samples, rows) for samples in each))
    assert summary_names(each[0]) == summary_names(each[1])
    expected = np.concatenate([place[3], window[0].mean(axis=0), window[0].std(axis=0)])
    np.testing.assert_allclose(summaries(each[0], rows)[1], expected)
