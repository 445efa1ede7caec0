"""Scores of a regression, each a function of (observed, predicted), both [N] in the target's unit.

All are computed in float64. A score that the values do not define is NaN, and its docstring says when. An
empty input, a NaN, an infinity or lengths that differ raise ValueError: rows without an observation are the
caller's to leave out and to count.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Metric = Callable[[Values, Values], float]


def rmse(observed_N: Values, predicted_N: Values) -> float:
    """Root mean square error sqrt(mean((p - o)^2)) [unit of the target], best 0."""
    observed, predicted = checked(observed_N, predicted_N)
    return float(np.sqrt(np.mean((predicted - observed) ** 2)))


def mae(observed_N: Values, predicted_N: Values) -> float:
    """Mean absolute error mean(|p - o|) [unit of the target], best 0."""
    observed, predicted = checked(observed_N, predicted_N)
    return float(np.mean(np.abs(predicted - observed)))


def bias(observed_N: Values, predicted_N: Values) -> float:
    """Mean error mean(p - o) [unit of the target], best 0; positive where predictions are too high."""
    observed, predicted = checked(observed_N, predicted_N)
    return float(np.mean(predicted - observed))


def ubrmse(observed_N: Values, predicted_N: Values) -> float:
    """Unbiased root mean square error [unit of the target], best 0.

    sqrt(mean(((p - mean p) - (o - mean o))^2)), so that RMSE^2 = bias^2 + ubRMSE^2. Entekhabi et al. 2010,
    doi:10.1175/2010JHM1223.1. A single sample gives 0.
    """
    observed, predicted = checked(observed_N, predicted_N)
    return float(np.std(predicted - observed))


def r2(observed_N: Values, predicted_N: Values) -> float:
    """Coefficient of determination 1 - SSE / SST [1], best 1, negative where the mean would do better.

    Not the square of a correlation: it falls with bias. Kvalseth 1985, doi:10.1080/00031305.1985.10479448,
    eq. 1. NaN for a single sample or constant observations: there is no variance to explain.
    """
    observed, predicted = checked(observed_N, predicted_N)
    if _constant(observed):
        return float("nan")
    return _ratio_to_one(np.sum((predicted - observed) ** 2), np.sum((observed - observed.mean()) ** 2))


def nse(observed_N: Values, predicted_N: Values) -> float:
    """Nash-Sutcliffe efficiency 1 - sum((o - p)^2) / sum((o - mean o)^2) [1], best 1.

    Nash and Sutcliffe 1970, doi:10.1016/0022-1694(70)90255-6. The same formula as `r2`, under the name that
    hydrology uses; NaN in the same cases.
    """
    return r2(observed_N, predicted_N)


def pearson(observed_N: Values, predicted_N: Values) -> float:
    """Pearson's correlation r = cov(o, p) / (sd(o) sd(p)) [1], best 1.

    NaN for a single sample, constant observations or constant predictions.
    """
    observed, predicted = checked(observed_N, predicted_N)
    if _constant(observed) or _constant(predicted):
        return float("nan")
    return float(np.clip(np.dot(_direction(observed), _direction(predicted)), -1.0, 1.0))


def ccc(observed_N: Values, predicted_N: Values) -> float:
    """Lin's concordance correlation coefficient [1], best 1.

    2 cov(o, p) / (var(o) + var(p) + (mean o - mean p)^2), moments divided by N. Lin 1989,
    doi:10.2307/2532051. NaN for a single sample or constant observations.
    """
    observed, predicted = checked(observed_N, predicted_N)
    if _constant(observed):
        return float("nan")
    covariance = np.mean((observed - observed.mean()) * (predicted - predicted.mean()))
    spread = observed.var() + predicted.var() + (observed.mean() - predicted.mean()) ** 2
    return float(2 * covariance / spread) if spread > 0 else float("nan")


def rpiq(observed_N: Values, predicted_N: Values) -> float:
    """Ratio of performance to interquartile distance (Q3 - Q1) / RMSE [1], the higher the better.

    Bellon-Maurel et al. 2010, doi:10.1016/j.trac.2010.05.006; quartiles of the observations,
    interpolated linearly. NaN for a single sample, constant observations, or predictions without any error.
    """
    observed, predicted = checked(observed_N, predicted_N)
    error = rmse(observed, predicted)
    if _constant(observed) or error == 0:
        return float("nan")
    lower, upper = np.quantile(observed, [0.25, 0.75])
    return float((upper - lower) / error)


def kge(observed_N: Values, predicted_N: Values) -> float:
    """Kling-Gupta efficiency 1 - sqrt((r - 1)^2 + (alpha - 1)^2 + (beta - 1)^2) [1], best 1.

    alpha = sd(p) / sd(o), beta = mean(p) / mean(o). Gupta et al. 2009, doi:10.1016/j.jhydrol.2009.08.003,
    eq. 9. NaN for a single sample, constant observations or predictions, or observations whose mean is 0.
    """
    observed, predicted = checked(observed_N, predicted_N)
    correlation = pearson(observed, predicted)
    if np.isnan(correlation) or observed.mean() == 0:
        return float("nan")
    alpha = predicted.std() / observed.std()
    beta = predicted.mean() / observed.mean()
    return float(1 - np.sqrt((correlation - 1) ** 2 + (alpha - 1) ** 2 + (beta - 1) ** 2))


def unit_of(metric: Metric, target_unit: str) -> str:
    """Return the unit of a score: the target's for errors, "1" for ratios."""
    return target_unit if metric in (rmse, mae, bias, ubrmse) else "1"


def checked(observed_N: Values, predicted_N: Values) -> tuple[Values, Values]:
    """Refuse what no score is defined for; see the top of the file."""
    observed = np.asarray(observed_N, dtype=np.float64)
    predicted = np.asarray(predicted_N, dtype=np.float64)
    if observed.ndim != 1 or observed.shape != predicted.shape:
        shapes = f"observed {observed.shape} and predicted {predicted.shape}"
        raise ValueError(f"{shapes} must be [N], of one length")
    if observed.size == 0:
        raise ValueError("a score needs at least one sample")
    if not (np.isfinite(observed).all() and np.isfinite(predicted).all()):
        raise ValueError("observed and predicted must be finite; leave out rows without an observation")
    return observed, predicted


def _constant(values: Values) -> bool:
    # Not a variance of 0: the mean of equal floats need not be that float.
    return bool(values.min() == values.max())


def _direction(values: Values) -> Values:
    # Divided by the largest deviation first, so that squares neither overflow nor vanish.
    deviation = values - values.mean()
    deviation = deviation / np.abs(deviation).max()
    return np.asarray(deviation / np.linalg.norm(deviation), dtype=np.float64)


def _ratio_to_one(errors: np.float64, spread: np.float64) -> float:
    return float(1 - errors / spread) if spread > 0 else float("nan")
