"""Scores of a classification, each a function of (observed class, predicted class), both whole numbers, [N].

A score that the values do not define is NaN, and its docstring says when. An empty input, a NaN or lengths that differ
raise ValueError.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.metrics.regression import Values, checked

Counts = NDArray[np.int64]


def accuracy(observed_N: Values, predicted_N: Values) -> float:
    """Share of rows given the right class [1], best 1; overall accuracy in remote sensing."""
    counts = confusion(observed_N, predicted_N)
    return float(np.trace(counts) / counts.sum())


def balanced_accuracy(observed_N: Values, predicted_N: Values) -> float:
    """Mean over the observed classes of the share that is found [1], best 1; producer's accuracies averaged."""
    counts = confusion(observed_N, predicted_N)
    seen = counts.sum(axis=1) > 0
    return float(np.mean(np.diag(counts)[seen] / counts.sum(axis=1)[seen]))


def macro_f1(observed_N: Values, predicted_N: Values) -> float:
    """Mean of the F1 scores of all classes that are observed or predicted [1], best 1."""
    counts = confusion(observed_N, predicted_N)
    return float(np.mean(2 * np.diag(counts) / (counts.sum(axis=0) + counts.sum(axis=1))))


def kappa(observed_N: Values, predicted_N: Values) -> float:
    """Agreement beyond chance (p_o - p_e) / (1 - p_e) [1], best 1, chance 0.

    Cohen 1960, doi:10.1177/001316446002000104. NaN where one class is all that is observed and predicted.
    """
    counts = confusion(observed_N, predicted_N)
    total = counts.sum()
    chance = float((counts.sum(axis=0) @ counts.sum(axis=1)) / total**2)
    return float((np.trace(counts) / total - chance) / (1 - chance)) if chance < 1 else float("nan")


def confusion(observed_N: Values, predicted_N: Values) -> Counts:
    """Count rows by observed class (rows) and predicted class (columns), over the classes that occur, ascending."""
    observed, predicted = checked(observed_N, predicted_N)
    names, place = np.unique(np.concatenate([observed, predicted]), return_inverse=True)
    seen, told = np.split(place.reshape(-1), [len(observed)])
    counts = np.bincount(seen * len(names) + told, minlength=len(names) ** 2)
    return counts.reshape(len(names), len(names)).astype(np.int64)
