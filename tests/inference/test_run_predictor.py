"""What is written where a network gives no finite number."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from geoml_cli.inference.run_predictor import RunPredictor


def test_what_no_file_can_hold_is_missing_and_not_in_the_area():
    """Of inputs far outside of the trained range a logarithm may turn back to infinity."""
    values = np.array([[1.0, np.inf, -np.inf, 1e300, np.nan, 3.0], [0.5, np.inf, 1.0, 1.0, np.nan, 0.5]])
    samples = SimpleNamespace(inputs={"x": None})
    run = SimpleNamespace(
        ranges=lambda name: None, intervals={}, pipeline=None, applicability=None,
        signature=lambda name: SimpleNamespace(inputs=("x",)),
    )  # fmt: skip
    network = SimpleNamespace(outputs=lambda samples, rows, steps: values)
    found = RunPredictor(run, {"": network}).outputs(samples, np.arange(6))
    expected = np.where(np.isfinite(values) & (values < 1e38), values, np.nan)
    np.testing.assert_array_equal(found, expected)
