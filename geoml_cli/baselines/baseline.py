"""The contract a baseline fills, and the way to find one: every other module of this folder is a baseline.

A baseline module holds a flat record `BASELINE`; `random_forest.py` is called `random-forest`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError

JOBS = 2
"""Threads a forest uses: what the smallest machine we promise to run on has."""

Table = NDArray[np.float32]
Values = NDArray[np.float64]
Fit = Callable[[Table, Values, Table, int], Values]


@dataclass(frozen=True)
class Baseline:
    """A way of predicting that a network has to beat.

    Attributes:
        summary: One line for the report.
        fit: Fits on (features [N, F], target [N]) and predicts (features [M, F]), given a seed: [M] in the
            target's unit. The same arguments give the same values. None where it gives no values.
        classify: Likewise, on a target of 0 and 1: gives probabilities. None where it gives none.
        columns: The features it takes, by name, in order; empty takes all.
    """

    summary: str
    fit: Fit | None
    classify: Fit | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """What every baseline is given: the rows the network was trained on, and those it is judged on.

    Attributes:
        train_NF: Features of the training rows, physical units.
        target_N: Their target, transformed as the network's is.
        test_MF: Features of the rows to predict.
        names: Names of the F features.
    """

    train_NF: Table
    target_N: Values
    test_MF: Table
    names: list[str]


def baselines() -> list[str]:
    """Name the baselines found in this folder."""
    modules = Path(__file__).parent.glob("[!_]*.py")
    return sorted(path.stem.replace("_", "-") for path in modules if path.stem != Path(__file__).stem)


def baseline(name: str) -> Baseline:
    """Return a baseline's record; `name` is one of `baselines()`."""
    found: Baseline = importlib.import_module(f"{__package__}.{name.replace('-', '_')}").BASELINE
    return found


def predictions(name: str, rows: Rows, seed: int) -> Values:
    """Fit a baseline and predict, [M] in the transformed target's unit.

    Missing features are refused, not filled: networks do not take them either, and a baseline that saw a
    filling of its own would be compared on other data.

    Raises:
        DataError: A feature is missing or infinite, with its name.
    """
    fit = baseline(name).fit
    assert fit is not None, f"{name} gives no values"
    return _fitted(name, fit, rows, seed)


def probabilities(name: str, rows: Rows, seed: int) -> Values:
    """Fit a baseline on a target of 0 and 1 and predict probabilities, [M]; errors as for `predictions`."""
    classify = baseline(name).classify
    assert classify is not None, f"{name} gives no probabilities"
    return np.clip(_fitted(name, classify, rows, seed), 0.0, 1.0)


def _fitted(name: str, fit: Fit, rows: Rows, seed: int) -> Values:
    columns = baseline(name).columns
    if columns:
        rows = _chosen(name, columns, rows)
    refuse_missing(rows)
    return np.asarray(fit(rows.train_NF, rows.target_N, rows.test_MF, seed), dtype=np.float64)


def _chosen(name: str, columns: tuple[str, ...], rows: Rows) -> Rows:
    lacking = [column for column in columns if column not in rows.names]
    if lacking:
        raise DataError(
            f"{name} needs {', '.join(columns)}; this model's covariates have no {lacking[0]}.",
            where="[evaluate] baselines",
            fix="Leave it out with --set evaluate.baselines.",
        )
    places = [rows.names.index(column) for column in columns]
    return Rows(rows.train_NF[:, places], rows.target_N, rows.test_MF[:, places], list(columns))


def refuse_missing(rows: Rows) -> None:
    """Raise DataError where a feature is NaN or infinite."""
    bad_F = sum((~np.isfinite(table)).sum(axis=0) for table in (rows.train_NF, rows.test_MF))
    missing = {name: int(count) for name, count in zip(rows.names, np.atleast_1d(bad_F), strict=True) if count}
    if missing:
        worst = max(missing, key=lambda name: missing[name])
        raise DataError(
            f"{sum(missing.values())} values of {len(missing)} covariates are missing or infinite, "
            f"{missing[worst]} of them in {worst!r}.",
            where="baselines",
            fix="Prepare the data set again without these samples, or use --set evaluate.baselines=[].",
        )
