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
        choose: Likewise, on a target of numbers of classes: gives such numbers. None where it gives none.
        of_classes: Whether it takes the columns that name a class of each row, and only those; others take the rest.
    """

    summary: str
    fit: Fit | None
    classify: Fit | None = None
    choose: Fit | None = None
    of_classes: bool = False


CLASS = "class of "
"""How columns of features begin that number the class of a row, such as its station or month, from the coarsest on."""


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


def way(name: str, judged: str) -> Fit | None:
    """Return how a baseline gives what is judged, `values`, `probabilities` or `classes`; None where it does not."""
    held = baseline(name)
    return {"values": held.fit, "probabilities": held.classify, "classes": held.choose}[judged]


def predictions(name: str, rows: Rows, judged: str, seed: int) -> Values:
    """Fit a baseline and predict, [M]: values in the transformed target's unit, probabilities, or numbers of classes.

    Missing features are refused, not filled: networks do not take them either, and a baseline that saw a
    filling of its own would be compared on other data.

    Raises:
        DataError: A feature is missing or infinite, with its name.
    """
    fit = way(name, judged)
    assert fit is not None, f"{name} gives no {judged}"
    rows = _chosen(name, rows)
    refuse_missing(rows)
    found = np.asarray(fit(rows.train_NF, rows.target_N, rows.test_MF, seed), dtype=np.float64)
    return np.clip(found, 0.0, 1.0) if judged == "probabilities" else found


def _chosen(name: str, rows: Rows) -> Rows:
    of_classes = baseline(name).of_classes
    places = [place for place, column in enumerate(rows.names) if column.startswith(CLASS) == of_classes]
    if not places:
        raise DataError(
            f"{name} needs classes of rows, such as station or month; this model names none.",
            where="[evaluate] baselines",
            fix="Leave it out with --set evaluate.baselines.",
        )
    names = [rows.names[place] for place in places]
    return Rows(rows.train_NF[:, places], rows.target_N, rows.test_MF[:, places], names)


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
