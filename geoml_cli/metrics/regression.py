"""Scores of a regression, from sums of moments about a reference.

All are computed in float64. A score that the sums do not define is NaN, and its docstring says when. Variances are
sums of squares minus a squared sum, both of deviations from the reference (the mean of all observations): a group
whose variance is below the rounding of that difference counts as constant.

Legend: N rows, K moments; o observed, p predicted, r reference, e = p - o.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.metrics.metric import Metric, Values, ratio
from geoml_cli.metrics.quantiles import DrawnQuantiles

Index = NDArray[np.int64]

_ROUNDING = 1e-13
"""Share of a sum of squares below which a variance is rounding: some hundred units in the last place."""


class Moments(NamedTuple):
    """Sums over rows; `o` and `p` are deviations from the reference."""

    rows: Values
    reference: Values
    o: Values
    p: Values
    oo: Values
    pp: Values
    op: Values
    absolute: Values
    square: Values

    @property
    def o_mean(self) -> Values:
        """Return the mean observation."""
        return np.asarray((self.reference + self.o) / self.rows)

    @property
    def p_mean(self) -> Values:
        """Return the mean prediction."""
        return np.asarray((self.reference + self.p) / self.rows)

    @property
    def o_variance(self) -> Values:
        """Return the population variance of the observations; 0 where they are constant."""
        return _variance(self.rows, self.o, self.oo)

    @property
    def p_variance(self) -> Values:
        """Return the population variance of the predictions; 0 where they are constant."""
        return _variance(self.rows, self.p, self.pp)

    @property
    def covariance(self) -> Values:
        """Return the population covariance; 0 where observations or predictions are constant."""
        varies = (self.o_variance > 0) & (self.p_variance > 0)
        found = self.op / self.rows - (self.o / self.rows) * (self.p / self.rows)
        return np.asarray(np.where(varies, found, 0.0))


def moments(observed_N: Values, predicted_N: Values, weight_N: Values, reference_N: Values) -> Values:
    """Return what each row adds to the moments, shape [N, 9] in the order of `Moments`."""
    o, p, error = observed_N - reference_N, predicted_N - reference_N, predicted_N - observed_N
    columns = (np.ones_like(o), reference_N, o, p, o * o, p * p, o * p, np.abs(error), error * error)
    found = np.stack(columns, axis=-1)
    found *= weight_N[..., None]
    return found


def _variance(rows: Values, first: Values, second: Values) -> Values:
    mean_square = second / rows
    variance = mean_square - (first / rows) ** 2
    return np.asarray(np.where(variance > _ROUNDING * mean_square, variance, 0.0))


def _of(score: Callable[[Moments], Values]) -> Callable[[Values], Values]:
    """Read sums [..., K] as moments."""

    def value(sums: Values) -> Values:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(score(Moments(*np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0))))

    value.__doc__ = score.__doc__
    return value


def _rmse(m: Moments) -> Values:
    """Root mean square error sqrt(mean((p - o)^2)) [unit of the target], best 0."""
    return np.sqrt(m.square / m.rows)


def _mae(m: Moments) -> Values:
    """Mean absolute error mean(|p - o|) [unit of the target], best 0."""
    return m.absolute / m.rows


def _bias(m: Moments) -> Values:
    """Mean error mean(p - o) [unit of the target], best 0; positive where predictions are too high."""
    return (m.p - m.o) / m.rows


def _ubrmse(m: Moments) -> Values:
    """Unbiased root mean square error [unit of the target], best 0.

    sqrt(mean(((p - mean p) - (o - mean o))^2)), so that RMSE^2 = bias^2 + ubRMSE^2. Entekhabi et al. 2010,
    doi:10.1175/2010JHM1223.1. A single sample gives 0.
    """
    return np.sqrt(_variance(m.rows, m.p - m.o, m.square))


def _r2(m: Moments) -> Values:
    """Coefficient of determination 1 - SSE / SST [1], best 1, negative where the mean would do better.

    Not the square of a correlation: it falls with bias. Kvalseth 1985, doi:10.1080/00031305.1985.10479448,
    eq. 1. NaN for a single sample or constant observations: there is no variance to explain.
    """
    return 1 - ratio(m.square / m.rows, m.o_variance)


def _pearson(m: Moments) -> Values:
    """Pearson's correlation r = cov(o, p) / (sd(o) sd(p)) [1], best 1.

    NaN for a single sample, constant observations or constant predictions.
    """
    return np.asarray(np.clip(ratio(m.covariance, np.sqrt(m.o_variance) * np.sqrt(m.p_variance)), -1.0, 1.0))


def _ccc(m: Moments) -> Values:
    """Lin's concordance correlation coefficient [1], best 1.

    2 cov(o, p) / (var(o) + var(p) + (mean o - mean p)^2), moments divided by N. Lin 1989,
    doi:10.2307/2532051. NaN for a single sample or constant observations.
    """
    spread = m.o_variance + m.p_variance + _bias(m) ** 2
    return np.asarray(np.where(m.o_variance > 0, ratio(2 * m.covariance, spread), np.nan))


def _kge(m: Moments) -> Values:
    """Kling-Gupta efficiency 1 - sqrt((r - 1)^2 + (alpha - 1)^2 + (beta - 1)^2) [1], best 1.

    alpha = sd(p) / sd(o), beta = mean(p) / mean(o). Gupta et al. 2009, doi:10.1016/j.jhydrol.2009.08.003,
    eq. 9. NaN for a single sample, constant observations or predictions, or observations whose mean is 0.
    """
    alpha = np.sqrt(ratio(m.p_variance, m.o_variance))
    size = np.abs(m.reference / m.rows) + np.sqrt(m.oo / m.rows)
    mean = np.where(np.abs(m.o_mean) > _ROUNDING * size, m.o_mean, 0.0)
    return np.asarray(1 - np.sqrt((_pearson(m) - 1) ** 2 + (alpha - 1) ** 2 + (ratio(m.p_mean, mean) - 1) ** 2))


def _rpiq(observed_N: Values, predicted_N: Values, place_N: Index) -> Callable[[Values], Values]:
    """Ratio of performance to interquartile distance (Q3 - Q1) / RMSE [1], the higher the better.

    Bellon-Maurel et al. 2010, doi:10.1016/j.trac.2010.05.006; quartiles of the observations,
    interpolated linearly. NaN for a single sample, constant observations, or predictions without any error.
    """
    square_G = np.bincount(place_N, weights=(predicted_N - observed_N) ** 2)
    quantiles = DrawnQuantiles(observed_N, place_N)

    def scored(count_G: Values) -> float:
        drawn = quantiles.of(count_G)
        error = np.sqrt(float(count_G @ square_G) / drawn.rows)
        if drawn.at(0.0) == drawn.at(1.0) or error == 0:
            return float("nan")
        return float((drawn.at(0.75) - drawn.at(0.25)) / error)

    return lambda count_DG: np.array([scored(count_G) for count_G in count_DG])


RMSE = Metric("RMSE", "target", "low", moments, _of(_rmse))
MAE = Metric("MAE", "target", "low", moments, _of(_mae))
BIAS = Metric("bias", "target", "zero", moments, _of(_bias))
UBRMSE = Metric("ubRMSE", "target", "low", moments, _of(_ubrmse))
R2 = Metric("R2", "1", "high", moments, _of(_r2))
NSE = Metric("NSE", "1", "high", moments, _of(_r2))
"""Nash-Sutcliffe efficiency, Nash and Sutcliffe 1970, doi:10.1016/0022-1694(70)90255-6: R2 as hydrology calls it."""
PEARSON = Metric("R", "1", "high", moments, _of(_pearson))
CCC = Metric("CCC", "1", "high", moments, _of(_ccc))
KGE = Metric("KGE", "1", "high", moments, _of(_kge))
RPIQ = Metric("RPIQ", "1", "high", None, of_rows=_rpiq)
