"""Scores of maps, from sums over the cells of each map.

Statistics take maps [B, L, y, x] of B forecasts and L lead times and sum over their cells, so that years of large maps
are scored in the memory of a few. A cell without an observation has no weight; sums are weighted by the area of cells
where the caller gives it as weight. Wilks 2019, Statistical Methods in the Atmospheric Sciences, chapter 9.

Legend: B forecasts, L lead times, y, x rows and columns, K sums, H thresholds; o observed, p predicted, w weight,
r reference.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from geoml_cli.metrics.metric import Metric, Statistics, Values, ratio

_CELLS = (-2, -1)
_SIGMA, _RADIUS = 1.5, 5
"""Gaussian window of SSIM: 11 cells wide. Wang et al. 2004, doi:10.1109/TIP.2003.819861, as the following."""
_K1, _K2 = 0.01, 0.03


def errors(o: Values, p: Values, w: Values, r: Values) -> Values:
    """Sum weights, errors, their absolute values and squares, [B, L, 4]."""
    e = p - o
    return np.stack([w.sum(_CELLS), *((w * term).sum(_CELLS) for term in (e, np.abs(e), e * e))], axis=-1)


def anomalies(o: Values, p: Values, w: Values, r: Values) -> Values:
    """Sum products of anomalies from the reference, [B, L, 3]: observed with predicted, and each squared."""
    a, b = o - r, p - r
    return np.stack([(w * term).sum(_CELLS) for term in (a * b, a * a, b * b)], axis=-1)


def mean_square(s: Values) -> Values:
    """Return the mean square error from the sums of `errors`."""
    return ratio(s[..., 3], s[..., 0])


RMSE = Metric("RMSE", "target", "low", errors, lambda s: np.sqrt(mean_square(s)))
"""Root mean square error."""
MAE = Metric("MAE", "target", "low", errors, lambda s: ratio(s[..., 2], s[..., 0]))
"""Mean absolute error."""
BIAS = Metric("bias", "target", "zero", errors, lambda s: ratio(s[..., 1], s[..., 0]))
"""Mean error, predicted minus observed."""
ACC = Metric("ACC", "1", "high", anomalies, lambda s: ratio(s[..., 0], np.sqrt(s[..., 1] * s[..., 2])))
"""Anomaly correlation, uncentred, about the reference; undefined for a forecast of the reference itself."""


SCALED_MSE = Metric("MSE", "1", "low", errors, mean_square)
"""Mean square error of scaled maps."""
SCALED_MAE = Metric("MAE", "1", "low", errors, MAE.value)
"""Mean absolute error of scaled maps."""


def psnr(data_range: float) -> Metric:
    """Return the peak signal-to-noise ratio [dB] over all cells, of maps with a range of values."""

    def value(s: Values) -> Values:
        with np.errstate(divide="ignore"):
            return np.asarray(10 * np.log10(ratio(np.full_like(s[..., 0], data_range**2), mean_square(s))))

    return Metric("PSNR", "1", "high", errors, value)


def ssim(data_range: float) -> Metric:
    """Return the structural similarity, the mean over windows that lie wholly on known cells."""
    statistics = partial(_similarity, data_range=data_range)
    return Metric("SSIM", "1", "high", statistics, lambda s: ratio(s[..., 0], s[..., 1]))


def _similarity(o: Values, p: Values, w: Values, r: Values, *, data_range: float) -> Values:
    """Sum the similarity of windows and their number, [B, L, 2]."""
    inside = (..., slice(_RADIUS, -_RADIUS), slice(_RADIUS, -_RADIUS))
    known = (w > 0).astype(np.float64)
    from scipy import ndimage

    whole = ndimage.minimum_filter(known, size=(1, 1, 2 * _RADIUS + 1, 2 * _RADIUS + 1))[inside]
    # Population moments under the window, as in the paper.
    mean_o, mean_p = _windowed(o), _windowed(p)
    var_o, var_p = _windowed(o * o) - mean_o**2, _windowed(p * p) - mean_p**2
    cov = _windowed(o * p) - mean_o * mean_p
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    similarity = ((2 * mean_o * mean_p + c1) * (2 * cov + c2)) / ((mean_o**2 + mean_p**2 + c1) * (var_o + var_p + c2))
    return np.stack([(similarity[inside] * whole).sum(_CELLS), whole.sum(_CELLS)], axis=-1)


def _windowed(maps: Values) -> Values:
    from scipy import ndimage

    return np.asarray(ndimage.gaussian_filter(maps, sigma=(0, 0, _SIGMA, _SIGMA), truncate=_RADIUS / _SIGMA))


def at_or_above(values: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    """Return where there is an event: 0.7 as maps store it, 0.69999999, is at a threshold of 0.7."""
    return np.asarray(values >= min(threshold, float(np.float32(threshold))))


def contingency(thresholds: tuple[float, ...], pool: int = 1) -> Statistics:
    """Return a function that sums hits, misses, false alarms and correct negatives, [B, L, 4 H].

    Args:
        thresholds: An event is a value at or above it.
        pool: Side of the squares [cells] over which the highest value counts; 1 takes single cells.
    """

    def statistics(o: Values, p: Values, w: Values, r: Values) -> Values:
        if pool > 1:
            o, p, w = _highest(o, w, pool), _highest(p, w, pool), _highest(w, w, pool)
        counts = []
        for threshold in thresholds:
            seen, said = at_or_above(o, threshold), at_or_above(p, threshold)
            counts += [(w * both).sum(_CELLS) for both in (seen & said, seen & ~said, ~seen & said, ~seen & ~said)]
        return np.stack(counts, axis=-1)

    return statistics


def _highest(maps: Values, w: Values, side: int) -> Values:
    """Return the highest known value of each square; 0 where none is known, [B, L, y / side, x / side]."""
    rows, columns = (-(-size // side) for size in maps.shape[-2:])
    padding = [(0, 0), (0, 0), (0, rows * side - maps.shape[-2]), (0, columns * side - maps.shape[-1])]
    values = np.pad(np.where(w > 0, maps, -np.inf), padding, constant_values=-np.inf)
    found = values.reshape(*maps.shape[:2], rows, side, columns, side).max(axis=(3, 5))
    return np.where(np.isfinite(found), found, 0.0)


def event_scores(label: str, statistics: Statistics, place: int) -> tuple[Metric, ...]:
    """Return the scores of one threshold's events: CSI, POD, FAR and HSS.

    Args:
        label: Names the event.
        statistics: From `contingency`; several scores share it.
        place: Of the threshold.
    """

    def of(value: Callable[[Values, Values, Values, Values], Values]) -> Callable[[Values], Values]:
        return lambda s: value(*np.moveaxis(s[..., 4 * place : 4 * place + 4], -1, 0))

    return (
        Metric(f"CSI {label}", "1", "high", statistics, of(critical_success)),
        Metric(f"POD {label}", "1", "high", statistics, of(lambda hit, miss, alarm, none: ratio(hit, hit + miss))),
        Metric(f"FAR {label}", "1", "low", statistics, of(lambda hit, miss, alarm, none: ratio(alarm, hit + alarm))),
        Metric(f"HSS {label}", "1", "high", statistics, of(heidke)),
    )


def critical_success(hit: Values, miss: Values, alarm: Values, none: Values) -> Values:
    """Critical success index; undefined where the event is neither observed nor predicted."""
    return ratio(hit, hit + miss + alarm)


def heidke(hit: Values, miss: Values, alarm: Values, none: Values) -> Values:
    """Heidke skill score."""
    chance = (hit + miss) * (miss + none) + (hit + alarm) * (alarm + none)
    return ratio(2 * (hit * none - miss * alarm), chance)


def mean_csi(name: str, thresholds: tuple[float, ...], pool: int = 1) -> Metric:
    """Return the mean of the CSI over thresholds that define it."""

    def value(s: Values) -> Values:
        each = critical_success(*np.moveaxis(s.reshape(*s.shape[:-1], len(thresholds), 4), -1, 0))
        defined = np.isfinite(each)
        return ratio(np.where(defined, each, 0.0).sum(-1), defined.sum(-1).astype(np.float64))

    return Metric(name, "1", "high", contingency(thresholds, pool), value)


def fractions_skill(threshold: float, side: int) -> Metric:
    """Return the fractions skill score of events in squares; fractions are of the known area of a square.

    Roberts and Lean 2008, doi:10.1175/2007MWR2123.1.
    """

    def statistics(o: Values, p: Values, w: Values, r: Values) -> Values:
        weight = _box(w, side)
        seen, said = (ratio(_box(w * at_or_above(maps, threshold), side), weight) for maps in (o, p))
        known = w > 0
        terms = ((seen - said) ** 2, seen**2 + said**2)
        return np.stack([np.where(known, w * term, 0.0).sum(_CELLS) for term in terms], axis=-1)

    return Metric(
        f"FSS {threshold:g}, squares of {side}", "1", "high", statistics, lambda s: 1 - ratio(s[..., 0], s[..., 1])
    )


def _box(maps: Values, side: int) -> Values:
    from scipy import ndimage

    return np.asarray(ndimage.uniform_filter(maps, size=(1, 1, side, side), mode="constant"))
