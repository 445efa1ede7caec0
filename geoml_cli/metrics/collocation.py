"""Triple collocation: the errors of three series of one quantity, none of which is taken for the truth.

Stoffelen 1998, doi:10.1029/97JC03180; in covariances, and with the signal-to-noise ratio, Gruber et al. 2016,
doi:10.1016/j.jag.2015.09.002, equations 5 to 9; the correlation with the truth, McColl et al. 2014,
doi:10.1002/2014GL061322.

Legend: N rows; C covariance, i one of the three series, j and k the others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geoml_cli.metrics.metric import Values

_OTHERS = ((1, 2), (0, 2), (0, 1))


class TripleCollocation(NamedTuple):
    """What three series say of one another; NaN where they do not define it.

    Attributes:
        error_std: Standard deviation of each series' random error, scaled to the first series [its unit], [3].
        correlation: Of each series with the unknown truth [1], [3].
        snr: Signal-to-noise ratio: variance of the truth in each series by that of its error [dB], [3].
    """

    error_std: Values
    correlation: Values
    snr: Values


def triple_collocation(first_N: Values, second_N: Values, third_N: Values) -> TripleCollocation:
    """Estimate the errors of three series of the same rows.

    Assumes that each is linear in the truth, with an error that depends neither on the truth nor on the errors of the
    other two. All is NaN where two series do not increase together; a series is NaN where its error's variance comes
    out negative, as happens where rows are few or errors are not independent.

    Args:
        first_N: To whose unit and range errors are scaled; no NaN.
        second_N: Likewise of the same quantity, in any linear unit; no NaN.
        third_N: Likewise.
    """
    undefined = np.full(3, np.nan)
    if len(first_N) < 2:
        return TripleCollocation(undefined, undefined, undefined)
    covariance = np.cov(np.stack([first_N, second_N, third_N]).astype(np.float64))
    if min(covariance[0, 1], covariance[0, 2], covariance[1, 2]) <= 0:
        return TripleCollocation(undefined, undefined, undefined)
    signal = np.array([covariance[i, j] * covariance[i, k] / covariance[j, k] for i, (j, k) in enumerate(_OTHERS)])
    noise = np.diag(covariance) - signal
    noise = np.where(noise >= 0, noise, np.nan)
    # Series are scaled by the ratio of their signals.
    scale = np.sqrt(signal[0] / signal)
    with np.errstate(divide="ignore"):
        snr = 10 * np.log10(signal / noise)
    return TripleCollocation(np.sqrt(noise) * scale, np.sqrt(signal / (signal + noise)), snr)
