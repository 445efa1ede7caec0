"""Intervals of a network and four baselines: sums per group compared with resampled rows.

Both draw the same groups and give the same intervals. Resampling rows is what `scipy.stats.bootstrap` and a plain loop
do; it is timed on a few draws and counted up.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from benchmarks import _table
from geoml_cli.metrics.intervals import Bootstrap
from geoml_cli.metrics.regression import BIAS, CCC, MAE, PEARSON, R2, RMSE, RPIQ
from geoml_cli.metrics.sums import GroupedRows

Values = NDArray[np.float64]
METRICS = (RMSE, MAE, R2, BIAS, CCC, PEARSON, RPIQ)
MODELS = ("network", "mean", "ridge", "random-forest", "gradient-boosting")


def synthetic(rows: int, groups: int) -> tuple[Values, NDArray[np.int64], dict[str, Values]]:
    """Return observations, their groups, and predictions of every model."""
    random = np.random.default_rng(1)
    observed = random.gamma(2.0, 10.0, rows)
    predicted = {name: observed + random.normal(0, 3 + place, rows) for place, name in enumerate(MODELS)}
    return observed, random.integers(0, groups, rows), predicted


def from_sums(rows: GroupedRows, predicted: dict[str, Values], draws: int) -> tuple[float, dict[str, Values]]:
    """Return seconds, and the scores of every draw by model, [draws, metrics]."""
    started = time.perf_counter()
    found = rows.score(predicted, METRICS, Bootstrap(draws))
    return time.perf_counter() - started, {name: drawn.drawn_DM for name, drawn in found.items()}


def from_rows(rows: GroupedRows, predicted: dict[str, Values], draws: int) -> tuple[float, dict[str, Values]]:
    """Return seconds and scores likewise, by scoring the rows of each draw."""
    members = np.split(rows.order_N, np.searchsorted(rows.place_N[rows.order_N], np.arange(1, rows.groups)))
    generator = np.random.default_rng(Bootstrap().seed)
    started = time.perf_counter()
    found: dict[str, list[list[float]]] = {name: [] for name in predicted}
    for _ in range(draws):
        chosen = np.concatenate([members[group] for group in generator.integers(rows.groups, size=rows.groups)])
        for name, values in predicted.items():
            found[name].append(_scores(rows.observed_N[chosen], values[chosen]))
    return time.perf_counter() - started, {name: np.array(scores) for name, scores in found.items()}


def _scores(observed: Values, predicted: Values) -> list[float]:
    """Score rows with scikit-learn and NumPy, in the order of METRICS."""
    error = predicted - observed
    covariance = np.cov(observed, predicted, ddof=0)
    concordance = 2 * covariance[0, 1] / (covariance[0, 0] + covariance[1, 1] + error.mean() ** 2)
    rmse = float(np.sqrt(np.mean(error**2)))
    lower, upper = np.quantile(observed, [0.25, 0.75])
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    r2 = sk.r2_score(observed, predicted)
    return [
        rmse,
        float(np.mean(np.abs(error))),
        r2,
        float(error.mean()),
        concordance,
        correlation,
        (upper - lower) / rmse,
    ]


def main(arguments: Sequence[str] = ()) -> int:
    """Time both and print the ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scoring", description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--groups", type=int, default=2_000)
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--resampled", type=int, default=5, help="draws that resampled rows are timed on")
    asked = parser.parse_args(arguments)
    observed, groups, predicted = synthetic(asked.rows, asked.groups)
    rows = GroupedRows(observed, groups)
    ours, drawn = from_sums(rows, predicted, asked.draws)
    few, expected = from_rows(rows, predicted, asked.resampled)
    for name, scores in expected.items():
        np.testing.assert_allclose(drawn[name][: len(scores)], scores, rtol=1e-8)
    theirs = few / asked.resampled * asked.draws
    table = [("sums per group", ours), ("resampled rows, counted up", theirs)]
    title = f"{asked.draws:,} draws of {asked.rows:,} rows, {len(METRICS)} scores, {len(MODELS)} models"
    _table.show(title, ("intervals", "seconds"), table)
    _table.ratio("sums to resampled rows", theirs / ours)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
